"""Rollouts played: many of them, with other crews, with other assumptions, and their evenings."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.rollouts import by_day, completion_curve, effect, finish
from results.search import Search
from results.trials import Trial, observe
from scenarios.population import Population, populate
from scenarios.rollout import Lasting, Rollout, Travel, Work
from scenarios.scenario import Scenario
from simulations import simulate
from simulations.rollout import DAY, Connected, roll_out

SWING = 0.2
"""By how much assumptions are changed to see what the finish depends on."""
FEWEST = 2
"""Endpoints of the smallest meeting that is rehearsed."""
MOST_SWINGS = 15
"""Rollouts by which the effect of an assumption is told: with the same random numbers, few do."""
ASSUMPTIONS = (
    "All times, fault shares, material and crews are the scenario's assumptions.",
    "Carriers' crews do not help each other; crews of a carrier know at once where work is left.",
    "Which endpoint is whose and on which link is that of replication 0 in all rollouts.",
    "The evenings' rehearsals are of the first rollout.",
)
"""What the model takes for granted, beside what the scenario's description states."""

Json = dict[str, Any]
Tell = Callable[[str], None]


@dataclass
class Rollouts:
    """A scenario's rollout, played as often as asked for."""

    scenario: Scenario
    plan: Rollout
    population: Population

    @classmethod
    def of(cls, scenario: Scenario, plan: Rollout) -> "Rollouts":
        """The rollout ``plan`` of ``scenario``, whose endpoints are dealt as in replication 0."""
        return cls(scenario, plan, populate(scenario))

    def play(
        self, plan: Rollout, numbers: Sequence[int], only: str | None = None
    ) -> list[Connected]:
        """Rollouts by ``plan``, with these numbers of replications; ``only`` a carrier's part."""
        return [
            roll_out(
                plan,
                self.population,
                tuple(self.scenario.carriers),
                tuple(self.scenario.access),
                seed=self.scenario.seed,
                replication=number,
                only=only,
            )
            for number in numbers
        ]

    def carrier_of(self) -> list[str]:
        """(endpoints,) names of carriers."""
        names = list(self.scenario.carriers)
        return [names[index] for index in self.population.carrier[:-1]]

    def finishes(self, connected: Sequence[Connected], carrier: str | None = None) -> list[float]:
        """Days until each rollout was done, or a carrier's part of it."""
        if carrier is None:
            return [each.finished() for each in connected]
        mine = np.array(self.carrier_of()) == carrier
        parts = [each.done[mine] for each in connected]
        return [math.inf if (p < 0).any() else float(p.max()) / DAY for p in parts]


