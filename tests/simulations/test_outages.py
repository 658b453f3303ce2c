"""What is down drops what comes and what it holds, and comes back empty."""

from typing import Any

import numpy as np
import pytest

from simulations.outages import (
    change_delay,
    cut_link,
    cut_node,
    cut_short,
    cut_station,
    degrade_link,
    drop_letters,
    mend_link,
    mend_node,
    mend_station,
    withdraw,
)
from simulations.packets import EDGE, ITEM
from simulations.trains import RIDER
from simulations.world import ENDPOINT, LETTER, World
from tests.simulations.networks import Playing, deal, make_scenario

SECOND = 10**9
NO_RIDERS = np.zeros(0, RIDER)
"""Where each copy is a train of its own, nobody looks at them."""
RULES = {"rules": [deal(site, "red", "fibre", "north") for site in ("s1", "s2", "s3")]}


def edge(*arrivals: tuple[int, int], delay: int = 0) -> tuple[Any, Any]:
    """One edge whose ring has turned, with (time, endpoint) on it."""
    edges, items = np.zeros(1, EDGE), np.zeros(8, ITEM)
    edges["mask"], edges["head"], edges["delay"] = 7, 6, delay
    edges["tail"] = 6 + len(arrivals)
    for i, (time, endpoint) in enumerate(arrivals):
        items[(6 + i) & 7]["time"], items[(6 + i) & 7]["endpoint"] = time, endpoint
    return edges, items


def on(edges: Any, items: Any) -> list[tuple[int, int]]:
    places = np.arange(edges["head"][0], edges["tail"][0]) & 7
    return [(int(i["time"]), int(i["endpoint"])) for i in items[places]]


@pytest.mark.parametrize(
    ("now", "left"), [(0, 0), (9, 0), (10, 1), (25, 2), (30, 3), (99, 3)],
)  # fmt: skip
def test_what_has_left_a_station_goes_on(now: int, left: int) -> None:
    arrivals = [(110, 1), (120, 2), (130, 3)]
    edges, items = edge(*arrivals, delay=100)
    assert cut_short(edges, items, NO_RIDERS, 0, now) == 3 - left
    assert on(edges, items) == arrivals[:left]


@pytest.mark.parametrize(
    ("now", "delay", "times"),
    [
        (20, 150, [110, 120, 180, 190]),  # two have left, and go on; the others go the longer way
        (20, 40, [70, 70, 70, 80]),  # those on the longer way come in with the first behind them
        (99, 40, [110, 120, 130, 139]),
        (0, 100, [110, 120, 130, 140]),
    ],
)
def test_a_longer_or_shorter_way_keeps_the_order(now: int, delay: int, times: list[int]) -> None:
    edges, items = edge((110, 1), (120, 2), (130, 3), (140, 4), delay=100)
    change_delay(edges, items, NO_RIDERS, 0, delay, now)
    assert [time for time, _ in on(edges, items)] == times
    assert edges["delay"][0] == delay


def test_one_endpoints_packets_are_taken_from_among_others() -> None:
    edges, items = edge((10, 1), (20, 2), (30, 1), (40, 3), (50, 1))
    assert withdraw(edges, items, 0, 1, 10) == 2
    assert on(edges, items) == [(10, 1), (20, 2), (40, 3)]
    assert withdraw(edges, items, 0, 7, 0) == 0


@pytest.mark.parametrize(
    ("now", "waiting", "kept"),
    [(25, False, [20]), (40, False, [20, 30, 40]), (5, True, [20, 30]), (0, False, [])],
)
def test_letters_on_the_link_and_letters_in_the_aggregation(
    now: int, waiting: bool, kept: list[int]
) -> None:
    places, mail = np.zeros(2, ENDPOINT), np.zeros(2 * 4, LETTER)
    places["mail"] = [4, 3]
    mail["time"][4:7] = [20, 30, 40]
    mail["left"][4:7] = [1, 5, 9]
    assert drop_letters(mail, places, 1, now, waiting) == 3 - len(kept)
    assert places["mail"].tolist() == [4, len(kept)]
    assert mail["time"][4:][: len(kept)].tolist() == kept


