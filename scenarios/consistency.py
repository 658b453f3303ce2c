"""What a scenario's parts must be to one another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scenarios.endpoints import CommandCentre, Endpoints, When
from scenarios.faults import Readable as ReadableFaults
from scenarios.joining import Joining
from scenarios.links import AccessProfile
from scenarios.media import Media
from scenarios.meeting import Meeting
from scenarios.mishaps import mishap_problems
from scenarios.network import Carrier, MediaNode
from scenarios.placement import Placement
from scenarios.record import Problem
from scenarios.signalling import Signalling
from scenarios.thresholds import Readable, Window
from scenarios.units import DURATION, format_quantity

MOST_ENDPOINTS = 1_000_000
"""Endpoints of the largest meeting, copies included."""
MOST_CHANGES = 1_000_000
"""Changes on the wall in the longest meeting."""


@dataclass(frozen=True)
class Pieces:
    """Parts of a scenario, each None where it could not be read."""

    duration: int | None = None
    interval: int | None = None
    endpoints: Endpoints | None = None
    media: Media | None = None
    meeting: Meeting | None = None
    thresholds: Readable | None = None
    nodes: Mapping[str, MediaNode] | None = None
    carriers: Mapping[str, Carrier] | None = None
    access: Mapping[str, AccessProfile] | None = None
    joining: Joining | None = None
    signalling: Signalling | None = None
    placement: Placement | None = None
    faults: ReadableFaults | None = None
    unsignalled: bool = False
    """There is no section `signalling`."""
    command_centre: CommandCentre | None = None


def contradictions(pieces: Pieces) -> list[Problem]:
    """What is wrong between the ``pieces`` that there are, with paths from the scenario down."""
    checks = (_times, _windows, _table, _counts, _screen, _mishaps)
    return [problem for check in checks for problem in check(pieces)]


# ---------------------------------------------------------------- time


def _times(pieces: Pieces) -> Iterator[Problem]:
    end, meeting = pieces.duration, pieces.meeting
    if end is None:
        return
    if pieces.interval is not None and pieces.interval > end:
        rule = f"must not be longer than the meeting, {_clock(end)}"
        yield Problem(("interval",), _clock(pieces.interval), rule)
    if meeting is None:
        return
    for path, begin, until in _stretches(meeting):
        if begin >= end:
            rule = f"must lie before the meeting's end at {_clock(end)}"
            yield Problem(("meeting", *path[0]), _clock(begin), rule)
        elif until is not None and until > end:
            rule = f"must not lie after the meeting's end at {_clock(end)}"
            yield Problem(("meeting", *path[1]), _clock(until), rule)
    if meeting.wall is not None and meeting.wall.changes(end) > MOST_CHANGES:
        count = f"{meeting.wall.changes(end):,}"
        rule = f"makes {count} changes; at most {MOST_CHANGES:,} can be played"
        yield Problem(("meeting", "wall", "dwell"), _clock(meeting.wall.dwell), rule)


_Path = tuple[str | int, ...]


def _stretches(meeting: Meeting) -> Iterator[tuple[tuple[_Path, _Path], int, int | None]]:
    """Where the beginning and the end of each of the meeting's stretches stand, and both."""
    for index, turn in enumerate(meeting.floor):
        yield (("floor", index, "at"), ()), turn.at, None
    for key in ("roll_call", "discussion"):
        stretch = getattr(meeting, key)
        if stretch is not None:
            yield ((key, "begin"), (key, "end")), stretch.begin, stretch.end
    for index, share in enumerate(meeting.screen):
        yield (("screen", index, "at"), ("screen", index, "until")), share.at, share.until


