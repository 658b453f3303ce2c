"""Whole runs: conservation, sameness, and scenarios at the edge of what is valid."""

import itertools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.records import CALL_BUDGET, SAMPLES, TABLES, Run
from scenarios.loading import load_scenario
from scenarios.scenario import Scenario
from simulations.conference import Progress, simulate
from tests.simulations.networks import SITES, deal, make_scenario, merged

PLACES = {
    "uplink policer", "uplink queue", "uplink", "aggregation up", "backbone up", "peering up",
    "cascade", "node", "peering down", "backbone down", "aggregation down", "downlink policer",
    "downlink queue", "downlink",
}  # fmt: skip

WILD_ACCESS: Mapping[str, Any] = {
    "loss": {"to_bad": "2%", "to_good": "30%", "loss_in_bad": "60%"},
    "jitter": {"median": "3ms", "spread": 1.0},
    "fading": {"spread": 0.6, "correlation": "300ms", "hole_every": "700ms", "hole_length": "90ms"},
    "load": [{"at": "0s", "share": "10%"}, {"at": "700ms", "share": "50%"}],
    "path_change": {
        "every": "400ms", "extra_delay": {"p5": "1ms", "p50": "5ms", "p95": "20ms"},
        "loss": "40%", "loss_time": "50ms",
    },
}  # fmt: skip
WILD: Mapping[str, Any] = {
    "interval": "500ms",
    "endpoints": {
        "rules": [
            {"when": {"site": ["s1", "s3"]}, "carrier": "red", "access": "thin", "node": "south"},
            {"carrier": {"red": "50%", "blue": "50%"}, "access": {"fibre": "60%", "thin": "40%"},
             "node": {"north": "50%", "south": "50%"}},
        ]
    },
    "access": {
        "thin": {
            **WILD_ACCESS,
            "down": {"policer": {"rate": "400kbps", "burst": "3000B"}},
            "up": {"policer": {"rate": "250kbps", "burst": "3000B"}},
        },
    },
    "carriers": {
        "blue": {
            kind: {"capacity": "3Mbps", "buffer": "30kB",
                   "background": {"load": "60%", "burst": "4kB"}}
            for kind in ("backbone", "aggregation", "peering")
        }
    },
    "cascade": {"capacity": "5Mbps", "background": {"load": "30%", "burst": "2kB"}},
    "nodes": {"south": {"nic": "6Mbps", "queue": "20ms", "cost": {"copy": "50us"}}},
    "meeting": {
        "floor": [{"at": "0s", "site": "s1"}, {"at": "800ms", "site": "command-centre"}],
        "wall": {"tiles": 2, "layer": "low", "dwell": "1s"},
    },
}  # fmt: skip
"""Everything that can happen to a packet does."""


def column(run: Run, table: str, name: str) -> Any:
    """A column of numbers as numpy floats; null is NaN."""
    values = run.tables[table][name].to_numpy()
    return values.astype(np.float64) if np.issubdtype(values.dtype, np.number) else values


def check_run(run: Run) -> None:
    """What must hold of every run."""
    account = run.accounting
    assert account.balanced, account
    assert set(account.lost) <= PLACES
    assert min(account.lost.values(), default=1) > 0
    for table in ("links", "nodes"):
        load = column(run, table, "link_utilization" if table == "links" else "node_cpu")
        assert (load >= 0).all()
        assert (load <= 1 + 1e-6).all()
    links = {name: column(run, "links", f"packets_{name}") for name in ("in", "out", "dropped")}
    assert (links["in"] == links["out"] + links["dropped"]).all()
    kinds = run.tables["links"]["kind"].to_pylist()
    directions = run.tables["links"]["direction"].to_pylist()
    lost = dict.fromkeys(PLACES, 0)
    for kind, direction, dropped in zip(kinds, directions, links["dropped"], strict=True):
        lost[kind if kind == "cascade" else f"{kind} {direction}"] += int(dropped)
    lost["node"] = int(column(run, "nodes", "copies_dropped").sum())
    for side in ("uplink", "downlink"):
        for suffix, place in (
            ("dropped_queue", f"{side} queue"), ("dropped_policer", f"{side} policer"),
            ("lost", side),
        ):  # fmt: skip
            lost[place] = int(column(run, "samples", f"{side}_{suffix}").sum())
    assert {place: count for place, count in lost.items() if count} == dict(account.lost)
    check_samples(run)
    for name, schema in TABLES.items():
        assert run.tables[name].schema == schema, name


