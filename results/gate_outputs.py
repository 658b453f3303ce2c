"""The gate's verdict in the forms that continuous integration reads."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET  # written here, never read

from results.gate import Check, Gate, describe_difference
from results.page import MARKS
from scenarios.places import Place

Places = Callable[[Check], Place]


def junit(gate: Gate, place: Places, wall_s: float) -> str:
    """JUnit XML: a test case per threshold and per figure compared; inconclusive is an error.

    Advisory checks that failed pass, and say so in their output.
    """
    cases = [check for check in gate.checks if not check.advisory]
    counts = {
        "tests": str(len(gate.checks)),
        "failures": str(sum(check.verdict == "fail" for check in cases)),
        "errors": str(sum(check.verdict == "inconclusive" for check in cases)),
        "time": f"{wall_s:.3f}",
    }
    root = ET.Element("testsuites", {"name": "rehearse", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": f"rehearse {gate.scenario}", **counts})
    for check in gate.checks:
        where = place(check)
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"rehearse.{gate.scenario}.{check.kind}",
            name=_printable(check.name),
            file=where.file,
            line=str(where.line),
            time="0",
        )
        sentence = _printable(check.sentence)
        if check.advisory or check.verdict == "pass":
            mark = "advisory: " if check.advisory else ""
            ET.SubElement(case, "system-out").text = f"{mark}{check.verdict}: {sentence}"
        else:
            tag = "failure" if check.verdict == "fail" else "error"
            ET.SubElement(
                case, tag, type=check.verdict, message=sentence
            ).text = f"{_printable(check.name)}\n{sentence}\n{where.file}:{where.line}"
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def markdown(gate: Gate, warnings: Sequence[str]) -> str:
    """A job's summary: the verdict, thresholds, and what changed against the baseline."""
    lines = [
        f"## {MARKS[gate.verdict]} {gate.verdict.capitalize()}: {_cell(gate.scenario)}",
        "",
        gate.reason,
        "",
        "| | threshold | found |",
        "| --- | --- | --- |",
    ]
    for check in gate.checks:
        if check.kind == "threshold":
            lines.append(f"| {_mark(check)} | `{_code(check.name)}` | {_cell(check.sentence)} |")
    if gate.comparison:
        before, after = gate.comparison.before, gate.comparison.after
        pairing = f"{gate.comparison.pairs} pairs" if gate.comparison.pairs else "unpaired"
        lines += [
            "",
            f"Against the baseline of {before.started} ({len(before.measured)} replications, now "
            f"{len(after.measured)}; {pairing}); differences of less than "
            f"{gate.comparison.margin:.0%} do not count.",
            "",
            "| | figure | before → after, difference (95 % interval) |",
            "| --- | --- | --- |",
        ]
        for change in gate.comparison.ranked():
            found = _cell(describe_difference(change))
            lines.append(f"| {change.standing} | `{_code(str(change.figure))}` | {found} |")
    lines += [f"\n> {_cell(text)}" for text in warnings]
    return "\n".join(lines) + "\n"


def annotations(gate: Gate, place: Places) -> list[str]:
    """GitHub's workflow commands: one per check that did not pass, at the scenario's line."""
    lines = []
    for check in gate.checks:
        if check.verdict == "pass":
            continue
        level = "warning" if check.advisory or check.verdict == "inconclusive" else "error"
        where = place(check)
        properties = {"file": where.file, "line": str(where.line), "title": check.name}
        told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        lines.append(f"::{level} {told}::{_data(f'{check.verdict}: {check.sentence}')}")
    return lines


def code_quality(gate: Gate, place: Places) -> list[dict[str, Any]]:
    """GitLab's code quality report: as ``annotations``."""
    return [
        {
            "description": f"{check.name}: {check.sentence}",
            "check_name": f"rehearse-{check.kind}",
            "fingerprint": hashlib.sha256(f"{gate.scenario} {check.name}".encode()).hexdigest(),
            "severity": _severity(check),
            "location": {"path": where.file, "lines": {"begin": where.line}},
        }
        for check in gate.checks
        if check.verdict != "pass"
        for where in [place(check)]
    ]


def _severity(check: Check) -> str:
    if check.advisory:
        return "info"
    return "major" if check.verdict == "fail" else "minor"


def _mark(check: Check) -> str:
    return f"{MARKS[check.verdict]} advisory" if check.advisory else MARKS[check.verdict]


def _escape(text: str, table: Mapping[str, str]) -> str:
    return "".join(table.get(c, c) for c in text)


_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def _data(text: str) -> str:
    return _escape(text, _DATA)


def _property(text: str) -> str:
    return _escape(text, {**_DATA, ":": "%3A", ",": "%2C"})


def _cell(text: str) -> str:
    """``text`` within a table of Markdown, in which nothing of it is markup."""
    marks = {c: f"\\{c}" for c in "\\`*_{}[]<>|#~"}
    return _escape(" ".join(text.split()), marks)


def _code(text: str) -> str:
    """``text`` within backticks within a table."""
    return " ".join(text.split()).replace("`", "'").replace("|", "\\|")


def _printable(text: str) -> str:
    """``text`` without what XML 1.0 has no way to say."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
