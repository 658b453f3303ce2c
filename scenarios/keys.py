"""Key paths: how messages write them and `--set` reads them.

Keys stand between dots, a list's items are numbered from 0: `endpoints.rules.0.carrier`. A key
that holds dots or equals signs stands in quotes, or keeps them within braces:
`thresholds.packet_loss{access=4g}`, `thresholds."odd.key"`.
"""

import re
from collections.abc import Sequence

Key = str | int
KeyPath = tuple[Key, ...]

_BARE = r"(?:\{[^{}]*\}|[^.={}\"'])+"
_KEY = re.compile(rf"\"([^\"]*)\"|'([^']*)'|({_BARE})")


def format_path(path: Sequence[Key]) -> str:
    """``path`` as `--set` reads it."""
    return ".".join(_format_key(key) for key in path)


def _format_key(key: Key) -> str:
    if isinstance(key, int) or re.fullmatch(_BARE, key):
        return str(key)
    quote = "'" if '"' in key else '"'
    return f"{quote}{key}{quote}"


def split_assignment(text: str) -> tuple[tuple[str, ...], str]:
    """The keys and the value of `key.key=value`.

    Raises:
        ValueError: the text has not that form; the message states the rule.
    """
    keys, place = [], 0
    while True:
        match = _KEY.match(text, place)
        if match is None:
            raise ValueError("must be PATH=VALUE, as in endpoints.scale=10")
        keys.append(next(group for group in match.groups() if group is not None))
        place = match.end()
        following = text[place : place + 1]
        place += 1
        if following == "=":
            return tuple(keys), text[place:]
        if following != ".":
            raise ValueError("must be PATH=VALUE, as in endpoints.scale=10")
