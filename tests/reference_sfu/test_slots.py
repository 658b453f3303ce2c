"""Slots: switches at key frames, retransmissions."""

from reference_sfu import rtp
from reference_sfu.codecs import H264, VP8
from reference_sfu.offers import Codec, Section
from reference_sfu.publications import Publication
from reference_sfu.slots import Dealer
from reference_sfu.subscriptions import Subscription
from tests.reference_sfu.meetings import DELTA, KEY, PICTURE, SIMULCAST, VOICE, Meeting

PLAIN = Section("video", "1", (Codec(VP8, 96, None),), {})


def watched(section: Section = PICTURE) -> tuple[Meeting, Publication, Subscription]:
    meeting = Meeting()
    publication = meeting.publish("hanoi")
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    return meeting, publication, meeting.subscribe("camau", section)


def test_a_picture_begins_with_a_key_frame_and_a_voice_at_once() -> None:
    meeting = Meeting()
    hanoi = meeting.publish("hanoi")
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    voice, picture = meeting.subscribe("camau").slots
    assert [s.row for s in meeting.play(hanoi, 1, 111, 5)] == [voice.number]
    assert meeting.play(hanoi, 2, 96, 50, DELTA) == []
    assert [s.row for s in meeting.play(hanoi, 2, 96, 51, KEY)] == [picture.number]
    assert [s.row for s in meeting.play(hanoi, 2, 96, 52, DELTA)] == [picture.number]


def test_the_old_source_goes_on_until_the_new_ones_key_frame() -> None:
    meeting = Meeting()
    hanoi, hue = meeting.publish("hanoi"), meeting.publish("hue")
    floor = meeting.room.floor.updated({"programme": "hanoi"})
    meeting.room.give_floor(floor)
    [slot] = meeting.subscribe("camau", PICTURE).slots
    first = meeting.play(hanoi, 2, 96, 50, KEY)
    meeting.play(hue, 3, 96, 10, KEY)
    meeting.room.give_floor(floor.updated({"programme": "hue"}))
    meeting.play(hue, 3, 96, 11, DELTA)
    old = meeting.play(hanoi, 2, 96, 51, DELTA)
    new = meeting.play(hue, 3, 96, 12, KEY)
    assert meeting.play(hanoi, 2, 96, 52, DELTA) == []
    numbers = [s.packet.sequence for s in first + old + new]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert {s.packet.ssrc for s in first + old + new} == {slot.ssrc}
    assert [s.packet.payload for s in new] == [
        KEY[:2] + bytes((0x80, 0x06)) + KEY[4:]  # pictures are numbered on
    ]


def test_an_encoding_that_comes_later_does_not_move_the_slot() -> None:
    meeting = Meeting()
    publication = meeting.publish("hanoi", SIMULCAST)
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    [slot] = meeting.subscribe("camau", PICTURE).slots
    assert len(meeting.play(publication, 2, 96, 50, KEY, {4: b"low"})) == 1
    assert meeting.play(publication, 3, 96, 70, KEY, {4: b"high"}) == []
    assert slot.next is None
    assert len(meeting.play(publication, 2, 96, 51, DELTA)) == 1


def test_a_late_key_frame_begins_nothing() -> None:
    meeting, publication, _ = watched()
    meeting.play(publication, 2, 96, 50, DELTA)
    meeting.play(publication, 2, 96, 52, DELTA)
    assert meeting.play(publication, 2, 96, 51, KEY) == []


def test_nothing_is_sent_of_a_codec_that_the_subscriber_does_not_know() -> None:
    meeting, publication, subscription = watched(Section("video", "1", (Codec(H264, 96, 97),), {}))
    assert meeting.play(publication, 2, 96, 50, KEY) == []
    [slot] = subscription.slots
    assert slot.stream is None
    assert slot.next is None


