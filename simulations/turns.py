"""Turns: when an endpoint is next played, and when its node next looks after it.

At most ticks most endpoints have nothing to say, and nothing has to be decided for them. Such an
endpoint is played only after its transport feedback fell due: several ticks' packets at a time,
which the processor's caches reward. Nothing comes out otherwise than if it were played at every
tick. It is left alone only as long as all of its packets come, its access link cannot lose any,
what is missing has been asked for not long ago, and no wait of its pictures ends: it would have had
nothing to ask for. Whoever does something to it, or reads what it keeps, brings it up before (see
`groups.bring_up`).
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.feedback import MESSAGES
from simulations.frames import is_content, is_crowded
from simulations.links import surely_carried
from simulations.nack import next_asking
from simulations.settings import TICK
from simulations.world import NEW_MAIL, room_for_mail

TURN = np.dtype(
    [
        ("play", np.int64),  # it need not be played before, ns; 0: it has to be at every tick
        ("steer", np.int64),  # its node need not look after it before, ns; 0: at every tick
        ("room", np.int32),  # packets that may still come until then
        ("waiting", np.int32),  # copies that have left the aggregation and wait for its turn
        ("queued", np.int64),  # ns that the voices' among them took to pass it
        ("since", np.int64),  # entries before are of a session, or a link, that it has no more
        ("entry", np.int64),  # that is to come next
        ("alarm", np.int64),  # the last entry before which something was missing
        ("busy_until", np.int64),  # it publishes, as far as is known, up to this tick, ns
    ],
    align=True,
)
"""When one endpoint's turn is."""

EVERY_TICK = 0
_ROOM = 64
"""Packets that come meanwhile at most."""


@inlined
def alarm(turn: Any, entry: Any) -> None:
    """Something is missing before ``entry``, or it is itself."""
    turn.alarm = max(turn.alarm, entry)
    turn.play = EVERY_TICK


@inlined
def expect(turn: Any, entry: Any) -> None:
    """Take note of a copy that has left the aggregation."""
    if entry != turn.entry:
        alarm(turn, entry)
    turn.entry = entry + 1
    turn.room -= 1
    if turn.room < 0:
        turn.play = EVERY_TICK


@inlined
def _rest_of(world: Any, k: Any, until: int, feedback_at: int, rtt: int) -> int:
    """Up to when nothing has to be asked for of the picture ``k`` (ns), ``until`` at most."""
    nack, screen = world.nacks[k], world.screens[k]
    # What was lost behind the last packet that came is noticed when the next one does.
    if world.pictures[k].number >= nack.next:
        return EVERY_TICK
    if nack.count > 0:
        if is_crowded(screen, nack.next):
            return EVERY_TICK
        # At its feedback's tick it would ask by the round trip that is known then, and not later.
        until = min(until, feedback_at, next_asking(nack, world.missing[k], rtt))
    return until if is_content(screen, until) else EVERY_TICK


@kernel
def plan(world: Any, endpoint: Any, now: int) -> None:
    """Say when the endpoint, which has been played up to the tick ``now`` (ns), is next played."""
    turn, leg, place = world.turns[endpoint], world.legs[endpoint], world.endpoints[endpoint]
    mail = world.mails[endpoint]
    turn.play = EVERY_TICK
    if np.int64(endpoint) == world.trace[0] or leg.arrived <= turn.alarm or now <= turn.busy_until:
        return
    if mail.tail - mail.head >= MESSAGES:  # it holds its RTCP back
        return
    if place.served >= 0 and place.seen < 0:
        return
    next_turn, rtt = leg.feedback_at + TICK, world.controllers[endpoint].rtt
    for i in range(place.pictures):
        k = np.uint64(place.first_picture + i)
        next_turn = _rest_of(world, k, next_turn, leg.feedback_at, rtt)
    if next_turn <= now:
        return
    settings = world.settings[0]
    size = settings.payload + settings.header
    sure = surely_carried(
        world.downlinks[endpoint], world.downlink_starts, world.downlink_sizes, world.load_times,
        world.load_shares, now, size,
    )  # fmt: skip
    turn.room = min(sure, room_for_mail(world) - NEW_MAIL - place.mail, _ROOM)
    if turn.room > 0:
        turn.play = next_turn


@inlined
def hurry(world: Any, endpoint: Any) -> None:
    """The round trip has become shorter: what is missing may be asked for again before it was
    planned."""
    turn, place = world.turns[endpoint], world.endpoints[endpoint]
    if turn.play == EVERY_TICK or turn.play > world.legs[endpoint].feedback_at:
        return  # soon enough anyway, or nothing is missing: see `_rest_of`
    rtt = world.controllers[endpoint].rtt
    for i in range(place.pictures):
        k = np.uint64(place.first_picture + i)
        if world.nacks[k].count > 0:
            turn.play = min(turn.play, next_asking(world.nacks[k], world.missing[k], rtt))
