from typing import Any

import numpy as np
import pytest

from scenarios.loading import load_scenario
from scenarios.population import populate
from simulations.freezes import begin
from synthetic_clients.crossing import cross_uplink, send_media
from synthetic_clients.receiving import (
    LATE,
    begin_anew,
    estimate,
    look_round,
    map_report,
)
from synthetic_clients.state import BY_EXTENSION, BY_REPORT, CROWDED, MAIL, UNMAPPED
from synthetic_clients.virtual_links import virtual_links
from tests.synthetic_clients.rtp import MS, SECOND, Feed, receiver

ENCODING = 26_500_000  # the scenario's default for voices
TICK = 25 * MS


def voice(feed: Feed, numbers: Any, *, at: int = SECOND, capture: int | None = None) -> None:
    """Packets of a voice, 20 ms apart; those that are missing in ``numbers`` are lost."""
    for number in numbers:
        now = at + number * 20 * MS
        extra = {} if capture is None else {"capture": now - capture}
        feed.send(0, 1000 + number, now, **extra)


def round_of(feed: Feed, now: int) -> tuple[list[list[int]], list[int]]:
    requests, keys = np.zeros((64, 2), np.int64), np.zeros(8, np.int64)
    asked, wanted = look_round(
        feed.state, now, feed.settings[0], np.zeros(1000, np.int32), requests, keys
    )
    return requests[:asked].tolist(), keys[:wanted].tolist()


def picture(
    feed: Feed, frame: int, packets: Any, *, of: int, first: int, key: bool = False
) -> None:
    """Packets ``packets`` of a frame that has ``of``, numbered from ``first``."""
    at = SECOND + frame * 40 * MS
    for i in packets:
        feed.send(1, first + i, at + i * MS, media_ns=at, marker=i == of - 1, key=key and i == 0)
        feed.deliver(at + 100 * MS)


def test_what_comes_in_order_is_all_there() -> None:
    feed = Feed(receiver())
    voice(feed, range(100))
    feed.deliver(10 * SECOND)
    round_of(feed, 10 * SECOND)
    stream = feed.state.voices[0]
    assert (stream["expected"], stream["lost"], stream["jitter"]) == (100, 0, 0)
    assert feed.state.meters[0]["packets"] == 100
    assert feed.state.buffers[0]["played"] == 100


def test_losses_count_once_they_are_too_late_to_come() -> None:
    feed = Feed(receiver())
    voice(feed, [n for n in range(100) if n not in (10, 11, 50)])
    feed.deliver(10 * SECOND)
    noticed = SECOND + 51 * 20 * MS
    round_of(feed, noticed + LATE - 1)
    assert feed.state.voices[0]["lost"] == 2
    round_of(feed, noticed + LATE)
    stream = feed.state.voices[0]
    assert (stream["expected"], stream["lost"], stream["runs"]) == (100, 3, 2)


def test_packets_that_overtake_are_no_loss_and_come_once() -> None:
    feed = Feed(receiver())
    voice(feed, [0, 2, 1, 3, 3, 2])
    feed.deliver(10 * SECOND)
    round_of(feed, 20 * SECOND)
    assert feed.state.voices[0]["lost"] == 0
    assert feed.state.voices[0]["expected"] == 4
    assert feed.state.endpoints[0]["strays"] == 2  # replayed


def test_numbers_wrap_around() -> None:
    feed = Feed(receiver())
    for n in range(200):
        feed.send(0, 65_500 + n, SECOND + n * 20 * MS)
    feed.deliver(10 * SECOND)
    round_of(feed, 20 * SECOND)
    assert feed.state.voices[0]["expected"] == 200
    assert feed.state.voices[0]["lost"] == 0


def test_one_packet_far_off_is_a_stray_and_two_in_a_row_a_new_beginning() -> None:
    feed = Feed(receiver())
    voice(feed, range(10))
    feed.send(0, 30_000, 3 * SECOND)
    feed.deliver(4 * SECOND)
    assert feed.state.views[0]["received"] == 10
    feed.send(0, 30_001, 4 * SECOND)
    feed.send(0, 30_002, 4 * SECOND + 20 * MS)
    feed.deliver(5 * SECOND)
    round_of(feed, 20 * SECOND)
    assert feed.state.views[0]["received"] == 1 + 1
    assert feed.state.voices[0]["lost"] == 0


