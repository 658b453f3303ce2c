"""Rows of the report's tables of who came in, who was thrown out, and who came back."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from results.availability import USABLE_MOS, has_outcomes, read_availability
from results.faults import Fault, blamed_on, read_faults
from results.interruptions import (
    Interruption,
    by_attribute,
    has_backups,
    lost_for_good,
    percentile,
    read_interruptions,
)
from results.joining import PARTS, describe_joining, read_joinings, read_sessions
from results.plots.joining import WORDS
from results.plots.style import label_for
from results.quantities import format_clock, format_value
from results.readings import endpoint_groups, endpoints
from results.records import Run
from results.report_people import RANKS, access_row, who
from results.timings import by_access, unended
from scenarios.meeting import COMMAND_CENTRE

GROUPED_BY = {
    "carrier": "Carrier",
    "access": "Access link",
    "backup": "Backup link",
    "province": "Province",
}
"""Attributes that interruptions are told by, and their headings."""
SPANS = (50, 99, 100)
"""Percentiles of how long interruptions last."""


def joining_section(run: Run) -> dict[str, Any] | None:
    """Attempts to connect: join times by access link, causes of failures, who never came in; None
    where there was no attempt."""
    told = describe_joining(run)
    if told is None:
        return None
    joinings = read_joinings(run)
    groups = by_access(run, joinings)
    rows = [("All", joinings)] if len(groups) > 1 else []
    rows += [(label_for(run, "access", kind), own) for kind, own in groups.items()]
    last = {row["site"]: row["outcome"] for row in read_sessions(run)}
    peak = told["peak_at"]
    return {
        **told,
        "ranks": [f"p{rank}" for rank in RANKS],
        "parts": [WORDS.parts[part] for part in PARTS],
        "rows": [access_row(name, own, len(PARTS)) for name, own in rows],
        "peak_at": None if peak is None else format_clock(peak),
        "silent": [
            {
                **who(run, timing.endpoint),
                "at": format_clock(timing.time),
                "reason": last[timing.endpoint["site"]],
            }
            for timing in unended(joinings)
        ],
    }


def fault_section(run: Run) -> list[dict[str, str]]:
    """The faults that were played, in time."""
    faults, found = read_faults(run), read_interruptions(run)
    return [_fault_row(fault, blamed_on(fault, faults, found)) for fault in faults]


def _fault_row(fault: Fault, own: Sequence[Interruption]) -> dict[str, str]:
    detected, hit = fault.detected, {each.endpoint["site"] for each in own}
    return {
        "name": fault.label,
        "detail": fault.detail,
        "begin": format_clock(fault.begin),
        "end": "not before the end" if fault.end is None else format_clock(fault.end),
        "detected": "never" if detected is None else format_value(detected - fault.begin, "s"),
        "interrupted": f"{len(hit):,}",
        "for_good": f"{len(lost_for_good(own)):,}",
    }


def interruption_section(run: Run) -> dict[str, Any] | None:
    """Interruptions by group, and everyone who never came back; None where there was none."""
    found = read_interruptions(run)
    if not found:
        return None
    shown = {a: title for a, title in GROUPED_BY.items() if a != "backup" or has_backups(run)}
    sizes = {a: Counter(value or "" for value in endpoints(run)[a].to_pylist()) for a in shown}
    return {
        "count": len(found),
        "endpoints": len({each.endpoint["site"] for each in found}),
        "centre": COMMAND_CENTRE in run.tables["interruptions"]["site"].to_pylist(),
        "spans": ["p50", "p99", "max"],
        "tables": [
            {
                "title": title,
                "rows": [
                    _group_row(label_for(run, attribute, name), own, sizes[attribute][name])
                    for name, own in by_attribute(found, attribute).items()
                ],
            }
            for attribute, title in shown.items()
        ],
        "lost": [_lost_row(run, each) for each in lost_for_good(found)],
    }


def _group_row(name: str, own: Sequence[Interruption], size: int) -> dict[str, Any]:
    hit = len({each.endpoint["site"] for each in own})
    return {
        "name": name or "—",
        "count": len(own),
        "endpoints": hit,
        "share": format_value(hit / size, "ratio"),
        "for_good": len(lost_for_good(own)),
        "spans": [format_value(percentile(own, rank), "s") for rank in SPANS],
    }


def _lost_row(run: Run, each: Interruption) -> dict[str, str]:
    detected = "never" if each.detected is None else format_clock(each.detected)
    return {
        **who(run, each.endpoint),
        "at": format_clock(each.lost),
        "detected": detected,
        "fault": each.fault or "—",
        "reason": each.reason or "not known",
    }


def availability_section(run: Run) -> dict[str, Any] | None:
    """For how much of the meeting audio was usable; None for a run without joining and faults."""
    if not has_outcomes(run):
        return None
    found = read_availability(run)
    rows = []
    for attribute in ("carrier", "access"):
        group, names = endpoint_groups(run, attribute)
        rows += [
            {
                "name": label_for(run, attribute, name),
                "about": GROUPED_BY[attribute].lower(),
                "endpoints": int((group == i).sum()),
                "minutes": f"{found.wanted[group == i].sum() / 60:,.0f}",
                "share": format_value(found.share(group == i), "ratio", 4),
            }
            for i, name in enumerate(names)
        ]
    return {
        "share": format_value(found.share(), "ratio", 4),
        "minutes": f"{found.wanted.sum() / 60:,.0f}",
        "least_mos": USABLE_MOS,
        "rows": rows,
    }
