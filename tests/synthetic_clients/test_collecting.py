from typing import Any

import pyarrow as pa
import pytest

from results.records import HISTOGRAMS, SAMPLES
from results.summary import summarize
from scenarios.loading import load_scenario
from scenarios.population import populate
from synthetic_clients.collecting import UNSTAMPED, Collector, endpoints_table
from synthetic_clients.process import _to_bytes

SCENARIO = load_scenario("smoke", ["thresholds={packet_loss: max < 20%}"])
POPULATION = populate(SCENARIO)
HEALTH = {
    "kind": "health", "time": 0.0, "online": 61, "endpoints": 61, "generator_cpu": 0.3,
    "generator_lag": 0.001, "generator_drops": 0.0,
}  # fmt: skip
PROBE = {
    "site": "p79", "audio": True, "packets": 100, "received": 100, "jitter": 0.0010,
    "header_jitter": 0.0011, "decoded": 100, "undecodable": 0, "gaps": 0, "freezes": 1,
    "header_freezes": 1,
}  # fmt: skip
FINISHED = {
    "kind": "finished", "whole": True, "entered": 100, "delivered": 90, "in_flight": 4,
    "lost": {"access queue down": 6, "access policer down": 0, "access down": 0},
    "published": 50, "mappings": [0, 2, 3], "probes": [PROBE], "peak_rss": 1000,
    "stamped": True,
}  # fmt: skip


def sample(begin: float, loss: float) -> tuple[dict[str, Any], bytes]:
    n = len(POPULATION)
    columns = [
        pa.array([begin] * n) if field.name == "time"
        else pa.array(POPULATION.site).cast(field.type) if field.name == "site"
        else pa.array([loss] * n, field.type) if field.name == "packet_loss"
        else pa.nulls(n, field.type)
        for field in SAMPLES
    ]  # fmt: skip
    parts = [_to_bytes(pa.table(columns, SAMPLES)), _to_bytes(HISTOGRAMS.empty_table())]
    return {"kind": "sample", "lengths": [len(part) for part in parts]}, b"".join(parts)


def collected(*messages: dict[str, Any], processes: int = 1) -> Collector:
    collector = Collector(SCENARIO, POPULATION, "sfu+http://127.0.0.1:1", processes=processes)
    collector.meeting_s = 10.0
    for begin in (5.0, 0.0):  # as they come
        collector.hear(0, *sample(begin, 0.01))
    for message in messages:
        collector.hear(0, message, b"")
    return collector


def test_live_endpoints_have_no_backup_links() -> None:
    dealt = load_scenario("carrier-outage", ["endpoints.sample=20"])
    table = endpoints_table(dealt, populate(dealt))
    assert table["backup"].to_pylist() == [None] * 21


def test_what_processes_say_becomes_a_run() -> None:
    collector = collected(
        {"kind": "joined", "site": "p79", "at": 3.0, "seconds": 0.25, "error": None},
        {"kind": "joined", "site": POPULATION.site[1], "at": 4.0, "seconds": 9.0, "error": "full"},
        {"kind": "recovered", "site": "p79", "at": 12.0, "seconds": 2.5},
        {"kind": "call", "site": "p79", "at": 1.0, "seconds": 0.8},
        {"kind": "call", "site": POPULATION.site[1], "at": 2.0, "seconds": None},
        HEALTH, FINISHED, {"kind": "gone"},
    )  # fmt: skip
    assert collector.over
    assert collector.arrived == 2
    run = collector.run(20.0)
    assert run.duration_s == 10.0
    times = run.tables["samples"]["time"].to_pylist()
    assert times == sorted(times)
    events = run.tables["events"].to_pylist()
    assert [(e["time"], e["kind"], e["subject"]) for e in events] == [
        (-7.0, "join", "p79"), (-6.0, "join failed", POPULATION.site[1]), (2.0, "recovered", "p79"),
    ]  # fmt: skip
    assert run.accounting.balanced
    summary = summarize(run)
    assert summary["verdict"] == "pass"
    assert summary["mode"] == "live"
    assert summary["metrics"]["time_to_floor"]["unanswered"] == 1
    assert summary["metrics"]["generator_cpu"]["count"] == 1
    assert any("2 streams: capture times by sender reports" in a for a in run.assumptions)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"generator_cpu": 0.99}, "used 99% of its core"),
        ({"generator_lag": 0.3}, "was late by 300 ms"),
        ({"generator_drops": 7.0}, "7 datagrams were dropped"),
    ],
)
def test_a_generator_that_was_not_up_to_it_proves_nothing(
    changes: dict[str, float], reason: str
) -> None:
    summary = summarize(collected(HEALTH | changes, FINISHED).run(20.0))
    assert summary["verdict"] == "inconclusive"
    assert reason in summary["reason"]


@pytest.mark.parametrize("changes", [{"packets": 99}, {"jitter": 0.0017}, {"freezes": 3}])
def test_probes_that_differ_prove_that_something_is_wrong(changes: dict[str, float]) -> None:
    run = collected(HEALTH, FINISHED | {"probes": [PROBE, PROBE | changes]}).run(20.0)
    assert run.doubts == ("probes and header-only receivers differ on 1 of 2 streams",)


def test_a_run_says_so_where_one_of_its_processes_got_no_time_stamps() -> None:
    assert UNSTAMPED not in collected(HEALTH, FINISHED).run(20.0).assumptions
    run = collected(HEALTH, FINISHED, FINISHED | {"stamped": False}, processes=2).run(20.0)
    assert UNSTAMPED in run.assumptions


def test_a_process_that_did_not_reach_the_end_interrupts_the_run() -> None:
    run = collected(HEALTH, FINISHED, {"kind": "gone"}, processes=2).run(20.0)
    assert run.interrupted == "1 of 2 client processes did not reach the end"
    assert summarize(run)["verdict"] == "inconclusive"
    assert len(run.tables["samples"]) == 2 * len(POPULATION)


def test_a_fault_in_a_process_is_a_doubt() -> None:
    run = collected(HEALTH, FINISHED, {"kind": "fault", "detail": "…\nKeyError: 'x'\n"}).run(1.0)
    assert "KeyError: 'x'" in run.doubts[0]


def test_a_run_of_which_nothing_was_measured_can_be_told() -> None:
    collector = Collector(SCENARIO, POPULATION, "sfu+http://127.0.0.1:1")
    run = collector.run(1.0, "the server ended")
    assert (run.duration_s, run.interrupted) == (0.0, "the server ended")
    assert summarize(run)["verdict"] == "inconclusive"
