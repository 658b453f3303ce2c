"""Samples and histograms against the packets themselves, as the trace has them."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from results.histograms import BUCKETS, bucket_of, quantiles
from results.records import Run
from scenarios.population import populate
from simulations.conference import simulate
from simulations.distributions import count, make_histograms
from simulations.quality import audio_mos, burst_ratio, codec_of
from simulations.rates import RATE
from simulations.sampling import RANKS, Sampler, rate_at
from tests.simulations.loops import profiles, record, transmissions
from tests.simulations.networks import deal, make_scenario
from tests.simulations.reference_jitter import PlainJitterBuffer
from tests.simulations.test_conference import WILD_ACCESS, check_run, column

INTERVAL = 0.5
ENCODE, OUTPUT, PTIME = 26_500_000, 10_000_000, 20_000_000
"""ns"""


@pytest.fixture(scope="module")
def run() -> Run:
    """One endpoint on a bad link hears the command centre, and is traced."""
    thin = {
        "down": {"rate": "2Mbps"},
        **{key: WILD_ACCESS[key] for key in ("loss", "jitter", "fading")},
    }
    changes = {
        "duration": "6s",
        "interval": "500ms",
        "endpoints": {
            "rules": [deal("s1", "red", "thin", "south"), deal("s2", "red", "fibre", "north")]
        },
        "access": {"thin": thin},
        "media": {"audio": {"dtx": False}},
        "thresholds": {"packet_loss": [{"check": "mean < 100%", "during": "2s..4s"}]},
    }  # fmt: skip
    played = simulate(make_scenario(changes, endpoints=2), threads=1, trace_site="s1")
    check_run(played)
    return played


class Packets:
    """What arrived at the traced endpoint in one interval, of one kind."""

    def __init__(self, run: Run, kind: str, interval: int) -> None:
        assert run.trace is not None
        trace = {name: np.array(run.trace[name].to_pylist()) for name in run.trace.column_names}
        arrival = trace["arrival"].astype(np.float64)
        there = (arrival >= interval * INTERVAL) & (arrival < (interval + 1) * INTERVAL)
        chosen = there & np.isin(trace["media"], [kind] if kind else ["audio", "video"])
        order = np.argsort(arrival[chosen], kind="stable")
        self.sequence = trace["sequence"][chosen][order]
        self.sent, self.arrival = (
            trace[name].astype(np.float64)[chosen][order] for name in ("sent", "arrival")
        )
        self.delay = (arrival - trace["sent"].astype(np.float64))[chosen][order]
        self.size = trace["size"][chosen][order]


def values(run: Run, name: str) -> Any:
    """A sample's values of the traced endpoint, by interval."""
    return column(run, "samples", name).reshape(12, 3)[:, 0]


def test_counts_and_bitrate(run: Run) -> None:
    for i in range(12):
        packets = Packets(run, "", i)
        assert values(run, "packets_received")[i] == len(packets.size)
        assert values(run, "bitrate")[i] == pytest.approx(packets.size.sum() * 8 / INTERVAL)


def test_delays(run: Run) -> None:
    for i in range(12):
        delay = Packets(run, "", i).delay
        ns = np.rint(delay * 1e9).astype(np.int64)
        counts = np.bincount(bucket_of(ns), minlength=BUCKETS)
        p50, p95, p99 = quantiles(counts, np.array([50.0, 95.0, 99.0]))
        for name, expected in (
            ("mean", delay.mean()), ("max", delay.max()), ("p50", p50), ("p95", p95), ("p99", p99),
        ):  # fmt: skip
            found = values(run, f"one_way_delay_{name}")[i]
            assert found == pytest.approx(expected, rel=1e-6), name
        assert p50 == pytest.approx(np.sort(delay)[math.ceil(len(delay) / 2) - 1], rel=0.01)


def test_loss_is_what_was_sent_before_something_that_arrived_and_did_not(run: Run) -> None:
    assert run.trace is not None
    trace = {name: np.array(run.trace[name].to_pylist()) for name in run.trace.column_names}
    left, arrival = trace["node_out"].astype(np.float64), trace["arrival"].astype(np.float64)
    media, known = trace["media"], 0.0
    for i in range(12):
        came = arrival < (i + 1) * INTERVAL
        before, known = known, left[came].max()
        asked = (left > before) & (left <= known)
        assert values(run, "packets_expected")[i] == asked.sum()
        lost = asked & np.isnan(arrival)
        assert values(run, "packet_loss")[i] == pytest.approx(lost.sum() / asked.sum(), abs=1e-6)
        for kind in ("audio", "video"):
            share = lost[media == kind].sum() / asked[media == kind].sum()
            assert values(run, f"{kind}_packet_loss")[i] == pytest.approx(share, abs=1e-6)
    assert np.nanmax(values(run, "packet_loss")) > 0.01


def test_jitter_of_the_voice(run: Run) -> None:
    jitter, before = 0.0, None
    for i in range(12):
        for delay in Packets(run, "audio", i).delay:
            if before is not None:
                jitter += (abs(delay - before) - jitter) / 16
            before = delay
        assert values(run, "jitter")[i] == pytest.approx(jitter, rel=1e-4)


