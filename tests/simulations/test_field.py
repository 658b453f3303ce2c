"""The field: endpoints come, go and move; components fail; every packet is accounted for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.membership import ABSENT, FORGOTTEN
from simulations.network import Component
from simulations.ways import Server
from tests.simulations.networks import CLOSED, SITES, Playing, deal, make_scenario, merged

MS = 10**6
SECOND = 10**9
NORTH, SOUTH = 0, 1

CHANGES = merged(
    CLOSED,
    {
        "duration": "60s",
        "endpoints": {
            "rules": [
                deal("s1", "red", "fibre", "north"),
                deal("s2", "blue", "fibre", "south"),
                deal("s3", "red", "fibre", "south"),
                deal("s4", "blue", "fibre", "north"),
            ]
        },
        "media": {"audio": {"dtx": False}},
        "nodes": {"south": {"cost": {"join": "4ms"}}},
    },
)
"""Four endpoints on two carriers and two nodes; the command centre, at north, speaks."""


def play(changes: dict[str, Any] | None = None, **kwargs: Any) -> Playing:
    return Playing(make_scenario(merged(CHANGES, changes or {}), endpoints=4), **kwargs)


def received(playing: Playing, site: str, begin: int, end: int) -> int:
    """Packets that a site receives from ``begin`` to ``end``."""
    playing.advance(begin)
    before = int(playing.world.meters["packets"][playing.index(site)])
    playing.advance(end)
    return int(playing.world.meters["packets"][playing.index(site)]) - before


def is_balanced(playing: Playing, end: int) -> bool:
    """Whether every packet is accounted for at ``end``, in flight or not."""
    playing.sample(0, end)
    return bool(playing.accounting().balanced)


# ---------------------------------------------------------------- coming and going


def test_nobody_gets_anything_until_connected() -> None:
    playing = play(connected=False)
    playing.advance(2 * SECOND)
    assert playing.world.totals[0] == 0  # nothing is published either
    assert (playing.world.senders["next"] == 0).all()
    centre, s1 = len(playing.population) - 1, playing.index("s1")
    playing.field.connect(centre, NORTH, 2 * SECOND)
    playing.field.connect(s1, SOUTH, 2 * SECOND)
    assert received(playing, "s1", 2 * SECOND, 4 * SECOND) > 100
    assert received(playing, "s2", 4 * SECOND, 5 * SECOND) == 0
    assert 2 * SECOND < playing.field.first_frame(s1) < 3 * SECOND
    assert playing.field.last_media(s1) > 4.9 * SECOND
    assert playing.field.last_media(playing.index("s2")) == -1
    assert is_balanced(playing, 6 * SECOND)


def test_who_disconnects_gets_nothing_and_who_comes_back_gets_all() -> None:
    playing = play()
    s2 = playing.index("s2")
    assert received(playing, "s2", SECOND, 2 * SECOND) > 60
    playing.field.disconnect(s2, 2 * SECOND)
    assert playing.world.endpoints["served"][s2] == ABSENT
    assert received(playing, "s2", 2 * SECOND, 4 * SECOND) == 0
    assert playing.field.last_media(s2) < 2 * SECOND
    playing.field.connect(s2, NORTH, 4 * SECOND)
    assert playing.world.controllers["forwards"][s2]
    check_members(playing)
    assert playing.field.first_frame(s2) == -1
    assert received(playing, "s2", 4 * SECOND, 6 * SECOND) > 120
    assert 4 * SECOND < playing.field.first_frame(s2) < 4.6 * SECOND
    assert playing.world.voices["lost"].sum() + playing.world.pictures["lost"].sum() < 12
    assert is_balanced(playing, 7 * SECOND)


def test_a_join_takes_the_nodes_processor_one_after_the_other() -> None:
    playing = play(connected=False)
    done = [playing.field.connect(e, SOUTH, SECOND) for e in range(3)]
    assert done == [SECOND + (i + 1) * 4 * MS for i in range(3)]
    assert playing.world.nodes["cpu_work"][SOUTH] == 12 * MS


def test_a_speaker_that_comes_back_is_heard_and_seen_again() -> None:
    # the command centre speaks: everyone listens to it
    playing = play()
    centre = len(playing.population) - 1
    playing.advance(3 * SECOND)
    playing.field.disconnect(centre, 3 * SECOND)
    sent = int(playing.world.totals[0])
    playing.advance(5 * SECOND)
    assert playing.world.totals[0] == sent
    playing.field.connect(centre, SOUTH, 5 * SECOND)
    for site in ("s1", "s2", "s3", "s4"):
        assert received(playing, site, playing.world.clock[0], playing.world.clock[0] + SECOND) > 60
    frames = playing.world.meters["frames"].copy()
    playing.advance(11 * SECOND)
    assert (playing.world.meters["frames"] - frames)[:4].min() >= 24
    assert is_balanced(playing, 12 * SECOND)


def test_a_picture_that_is_wanted_meanwhile_is_frozen() -> None:
    playing = play()
    s1 = playing.index("s1")
    playing.advance(2 * SECOND)
    playing.field.disconnect(s1, 2 * SECOND)
    playing.advance(5 * SECOND)
    playing.field.connect(s1, NORTH, 5 * SECOND)
    playing.advance(7 * SECOND)
    freezes = playing.world.screens["freezes"][s1]
    assert freezes["owed"] == pytest.approx(3 * SECOND, rel=0.2)
    others = playing.world.screens["freezes"]["owed"][[1, 2, 3]]
    assert (others < SECOND).all()  # the wait for the first frame


def test_connected_and_interrupted_time() -> None:
    playing = play(connected=False)
    centre, s1 = len(playing.population) - 1, playing.index("s1")
    playing.field.connect(centre, NORTH, 0)
    playing.advance(500 * MS)
    playing.field.connect(s1, NORTH, 500 * MS)
    first = playing.sample(0, 2 * SECOND)
    playing.field.disconnect(s1, 2 * SECOND)
    second = playing.sample(2 * SECOND, 4 * SECOND)
    playing.field.connect(s1, NORTH, 4 * SECOND)
    third = playing.sample(4 * SECOND, 6 * SECOND)
    took = [p[s1] for p in (first, second, third)]
    assert [int(p["connected"]) for p in took] == [1500 * MS, 0, 2 * SECOND]
    assert took[0]["interrupted"] == 0
    assert took[1]["interrupted"] == pytest.approx(2 * SECOND, rel=0.02)
    assert 0 < took[2]["interrupted"] < 500 * MS
    for presences in (first, second, third):
        assert (presences["interrupted"][1:4] == 0).all()  # never there
        assert presences["interrupted"][centre] == 0  # it speaks, and has nothing to hear


# ---------------------------------------------------------------- links in reserve


def test_a_backup_link_is_another_link_in_another_group() -> None:
    playing = play(backups={"s1": ("thin", "blue")})
    s1 = playing.index("s1")
    assert received(playing, "s1", SECOND, 2 * SECOND) > 60
    before = playing.world.endpoints["group"][s1], playing.world.endpoints["path"][s1]
    playing.field.use_link(s1, True, 2 * SECOND)
    assert playing.world.downlinks["rate"]["nominal"][s1] == 500_000
    assert playing.world.endpoints["group"][s1] == playing.plan.backup_group[s1]
    assert received(playing, "s1", 2 * SECOND, 4 * SECOND) > 100
    stations = [s.name for s in playing.plan.stations]
    served = playing.world.stations["packets"][stations.index("aggregation blue Cà Mau down")]
    assert served > 100
    check_members(playing)
    playing.field.use_link(s1, False, 4 * SECOND)
    after = playing.world.endpoints["group"][s1], playing.world.endpoints["path"][s1]
    assert after == before
    assert received(playing, "s1", 4 * SECOND, 5 * SECOND) > 50
    assert is_balanced(playing, 6 * SECOND)


def test_who_has_no_backup_cannot_use_it() -> None:
    with pytest.raises(ValueError, match="no backup"):
        play().field.use_link(0, True, 0)


# ---------------------------------------------------------------- failing


@pytest.mark.parametrize(
    ("component", "cut", "whole"),
    [
        (("node", "south"), ["s2", "s3"], ["s1", "s4"]),
        (("station", "backbone", "red", None), ["s1", "s3"], ["s2", "s4"]),
        (("station", "backbone", "red", "north"), ["s1"], ["s2", "s3", "s4"]),
        (("station", "peering", "blue", "south"), ["s2"], ["s1", "s3", "s4"]),
        (("station", "aggregation", None, "Cà Mau"), ["s1", "s4"], ["s2", "s3"]),
        (("station", "cascade", "north", "south"), ["s2", "s3"], ["s1", "s4"]),
        (("access", 1, "primary"), ["s2"], ["s1", "s3", "s4"]),
    ],
)
def test_what_fails_cuts_off_who_depends_on_it(
    component: Component, cut: list[str], whole: list[str]
) -> None:
    playing = play()
    playing.advance(2 * SECOND)
    playing.field.fail(component, 2 * SECOND)
    before = playing.world.meters["packets"].copy()
    playing.advance(2 * SECOND + 200 * MS)
    playing.advance(4 * SECOND)
    got = playing.world.meters["packets"] - before
    for site in whole:
        assert got[playing.index(site)] > 120, site
    for site in cut:
        assert got[playing.index(site)] < 4, site  # what had left the component
    playing.field.restore(component, 4 * SECOND)
    if component[0] == "node":  # it knows nobody any more
        assert received(playing, "s2", 4 * SECOND, 5 * SECOND) == 0
        assert playing.world.endpoints["served"][playing.index("s2")] == FORGOTTEN
        for site in cut:
            playing.field.connect(playing.index(site), SOUTH, 5 * SECOND)
    for site in cut:
        now = int(playing.world.clock[0])
        assert received(playing, site, now + 5 * SECOND, now + 7 * SECOND) > 100, site
    assert is_balanced(playing, int(playing.world.clock[0]))


def test_a_node_that_is_back_takes_nothing_from_a_publisher_that_it_has_forgotten() -> None:
    playing = play({"meeting": {"floor": [{"at": "0s", "site": "s2"}]}})
    s2 = playing.index("s2")
    assert received(playing, "s1", SECOND, 2 * SECOND) > 60
    playing.field.fail(("node", "south"), 2 * SECOND)
    playing.field.restore(("node", "south"), 2 * SECOND + 500 * MS)
    sent = int(playing.world.totals[0])
    assert received(playing, "s1", 3 * SECOND, 5 * SECOND) == 0
    assert playing.world.totals[0] > sent + 60  # it does not know, and goes on
    playing.field.connect(s2, SOUTH, 5 * SECOND)
    assert received(playing, "s1", 6 * SECOND, 7 * SECOND) > 60
    assert is_balanced(playing, 8 * SECOND)


def test_faults_that_overlap_are_over_when_the_last_one_is() -> None:
    playing = play()
    one: Component = ("station", "backbone", "red", "north")
    every: Component = ("station", "backbone", "red", None)
    reaches = []
    for step in ((playing.field.fail, one), (playing.field.fail, every),
                 (playing.field.restore, one), (playing.field.restore, every)):  # fmt: skip
        step[0](step[1], 0)
        reaches.append(playing.field.reaches(0, NORTH))
    assert reaches == [False, False, False, True]


def test_a_degraded_link_loses_packets_and_rate() -> None:
    playing = play({"access": {"fibre": {"down": {"rate": "4Mbps"}}}})
    s1, s2 = playing.index("s1"), playing.index("s2")
    playing.field.degrade(("access", s1, "primary"), 0, rate=0.05, loss=0.2)
    playing.field.degrade(("station", "backbone", "blue", "south"), 0, loss=0.3)
    playing.advance(5 * SECOND)
    world = playing.world
    assert world.downlinks["rate"]["current"][[s1, s2]].tolist() == [200_000, 4_000_000]
    lost = world.downlinks["lost"][s1] / world.downlinks["packets"][s1]
    assert lost == pytest.approx(0.2, abs=0.07)
    stations = [s.name for s in playing.plan.stations]
    trunk = world.stations[stations.index("backbone blue south down")]
    assert trunk["dropped"] / trunk["packets"] == pytest.approx(0.3, abs=0.08)
    playing.field.degrade(("access", s1, "primary"), 5 * SECOND)
    playing.field.degrade(("station", "backbone", "blue", "south"), 5 * SECOND)
    before = world.downlinks["lost"][s1], trunk["dropped"]
    playing.advance(7 * SECOND)
    assert (world.downlinks["lost"][s1], trunk["dropped"]) == before
    assert world.downlinks["rate"]["current"][s1] == 4_000_000
    assert is_balanced(playing, 8 * SECOND)


def test_a_browned_out_station_serves_at_what_is_left() -> None:
    playing = play({"carriers": {"red": {"backbone": {"capacity": "2Mbps", "buffer": "20ms"}}}})
    playing.field.degrade(("station", "backbone", "red", "south"), 0, rate=0.1)
    playing.advance(SECOND)
    stations = [s.name for s in playing.plan.stations]
    world = playing.world
    assert world.stations["current"][stations.index("backbone red south down")] == 200_000
    assert world.stations["current"][stations.index("backbone red north down")] == 2_000_000


@pytest.mark.parametrize(
    "component",
    [
        ("node", "west"), ("server", "web"), ("station", "backbone", "green", None),
        ("station", "aggregation", "red", "Hà Nội"), ("access", 0, "backup"),
        ("access", 99, "primary"), ("moon",),
    ],
)  # fmt: skip
def test_there_must_be_such_a_component(component: Component) -> None:
    with pytest.raises(ValueError, match="no component"):
        play().field.fail(component, 0)


@pytest.mark.parametrize("shares", [{"rate": 0.0}, {"rate": 1.1}, {"loss": -0.1}, {"loss": 2.0}])
def test_shares_are_shares(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be in"):
        play().field.degrade(("access", 0, "primary"), 0, **shares)


def test_only_links_are_degraded() -> None:
    with pytest.raises(ValueError, match="is no link"):
        play().field.degrade(("node", "north"), 0, rate=0.5)


@pytest.mark.parametrize("speaker", ["command-centre", "s1"])
def test_degraded_shared_links_lose_feedback(speaker: str) -> None:
    """Of s1, who listens, to its node; or from its node to s1, who speaks."""
    playing = play({"meeting": {"floor": [{"at": "0s", "site": speaker}]}})
    s1, s2 = playing.index("s1"), playing.index("s2")

    def told() -> int:
        return int(playing.world.seat_mail["tail"][playing.world.seats["publisher"] == s1].sum())

    playing.advance(3 * SECOND)
    playing.field.degrade(("station", "backbone", "red", "north"), 3 * SECOND, loss=0.5)
    places = playing.world.endpoints
    for name in ("lost_up", "lost_down"):
        assert places[name][[s1, s2]].tolist() == [0.5, 0.0]
    playing.field.degrade(("station", "backbone", "red", "north"), 3 * SECOND, loss=1.0)
    before = [int(playing.world.mails["tail"][s1]), told()]
    heard = int(playing.world.mails["tail"][s2])
    playing.advance(6 * SECOND)
    after = [int(playing.world.mails["tail"][s1]), told()]
    assert before[0] > 0
    if speaker == "s1":
        assert after == before
        assert before[1] > 0
    else:
        assert after[0] == before[0]
        assert playing.world.mails["tail"][s2] - heard > 20
    playing.field.degrade(("station", "backbone", "red", "north"), 6 * SECOND)
    assert not playing.world.endpoints["lost_up"].any()
    playing.advance(8 * SECOND)
    assert playing.world.mails["tail"][s1] > after[0]


# ---------------------------------------------------------------- longer ways


def delay_of(playing: Playing, site: str, begin: int, end: int) -> float:
    """Mean ns from the first node's ingress to the aggregation, of audio packets in a stretch."""
    place = playing.world.endpoints[playing.index(site)]
    playing.advance(begin)
    before = int(place["budget_transport"]), int(place["budget_packets"])
    playing.advance(end)
    place = playing.world.endpoints[playing.index(site)]
    return (int(place["budget_transport"]) - before[0]) / (int(place["budget_packets"]) - before[1])


