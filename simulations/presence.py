"""Presence: how long each endpoint is connected, and how long it gets no media.

An endpoint is interrupted in every stretch of more than `GAP` without a single media packet, from
its first connection on, whether it is connected meanwhile or not; but not while there is nothing
that it should hear or see. Such a stretch is known only once it has lasted for `GAP`: what of it
belongs to intervals that have been sampled by then goes into the next ones. Those that are over are
kept until the next sample, see `simulations.gaps`.
"""

from typing import Any

import numpy as np

from simulations.allocation import seat_shown
from simulations.compiled import inlined, kernel

GAP = 1_000_000_000
"""ns without media from which on an endpoint is interrupted."""
NEVER = -1

PRESENCE = np.dtype(
    [
        ("first", np.int64),  # when it was first connected, ns; −1: never
        ("since", np.int64),  # when it was last connected or sampled, ns; −1: it is not connected
        ("quiet_from", np.int64),  # of the time since, at most, it is counted as without media, ns
        ("counted", np.int64),  # of the running gap, what has been counted, ns; 0: there is none
        ("missed", np.int64),  # in the running gap: a publisher that should be heard or seen
        ("owed", np.int64),  # interrupted time that no sample has yet, ns
        # since the last sample
        ("connected", np.int64),  # ns
        ("interrupted", np.int64),  # ns; see `settle`
        ("gaps", np.int64),  # that are over
    ],
    align=True,
)
"""State of one endpoint."""

PRESENCE_COUNTS = ("connected", "interrupted", "gaps")

PAST_GAP = np.dtype([("begin", np.int64), ("end", np.int64), ("missed", np.int64)])
"""A gap that is over: ns, and an endpoint."""


def absent(count: int) -> np.ndarray[Any, Any]:
    """(count,) PRESENCE of endpoints that have never been connected."""
    presences = np.zeros(count, PRESENCE)
    presences["first"] = presences["since"] = NEVER
    return presences


def room_for_gaps(interval: int) -> int:
    """How many gaps of one endpoint end within ``interval`` ns, at most, and one more: media may be
    taken note of a little before its arrival."""
    return interval // GAP + 2


def come(presence: Any, now: int) -> None:
    """The endpoint is connected from ``now`` (ns) on."""
    if presence["first"] == NEVER:
        presence["first"] = presence["quiet_from"] = now
    if presence["since"] == NEVER:
        presence["since"] = now


def go(presence: Any, now: int) -> None:
    """The endpoint is connected no longer."""
    if presence["since"] != NEVER:
        presence["connected"] += max(now - int(presence["since"]), 0)
        presence["since"] = NEVER


@inlined
def hear(world: Any, endpoint: Any, place: Any, arrival: int) -> None:
    """Take note of a media packet that arrives (ns)."""
    if arrival - place.last_media > GAP:
        _mend(world, endpoint, place.last_media, arrival)
    place.last_media = max(place.last_media, arrival)


@kernel
def _mend(world: Any, endpoint: int, last: int, until: int) -> None:
    """Count the gap that lasts from the packet of ``last`` up to ``until`` (ns), and is over."""
    presence = world.presences[endpoint]
    _count(presence, last, until, _missed(world, endpoint))
    _end(world, endpoint, last)


@inlined
def _count(presence: Any, last: int, until: int, missed: int) -> None:
    gap = until - max(last, presence.quiet_from)
    if presence.first != NEVER and gap > GAP:
        presence.owed += max(gap - presence.counted, 0)
        if presence.counted == 0:
            presence.missed = missed
        presence.counted = gap


@inlined
def _end(world: Any, endpoint: int, last: int) -> None:
    """The gap since the packet of ``last`` (ns), if it is one, is over as far as it is counted."""
    presence = world.presences[endpoint]
    if presence.counted > 0:
        gap = world.gaps[endpoint, presence.gaps]
        gap.begin = max(last, presence.quiet_from)
        gap.end = gap.begin + presence.counted
        gap.missed = presence.missed
        presence.gaps += 1
        presence.counted = 0


@kernel
def observe(world: Any, now: int) -> None:
    """Bring everyone's gaps up to ``now`` (ns). To be called before there is something else, or
    nothing more, to be heard or seen: what is due to whom holds since the last call."""
    for endpoint in range(len(world.presences)):
        observe_one(world, endpoint, now)


@kernel
def observe_one(world: Any, endpoint: int, now: int) -> None:
    """As `observe`, before there is something else for ``endpoint`` alone."""
    presence, last = world.presences[endpoint], world.endpoints[endpoint].last_media
    missed = _missed(world, endpoint)
    if missed != NEVER:
        _count(presence, last, now, missed)
    else:
        _end(world, endpoint, last)
        presence.quiet_from = now


@kernel
def settle(world: Any, begin: int, end: int) -> None:
    """Close the sample of the interval from ``begin`` to ``end`` (ns): from here on `connected` and
    `interrupted` are of the interval, at most all of it."""
    observe(world, end)
    for endpoint in range(len(world.presences)):
        presence = world.presences[endpoint]
        if presence.since != NEVER:
            presence.connected += max(end - presence.since, 0)
            presence.since = end
        presence.interrupted = min(presence.owed, end - begin)
        presence.owed -= presence.interrupted


@kernel
def _missed(world: Any, endpoint: int) -> int:
    """Someone who has come and whom the endpoint should hear, else see; NEVER: nobody."""
    settings = world.settings[0]
    for slot in range(settings.voices):
        seat = world.slot_seats[slot]
        if seat >= 0 and world.seats[seat].publisher != endpoint and _has_come(world, seat):
            return int(world.seats[seat].publisher)
    last = settings.voices + world.endpoints[endpoint].pictures
    for slot in range(settings.voices, last):
        seat = seat_shown(world, slot, endpoint)
        if seat >= 0 and _has_come(world, seat):
            return int(world.seats[seat].publisher)
    return NEVER


@inlined
def _has_come(world: Any, seat: int) -> bool:
    """Whether the publisher in the seat has ever been connected."""
    return bool(world.presences[world.seats[seat].publisher].first != NEVER)
