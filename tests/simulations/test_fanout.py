"""The media node: who gets a copy, in which order, and what it costs."""

import itertools
from typing import Any

import numpy as np
import pytest

from simulations.conference import simulate
from simulations.world import World
from tests.simulations.networks import SITES, Playing, make_scenario
from tests.simulations.test_conference import check_run, column

SECOND = 10**9
NORTH = {"rules": [{"carrier": "red", "access": "fibre", "node": "north"}]}


def played(changes: dict[str, Any], endpoints: int = 6, until: int = SECOND) -> World:
    playing = Playing(make_scenario(changes, endpoints=endpoints))
    playing.advance(until)
    return playing.drain(until + 5 * SECOND)


def packets(world: World) -> list[int]:
    """Packets that each endpoint received."""
    return [int(count) for count in world.meters["packets"]]


def test_everyone_but_the_speaker_gets_the_programme() -> None:
    for speaker in (0, 3, 6):
        site = [*SITES[:6], "command-centre"][speaker]
        meeting = {"floor": [{"at": "0s", "site": site}]}
        world = played({"endpoints": NORTH, "meeting": meeting})
        got = packets(world)
        assert len({count for e, count in enumerate(got) if e != speaker}) == 1
        # Who has the floor hears nobody, and sees the chair in place of itself.
        assert world.voices["expected"][speaker] == 0
        assert (got[speaker] > 25) == (speaker != 6)
        assert got[speaker] == world.pictures["expected"][speaker]


def test_everyone_gets_the_layer_that_fits() -> None:
    rules = [
        {"when": {"site": ["s1", "s4"]}, "carrier": "red", "access": "thin"},
        {"carrier": "red", "access": "fibre"},
    ]
    world = played({"endpoints": {"rules": rules}})
    sizes = world.meters["bytes"]
    assert len({int(sizes[e]) for e in (0, 3)}) == 1
    assert len({int(sizes[e]) for e in (1, 2, 4, 5)}) == 1
    assert sizes[1] > 2 * sizes[0]


def test_tiles_go_to_the_command_centre_alone() -> None:
    wall = {"tiles": 3, "layer": "low"}
    plain, shown = (played({"meeting": {"wall": w} if w else {}}) for w in (None, wall))
    assert packets(shown)[:6] == packets(plain)[:6]
    assert packets(plain)[6] == 0
    assert packets(shown)[6] > 3 * 25
    # A tile crosses the cascade only if the centre is on the other side.
    assert shown.nodes["packets"].sum() - plain.nodes["packets"].sum() == packets(shown)[6]


def test_a_full_interface_drops_copies() -> None:
    changes = {
        "duration": "2s",
        "endpoints": NORTH,
        "nodes": {"north": {"nic": "1200kbps", "queue": "30ms"}},
    }
    run = simulate(make_scenario(changes, endpoints=6), threads=1)
    check_run(run)
    assert run.accounting.lost.keys() == {"node"}
    egress = column(run, "nodes", "node_egress").reshape(2, 2)[:, 0]
    assert egress[1] == pytest.approx(1.2e6, rel=0.05)
    worst = column(run, "nodes", "queue_delay_max").max()
    assert 0.03 < worst < 0.05


def test_a_busy_processor_holds_copies_back() -> None:
    changes = {"endpoints": NORTH, "nodes": {"north": {"cost": {"copy": "1ms"}}}}
    world = played(changes)
    node = world.nodes[0]
    assert node["cpu_work"] >= 1_000_000 * node["copies"]
    # the sixth copy leaves after six milliseconds, and a burst waits for the one before it
    assert node["delay_max"] > 6_000_000


def test_the_order_of_service_is_no_ones_favour() -> None:
    first = set()
    for seed in range(30):
        playing = Playing(make_scenario({"endpoints": NORTH, "seed": seed}, endpoints=6))
        world = playing.engine.world
        listeners = world.subscribers[0, : world.audience[0]].tolist()
        assert sorted(listeners) == list(range(7))
        first.add(listeners[0])
        served = [group for group, _ in itertools.groupby(world.endpoints["group"][listeners])]
        assert len(served) == len(set(served))  # group by group
    assert first == set(range(7))


def test_all_that_arrives_is_copied_in_order() -> None:
    playing = Playing(make_scenario({"endpoints": NORTH}, endpoints=3), trace_site="s2")
    playing.advance(SECOND)
    world = playing.drain(6 * SECOND)
    rows = world.trace_rows[: world.trace[1]]
    out = rows[rows[:, 4] == 7]
    assert (np.diff(out[:, 5]) > 0).all()


def test_a_copy_may_wait_as_long_as_the_queue_says_and_no_longer() -> None:
    # A voice's copy takes the interface 1.04 ms: the second waits for just that long.
    changes = {
        "endpoints": NORTH,
        "access": {"fibre": {"down": {"rate": "100kbps"}}},
        "media": {"audio": {"dtx": False}, "video": {"layers": [
            {"name": "low", "height": 180, "bitrate": "1Mbps"}]}},
        "nodes": {"north": {"nic": "1Mbps", "queue": "1040us",
                            "cost": {"packet": "0s", "copy": "0s", "kilobyte": "0s"}}},
    }  # fmt: skip
    node = played(changes).nodes[0]
    assert node["copies"] % 6 == 0
    assert node["dropped"] == node["copies"] * 4 // 6 > 100
    assert node["delay_max"] == 2_080_000