def check_samples(run: Run) -> None:
    """What must hold of every row of samples."""
    for name in (name for name in SAMPLES.names[2:] if name != "layer"):
        values = column(run, "samples", name)
        assert np.isfinite(values[~np.isnan(values)]).all(), name
        assert (values[~np.isnan(values)] >= 0).all(), name
    for name in ("packet_loss", "audio_packet_loss", "video_packet_loss", "residual_loss",
                 "audio_residual_loss", "video_residual_loss", "freeze_ratio"):  # fmt: skip
        assert np.nanmax(column(run, "samples", name), initial=0) <= 1 + 1e-6, name
    ordered = [column(run, "samples", f"one_way_delay_{p}") for p in ("p50", "p95", "p99", "max")]
    for low, high in itertools.pairwise(ordered):
        both = ~np.isnan(low)
        assert (low[both] <= high[both] * 1.01).all()
    for name in ("audio_mos", "video_mos"):
        scores = column(run, "samples", name)
        assert (scores[~np.isnan(scores)] >= 1).all()
        assert np.nanmax(scores, initial=1) <= 5
    received = column(run, "samples", "packets_received")
    nothing = np.isnan(column(run, "samples", "one_way_delay_mean"))
    assert nothing[received == 0].all()
    if run.scenario.media.congestion_control.profile == "none":
        assert (nothing == (received == 0)).all()  # else it may have received padding alone


def image(run: Run, *tables: str) -> dict[str, bytes]:
    """Tables as bytes."""
    images = {}
    for name in tables or TABLES:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, run.tables[name].schema) as writer:
            writer.write_table(run.tables[name].combine_chunks())
        images[name] = sink.getvalue().to_pybytes()
    return images


# ---------------------------------------------------------------- conservation


@settings(max_examples=40)
@given(
    profile=st.sampled_from(["none", "libwebrtc", "draft-02"]),
    endpoints=st.integers(2, 12),
    seed=st.integers(0, 10**6),
    without=st.sets(st.sampled_from(["carriers", "cascade", "nodes", "access", "meeting"])),
    capacity=st.sampled_from(["100kbps", "2Mbps", "1Gbps"]),
)
def test_every_packet_is_somewhere_and_no_link_does_more_than_it_can(
    profile: str, endpoints: int, seed: int, without: set[str], capacity: str
) -> None:
    changes = {key: value for key, value in WILD.items() if key not in without}
    red = {kind: {"capacity": capacity} for kind in ("backbone", "aggregation")}
    control = {"congestion_control": {"profile": profile}}
    changes = merged(changes, {"carriers": {"red": red}, "media": control})
    run = simulate(make_scenario(changes, endpoints=max(endpoints, 3), seed=seed), threads=1)
    check_run(run)
    assert run.accounting.sent > 100


def test_a_wild_run_loses_packets_everywhere() -> None:
    changes = merged(
        WILD,
        {
            "duration": "4s",
            "carriers": {"blue": {"backbone": {"capacity": "500kbps", "buffer": "9kB"}}},
            "cascade": {"capacity": "300kbps", "buffer": "3kB"},
            "nodes": {"south": {"nic": "2Mbps"}},
            "access": {"thin": {"down": {"policer": {"rate": "100kbps"}}}},
        },
    )
    run = simulate(make_scenario(changes, endpoints=12, seed=3), threads=1)
    check_run(run)
    assert {"uplink queue", "uplink policer", "uplink", "cascade", "node", "backbone down",
            "downlink policer", "downlink"} <= set(run.accounting.lost)  # fmt: skip