def heard(run: Run) -> list[tuple[list[int], Counter[str]]]:
    """What a plain jitter buffer makes of the voice, by interval: delays played, and counts."""
    plain, found, before = PlainJitterBuffer(), [], Counter[str]()
    for i in range(12):
        voice, played = Packets(run, "audio", i), list[int]()
        for sequence, sent, arrival in zip(
            voice.sequence.tolist(), voice.sent.tolist(), voice.arrival.tolist(), strict=True
        ):
            at = round(arrival * 1e9)
            played += plain.play(at)
            plain.insert(sequence, round(sent * 1e9) - ENCODE, at, PTIME, True)
        played += plain.play(round((i + 1) * INTERVAL * 1e9))
        found.append(([delay for delay in played if delay >= 0], plain.counts - before))
        before = plain.counts.copy()
    return found


def test_voices_are_heard_as_a_plain_jitter_buffer_plays_them(run: Run) -> None:
    recovered = 0
    for i, (delays, counts) in enumerate(heard(run)):
        mean = (np.mean(delays) + OUTPUT) / 1e9
        assert values(run, "mouth_to_ear_delay_mean")[i] == pytest.approx(mean, rel=1e-6)
        assert values(run, "fec_recovered")[i] == counts["recovered"]
        whole = counts["played"] + counts["recovered"] + counts["concealed"]
        residual = counts["concealed"] / whole
        assert values(run, "audio_residual_loss")[i] == pytest.approx(residual, abs=1e-6)
        bursts = burst_ratio(
            counts["concealed"], counts["runs"], counts["concealed"] + counts["played"]
        )
        score = float(audio_mos(mean, residual, bursts, codec_of(run.scenario)))
        assert values(run, "audio_mos")[i] == pytest.approx(score, rel=1e-5)
        recovered += counts["recovered"]
    assert recovered > 5
    assert np.nanmax(values(run, "audio_residual_loss")) > 0.01


def test_frames(run: Run) -> None:
    rendered, dropped = values(run, "frames_rendered"), values(run, "frames_dropped")
    assert rendered.sum() + dropped.sum() <= 150  # 25 a second
    # a lost packet spoils all until the next key frame, ten seconds later: nothing repairs here
    assert 0 < rendered.sum() < 75
    frozen = values(run, "freeze_ratio")
    assert (frozen <= 1).all()
    assert frozen[-1] == 1
    assert values(run, "video_residual_loss").max() <= 1


def test_histograms_hold_every_packet_of_their_stretch(run: Run) -> None:
    table = run.tables["histograms"]
    metric, time = (np.array(table[name].to_pylist()) for name in ("metric", "time"))
    access = np.array(table["access"].to_pylist())
    assert sorted(set(time.tolist())) == pytest.approx([i * INTERVAL for i in range(12)])
    for i in range(12):
        mine = (
            (metric == "one_way_delay") & (access == "thin") & (np.abs(time - i * INTERVAL) < 0.1)
        )
        counts = np.zeros(BUCKETS, np.int64)
        np.add.at(counts, table["bucket"].to_numpy()[mine], table["count"].to_numpy()[mine])
        ns = np.rint(Packets(run, "", i).delay * 1e9).astype(np.int64)
        assert (counts == np.bincount(bucket_of(ns), minlength=BUCKETS)).all()
    for name, expected in (
        ("mouth_to_ear_delay", sum(len(delays) for delays, _ in heard(run))),
        ("glass_to_glass_delay", values(run, "frames_rendered").sum()),
    ):
        mine = (metric == name) & (access == "thin")
        assert table["count"].to_numpy()[mine].sum() == expected


def test_a_stretch_keeps_what_each_of_its_intervals_counted() -> None:
    scenario = make_scenario({}, endpoints=3)
    sampler, histograms = Sampler(scenario, populate(scenario)), make_histograms(4)
    delays = [5_000_000, 800_000_000, 20_000_000, 5_000_000]
    for row, delay in enumerate(delays):
        count(histograms, row, delay)
        sampler._fold("one_way_delay", histograms, RANKS[:0], np.empty((4, 0)))
        assert not histograms.any()
    for expected in (Counter(bucket_of(np.array(delays)).tolist()), Counter[int]()):
        sampler.stretches.clear()
        sampler._close_stretch(scenario.duration)
        _, metric, _, bucket, counted = sampler.stretches[0]
        assert metric == "one_way_delay"
        assert sum((Counter({int(b): int(c)}) for b, c in zip(bucket, counted, strict=True)),
                   Counter[int]()) == expected  # fmt: skip


