"""Subscriptions: all that both ends of a leg, and the receiver behind it, keep of a session.

A session ends with everything that belongs to it, so that nothing of it is taken for the next one.
What goes on: counts since the last sample, numbers that streams and copies are given, and freezes:
a picture that is wanted and does not come is frozen, whatever the reason.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.frames import PICTURE_COUNTS
from simulations.groups import bring_up
from simulations.heaps import drop_of
from simulations.jitter_buffer import BUFFER_COUNTS
from simulations.legs import LEG_COUNTS
from simulations.nack import NACK_COUNTS
from simulations.outages import drop_letters
from simulations.outs import NOTHING
from simulations.pacer import pacing_of
from simulations.reception import resolve
from simulations.settings import TICK
from simulations.shares import share_of
from simulations.world import GROUP, World


def end(world: World, endpoint: int) -> None:
    """What ``endpoint`` has not got yet, it does not get any more."""
    place, sender = world.endpoints[endpoint], world.senders[endpoint]
    bring_up(world, endpoint, int(world.clock[0]))
    leave_link(world, endpoint)
    resolve(world, np.uint64(endpoint), int(sender["next"]) - 1, False)
    share = world.shares[int(place["node"]), int(share_of(world, endpoint))]
    drop_of(share["heap"], world.heap_items, endpoint)
    world.pacers[endpoint : endpoint + 1] = 0
    settings = world.settings[0]
    for k in range(int(settings["voices"])):
        _reset(world.voice_buffers, int(place["first_voice"]) + k, BUFFER_COUNTS)
        world.voice_slots[:, int(place["first_voice"]) + k] = 0
    for k in range(int(place["first_picture"]), int(place["first_picture"] + place["pictures"])):
        world.screens["frames_dropped"][k] += world.screens["tail"][k] - world.screens["head"][k]
        _reset(world.screens, k, (*PICTURE_COUNTS, "freezes"))
        world.nacks["abandoned"][k] += world.nacks["count"][k]
        _reset(world.nacks, k, NACK_COUNTS)
    for k in _outs(world, endpoint):
        out = world.outs[k]
        out["source"] = out["layer"] = NOTHING
        world.asked[k] = 0
        if world.settings["adapts"][0]:  # otherwise what is wanted is settled once and for all
            out["wanted"] = out["before"] = NOTHING


def begin(world: World, endpoint: int, now: int, controller: Any) -> None:
    """A session begins ``now`` (ns): all is as at the meeting's start.

    Args:
        controller: a CONTROLLER at its start.
    """
    sender, leg = world.senders[endpoint], world.legs[endpoint]
    _reset(world.legs, endpoint, (*LEG_COUNTS, "feedback_at"))
    _reset(world.senders, endpoint, ("base", "stride", "mask", "next", "bytes"))
    if world.settings["adapts"][0]:
        sender["pacing"] = pacing_of(int(controller["target"]))
    leg["arrived"] = leg["resolved"] = leg["reported"] = sender["next"]
    leg["bytes_before"], leg["looked_at"] = sender["bytes"], now
    every = max(int(world.settings["feedback"][0]), TICK)
    behind = max(now - int(leg["feedback_at"]), 0)
    leg["feedback_at"] += -(-behind // every) * every
    world.controllers[endpoint] = controller
    _reset(world.turns, endpoint, ("since",))
    world.ordered[endpoint] = 0
    world.endpoints["wish_at"][endpoint] = 0
    world.mails[endpoint : endpoint + 1] = 0
    world.endpoints["first_frame"][endpoint] = NOTHING


def leave_link(world: World, endpoint: int) -> None:
    """What is on its way to ``endpoint`` over the link that it uses does not arrive."""
    place = world.endpoints[endpoint]
    station = world.stations[int(world.level_first[GROUP] + place["group"])]
    station["gone"] += drop_letters(world.mail, world.endpoints, endpoint, -1, False)
    world.turns["since"][endpoint] = world.senders["next"][endpoint]
    place["entered"] = 0


def _outs(world: World, endpoint: int) -> list[int]:
    """Places of the endpoint's streams in `World.outs` (see `outs.out_index`)."""
    settings, n = world.settings[0], len(world.endpoints)
    everyone = int(settings["voices"] + settings["pictures"])
    places = [slot * n + endpoint for slot in range(everyone)]
    if endpoint == n - 1:
        places += range(everyone * n, len(world.outs))
    return places


def _reset(records: NDArray[Any], k: int, kept: tuple[str, ...]) -> None:
    """Make a record all zeros but for the fields ``kept``."""
    record = records[k : k + 1]
    values = {name: record[name].copy() for name in kept}
    record[:] = np.zeros(1, records.dtype)
    for name, value in values.items():
        record[name] = value
