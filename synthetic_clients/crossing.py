"""Crossing an endpoint's virtual access link, message by message."""

from typing import Any

from simulations.compiled import kernel
from simulations.links import carry, carry_control
from synthetic_clients.state import LINKED, LINKS_FROM


@kernel
def cross_uplink(state: Any, e: int, now: int, size: int) -> int:
    """When a message that the endpoint ``e`` sends ``now`` has crossed its uplink (ns); < 0:
    lost."""
    if not state.clock[LINKED]:
        return now
    base = state.clock[LINKS_FROM]
    arrival = carry_control(
        state.uplinks[e], state.up_starts, state.up_sizes, state.load_times, state.load_shares,
        max(now - base, 0), size,
    )  # fmt: skip
    return arrival + base if arrival >= 0 else arrival


@kernel
def cross_downlink(state: Any, e: int, now: int, size: int) -> int:
    """As `cross_uplink`, downwards."""
    if not state.clock[LINKED]:
        return now
    base = state.clock[LINKS_FROM]
    arrival = carry_control(
        state.downlinks[e], state.down_starts, state.down_sizes, state.load_times,
        state.load_shares, max(now - base, 0), size,
    )  # fmt: skip
    return arrival + base if arrival >= 0 else arrival


@kernel
def send_media(state: Any, e: int, now: int, size: int) -> int:
    """As `cross_uplink`, for a packet of media that the endpoint publishes."""
    if not state.clock[LINKED]:
        return now
    base = state.clock[LINKS_FROM]
    arrival = carry(
        state.uplinks[e], state.up_starts, state.up_sizes, state.load_times, state.load_shares,
        max(now - base, 0), size,
    )  # fmt: skip
    return arrival + base if arrival >= 0 else arrival
