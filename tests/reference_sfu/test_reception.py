"""What a receiver knows of a stream, by plans of packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_sfu.reception import (
    MAX_DROPOUT,
    MAX_MISSING,
    NACK_INTERVAL_NS,
    NACK_TRIES,
    STALE_NS,
    Arrival,
    Reception,
)

MS = 1_000_000


def play(sequences: list[int], clock_rate: int = 48_000) -> tuple[Reception, list[Arrival]]:
    """Packets every 20 ms."""
    reception = Reception(7, clock_rate)
    arrivals = [
        reception.take(sequence & 0xFFFF, 960 * i, 100, 20 * MS * i)
        for i, sequence in enumerate(sequences)
    ]
    return reception, arrivals


@given(st.integers(0, 65_535), st.integers(1, 200))
def test_a_whole_stream_has_no_loss_and_no_jitter(first: int, number: int) -> None:
    reception, arrivals = play(list(range(first, first + number)))
    assert set(arrivals) == {Arrival.NEXT}
    report = reception.report(0, 0)
    assert (report.lost, report.fraction_lost, report.jitter) == (0, 0, 0)
    assert report.highest == first + number - 1


@given(st.integers(0, 65_535), st.sets(st.integers(1, 98), max_size=50))
def test_what_is_lost_is_reported_and_asked_for(first: int, lost: set[int]) -> None:
    reception, _ = play([first + i for i in range(100) if i not in lost])
    report = reception.report(0, 0)
    assert report.lost == len(lost)
    assert report.fraction_lost == 256 * len(lost) // 100
    assert set(reception.missing) == {(first + i) & 0xFFFF for i in lost}
    assert reception.report(0, 0).fraction_lost == 0


def test_a_late_packet_is_no_loss_and_a_duplicate_is_a_stray() -> None:
    reception, arrivals = play([1, 2, 4, 3, 3, 4])
    assert arrivals == [
        Arrival.NEXT, Arrival.NEXT, Arrival.NEXT, Arrival.LATE, Arrival.STRAY, Arrival.STRAY,
    ]  # fmt: skip
    assert reception.report(0, 0).lost == 0
    assert not reception.missing


def test_a_missing_packet_is_asked_for_only_so_often() -> None:
    reception, _ = play([1, 3])
    now = 20 * MS
    asked = 0
    for _ in range(100):
        asked += len(reception.due(now))
        asked += len(reception.due(now + 1))
        now += NACK_INTERVAL_NS
    assert asked == NACK_TRIES


def test_what_was_missed_long_ago_is_not_asked_for() -> None:
    reception, _ = play([1, 3])
    assert reception.due(20 * MS + STALE_NS + 1) == []
    assert reception.missing == {}
    reception, _ = play([65_535, 65_538])
    assert reception.due(20 * MS + STALE_NS) == [0, 1]


def test_too_many_missing_are_not_asked_for_at_all() -> None:
    reception, _ = play([1, 3 + MAX_MISSING])
    assert reception.missing == {}


def test_a_stray_far_off_changes_nothing_and_a_second_in_a_row_is_a_new_beginning() -> None:
    reception, arrivals = play([10, 40_000, 11, 50_000, 50_001, 50_002])
    assert arrivals == [
        Arrival.NEXT, Arrival.STRAY, Arrival.NEXT, Arrival.STRAY, Arrival.RESTART, Arrival.NEXT,
    ]  # fmt: skip
    assert reception.report(0, 0).lost == 0


def test_a_gap_of_less_than_the_dropout_is_a_gap() -> None:
    _, arrivals = play([1, MAX_DROPOUT])
    assert arrivals == [Arrival.NEXT, Arrival.NEXT]
    _, arrivals = play([1, 1 + MAX_DROPOUT])
    assert arrivals == [Arrival.NEXT, Arrival.STRAY]


def test_jitter_is_the_standards() -> None:
    reception = Reception(7, 90_000)
    jitter, before = 0.0, None
    times = [0, 33, 70, 95, 140, 166]
    for i, ms in enumerate(times):
        timestamp = (2**32 - 6000 + 3000 * i) % 2**32  # it goes around
        reception.take(i, timestamp, 1, ms * MS)
        transit = ms * 90 - 3000 * i
        if before is not None:
            jitter += (abs(transit - before) - jitter) / 16
        before = transit
    assert reception.report(0, 0).jitter == int(jitter)


def test_the_bitrate_is_of_the_last_whole_measurement() -> None:
    reception = Reception(7, 90_000)
    reception.measure_bitrate(0)
    for i in range(100):
        reception.take(i, 0, 125, i)
    reception.measure_bitrate(500 * MS)
    assert reception.bitrate == pytest.approx(8 * 12_500 / 0.5)
    reception.measure_bitrate(1000 * MS)
    assert reception.bitrate == 0


def test_what_the_report_says_of_sender_reports_is_passed_on() -> None:
    report = Reception(7, 90_000).report(0xABCD, 3)
    assert (report.ssrc, report.last_sr, report.delay, report.lost) == (7, 0xABCD, 3, 0)