def test_delays_count_from_the_end_of_encoding() -> None:
    feed = Feed(receiver())
    voice(feed, range(50), capture=ENCODING + 30 * MS)
    feed.deliver(10 * SECOND)
    meter = feed.state.meters[0]
    assert feed.state.views[0]["mapping"] == BY_EXTENSION
    assert meter["timed"] == 50
    assert meter["delay_sum"] / 50 == pytest.approx(30 * MS, abs=1000)
    round_of(feed, 10 * SECOND)
    # encoding, network, half of the first target (80 ms), output
    assert meter["heard_sum"] / meter["played"] >= ENCODING + 30 * MS + 10 * MS


def test_without_a_capture_time_there_are_no_delays() -> None:
    feed = Feed(receiver())
    voice(feed, range(50))
    feed.deliver(10 * SECOND)
    assert feed.state.views[0]["mapping"] == UNMAPPED
    assert feed.state.meters[0]["timed"] == 0


def test_a_sender_report_tells_when_the_server_had_a_packet() -> None:
    feed = Feed(receiver())
    voice(feed, range(2))
    feed.deliver(2 * SECOND)
    stamp = (SECOND + 20 * MS) * 48_000 // SECOND
    sent = SECOND + 10 * MS
    map_report(feed.state, 0, sent, stamp & 0xFFFFFFFF, 5, 2 * SECOND, feed.settings[0])
    voice(feed, range(2, 50))
    feed.deliver(10 * SECOND)
    assert feed.state.views[0]["mapping"] == BY_REPORT
    meter = feed.state.meters[0]
    assert meter["delay_sum"] / meter["timed"] == pytest.approx(10 * MS, abs=100_000)


def test_frames_are_told_by_time_stamps_and_marker_bits() -> None:
    feed = Feed(receiver())
    number = 5000
    for frame in range(10):
        size = 1 + frame % 4
        picture(feed, frame, range(size), of=size, first=number, key=frame == 0)
        number += size
    assert feed.state.screens[0]["frames_rendered"] == 10
    assert feed.state.keyed[1] >= 0
    assert feed.state.shown[1] >= 0


def test_nothing_is_shown_before_a_key_frame_and_one_is_asked_for() -> None:
    feed = Feed(receiver())
    begin(feed.state.screens[0]["freezes"], SECOND)
    for frame in range(10):
        picture(feed, frame, range(2), of=2, first=100 + 2 * frame)
    assert feed.state.screens[0]["frames_rendered"] == 0
    now = SECOND + 400 * MS
    asked = [round_of(feed, now + i * TICK)[1] for i in range(20)]
    assert [1] in asked
    assert feed.state.views[1]["look"] == 1


def test_what_is_missing_is_asked_for_and_a_repair_makes_the_frame_whole() -> None:
    feed = Feed(receiver())
    picture(feed, 0, range(2), of=2, first=100, key=True)
    picture(feed, 1, [0, 2], of=3, first=102)
    assert feed.state.screens[0]["frames_rendered"] == 1
    requests, _ = round_of(feed, 2 * SECOND)
    assert requests == [[1, 65_536 + 103]]
    at = 2 * SECOND + 50 * MS
    feed.send(1, 103, at, media_ns=SECOND + 40 * MS)
    feed.deliver(3 * SECOND)
    assert feed.state.screens[0]["frames_rendered"] == 2
    assert feed.state.endpoints[0]["retransmitted"] == 1
    round_of(feed, 10 * SECOND)
    # the network lost it, whatever came of it
    assert feed.state.pictures[0]["lost"] == 1
    feed.send(1, 103, 10 * SECOND, media_ns=SECOND + 40 * MS)
    feed.deliver(11 * SECOND)
    assert feed.state.endpoints[0]["strays"] == 1


@pytest.mark.parametrize("lost", [[0], [1], [2], [0, 1, 2]])
def test_a_frame_with_a_hole_is_never_shown_and_a_key_frame_goes_on(lost: list[int]) -> None:
    feed = Feed(receiver())
    begin(feed.state.screens[0]["freezes"], SECOND)
    picture(feed, 0, range(3), of=3, first=100, key=True)
    picture(feed, 1, [i for i in range(3) if i not in lost], of=3, first=103)
    picture(feed, 2, range(3), of=3, first=106)
    assert feed.state.screens[0]["frames_rendered"] == 1
    picture(feed, 3, range(3), of=3, first=109, key=True)
    screen = feed.state.screens[0]
    assert screen["frames_rendered"] == 2
    assert screen["packets_missing"] == len(lost)
    assert screen["frames_dropped"] == (2 if len(lost) < 3 else 1)


