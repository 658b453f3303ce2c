"""Offers and answers: what is accepted, what is rejected, what is refused, by aiortc's reading."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiortc import sdp
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plain_peers import OPUS, RTX, VP8, Offered
from reference_sfu import rtp
from reference_sfu.codecs import H264
from reference_sfu.codecs import OPUS as OPUS_NAME
from reference_sfu.codecs import VP8 as VP8_NAME
from reference_sfu.offers import (
    Codec,
    Credentials,
    Local,
    MalformedOffer,
    Offer,
    Section,
    Streams,
    UnacceptableOffer,
)

LOCAL = Local([("192.0.2.1", 4000), ("2001:db8::1", 4000)], "AB:CD")
OURS = Credentials("fragment", "a password of twenty-two")
FINGERPRINT = "00:11:22"


def text(offered: Offered) -> str:
    return offered.text(FINGERPRINT)


def streams() -> Iterator[Streams]:
    yield from (Streams(f"slot-{i}", 100 + i, 200 + i) for i in range(100))


def answer_to(offered: str, subscriber: bool = False) -> tuple[str, list[Section]]:
    made = streams()
    return Offer(offered).answer(LOCAL, OURS, (lambda _: next(made)) if subscriber else None)


def test_a_publishers_offer_is_answered_with_what_the_server_can_take() -> None:
    offered = Offered(rids=("low", "high"), ssrcs=(5, 6))
    answer, sections = answer_to(text(offered))
    voice, picture = sections
    assert (voice.kind, voice.mid, voice.codecs) == ("audio", "0", (Codec(OPUS_NAME, 111, None),))
    assert (picture.kind, picture.codecs) == ("video", (Codec(VP8_NAME, 96, RTX),))
    assert (picture.rids, voice.rids, picture.ssrcs) == (("low", "high"), (), (6,))
    assert picture.extensions[rtp.RID] == 4
    read = sdp.SessionDescription.parse(answer)
    assert [media.direction for media in read.media] == ["recvonly"] * 2
    ice = [media.ice for media in read.media if media.ice]
    assert [(one.iceLite, one.usernameFragment) for one in ice] == [(True, OURS.fragment)] * 2
    assert {(m.dtls.role, m.dtls.fingerprints[0].value) for m in read.media if m.dtls} == {
        ("server", LOCAL.fingerprint)
    }
    assert [(c.ip, c.port, c.type) for c in read.media[0].ice_candidates] == [
        ("192.0.2.1", 4000, "host"), ("2001:db8::1", 4000, "host"),
    ]  # fmt: skip
    assert read.media[0].ice_candidates[0].priority > read.media[0].ice_candidates[1].priority
    assert str(read.group[0]) == "BUNDLE 0 1"
    assert "a=simulcast:recv low;high\r\n" in answer
    assert "a=ssrc" not in answer


def test_a_subscribers_offer_is_answered_with_a_stream_for_each_section() -> None:
    offered = Offered((OPUS, OPUS, VP8, VP8), "recvonly")
    answer, sections = answer_to(text(offered), subscriber=True)
    read = sdp.SessionDescription.parse(answer)
    assert [section.kind for section in sections] == ["audio", "audio", "video", "video"]
    assert [media.direction for media in read.media] == ["sendonly"] * 4
    assert [media.ssrc[0].ssrc for media in read.media] == [100, 101, 102, 103]
    assert [media.msid for media in read.media][:2] == [
        "slot-0 slot-0-audio",
        "slot-1 slot-1-audio",
    ]
    assert [str(each) for media in read.media for each in media.ssrc_group] == [
        "FID 102 202", "FID 103 203",
    ]  # fmt: skip
    assert all(rtp.RID not in section.extensions for section in sections)


def test_feedback_that_the_server_does_not_speak_is_left_out() -> None:
    picture = ("video", 96, "VP8/90000", ("nack", "transport-cc", "goog-remb"))
    answer, _ = answer_to(text(Offered((picture,))))
    assert "a=rtcp-fb:96 nack\r\n" in answer
    assert "a=rtcp-fb:96 goog-remb\r\n" in answer
    assert "transport-cc" not in answer


def test_a_publisher_sends_one_codec_and_a_subscriber_takes_all() -> None:
    h264 = "a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1\r\n"
    single = "a=rtpmap:103 H264/90000\r\na=fmtp:103 packetization-mode=0\r\n"
    for direction, names in (("sendonly", [H264]), ("recvonly", [H264, VP8_NAME])):
        offered = text(Offered((VP8,), direction)).replace("SAVPF 96 97", "SAVPF 103 102 96 97")
        _, [section] = answer_to(offered + single + h264, subscriber=direction == "recvonly")
        assert [codec.name for codec in section.codecs] == names


def test_what_the_server_has_no_use_for_is_rejected_in_its_place() -> None:
    offered = text(Offered((OPUS, VP8, VP8, OPUS)))
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\na=sctp-port:5000\r\n"
    answer, sections = answer_to(offered + data)
    assert [section.mid for section in sections] == ["0", "1"]  # one of each kind
    read = sdp.SessionDescription.parse(answer.replace("a=inactive\r\n", ""))
    assert [(media.kind, media.port > 0) for media in read.media] == [
        ("audio", True), ("video", True), ("video", False), ("audio", False),
        ("application", False),
    ]  # fmt: skip
    assert str(read.group[0]) == "BUNDLE 0 1"


def test_codecs_that_nobody_knows_leave_the_section_out() -> None:
    pcmu = ("audio", 0, "PCMU/8000", ())
    _, sections = answer_to(text(Offered((pcmu, VP8))))
    assert [section.kind for section in sections] == ["video"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("a=sendonly", "a=recvonly", "no sendonly section"),
        ("a=rtcp-mux\r\n", "", "no sendonly section"),
        ("opus/48000/2", "opus/48000/1", None),
        ("a=ice-ufrag", "a=x-ufrag", "ice-ufrag"),
        ("a=ice-pwd:", "a=ice-pwd:short\r\na=x:", "ice-pwd"),
        ("a=fingerprint", "a=x-print", "fingerprint"),
        ("a=setup:actpass", "a=setup:passive", "passive"),
        ("a=setup:actpass", "a=x", "setup"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 7", "no sendonly section"),
    ],
)
def test_offers_that_cannot_be_served_say_why(old: str, new: str, why: str | None) -> None:
    offered = text(Offered())
    assert old in offered
    changed = offered.replace(old, new)
    if why is None:
        assert len(answer_to(changed)[1]) == 1
        return
    with pytest.raises(UnacceptableOffer, match=why) as refusal:
        answer_to(changed)
    assert refusal.value.status == 422


@pytest.mark.parametrize(
    "malformed",
    ["m=audio", "m=audio 9 x 1", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF x", "c=IN IP9 x\r\n",
     "a=setup:sideways\r\n", "a=fingerprint:x\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 72\r\n",
     "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96\r\n", "a=fingerprint\r\n",
     "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=fmtp:97 x=1\r\n"],
)  # fmt: skip
def test_what_is_no_sdp_is_malformed(malformed: str) -> None:
    with pytest.raises(MalformedOffer, match="not SDP") as refusal:
        Offer(malformed)
    assert refusal.value.status == 400


@pytest.mark.parametrize("offered", ["", "hello", "v=0\r\n", text(Offered((OPUS,) * 129))])
def test_too_few_and_too_many_sections_are_refused(offered: str) -> None:
    with pytest.raises(UnacceptableOffer, match="1 to 128"):
        Offer(offered)


@given(st.data())
def test_no_change_of_an_offer_raises_anything_else(data: st.DataObject) -> None:
    lines = text(replace(Offered(rids=("a", "b")), fragment="abcd")).split("\r\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        lines[at] = line[:cut] + data.draw(st.sampled_from(["", " ", ":", "0", "é", line[:cut]]))
    with contextlib.suppress(MalformedOffer, UnacceptableOffer):
        answer_to("\r\n".join(lines))


def test_an_answer_holds_no_line_that_the_offer_smuggled_in() -> None:
    offered = text(Offered()).replace("a=mid:0", "a=mid:0\va=smuggled")
    try:
        answer, _ = answer_to(offered)
    except (MalformedOffer, UnacceptableOffer):
        return
    assert "\r\na=smuggled" not in answer