def test_a_repair_is_the_packet_in_the_retransmission_stream() -> None:
    meeting, publication, subscription = watched()
    meeting.play(publication, 2, 96, 50, KEY)
    [sent] = meeting.play(publication, 2, 96, 51, DELTA)
    [slot] = subscription.slots
    first, second = (slot.repair(sent.packet.sequence) for _ in range(2))
    assert first is not None
    assert second is not None
    read, again = rtp.parse(first), rtp.parse(second)
    assert (read.payload_type, read.ssrc) == (97, slot.repair_ssrc)
    assert read.timestamp == sent.packet.timestamp
    assert read.payload == sent.packet.sequence.to_bytes(2, "big") + sent.packet.payload
    assert read.extensions == sent.packet.extensions
    assert (again.sequence - read.sequence) & 0xFFFF == 1
    assert again.payload == read.payload


def test_without_a_retransmission_stream_it_is_the_very_packet() -> None:
    meeting, publication, subscription = watched(PLAIN)
    [key] = meeting.play(publication, 2, 96, 50, KEY)
    meeting.play(publication, 2, 96, 51, DELTA)
    before = subscription.slots[0].row.copy()
    again = subscription.slots[0].repair(key.packet.sequence)
    assert again is not None
    assert rtp.parse(again) == key.packet
    assert subscription.slots[0].row == before


def test_a_repair_reaches_back_over_a_switch() -> None:
    meeting = Meeting()
    hanoi, hue = meeting.publish("hanoi"), meeting.publish("hue")
    floor = meeting.room.floor.updated({"programme": "hanoi"})
    meeting.room.give_floor(floor)
    [slot] = meeting.subscribe("camau", PLAIN).slots
    sent = meeting.play(hanoi, 2, 96, 50, KEY) + meeting.play(hanoi, 2, 96, 51, DELTA)
    meeting.play(hue, 3, 96, 900, DELTA)
    meeting.room.give_floor(floor.updated({"programme": "hue"}))
    sent += meeting.play(hue, 3, 96, 901, KEY)
    for each in sent:
        again = slot.repair(each.packet.sequence)
        assert again is not None
        assert rtp.parse(again) == each.packet


def test_what_is_forgotten_or_was_never_sent_is_not_repaired() -> None:
    meeting, publication, subscription = watched()
    [slot] = subscription.slots
    assert slot.repair(5) is None
    [key] = meeting.play(publication, 2, 96, 50, KEY)
    assert slot.repair(key.packet.sequence - 1 & 0xFFFF) is None
    assert slot.repair(key.packet.sequence + 1 & 0xFFFF) is None
    for sequence in range(51, 51 + 1024):
        meeting.play(publication, 2, 96, sequence, DELTA)
    assert slot.repair(key.packet.sequence) is None


def test_a_closed_slot_leaves_nothing_behind() -> None:
    meeting, publication, subscription = watched()
    meeting.play(publication, 2, 96, 50, DELTA)
    [slot] = subscription.slots
    assert slot.next is not None
    stream = slot.next
    meeting.play(publication, 2, 96, 51, KEY)
    assert stream.is_wanted
    meeting.room.unsubscribe(subscription)
    assert not stream.is_wanted
    assert len(meeting.room.rows) == 0
    assert meeting.play(publication, 2, 96, 52, KEY) == []


def test_sections_of_both_kinds_have_rows() -> None:
    meeting = Meeting()
    slots = meeting.slots(VOICE, PICTURE)
    assert len({slot.number for slot in slots}) == len(meeting.room.rows) == 2


def test_streams_are_named_by_place_and_have_numbers_of_their_own() -> None:
    dealer = Dealer()
    kinds = ["audio", "video", "video", "audio", "video", "video"]
    names = [dealer(kind).name for kind in kinds]
    assert names == ["programme", "programme", "called", "called", "tile-0", "tile-1"]
    numbers = [ssrc for each in dealer.dealt for ssrc in (each.ssrc, each.repair_ssrc)]
    assert len(set(numbers)) == len(numbers) == 12