def test_a_detour_is_as_long_as_the_way_by_the_other_city() -> None:
    playing = play()
    field, plan, s1 = playing.field, playing.plan, playing.index("s1")
    group = plan.group[s1]
    straight = int(plan.paths[group, NORTH])
    around = int(plan.paths[group, SOUTH] + plan.city_delays[SOUTH, NORTH])
    assert around > straight + MS // 10
    usual = delay_of(playing, "s1", SECOND, 2 * SECOND)
    field.lead("red", "north", ["south"])
    assert playing.world.endpoints["path"][s1] == around
    longer = delay_of(playing, "s1", 2 * SECOND + 100 * MS, 3 * SECOND)
    assert longer - usual == pytest.approx(around - straight, abs=20_000)
    s3 = playing.index("s3")  # at the other node
    assert playing.world.endpoints["path"][s3] == plan.paths[plan.group[s3], SOUTH]
    field.lead("red", "north", [])
    assert playing.world.endpoints["path"][s1] == straight
    again = delay_of(playing, "s1", 3 * SECOND + 100 * MS, 4 * SECOND)
    assert again == pytest.approx(usual, abs=20_000)
    assert is_balanced(playing, 5 * SECOND)


def test_messages_take_the_detour_too() -> None:
    times = []
    for by in ([], ["south"]):
        playing = play(servers=[Server("web", 21, 105.8, ("red",))])
        playing.field.lead("red", "north", by)
        times.append([playing.field.send(0, place, 600, 0) for place in (NORTH, SOUTH, WEB)])
    extra = np.subtract(times[1], times[0])
    assert extra[NORTH] == extra[WEB] > MS // 10
    assert extra[SOUTH] == 0


