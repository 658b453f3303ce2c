"""The way of a packet, and who is where."""

from reference_sfu import rtp
from reference_sfu.codecs import OPUS
from reference_sfu.offers import Codec, Section
from tests.reference_sfu.meetings import DELTA, KEY, PICTURE, VOICE, Meeting


def floor(meeting: Meeting, **change: object) -> None:
    meeting.room.give_floor(meeting.room.floor.updated(change))


def test_everyone_hears_programme_and_called_and_nobody_hears_himself() -> None:
    meeting = Meeting()
    floor(meeting, programme="hanoi", called="camau")
    publications = {site: meeting.publish(site) for site in ("hanoi", "camau", "hue")}
    slots = {
        site: meeting.subscribe(site, VOICE, VOICE).slots for site in ("hanoi", "camau", "hue")
    }
    heard = {
        speaker: {
            (site, place)
            for sent in meeting.play(publication, 1, 111, 1)
            for site, own in slots.items()
            for place, slot in enumerate(own)
            if slot.number == sent.row
        }
        for speaker, publication in publications.items()
    }
    assert heard == {
        "hanoi": {("camau", 0), ("hue", 0)},
        "camau": {("hanoi", 1), ("hue", 1)},
        "hue": set(),
    }


def test_the_wall_is_seen_in_its_places() -> None:
    meeting = Meeting()
    floor(meeting, tiles=["hue", None, "hanoi"])
    hanoi, hue = meeting.publish("hanoi"), meeting.publish("hue")
    slots = meeting.subscribe("camau", *[PICTURE] * 5).slots
    assert [s.row for s in meeting.play(hanoi, 2, 96, 1, KEY)] == [slots[4].number]
    assert [s.row for s in meeting.play(hue, 2, 96, 1, KEY)] == [slots[2].number]
    floor(meeting, tiles=["hanoi", "hue"])
    meeting.play(hanoi, 2, 96, 2, KEY)
    assert [s.row for s in meeting.play(hanoi, 2, 96, 3, DELTA)] == [slots[2].number]


def test_a_subscriber_that_was_there_first_gets_what_is_published_later() -> None:
    meeting = Meeting()
    [slot] = meeting.subscribe("camau", VOICE).slots
    floor(meeting, programme="hanoi")
    sent = meeting.play(meeting.publish("hanoi"), 1, 111, 1)
    assert [each.row for each in sent] == [slot.number]


def test_off_the_floor_nothing_is_sent_and_what_nobody_wants_is_not_kept() -> None:
    meeting = Meeting()
    hanoi = meeting.publish("hanoi")
    floor(meeting, programme="hanoi")
    meeting.subscribe("camau", VOICE)
    assert meeting.play(hanoi, 1, 111, 1)
    floor(meeting, programme=None)
    assert meeting.play(hanoi, 1, 111, 2) == []
    assert not hanoi.streams[1].is_wanted


def test_each_subscriber_is_told_in_its_own_words() -> None:
    meeting = Meeting()
    hanoi = meeting.publish("hanoi")
    floor(meeting, programme="hanoi")
    capture = bytes(range(8))
    codec = Codec(OPUS, 99, None)
    other = Section("audio", "voice", (codec,), {rtp.MID: 9, rtp.ABS_CAPTURE_TIME: 14})
    for section in (VOICE, other, VOICE):
        meeting.subscribe("camau", section)
    sent = meeting.play(hanoi, 1, 111, 1, b"voice", {3: capture, 9: b"private"})
    told = [(each.packet.payload_type, each.packet.extensions) for each in sent]
    own = (111, {1: b"0", 3: capture})
    assert sorted(told, key=str) == [own, own, (99, {9: b"voice", 14: capture})]


def test_a_packet_is_forwarded_once() -> None:
    meeting = Meeting()
    hanoi = meeting.publish("hanoi")
    floor(meeting, programme="hanoi")
    meeting.subscribe("camau", VOICE)
    counts = [len(meeting.play(hanoi, 1, 111, sequence)) for sequence in (1, 2, 2, 4, 3, 3, 5)]
    assert counts == [1, 1, 0, 1, 1, 0, 1]
    assert meeting.room.forwarding.strays == 2
    assert meeting.room.forwarding.packets == 5


def test_a_stream_that_begins_anew_goes_on_as_one_stream() -> None:
    meeting = Meeting()
    hanoi = meeting.publish("hanoi")
    floor(meeting, programme="hanoi")
    meeting.subscribe("camau", VOICE)
    sequences = [100, 101, 40_000, 40_001, 40_002]
    sent = [each for sequence in sequences for each in meeting.play(hanoi, 1, 111, sequence)]
    numbers = [each.packet.sequence for each in sent]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_what_cannot_be_read_or_placed_is_counted() -> None:
    meeting = Meeting()
    hanoi = meeting.publish("hanoi")
    meeting.room.take(hanoi, b"\x80short", 0, 0)
    meeting.play(hanoi, 1, 50, 1)
    assert meeting.room.forwarding.malformed == 1
    assert meeting.room.forwarding.strays == 1
    assert meeting.room.forwarding.packets == 0


def test_a_second_publication_of_a_site_takes_the_place_of_the_first() -> None:
    meeting = Meeting()
    floor(meeting, programme="hanoi")
    meeting.subscribe("camau", VOICE)
    first = meeting.publish("hanoi")
    meeting.play(first, 1, 111, 1)
    second = meeting.publish("hanoi")
    assert first.streams == {}
    assert meeting.play(first, 1, 111, 2) == []  # it is over
    assert len(meeting.play(second, 9, 111, 1)) == 1
    meeting.room.unpublish(first)  # its session ends later; the second goes on
    assert len(meeting.play(second, 9, 111, 2)) == 1
    assert meeting.room.publications == {"hanoi": second}


def test_tracks_of_sites_that_are_gone_are_forgotten() -> None:
    meeting = Meeting()
    for number in range(50):
        publication = meeting.publish(f"site-{number}")
        floor(meeting, programme=f"site-{number}")
        meeting.room.unpublish(publication)
    floor(meeting, programme=None)
    assert len(meeting.room._tracks) == 0
