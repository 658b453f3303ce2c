"""Links and nodes by interval, and the account of all packets."""

from typing import Any

import numpy as np
import pytest

from results.records import BUDGET, Run
from simulations.conference import simulate
from simulations.world import CASCADED, INGRESSED, PUBLISHED
from tests.simulations.networks import Playing, deal, make_scenario
from tests.simulations.test_conference import check_run, column, rows_of

VOICE_ONLY = {
    "duration": "4s",
    "interval": "1s",
    "endpoints": {"rules": [
        deal("s1", "red", "fibre", "north"), deal("s2", "red", "fibre", "south"),
        deal("s3", "blue", "fibre", "south"),
    ]},
    "access": {"fibre": {"down": {"rate": "100kbps"}}},  # no picture fits
    "media": {"audio": {"dtx": False}, "video": {"layers": [
        {"name": "low", "height": 180, "bitrate": "1Mbps"}]}},
    "carriers": {"red": {"backbone": {"capacity": "1Mbps"}}},
}  # fmt: skip
"""130 bytes every 20 ms to everyone: figures that can be told by hand."""


@pytest.fixture(scope="module")
def run() -> Run:
    played = simulate(make_scenario(VOICE_ONLY, endpoints=3), threads=1)
    check_run(played)
    return played


def node(run: Run, name: str, column_name: str) -> Any:
    mine = np.array(run.tables["nodes"]["node"].to_pylist()) == name
    return column(run, "nodes", column_name)[mine]


def test_a_links_rows_by_hand(run: Run) -> None:
    link = "backbone red north down"
    assert rows_of(run, link, "packets_in")[1:].tolist() == [50, 50, 50]
    assert rows_of(run, link, "packets_out")[1:].tolist() == [50, 50, 50]
    assert rows_of(run, link, "bitrate")[1:] == pytest.approx([52_000] * 3)
    assert rows_of(run, link, "link_utilization")[1:] == pytest.approx([0.052] * 3, rel=1e-6)
    assert rows_of(run, link, "queue_delay_mean")[1:] == pytest.approx([0.00104] * 3)
    assert rows_of(run, link, "queue_delay_max")[1:] == pytest.approx([0.00104] * 3)
    assert rows_of(run, link, "background_bitrate").tolist() == [0] * 4


def test_an_unused_link_has_no_delay(run: Run) -> None:
    link = "backbone red north up"
    assert np.isnan(rows_of(run, link, "queue_delay_mean")).all()
    assert np.isnan(rows_of(run, link, "queue_delay_max")).all()
    assert rows_of(run, link, "link_utilization").tolist() == [0] * 4


