"""What holds for all of a run, as plain numbers that kernels take."""

from typing import Any

import numpy as np

from scenarios.scenario import Scenario
from scenarios.units import SECOND

TICK = 25_000_000
"""ns between the instants at which receivers send RTCP and senders act upon it: the interval at
which libwebrtc's congestion controller is run (goog_cc_factory, kUpdateIntervalMs)."""


SETTINGS = np.dtype(
    [
        ("adapts", np.int64),  # 1: the loop is closed: feedback, congestion control, repair
        ("voices", np.int64),  # that every endpoint can hear at once
        ("pictures", np.int64),  # that every endpoint can see at once, a shared screen included
        ("screen_slot", np.int64),  # the stream of the shared screen; −1: none
        ("layers", np.int64),
        ("tile_layer", np.int64),  # that the wall's tiles show
        ("tracks", np.int64),  # of a seat
        ("packet_mask", np.int64),  # of the ring of packets; behind it stands nodes' padding
        ("feedback", np.int64),  # ns between transport-wide feedback messages
        ("nack", np.int64),  # 1: receivers of pictures ask for what is missing
        ("fec", np.int64),  # 1: voices carry in-band error correction
        ("repair_share", np.float64),  # of the estimate, that retransmissions may take
        ("cache", np.int64),  # ns for which a sender can send a packet again
        ("probing", np.int64),  # 1: senders probe
        ("header", np.int64),  # bytes that a packet adds to its payload
        ("payload", np.int64),  # bytes of padding packets
        ("overhead", np.float64),  # a picture's bytes at the IP layer, of its payload's
        ("ptime", np.int64),  # ns
        ("voice_rate", np.int64),  # bit/s that a voice takes at the IP layer
        ("audio_output", np.int64),  # ns from the jitter buffer to the ear
        ("picture_output", np.int64),  # ns from decoding to the glass
        ("late", np.int64),  # ns after which a copy that has not arrived counts as lost
    ],
    align=True,
)
"""What holds for all of a run."""


LATE = 2_000_000_000
"""ns after its sending by the node at which a copy that has not arrived counts as lost: nobody can
use it any more, and what is counted belongs to the time in which it happened."""


def voices_of(scenario: Scenario) -> int:
    """Voices that are heard at once, at most: one; in a roll call or a discussion the chair too."""
    meeting = scenario.meeting
    others = meeting.discussion.voices if meeting.discussion else 1
    return others + 1 if meeting.discussion or meeting.roll_call else others


def settings_of(scenario: Scenario, packets: int) -> Any:
    """The (1,) SETTINGS of ``scenario``, with a ring of ``packets``."""
    media, meeting = scenario.media, scenario.meeting
    control, repair, audio = media.congestion_control, media.repair, media.audio
    adapts = control.profile != "none"
    voices = voices_of(scenario)
    pictures = meeting.pictures + bool(meeting.screen)
    layers = media.video.layers
    names = [layer.name for layer in layers]
    per_second = SECOND / audio.ptime
    values = {
        "adapts": int(adapts),
        "voices": voices,
        "pictures": pictures,
        "screen_slot": voices + pictures - 1 if meeting.screen else -1,
        "layers": len(layers),
        "tile_layer": names.index(meeting.wall.layer) if meeting.wall else 0,
        "tracks": len(layers) + 4,
        "packet_mask": packets - 1,
        "feedback": control.feedback,
        "nack": int(adapts and repair.nack),
        "fec": int(audio.corrects),
        "repair_share": repair.budget,
        "cache": repair.cache,
        "probing": int(adapts and control.probing),
        "header": media.header,
        "payload": media.video.payload,
        "overhead": 1.0 + media.header / media.video.payload,
        "ptime": audio.ptime,
        "voice_rate": round(audio.bitrate + 8 * media.header * per_second),
        "audio_output": audio.playout_delay,
        "picture_output": media.video.playout_delay,
        "late": LATE,
    }
    settings = np.zeros(1, SETTINGS)
    for name, value in values.items():
        settings[name] = value
    return settings
