"""The pytest plugin: a team's own tests rehearse, and assert.

def test_the_briefing_is_heard_everywhere(rehearse):
    briefing = rehearse("briefing.yaml", replications=10)
    assert briefing.passed, briefing.explain()
    assert briefing.high("mouth_to_ear_delay{access=4g}", "p(95)") < 0.400

@pytest.mark.rehearse("briefing.yaml", replications=10)
def test_with_a_marker(rehearsal):
    assert rehearsal.passed, rehearsal.explain()
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# ruff: noqa: PLC0415  # every test session loads this module; few rehearse

if TYPE_CHECKING:
    from results.figures import Figure
    from results.intervals import Estimate
    from results.replications import Replications

Rehearse = Callable[..., "Rehearsal"]


@dataclass(frozen=True)
class Rehearsal:
    """What came of a scenario that a test played."""

    replications: "Replications"
    summary: dict[str, Any]
    """As summary.json."""

    @property
    def passed(self) -> bool:
        """Whether every threshold held; False, too, where that is not known."""
        return bool(self.summary["verdict"] == "pass")

    def explain(self) -> str:
        """The verdict, and each threshold that did not pass."""
        rows = [row for row in self.summary["thresholds"] if row["verdict"] != "pass"]
        lines = [f"{self.summary['verdict']}: {self.summary['reason']}"]
        for row in rows:
            lines.append(
                f"{row['metric']}: {row['expression']} {row['verdict']}, value {row['value']}, "
                f"interval {row.get('interval')}"
            )
        return "\n".join(lines)

    def value(self, target: str, aggregation: str = "mean") -> float:
        """A figure's value, in its SI unit: `value("packet_loss{access=4g}", "p(95)")`.

        With replications, the mean over them; infinite where it never came about.

        Raises:
            LookupError: there is no such figure, or no data for it.
        """
        value = self.estimate(target, aggregation).value
        if value is None:
            raise LookupError(f"{target} {aggregation}: there is no data")
        return value

    def low(self, target: str, aggregation: str = "mean") -> float:
        """The lower end of its 95 % interval.

        Raises:
            LookupError: as ``value``, or there is no interval, as from a single run.
        """
        return self._end(target, aggregation, "low")

    def high(self, target: str, aggregation: str = "mean") -> float:
        """The upper end of its 95 % interval.

        Raises:
            LookupError: as ``low``.
        """
        return self._end(target, aggregation, "high")

    def estimate(self, target: str, aggregation: str = "mean") -> "Estimate":
        """Value, interval and count of a figure.

        Raises:
            LookupError: there is no such figure.
        """
        figure = _figure(target, aggregation)
        if not any(figure in each.figures for each in self.replications.measured):
            raise LookupError(
                f"{figure}: is none of the figures that are kept: all endpoints', one group's by "
                "carrier, access, province or level (mean, p(50), p(95), p(99), min, max), and "
                "those of the scenario's thresholds"
            )
        return self.replications.estimate(figure)

    def _end(self, target: str, aggregation: str, end: str) -> float:
        value: float | None = getattr(self.estimate(target, aggregation), end)
        if value is None:
            raise LookupError(f"{target} {aggregation}: there is no interval; replicate")
        return value


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        "rehearse(scenario, overrides=(), seed=None, replications=1): play a scenario for the "
        "fixture `rehearsal`",
    )


@pytest.fixture(scope="session")
def rehearse() -> Rehearse:
    """Plays a scenario: `rehearse(scenario, overrides=(), seed=None, replications=1)`.

    The scenario is a library name or a file; the same arguments are played once a session. What
    is wrong with a scenario fails the test with all that is wrong.
    """
    played: dict[tuple[Any, ...], Rehearsal] = {}

    def play(
        scenario: str | Path,
        overrides: Sequence[str] = (),
        seed: int | None = None,
        replications: int = 1,
    ) -> Rehearsal:
        place = str(Path.cwd())
        key = (place, str(scenario), tuple(overrides), seed, replications)
        if key not in played:
            played[key] = _play(scenario, overrides, seed, replications)
        return played[key]

    return play


@pytest.fixture
def rehearsal(request: pytest.FixtureRequest, rehearse: Rehearse) -> Rehearsal:
    """What came of the scenario that the test's marker `rehearse` names."""
    marker = request.node.get_closest_marker("rehearse")
    if marker is None:
        raise pytest.UsageError(
            "the fixture `rehearsal` needs a marker, as in @pytest.mark.rehearse('smoke')"
        )
    return rehearse(*marker.args, **marker.kwargs)


def _play(
    scenario: str | Path, overrides: Sequence[str], seed: int | None, replications: int
) -> Rehearsal:
    from rehearse.replications import play_replications
    from results.replications import summarize_replications
    from scenarios.errors import ScenarioError
    from scenarios.loading import load_scenario

    try:
        loaded = load_scenario(scenario, overrides, seed)
    except ScenarioError as error:
        pytest.fail(str(error), pytrace=False)
    if replications == 1:
        return _play_once(loaded)
    found = play_replications(loaded, replications, command=("pytest",))
    return Rehearsal(found, summarize_replications(found))


def _play_once(scenario: Any) -> Rehearsal:
    from results.figures import measured
    from results.replications import Replications
    from results.summary import summarize
    from simulations import simulate

    run = simulate(scenario, command=("pytest",))
    summary = summarize(run)
    found = Replications(
        scenario, run.mode, run.started, run.finished, run.command, run.duration_s,
        run.cost.wall_s, (measured(run, summary),),
    )  # fmt: skip
    return Rehearsal(found, summary)


def _figure(target: str, aggregation: str) -> "Figure":
    from results.figures import Figure
    from scenarios.thresholds import Expression, Target

    # The bound is only there to make an expression of it.
    units = {"s": "0s", "ratio": "0%", "bit/s": "0bps"}
    metric = Target.parse(target).metric
    bound = "0" if aggregation == "count" else units.get(metric.unit, "0")
    check = f"{aggregation} >= {bound}"
    Expression.parse(check, metric)
    return Figure.of_threshold(target, check, None)
