"""Selectors: `what{attribute=value,…}`, as thresholds and faults write what they look at."""

import re
from collections.abc import Callable, Mapping, Sequence

from scenarios.record import check_choice

_SELECTION = re.compile(r"\s*([a-z_]+)\s*(?:\{([^{}]*)\})?\s*")


def parse_selection(
    text: str, form: str, attributes: Callable[[str], Sequence[str]]
) -> tuple[str, Mapping[str, str]]:
    """What ``text`` names, and the value that it selects by each attribute.

    Args:
        form: what the text must be, for the message where it has not the form.
        attributes: those that a name can be selected by; refuses names that there are none of.

    Raises:
        ValueError: ``text`` has not the form `name{attribute=value,…}`.
        PydanticCustomError: name or attribute is unknown.
    """
    match = _SELECTION.fullmatch(text)
    if match is None:
        raise ValueError(form)
    known = attributes(match[1])
    selector: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in (match[2] or "").split(","))):
        attribute, equals, value = (x.strip() for x in part.partition("="))
        if not equals or not value:
            raise ValueError(f"selector {part!r} must be attribute=value")
        check_choice("attribute", attribute, known)
        if attribute in selector:
            raise ValueError(f"selects by {attribute} twice")
        selector[attribute] = value
    return match[1], selector