def playing(narrow: str = "300kbps") -> Playing:
    """The command centre speaks; queues build up before a narrow aggregation."""
    link = {"capacity": narrow, "buffer": "2s"}
    return Playing(
        make_scenario(
            {"endpoints": RULES, "carriers": {"red": {"aggregation": link}}, "duration": "9s"},
            endpoints=3,
        )
    )


def station(play: Playing, name: str) -> int:
    return [s.name for s in play.plan.stations].index(name)


def arrivals(world: World, endpoint: int) -> int:
    return int(world.meters["packets"][endpoint])


def test_a_station_loses_its_queue_and_comes_back_without() -> None:
    play = playing()
    play.advance(2 * SECOND)
    s = station(play, "aggregation red Cà Mau down")
    state = play.world.stations[s]
    ahead = int(state["queue"]["free_at"]) - 2 * SECOND
    assert ahead > SECOND // 2
    work = int(state["work"])
    cut_station(play.world, s, 2 * SECOND)
    assert state["cut"] > 10
    assert state["work"] == work - ahead
    # nor do access links remember what they have not got
    assert play.world.endpoints["entered"][0] <= 2 * SECOND
    assert play.world.downlinks["last_arrival"][0] <= 2 * SECOND + SECOND // 10
    assert play.world.downlinks["queue"]["free_at"][0] <= 2 * SECOND + SECOND // 10
    got = arrivals(play.world, 0)
    dropped = int(state["dropped"])
    play.advance(3 * SECOND)
    assert arrivals(play.world, 0) - got <= 1  # what was on the access link
    assert state["dropped"] > dropped + 20
    mend_station(play.world, s)
    play.advance(3 * SECOND + SECOND // 10)
    assert state["delay_max"] > 0
    assert state["queue"]["free_at"] < 3 * SECOND + SECOND // 2  # it began empty
    assert arrivals(play.world, 0) > got + 2
    play.sample(0, 4 * SECOND)
    assert play.accounting().balanced


def test_a_link_loses_what_is_on_it() -> None:
    play = playing("1Gbps")
    degrade_link(play.world, 0, 0.004, 0.0, spare=False)  # 200 kbit/s of 50 Mbit/s
    play.advance(2 * SECOND)
    waiting = int(play.world.endpoints["mail"][0])
    assert waiting > 10
    cut_link(play.world, 0, 2 * SECOND, spare=False)
    assert play.world.downlinks["cut"][0] == waiting
    assert play.world.endpoints["mail"][0] == 0
    got = arrivals(play.world, 0)
    play.advance(3 * SECOND)
    assert arrivals(play.world, 0) == got
    assert play.world.downlinks["cut"][0] > waiting + 20
    degrade_link(play.world, 0, 1.0, 0.0, spare=False)
    mend_link(play.world, 0, spare=False)
    play.advance(4 * SECOND)
    assert arrivals(play.world, 0) > got + 40
    play.sample(0, 5 * SECOND)
    assert play.accounting().balanced


def test_a_node_loses_the_copies_that_wait_in_it() -> None:
    changes = {"endpoints": RULES, "nodes": {"north": {"nic": "1Mbps", "queue": "1s"}}}
    play = Playing(make_scenario({**changes, "duration": "9s"}, endpoints=3))
    play.advance(2 * SECOND)
    node = play.world.nodes[0]
    assert node["nic_free"] > 2 * SECOND
    cut_node(play.world, 0, 2 * SECOND)
    assert node["nic_free"] == 2 * SECOND
    held = int(node["cut"])
    assert held > 20
    copies = int(node["copies"])
    play.advance(3 * SECOND)
    assert node["copies"] == copies
    assert node["cut"] > held + 20
    mend_node(play.world, 0)
    play.advance(4 * SECOND)
    assert node["copies"] > copies
    play.sample(0, 5 * SECOND)
    assert play.accounting().balanced
