"""The engine against a plain network, played event by event; and against itself."""

from collections.abc import Mapping
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.scenario import Scenario
from simulations import control
from simulations import world as levels
from simulations.engine import grown
from simulations.packets import ITEM
from simulations.stations import run_link
from simulations.trains import RIDER, board
from simulations.world import World
from tests.simulations.networks import SITES, Playing, deal, kept_copies, make_scenario
from tests.simulations.reference_network import (
    ACCESS,
    BACKBONE_DOWN,
    BACKBONE_UP,
    CASCADE,
    DOWN,
    PEERING_DOWN,
    PEERING_UP,
    UP,
    UPLINK,
    PlainNetwork,
)

SECOND = 10**9
END = 1_200_000_000
DRAINED = END + 100 * SECOND

RATES = st.sampled_from(["150kbps", "600kbps", "1777kbps", "10Mbps", "1Gbps"])
BUFFERS = st.sampled_from(["0B", "1300B", "6kB", "20ms", "1s"])
LIMITS = st.sampled_from([1, 3, 16384])


def shared_links() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"capacity": RATES, "buffer": BUFFERS, "packets": LIMITS})


def directions() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"rate": RATES, "buffer": BUFFERS, "packets": LIMITS})


def accesses() -> st.SearchStrategy[dict[str, Any]]:
    delays = st.sampled_from(["0s", "1ns", "3ms", "290ms", "5s"])
    return st.fixed_dictionaries({"down": directions(), "up": directions(), "delay": delays})


def carriers() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "backbone": shared_links(),
            "aggregation": shared_links(),
            "peering": shared_links(),
            "detour": st.sampled_from([1.0, 1.5, 3.3]),
        }
    )


def nodes() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "carriers": st.sampled_from([["red"], ["blue"], ["red", "blue"]]),
            "nic": st.sampled_from(["1Mbps", "7Mbps", "10Gbps"]),
            "queue": st.sampled_from(["1ms", "50ms"]),
            "cost": st.sampled_from(
                [{}, {"packet": "0s", "copy": "0s"}, {"copy": "1ms"}, {"packet": "9ms"}]
            ),
        }
    )


@st.composite
def meetings(draw: st.DrawFn, endpoints: int) -> dict[str, Any]:
    """Turns on the floor, then perhaps a discussion; shared screens; a wall."""
    sites = st.sampled_from([*SITES[:endpoints], "command-centre"])
    turns = draw(st.lists(sites, min_size=1, max_size=4))
    meeting: dict[str, Any] = {
        "floor": [{"at": f"{250 * i}ms", "site": site} for i, site in enumerate(turns)],
        "pictures": draw(st.integers(1, 3)),
    }
    if draw(st.booleans()):
        meeting["discussion"] = {
            "begin": "800ms", "sites": list(SITES[:endpoints]), "talk": "100ms", "pause": "100ms",
            "voices": draw(st.integers(1, 3)), "hold": "0s",
        }  # fmt: skip
    if draw(st.booleans()):
        meeting["screen"] = [
            {"at": "100ms", "until": "500ms", "site": draw(sites)},
            {"at": "500ms", "site": draw(sites)},
        ]
    if tiles := draw(st.integers(0, min(3, endpoints))):
        meeting["wall"] = {
            "tiles": tiles, "layer": draw(st.sampled_from(["low", "high"])), "dwell": "1s"
        }  # fmt: skip
    return meeting


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    endpoints = draw(st.integers(1, 6))
    either = st.sampled_from
    rules = [
        deal(
            site,
            draw(either(["red", "blue"])),
            draw(either(["fibre", "thin"])),
            draw(either(["north", "south"])),
        )
        for site in SITES[:endpoints]
    ]
    meeting = draw(meetings(endpoints))
    changes: Mapping[str, Any] = {
        "seed": draw(st.integers(0, 99)),
        "endpoints": {"rules": rules},
        "command_centre": {"node": draw(either(["north", "south"]))},
        "carriers": {"red": draw(carriers()), "blue": draw(carriers())},
        "access": {"fibre": draw(accesses()), "thin": draw(accesses())},
        "nodes": {"north": draw(nodes()), "south": draw(nodes())},
        "cascade": draw(shared_links()),
        "media": {
            "audio": {"ptime": draw(either(["10ms", "20ms"])), "dtx": draw(st.booleans())},
            "video": {
                "pacing": draw(either([1.0, 2.5, 20.0])),
                "payload": draw(either(["300B", "1200B"])),
                "headroom": "100%",
                "key_frame_interval": draw(either(["200ms", "10s"])),
            },
            "screen": {"bitrate": "200kbps", "frame_rate": 10, "key_frame_interval": "300ms"},
        },
        "meeting": meeting,
    }
    return make_scenario(changes, endpoints=endpoints)


