"""Causes: which `--set` has led to a fault that stands in a file."""

from collections.abc import Callable, Collection, Sequence

from scenarios.documents import Node, parse_document
from scenarios.errors import Fault, ScenarioError, shorten
from scenarios.keys import format_path, split_assignment
from scenarios.overrides import OVERRIDES

_Place = tuple[str, int | None, str]


def blame_overrides(
    faults: Sequence[Fault],
    files: Collection[str],
    overrides: Sequence[str],
    faults_with: Callable[[Sequence[str]], Sequence[Fault]],
) -> list[Fault]:
    """``faults``, those that come of an override under the override's name.

    A fault in a file comes of the overrides if it is not there without them, and of the last one
    whose absence alone would heal it.

    Args:
        faults: what is wrong with all ``overrides``.
        files: labels of the files whose faults can come of an override.
        faults_with: what is wrong with some of the overrides only.
    """
    known = [(text, cause) for text in overrides if (cause := _cause(text)) is not None]
    suspects = [fault for fault in faults if fault.path in files]
    if not known or not suspects:
        return list(faults)
    own = _places(faults_with(()))
    caused = [fault for fault in suspects if _place(fault) not in own]
    if not caused:
        return list(faults)
    culprits = dict.fromkeys(caused, known[-1][1])
    if len(known) > 1:
        for text, cause in known:
            left = _places(faults_with([other for other in overrides if other != text]))
            culprits |= {fault: cause for fault in caused if _place(fault) not in left}
    return [_blamed(fault, *culprits[fault]) if fault in culprits else fault for fault in faults]


def _cause(override: str) -> tuple[str, str] | None:
    """Key and value of an override as messages show them; None where it sets nothing."""
    try:
        keys, value = split_assignment(override)
        node = parse_document(value, OVERRIDES, None)
    except (ValueError, ScenarioError):
        return None
    return format_path(keys), shorten(node.plain() if node is not None else None)


def _blamed(fault: Fault, key: str, value: str) -> Fault:
    return Fault(OVERRIDES.label, None, key, value, f"leads to {fault}")


def _places(faults: Sequence[Fault]) -> set[_Place]:
    return {_place(fault) for fault in faults}


def _place(fault: Fault) -> _Place:
    return fault.path, fault.line, fault.key


def source_labels(root: Node) -> set[str]:
    """Names of all that the values of ``root`` were read from."""
    labels, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        labels.add(node.source.label)
        if isinstance(node.value, dict):
            waiting += node.value.values()
        elif isinstance(node.value, list):
            waiting += node.value
    return labels
