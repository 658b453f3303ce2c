"""Faults of scenarios: what is wrong, where, by which rule, and what was probably meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST_VALUE = 60
"""Characters of a value that a message shows."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong."""

    path: str
    """File as the user knows it, or `--set`."""
    line: int | None
    """Line in the file, from 1; None where the whole file is meant or there is no file."""
    key: str
    """Dotted path of the key, as `--set` takes it; empty for the whole file."""
    value: str | None
    """The value as messages show it; None where there is none."""
    rule: str
    """What must hold."""
    nearest: str | None = None
    """The valid choice that was probably meant."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else self.path
        subject = ": ".join(part for part in (self.key, self.value) if part is not None and part)
        hint = f"; did you mean {self.nearest}?" if self.nearest is not None else ""
        return f"{place}: {f'{subject} — ' if subject else ''}{self.rule}{hint}"


class ScenarioError(Exception):
    """A scenario that cannot be played, with all that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        found = tuple(dict.fromkeys(faults))
        files = list(dict.fromkeys(fault.path for fault in found))
        self.faults = tuple(
            sorted(found, key=lambda fault: (files.index(fault.path), fault.line or 0))
        )
        """Each fault once: file by file, by line."""
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def shorten(value: object) -> str:
    """``value`` as a message shows it: strings in quotes, on one line, not too long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"a map of {len(value)}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "[]"
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        value = f"{value[: LONGEST_VALUE - 1]}…"
    return repr(value)


def nearest(value: object, choices: Iterable[str]) -> str | None:
    """The choice that is most like ``value``, if any is."""
    wanted = str(value)[:LONGEST_VALUE]
    by_lower = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(wanted.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