TIGHT: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "backbone": ("backbone red south down", {"carriers": {"red": {"backbone": {}}}}),
    "aggregation": ("aggregation red Cà Mau down", {"carriers": {"red": {"aggregation": {}}}}),
    "peering": ("peering blue south down", {"carriers": {"blue": {"peering": {}}}}),
    "cascade": ("cascade north south", {"cascade": {}}),
}


@settings(max_examples=30)
@given(
    kind=st.sampled_from(sorted(TIGHT)),
    share=st.floats(0.2, 0.8),
    buffer=st.sampled_from(["0B", "4kB", "10s"]),
    seed=st.integers(0, 10**6),
)
def test_overdriving_a_link_gives_delay_or_loss(
    kind: str, share: float, buffer: str, seed: int
) -> None:
    rules = [
        deal("s1", "red", "fibre", "south"), deal("s2", "blue", "fibre", "south"),
        deal("s3", "red", "fibre", "north"), deal("s4", "red", "fibre", "south"),
    ]  # fmt: skip
    base = {"endpoints": {"rules": rules}, "media": {"audio": {"dtx": False}}}
    wide = simulate(make_scenario(base, seed=seed), threads=1)
    name, path = TIGHT[kind]
    asked = rows_of(wide, name, "bitrate").mean()
    assert asked > 10_000
    link = {"capacity": f"{round(asked * share)}bps", "buffer": buffer}
    changes = merged(base, {key: _deepest(part, link) for key, part in path.items()})
    tight = simulate(make_scenario(changes, seed=seed), threads=1)
    check_run(tight)
    dropped = rows_of(tight, name, "packets_dropped").sum()
    slowest = np.nanmax(rows_of(tight, name, "queue_delay_max"))
    assert dropped > 0 or slowest > 0.2
    if buffer == "10s":  # what waits keeps it busy
        assert rows_of(tight, name, "link_utilization")[-1] > 0.99
    if dropped > 5:
        assert np.nanmax(column(tight, "samples", "packet_loss")) > 0
    else:
        worst = np.nanmax(column(tight, "samples", "one_way_delay_max"))
        assert worst > 0.2 + np.nanmax(column(wide, "samples", "one_way_delay_max")) / 2


def _deepest(part: Mapping[str, Any], link: Mapping[str, Any]) -> dict[str, Any]:
    """``part`` with ``link`` in place of its innermost empty map."""
    return {k: _deepest(v, link) for k, v in part.items()} if part else dict(link)


def rows_of(run: Run, link: str, name: str) -> Any:
    mine = np.array(run.tables["links"]["link"].to_pylist()) == link
    assert mine.any()
    return column(run, "links", name)[mine]


# ---------------------------------------------------------------- sameness


def smoke(*overrides: str, seed: int | None = None) -> Scenario:
    turns = "meeting.floor=[{at: 0s, site: command-centre}, {at: 2s, site: p79}]"
    return load_scenario("smoke", ["duration=5s", "interval=1s", turns, *overrides], seed)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again = simulate(smoke(), threads=1), simulate(smoke(), threads=1)
    assert image(first) == image(again)
    other = image(simulate(smoke(seed=2), threads=1))
    assert all(other[name] != image(first)[name] for name in ("samples", "histograms", "links"))
    replica = image(simulate(smoke(), threads=1, replication=1))
    assert all(replica[name] != image(first)[name] for name in ("samples", "histograms", "links"))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two processor cores")
def test_threads_change_nothing() -> None:
    one, two = (simulate(smoke("endpoints.sample=200"), threads=n) for n in (1, 2))
    assert image(one) == image(two)
    assert one.accounting == two.accounting


