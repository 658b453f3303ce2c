"""Faults, and what they must be to the rest: read from files, refused all at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from scenarios.errors import ScenarioError
from scenarios.faults import KINDS, parse_target, starts
from scenarios.loading import load_scenario
from scenarios.units import SECOND
from tests.scenarios.small import SCENARIO, line_of, write_small

SIGNALLING = """
signalling: {servers: {main: {label: M, latitude: 21, longitude: 105, carriers: [red]}}}
"""


def faults_of(
    folder: Path,
    *lines: str,
    more: str = SIGNALLING,
    changes: Sequence[tuple[str, str]] = (),
    places: str = "",
) -> list[str]:
    """What is wrong with a scenario with these faults: line within them, key, rule."""
    text = "\n".join(["faults:", *(f"  - {line}" for line in lines)])
    path = write_small(folder, *changes, ("\nthresholds:", f"\n{more}{text}\nthresholds:"))
    with (folder / "places.csv").open("a", encoding="utf-8") as table:
        table.write(places)
    first = line_of(path.read_text(encoding="utf-8"), "faults:")
    try:
        load_scenario(path)
    except ScenarioError as error:
        return [
            f"{(fault.line or 0) - first} {fault.key}: {fault.value} {fault.rule}"
            + (f"; did you mean {fault.nearest}?" if fault.nearest else "")
            for fault in error.faults
        ]
    return []


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    assert faults_of(
        tmp_path,
        '{label: a, kind: die, of: "node{node=nort}", at: 10s, for: 5s}',
        '{kind: cut, of: "peering{carrier=red}", at: 70s}',
        '{kind: cut, of: "backbone{carrier=red}", at: 20s, until: 10s}',
        '{kind: die, of: "signaling{server=main}", at: 20s}',
        '{kind: hang, of: "node{node=south}", at: 5s, after: b}',
        '{kind: drain, of: "signalling{server=main}", at: 5s}',
        '{kind: degrade, of: "access{access=mobil}", at: 5s, rate: 20%}',
        '{kind: degrade, of: "backbone", at: 50s}',
        '{kind: cut, of: "aggregation{node=north}", at: 50s}',
    ) == [
        "1 faults.0.of: 'nort' must name a node of this scenario; did you mean north?",
        "2 faults.1.at: '70s' must lie before the meeting's end at 1min",
        "2 faults.1.of: 'peering{carrier=red}' names nothing: no endpoint or link of this "
        "scenario is meant",
        "3 faults.2.until: '10s' must lie after at, 20s: no repair comes first",
        "4 faults.3.of: 'signaling' must name something that can break; did you mean signalling?",
        "5 faults.4.after: 'b' must be the label of a fault further up",
        "6 faults.5.of: 'signalling{server=main}' drain befalls node only",
        "7 faults.6.of: 'mobil' must name an access profile of this scenario; did you mean mobile?",
        "8 faults.7.kind: 'degrade' must say what is left of the link: a rate, a loss, or both",
        "9 faults.8.of: 'node' must name an attribute that this is selected by; there are "
        "carrier, province",
    ]


CADIZ = '"province{province=Cà Mau}"'


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ('die, of: "node{node=north}"', 'hang, of: "node"', "node north"),
        ('cut, of: "backbone{carrier=red}"', 'degrade, rate: 50%, of: "backbone{node=south}"',
         "backbone red south"),
        (f"power-cut, of: {CADIZ}", 'cut, of: "aggregation{carrier=red}"',
         "aggregation red Cà Mau"),
        (f"power-cut, of: {CADIZ}", 'cut, of: "access{access=mobile}"', "access c1 red"),
        ('cut, of: "access{site=c1}"', 'degrade, loss: 5%, of: "access{level=commune}"',
         "access c1 red"),
    ],
)  # fmt: skip
def test_one_object_has_one_fault_at_a_time(
    tmp_path: Path, first: str, second: str, shown: str
) -> None:
    one, other = f"{{at: 10s, for: 20s, kind: {first}}}", f"kind: {second}}}"
    (problem,) = faults_of(tmp_path, one, f"{{at: 29s, for: 5s, {other}")
    assert problem.startswith("2 faults.1.of: ")
    assert f"on {shown}: one object has one fault at a time" in problem
    assert faults_of(tmp_path, one, f"{{at: 30s, for: 5s, {other}") == []
    assert len(faults_of(tmp_path, f"{{at: 10s, kind: {first}}}", f"{{at: 50s, {other}")) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("access{site=c1}", "access{site=c2}"),
        ("access{access=fibre}", "access{access=mobile}"),
        ("backbone{node=north}", "backbone{node=south}"),
        ("aggregation{province=Cà Mau}", "access{province=Cà Mau}"),
    ],
)
def test_others_may_fail_meanwhile(tmp_path: Path, first: str, second: str) -> None:
    lines = [f'{{kind: cut, of: "{of}", at: 10s}}' for of in (first, second)]
    assert faults_of(tmp_path, *lines) == []


ON_FIBRE = (
    "    - carrier: red",
    "    - {carrier: red, access: fibre, when: {level: commune}}\n    - carrier: red",
)
"""Rules that give no commune a mobile link."""


LEO = """
  leo: {label: LEO, down: {rate: 5Mbps}, up: {rate: 1Mbps}, delay: 40ms}"""
BLUE = """
  blue:
    label: Blue
    backbone: {capacity: 1Gbps}
    aggregation: {capacity: 1Gbps}
    peering: {capacity: 1Gbps}"""
"""An access profile and a carrier that no rule deals."""


def test_a_fault_that_nobody_can_be_befallen_by_is_refused_with_what_there_is(
    tmp_path: Path,
) -> None:
    assert faults_of(
        tmp_path,
        '{kind: cut, of: "access{access=leo}", at: 1s}',
        '{kind: cut, of: "access{level=commune,access=mobile}", at: 1s}',
        '{kind: cut, of: "access{site=c1,access=mobile}", at: 1s}',
        '{kind: cut, of: "backbone{carrier=blue}", at: 1s}',
        '{kind: cut, of: "aggregation{carrier=blue,province=Cà Mau}", at: 1s}',
        '{kind: cut, of: "peering{carrier=red,node=north}", at: 1s}',
        '{kind: power-cut, of: "province{province=Cần Thơ}", at: 1s}',
        changes=(
            ON_FIBRE,
            ("\nnodes:", f"{LEO}\nnodes:"),
            ("\naccess:", f"{BLUE}\naccess:"),
        ),
        places="Cần Thơ,10.03,105.78\n",
    ) == [
        "1 faults.0.of: 'leo' names nothing that an endpoint uses, whatever the rules deal; there "
        "are fibre, mobile",
        "2 faults.1.of: 'commune' names nothing that an endpoint uses beside the rest of the "
        "selector, whatever the rules deal; there are province",
        "3 faults.2.of: 'c1' names nothing that an endpoint uses beside the rest of the selector, "
        "whatever the rules deal; there are p1, p2",
        "4 faults.3.of: 'blue' names nothing that an endpoint uses, whatever the rules deal; there "
        "are red",
        "5 faults.4.of: 'blue' names nothing that an endpoint uses beside the rest of the "
        "selector, whatever the rules deal; there are red",
        "6 faults.5.of: 'peering{carrier=red,node=north}' names nothing: no endpoint or link of "
        "this scenario is meant",
        "7 faults.6.of: 'Cần Thơ' names nothing that an endpoint uses, whatever the rules deal; "
        "there are Bạc Liêu, Cà Mau",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('power-cut, of: "province{province=Bạc Liêu}"',
         'cut, of: "access{access=mobile,province=Bạc Liêu}"'),
        ('cut, of: "access{province=Bạc Liêu}"', 'cut, of: "access{access=mobile,level=province}"'),
    ],
)  # fmt: skip
def test_faults_overlap_only_on_what_an_endpoint_can_have(
    tmp_path: Path, first: str, second: str
) -> None:
    lines = [f"{{at: 10s, kind: {kind}}}" for kind in (first, second)]
    mobile = (
        "    - carrier: red",
        "    - {carrier: red, access: fibre, when: {province: Bạc Liêu}}\n    - carrier: red",
    )
    only_one = [line for line in lines if "mobile" in line]
    assert len(faults_of(tmp_path, *lines)) == 1
    found = faults_of(tmp_path, *lines, changes=(mobile,))
    assert not any("overlaps" in each for each in found)
    assert found == [
        each.replace("1 faults.0", "2 faults.1")
        for each in faults_of(tmp_path, *only_one, changes=(mobile,))
    ]


@pytest.mark.parametrize("named", ["site", "level"])
def test_the_command_centre_s_link_breaks_where_it_is_named(tmp_path: Path, named: str) -> None:
    own = f'{{kind: cut, of: "access{{{named}=command-centre}}", at: 10s}}'
    assert faults_of(tmp_path, own) == []
    assert faults_of(tmp_path, own, "{kind: cut, of: access, at: 10s}") == []
    (problem,) = faults_of(tmp_path, own, own)
    assert "on access command-centre red: one object has one fault at a time" in problem
    (problem,) = faults_of(
        tmp_path, f'{{kind: cut, of: "access{{{named}=command-centre,access=mobile}}", at: 10s}}'
    )
    assert "'command-centre' names nothing that an endpoint uses beside" in problem


def test_a_repair_that_is_drawn_is_taken_at_its_longest(tmp_path: Path) -> None:
    first = '{kind: die, of: "node{node=north}", at: 1s, repair: {p5: 1s, p50: 2s, p95: 4s}}'
    assert len(faults_of(tmp_path, first, '{kind: die, of: "node{node=north}", at: 12s}')) == 1
    assert faults_of(tmp_path, first, '{kind: die, of: "node{node=north}", at: 13s}') == []


def test_faults_follow_one_another(tmp_path: Path) -> None:
    text = (
        SIGNALLING
        + """faults:
  - {label: a, kind: die, of: "node{node=north}", at: 10s, for: 5s}
  - {label: b, kind: cut, of: "backbone{node=south}", at: 5s, after: a}
  - {kind: hang, of: "node{node=south}", at: 2s, after: b}