@settings(max_examples=100)
@given(
    scenario=scenarios(),
    stops=st.lists(st.integers(0, END), max_size=6),
    pick=st.integers(0, 6),
    linger=st.sampled_from([0, 130_000_000, 3 * SECOND]),
)
def test_every_packet_passes_every_place_at_the_plain_networks_times(
    scenario: Scenario, stops: list[int], pick: int, linger: int
) -> None:
    # Stops cut the epochs short: that must change nothing.
    site = [*SITES[: len(scenario.endpoints.rows or ())], "command-centre"]
    traced = site[pick % len(site)]
    with mock.patch.object(control, "LINGER", linger):
        playing = Playing(scenario, trace_site=traced)
        playing.advance(END, stops)
        world = playing.drain(DRAINED)
        plain = PlainNetwork(scenario, playing.population)
        plain.play(END)

    rows = world.trace_rows[: world.trace[1]]
    assert {tuple(row) for row in rows.tolist()} == plain.steps[
        playing.population.site.index(traced)
    ]
    compare_links(playing, world, plain)
    compare_nodes(world, plain)
    compare_copies(world, plain)
    compare_receivers(world, plain)
    assert world.totals[levels.PUBLISHED] == plain.published


def compare_links(playing: Playing, world: World, plain: PlainNetwork) -> None:
    carrier, node = plain.carriers.index, plain.node_names.index
    kinds = {
        ("aggregation", "up"): UP, ("backbone", "up"): BACKBONE_UP, ("peering", "up"): PEERING_UP,
        ("peering", "down"): PEERING_DOWN, ("backbone", "down"): BACKBONE_DOWN,
        ("aggregation", "down"): DOWN, ("cascade", "down"): CASCADE,
    }  # fmt: skip
    for station, state in zip(playing.plan.stations, world.stations, strict=True):
        if not station.kind:
            continue
        level = kinds[station.kind, station.direction]
        if level in (UP, DOWN):
            assert station.carrier is not None
            key: tuple[Any, ...] = (level, carrier(station.carrier), station.province)
        elif level == CASCADE:
            _, a, b = station.name.split()
            key = (level, node(a), node(b))
        else:
            _, c, n, _ = station.name.split()
            key = (level, carrier(c), node(n))
        expected = plain._link(key).counts
        for name in ("packets", "dropped", "bytes", "delay_sum", "delay_max", "work"):
            assert state[name] == expected[name], (station.name, name)
    for level, links in ((UPLINK, world.uplinks), (ACCESS, world.downlinks)):
        for e, link in enumerate(links):
            expected = plain._link((level, e)).counts
            for name, count in (("packets", "packets"), ("dropped_queue", "dropped")):
                assert link[name] == expected[count], (level, e, name)
            assert link["bytes"] == expected["bytes"]


def compare_nodes(world: World, plain: PlainNetwork) -> None:
    for state, node in zip(world.nodes, plain.nodes, strict=True):
        for name in ("packets", "copies", "dropped", "bytes", "delay_max"):
            assert state[name] == node.counts[name], name


def compare_copies(world: World, plain: PlainNetwork) -> None:
    """What nodes sent, and how they numbered it."""
    for e, sender in enumerate(world.senders):
        expected = plain.sent[e]
        assert sender["next"] == len(expected)
        copies = kept_copies(world, e)
        packets = world.packets[copies["packet"]]
        found = [copies["slot"], copies["number"], packets["source"], packets["sequence"]]
        assert np.transpose(found).tolist() == [list(copy) for copy in expected[-len(copies) :]]


def compare_receivers(world: World, plain: PlainNetwork) -> None:
    for e, meter in enumerate(world.meters):
        for name in ("packets", "bytes", "delay_sum", "delay_max"):
            assert meter[name] == plain.received[e][name], (e, name)


def test_edges_that_must_grow_change_nothing() -> None:
    changes = {
        "media": {"audio": {"ptime": "2500us", "dtx": False}, "video": {"payload": "100B"}},
        "meeting": {"wall": {"tiles": 6, "layer": "high"}},
        "carriers": {"red": {"backbone": {"capacity": "9Mbps", "buffer": "1s"}}},
    }
    scenario = make_scenario(changes, endpoints=12)
    roomy, tight = Playing(scenario), Playing(scenario)
    edges = tight.engine.world.edges
    edges["base"], edges["mask"] = 4 * np.arange(len(edges)), 3
    # a ring that has turned many times before it grows
    edges["head"] = edges["tail"] = 1_000_003
    tight.engine.world = tight.engine.world._replace(edge_items=np.zeros(4 * len(edges), ITEM))
    for until in (10_000_000, 300_000_000, 300_000_001, 2 * SECOND):
        for playing in (roomy, tight):
            playing.advance(until)
    worlds = roomy.drain(20 * SECOND), tight.drain(20 * SECOND)
    assert worlds[1].edges["mask"].max() > 200
    compare_counts(*worlds)