def test_over_a_relay_media_takes_longer_both_ways_and_signalling_does_not() -> None:
    relays = np.zeros((5, 2), np.int64)
    relays[0] = 30 * MS, 50 * MS
    plain, relayed = (play(servers=[SERVER], relays=r) for r in (None, relays))
    for up in (True, False):
        times = [
            [p.field.send(0, place, 600, 0, up) for place in range(3)] for p in (plain, relayed)
        ]
        assert np.subtract(times[1], times[0]).tolist() == [30 * MS, 50 * MS, 0]
    trips = []
    for playing in (plain, relayed):
        playing.advance(5 * SECOND)
        trips.append(playing.world.controllers["rtt"][:2] / MS)
    assert trips[1][0] - trips[0][0] == pytest.approx(60, abs=10)
    assert trips[1][1] == pytest.approx(trips[0][1], abs=5)
    relayed.field.connect(0, SOUTH, 5 * SECOND)
    assert relayed.world.downlinks["delay"][0] == 52 * MS
    assert relayed.world.uplinks["delay"][0] == 52 * MS


# ---------------------------------------------------------------- messages

SERVER = Server("web", 10.8, 106.7, ("red",))
WEB, DNS = 2, 3
PLACES = (NORTH, SOUTH, WEB, DNS)


def test_a_message_takes_its_way() -> None:
    playing = play(servers=[SERVER])
    field, path = playing.field, playing.plan.paths
    s1 = playing.index("s1")
    group = playing.plan.group[s1]
    wire = 600 * 8 * 20  # ns at 50 Mbit/s
    for place, delay in ((NORTH, path[group, NORTH]), (WEB, path[group, SOUTH])):
        assert field.send(s1, place, 600, 0) == wire + 2 * MS + delay
        playing = play(servers=[SERVER])
        field = playing.field
        assert field.send(s1, place, 600, 0, up=False) == delay + wire + 2 * MS
        playing = play(servers=[SERVER])
        field = playing.field


