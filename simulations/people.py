"""The arrays of those who listen and watch: what they are sent, what they receive, feedback."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.population import Population
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations import frames, nack
from simulations.controllers import make_controllers
from simulations.distributions import make_histograms
from simulations.feedback import MAIL, MESSAGE, MESSAGES, REQUEST, REQUESTS
from simulations.frames import FRAME, PICTURE
from simulations.grouping import FIRST_FEEDBACK
from simulations.history import BLOCK, COPY, SENDER
from simulations.jitter_buffer import ABREAST, BUFFER, SLOT, SLOTS
from simulations.layout import zeros
from simulations.legs import LEG, ORDER, room_for_orders
from simulations.nack import MISSING, NACK
from simulations.outs import OUT
from simulations.pacer import HELD, PACER, ROOM, pacing_of
from simulations.presence import PAST_GAP, absent, come, room_for_gaps
from simulations.receivers import METER, STREAM
from simulations.settings import TICK
from simulations.topology import Plan
from simulations.world import ENDPOINT

_KEPT = 3 * SECOND
"""ns of copies that are remembered at least: what is on its way, reported on, and sent again."""
_ON_ITS_WAY = SECOND
"""ns that are remembered longer than a node keeps packets to send them again."""


def people(
    scenario: Scenario,
    population: Population,
    plan: Plan,
    settings: Any,
    phase: NDArray[np.int64],
    threads: int,
) -> dict[str, Any]:
    """World's arrays by name.

    Args:
        phase: of each group's feedback, see `simulations.grouping`.
    """
    n = len(population)
    meeting, control = scenario.meeting, scenario.media.congestion_control
    tiles = meeting.wall.tiles if meeting.wall else 0
    voices, pictures = n * settings.voices, n * settings.pictures + tiles
    endpoints = zeros(n, ENDPOINT)
    endpoints["group"] = plan.group
    endpoints["node"] = endpoints["served"] = population.node
    endpoints["first_frame"] = endpoints["last_media"] = -1
    endpoints["path"] = plan.path
    endpoints["first_voice"] = np.arange(n) * settings.voices
    endpoints["first_picture"] = np.arange(n) * settings.pictures
    endpoints["pictures"] = settings.pictures
    endpoints["pictures"][-1] += tiles
    endpoints["seen"] = -1
    senders, copies = _histories(scenario, settings, n, tiles)
    if settings.adapts:
        senders["pacing"] = pacing_of(control.start)
    legs = zeros(n, LEG)
    legs["feedback_at"] = (FIRST_FEEDBACK + phase[plan.group]) * TICK
    profile = control.profile if settings.adapts else "libwebrtc"
    presences = absent(n)
    for presence in presences:
        come(presence, 0)
    controllers = make_controllers(n, profile, control.start, control.minimum, control.maximum)
    controllers["forwards"] = 1
    room = room_for_orders(control.maximum, int(settings.payload + settings.header))
    outs = _outs(settings, population, n, tiles)
    return {
        "endpoints": endpoints,
        "outs": outs,
        "asked": np.zeros(len(outs), np.uint8),
        "senders": senders,
        "copies": copies,
        "legs": legs,
        "controllers": controllers,
        "mails": zeros(n, MAIL),
        "messages": zeros((MESSAGES, n), MESSAGE),
        "requests": np.zeros((n, REQUESTS), REQUEST),
        "ordered": np.zeros(n, np.int32),
        "orders": np.zeros((n, room), ORDER),
        "pacers": np.zeros(n, PACER),
        "held": np.zeros((n, ROOM), HELD),
        "voices": _streams(voices),
        "voice_buffers": zeros(voices, BUFFER),
        "voice_slots": zeros((SLOTS // ABREAST, voices, ABREAST), SLOT),
        "pictures": _streams(pictures),
        "screens": zeros(pictures, PICTURE),
        "frames": zeros((frames.CAPACITY, pictures), FRAME),
        "nacks": zeros(pictures, NACK),
        "missing": np.zeros((pictures, nack.CAPACITY), MISSING),
        "meters": zeros(n, METER),
        "presences": presences,
        "gaps": np.zeros((n, room_for_gaps(scenario.interval)), PAST_GAP),
        "delays": make_histograms(n),
        "audio_delays": make_histograms(n),
        "frame_delays": make_histograms(n),
        "numbers": np.zeros((threads, REQUESTS), np.int32),
    }


def _streams(count: int) -> NDArray[Any]:
    streams = zeros(count, STREAM)
    streams["source"] = -1
    streams["number"] = -1
    return streams


def _histories(
    scenario: Scenario, settings: Any, n: int, tiles: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """(n,) SENDER, and rings with room for some seconds of what each endpoint is sent."""
    media = scenario.media
    video, layer = media.video, media.video.layers[-1]
    picture = video.frame_rate + layer.bitrate / 8 / video.payload
    rate = settings.voices * SECOND / media.audio.ptime + settings.pictures * picture
    if settings.screen_slot >= 0 and media.screen:
        screen = media.screen.frame_rate + media.screen.bitrate / 8 / video.payload
        rate += screen - picture
    kept = max(_KEPT, media.repair.cache + _ON_ITS_WAY) / SECOND
    shown = video.layers[settings.tile_layer].bitrate / 8 / video.payload + video.frame_rate
    rates = np.full(n, rate)
    rates[-1] += tiles * shown
    rings = 1 << np.ceil(np.log2(np.maximum(kept * rates, BLOCK))).astype(np.int64)
    senders = zeros(n, SENDER)
    senders["mask"] = rings - 1
    total = 0
    for ring in np.unique(rings):
        alike = np.flatnonzero(rings == ring)
        senders["base"][alike] = total + BLOCK * np.arange(len(alike))
        senders["stride"][alike] = BLOCK * len(alike)
        total += int(ring) * len(alike)
    return senders, zeros(total, COPY)


def _outs(settings: Any, population: Population, n: int, tiles: int) -> NDArray[Any]:
    """Nothing is forwarded yet. Where nothing adapts, what is wanted is settled beforehand."""
    everyone = settings.voices + settings.pictures
    outs = zeros(everyone * n + tiles, OUT)
    for name in ("source", "highest", "wanted", "layer", "before"):
        outs[name] = -1
    if not settings.adapts:
        for slot in range(settings.voices, everyone):
            mine = outs[slot * n : (slot + 1) * n]
            mine["wanted"] = np.minimum(population.layer, 0 if slot == settings.screen_slot else 9)
        outs["wanted"][everyone * n :] = settings.tile_layer
    return outs
