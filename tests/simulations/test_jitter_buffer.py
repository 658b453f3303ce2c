"""The jitter buffer against a plain one, and its essentials by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.jitter_buffer import (
    ABREAST,
    BUFFER,
    BUFFER_COUNTS,
    CONCEALED,
    MUTE,
    NOTHING,
    RECOVERED,
    SLOT,
    SLOTS,
    insert,
    play_next,
    restart,
)
from tests.simulations.reference_jitter import PlainJitterBuffer

MS = 1_000_000
PTIME = 20 * MS


class Voice:
    """One voice's jitter buffer."""

    def __init__(self, room: int = SLOTS) -> None:
        self.buffer: Any = np.zeros(1, BUFFER)[0]
        self.slots = np.zeros((room // ABREAST, ABREAST), SLOT)

    def insert(self, number: int, captured: int, arrival: int, duration: int, fec: bool) -> None:
        insert(self.buffer, self.slots, number, captured, arrival, duration, int(fec))

    def restart(self) -> None:
        restart(self.buffer, self.slots)

    def play(self, until: int) -> list[int]:
        played = []
        while (what := play_next(self.buffer, self.slots, until)) != NOTHING:
            played.append(int(what))
        return played

    @property
    def counts(self) -> dict[str, int]:
        return {name: int(self.buffer[name]) for name in BUFFER_COUNTS}


steps = st.tuples(
    # so many numbers and so much media time on, and how long after the arrival before
    st.one_of(st.just(1), st.just(1), st.just(1), st.integers(-6, 6), st.integers(-300, 300)),
    st.sampled_from([0, 0, 0, 0, 1, 7 * MS, 40 * MS, 300 * MS, 3000 * MS, -500 * MS]),
    st.one_of(
        st.just(PTIME), st.just(PTIME), st.integers(0, 60 * MS), st.sampled_from([0, 400 * MS]),
        st.integers(0, 2500 * MS),
    ),
    st.sampled_from(["go on"] * 30 + ["restart"]),
)  # fmt: skip


@given(
    st.integers(0, 9),
    st.sampled_from([16, SLOTS]),
    st.sampled_from([10 * MS, PTIME, 60 * MS]),
    st.booleans(),
    st.lists(steps, max_size=150),
)
def test_what_is_played_is_what_a_plain_buffer_plays(
    first: int, room: int, ptime: int, fec: bool, plan: list[tuple[int, int, int, str]]
) -> None:
    voice, plain = Voice(room), PlainJitterBuffer(room)
    number, shift, now = first, 0, 1000 * MS
    for on, pause, later, what in plan:
        number, shift, now = max(number + on, 0), shift + pause, now + later
        if what == "restart":
            voice.restart()
            plain.restart()
            shift += 12_345 * MS
        assert voice.play(now) == plain.play(now)
        packet = (number, number * ptime + shift, now, ptime, fec)
        voice.insert(*packet)
        plain.insert(*packet)
        assert voice.buffer["target"] == plain.target
        assert voice.counts == {name: plain.counts[name] for name in BUFFER_COUNTS}
    assert voice.play(now + 10**12) == plain.play(now + 10**12)
    assert voice.counts == {name: plain.counts[name] for name in BUFFER_COUNTS}


@pytest.mark.parametrize("seed", range(8))
def test_a_long_call_with_losses_and_jitter_is_the_plain_one(seed: int) -> None:
    voice, plain = Voice(), PlainJitterBuffer()
    rng, count, badness = np.random.default_rng(seed), 800, seed // 2
    delays = rng.lognormal(np.log(30 * MS), 0.2 * badness, count)
    arrivals = np.arange(count) * PTIME + delays.astype(np.int64)
    kept = np.flatnonzero(rng.random(count) >= 0.05 * badness)
    order = kept[np.argsort(arrivals[kept], kind="stable")]
    for i in order:
        at = int(arrivals[i])
        assert voice.play(at) == plain.play(at)
        for each in (voice, plain):
            each.insert(int(i), int(i) * PTIME, at, PTIME, bool(seed % 2))
    assert voice.play(10**12) == plain.play(10**12)
    assert voice.counts == {name: plain.counts[name] for name in BUFFER_COUNTS}
    # The stream begins with what came first, and everything since has had its turn.
    assert sum(voice.counts[name] for name in ("played", "concealed", "recovered")) == (
        max(kept) + 1 - order[0]
    )


def hear(
    lost: Sequence[int] = (), *, fec: bool = True, late: dict[int, int] | None = None, of: int = 60
) -> tuple[Voice, list[int]]:
    """A steady voice on a way of 50 ms, with ``lost`` packets and ``late`` ones (by so many ms)."""
    voice, played = Voice(), list[int]()
    late = late or {}
    arrivals = {i: i * PTIME + (50 + late.get(i, 0)) * MS for i in range(of) if i not in lost}
    for i in sorted(arrivals, key=lambda i: arrivals[i]):
        played += voice.play(arrivals[i])
        voice.insert(i, i * PTIME, arrivals[i], PTIME, fec)
    return voice, played + voice.play(10**12)


def test_a_steady_voice_is_played_with_little_delay_and_nothing_is_lost() -> None:
    voice, played = hear(of=200)
    assert len(played) == voice.counts["played"] == 200
    assert played[0] == 90 * MS  # half of the target of 80 ms to begin with, over its transit time
    assert max(played) <= 130 * MS
    assert played[-1] == 90 * MS  # a target of 20 ms, and 20 ms before it cuts sound
    assert voice.counts["decelerated"] == voice.counts["accelerated"] > 0
    assert voice.counts["concealed_time"] == 0


@pytest.mark.parametrize(
    ("lost", "fec", "recovered", "concealed", "runs"),
    [
        ([], True, 0, 0, 0),
        ([30], True, 1, 0, 0),
        ([30], False, 0, 1, 1),
        ([30, 31], True, 1, 1, 1),  # only the last of them stands in the next packet, too
        ([30, 31, 32], True, 1, 2, 1),
        ([20, 30, 31, 40], True, 3, 1, 1),
        ([20, 30, 31, 40], False, 0, 4, 3),
    ],
)
def test_what_is_missing_is_recovered_or_concealed(
    lost: list[int], fec: bool, recovered: int, concealed: int, runs: int
) -> None:
    voice, played = hear(lost, fec=fec)
    counts = voice.counts
    assert counts["recovered"] == recovered
    assert (counts["concealed"], counts["runs"]) == (concealed, runs)
    assert counts["played"] == 60 - len(lost)
    assert counts["concealed_time"] == concealed * PTIME
    assert [what for what in played if what < 0].count(RECOVERED) == recovered
    assert [what for what in played if what < 0].count(CONCEALED) == concealed


@pytest.mark.parametrize(
    ("late", "lost_by_it"),
    [(10, 0), (30, 0), (300, 1)],  # ms; the delay to play out is 40 ms and more over the transit
)
def test_what_comes_after_its_turn_is_lost(late: int, lost_by_it: int) -> None:
    voice, _ = hear(late={30: late}, fec=False)
    assert voice.counts["discarded"] == voice.counts["concealed"] == lost_by_it


def test_waiting_for_a_late_stream_is_extrapolated_sound_of_one_second_at_most() -> None:
    for stop, heard in ((500, 500 - 40), (5000, MUTE // MS)):
        voice = Voice()
        late = [i * PTIME + (50 + (stop if i >= 3 else 0)) * MS for i in range(6)]
        for i, arrival in enumerate(late):
            voice.play(arrival)
            voice.insert(i, i * PTIME, arrival, PTIME, True)
        voice.play(10**12)
        assert voice.counts["played"] == 6
        assert voice.counts["concealed_time"] == pytest.approx(heard * MS, abs=7 * MS)


def test_a_packet_twice_is_a_packet() -> None:
    voice = Voice()
    for i in (0, 1, 1, 2, 0, 3):
        voice.insert(i, i * PTIME, i * PTIME + 50 * MS, PTIME, True)
    assert len(voice.play(10**12)) == voice.counts["played"] == 4
    assert voice.counts["discarded"] == 0


def test_a_buffer_that_is_full_begins_anew() -> None:
    voice = Voice()
    for i in range(201):  # all at once: 200 have room
        voice.insert(i, i * PTIME, 0, PTIME, True)
    assert voice.counts["discarded"] == voice.counts["concealed"] == 200
    assert len(voice.play(10**12)) == 1


def test_another_speaker_s_clock_is_no_jitter() -> None:
    voice, _ = hear(of=100)
    target = int(voice.buffer["target"])
    voice.restart()
    for i in range(100, 200):  # a way that takes 7 s longer, by its own clock
        voice.play(i * PTIME + 60 * MS)
        voice.insert(i, i * PTIME - 7000 * MS, i * PTIME + 60 * MS, PTIME, True)
    voice.play(10**12)
    assert voice.counts["played"] == 200
    assert voice.counts["concealed"] == 0
    assert voice.buffer["target"] == target
