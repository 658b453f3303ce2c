import contextlib

import pytest
from aiortc import RTCDtlsFingerprint, RTCIceCandidate, RTCIceParameters
from hypothesis import given
from hypothesis import strategies as st

from synthetic_clients.descriptions import (
    CAPTURE_TIME,
    MID,
    DescriptionError,
    Line,
    Local,
    can_be_encodings,
    read_description,
    write_answer,
    write_offer,
)

LOCAL = Local(
    RTCIceParameters(usernameFragment="abcd", password="p" * 22),
    [RTCIceCandidate(1, "f", "127.0.0.1", 5000, 1, "udp", "host")],
    [RTCDtlsFingerprint("sha-256", "AA:BB")],
)
OFFER = write_offer(
    LOCAL,
    [Line("audio", "sendonly", 5), Line("video", "recvonly"), Line("video", "recvonly")],
    "me",
)


def test_an_offer_says_all_that_a_server_needs() -> None:
    remote = read_description(OFFER)
    assert remote.ice.usernameFragment == "abcd"
    assert [(c.ip, c.port) for c in remote.candidates] == [("127.0.0.1", 5000)]
    assert remote.dtls.role == "auto"
    assert [slot.kind for slot in remote.slots] == ["audio", "video", "video"]
    assert [slot.ssrc for slot in remote.slots] == [5, None, None]
    assert remote.slots[0].extensions == {MID: 1, CAPTURE_TIME: 2}
    assert "a=rtcp-fb:96 goog-remb" in OFFER


def test_encodings_are_offered_and_those_that_the_server_takes_are_known() -> None:
    line = Line("video", "sendonly", 6, ("low", "high"))
    offer = write_offer(LOCAL, [Line("audio", "sendonly", 5), line], "me")
    for said in ("a=simulcast:send low;high", "a=rid:low send", "a=rid:high send"):
        assert said in offer
    assert read_description(offer).slots[1].ssrc is None  # told by its name
    answer = offer.replace("a=simulcast:send low;high", "a=simulcast:recv low;high")
    assert [slot.encodings for slot in read_description(answer).slots] == [(), ("low", "high")]


@pytest.mark.parametrize(
    ("names", "can"),
    [(["low", "high"], True), (["low"], False), (["low", "very high"], False), ([], False)],
)
def test_what_can_be_an_encodings_name(names: list[str], can: bool) -> None:
    assert can_be_encodings(names) == can


def test_an_answer_takes_the_offers_numbers() -> None:
    offer = OFFER.replace("96", "107").replace(":111", ":109").replace("SAVPF 111", "SAVPF 109")
    answer = write_answer(LOCAL, read_description(offer))
    remote = read_description(answer)
    assert [slot.payload_type for slot in remote.slots] == [109, 107, 107]
    assert remote.dtls.role == "client"
    assert "a=rtcp-fb:107 nack pli" in answer
    assert "a=fmtp:109 minptime=10;useinbandfec=1" in answer


def test_a_line_that_was_refused_is_a_slot_that_was() -> None:
    remote = read_description(OFFER.replace("m=video 9", "m=video 0"))
    assert [slot.accepted for slot in remote.slots] == [True, False, False]
    remote = read_description(OFFER.replace("VP8", "AV1"))
    assert [slot.accepted for slot in remote.slots] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no media that was accepted"),
        ("<html>not SDP</html>", "no media that was accepted"),
        (OFFER.replace(" 9 UDP", " 0 UDP"), "no media that was accepted"),
        (OFFER.replace("a=ice-ufrag:abcd\r\n", ""), "no ICE credentials"),
        (OFFER.replace("a=fingerprint:sha-256 AA:BB\r\n", ""), "no DTLS fingerprint"),
        (OFFER.replace("a=setup:actpass\r\n", ""), "no DTLS fingerprint and role"),
        (OFFER.replace("SAVPF 111", "SAVPF eleven"), "malformed"),
        (OFFER.replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:111"), "malformed"),
        (OFFER.replace(" typ host", ""), "malformed"),
        (OFFER.replace("a=setup:actpass", "a=setup:nonsense"), "malformed"),
        (OFFER.replace("a=ssrc:5 cname:me", "a=ssrc:five"), "malformed"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(DescriptionError, match=reason):
        read_description(text)


@given(st.text(max_size=300), st.integers(0, len(OFFER)))
def test_whatever_a_server_answers_is_read_or_refused(noise: str, place: int) -> None:
    for text in (noise, OFFER[:place] + noise + OFFER[place:], OFFER[:place]):
        with contextlib.suppress(DescriptionError):
            read_description(text)
