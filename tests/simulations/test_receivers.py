"""What a receiver measures, against plain definitions of the same."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from results.histograms import BUCKETS, bucket_edges, bucket_of, quantiles
from simulations.packets import AUDIO, PACKET, VIDEO
from simulations.receivers import METER, STRAGGLING, STREAM
from tests.simulations.loops import counted, received, record

MS = 1_000_000
OFFSETS = np.array([86_500_000, 80_000_000])


class Receiver:
    """One stream of one endpoint."""

    def __init__(self) -> None:
        self.stream = record(STREAM, source=-1, before=-1, highest=-1, frame=-1)
        self.meter = record(METER)
        self.histograms = np.zeros((3, 1, BUCKETS), np.uint32)

    def take(self, packets: NDArray[Any], arrivals: list[int]) -> None:
        received(
            self.stream, self.meter, self.histograms, packets, np.array(arrivals, np.int64), OFFSETS
        )

    @property
    def expected(self) -> int:
        state = self.stream
        return int(state["expected_before"] + state["highest"] + 1 - state["base"])

    @property
    def frames(self) -> int:
        state = self.stream
        return int(state["frames_before"] + state["frame"] + 1 - state["frame_base"])


def voice(sequences: list[int], source: int = 1) -> NDArray[Any]:
    packets = np.zeros(len(sequences), PACKET)
    packets["sequence"] = sequences
    packets["source"] = source
    packets["slot"] = AUDIO
    packets["size"] = 130
    packets["sent"] = np.array(sequences) * 20 * MS + 26_500_000
    packets["captured"] = packets["sent"] - 26_500_000
    packets["frame"] = np.array(sequences) + 1
    packets["frame_packets"] = 1
    return packets


def picture(frames: list[int], source: int = 1) -> NDArray[Any]:
    """Packets of frames with as many packets as ``frames`` say."""
    packets = np.zeros(sum(frames), PACKET)
    packets["sequence"] = np.arange(len(packets))
    packets["source"] = source
    packets["slot"] = VIDEO
    packets["size"] = 1000
    packets["frame"] = np.repeat(np.arange(len(frames)) + 1, frames)
    packets["frame_packets"] = np.repeat(frames, frames)
    packets["captured"] = packets["frame"] * 40 * MS
    packets["sent"] = packets["captured"] + 40 * MS
    return packets


DELAYS = st.lists(st.integers(0, 400 * MS), min_size=1, max_size=60)


def plain_jitter(transits: list[int]) -> float:
    """RFC 3550, 6.4.1, in the order of arrival."""
    jitter = 0.0
    for before, now in itertools.pairwise(transits):
        jitter += (abs(now - before) - jitter) / 16
    return jitter


@given(DELAYS, st.data())
def test_loss_and_jitter_of_a_voice(delays: list[int], data: st.DataObject) -> None:
    lost = set(data.draw(st.lists(st.integers(0, len(delays) - 1), max_size=len(delays) - 1)))
    kept = [i for i in range(len(delays)) if i not in lost]
    packets = voice(kept)
    arrivals = [int(p["sent"]) + delays[i] for p, i in zip(packets, kept, strict=True)]
    order = np.argsort(arrivals, kind="stable")  # some overtake
    receiver = Receiver()
    receiver.take(packets[order], [arrivals[i] for i in order])
    state, meter = receiver.stream, receiver.meter
    first = kept[order[0]]
    assert receiver.expected == max(kept) + 1 - first
    assert state["received"] == len(kept)
    transits = [arrivals[i] - int(packets["captured"][i]) for i in order]
    assert state["jitter"] == pytest.approx(plain_jitter(transits))
    own = [delays[kept[i]] for i in order]
    assert (meter["packets"], meter["bytes"]) == (len(kept), 130 * len(kept))
    assert (meter["delay_sum"], meter["delay_max"]) == (sum(own), max(own))
    assert meter["audio_packets"] == len(kept)
    assert meter["audio_delay_sum"] == sum(own) + OFFSETS[0] * len(kept)
    buckets = np.bincount(bucket_of(np.array(own)), minlength=BUCKETS)
    assert (receiver.histograms[0, 0] == buckets).all()
    heard = np.bincount(bucket_of(np.array(own) + OFFSETS[0]), minlength=BUCKETS)
    assert (receiver.histograms[1, 0] == heard).all()
    assert not receiver.histograms[2].any()


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_runs_of_losses(lost: list[bool]) -> None:
    kept = [0, *(i + 1 for i, gone in enumerate(lost) if not gone), len(lost) + 1]
    receiver = Receiver()
    packets = voice(kept)
    receiver.take(packets, packets["sent"].tolist())
    runs = sum(1 for a, b in itertools.pairwise(kept) if b > a + 1)
    assert receiver.stream["bursts"] == runs
    assert receiver.expected - receiver.stream["received"] == sum(lost)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=20), st.sets(st.integers(0, 100), max_size=20)
)
def test_frames_are_complete_when_all_their_packets_have_come(
    frames: list[int], lost: set[int]
) -> None:
    packets = picture(frames)
    kept = packets[[i not in lost for i in range(len(packets))]]
    receiver = Receiver()
    arrivals = (kept["sent"] + 30 * MS + 1000 * np.arange(len(kept))).tolist()
    receiver.take(kept, arrivals)
    whole = [
        frame for frame, size in enumerate(frames, 1) if (kept["frame"] == frame).sum() == size
    ]
    assert receiver.stream["frames_complete"] == receiver.meter["frames"] == len(whole)
    seen = [
        max(a for a, p in zip(arrivals, kept, strict=True) if p["frame"] == frame)
        - frame * 40 * MS + int(OFFSETS[1])
        for frame in whole
    ]  # fmt: skip
    assert receiver.meter["frame_delay_sum"] == sum(seen)
    buckets = np.bincount(bucket_of(np.array(seen, np.int64)), minlength=BUCKETS)
    assert (receiver.histograms[2, 0] == buckets).all()
    if len(kept):
        assert receiver.frames == kept["frame"].max() - kept["frame"][0] + 1
    assert not receiver.meter["audio_packets"]


def test_a_new_source_is_counted_from_its_first_packet_on() -> None:
    receiver = Receiver()
    for packets in (voice([0, 1, 3]), voice([10, 11, 12, 15], source=2), voice([2], source=3)):
        receiver.take(packets, (packets["sent"] + MS).tolist())
    assert receiver.expected == 4 + 6 + 1
    assert receiver.stream["received"] == 8
    assert receiver.stream["bursts"] == 2
    assert receiver.stream["jitter"] == 0  # a change of source is no jitter


def test_stragglers_of_the_source_before_break_nothing() -> None:
    # The one who had the floor is on a slower way: his last packets come among the next one's.
    for make in (voice, lambda sequences, source: picture([3] * (len(sequences) // 3), source)):
        old, new = make(list(range(12)), source=1), make(list(range(12)), source=2)
        mixed = np.concatenate([old[:6], new[:3], old[6:9], new[3:6], old[9:], new[6:]])
        receiver = Receiver()
        receiver.take(mixed, (mixed["sent"] + 7 * MS).tolist())
        assert receiver.expected == receiver.stream["received"] == 24
        assert receiver.stream["bursts"] == 0
        assert receiver.stream["jitter"] == 0
        assert receiver.meter["packets"] == 24
        if mixed["slot"][0] == AUDIO:
            assert receiver.meter["audio_packets"] == 24
        else:  # what was left of the old picture is not shown
            assert receiver.frames == receiver.stream["frames_complete"] == 2 + 4


def test_a_source_that_comes_back_after_a_while_is_no_straggler() -> None:
    receiver = Receiver()
    for source, sequences, later in ((1, [0, 1], 0), (2, [0, 1], 0), (1, [2, 3, 6], STRAGGLING)):
        packets = voice(sequences, source=source)
        receiver.take(packets, (packets["sent"] + later).tolist())
    assert receiver.stream["source"] == 1
    assert receiver.expected == 2 + 2 + 5


def test_frames_of_a_new_source_are_its_own() -> None:
    receiver = Receiver()
    cut = picture([3, 3])[:4]  # the second frame is broken off
    receiver.take(cut, cut["sent"].tolist())
    other = picture([2], source=2)
    receiver.take(other, other["sent"].tolist())
    assert receiver.frames == 3
    assert receiver.stream["frames_complete"] == 2


def test_a_histograms_buckets_are_the_stores() -> None:
    edges = np.rint(bucket_edges() * 1e9).astype(np.int64)
    values = np.concatenate([edges - 1, edges, edges + 1, [-5, 0, 1, 2**62]])
    histograms = np.zeros((1, BUCKETS), np.uint32)
    counted(histograms, values)
    expected = np.bincount(bucket_of(values), minlength=BUCKETS)
    assert (histograms[0] == expected).all()


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.1, 0.5, 1.5]),
    st.sampled_from([100_000, 20 * MS, 900 * MS]),
)
def test_percentiles_are_within_one_percent(seed: int, spread: float, median: int) -> None:
    values = np.random.default_rng(seed).lognormal(np.log(median), spread, 3000).astype(np.int64)
    values = np.clip(values, 20_000, 60 * 10**9)
    histograms = np.zeros((1, BUCKETS), np.uint32)
    counted(histograms, values)
    ranks = np.array([0.1, 5, 50, 95, 99, 99.9, 100])
    # the ceil(rank · n)-th smallest
    exact = np.sort(values)[[2, 149, 1499, 2849, 2969, 2996, 2999]] / 1e9
    found = quantiles(histograms[0].astype(np.int64), ranks)
    np.testing.assert_allclose(found, exact, rtol=0.01)
