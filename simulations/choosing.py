"""Choosing: what a media node sends to a subscriber of each picture.

Layers are allocated (`simulations.allocation`) as often as the node looks after a subscriber, and
would mostly come out as they were: where an allocation changed nothing, it stands until something
that it depends on changes. That is the offer, who is meant to be seen where and what each of them
sends; the target of congestion control; and, while layers may not be raised, the time.
"""

from typing import Any

import numpy as np

from simulations.allocation import allocate, seat_shown
from simulations.compiled import inlined, kernel
from simulations.frames import BEGIN, STOP
from simulations.freezes import begin, stop
from simulations.outs import NOTHING, out_index
from simulations.randomness import mix
from simulations.rates import FOREVER
from simulations.seats import FIRST_LAYER_TRACK, screen_track
from simulations.turns import EVERY_TICK
from simulations.world import OFFER


@kernel
def note_offer(world: Any) -> None:
    """Note, as a digest, all that choices of any subscriber depend on."""
    seats, rates, tracks = world.seats, world.layer_rates, world.tracks
    digest: Any = np.uint64(OFFER)
    for slot in range(len(world.slot_seats)):
        digest = mix(digest ^ np.uint64(world.slot_seats[slot]))
    for s in range(len(seats)):
        digest = mix(digest ^ np.uint64(seats[s].publisher))
        for column in range(rates.shape[1]):
            digest = mix(digest ^ np.uint64(rates[s, column]))
    for t in range(len(tracks)):
        digest = mix(digest ^ np.uint64(tracks[t].source))
    world.totals[OFFER] = np.int64(digest)


@inlined
def stands(world: Any, endpoint: int, now: int) -> bool:
    """Whether to choose anew would change nothing."""
    leg = world.legs[endpoint]
    return bool(
        leg.chosen_of == world.totals[OFFER]
        and leg.chosen_for == world.controllers[endpoint].target
        and now < leg.chosen_until
    )


@kernel
def choose(world: Any, endpoint: int, now: int) -> None:
    """Choose layers, and ask for the key frames that changes wait for."""
    settings, leg, place = world.settings[0], world.legs[endpoint], world.endpoints[endpoint]
    target = world.controllers[endpoint].target
    voices = 0.0
    for voice in range(settings.voices):
        seat = world.slot_seats[voice]
        if seat >= 0 and world.seats[seat].publisher != endpoint:
            voices += settings.voice_rate
    leg.chosen_until = FOREVER if now >= leg.raise_at else leg.raise_at
    leg.useful = voices + allocate(world, endpoint, target - voices, now)
    settled = True
    for i in range(place.pictures):
        slot = settings.voices + i
        out = world.outs[out_index(settings, len(world.endpoints), slot, endpoint)]
        settled &= out.wanted == out.before
        screen = world.screens[np.uint64(place.first_picture + i)]
        if out.wanted == NOTHING:
            if out.before != NOTHING or out.source >= 0 or screen.freezes.wanted:
                _wish(world, endpoint, screen, STOP, now)
                settled = False
            out.source = -1
            out.layer = NOTHING
            continue
        if out.before == NOTHING:
            _wish(world, endpoint, screen, BEGIN, now)
        seat = seat_shown(world, slot, endpoint)
        track = seat * settings.tracks + FIRST_LAYER_TRACK + out.wanted
        column = out.wanted
        if slot == settings.screen_slot:
            track = seat * settings.tracks + screen_track(settings.tracks)
            column = settings.layers
        if out.source != world.tracks[track].source:
            world.key_wanted[seat, column] = 1
            settled = False
    leg.chosen_of, leg.chosen_for = world.totals[OFFER], target
    if not settled:
        leg.chosen_until = 0


@kernel
def want_settled(world: Any, now: int) -> None:
    """Where nothing adapts, a picture is wanted wherever its stream is meant to show somebody, and
    its layer, settled beforehand, is one that is sent."""
    settings, n = world.settings[0], len(world.endpoints)
    for endpoint in range(n):
        place = world.endpoints[endpoint]
        if place.served < 0:
            continue  # what it wanted to see it wants still
        for i in range(place.pictures):
            slot = settings.voices + i
            picture = world.screens[place.first_picture + i].freezes
            wanted = world.outs[out_index(settings, n, slot, endpoint)].wanted
            if wanted >= 0 and seat_shown(world, slot, endpoint) >= 0:
                begin(picture, now)
            else:
                stop(picture, now)


@inlined
def _wish(world: Any, endpoint: int, screen: Any, wish: int, now: int) -> None:
    """Let the receiver begin or stop to show a picture ``now``: it may not be played so far yet."""
    turn = world.turns[endpoint]
    screen.wish = wish
    world.endpoints[endpoint].wish_at = now
    turn.play = EVERY_TICK
