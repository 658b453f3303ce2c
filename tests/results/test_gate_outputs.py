import re
from xml.etree import ElementTree as ET

import pytest

from results.comparison import MARGIN
from results.gate import Check, Gate, judge_release
from results.gate_outputs import annotations, code_quality, junit, markdown
from results.replications import summarize_replications
from scenarios.places import Place
from tests.results.sample_sets import DELAY, EGRESS, LOSS, TYPICAL, make_set


def place(check: Check) -> Place:
    return Place("rehearsals/our scenario.yaml", 10 + check.number)


@pytest.fixture(scope="module")
def gate() -> Gate:
    found = make_set(lambda i: {**TYPICAL, DELAY: 0.3, LOSS: 0.005 + 0.001 * i, EGRESS: 2e9})
    summary = summarize_replications(found)
    return judge_release(summary, found, make_set(lambda _: TYPICAL), margin=MARGIN)


def test_junit_has_a_case_for_every_check(gate: Gate) -> None:
    root = ET.fromstring(junit(gate, place, 2.5))  # noqa: S314  # our own
    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(gate.checks) == 10
    found = {
        case.get("name"): [child.tag for child in case if child.tag != "system-out"]
        for case in cases
    }
    assert found["mouth_to_ear_delay p(95) < 250ms"] == ["failure"]
    assert found["packet_loss{level=commune} mean < 1%"] == ["error"]
    assert found["audio_mos{carrier=vnpt} p(5) > 3"] == []
    assert found["node_egress max < 1Gbps"] == []  # advisory
    suite = root.find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "time")} == {
        "tests": "10", "failures": "3", "errors": "1", "time": "2.500",
    }  # fmt: skip
    failure = cases[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "p95 is 300 ms (300 ms), must be p(95) < 250ms"
    assert (cases[0].get("file"), cases[0].get("line")) == ("rehearsals/our scenario.yaml", "10")


def test_names_cannot_break_xml() -> None:
    check = Check("threshold", 'a<b>&"\x00\x1b', "fail", False, "x\x00]]>", "t", 0)
    text = junit(Gate("s", "fail", "why", (check,)), place, 0)
    (case,) = ET.fromstring(text).iter("testcase")  # noqa: S314  # our own
    assert case.get("name") == 'a<b>&"��'


def test_markdown_has_both_tables(gate: Gate) -> None:
    text = markdown(gate, ["The commits differ: `a` and b|c."])
    assert text.startswith("## ✗ Fail: hand-made\n")
    assert "| ✗ | `mouth_to_ear_delay p(95) < 250ms` | p95 is 300 ms" in text
    assert "| worse | `mouth_to_ear_delay p(95)` | 150 ms → 300 ms, +100.0%" in text
    assert "> The commits differ: \\`a\\` and b\\|c." in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_annotations_point_at_the_line(gate: Gate) -> None:
    lines = annotations(gate, place)
    assert lines[0] == (
        "::error file=rehearsals/our scenario.yaml,line=10,"
        "title=mouth_to_ear_delay p(95) < 250ms::"
        "fail: p95 is 300 ms (300 ms), must be p(95) < 250ms"
    )
    assert [line.split(" ")[0] for line in lines] == [
        "::error", "::warning", "::warning", "::error", "::error", "::warning",
    ]  # fmt: skip


def test_annotations_escape_what_would_end_them() -> None:
    check = Check("threshold", "a,b:c%\nd", "fail", False, "100%\r\n::error::", "t", 0)
    (line,) = annotations(Gate("s", "fail", "why", (check,)), place)
    assert line.endswith("title=a%2Cb%3Ac%25%0Ad::fail: 100%25%0D%0A::error::")
    assert "\n" not in line


def test_code_quality_is_what_gitlab_reads(gate: Gate) -> None:
    rows = code_quality(gate, place)
    assert [row["severity"] for row in rows] == [
        "major", "minor", "info", "major", "major", "info",
    ]  # fmt: skip
    assert rows[0]["location"] == {
        "path": "rehearsals/our scenario.yaml", "lines": {"begin": 10},
    }  # fmt: skip
    assert len({row["fingerprint"] for row in rows}) == len(rows)


def test_what_passes_leaves_no_annotations() -> None:
    found = make_set(lambda _: TYPICAL)
    passing = judge_release(summarize_replications(found), found, margin=MARGIN)
    assert annotations(passing, place) == []
    assert code_quality(passing, place) == []
    assert markdown(passing, []).startswith("## ✓ Pass")