@pytest.mark.parametrize(
    ("component", "lost"),
    [
        (("node", "south"), {(0, SOUTH), (1, SOUTH)}),
        (("server", "web"), {(0, WEB), (1, WEB)}),
        (("station", "backbone", "red", "south"), {(0, SOUTH), (0, WEB), (0, DNS)}),
        (("station", "peering", "blue", "south"), {(1, SOUTH), (1, WEB), (1, DNS)}),
        (("station", "aggregation", "red", "Cà Mau"), {(0, place) for place in PLACES}),
        (("access", 0, "primary"), {(0, place) for place in PLACES}),
    ],
)
def test_a_message_is_lost_where_anything_between_is_down(
    component: Component, lost: set[tuple[int, int]]
) -> None:
    playing = play(servers=[SERVER])
    field = playing.field
    field.fail(component, 0)
    pairs = {(e, place) for e in (0, 1) for place in PLACES}
    assert {pair for pair in pairs if not field.reaches(*pair)} == lost
    for up in (True, False):
        assert {pair for pair in pairs if field.send(*pair, 600, 0, up) < 0} == lost
    field.restore(component, 0)
    assert all(field.reaches(*pair) for pair in pairs)


@pytest.mark.parametrize("up", [True, False])
def test_degraded_shared_links_lose_messages(up: bool) -> None:
    playing = play()
    playing.field.degrade(("station", "backbone", "red", "north"), 0, loss=0.5)
    lost = [playing.field.send(0, NORTH, 100, i * MS, up) < 0 for i in range(400)]
    assert 0.4 < np.mean(lost) < 0.6  # a message crosses one direction of the backbone
    assert not any(playing.field.send(0, SOUTH, 100, i * MS) < 0 for i in range(100))