def play_rollouts(rollouts: Rollouts, replications: int, share: float, tell: Tell) -> Json:
    """The content of rollout.json, but for the evenings: ``replications`` rollouts, the crews with
    which a ``share`` of them is in time, and what the finish depends on."""
    plan = rollouts.plan
    tell(f"{replications} rollouts")
    played = rollouts.play(plan, range(replications))
    done = np.array([each.done for each in played])
    finished = rollouts.finishes(played)
    tell("what the finish depends on")
    few = range(min(replications, MOST_SWINGS))
    effects = [
        effect(change, finished[: len(few)], rollouts.finishes(rollouts.play(other, few)))
        for change, other in changes(plan)
    ]
    needed = {}
    for carrier in plan.crews:
        tell(f"crews that {carrier} needs")
        crews, held = crews_needed(rollouts, carrier, share, max(replications // 2, 20))
        needed[carrier] = {"crews": crews, "in_time": held}
    busy = {
        carrier: np.mean([each.busy[carrier] for each in played], axis=0)
        for carrier in played[0].busy
    }
    crews_of = {carrier: plan.crews[carrier] for carrier in busy}
    latest = max((days for days in finished if math.isfinite(days)), default=0.0)
    curve = completion_curve(done, max(plan.days + 1, math.ceil(latest)))
    return {
        "format": "rehearsal-rollout",
        "scenario": rollouts.scenario.name,
        "days": plan.days,
        "endpoints": done.shape[1],
        "replications": replications,
        "confidence": share,
        "finish": _finite(asdict(finish(finished, plan.days))),
        "needed": needed,
        "by_day": by_day(done, busy, rollouts.carrier_of(), crews_of, plan.shift, plan.days),
        "curve": {key: value.tolist() for key, value in asdict(curve).items()},
        "effects": [asdict(each) for each in effects],
        "assumptions": [*ASSUMPTIONS],
    }


def play_evenings(
    rollouts: Rollouts, load: Callable[[Sequence[str]], Scenario], tell: Tell
) -> list[Json]:
    """What each evening's rehearsal says of those connected by then in the first rollout."""
    (first,) = rollouts.play(rollouts.plan, [0])
    nights = []
    for day, sites in enumerate(
        sites_by_evening(first, rollouts.population, rollouts.plan.days), 1
    ):
        tell(f"evening {day}: a meeting of {len(sites):,}")
        nights.append(_night(day, len(sites), evening(load([]), load, sites)))
    return nights


def crews_needed(
    rollouts: Rollouts, carrier: str, share: float, checks: int
) -> tuple[int | None, float]:
    """The fewest crews with which a ``share`` of rollouts connects the carrier's part in time.

    A search (results.search) over numbers of crews, then ``checks`` rollouts at what it found, with
    one crew more as long as fewer than the share are done. None where even a crew an endpoint
    would not do. Second: the share of the checks that were done.
    """
    plan, days = rollouts.plan, rollouts.plan.days
    most = sum(name == carrier for name in rollouts.carrier_of())
    search = Search(
        1.0, float(max(most, 2)), tolerance=0.02, share=share, rounded=lambda v: float(round(v)),
        step=1.0,
    )  # fmt: skip

    def in_time(crews: int, numbers: Sequence[int]) -> list[bool]:
        changed = plan.model_copy(update={"crews": {**plan.crews, carrier: crews}})
        found = rollouts.finishes(rollouts.play(changed, numbers, carrier), carrier)
        return [days_taken <= days for days_taken in found]

    while (point := search.ask()) is not None:
        verdict: Any = "pass" if all(in_time(int(point.value), [point.replication])) else "fail"
        search.tell(point.value, Trial(point.replication, verdict, "", (), (), {}, 0, most, 0.0))
    if not search.has_crossing:
        return (1, 1.0) if search.kind == "always" else (None, 0.0)
    crews = int(search.rounded(search.interval[1]))
    for more in range(most - crews + 1):
        done = in_time(crews + more, range(checks))
        if sum(done) >= share * checks:
            return crews + more, sum(done) / checks
    return None, 0.0


def changes(plan: Rollout) -> Iterator[tuple[str, Rollout]]:
    """The ``plan`` with one assumption changed after the other, each up and down."""
    for sign, factor in (("+", 1 + SWING), ("−", 1 - SWING)):
        swing = f"{sign}{SWING:.0%}"
        yield (
            f"crews {swing}",
            plan.model_copy(
                update={"crews": {k: max(round(v * factor), 1) for k, v in plan.crews.items()}}
            ),
        )
        for part in ("install", "test"):
            yield f"{part} times {swing}", _work(plan, part, _longer(factor))
        yield f"faults {swing}", _work(plan, "fault", _times(factor))
        yield f"revisits {swing}", _work(plan, "revisit", _times(factor))
        yield (
            f"material {swing}",
            _work(plan, "kits_per_day", _number(factor)),
        )
        yield f"working day {swing}", plan.model_copy(update={"shift": round(plan.shift * factor)})
        travel = plan.travel
        longer = _longer(factor)
        slower = {
            "within_district": longer(travel.within_district),
            "within_province": longer(travel.within_province),
            "speed": travel.speed / factor,
        }
        moved: Travel = travel.model_copy(update=slower)
        yield f"travel times {swing}", plan.model_copy(update={"travel": moved})


def evening(
    scenario: Scenario, load: Callable[[Sequence[str]], Scenario], sites: Sequence[str]
) -> Trial | None:
    """The rehearsal of the connected ``sites``: None where they are too few for a meeting.

    Whoever has the floor in the meeting and is not connected yet is passed over.
    """
    if len(sites) < FEWEST:
        return None
    connected = set(sites)
    turns = [
        f"{{at: {turn.at}ns, site: {turn.site}}}"
        for turn in scenario.meeting.floor
        if turn.site in connected or turn.site == "command-centre"
    ]
    chosen = load(
        [
            "endpoints.sample=null",
            f"endpoints.only={{site: [{', '.join(sites)}]}}",
            f"meeting.floor=[{', '.join(turns)}]",
        ]
    )
    return observe(simulate(chosen))


def sites_by_evening(connected: Connected, population: Population, days: int) -> list[list[str]]:
    """Sites that were accepted by the end of each day."""
    done: NDArray[np.int64] = connected.done
    return [
        [population.site[i] for i in np.flatnonzero((done >= 0) & (done < (day + 1) * DAY))]
        for day in range(days)
    ]


def _night(day: int, endpoints: int, trial: Trial | None) -> Json:
    if trial is None:
        too_few = {"verdict": "inconclusive", "reason": "Too few for a meeting.", "failed": []}
        return {"day": day, "endpoints": endpoints, **too_few}
    failed = [f"{c.metric}: {c.expression}" for c in trial.binding if c.verdict == "fail"]
    return {
        "day": day,
        "endpoints": endpoints,
        "verdict": trial.verdict,
        "reason": trial.reason,
        "failed": failed,
    }


def _finite(data: Json) -> Json:
    """``data`` with None in place of infinite days: JSON has no infinity."""
    return {
        key: _finite_number(value)
        if not isinstance(value, tuple)
        else [_finite_number(end) for end in value]
        for key, value in data.items()
    }


def _finite_number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _longer(factor: float) -> Callable[[Lasting], Lasting]:
    return lambda lasting: lasting.model_copy(update={"median": round(lasting.median * factor)})


def _times(factor: float) -> Callable[[float], float]:
    return lambda share: min(share * factor, 1.0)


def _number(factor: float) -> Callable[[int], int]:
    return lambda count: max(round(count * factor), 1)


def _work(plan: Rollout, part: str, change: Callable[[Any], Any]) -> Rollout:
    def changed(work: Work) -> Work:
        return work.model_copy(update={part: change(getattr(work, part))})

    return plan.model_copy(update={"work": {k: changed(w) for k, w in plan.work.items()}})
