"""Conferences that begin with an empty room, and in which things break."""

from typing import Any

import pytest

from results.records import Run
from scenarios.loading import parse_scenario
from simulations.conference import assumptions, simulate

COMING: dict[str, Any] = {
    "extends": "smoke",
    "duration": "60s",
    "endpoints": {"sample": 24},
    "meeting": {"floor": [{"at": "0s", "site": "command-centre"}], "wall": None},
    "thresholds": None,
    "joining": {"profile": "spread", "over": "10s"},
    "signalling": {
        "servers": {
            "main": {
                "label": "Main",
                "latitude": 21.03,
                "longitude": 105.84,
                "carriers": ["vnpt", "viettel"],
            }
        }
    },
    "placement": {"health": {"every": "1s"}},  # found before clients ask where to go
    "recovery": {"policy": "full-jitter", "base": "2s", "detection": "5s"},
    "access": {"fibre": {"backup": {"share": "50%", "access": "4g"}}},
    "faults": [
        {"label": "node", "kind": "die", "of": "node{node=hcmc}", "at": "20s", "for": "15s"},
        {"label": "trunk", "kind": "cut", "of": "backbone{carrier=viettel}", "at": "40s"},
    ],
}


@pytest.fixture(scope="module")
def coming() -> Run:
    return simulate(parse_scenario(COMING), threads=1)


def test_everyone_joins_and_sees_something(coming: Run) -> None:
    joins = [row for row in coming.tables["sessions"].to_pylist() if row["kind"] == "join"]
    assert [row["outcome"] for row in joins] == ["connected"] * 25
    assert all(row["duration"] > 0 for row in joins)
    # who opens the room is seen by all others, and sees nobody
    others = [row for row in joins if row["site"] != "command-centre"]
    assert all(row["first_frame"] > row["duration"] for row in others)
    parts = ("dns", "tls", "signalling_wait", "signalling", "ice", "dtls", "subscribe")
    for row in joins:
        assert sum(row[part] for part in parts) == pytest.approx(row["duration"])


def _dealt(run: Run, what: str) -> dict[str, str]:
    """What each site was dealt."""
    rows = run.tables["endpoints"].to_pylist()
    return {row["site"]: row[what] for row in rows}


def test_interruptions_are_the_faults_and_samples_agree(coming: Run) -> None:
    rows = coming.tables["interruptions"].to_pylist()
    assert {row["fault"] for row in rows} == {"node", "trunk"}
    node_of, carrier_of = _dealt(coming, "node"), _dealt(coming, "carrier")
    for row in rows:
        if row["fault"] == "node":
            assert node_of[row["site"]] == "hcmc"
            assert 20 + 2.5 < row["detected"] <= 25
            assert row["detected"] < row["back"] < 35
        else:
            assert carrier_of[row["site"]] == "viettel"
    samples = coming.tables["samples"].to_pylist()
    lost = {row["site"] for row in rows if row["fault"] == "node"}
    for row in samples:
        if row["time"] == 20:
            assert (row["interrupted_ratio"] > 0.5) == (row["site"] in lost)
    late = {row["site"]: row["connected_ratio"] for row in samples if row["time"] == 55}
    never = {row["site"] for row in rows if row["back"] is None}
    assert {site for site, ratio in late.items() if ratio < 1} <= never
    assert all(row["reason"] for row in rows if row["back"] is None)


def test_faults_are_told_with_whom_they_befall_and_when_they_are_detected(coming: Run) -> None:
    node_of, carrier_of, backup_of = (_dealt(coming, w) for w in ("node", "carrier", "backup"))
    rows = coming.tables["events"].to_pylist()
    told = {row["subject"]: row["detail"] for row in rows if row["kind"] == "fault"}
    at_hcmc = sum(node == "hcmc" for node in node_of.values())
    assert told["node"] == f"die, {at_hcmc} endpoints"
    # Whoever has come back over the other carrier by then is not behind the trunk.
    moved = {
        row["subject"]: row["detail"] for row in rows if row["kind"] == "link" and row["time"] < 40
    }
    on = {s for s, carrier in carrier_of.items() if (carrier == "viettel") != (s in moved)}
    assert told["trunk"] == f"cut, {len(on - {'command-centre'})} endpoints"
    found = {(r["time"], r["detail"]) for r in rows if r["kind"] == "detect" and r["time"] > 40}
    routers = {(time, detail) for time, detail in found if detail.startswith("routers")}
    assert {detail for _, detail in routers} == {
        "routers lost backbone viettel hanoi", "routers lost backbone viettel hcmc",
    }  # fmt: skip
    assert {time for time, _ in routers} == {40.3}
    kinds = {(_dealt(coming, "access")[site], kind) for site, kind in backup_of.items()}
    assert kinds >= {("fibre", None), ("fibre", "4g")}
    assert {access for access, kind in kinds if kind} == {"fibre"}
    assert backup_of["command-centre"] is None