# ---------------------------------------------------------------- anything at any time

COMPONENTS: list[Component] = [
    ("node", "north"), ("node", "south"), ("station", "backbone", "red", None),
    ("station", "aggregation", None, "Cà Mau"), ("station", "peering", None, None),
    ("station", "cascade", "north", None), ("access", 0, "primary"), ("access", 0, "backup"),
]  # fmt: skip

ACTS = st.one_of(
    st.tuples(st.just("connect"), st.integers(0, 4), st.integers(0, 1)),
    st.tuples(st.just("disconnect"), st.integers(0, 4)),
    st.tuples(st.just("use_link"), st.sampled_from([0, 1]), st.booleans()),
    st.tuples(st.just("fault"), st.sampled_from(range(len(COMPONENTS)))),
    st.tuples(st.just("degrade"), st.sampled_from([2, 3, 4, 5, 6, 7]), st.floats(0.01, 1.0)),
)


def act(playing: Playing, down: set[int], now: int, what: tuple[Any, ...]) -> None:
    kind, *rest = what
    field = playing.field
    if kind == "connect":
        endpoint, node = rest
        field.connect(endpoint, node, now)
    elif kind == "disconnect":
        field.disconnect(rest[0], now)
    elif kind == "use_link":
        endpoint, backup = rest
        field.use_link(endpoint, backup, now)
    elif kind == "degrade":
        field.degrade(COMPONENTS[rest[0]], now, rate=rest[1], loss=1 - rest[1])
    else:
        (field.restore if rest[0] in down else field.fail)(COMPONENTS[rest[0]], now)
        down ^= {rest[0]}


