"""Shortening: a meeting played in fewer minutes, its timeline in fast motion.

Everything with a time of its own in the meeting, turns, calls, loads and the windows of thresholds,
moves towards the start in proportion; what lasts by itself, such as a tile's dwell or a link's
fade, stays as long as it is. So every threshold still has something to look at.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from scenarios.keys import KeyPath, format_path
from scenarios.scenario import Scenario
from scenarios.units import DURATION, parse_quantity

INSTANTS = ("at", "until", "begin", "end", "during", "over", "last")
"""Keys that hold a time in the meeting, a window of it, or a stretch in which endpoints join."""
FEWEST_INTERVALS = 4
"""Sampling intervals that a shortened meeting has at least. Shorter ones would be another measure:
what lasts a second is a full link in an interval of one second, and not in one of five."""


def shortened(scenario: Scenario, duration: int) -> list[str]:
    """The overrides that play ``scenario`` in ``duration`` ns; none where it is no longer."""
    if duration >= scenario.duration:
        return []
    ratio = Fraction(duration, scenario.duration)
    data = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    interval = min(scenario.interval, duration // FEWEST_INTERVALS)
    overrides = [f"duration={duration}ns", f"interval={interval}ns"]
    return [
        *overrides,
        *(f"{format_path(path)}={text}" for path, text in _moved(data, (), ratio, interval)),
    ]


def _moved(node: Any, path: KeyPath, ratio: Fraction, grain: int) -> Iterator[tuple[KeyPath, str]]:
    """Paths and YAML of all that changes; a list changes whole, for a file may write it shorter."""
    if isinstance(node, list):
        moved = _move(node, ratio, grain)
        if moved != node:
            yield path, json.dumps(moved, ensure_ascii=False)
    elif isinstance(node, dict):
        for key, child in node.items():
            if isinstance(child, str) and key in INSTANTS:
                yield (*path, key), _scale(child, ratio, grain)
            else:
                yield from _moved(child, (*path, key), ratio, grain)


def _move(node: Any, ratio: Fraction, grain: int) -> Any:
    """``node`` with every time in it moved."""
    if isinstance(node, list):
        return [_move(item, ratio, grain) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _scale(child, ratio, grain)
        if isinstance(child, str) and key in INSTANTS
        else _move(child, ratio, grain)
        for key, child in node.items()
    }


def _scale(text: str, ratio: Fraction, grain: int) -> str:
    """The instant or window ``text`` moved; a window grows to whole sampling intervals."""
    instants = (int(parse_quantity(part, DURATION, "time")) for part in text.split(".."))
    moved = [int(instant * ratio) for instant in instants]
    if len(moved) == 2:
        moved = [moved[0] // grain * grain, -(-moved[1] // grain) * grain]
    return "..".join(f"{instant}ns" for instant in moved) if any(moved) else text
