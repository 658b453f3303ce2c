"""Faults that were played: when each was on, whom it befell, and when it was noticed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from results.interruptions import Interruption
from results.records import Run

_EARLY = 1.0
"""Seconds that an interruption may seem to begin before its fault: it is counted from the last
packet before it."""


@dataclass(frozen=True)
class Fault:
    """A fault on the run's timeline."""

    label: str
    detail: str
    """Its kind, and how many endpoints it befell."""
    begin: float
    """Seconds from the meeting's start."""
    end: float | None = None
    """When it was repaired; None: not before the end."""
    detected: float | None = None
    """When it was first noticed, by whomever; None: never."""


def read_faults(run: Run) -> list[Fault]:
    """The faults among the run's events, in time.

    Those without a label of their own share one: the first to begin is the first to end, and the
    last to have begun is the one that is noticed.
    """
    columns = (run.tables["events"][n].to_pylist() for n in ("time", "kind", "subject", "detail"))
    found: list[Fault] = []
    for time, kind, label, detail in sorted(zip(*columns, strict=True), key=lambda row: row[:3]):
        mine = [i for i, fault in enumerate(found) if fault.label == label]
        open_ = [i for i in mine if found[i].end is None]
        if kind == "fault":
            found.append(Fault(label, detail or "", time))
        elif kind == "repair" and open_:
            found[open_[0]] = replace(found[open_[0]], end=time)
        elif kind == "detect" and mine and found[mine[-1]].detected is None:
            found[mine[-1]] = replace(found[mine[-1]], detected=time)
    return found


def blamed_on(
    fault: Fault, faults: Sequence[Fault], found: Sequence[Interruption]
) -> list[Interruption]:
    """Those interruptions that began in ``fault``; of ``faults`` with its label, the last one that
    had begun is to blame."""
    begins = [other.begin for other in faults if other.label == fault.label]
    later = min((begin for begin in begins if begin > fault.begin), default=float("inf"))
    first = fault.begin == min(begins)
    return [
        each
        for each in found
        if each.fault == fault.label
        and (first or each.lost >= fault.begin - _EARLY)
        and each.lost < later - _EARLY
    ]
