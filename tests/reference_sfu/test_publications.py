"""Which packets are of which stream, and what the publisher is told."""

from dataclasses import replace

import pytest

from reference_sfu import rtcp
from reference_sfu.offers import Section
from reference_sfu.publications import (
    LEAST_BITRATE,
    MAX_STREAMS,
    MOST_BITRATE,
    Publication,
    allowed,
)
from reference_sfu.rtp import Packet
from reference_sfu.slots import Track
from tests.reference_sfu.meetings import DELTA, KEY, PICTURE, SECOND, SIMULCAST, VOICE, Meeting


def make(*sections: Section) -> Publication:
    tracks = {kind: Track("hanoi", kind) for kind in ("audio", "video")}
    return Publication("hanoi", list(sections or (VOICE, PICTURE)), tracks)


def packet(
    ssrc: int, payload_type: int, extensions: dict[int, bytes] | None = None, payload: bytes = b"x"
) -> Packet:
    return Packet(payload_type, 1, 2, ssrc, payload, extensions=extensions or {})


def test_payload_types_tell_sections_apart() -> None:
    publication = make()
    voice, picture = publication.place(packet(1, 111), 0), publication.place(packet(2, 96), 0)
    assert voice is not None
    assert picture is not None
    assert (voice[0].kind, picture[0].kind) == ("audio", "video")
    assert publication.place(packet(1, 111), 0) == (voice[0], packet(1, 111))


@pytest.mark.parametrize(
    ("section", "each"),
    [
        (VOICE, packet(1, 96)),  # a payload type that was not negotiated
        (VOICE, packet(1, 111, {1: b"7"})),  # another section's name
        (replace(VOICE, ssrcs=(5,)), packet(1, 111)),  # not the one that was announced
        (SIMULCAST, packet(1, 96)),  # an encoding without its name
        (SIMULCAST, packet(1, 96, {4: b"huge"})),
        (SIMULCAST, packet(1, 97, {5: b"low"})),  # a repair of nothing
        (PICTURE, packet(1, 97)),
    ],
)
def test_what_was_not_negotiated_is_of_no_stream(section: Section, each: Packet) -> None:
    publication = make(section)
    assert publication.place(each, 0) is None
    assert publication.streams == {}


def test_an_announced_stream_or_one_with_its_sections_name_is_taken() -> None:
    publication = make(replace(VOICE, ssrcs=(5,)))
    assert publication.place(packet(5, 111), 0) is not None
    assert make(replace(VOICE, ssrcs=(5,))).place(packet(6, 111, {1: b"0"}), 0) is not None


def test_a_second_ssrc_is_a_stray_until_the_first_is_silent() -> None:
    publication = make()
    first = publication.place(packet(1, 111), SECOND)
    assert first is not None
    first[0].last_ns = SECOND
    assert publication.place(packet(2, 111), 2 * SECOND) is None
    second = publication.place(packet(2, 111), 4 * SECOND)
    assert second is not None
    assert list(publication.streams) == [2]
    assert publication.tracks["audio"].streams == [second[0]]


def test_a_known_stream_with_another_payload_type_is_a_stray() -> None:
    publication = make()
    publication.place(packet(1, 111), 0)
    assert publication.place(packet(1, 96), 0) is None


def test_encodings_and_their_repairs_are_told_by_name() -> None:
    publication = make(SIMULCAST)
    low = publication.place(packet(1, 96, {4: b"low"}), 0)
    high = publication.place(packet(2, 96, {4: b"high"}), 0)
    assert low is not None
    assert high is not None
    assert [each.rid for each in publication.tracks["video"].streams] == ["low", "high"]
    repair = publication.place(packet(3, 97, {5: b"high"}, b"\x12\x34pic"), 0)
    assert repair is not None
    stream, unpacked = repair
    assert stream is high[0]
    assert (unpacked.sequence, unpacked.payload, unpacked.ssrc) == (0x1234, b"pic", 2)
    assert unpacked.payload_type == 96
    later = publication.place(packet(3, 97, None, b"\x12\x35pic"), 0)
    assert later is not None
    assert later[0] is high[0]