def compare_counts(world: World, other: World) -> None:
    """What passed where, and how long it took."""
    for table, names in (
        ("meters", ("packets", "bytes", "delay_sum", "delay_max", "frames")),
        ("stations", ("packets", "delay_sum", "delay_max", "work")),
        ("nodes", ("copies", "bytes", "delay_max")),
    ):
        for name in names:
            values = [getattr(each, table)[name] for each in (world, other)]
            assert (values[0] == values[1]).all(), (table, name)
    assert world.meters["packets"].sum() > 10_000


def test_a_long_time_is_played_by_seconds_so_that_signals_are_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Playing(make_scenario(endpoints=2)).engine
    kernel, played = engine._kernel, []

    def watched(world: World, part: Any, until: int, settle: bool) -> Any:
        played.append((until, settle))
        return kernel(world, part, until, settle)

    monkeypatch.setattr(engine, "_kernel", watched)
    engine.advance(SECOND // 2)
    engine.advance(3 * SECOND + 1)
    assert played == [
        (SECOND // 2, True),
        (SECOND, False),
        (2 * SECOND, False),
        (3 * SECOND, False),
        (3 * SECOND + 1, True),
    ]


def test_trains_change_nothing() -> None:
    # Copies come further apart than they take, behind bursts of others and between them.
    link = {"capacity": "10Gbps", "background": {"load": "50%", "burst": "500B"}}
    changes = {
        "media": {"audio": {"ptime": "2500us", "dtx": False}, "video": {"payload": "100B"}},
        "carriers": {"red": {"backbone": link, "aggregation": link}},
    }
    scenario = make_scenario(changes, endpoints=12)
    # What is traced is served copy by copy, whosever it is.
    trains, copies = Playing(scenario), Playing(scenario, trace_site="command-centre")
    for playing in (trains, copies):
        playing.advance(2 * SECOND)
    compare_counts(trains.drain(3 * SECOND), copies.drain(3 * SECOND))


def test_a_train_goes_on_only_as_far_as_there_is_room() -> None:
    playing = Playing(make_scenario(endpoints=12))
    world = playing.world
    group = int(world.endpoints["group"][0])
    members = np.flatnonzero(world.endpoints["group"] == group)
    out = int(world.route[levels.BACKBONE_DOWN, members[0]])
    s = int(world.edges["source"][out])
    station, edge = world.stations[s], world.edges[out]
    world.packets["size"] = 100
    before = world.edges[station["first_edge"]]
    for i in range(6):
        board(before, world.edge_items, world.riders, 10 * i, 1, int(members[0]), i)
    edge["mask"] = 3
    for i in range(2):
        board(edge, world.edge_items, world.riders, 0, 2, int(members[0]), 100 + i)
    # The first one goes alone: the link's rate is not known yet.
    assert run_link(world, s, SECOND) == out
    assert edge["tail"] - edge["head"] == 4
    assert before["tail"] - before["head"] == 4
    places = edge["base"] + np.arange(edge["head"], edge["tail"])
    assert world.riders["entry"][places].tolist() == [100, 101, 0, 1]


def test_a_grown_ring_holds_what_it_held() -> None:
    world = Playing(make_scenario(endpoints=3)).engine.world
    edges = world.edges
    edges["base"], edges["mask"] = 4 * np.arange(len(edges)), 3
    rng = np.random.default_rng(1)
    edges["head"] = rng.integers(0, 99, len(edges))
    edges["tail"] = edges["head"] + rng.integers(0, 5, len(edges))
    items, riders = np.zeros(4 * len(edges), ITEM), np.zeros(4 * len(edges), RIDER)
    items["time"], riders["entry"] = np.arange(len(items)), np.arange(len(items)) + 500
    world = world._replace(edge_items=items, riders=riders)

    def content(of: World) -> list[list[tuple[int, int]]]:
        return [
            [
                (
                    int(of.edge_items["time"][edge["base"] + (at & edge["mask"])]),
                    int(of.riders["entry"][edge["base"] + (at & edge["mask"])]),
                )
                for at in range(edge["head"], edge["tail"])
            ]
            for edge in of.edges
        ]

    before = content(world)
    world.full[:3] = [2, -1, 5]
    after = grown(world)
    assert content(after) == before
    expected = np.full(len(edges), 3)
    expected[[2, 5]] = 7
    assert after.edges["mask"].tolist() == expected.tolist()
    assert (after.full == -1).all()