def test_a_nodes_rows_by_hand(run: Run) -> None:
    # The centre's picture (1 Mbit/s) comes too, though nobody takes it.
    copies = node(run, "south", "copies_out")
    assert copies[1:].tolist() == [100] * 3
    assert node(run, "south", "node_egress")[1:] == pytest.approx([104_000] * 3)
    packets = node(run, "south", "packets_in")
    assert (packets > 50 + 25).all()
    cpu = (2000 * packets + (300 + 50 * 130 // 1000) * copies) / 1e9
    assert node(run, "south", "node_cpu") == pytest.approx(cpu, rel=1e-3)
    # the packet, two copies, and the wire's time of the second
    slowest = (2000 + 2 * 306 + 104) / 1e9
    assert node(run, "south", "queue_delay_max") == pytest.approx([slowest] * 4, rel=1e-6)


def test_what_waits_at_the_end_of_an_interval_is_the_next_ones_work() -> None:
    # Twice what the link can do, and a buffer that holds it: always busy, never more than that.
    changes = {
        **VOICE_ONLY,
        "carriers": {"red": {"backbone": {"capacity": "26kbps", "buffer": "60s"}}},
    }
    run = simulate(make_scenario(changes, endpoints=3), threads=1)
    check_run(run)
    load = rows_of(run, "backbone red north down", "link_utilization")
    assert load[0] == pytest.approx(1 - 0.0265 - 0.0020, abs=1e-4)
    assert load[1:] == pytest.approx([1.0] * 3, abs=1e-6)


@pytest.mark.parametrize("steps", [["2s"], ["2s", "3s"]])
def test_a_link_that_lets_nothing_through_is_busy_with_what_waits(steps: list[str]) -> None:
    rates = ["0bps", "1Mbps"]
    link = {
        "capacity": "1Mbps", "background": {"load": "40%", "burst": "1kB"},
        "steps": [{"at": at, "rate": rate} for at, rate in zip(steps, rates, strict=False)],
    }  # fmt: skip
    run = simulate(
        make_scenario({**VOICE_ONLY, "carriers": {"red": {"backbone": link}}}, endpoints=3),
        threads=1,
    )
    check_run(run)
    load = rows_of(run, "backbone red north down", "link_utilization")
    assert (load >= 0).all()
    assert load[2] == pytest.approx(1.0, abs=0.05)
    assert (load <= 1 + 1e-9).all()


def test_what_a_seat_costs_a_node_is_its_work() -> None:
    floor = [{"at": "0s", "site": "command-centre"}, {"at": "1950ms", "site": "s2"}]
    changes = {
        **VOICE_ONLY,
        "nodes": {"south": {"cost": {"join": "100ms"}}},
        "meeting": {"floor": floor},
    }
    run = simulate(make_scenario(changes, endpoints=3), threads=1)
    cpu = node(run, "south", "node_cpu")
    assert (cpu >= 0).all()
    assert cpu[1:3] - cpu[3] == pytest.approx([0.05, 0.05], abs=0.005)


def test_background_is_counted_by_itself() -> None:
    background = {"load": "40%", "burst": "1kB"}
    link = {"capacity": "50Mbps", "background": background}
    changes = {**VOICE_ONLY, "duration": "8s", "carriers": {"red": {"backbone": link}}}
    run = simulate(make_scenario(changes, endpoints=3), threads=1)
    check_run(run)
    own = rows_of(run, "backbone red north down", "bitrate")
    others = rows_of(run, "backbone red north down", "background_bitrate")
    load = rows_of(run, "backbone red north down", "link_utilization")
    assert own[1:] == pytest.approx([52_000] * 7)
    assert others.mean() == pytest.approx(20e6, rel=0.03)
    assert load == pytest.approx((own + others) / 50e6, rel=0.01)


def test_the_account_of_all_packets_by_hand(run: Run) -> None:
    # Sent: the centre's packets, one copy each over the cascade, and the copies to listeners.
    account = run.accounting
    published = int(node(run, "north", "packets_in").sum())
    copies = int(node(run, "north", "copies_out").sum() + node(run, "south", "copies_out").sum())
    assert account.sent == pytest.approx(2 * published + copies, abs=8)
    assert not account.lost
    # what has left in the last 20 ms or so is on its way
    assert 0 < account.in_flight < 60
    assert account.delivered == account.sent - account.in_flight


def test_totals_of_the_world() -> None:
    playing = Playing(make_scenario(VOICE_ONLY, endpoints=3))
    playing.advance(10**9)
    world = playing.drain(5 * 10**9)
    assert world.totals[PUBLISHED] == world.totals[INGRESSED] == world.totals[CASCADED] > 75


def test_the_budget_adds_up_to_the_mean(run: Run) -> None:
    table = run.tables["endpoints"]
    parts = np.array([table[f"budget_{part}"].to_numpy() for part in BUDGET], np.float64)
    counts = column(run, "samples", "packets_received").reshape(4, 4)
    means = column(run, "samples", "mouth_to_ear_delay_mean").reshape(4, 4)
    for e in range(3):
        heard = np.average(means[:, e], weights=counts[:, e])
        # weighted with what came in an interval, not with what was played in it
        assert parts[:, e].sum() == pytest.approx(heard, abs=3e-4)
    uplink, _, backbone, aggregation, access = parts[1:6, 0]
    assert parts[0] == pytest.approx([0.0265] * 4)
    # The jitter buffer begins with half of 80 ms, goes up to 80 ms and settles at 40 ms over the
    # least transit time: 20 ms of target, and 20 ms before it cuts sound. Output takes 10 ms.
    assert (parts[6, :3] > 0.050).all()
    assert (parts[6, :3] < 0.060).all()
    settled = column(run, "samples", "mouth_to_ear_delay_mean").reshape(4, 4)[3, :3]
    assert settled == pytest.approx(parts[:6, :3].sum(axis=0) + 0.050, abs=3e-4)
    assert uplink == pytest.approx(0.002 + 130 * 8 / 50e6, abs=1e-5)  # 2 ms and its own bits
    # 2 µs for the packet, 306 ns for each copy, 104 ns on the wire; in the south there are two.
    assert sorted(parts[2, :3]) == pytest.approx([2.410e-6, 2.410e-6, 2.716e-6])
    assert backbone == pytest.approx(0.0099 + 0.00104, rel=0.02)  # light from Cà Mau, and 1 Mbit/s
    assert aggregation == pytest.approx(130 * 8 / 1e9, rel=0.5)
    assert access == pytest.approx(0.002 + 130 * 8 / 100e3, rel=0.01)
    assert np.isnan(parts[1:, 3]).all()  # who speaks hears nothing


def test_what_faults_cost_is_lost_at_places_of_their_own() -> None:
    slow = {"capacity": "300kbps", "buffer": "2s"}
    rules = [deal("s1", "red", "fibre", "north"), deal("s2", "blue", "fibre", "north")]
    playing = Playing(
        make_scenario(
            {"duration": "9s", "endpoints": {"rules": rules},
             "carriers": {"red": {"aggregation": slow}}},
            endpoints=2,
        )
    )  # fmt: skip
    playing.advance(2 * 10**9)
    field = playing.field
    field.fail(("station", "aggregation", "red", None), 2 * 10**9)
    field.fail(("access", 1, "primary"), 2 * 10**9)
    playing.advance(3 * 10**9)
    field.fail(("node", "north"), 3 * 10**9)
    playing.advance(4 * 10**9)
    field.disconnect(0, 4 * 10**9)
    world = playing.world
    expected = {
        "aggregation cut": int(world.stations["cut"].sum()),
        "downlink cut": int(world.downlinks["cut"].sum()),
        "node cut": int(world.nodes["cut"].sum()),
    }
    assert min(expected.values()) > 0
    playing.sample(0, 4 * 10**9)
    account = playing.accounting()
    assert {place: account.lost[place] for place in expected} == expected
    assert account.balanced
    playing.sample(4 * 10**9, 5 * 10**9)  # nothing is counted twice
    assert playing.accounting().lost["aggregation cut"] == expected["aggregation cut"]