def test_long_meetings_keep_fewer_stretches_but_windows_edges() -> None:
    changes = {
        "duration": "70s",
        "interval": "100ms",
        "thresholds": {"packet_loss": [{"check": "mean < 100%", "during": "10300ms..10400ms"}]},
    }
    run = simulate(make_scenario(changes, endpoints=1), threads=1)
    times = sorted(set(run.tables["histograms"]["time"].to_pylist()))
    assert 100 < len(times) < 130
    assert any(abs(t - 10.3) < 1e-4 for t in times)
    assert any(abs(t - 10.4) < 1e-4 for t in times)
    counts = run.tables["histograms"]["count"].to_numpy()
    metric = np.array(run.tables["histograms"]["metric"].to_pylist())
    received = column(run, "samples", "packets_received").sum()
    assert counts[metric == "one_way_delay"].sum() == received


def test_sites_that_thresholds_name_stand_alone() -> None:
    changes = {"thresholds": {"packet_loss{site=s2}": "mean < 1%"}}
    run = simulate(make_scenario(changes), threads=1)
    table = run.tables["histograms"]
    sites = set(table["site"].to_pylist())
    assert sites == {None, "s2"}
    levels = {row["site"]: row["level"] for row in table.select(["site", "level"]).to_pylist()}
    assert levels["s2"] == "commune"


def test_a_speaker_on_a_slow_way_gives_over_without_a_break() -> None:
    slow = {"delay": "300ms", "up": {"rate": "10Mbps"}, "down": {"rate": "10Mbps"}}
    changes = {
        "duration": "4s",
        "access": {"thin": slow},
        "endpoints": {
            "rules": [deal("s1", "red", "thin", "north"), {"carrier": "red", "access": "fibre"}]
        },
        "media": {"audio": {"dtx": False}},
        "meeting": {
            "floor": [{"at": "0s", "site": "s1"}, {"at": "1500ms", "site": "command-centre"}]
        },
    }
    run = simulate(make_scenario(changes, endpoints=3), threads=1)
    listener = {
        name: column(run, "samples", name).reshape(4, 4)[:, 1]
        for name in ("packets_expected", "packets_received", "frames_rendered", "frames_dropped",
                     "freeze_count")
    }  # fmt: skip
    assert (listener["packets_expected"] == listener["packets_received"]).all()
    assert listener["frames_dropped"].sum() == listener["freeze_count"].sum() == 0
    # what the first had sent until its successor was seen is shown, too
    assert 85 <= listener["frames_rendered"].sum() <= 100


def test_a_new_speaker_that_brings_nothing() -> None:
    # Nobody can miss what the node never had: not a packet of it is expected, and it is no loss.
    # The picture of the one before goes on until it leaves, and then stands still.
    changes = {
        "duration": "8s",
        "interval": "1s",
        "access": {"thin": {"up": {"rate": "1bps"}}},
        "endpoints": {
            "rules": [deal("s1", "red", "thin", "north"), deal("s2", "red", "fibre", "north")]
        },
        "meeting": {
            "floor": [{"at": "0s", "site": "command-centre"}, {"at": "500ms", "site": "s1"}]
        },
    }  # fmt: skip
    run = simulate(make_scenario(changes, endpoints=2), threads=1)
    check_run(run)
    loss, frozen, frames = (
        column(run, "samples", name).reshape(8, 3)[:, 1]
        for name in ("packet_loss", "freeze_ratio", "frames_rendered")
    )
    assert np.nanmax(loss) == 0
    assert np.isnan(loss[5:]).all()
    assert (frames[:3] > 20).all()
    assert (frames[5:] == 0).all()
    assert 0 < frozen[0] < 0.2  # until the first frame of all
    assert (frozen[1:3] == 0).all()
    assert (frozen[5:] == 1).all()


def test_a_pause_is_no_loss_however_fine_the_grain() -> None:
    changes = {"duration": "10s", "interval": "100ms"}
    run = simulate(make_scenario(changes, endpoints=1), threads=1)
    loss = column(run, "samples", "audio_packet_loss").reshape(100, 2)[:, 0]
    assert np.nanmax(loss) == 0
    assert np.isnan(loss).any()  # intervals in which nothing was said


def test_packets_on_their_first_way_are_no_loss() -> None:
    slow = {"delay": "300ms"}
    changes = {"duration": "3s", "interval": "100ms", "access": {"fibre": slow},
               "media": {"audio": {"dtx": False}}}  # fmt: skip
    run = simulate(make_scenario(changes, endpoints=1), threads=1)
    loss = column(run, "samples", "packet_loss").reshape(30, 2)[:, 0]
    assert np.isnan(loss[:6]).all()
    assert (loss[7:] == 0).all()


def test_a_capacity_is_of_its_time_though_a_transmission_looks_ahead() -> None:
    second = 10**9
    times, shares = profiles([(0, -8e6), (5 * second, 1.0), (9 * second, -4e6)])
    rate = record(RATE, nominal=8e6)
    # Half of it passes before 5 s, the rest from 9 s on.
    ends = transmissions(rate, times, shares, np.array([4_999_500_000]), np.array([1000]))
    assert ends.tolist() == [9_001_000_000]
    rates = np.array([rate], RATE)
    found = [int(rate_at(rates, round(at * second))[0]) for at in (5, 6, 8.9, 9, 10)]
    assert found == [0, 0, 0, 4_000_000, 4_000_000]
