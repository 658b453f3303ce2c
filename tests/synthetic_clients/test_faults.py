from typing import Any

import numpy as np
import pytest

from scenarios.loading import load_scenario
from scenarios.population import populate
from scenarios.scenario import Scenario
from simulations.strikes import Strike
from synthetic_clients.faults import (
    Act,
    LinkFaults,
    acts,
    label_at,
    notes,
    timeline,
    unplayed,
)
from synthetic_clients.state import make_state
from synthetic_clients.virtual_links import virtual_links

SECOND = 1_000_000_000


def scenario(*faults: str) -> Scenario:
    return load_scenario(
        "media-node-failure", ["endpoints.sample=60", f"faults=[{', '.join(faults)}]"]
    )


DIES = "{label: dies, kind: die, of: 'node{node=hcmc}', at: 10s, for: 5s}"
HANGS = "{label: hangs, kind: hang, of: 'node{node=hanoi}', at: 3s}"
CUT = "{label: cut, kind: cut, of: 'aggregation{carrier=vnpt}', at: 2s, for: 1s}"
WORSE = (
    "{label: worse, kind: degrade, of: 'access{access=4g}', at: 1s, for: 5s, rate: 50%, loss: 10%}"
)
CARRIER = "{label: carrier, kind: cut, of: 'aggregation{carrier=vnpt}', at: 1s, for: 1s}"
DRAIN = "{kind: drain, of: 'node{node=hcmc}', at: 20s, for: 1s}"
SERVER = "{label: signalling, kind: die, of: 'signalling{server=main}', at: 20s, for: 1s}"


def test_servers_are_killed_and_started_again_or_held() -> None:
    loaded = scenario(DIES, HANGS)
    assert acts(timeline(loaded, populate(loaded))) == [
        Act(3 * SECOND, "hanoi", "stop"),
        Act(10 * SECOND, "hcmc", "kill"),
        Act(15 * SECOND, "hcmc", "restart"),
    ]


def test_every_beginning_and_repair_is_noted_with_how_many_it_befalls() -> None:
    loaded = scenario(DIES, HANGS)
    population = populate(loaded)
    at_hcmc, at_hanoi = (
        int((population.node[:-1] == list(loaded.nodes).index(node)).sum())
        for node in ("hcmc", "hanoi")
    )
    found = notes(timeline(loaded, population), loaded, population)
    assert [(at // SECOND, *rest) for at, *rest in found] == [
        (3, "fault", "hangs", f"hang, {at_hanoi} endpoints and the command centre"),
        (10, "fault", "dies", f"die, {at_hcmc} endpoints"),
        (15, "repair", "dies", "die"),
    ]


def test_an_interruption_is_the_last_faults_doing() -> None:
    loaded = scenario(DIES, HANGS)
    found = timeline(loaded, populate(loaded))
    assert [label_at(found, at * SECOND) for at in (0, 4, 12)] == ["", "hangs", "dies"]
    assert label_at(found, round(9.9 * SECOND)) == "dies"


@pytest.mark.parametrize(
    ("fault", "servers", "words"),
    [
        (DRAIN, True, "drain"),
        (SERVER, True, "their own signalling"),
        (DIES, False, "did not start"),
    ],
)
def test_what_is_not_played_is_told(fault: str, servers: bool, words: str) -> None:
    loaded = scenario(fault)
    (said,) = unplayed(timeline(loaded, populate(loaded)), loaded, servers)
    assert words in said


def changes_of(loaded: Scenario) -> list[tuple[int, bool, Strike, list[int]]]:
    """What befalls the links of all endpoints, in time."""
    population = populate(loaded)
    everyone = list(range(len(population)))
    links = virtual_links(loaded, population, everyone)
    ones = [1] * len(population)
    state = make_state(ones, ones, links.down, links.up, links.loads)
    faults = LinkFaults(state, loaded, population)
    found = faults.changes(timeline(loaded, population), {e: e for e in everyone})
    return sorted(found, key=lambda change: change[0])


def test_links_behind_a_shared_link_stand_for_it() -> None:
    loaded = scenario(CARRIER)
    population = populate(loaded)
    vnpt = np.flatnonzero(population.carrier[:-1] == list(loaded.carriers).index("vnpt"))
    assert [mine for *_, mine in changes_of(loaded)] == [vnpt.tolist()] * 2


def test_a_backbone_carries_those_too_who_are_peered_behind_it_but_not_the_centre() -> None:
    loaded = scenario("{kind: cut, of: backbone, at: 1s}")
    (change,) = changes_of(loaded)
    assert change[3] == list(range(60))


def test_what_befalls_a_node_leaves_links_alone() -> None:
    assert changes_of(scenario(DIES, HANGS)) == []


def test_backup_links_are_told_not_to_be_played() -> None:
    loaded = load_scenario("carrier-outage", ["endpoints.sample=20", "faults=[]"])
    (said,) = unplayed([], loaded, True)
    assert "Backup access links are not played" in said


def test_faults_of_a_link_add_up_and_end_one_by_one() -> None:
    loaded = scenario(CUT, WORSE)
    population = populate(loaded)
    everyone = list(range(len(population)))
    links = virtual_links(loaded, population, everyone)
    ones = [1] * len(population)
    state = make_state(ones, ones, links.down, links.up, links.loads)
    faults = LinkFaults(state, loaded, population)
    changes = sorted(
        faults.changes(timeline(loaded, population), {e: e for e in everyone}),
        key=lambda change: change[0],
    )
    (of_worse, of_cut) = (set(change[3]) for change in changes[:2])
    struck = min(of_worse & of_cut)
    seen: list[Any] = []
    for at, begins, strike, mine in changes:
        faults.change(begins, strike, mine)
        link = state.uplinks[struck]
        row = (link["down"], link["extra_loss"], link["rate"]["taken"])
        seen.append((at // SECOND, *(pytest.approx(float(value)) for value in row)))
    assert seen == [(1, 0, 0.1, 0.5), (2, 1, 0.1, 0.5), (3, 0, 0.1, 0.5), (6, 0, 0, 0)]
    assert not faults.is_down(struck)