def state(playing: Playing) -> list[Any]:
    """Much of what there is, in a form that can be compared."""
    world = playing.world
    return [
        world.meters.tobytes(), world.senders.tobytes(), world.legs.tobytes(),
        world.controllers["target"].tolist(), repr(world.screens["freezes"].tolist()),
        world.stations["packets"].tolist(), world.nodes.tobytes(), world.totals.tolist(),
    ]  # fmt: skip


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 12), ACTS), max_size=14), st.integers(0, 3))
def test_whatever_happens_every_packet_is_accounted_for_and_threads_change_nothing(
    acts: list[tuple[int, tuple[Any, ...]]], seed: int
) -> None:
    thin = {"down": {"rate": "300kbps", "buffer": "1s"}, "up": {"rate": "300kbps", "buffer": "1s"}}
    narrow = {"capacity": "700kbps", "buffer": "500ms"}
    changes = {
        "seed": seed, "access": {"thin": thin}, "carriers": {"red": {"aggregation": narrow}},
        "meeting": {"floor": [{"at": "0s", "site": "command-centre"}, {"at": "1s", "site": "s1"}],
                    "wall": {"tiles": 2, "layer": "low", "dwell": "1s"}},
    }  # fmt: skip
    plays = [
        play(changes, backups={"s1": ("thin", "blue"), "s2": ("fibre", "blue")}, threads=threads)
        for threads in (1, 2)
    ]
    for playing in plays:
        now, down = 0, set[int]()
        for ticks, what in acts:
            now += ticks * 75 * MS
            playing.advance(now)
            act(playing, down, now, what)
            check_members(playing)
        now += SECOND
        assert is_balanced(playing, now), playing.accounting()
        lost = playing.accounting().lost
        assert min(lost.values(), default=0) >= 0, lost
    assert state(plays[0]) == state(plays[1])


