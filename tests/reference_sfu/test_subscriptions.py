"""What a subscriber says, and what comes of it."""

import pytest

from reference_sfu import rtcp
from reference_sfu.offers import Section
from reference_sfu.publications import Publication
from reference_sfu.rtcp import ntp_time
from reference_sfu.subscriptions import MAX_REPAIRS, REPAIR_NS, Subscription
from tests.reference_sfu.meetings import DELTA, KEY, PICTURE, SECOND, SIMULCAST, VOICE, Meeting


def block(ssrc: int, *, fraction: int = 0, last_sr: int = 0, delay: int = 0) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(ssrc, fraction, 0, 0, 0, last_sr, delay)


def test_round_trips_are_told_from_the_servers_own_time() -> None:
    subscription = Meeting().subscribe("camau")
    slot = subscription.slots[0]
    unix_ns = 1_700_000_000 * SECOND
    sent = ntp_time(unix_ns) >> 16 & 0xFFFFFFFF
    item = block(slot.ssrc, last_sr=sent, delay=1 << 15)
    subscription.hear(item, unix_ns + 750_000_000, 0)
    assert subscription.round_trip_ns == pytest.approx(250_000_000, abs=20_000)
    subscription.hear(block(slot.ssrc, last_sr=sent + 99), unix_ns, 0)  # of a future
    assert subscription.round_trip_ns == pytest.approx(250_000_000, abs=20_000)
    subscription.hear(block(slot.ssrc), unix_ns, 0)
    subscription.hear(block(12345, last_sr=sent), unix_ns, 0)
    assert subscription.round_trip_ns == pytest.approx(250_000_000, abs=20_000)


def test_loss_is_the_worst_pictures_and_fades() -> None:
    subscription = Meeting().subscribe("camau", VOICE, PICTURE, PICTURE)
    voice, *pictures = subscription.slots
    for fraction, slot in ((200, voice), (64, pictures[0]), (0, pictures[1])):
        subscription.hear(block(slot.ssrc, fraction=fraction), 0, 0)
    assert subscription.loss == 0.125
    for _ in range(20):
        subscription.hear(block(pictures[0].ssrc), 0, 0)
    assert subscription.loss < 1e-6


def watched(picture: Section = PICTURE) -> tuple[Meeting, Publication, Subscription]:
    meeting = Meeting()
    publication = meeting.publish("hanoi", VOICE, picture)
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    return meeting, publication, meeting.subscribe("camau", VOICE, PICTURE)


def test_a_lost_picture_asks_the_publisher_through_the_slot() -> None:
    meeting, publication, subscription = watched()
    meeting.play(publication, 2, 96, 1, KEY)
    meeting.play(publication, 1, 111, 1)
    list(publication.requests(9, 0))
    voice, picture = subscription.slots
    for ssrc in (voice.ssrc, 999):
        subscription.hear(rtcp.PictureLoss(ssrc), 0, 0)
    assert list(publication.requests(9, 10 * SECOND)) == []
    subscription.hear(rtcp.PictureLoss(picture.ssrc), 0, 0)
    [asked] = publication.requests(9, 10 * SECOND)
    assert list(rtcp.read(asked)) == [rtcp.PictureLoss(2)]


def test_nacks_are_answered_as_far_as_the_budget_goes() -> None:
    meeting, publication, subscription = watched()
    sent = [
        each
        for sequence in range(1, 501)
        for each in meeting.play(publication, 2, 96, sequence, KEY if sequence == 1 else DELTA)
    ]
    picture = subscription.slots[1]
    lost = rtcp.Lost(picture.ssrc, [each.packet.sequence for each in sent])
    now = 50 * SECOND
    assert len(subscription.hear(lost, 0, now)) == MAX_REPAIRS
    assert subscription.hear(lost, 0, now) == []
    assert len(subscription.hear(lost, 0, now + REPAIR_NS)) == MAX_REPAIRS
    assert subscription.hear(rtcp.Lost(999, [1]), 0, now + 9 * REPAIR_NS) == []


def test_sender_reports_are_of_slots_that_sent_and_on_the_publishers_line() -> None:
    meeting, publication, subscription = watched()
    assert subscription.reports(0) is None
    publication.hear(rtcp.SenderReport(1, 0, 0, 0, 0), 0)
    voice, _ = subscription.slots
    [first] = meeting.play(publication, 1, 111, 100)
    publication.hear(rtcp.SenderReport(1, ntp_time(5 * SECOND), 960 * 100, 0, 0), meeting.now_ns)
    packet = subscription.reports(6 * SECOND)
    assert packet is not None
    [report] = rtcp.read(packet)
    assert isinstance(report, rtcp.SenderReport)
    assert (report.ssrc, report.ntp, report.packets) == (voice.ssrc, ntp_time(6 * SECOND), 1)
    assert report.rtp - first.packet.timestamp in (47_999, 48_000)
    assert subscription.reports(7 * SECOND) is None
    # After a switch the slot's timestamps are no longer the source's.
    hue = meeting.publish("hue")
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hue"}))
    [other] = meeting.play(hue, 7, 111, 5000)
    hue.hear(rtcp.SenderReport(7, ntp_time(5 * SECOND), 960 * 5000, 0, 0), meeting.now_ns)
    packet = subscription.reports(7 * SECOND)
    assert packet is not None
    [report] = rtcp.read(packet)
    assert isinstance(report, rtcp.SenderReport)
    assert report.rtp - other.packet.timestamp in (95_999, 96_000)
    meeting.room.give_floor(meeting.room.floor.updated({"programme": "hanoi"}))
    meeting.play(publication, 1, 111, 101)
    assert subscription.reports(8 * SECOND) is not None


def simulcast() -> tuple[Meeting, Publication, Subscription]:
    meeting, publication, subscription = watched(SIMULCAST)
    for i in range(3):
        for ssrc, rid in ((2, b"low"), (3, b"high")):
            meeting.play(publication, ssrc, 96, 1000 * ssrc + i, KEY, {4: rid})
    low, high = publication.tracks["video"].streams
    low.reception.bitrate, high.reception.bitrate = 1e5, 1e6
    return meeting, publication, subscription


@pytest.mark.parametrize(
    ("estimate", "rid"), [(None, "high"), (5e6, "high"), (3e5, "low"), (0, "low")]
)
def test_the_estimate_chooses_the_encoding(estimate: int | None, rid: str) -> None:
    meeting, publication, subscription = simulcast()
    if estimate is not None:
        subscription.hear(rtcp.Estimate(int(estimate)), 0, 0)
    now = meeting.now_ns
    for second in range(4):
        for stream in publication.streams.values():
            stream.last_ns = now + second * SECOND
        subscription.choose_encodings(now + second * SECOND)
        for ssrc in (2, 3):
            meeting.play(publication, ssrc, 96, 1000 * ssrc + 10 + second, KEY)
    [slot] = subscription.pictures
    assert slot.stream is not None
    assert slot.stream.rid == rid


def test_an_encoding_that_fell_silent_is_left() -> None:
    meeting, publication, subscription = simulcast()
    low, high = publication.tracks["video"].streams
    [slot] = subscription.pictures
    slot.aim(high)
    meeting.play(publication, 3, 96, 3003, KEY)
    assert slot.stream is high
    now = meeting.now_ns + 10 * SECOND
    low.last_ns = now
    subscription.choose_encodings(now)
    assert (slot.next or slot.stream) is low
