"""Groups: mailboxes that overflow, receivers that get each packet once and in time."""

import numpy as np
import pytest

from simulations.packets import AUDIO
from simulations.world import NEW_MAIL
from tests.simulations.networks import Playing, deal, make_scenario

SECOND = 10**9


def play(delay: str, stops: list[int], queue: int = 500, until: int = 2 * SECOND) -> Playing:
    changes = {
        "access": {"fibre": {"delay": delay, "down": {"packets": queue}}, "thin": None},
        "media": {"audio": {"dtx": False, "ptime": "2500us"}},
    }
    playing = Playing(make_scenario(changes, endpoints=2), trace_site="s1")
    playing.advance(until, stops)
    return playing


def test_a_packet_is_received_when_it_has_arrived_and_not_before() -> None:
    for until in (1 * SECOND, 1 * SECOND + 1, 1_234_567_890):
        playing = play("50ms", [])
        world = playing.drain(2 * SECOND + until)
        rows = world.trace_rows[: world.trace[1]]
        arrivals = rows[rows[:, 4] == 11][:, 5]
        assert world.meters["packets"][0] == (arrivals < 2 * SECOND + until).sum()


def test_a_packet_that_arrives_with_the_end_is_the_next_intervals() -> None:
    playing = play("50ms", [])
    world = playing.drain(4 * SECOND)
    rows = world.trace_rows[: world.trace[1]]
    arrivals = np.sort(rows[rows[:, 4] == 11][:, 5])
    at = int(arrivals[len(arrivals) // 2])
    again = play("50ms", [], until=at)
    for until, received in ((at, arrivals < at), (at + 1, arrivals <= at)):
        again.advance(until)
        assert again.engine.world.meters["packets"][0] == received.sum()


def test_more_mail_than_there_is_room_for_is_received_all_the_same() -> None:
    # 400 voice packets a second on a way of 4 s, in a mailbox for the link's queue and new mail
    playing = play("4s", [], queue=1, until=7 * SECOND)
    world = playing.engine.world
    room = len(world.mail) // len(world.endpoints)
    assert room < 400 * 1.5 + NEW_MAIL
    rows = world.trace_rows[: world.trace[1]]
    sent = (rows[:, 4] == 11).sum()
    waiting, got = world.endpoints["mail"][0], world.meters["packets"][0]
    assert sent == waiting + got
    assert got > 0  # ahead of its time
    assert waiting <= room
    world = playing.drain(20 * SECOND)
    assert world.endpoints["mail"][0] == 0
    rows = world.trace_rows[: world.trace[1]]
    arrivals = rows[rows[:, 4] == 11]
    first = rows[(rows[:, 4] == 0)]
    assert world.meters["packets"][0] == len(arrivals) == len(first)
    assert world.meters["delay_sum"][0] == arrivals[:, 5].sum() - first[:, 5].sum()


def test_an_endpoints_streams_are_its_own() -> None:
    playing = play("50ms", [])
    world = playing.drain(8 * SECOND)
    for e in (0, 1):
        voice, picture = world.voices[e], world.pictures[e]
        assert voice["expected"] + picture["expected"] == world.meters["packets"][e]
        assert voice["lost"] == picture["lost"] == 0
        assert world.voice_buffers[e]["played"] == world.meters["played"][e] == voice["expected"]
        assert world.screens[e]["frames_rendered"] == world.meters["frames"][e]
    rows = world.trace_rows[: world.trace[1]]
    voices = ((rows[:, 4] == 11) & (rows[:, 2] == AUDIO)).sum()
    assert world.voices[0]["expected"] == voices
    assert not world.voices[2]["expected"]  # the speaker's
    assert not world.pictures[2]["expected"]


def test_histograms_count_every_packet_once() -> None:
    world = play("50ms", list(range(0, 2 * SECOND, 70_000_001))).drain(8 * SECOND)
    for histograms, counts in (
        (world.delays, "timed"), (world.audio_delays, "played"), (world.frame_delays, "frames"),
    ):  # fmt: skip
        np.testing.assert_array_equal(histograms.sum(axis=(0, 2)), world.meters[counts])
        assert world.meters[counts].sum() > 0


def test_what_has_not_come_for_two_seconds_is_lost_when_that_is_known() -> None:
    rules = [deal(site, "red", "thin", "north") for site in ("s1", "s2")]
    changes = {
        "duration": "6s",
        "endpoints": {"rules": rules},
        "access": {"thin": {"down": {"rate": "1bps"}}},
        "media": {"audio": {"dtx": False}},
    }
    playing = Playing(make_scenario(changes, endpoints=2))
    lost = []
    for until in (1, 2, 3, 4):
        world = playing.advance(until * SECOND)
        lost.append(int(world.voices["lost"][0]))
        assert world.voices["expected"][0] == lost[-1]
    assert lost[:2] == [0, 0]
    # 50 packets a second, sent from 26.5 ms on
    assert lost[2:] == pytest.approx([50, 100], abs=2)