def test_the_grain_of_sampling_changes_no_packet() -> None:
    fine, coarse = (simulate(smoke(f"interval={i}"), threads=1) for i in ("100ms", "5s"))
    assert fine.accounting == coarse.accounting
    for name in ("packets_received", "downlink_packets", "downlink_lost", "uplink_packets"):
        assert column(fine, "samples", name).sum() == column(coarse, "samples", name).sum()
    for metric in ("one_way_delay", "mouth_to_ear_delay", "glass_to_glass_delay"):
        totals = []
        for run in (fine, coarse):
            table = run.tables["histograms"]
            mine = np.array(table["metric"].to_pylist()) == metric
            buckets = table["bucket"].to_numpy()[mine]
            totals.append(np.bincount(buckets, table["count"].to_numpy()[mine], 1408))
        assert (totals[0] == totals[1]).all(), metric


def test_a_scale_of_two_plays_everyone_twice() -> None:
    run = simulate(smoke("endpoints.scale=2"), threads=1)
    check_run(run)
    sites = run.tables["endpoints"]["site"].to_pylist()
    assert len(sites) == 121
    assert {f"{site}.2" for site in sites[:60]} == set(sites[60:120])
    received = column(run, "samples", "packets_received").reshape(5, 121).sum(axis=0)
    assert (received > 0).all()


def test_another_endpoint_leaves_the_others_draws_alone() -> None:
    rules = [{"carrier": "red", "access": {"fibre": "50%", "thin": "50%"}, "node": "south"}]
    access = {
        name: merged(
            {key: WILD_ACCESS[key] for key in ("loss", "fading", "jitter")},
            {"down": {"rate": {"p5": "5Mbps", "p50": "20Mbps", "p95": "50Mbps"}}},
        )
        for name in ("fibre", "thin")
    }
    base = {"endpoints": {"rules": rules}, "access": access, "duration": "4s"}
    runs = [simulate(make_scenario(base, endpoints=n, seed=4), threads=1) for n in (9, 10)]
    few, more = (
        {row.pop("site"): row for row in run.tables["endpoints"].to_pylist()} for run in runs
    )
    for site in SITES[:9]:
        for name in ("carrier", "access", "node", "downlink_rate", "uplink_rate"):
            assert few[site][name] == more[site][name]
    lost = [column(run, "samples", "downlink_lost").reshape(4, -1).sum(axis=0) for run in runs]
    assert lost[0].sum() > 20
    # packets may cross the end of the run, by the microseconds that one more copy takes
    assert (np.abs(lost[0][:9] - lost[1][:9]) <= 1).all()
    assert (lost[0][:9] == lost[1][:9]).mean() > 0.8


# ---------------------------------------------------------------- the roll call


def test_a_call_s_time_to_the_floor_is_the_sum_of_its_parts() -> None:
    rules = [
        deal("s1", "red", "fibre", "south"), deal("s2", "red", "thin", "south"),
        deal("s3", "red", "dead", "south"), {"carrier": "red", "access": "fibre"},
    ]  # fmt: skip
    dead = {"label": "Dead", "delay": "1ms", "down": {"rate": "1bps"}, "up": {"rate": "1bps"}}
    call = {"begin": "5s", "every": "10s", "hold": "8s", "order": "table", "camera": "500ms"}
    changes = {
        "duration": "35s",
        "endpoints": {"rules": rules},
        "access": {"dead": dead, "thin": {"delay": "60ms", "up": {"rate": "1Mbps"}}},
        "media": {"congestion_control": {"profile": "libwebrtc"}},
        "meeting": {"roll_call": call},
    }
    run = simulate(make_scenario(changes, endpoints=4), threads=1)
    check_run(run)
    calls = run.tables["calls"].to_pylist()
    assert [(row["time"], row["site"]) for row in calls] == [(5, "s1"), (15, "s2"), (25, "s3")]
    quick, slow, never = calls
    for row in (quick, slow):
        parts = [row[part] for part in CALL_BUDGET]
        assert min(parts) > 0
        assert sum(parts) == pytest.approx(row["time_to_floor"])
        # the camera, and then the encoder, take their time; so does the screen
        assert 0.54 <= row["key_frame"] <= 0.6
        assert row["playout"] == pytest.approx(0.08)
        assert row["time_to_floor"] < 2
    # 58 ms more each way, and 500 kbit/s take longer than 50 Mbit/s
    assert slow["signalling"] > quick["signalling"] + 0.058 + 600 * 8 / 600e3
    assert slow["uplink"] > quick["uplink"] + 0.058
    # s2 and s4 and the dead s3: half of three others is two
    assert quick["audience_p50"] > 0
    assert quick["audience_p95"] is None
    assert all(never[name] is None for name in ("time_to_floor", *CALL_BUDGET, "audience_p50"))