def _windows(pieces: Pieces) -> Iterator[Problem]:
    """Windows in which no sampling interval lies whole would never have data."""
    interval, end = pieces.interval, pieces.duration
    if interval is None or end is None:
        return
    for target, conditions in (pieces.thresholds or {}).items():
        for index, condition in enumerate(conditions):
            if condition is None or condition.during is None:
                continue
            window = Window.parse(condition.during)
            first = -(-window.begin // interval) * interval
            # The meeting's last interval may be cut short by its end.
            if first + interval > window.end and not first < end <= window.end:
                rule = f"must hold a whole sampling interval, {_clock(interval)}"
                yield Problem(("thresholds", target, index, "during"), condition.during, rule)


# ---------------------------------------------------------------- endpoints


def _table(pieces: Pieces) -> Iterator[Problem]:
    endpoints, meeting = pieces.endpoints, pieces.meeting
    if endpoints is None or endpoints.taken is None:
        return
    sites = {row["site"] for row in endpoints.taken}
    if not sites:
        yield Problem(("endpoints", "only"), None, "takes no endpoint of the table")
        return
    if endpoints.sample is not None and endpoints.sample > len(sites):
        rows = "endpoints that only takes" if endpoints.only != When() else "rows"
        rule = f"must not exceed the table's {len(sites)} {rows}"
        yield Problem(("endpoints", "sample"), endpoints.sample, rule)
    for number in range(2, endpoints.scale + 1):
        for site in sites:
            if f"{site}.{number}" in sites:
                rule = f"copies of {site} would be named as the table's {site}.{number}"
                yield Problem(("endpoints", "scale"), endpoints.scale, rule)
    known = {row["site"] for row in endpoints.rows or ()}
    for site in sorted((meeting.sites if meeting is not None else set()) & known - sites):
        rule = f"must take {site}, which the meeting names"
        yield Problem(("endpoints", "only"), None, rule)


def _counts(pieces: Pieces) -> Iterator[Problem]:
    endpoints, meeting = pieces.endpoints, pieces.meeting
    if endpoints is None:
        return
    sizes = [endpoints.sample] if endpoints.sample is not None else []
    sizes += [len(endpoints.taken)] if endpoints.taken is not None else []
    if not sizes:
        return
    played = min(sizes) * endpoints.scale
    if played > MOST_ENDPOINTS:
        rule = f"makes {played:,} endpoints; at most {MOST_ENDPOINTS:,} can be played"
        yield Problem(("endpoints", "scale"), endpoints.scale, rule)
    if meeting is None:
        return
    wall, discussion = meeting.wall, meeting.discussion
    rule = f"must not exceed the {played} endpoints"
    if wall is not None and wall.tiles > played:
        yield Problem(("meeting", "wall", "tiles"), wall.tiles, rule)
    if discussion is not None and (discussion.speakers or 0) > played:
        yield Problem(("meeting", "discussion", "speakers"), discussion.speakers, rule)
    if endpoints.sample is not None and endpoints.sample < len(meeting.sites):
        rule = f"must have room for the {len(meeting.sites)} sites that the meeting names"
        yield Problem(("endpoints", "sample"), endpoints.sample, rule)


# ---------------------------------------------------------------- media


def _screen(pieces: Pieces) -> Iterator[Problem]:
    media, meeting = pieces.media, pieces.meeting
    if media is not None and meeting is not None and meeting.screen and media.screen is None:
        rule = "needs media.screen, which says what a shared screen sends; {} takes the defaults"
        yield Problem(("meeting", "screen"), list(meeting.screen), rule)


# ---------------------------------------------------------------- faults


def _mishaps(pieces: Pieces) -> Iterator[Problem]:
    yield from mishap_problems(
        duration=pieces.duration,
        joining=pieces.joining,
        signalling=pieces.signalling,
        placement=pieces.placement,
        faults=pieces.faults,
        nodes=pieces.nodes,
        carriers=pieces.carriers,
        access=pieces.access,
        endpoints=pieces.endpoints,
        centre=pieces.command_centre,
        unsignalled=pieces.unsignalled,
    )


def _clock(time: int) -> str:
    return format_quantity(time, DURATION)
