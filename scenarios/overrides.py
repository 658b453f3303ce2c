"""Overrides: single values set over a scenario's file, as by `--set endpoints.scale=10`."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from scenarios.documents import Node, Source, parse_document, wrap
from scenarios.errors import Fault, ScenarioError, nearest, shorten
from scenarios.keys import format_path, split_assignment
from scenarios.units import DURATION, parse_quantity

OVERRIDES = Source("--set")
"""Where overridden values come from, in messages."""


def apply_overrides(root: Node, overrides: Iterable[str]) -> tuple[Node, list[Fault]]:
    """``root`` with each `PATH=VALUE` set in turn, and the faults of those that could not be.

    A value is YAML: a scalar, or a list or map in brackets. `null` takes a key away.
    """
    faults: list[Fault] = []
    for text in overrides:
        try:
            keys, value = split_assignment(text)
        except ValueError as error:
            faults.append(Fault(OVERRIDES.label, None, "", shorten(text), str(error)))
            continue
        try:
            node = parse_document(value, OVERRIDES, None) or Node(None, OVERRIDES, None)
            root = _set(root, keys, (), node)
        except ScenarioError as error:
            faults += [replace(fault, key=format_path(keys)) for fault in error.faults]
    return root, faults


def set_value(root: Node, key: str, value: object, source: Source = OVERRIDES) -> Node:
    """``root`` with the top-level ``key`` set to ``value``, as options and defaults do."""
    return _set(root, (key,), (), wrap(value, source))


def cut_short(root: Node) -> Node:
    """``root`` without turns on the floor after the end, where an override shortened the meeting.

    In one file, a turn after the end contradicts the duration; who plays only the first minutes
    of a meeting means just that.
    """
    duration = root.child("duration")
    meeting = root.child("meeting")
    floor = meeting.child("floor") if meeting is not None else None
    if duration is None or meeting is None or floor is None or duration.source is not OVERRIDES:
        return root
    end = _nanoseconds(duration)
    if end is None or not isinstance(floor.value, list) or not isinstance(meeting.value, dict):
        return root
    begins = ((turn, _nanoseconds(turn.child("at"))) for turn in floor.value)
    kept = [turn for turn, begin in begins if begin is None or begin < end]
    meeting = replace(meeting, value={**meeting.value, "floor": replace(floor, value=kept)})
    return replace(root, value={**root.value, "meeting": meeting})  # type: ignore[dict-item]


def _nanoseconds(node: Node | None) -> Decimal | None:
    try:
        return parse_quantity(node.value, DURATION, "duration") if node is not None else None
    except ValueError:
        return None


def _set(node: Node, keys: tuple[str, ...], done: tuple[str, ...], value: Node) -> Node:
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(node.value, dict):
        children = dict(node.value)
        if not rest and value.value is None and key in children:
            del children[key]
        else:
            # A map that the file leaves to its default begins empty here.
            below = children.get(key, Node({}, OVERRIDES, None))
            children[key] = _set(below, rest, (*done, key), value)
        return replace(node, value=children)
    if isinstance(node.value, list):
        return replace(node, value=_set_item(node.value, key, rest, done, value))
    rule = f"leads through {format_path(done)}, which is {shorten(node.value)}: no map and no list"
    raise ScenarioError([_fault(rule, value, format_path(done))])


def _set_item(
    items: list[Node], key: str, rest: tuple[str, ...], done: tuple[str, ...], value: Node
) -> list[Node]:
    place = format_path(done)
    if not key.isdecimal() or len(key) > 9 or int(key) >= len(items):
        rule = (
            f"{place} is a list: its items are numbered 0 to {len(items) - 1}, and "
            f"{shorten(key)} is none of them"
            if items
            else f"{place} is an empty list"
        )
        numbers = [str(number) for number in range(len(items))]
        raise ScenarioError([_fault(rule, value, nearest(key, numbers))])
    index = int(key)
    changed = _set(items[index], rest, (*done, key), value)
    return [*items[:index], changed, *items[index + 1 :]]


def _fault(rule: str, value: Node, hint: str | None) -> Fault:
    return Fault(OVERRIDES.label, None, "", shorten(value.plain()), rule, hint)
