"""Allocation: which layer of which picture a media node sends to a subscriber.

Audio comes first and is always sent. Of what the estimate leaves, every picture gets its lowest
layer, in order: the shared screen, the pictures, the wall's tiles; then, in the same order, each is
raised as far as it fits. What is taken up needs some room to spare, and what is raised above its
lowest layer time since the last lowering, too: the estimate swings, and every change of layer costs
a key frame. Where a raise did not last, the next waits twice as long, as receivers of layered
multicast do (McCanne, Jacobson, Vetterli: Receiver-driven Layered Multicast, SIGCOMM 1996). The
lowest layer does not wait: after a fall it may be missing only because its publisher had paused it.
No standard says how; the margin and the waiting times are this model's own.
"""

from typing import Any

from simulations.compiled import inlined, kernel
from simulations.outs import NOTHING, out_index

MARGIN = 1.15
"""A layer is taken up where the estimate has room for this multiple of what it adds."""
RAISE_AFTER, RAISE_AT_MOST = 5_000_000_000, 40_000_000_000
"""ns after a lowering before anything is raised above its lowest layer: the first time, and after
raises that did not last."""
LASTING = 20_000_000_000
"""A raise that was not taken back for so long (ns) has lasted."""
SPARE = 1.2
"""What a stream could use: its layer, and this multiple of what the next one adds."""


@inlined
def seat_shown(world: Any, slot: int, endpoint: int) -> int:
    """The seat that the stream ``slot`` of ``endpoint`` is meant to show, or −1.

    Who has the floor is shown the chair: the seat that stands last in ``slot_seats``.
    """
    seat = world.slot_seats[slot]
    if seat >= 0 and world.seats[seat].publisher == endpoint:
        chair = world.slot_seats[len(world.slot_seats) - 1]
        first = slot == world.settings[0].voices
        if first and chair >= 0 and world.seats[chair].publisher != endpoint:
            return chair  # type: ignore[no-any-return]
        return NOTHING
    return seat  # type: ignore[no-any-return]


@inlined
def rate_of(world: Any, seat: int, layer: int) -> float:
    """bit/s at the IP layer of a seat's layer; 0 where it is not sent."""
    return world.layer_rates[seat, layer] * world.settings[0].overhead  # type: ignore[no-any-return]


@inlined
def _column(world: Any, slot: int, layer: int) -> int:
    """Where a layer of the stream stands in tables by seat: a screen's stands behind the layers."""
    return world.settings[0].layers if slot == world.settings[0].screen_slot else layer


@inlined
def _is_tile(settings: Any, slot: int) -> bool:
    return bool(slot >= settings.voices + settings.pictures)


@inlined
def _next_layer(world: Any, slot: int, seat: int, layer: int) -> int:
    """The next layer above ``layer`` that the seat sends, or NOTHING. A tile has but one layer: the
    wall's, or the best below it that is sent."""
    settings = world.settings[0]
    if slot == settings.screen_slot:
        sent = world.layer_rates[seat, settings.layers] > 0
        return 0 if layer < 0 and sent else NOTHING
    if _is_tile(settings, slot):
        for below in range(settings.tile_layer, -1, -1):
            if layer < 0 and world.layer_rates[seat, below] > 0:
                return below
        return NOTHING
    for above in range(layer + 1, settings.layers):
        if world.layer_rates[seat, above] > 0:
            return above
    return NOTHING


@inlined
def _desired_layer(world: Any, slot: int, budget: float) -> int:
    """The best layer that would fit if it were sent in full and alone."""
    settings = world.settings[0]
    if slot == settings.screen_slot:
        return 0
    if _is_tile(settings, slot):
        return settings.tile_layer  # type: ignore[no-any-return]
    best = 0
    for layer in range(1, settings.layers):
        if world.layer_bitrates[layer] * settings.overhead <= budget:
            best = layer
    return best


