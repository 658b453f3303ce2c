"""The verdict: what the scenario's thresholds say about a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from results.records import Run
from results.selection import Measurements
from scenarios.thresholds import Expression, Target, Threshold, Window

Verdict = Literal["pass", "fail", "inconclusive"]

EXIT_CODES: Mapping[Verdict, int] = {"pass": 0, "fail": 99, "inconclusive": 98}
"""Exit codes of commands that end in a verdict."""


@dataclass(frozen=True)
class Judgement:
    """What came of one threshold."""

    metric: str
    """With its selector, as the scenario writes it."""
    expression: str
    """As the scenario writes it."""
    value: float | None
    """In the metric's SI unit; None without data, infinite where it never came about."""
    verdict: Verdict
    during: str | None = None
    """The window, as the scenario writes it; None: the meeting."""
    advisory: bool = False
    """Reported only: cannot fail the run."""


@dataclass(frozen=True)
class Outcome:
    """A run's verdict and why."""

    verdict: Verdict
    reason: str
    """One sentence."""
    judgements: tuple[Judgement, ...]
    """In the scenario's order."""


def judge(run: Run, measurements: Measurements) -> Outcome:
    """The verdict on ``run``, whose values ``measurements`` holds.

    A threshold without data is inconclusive, whatever it asks. Nothing follows from a run that was
    interrupted, or that its generator was not up to: it is inconclusive. Else the run fails if any
    threshold that is not advisory fails; else it is inconclusive if any of those is, if there is
    none of them, for then nothing was put to the test, or if packets are not all accounted for;
    else it passes.
    """
    judgements = tuple(
        judge_threshold(text, threshold, measurements)
        for text, conditions in run.scenario.thresholds.items()
        for threshold in conditions
    )
    binding = [judgement.verdict for judgement in judgements if not judgement.advisory]
    verdict, reason = conclude(binding, run.accounting.balanced, "had no data")
    if doubted := _doubt(run):
        verdict, reason = "inconclusive", doubted
    return Outcome(verdict, reason, judgements)


def _doubt(run: Run) -> str | None:
    """Why nothing follows from ``run``, as a sentence."""
    reasons = [*([run.interrupted] if run.interrupted else []), *run.doubts]
    if not reasons:
        return None
    what = "The run was interrupted" if run.interrupted else "The generator was not up to it"
    return f"{what}: {'; '.join(reasons)}."


def judge_threshold(text: str, threshold: Threshold, measurements: Measurements) -> Judgement:
    """What comes of one ``threshold`` on the target that ``text`` names."""
    target = Target.parse(text)
    expression = Expression.parse(threshold.check, target.metric)
    window = Window.parse(threshold.during) if threshold.during is not None else None
    values = measurements.distribution(target.metric.name, target.selector, window)
    value = values.aggregate(expression.aggregation)
    verdict: Verdict = "inconclusive"
    if value is not None:
        verdict = "pass" if expression.holds(value) else "fail"
    return Judgement(text, threshold.check, value, verdict, threshold.during, threshold.advisory)


def conclude(
    verdicts: Sequence[Verdict], balanced: bool, unknown: str, among: str = ""
) -> tuple[Verdict, str]:
    """The verdict on a whole, from those on its binding thresholds, and a sentence on why.

    Args:
        balanced: all packets sent are accounted for. unknown: what is said of inconclusive ones.
        among: what they were judged among, as in ' in 8 replications'.
    """
    of_all = f"of {len(verdicts)} threshold{'s' if len(verdicts) != 1 else ''}"
    if failed := verdicts.count("fail"):
        return "fail", f"{failed} {of_all} failed{among}."
    if not balanced:
        return "inconclusive", "The packets sent are not all accounted for."
    if not verdicts:
        return "inconclusive", "The scenario has no thresholds that could fail."
    if undecided := verdicts.count("inconclusive"):
        return "inconclusive", f"{undecided} {of_all} {unknown}{among}."
    return "pass", f"{len(verdicts)} {of_all} passed{among}."
