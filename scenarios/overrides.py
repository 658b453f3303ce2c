"""Overrides: single values set over a scenario's file, as by `--set endpoints.scale=10`."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from scenarios.documents import Node, Source, parse_document, wrap
from scenarios.errors import Fault, ScenarioError, nearest, shorten
from scenarios.inheritance import spell_out
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
            root = _set(spell_out(root) if len(keys) > 1 else root, keys, (), node)
        except ScenarioError as error:
            faults += [replace(fault, key=format_path(keys)) for fault in error.faults]
    return root, faults


def set_value(root: Node, key: str, value: object, source: Source = OVERRIDES) -> Node:
    """``root`` with the top-level ``key`` set to ``value``, as options and defaults do."""
    return _set(root, (key,), (), wrap(value, source))


def cut_short(root: Node) -> Node:
    """``root`` without what the meeting has after its end, where an override shortened it.

    In one file, a turn after the end contradicts the duration; who plays only the first minutes
    of a meeting means just that.
    """
    duration, meeting = root.child("duration"), root.child("meeting")
    if duration is None or meeting is None or duration.source is not OVERRIDES:
        return root
    end = _nanoseconds(duration)
    if end is None or not isinstance(meeting.value, dict):
        return root
    parts = dict(meeting.value)
    for key in ("floor", "screen"):
        part = parts.get(key)
        if part is not None and isinstance(part.value, list):
            items = (_cut(item, "at", "until", end, duration) for item in part.value)
            parts[key] = replace(part, value=[item for item in items if item is not None])
    for key in ("roll_call", "discussion"):
        if key in parts:
            stretch = _cut(parts.pop(key), "begin", "end", end, duration)
            parts |= {key: stretch} if stretch is not None else {}
    if parts == meeting.value:
        return root
    meeting = replace(meeting, value=parts)
    return replace(root, value={**root.value, "meeting": meeting})  # type: ignore[dict-item]


def _cut(node: Node, begin: str, end: str, latest: Decimal, duration: Node) -> Node | None:
    """What of a stretch lies before ``latest``: None where nothing does."""
    if not isinstance(node.value, dict):
        return node
    first, last = _nanoseconds(node.child(begin)), _nanoseconds(node.child(end))
    if first is not None and first >= latest:
        return None
    if last is not None and last > latest:
        return replace(node, value={**node.value, end: duration})
    return node


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