def test_repairs_are_told_by_what_was_announced_or_by_being_the_only_ones() -> None:
    announced = make(replace(PICTURE, ssrcs=(2, 3), repairs={3: 2}))
    announced.place(packet(2, 96), 0)
    assert announced.place(packet(3, 97, None, b"\x00\x01x"), 0) is not None
    assert announced.place(packet(3, 97, None, b"\x00"), 0) is None  # padding
    only = make()
    only.place(packet(2, 96), 0)
    assert only.place(packet(9, 97, None, b"\x00\x01x"), 0) is not None


def test_streams_are_bounded() -> None:
    publication = make()
    publication.place(packet(1, 96), 0)
    for ssrc in range(2, 200):
        publication.place(packet(ssrc, 97, None, b"\x00\x01x"), 0)
    assert len(publication._repairs) + len(publication.streams) == MAX_STREAMS


def test_the_publisher_is_told_how_its_streams_fare() -> None:
    meeting = Meeting()
    publication = meeting.publish("hanoi")
    assert publication.reports(9, 0) is None
    for sequence in (1, 2, 4):
        meeting.play(publication, 1, 111, sequence)
    publication.hear(rtcp.SenderReport(1, 1 << 40, 5, 0, 0), SECOND)
    publication.hear(rtcp.SenderReport(77, 1 << 40, 5, 0, 0), SECOND)
    packet = publication.reports(9, 2 * SECOND)
    assert packet is not None
    block, estimate = rtcp.read(packet)
    assert isinstance(block, rtcp.ReportBlock)
    assert (block.ssrc, block.lost, block.last_sr, block.delay) == (1, 1, 1 << 24, 1 << 16)
    assert isinstance(estimate, rtcp.Estimate)
    assert estimate.bitrate == LEAST_BITRATE  # a quarter of next to nothing was lost


@pytest.mark.parametrize(
    ("before", "sent", "loss", "after"),
    [
        (1e6, 1e6, 0.0, 1.05e6),
        (1e6, 2e5, 0.019, 1.05e6),
        (1e6, 1e6, 0.05, 1e6),
        (1e6, 1e6, 0.2, 0.9e6),
        (1e6, 5e5, 0.2, 4.5e5),
        (5e5, 1e6, 0.2, 4.5e5),
        (MOST_BITRATE, 1e6, 0.0, MOST_BITRATE),
        (LEAST_BITRATE, 1e5, 1.0, LEAST_BITRATE),
    ],
)
def test_loss_takes_off_what_a_publisher_may_send(
    before: float, sent: float, loss: float, after: float
) -> None:
    assert allowed(before, sent, loss) == pytest.approx(after)


def test_missing_pictures_and_awaited_key_frames_are_asked_for_if_someone_watches() -> None:
    meeting = Meeting()
    publication = meeting.publish("hanoi")
    for sequence in (1, 3):
        meeting.play(publication, 2, 96, sequence, DELTA)
    assert list(publication.requests(9, meeting.now_ns)) == []
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    meeting.subscribe("camau", PICTURE)
    asked = [item for each in publication.requests(9, meeting.now_ns) for item in rtcp.read(each)]
    assert asked == [rtcp.Lost(2, [2]), rtcp.PictureLoss(2)]
    assert list(publication.requests(9, meeting.now_ns)) == []
    meeting.play(publication, 2, 96, 4, KEY)
    assert list(publication.requests(9, meeting.now_ns + 50_000_000)) == []


def test_an_end_clears_the_slots() -> None:
    meeting = Meeting()
    publication = meeting.publish("hanoi")
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    [slot] = meeting.subscribe("camau", PICTURE).slots
    meeting.play(publication, 2, 96, 1, KEY)
    assert slot.stream is not None
    meeting.room.unpublish(publication)
    assert slot.stream is None
    assert slot.track is not None
    after = meeting.publish("hanoi")
    meeting.play(after, 5, 96, 1, KEY)
    assert slot.stream is after.streams[5]
