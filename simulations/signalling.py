"""Signalling messages between the command centre and an endpoint, over both access links."""

from typing import Any

from simulations.compiled import kernel
from simulations.feedback import lost_on_shared
from simulations.links import LOST, carry_control
from simulations.turns import EVERY_TICK

MESSAGE = 600
"""Bytes of a signalling message at the IP layer: a short JSON text in a TLS record over TCP."""


@kernel
def signal(world: Any, sender: int, receiver: int, now: int, size: int) -> int:
    """When a message sent ``now`` (ns) arrives; negative where an access link loses it.

    It goes by the media nodes' cities, where the signalling server is taken to be. Shared links are
    not played for it: their propagation counts, their queues do not.
    """
    places = world.endpoints
    if places[sender].cut or places[receiver].cut:
        return LOST
    if lost_on_shared(world.uplinks[sender], places[sender].lost_up, now) or lost_on_shared(
        world.downlinks[receiver], places[receiver].lost_down, now
    ):
        return LOST
    at_city = carry_control(
        world.uplinks[sender], world.uplink_starts, world.uplink_sizes, world.load_times,
        world.load_shares, now, size,
    )  # fmt: skip
    if at_city < 0:
        return at_city
    here, there = places[sender].node, places[receiver].node
    entry = at_city + places[sender].path + places[receiver].path
    entry += world.city_delays[here, there]
    entry = max(entry, places[receiver].entered)
    world.turns[receiver].play = EVERY_TICK  # what its link is sure to carry counted without this
    return carry_control(
        world.downlinks[receiver], world.downlink_starts, world.downlink_sizes, world.load_times,
        world.load_shares, entry, size,
    )  # fmt: skip
