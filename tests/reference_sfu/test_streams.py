"""Streams and who gets them."""

from reference_sfu.codecs import OPUS, VP8
from reference_sfu.offers import Codec
from reference_sfu.rtcp import SenderReport, ntp_time
from reference_sfu.rtp import Dialect
from reference_sfu.streams import KEY_FRAME_INTERVAL_NS, Group, Stream, by_quality, last_sr_of

SECOND = 1_000_000_000


def stream(rid: str = "") -> Stream:
    return Stream(7, "video", Codec(VP8, 96, 97), rid, {})


def test_a_group_knows_its_rows() -> None:
    group = Group()
    for row in (5, 3, 5, 9):
        group.add(row)
    group.discard(3)
    group.discard(4)
    assert group.rows.tolist() == [5, 9]
    group.add(1)
    assert group.rows.tolist() == [5, 9, 1]
    assert group.rows is group.rows
    assert len(group) == 3


def test_groups_are_by_dialect_and_empty_ones_go() -> None:
    one, other = Dialect(96, b"1", ()), Dialect(97, b"1", ())
    made = stream()
    assert not made.is_wanted
    made.add(one, 1)
    made.add(other, 2)
    made.add(one, 3)
    assert {d: g.rows.tolist() for d, g in made.groups.items()} == {one: [1, 3], other: [2]}
    assert made.is_wanted
    made.discard(other, 2)
    made.discard(other, 2)
    assert list(made.groups) == [one]


def test_key_frames_are_asked_for_where_they_are_wanted_and_not_too_often() -> None:
    made = stream()
    assert not made.ask_for_key_frame(0)
    made.wanted_key_frame = True
    assert made.ask_for_key_frame(SECOND)
    assert not made.ask_for_key_frame(SECOND)
    made.wanted_key_frame = True
    assert not made.ask_for_key_frame(SECOND + KEY_FRAME_INTERVAL_NS - 1)
    assert made.ask_for_key_frame(SECOND + KEY_FRAME_INTERVAL_NS)
    assert not made.ask_for_key_frame(9 * SECOND)


def test_rtp_time_is_on_the_publishers_own_line() -> None:
    made = stream()
    assert made.timestamp_at(SECOND) is None
    made.see(1000, 5 * SECOND)
    assert made.timestamp_at(6 * SECOND) == 91_000
    made.hear(SenderReport(7, ntp_time(4 * SECOND), 2**32 - 45_000, 0, 0), 1)
    made.see(77, 9 * SECOND)  # the report is better
    assert made.timestamp_at(5 * SECOND) in (44_999, 45_000)
    assert made.timestamp_at(4 * SECOND) in (2**32 - 45_001, 2**32 - 45_000)
    made.restart()
    assert made.timestamp_at(SECOND) is None


def test_the_last_sender_report_is_told_with_its_age() -> None:
    made = Stream(7, "audio", Codec(OPUS, 111, None), "", {})
    assert last_sr_of(made, 0) == (0, 0)
    made.hear(SenderReport(7, 0x1234_5678_9ABC_DEF0, 0, 0, 0), SECOND)
    assert last_sr_of(made, SECOND + SECOND // 2) == (0x5678_9ABC, 1 << 15)


def test_encodings_are_ordered_by_what_they_are_sent_with() -> None:
    low, high, none = stream("low"), stream("high"), stream("none")
    low.reception.bitrate, high.reception.bitrate = 1e5, 1e6
    assert by_quality([high, none, low]) == [none, low, high]