# ---------------------------------------------------------------- at the edge


def test_one_endpoint_alone() -> None:
    run = simulate(make_scenario(endpoints=1), threads=1)
    check_run(run)
    assert len(run.tables["endpoints"]) == 2
    listener, speaker = column(run, "samples", "packets_received").reshape(2, 2).T
    assert (listener > 0).all()
    assert (speaker == 0).all()  # who has the floor is sent nothing, and there is no wall
    assert np.isnan(column(run, "samples", "packet_loss").reshape(2, 2)[:, 1]).all()


def test_endpoints_too_thin_for_any_picture_hear() -> None:
    changes = {"access": {"fibre": {"down": {"rate": "100kbps"}}}}
    run = simulate(make_scenario(changes, overrides=["media.audio.dtx=false"]), threads=1)
    check_run(run)
    assert set(run.tables["samples"]["layer"].to_pylist()) == {None}
    listeners = [0, 1, 2, 3]
    for name, expected in (("audio_packet_loss", 0.0), ("frames_rendered", 0)):
        assert (column(run, "samples", name).reshape(2, 5)[:, listeners] == expected).all(), name
    assert np.isnan(column(run, "samples", "video_packet_loss")).all()
    assert np.isnan(column(run, "samples", "glass_to_glass_delay_mean")).all()
    packets = column(run, "samples", "packets_received").reshape(2, 5)[:, listeners]
    assert (packets >= 47).all()
    assert (packets <= 50).all()


def test_the_floor_on_a_link_with_holes() -> None:
    # The speaker's holes are everyone's: nothing for up to a second, and then all of it at once.
    thin = {
        "up": {"rate": "3Mbps", "buffer": "5s"},
        "fading": {"spread": 0.3, "hole_every": "2s", "hole_length": "400ms"},
    }
    rules = [deal("s1", "red", "thin", "north"), {"carrier": "red", "access": "fibre"}]
    changes = {
        "duration": "20s",
        "endpoints": {"rules": rules},
        "access": {"thin": thin},
        "meeting": {"floor": [{"at": "0s", "site": "s1"}]},
        "media": {"audio": {"dtx": False}},
    }
    run = simulate(make_scenario(changes), threads=1)
    check_run(run)
    worst = column(run, "samples", "one_way_delay_max").reshape(20, 5)
    assert np.nanmax(worst[:, 1:]) > 0.2
    assert np.nanmin(worst[:, 1:]) < 0.15
    assert "uplink queue" not in run.accounting.lost


@pytest.mark.parametrize("rate", ["1bps", "20bps"])
def test_a_link_so_slow_that_all_is_lost(rate: str) -> None:
    rules = [deal("s1", "red", "thin", "north"), {"carrier": "red", "access": "fibre"}]
    thin = {"down": {"rate": rate}, "up": {"rate": rate}}
    changes = {"endpoints": {"rules": rules}, "access": {"thin": thin}, "duration": "70s",
               "interval": "10s"}  # fmt: skip
    run = simulate(make_scenario(changes, endpoints=2), threads=1)
    check_run(run)
    mine = slice(0, None, 3)
    loss = column(run, "samples", "packet_loss")[mine]
    assert (loss == 1).all()
    assert (column(run, "samples", "audio_mos")[mine] == 1).all()
    assert (column(run, "samples", "packets_received")[mine] == 0).all()


