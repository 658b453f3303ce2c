"""The command capacity, with a stand-in for the engine; one test has the engine itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results.trials import Resource, Trial
from results.verdict import Judgement, Verdict
from scenarios.library import count_endpoints
from scenarios.scenario import Scenario
from tests.rehearse.conftest import Rehearse

NIC_LIMIT = 1234


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], Verdict]], list[Scenario]]:
    """Stands in for the engine: what a run comes to, by its number of endpoints."""

    def use(verdict_at: Callable[[int], Verdict]) -> list[Scenario]:
        seen: list[Scenario] = []

        def simulate(scenario: Scenario, *, replication: int, threads: int | None) -> Any:
            seen.append(scenario)
            return scenario, replication

        def observe(run: Any) -> Trial:
            scenario, replication = run
            count = count_endpoints(scenario)
            verdict = verdict_at(count)
            value = None if verdict == "inconclusive" else count * 8e6
            checks = (
                Judgement("node_egress", "max < 8Gbps", value, verdict),
                Judgement("packet_loss", "mean < 1%", 0.0001, "pass"),
            )
            nic = Resource("NIC of hanoi", "nic", min(count / 1500, 1.0))
            link = Resource("backbone vnpt hanoi down", "backbone", 0.4)
            return Trial(replication, verdict, "why", checks, (nic, link), {"node": 3}, 9, count, 1)

        monkeypatch.setattr("rehearse.searching.simulate", simulate)
        monkeypatch.setattr("rehearse.searching.observe", observe)
        return seen

    return use


def limited(count: int) -> Verdict:
    return "pass" if count <= NIC_LIMIT else "fail"


def test_a_planner_gets_an_answer_and_its_reasons(rehearse: Rehearse, engine: Any) -> None:
    engine(limited)
    options = ("--between", "100..9000", "--precision", "2%", "--quiet")
    ending = rehearse("capacity", "smoke", *options, "--out", "answer")
    assert ending.code == 0
    assert ending.err == ""
    assert "Up to 1,2" in ending.out
    assert "First breaks node_egress: max < 8Gbps." in ending.out
    assert "The bottleneck is NIC of hanoi" in ending.out
    assert "60 s was played in 20 s" in ending.out
    files = {path.name for path in Path("answer").iterdir()}
    assert files == {"capacity.json", "report.html", "curve.png", "scenario.yaml"}
    found = json.loads(Path("answer/capacity.json").read_text(encoding="utf-8"))
    assert found["value"] == pytest.approx(NIC_LIMIT, rel=0.04)
    assert found["value"] <= NIC_LIMIT
    assert found["interval"][0] <= NIC_LIMIT <= found["interval"][1]
    assert found["breaks"][0]["metric"] == "node_egress"
    assert found["bottleneck"]["resource"] == "NIC of hanoi"
    assert [run["verdict"] for run in found["runs"]] == [
        limited(run["endpoints"]) for run in found["runs"]
    ]
    assert found["origin"]["command"][0] == "rehearse"


def test_json_is_what_the_folder_has(rehearse: Rehearse, engine: Any) -> None:
    engine(limited)
    ending = rehearse("capacity", "smoke", "--between", "100..9000", "--out", "a", "--json")
    assert json.loads(ending.out) == json.loads(Path("a/capacity.json").read_text("utf-8"))
    assert "rehearse: run 1: 100, meeting 0: holds" in ending.err


def test_without_thresholds_there_is_nothing_to_search_for(rehearse: Rehearse) -> None:
    options = ("--between", "10..20", "--set", "thresholds={}", "--out", "a", "--quiet")
    ending = rehearse("capacity", "smoke", *options)
    assert ending.code == 98, ending.err
    said = (
        "At 10 a run was inconclusive. The scenario has no thresholds that could fail.\n\n  1 run, "
    )
    assert ending.out.startswith(said)


@pytest.mark.parametrize(
    ("verdict_at", "code", "words"),
    [
        (lambda _: "pass", 98, "hold from 100 to 9,000 endpoints: the range has no crossing"),
        (lambda _: "fail", 99, "fail everywhere from 100 to 9,000 endpoints: node_egress"),
        (lambda _: "inconclusive", 98, "no data for node_egress: max < 8Gbps"),
        (
            lambda count: "pass" if 800 < count < 2000 else "fail",
            98,
            "they fail at both ends, yet hold at",
        ),
        (
            lambda count: "pass" if count < 6000 and not 120 < count < 700 else "fail",
            98,
            "do not change sides only once",
        ),
    ],
)
def test_what_has_no_answer_is_said(
    rehearse: Rehearse, engine: Any, verdict_at: Any, code: int, words: str
) -> None:
    engine(verdict_at)
    ending = rehearse("capacity", "smoke", "--between", "100..9000", "--out", "a", "--quiet")
    assert (ending.code, words in ending.out) == (code, True), ending.out
    assert json.loads(Path("a/capacity.json").read_text("utf-8"))["kind"]


def test_an_answer_that_is_not_precise_is_inconclusive(rehearse: Rehearse, engine: Any) -> None:
    engine(limited)
    options = ("--between", "100..9000", "--precision", "0.1%", "--runs", "9")
    ending = rehearse("capacity", "smoke", *options, "--out", "a", "--quiet")
    assert ending.code == 98
    assert "9 runs did not do" in ending.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--between", "9000..100"), "its low end must be less than its high end"),
        (("--between", "many"), "must be LOW..HIGH"),
        (("--over", "nodes.hanoi.nick", "--between", "1..2"), "did you mean nic?"),
        (("--over", "nodes.hanoi.nic"), "--between: is needed"),
        (("--over", "nodes.hanoi.nick"), "did you mean nic?"),
        (("--precision", "2"), "--precision: '2'"),
        (("--meetings", "150%"), "must lie between 0% and 100%"),
        (("--duration", "soon"), "--duration: 'soon'"),
        (("--over", "meeting.wall.tiles", "--between", "0..9"), "meeting.wall.tiles"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_played(
    rehearse: Rehearse, engine: Any, options: tuple[str, ...], message: str
) -> None:
    seen = engine(limited)
    ending = rehearse("capacity", "smoke", *options, "--out", "a")
    assert ending.code == 2
    assert message in ending.err
    assert seen == []
    assert not Path("a").exists()


def test_the_engine_agrees_on_both_sides_of_the_answer(rehearse: Rehearse) -> None:
    """A limit of the nodes' egress, which grows with every endpoint."""
    alone = ("--set", "thresholds={node_egress: max < 60Mbps}", "--duration", "6s")
    options = ("--between", "40..400", "--precision", "10%", "--quiet")
    ending = rehearse("capacity", "smoke", *alone, *options, "--out", "a")
    assert ending.code == 0, ending.out
    found = json.loads(Path("a/capacity.json").read_text(encoding="utf-8"))
    egress: dict[float, list[float]] = {}
    for run in found["runs"]:
        egress.setdefault(run["value"], []).append(run["checks"][0]["value"])
    each = [sum(values) / len(values) / value for value, values in egress.items() if value > 100]
    # Egress is in proportion to the number of endpoints, but for the command centre's own share.
    assert found["estimate"] == pytest.approx(60e6 / (sum(each) / len(each)), rel=0.12)
    assert found["bottleneck"]["kind"] == "nic"
