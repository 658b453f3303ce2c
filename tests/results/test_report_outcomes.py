"""The report's sections on joining, interruptions and availability."""

from dataclasses import replace
from typing import Any

import pytest

from results.interruptions import lost_for_good, read_interruptions
from results.joining import failures, read_sessions
from results.quantities import format_value
from results.records import CONNECTED, EVENTS, INTERRUPTIONS, SESSIONS, TABLES, Run
from results.report import FIGURES, render_report
from results.report_outcomes import (
    availability_section,
    interruption_section,
    joining_section,
)
from results.summary import summarize
from scenarios.meeting import COMMAND_CENTRE
from tests.results.sample_outcomes import CUT_OFF, FAULT, GAVE_UP, REFUSED
from tests.results.sample_run import with_backups
from tests.results.test_report import Page


@pytest.fixture(scope="module")
def summary(run: Run) -> dict[str, Any]:
    return summarize(run)


@pytest.fixture
def page(run: Run, summary: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr("results.report.FIGURES", ())
    return Page(render_report(run, summary))


def without(run: Run, *names: str) -> Run:
    """The run with nothing in the tables of these names."""
    return replace(run, tables={**run.tables, **{n: TABLES[n].empty_table() for n in names}})


def drawn(run: Run, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Those of the report's plots of joining and faults that it has."""
    own = FIGURES[:6]
    monkeypatch.setattr("results.report.FIGURES", own)
    page = Page(render_report(run, summarize(run)))
    return {name for name, _ in own} & set(page.ids)


def test_availability_is_a_statement_and_a_table(page: Page, summary: dict[str, Any]) -> None:
    share = format_value(summary["availability"]["overall"], "ratio", 4)
    text = " ".join(page.text.split())
    assert f"{share} of 53 endpoint-minutes had usable audio." in text
    (row,) = [row for row in page.rows if row[0] == "Viettel carrier"]
    assert row[1] == "30"
    assert row[3] == format_value(summary["availability"]["carrier"]["viettel"], "ratio", 4)


def test_join_times_and_causes_of_failure_are_told(run: Run, page: Page) -> None:
    text = " ".join(page.text.split())
    assert "60 endpoints set out to join, 1 never came in." in text
    (head,) = [row for row in page.rows if row[:3] == ["Access link", "Endpoints", "Never"]]
    assert head[3:] == [
        "p50", "p95", "p99", "Failed before", "DNS", "TLS", "Waiting", "Signalling", "ICE", "DTLS",
        "Subscribing",
    ]  # fmt: skip
    for cause, count in failures(read_sessions(run)).items():
        assert [cause, str(count)] in page.rows
    (silent,) = [row for row in page.rows if row[-1] == REFUSED]
    assert len(silent) == 3


def test_everyone_who_never_came_back_is_named_with_the_reason(run: Run, page: Page) -> None:
    lost = lost_for_good(read_interruptions(run))
    rows = [row for row in page.rows if row[-1] in (GAVE_UP, CUT_OFF)]
    assert len(rows) == len(lost) == 3
    for row, each in zip(rows, lost, strict=True):
        assert row[0].startswith(each.endpoint["name"])
        assert row[3] == (each.fault or "—")
    assert rows[1][1:] == ["0:35", "0:40", FAULT, GAVE_UP]


def test_interruptions_are_told_by_carrier_access_and_province(run: Run) -> None:
    section = interruption_section(run)
    assert section is not None
    assert [table["title"] for table in section["tables"]] == ["Carrier", "Access link", "Province"]
    for table in section["tables"]:
        assert sum(row["count"] for row in table["rows"]) == section["count"]
    carriers = {row["name"]: row for row in section["tables"][0]["rows"]}
    assert carriers["Viettel"]["for_good"] >= 2


def test_interruptions_are_told_by_backup_where_there_are_any(run: Run) -> None:
    found = read_interruptions(run)
    back = {each.endpoint["site"] for each in found if each.back is not None}
    section = interruption_section(with_backups(run, back))
    assert section is not None
    (table,) = [table for table in section["tables"] if table["title"] == "Backup link"]
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["4G"] | {"spans": None} == {
        "name": "4G", "count": len(back), "endpoints": len(back), "share": "100 %", "for_good": 0,
        "spans": None,
    }  # fmt: skip
    assert rows["none"]["count"] == rows["none"]["for_good"] == len(lost_for_good(found))
    assert rows["none"]["share"] == format_value(3 / (60 - len(back)), "ratio")


def test_every_fault_is_told_with_whom_it_befell(run: Run, page: Page) -> None:
    own = [each for each in read_interruptions(run) if each.fault == FAULT]
    assert [FAULT, "node hcmc dies", "0:35", "0:50", "5,000 ms", str(len(own)), "2"] in page.rows
    nobody = {"time": 9.0, "kind": "fault", "subject": "copper", "detail": "cut, 0 endpoints"}
    events = EVENTS.empty_table().from_pylist([nobody], EVENTS)
    other = replace(run, tables={**run.tables, "events": events})
    row = ["copper", "cut, 0 endpoints", "0:09", "not before the end", "never", "0", "0"]
    assert row in Page(render_report(other, summarize(other))).rows


def test_interruptions_of_the_command_centre_are_told_beside_the_count(
    run: Run, page: Page
) -> None:
    note = "The command centre was interrupted, too; it is no endpoint and is not counted here"
    assert note not in " ".join(page.text.split())
    own = {"time": 35.0, "site": COMMAND_CENTRE, "fault": FAULT, "detected": 40.0, "back": 41.0}
    rows = [*run.tables["interruptions"].to_pylist(), own]
    table = INTERRUPTIONS.empty_table().from_pylist(rows, INTERRUPTIONS)
    other = replace(run, tables={**run.tables, "interruptions": table})
    text = " ".join(Page(render_report(other, summarize(other))).text.split())
    assert f"{len(rows) - 1} interruptions of all media" in text
    assert note in text


def test_figures_come_first_in_tiles(page: Page) -> None:
    text = " ".join(page.text.split())
    for name in ("Join time", "Recovery time", "Usable audio"):
        assert text.index(name) < text.index("Thresholds Verdict")


def test_a_run_without_joining_and_faults_says_nothing_of_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = without(run, "sessions", "interruptions", "events")
    assert availability_section(plain) is joining_section(plain) is None
    assert interruption_section(plain) is None
    monkeypatch.setattr("results.report.FIGURES", FIGURES[:6])
    page = Page(render_report(plain, summarize(plain)))
    assert not {
        "availability",
        "joining",
        "faults",
        "interruptions",
        "recovery",
        "connected",
    } & set(page.ids)
    assert "Usable audio" not in page.text
    assert drawn(plain, monkeypatch) == set()


JOINING_PLOTS = {"join-time", "join-time-budget"}


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([("restart", 1, CONNECTED)], {"retries"}),
        ([("join", 1, CONNECTED)], JOINING_PLOTS),
        ([("join", 1, REFUSED)], {*JOINING_PLOTS, "retries"}),
        ([("join", 1, REFUSED), ("join", 2, CONNECTED)], {*JOINING_PLOTS, "retries"}),
    ],
    ids=["nobody joined", "nobody tried again", "nobody came in", "someone tried again"],
)
def test_plots_of_attempts_that_nobody_made_are_left_out(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    attempts: list[tuple[str, int, str]],
    expected: set[str],
) -> None:
    site = run.tables["endpoints"]["site"][0].as_py()
    rows = [
        {
            "time": float(attempt), "site": site, "kind": kind, "attempt": attempt,
            "outcome": outcome, "link": "primary", "duration": 0.5,
        }
        for kind, attempt, outcome in attempts
    ]  # fmt: skip
    sessions = SESSIONS.empty_table().from_pylist(rows, SESSIONS)
    found = drawn(replace(run, tables={**run.tables, "sessions": sessions}), monkeypatch)
    assert found & {*JOINING_PLOTS, "retries"} == expected


def test_what_faults_did_is_drawn_even_if_they_interrupted_nobody(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "fault-timeline" in drawn(without(run, "interruptions"), monkeypatch)
    assert "fault-timeline" in drawn(without(run, "events"), monkeypatch)
    assert "fault-timeline" not in drawn(without(run, "interruptions", "events"), monkeypatch)
