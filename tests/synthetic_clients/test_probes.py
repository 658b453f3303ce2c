import pytest

from synthetic_clients.media import Recording
from synthetic_clients.probes import Heard
from synthetic_clients.vp8 import packetize
from tests.synthetic_clients.rtp import rtp


def test_a_voice_is_decoded_and_its_gaps_counted(recording: Recording) -> None:
    heard = Heard(audio=True)
    for n, payload in enumerate(recording.voice[:100]):
        if n not in (10, 11, 60):
            heard.take(rtp(n, 960 * n, 1, payload_type=111, payload=payload), 0.02 * n)
    assert heard.packets == 97
    assert heard.decoded >= 96
    assert heard.gaps == 2
    assert heard.jitter_s == pytest.approx(0, abs=1e-9)


def test_pictures_are_decoded_from_their_packets_and_freezes_counted(
    recording: Recording,
) -> None:
    heard = Heard(audio=False)
    number = 0
    for n, frame in enumerate(recording.pictures["high"]):
        payloads = list(packetize(frame, 500))
        late = 1.0 if n >= 20 else 0.0
        for i, payload in enumerate(payloads):
            marker = i == len(payloads) - 1
            packet = rtp(number & 0xFFFF, 3600 * n, 1, marker=marker, payload=payload)
            heard.take(packet, 0.04 * n + late)
            number += 1
    assert (heard.decoded, heard.undecodable, heard.gaps) == (25, 0, 0)
    assert heard.freezes == 1


def test_a_picture_with_a_hole_is_not_decoded(recording: Recording) -> None:
    heard = Heard(audio=False)
    payloads = list(packetize(recording.pictures["high"][0], 200))
    assert len(payloads) > 2
    for i, payload in enumerate(payloads):
        if i != 1:
            heard.take(rtp(i, 0, 1, marker=i == len(payloads) - 1, payload=payload), 0.0)
    assert heard.decoded == heard.undecodable == 0


def test_jitter_is_rfc_3550s() -> None:
    heard = Heard(audio=True)
    expected, before = 0.0, None
    for n, late in enumerate([0.0, 0.004, 0.001, 0.010, 0.0]):
        heard.take(rtp(n, 960 * n, 1, payload_type=111, payload=b"\xf8\xff\xfe"), 0.02 * n + late)
        if before is not None:
            expected += (abs(late - before) - expected) / 16
        before = late
    assert heard.jitter_s == pytest.approx(expected, abs=1e-9)
