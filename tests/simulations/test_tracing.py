"""A traced endpoint: every packet's way, in time, and where it ended."""

from typing import Any

import numpy as np
import pytest

from results.records import Run
from simulations.conference import simulate
from simulations.trace import PLACES
from tests.simulations.networks import make_scenario, merged
from tests.simulations.test_conference import WILD, check_run, column

PLACE_COLUMNS = [place.replace(" ", "_") for place in PLACES]
CHANGES = merged(
    WILD,
    {
        "duration": "4s",
        "meeting": {"floor": [{"at": "0s", "site": "s1"}, {"at": "2s", "site": "command-centre"}]},
        "access": {"thin": {"up": {"policer": {"rate": "450kbps"}, "rate": "700kbps"}}},
    },
)


@pytest.fixture(scope="module", params=["s1", "command-centre"])
def site(request: pytest.FixtureRequest) -> str:
    """A site that first speaks and then listens; and one that does it the other way round."""
    return str(request.param)


@pytest.fixture(scope="module")
def run(site: str) -> Run:
    played = simulate(make_scenario(CHANGES, endpoints=6), threads=1, trace_site=site)
    check_run(played)
    return played


def fields(run: Run) -> dict[str, Any]:
    assert run.trace is not None
    return {name: np.array(run.trace[name].to_pylist()) for name in run.trace.column_names}


def test_packets_both_sent_and_received(run: Run) -> None:
    trace = fields(run)
    assert {"sent", "received"} == set(trace["direction"])
    assert {"audio", "video"} <= set(trace["media"])
    keys = set(zip(trace["source"], trace["sequence"], strict=True))
    assert len(keys) == len(trace["source"])
    assert (np.diff(trace["sent"].astype(float)) >= 0).all()


def test_times_follow_the_way(run: Run) -> None:
    times = np.array([fields(run)[name].astype(float) for name in PLACE_COLUMNS]).T
    assert not np.isnan(times[:, 0]).any()
    for row in times:
        passed = row[~np.isnan(row)]
        assert (np.diff(passed) >= 0).all()


def test_a_packet_passes_the_places_of_its_direction_only(run: Run) -> None:
    trace = fields(run)
    times = {name: ~np.isnan(trace[name].astype(float)) for name in PLACE_COLUMNS}
    sent, got = trace["direction"] == "sent", trace["direction"] == "received"
    for name in ("uplink", "aggregation_up", "backbone_up", "peering_up", "cascade"):
        assert not times[name][got].any(), name
    for name in ("node_out", "peering", "backbone", "aggregation", "arrival"):
        assert not times[name][sent].any(), name


def test_a_lost_packet_has_no_time_there_or_beyond(run: Run, site: str) -> None:
    trace = fields(run)
    times = np.array([trace[name].astype(float) for name in PLACE_COLUMNS]).T
    for row, lost in zip(times, trace["lost_at"], strict=True):
        if lost is not None:
            # A publisher's packet may still reach its own node's fan-out when a cascade loses it.
            assert np.isnan(row[PLACES.index(lost) :]).all(), lost
            assert not np.isnan(row[0])
    if site == "s1":  # the one on the bad link
        assert sum(lost is not None for lost in trace["lost_at"]) > 10


def test_rows_add_up_to_the_counters(run: Run, site: str) -> None:
    trace = fields(run)
    e = run.tables["endpoints"]["site"].to_pylist().index(site)
    end = run.duration_s

    def total(name: str) -> float:
        return float(column(run, "samples", name).reshape(8, -1)[:, e].sum())

    arrival, aggregation, sent = (
        trace[name].astype(float) for name in ("arrival", "aggregation", "sent")
    )
    lost = trace["lost_at"]
    assert (arrival < end).sum() == total("packets_received")
    entered = ~np.isnan(aggregation)
    # what leaves the aggregation only after the end has yet to enter the access link
    assert abs(entered.sum() - total("downlink_packets")) <= 1
    gone = sum(total(f"downlink_{what}") for what in ("dropped_queue", "dropped_policer", "lost"))
    assert (lost == "arrival").sum() == gone
    own = trace["direction"] == "sent"
    assert own.sum() == total("uplink_packets")
    gone = sum(total(f"uplink_{what}") for what in ("dropped_queue", "dropped_policer", "lost"))
    assert (lost == "uplink").sum() == gone
    assert (sent < end).all()


def test_a_long_interval_keeps_every_row() -> None:
    # More rows than the world has room for at once.
    changes = {
        "duration": "4min",
        "interval": "4min",
        "media": {"video": {"frame_rate": 120, "payload": "100B"}},
        "meeting": {"wall": {"tiles": 8, "layer": "high", "dwell": "1h"}},
        "access": {"fibre": {"down": {"rate": "1Gbps"}, "up": {"rate": "1Gbps"}}},
    }
    run = simulate(make_scenario(changes, endpoints=8), threads=1, trace_site="command-centre")
    assert run.trace is not None
    arrival = run.trace["arrival"].to_numpy()
    assert (
        np.count_nonzero(~np.isnan(arrival) & (arrival < 240))
        == column(run, "samples", "packets_received").reshape(9)[8]
    )