def test_beginning_anew_forgets_the_stream_and_not_the_counts() -> None:
    feed = Feed(receiver())
    picture(feed, 0, range(3), of=3, first=100, key=True)
    round_of(feed, 5 * SECOND)
    begin_anew(feed.state, 1)
    picture(feed, 100, range(3), of=3, first=60_000, key=True)
    round_of(feed, 20 * SECOND)
    assert feed.state.screens[0]["frames_rendered"] == 2
    assert feed.state.pictures[0]["lost"] == 0
    assert feed.state.pictures[0]["expected"] == 6


def test_a_full_ring_of_mail_hands_over_the_oldest_early() -> None:
    feed = Feed(receiver())
    voice(feed, range(MAIL + 10))
    assert feed.state.clock[CROWDED] == 10
    feed.deliver(100 * SECOND)
    assert feed.state.meters[0]["packets"] == MAIL + 10


# ---------------------------------------------------------------- virtual links


def linked(*overrides: str) -> Feed:
    scenario = load_scenario(
        "smoke",
        ["endpoints.sample=12", "meeting={floor: [{at: 0s, site: command-centre}]}",
         "endpoints.rules=[{carrier: vnpt, node: hanoi, access: fibre}]",
         "access.fibre.jitter=null", *overrides],
    )  # fmt: skip
    population = populate(scenario)
    return Feed(receiver(virtual_links(scenario, population, [0])))


def test_a_virtual_links_delay_comes_back() -> None:
    feeds = {}
    for delay in ("2ms", "152ms"):
        feed = linked(f"access.fibre.delay={delay}")
        voice(feed, range(100), capture=ENCODING + 5 * MS)
        feed.deliver(100 * SECOND)
        meter = feed.state.meters[0]
        feeds[delay] = meter["delay_sum"] / meter["timed"]
    assert feeds["152ms"] - feeds["2ms"] == pytest.approx(150 * MS, abs=MS)


def test_what_has_not_crossed_the_link_yet_is_not_there() -> None:
    feed = linked("access.fibre.delay=300ms")
    voice(feed, range(10))
    feed.deliver(SECOND + 290 * MS)
    assert feed.state.meters[0]["packets"] == 0
    feed.deliver(SECOND + 310 * MS)
    assert feed.state.meters[0]["packets"] == 1


def test_a_virtual_links_loss_comes_back_within_its_confidence_interval() -> None:
    share, packets = 0.05, 4000
    feed = linked("access.fibre.loss={to_bad: 5%, to_good: 95%, loss_in_bad: 100%}")
    for n in range(packets):
        at = SECOND + n * 20 * MS
        feed.send(0, 1000 + n, at)
        feed.deliver(at)
    feed.deliver(200 * SECOND)
    round_of(feed, 200 * SECOND)
    stream = feed.state.voices[0]
    deviation = (share * (1 - share) / packets) ** 0.5
    assert stream["lost"] / stream["expected"] == pytest.approx(share, abs=3 * deviation)


def test_messages_and_media_cross_the_uplink_in_turn() -> None:
    feed = linked("access.fibre.delay=20ms")
    first = send_media(feed.state, 0, SECOND, 1000)
    second = cross_uplink(feed.state, 0, SECOND, 100)
    assert SECOND + 20 * MS <= first <= second
    assert feed.state.uplinks[0]["packets"] == 1  # RTCP is no media


def test_estimates_grow_and_fall_with_the_queue() -> None:
    feed = Feed(receiver())
    at = SECOND
    for n in range(300):
        feed.send(0, n, at, media_ns=at, size=200)
        feed.deliver(at + 1)
        if n % 5 == 0:
            estimate(feed.state, at)
        at += 20 * MS
    grown = float(feed.state.endpoints[0]["estimate"])
    assert grown > 300_000 * 1.3
    for n in range(300, 600):
        at += 30 * MS  # what is sent every 20 ms comes every 30
        feed.send(0, n, at, media_ns=at - (n - 299) * 10 * MS, size=200)
        feed.deliver(at + 1)
        if n % 5 == 0:
            estimate(feed.state, at)
    assert feed.state.endpoints[0]["estimate"] < grown / 2
