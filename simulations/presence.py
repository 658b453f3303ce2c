"""Presence: how long each endpoint is connected, and how long it gets no media.

An endpoint is interrupted in every stretch of more than `GAP` without a single media packet, from
its first connection on, whether it is connected meanwhile or not; but not while there is nothing
that it should hear or see. Such a stretch is known only once it has lasted for `GAP`: what of it
belongs to intervals that have been sampled by then goes into the next ones.
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
        ("counted", np.int64),  # of the running gap, what has been counted, ns
        ("owed", np.int64),  # interrupted time that no sample has yet, ns
        # since the last sample
        ("connected", np.int64),  # ns
        ("interrupted", np.int64),  # ns; see `settle`
    ],
    align=True,
)
"""State of one endpoint."""

PRESENCE_COUNTS = ("connected", "interrupted")


def absent(count: int) -> np.ndarray[Any, Any]:
    """(count,) PRESENCE of endpoints that have never been connected."""
    presences = np.zeros(count, PRESENCE)
    presences["first"] = presences["since"] = NEVER
    return presences


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
        _mend(world.presences[endpoint], place.last_media, arrival)
    place.last_media = max(place.last_media, arrival)


@kernel
def _mend(presence: Any, last: int, until: int) -> None:
    """Count the gap that lasts from the packet of ``last`` up to ``until`` (ns), and is over."""
    _count(presence, last, until)
    presence.counted = 0


@inlined
def _count(presence: Any, last: int, until: int) -> None:
    gap = until - max(last, presence.quiet_from)
    if presence.first != NEVER and gap > GAP:
        presence.owed += max(gap - presence.counted, 0)
        presence.counted = gap


@kernel
def observe(world: Any, now: int) -> None:
    """Bring everyone's gaps up to ``now`` (ns). To be called before there is something else, or
    nothing more, to be heard or seen: what is due to whom holds since the last call."""
    for endpoint in range(len(world.presences)):
        observe_one(world, endpoint, now)


@kernel
def observe_one(world: Any, endpoint: int, now: int) -> None:
    """As `observe`, before there is something else for ``endpoint`` alone."""
    presence = world.presences[endpoint]
    if _is_due_media(world, endpoint):
        _count(presence, world.endpoints[endpoint].last_media, now)
    else:
        presence.quiet_from = now
        presence.counted = 0


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
def _is_due_media(world: Any, endpoint: int) -> bool:
    """Whether there is anything that the endpoint should hear or see, of someone who has come."""
    settings = world.settings[0]
    for slot in range(settings.voices):
        seat = world.slot_seats[slot]
        if seat >= 0 and world.seats[seat].publisher != endpoint and _has_come(world, seat):
            return True
    last = settings.voices + world.endpoints[endpoint].pictures
    for slot in range(settings.voices, last):
        seat = seat_shown(world, slot, endpoint)
        if seat >= 0 and _has_come(world, seat):
            return True
    return False


@inlined
def _has_come(world: Any, seat: int) -> bool:
    """Whether the publisher in the seat has ever been connected."""
    return bool(world.presences[world.seats[seat].publisher].first != NEVER)
