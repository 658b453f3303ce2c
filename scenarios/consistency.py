"""What a scenario's parts must be to one another."""

from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.endpoints import Endpoints
from scenarios.meeting import COMMAND_CENTRE, Meeting
from scenarios.record import Problem
from scenarios.units import DURATION, format_quantity

MOST_ENDPOINTS = 1_000_000
"""Endpoints of the largest meeting, copies included."""


@dataclass(frozen=True)
class Pieces:
    """Parts of a scenario, each None where it could not be read."""

    duration: int | None = None
    interval: int | None = None
    endpoints: Endpoints | None = None
    meeting: Meeting | None = None


def contradictions(pieces: Pieces) -> list[Problem]:
    """What is wrong between the ``pieces`` that there are, with paths from the scenario down."""
    return [*_times(pieces), *_table(pieces), *_counts(pieces)]


def _times(pieces: Pieces) -> Iterator[Problem]:
    end = pieces.duration
    if end is None:
        return
    length = format_quantity(end, DURATION)
    if pieces.interval is not None and pieces.interval > end:
        value = format_quantity(pieces.interval, DURATION)
        yield Problem(("interval",), value, f"must not be longer than the meeting, {length}")
    for index, turn in enumerate(pieces.meeting.floor if pieces.meeting else ()):
        if turn.at >= end:
            value = format_quantity(turn.at, DURATION)
            rule = f"must lie before the meeting's end at {length}"
            yield Problem(("meeting", "floor", index, "at"), value, rule)


def _table(pieces: Pieces) -> Iterator[Problem]:
    endpoints = pieces.endpoints
    if endpoints is None or endpoints.rows is None:
        return
    sites = {row["site"] for row in endpoints.rows}
    if endpoints.sample is not None and endpoints.sample > len(sites):
        rule = f"must not exceed the table's {len(sites)} rows"
        yield Problem(("endpoints", "sample"), endpoints.sample, rule)
    for number in range(2, endpoints.scale + 1):
        for site in sites:
            if f"{site}.{number}" in sites:
                rule = f"copies of {site} would be named as the table's {site}.{number}"
                yield Problem(("endpoints", "scale"), endpoints.scale, rule)


def _counts(pieces: Pieces) -> Iterator[Problem]:
    endpoints, meeting = pieces.endpoints, pieces.meeting
    if endpoints is None:
        return
    sizes = [endpoints.sample] if endpoints.sample is not None else []
    sizes += [len(endpoints.rows)] if endpoints.rows is not None else []
    if not sizes:
        return
    played = min(sizes) * endpoints.scale
    if played > MOST_ENDPOINTS:
        rule = f"makes {played:,} endpoints; at most {MOST_ENDPOINTS:,} can be played"
        yield Problem(("endpoints", "scale"), endpoints.scale, rule)
    if meeting is None:
        return
    if meeting.wall is not None and meeting.wall.tiles > played:
        rule = f"must not exceed the {played} endpoints"
        yield Problem(("meeting", "wall", "tiles"), meeting.wall.tiles, rule)
    speakers = {turn.site for turn in meeting.floor} - {COMMAND_CENTRE}
    if endpoints.sample is not None and endpoints.sample < len(speakers):
        rule = f"must have room for the {len(speakers)} sites that take the floor"
        yield Problem(("endpoints", "sample"), endpoints.sample, rule)