def check_members(playing: Playing) -> None:
    """Everyone is with one node or with none, in the order of their ranks."""
    world = playing.world
    for n, count in enumerate(world.audience):
        mine = world.subscribers[n, :count]
        assert (np.diff(world.ranks[mine]) > 0).all()
        assert sorted(mine) == np.flatnonzero(world.endpoints["served"] == n).tolist()
    places = world.endpoints
    for e, (group, node) in enumerate(zip(places["group"], places["node"], strict=True)):
        way = playing.plan.ways[:, group, node]
        assert (world.route[:, e][way >= 0] == way[way >= 0]).all()
        assert places["path"][e] == playing.plan.paths[group, node]
    assert sorted(world.group_members) == list(range(len(SITES[:4]) + 1))


# ---------------------------------------------------------------- who is left alone


def playing_until(until: int) -> Playing:
    playing = play()
    playing.advance(until)
    return playing


def test_whoever_is_asked_about_is_as_of_now_each_time() -> None:
    alone, settled = playing_until(4 * SECOND), playing_until(4 * SECOND)
    behind = 0
    for until in range(4 * SECOND + 75 * MS, 6 * SECOND, 75 * MS):
        alone.engine.advance(until, settle=False)
        settled.engine.advance(until)
        behind += int(alone.world.endpoints["last_media"][0]) < alone.field.last_media(0)
        assert alone.field.last_media(0) == settled.field.last_media(0)
    assert behind > 10  # it had been left alone


def test_all_are_brought_up_where_the_world_stands_already() -> None:
    alone, settled = playing_until(4 * SECOND), playing_until(4 * SECOND)
    until = 4 * SECOND + 50 * MS
    alone.engine.advance(until, settle=False)
    settled.engine.advance(until)
    expected = settled.world.endpoints["last_media"].tolist()
    assert alone.world.endpoints["last_media"].tolist() != expected
    alone.engine.advance(until)
    assert alone.world.endpoints["last_media"].tolist() == expected