"""
    )
    scenario = load_scenario(write_small(tmp_path, ("\nthresholds:", f"\n{text}thresholds:")))
    assert starts(scenario.faults) == [10 * SECOND, 15 * SECOND, 17 * SECOND]
    problem = faults_of(
        tmp_path,
        '{label: a, kind: die, of: "node{node=north}", at: 50s}',
        '{kind: hang, of: "node{node=south}", at: 20s, after: a, until: 55s}',
    )
    assert problem == [
        "2 faults.1.at: '20s' must lie before the meeting's end at 1min (it begins at 70s)",
        "2 faults.1.until: '55s' must lie after the beginning, 70s: no repair comes first",
    ]


def test_a_scenario_whose_only_node_dies_for_good_is_one(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "{kind: die, of: node, at: 10s}") == []


def test_who_is_to_come_back_needs_a_server(tmp_path: Path) -> None:
    (problem,) = faults_of(tmp_path, "{kind: die, of: node, at: 10s}", more="")
    assert "needs signalling.servers" in problem


def test_the_end_is_said_once(tmp_path: Path) -> None:
    (problem,) = faults_of(tmp_path, "{kind: die, of: node, at: 1s, for: 5s, until: 9s}")
    assert problem == "1 faults.0.until: None for and until exclude one another"


def test_every_kind_befalls_something_that_there_is() -> None:
    for targets in KINDS.values():
        for target in targets:
            assert parse_target(target) == (target, {})
    assert "thresholds" in SCENARIO