@pytest.mark.parametrize("profile", ["none", "libwebrtc", "draft-02"])
def test_a_speaker_that_nobody_hears(profile: str) -> None:
    thin = {"up": {"rate": "1bps"}}
    rules = [deal("s1", "red", "thin", "north"), {"carrier": "red", "access": "fibre"}]
    meeting = {"floor": [{"at": "0s", "site": "s1"}], "wall": {"tiles": 1, "layer": "low"}}
    control = {"congestion_control": {"profile": profile}}
    changes = {"endpoints": {"rules": rules}, "access": {"thin": thin}, "meeting": meeting,
               "media": control}  # fmt: skip
    run = simulate(make_scenario(changes, endpoints=2), threads=1)
    check_run(run)
    # What never reached a node was addressed to nobody: the speaker's uplink tells of the loss.
    assert np.isnan(column(run, "samples", "audio_packet_loss")).all()
    dropped, sent = (
        column(run, "samples", f"uplink_{name}").reshape(2, 3)
        for name in ("dropped_queue", "packets")
    )
    assert (dropped[:, 0] == sent[:, 0]).all()
    assert (sent[:, 0] > 0).all()
    # And everyone waits for its picture; the command centre sees a tile beside.
    frozen = column(run, "samples", "freeze_ratio").reshape(2, 3)
    assert (frozen[:, 1] >= 0.94).all()  # from when the node has made up its mind
    assert (frozen[:, 2] >= 0.47).all()
    assert (column(run, "samples", "video_mos").reshape(2, 3)[:, 1:] == 1).all()


@pytest.mark.parametrize(
    ("duration", "interval", "rows"),
    [("2s", "2s", 1), ("2500ms", "1s", 3), ("1s", "100ms", 10), ("1001ms", "1s", 2)],
)
def test_durations_and_intervals(duration: str, interval: str, rows: int) -> None:
    scenario = make_scenario({"duration": duration, "interval": interval})
    seen: list[Progress] = []
    run = simulate(scenario, threads=1, progress=seen.append)
    check_run(run)
    times = column(run, "samples", "time").reshape(rows, 5)[:, 0]
    assert times == pytest.approx(np.arange(rows) * scenario.interval / 1e9)
    assert [p.phase for p in seen] == ["compiling"] + ["playing"] * rows
    assert seen[-1].now_s == seen[-1].duration_s == run.duration_s == scenario.duration / 1e9
    assert len(run.tables["links"]) % rows == 0


def test_buffers_and_delays_of_nothing() -> None:
    nothing = {"rate": "10Mbps", "buffer": "0s", "packets": 1}
    link = {"capacity": "100Mbps", "buffer": "0B", "packets": 1}
    changes = {
        "access": {"fibre": {"down": nothing, "up": nothing, "delay": "0s"}},
        "carriers": {"red": dict.fromkeys(("backbone", "aggregation", "peering"), link)},
        "cascade": link,
        "nodes": {"north": {"cost": {"packet": "0s", "copy": "0s", "kilobyte": "0s"}}},
    }
    run = simulate(make_scenario(changes), threads=1)
    check_run(run)
    assert column(run, "samples", "packets_received").sum() > 0


def test_a_delay_of_many_seconds_only_delays() -> None:
    changes = {"duration": "6s", "access": {"fibre": {"delay": "2s", "down": {"packets": 1}}},
               "media": {"audio": {"dtx": False}}}  # fmt: skip
    run = simulate(make_scenario(changes), threads=1)
    check_run(run)
    delay = column(run, "samples", "one_way_delay_mean").reshape(6, 5)[:, :4]
    assert np.isnan(delay[:3]).all()
    assert (delay[5] > 4).all()
    assert (delay[5] < 4.2).all()


def test_no_such_site_to_trace() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        simulate(make_scenario(), trace_site="nowhere")


def test_what_a_run_took() -> None:
    run = simulate(make_scenario(), threads=1)
    assert run.cost.packets == run.accounting.sent
    assert run.cost.packet_hops > run.cost.packets
    assert run.cost.wall_s > 0
    assert run.cost.peak_rss_bytes > 10**7
    assert run.mode == "simulated"