def test_what_joins_and_fails_is_accounted_for_and_the_same_again(coming: Run) -> None:
    assert coming.accounting.balanced
    again = simulate(parse_scenario(COMING), threads=2)
    for name, table in coming.tables.items():
        assert again.tables[name].equals(table), name
    times = coming.tables["events"]["time"].to_pylist()
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("profile", "probing", "said"),
    [
        ("draft-02", True, {"clusters of padding"}),
        ("draft-02", False, set()),
        ("libwebrtc", True, {"comes back to what arrived", "fill a link"}),
        ("libwebrtc", False, {"comes back to what arrived"}),
        ("none", True, set()),
    ],
)
def test_which_rules_of_a_profile_are_this_model_s_own_is_said(
    profile: str, probing: bool, said: set[str]
) -> None:
    control = {"profile": profile, "probing": probing}
    scenario = parse_scenario({"extends": "smoke", "media": {"congestion_control": control}})
    rules = ("clusters of padding", "comes back to what arrived", "fill a link")
    found = {rule for rule in rules if any(rule in text for text in assumptions(scenario))}
    assert found == said


def test_without_joining_and_faults_nothing_of_it_is_there() -> None:
    plain = {key: COMING[key] for key in ("extends", "endpoints", "meeting", "thresholds")}
    run = simulate(parse_scenario({**plain, "duration": "5s"}), threads=1)
    assert run.tables["sessions"].num_rows == run.tables["interruptions"].num_rows == 0
    assert set(run.tables["samples"]["connected_ratio"].to_pylist()) == {1.0}
    assert "Everyone is connected when the meeting begins, and stays so." in run.assumptions


def test_whoever_should_hear_one_who_is_cut_off_is_interrupted_and_told_why() -> None:
    """The command centre speaks over the node that dies; it alone is seen and heard."""
    node = {"label": "node", "kind": "die", "of": "node{node=hanoi}", "at": "10s", "for": "8s"}
    scenario = parse_scenario({**COMING, "joining": None, "duration": "45s", "faults": [node]})
    run = simulate(scenario, threads=1)
    rows = run.tables["interruptions"].to_pylist()
    assert {row["fault"] for row in rows} == {"node"}
    assert {row["site"] for row in rows} == set(run.tables["endpoints"]["site"].to_pylist()) - {
        "command-centre"  # nobody else speaks, so it misses nothing
    }
    far = [row for row in rows if _dealt(run, "node")[row["site"]] == "hcmc"]
    assert far
    for row in far:
        assert row["time"] == pytest.approx(10, abs=0.5)
        assert row["detected"] is None  # their own way is whole
        assert row["back"] > 12.5


@pytest.mark.parametrize("faults", [None, COMING["faults"]])
def test_samples_and_interruptions_are_the_same_gaps(faults: Any) -> None:
    """Also on links that lose nearly everything, where no client thinks that it has lost its node,
    and where nothing joins or fails at all."""
    lossy = {"loss": {"to_bad": "98.5%", "to_good": "1.5%", "loss_in_bad": "100%"}}
    access = {"fibre": {**COMING["access"]["fibre"], **lossy}}
    scenario = parse_scenario({**COMING, "joining": None, "access": access, "faults": faults or []})
    run = simulate(scenario, threads=1)
    lost: dict[str, float] = {}
    for row in run.tables["interruptions"].to_pylist():
        back = scenario.duration / 1e9 if row["back"] is None else row["back"]
        lost[row["site"]] = lost.get(row["site"], 0.0) + back - row["time"]
    sampled: dict[str, float] = {}
    for row in run.tables["samples"].to_pylist():
        sampled[row["site"]] = sampled.get(row["site"], 0.0) + 5 * row["interrupted_ratio"]
    assert sum(sampled.values()) > 10
    for site, seconds in sampled.items():
        # a first picture after a loss of one's own ends an interruption later than the first packet
        assert lost.get(site, 0.0) - 2 < seconds <= lost.get(site, 0.0) + 1.1, site