@inlined
def _bit(layer: int) -> int:
    """The bit of a layer, none for NOTHING."""
    return 1 << layer if layer >= 0 else 0


@kernel
def _step(
    world: Any, slot: int, endpoint: int, left: float, raises: bool, highest: bool, now: int
) -> float:
    """Give the stream its lowest layer or, with ``highest``, as many more as fit; what is left."""
    seat = seat_shown(world, slot, endpoint)
    out = world.outs[out_index(world.settings[0], len(world.endpoints), slot, endpoint)]
    if not highest:
        out.before = out.wanted
        out.wanted = NOTHING
    if seat < 0 or (highest and out.wanted < 0):
        return left
    cost = rate_of(world, seat, _column(world, slot, out.wanted)) if out.wanted >= 0 else 0.0
    while True:
        layer = _next_layer(world, slot, seat, out.wanted)
        if layer < 0:
            return left
        more = rate_of(world, seat, _column(world, slot, layer)) - cost
        kept = layer <= out.before
        waits = highest and not raises
        if left < more or not (kept or (not waits and left >= more * MARGIN)):
            return left
        if highest and layer > out.before:
            world.legs[endpoint].raised_at = now
        out.wanted = layer
        left -= more
        cost += more
        if not highest:
            return left


@kernel
def allocate(world: Any, endpoint: int, budget: float, now: int) -> float:
    """Choose the layers of all of an endpoint's pictures.

    Args:
        budget: bit/s at the IP layer for pictures.

    Returns:
        bit/s that all its pictures could use: what they are given, and the next layer up of the
        first one that has one, with some room to spare. A layer that is paused is one all the same:
        nobody asks for it before it would fit.
    """
    settings, leg = world.settings[0], world.legs[endpoint]
    first = settings.voices
    last = first + world.endpoints[endpoint].pictures
    screen = settings.screen_slot
    raises = now >= leg.raise_at
    left = budget
    for highest in (False, True):
        if screen >= 0:
            left = _step(world, screen, endpoint, left, raises, highest, now)
        for slot in range(first, last):
            if slot != screen:
                left = _step(world, slot, endpoint, left, raises, highest, now)
    more, lowered = 0.0, False
    for slot in range(first, last):
        k = out_index(settings, len(world.endpoints), slot, endpoint)
        out, seat = world.outs[k], seat_shown(world, slot, endpoint)
        desired = _desired_layer(world, slot, budget) if seat >= 0 else NOTHING
        asked = _bit(out.wanted) | _bit(desired)
        if world.asked[k] != asked:  # threads share its cache line
            world.asked[k] = asked
        if seat < 0:
            continue
        if out.wanted < out.before:  # for want of room, and not because it is no longer sent
            column = _column(world, slot, out.before)
            if world.layer_rates[seat, column] > 0:
                lowered = True
        if more == 0.0 and not _is_tile(settings, slot):
            more = _more(world, slot, seat, out.wanted)
    if lowered:
        if raises:  # not while one fall takes several layers
            lasted = now - leg.raised_at >= LASTING
            wait = RAISE_AFTER if lasted else max(2 * leg.raise_wait, RAISE_AFTER)
            leg.raise_wait = min(wait, RAISE_AT_MOST)
        leg.raise_at = now + leg.raise_wait
    return budget - left + SPARE * more


@kernel
def _more(world: Any, slot: int, seat: int, layer: int) -> float:
    """bit/s that the layer above ``layer`` adds; 0 where there is none."""
    settings = world.settings[0]
    layers = 1 if slot == settings.screen_slot else settings.layers
    if layer + 1 >= layers:
        return 0.0
    above = rate_of(world, seat, _column(world, slot, layer + 1))
    if above == 0.0:
        above = world.layer_bitrates[_column(world, slot, layer + 1)] * settings.overhead
    if layer >= 0:
        above -= rate_of(world, seat, _column(world, slot, layer))
    return max(above, 0.0)
