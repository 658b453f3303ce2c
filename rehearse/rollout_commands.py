"""The command rollout: how long connecting the endpoints takes, and with how many crews."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Overrides, Quiet, ScenarioName, Seed
from rehearse.planning import SHORT, Duration, Out, choose_folder, read_share, read_time, write

# ruff: noqa: PLC0415  # imports stand in the commands that need them

MOST_SWINGS = 15
"""Rollouts by which the effect of an assumption is told: with the same random numbers, few do."""
ASSUMPTIONS = (
    "All times, fault shares, material and crews are the scenario's assumptions.",
    "Carriers' crews do not help each other; crews of a carrier know at once where work is left.",
    "Which endpoint is whose and on which link is that of replication 0 in all rollouts.",
    "The evenings' rehearsals are of the first rollout.",
)
"""What the model takes for granted, beside what the scenario's description states."""


def rollout(
    scenario: ScenarioName,
    *,
    replications: Annotated[
        int, typer.Option(min=6, metavar="N", help="Rollouts that are played.")
    ] = 100,
    confidence: Annotated[
        str, typer.Option(metavar="SHARE", help="Share of rollouts that must be done in time.")
    ] = "95%",
    evenings: Annotated[
        bool, typer.Option(help="Rehearse the meeting of those connected, every evening.")
    ] = True,
    duration: Duration = SHORT,
    overrides: Overrides = None,
    seed: Seed = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Play how crews connect a scenario's endpoints: by when, with how many crews, and what if."""
    with clear_endings():
        from rehearse.rolling_out import (
            Rollouts,
            changes,
            crews_needed,
            evening,
            sites_by_evening,
        )
        from rehearse.searching import loader
        from results.answers import format_answer
        from results.rollouts import by_day, completion_curve, effect, finish
        from scenarios.shortening import shortened

        chosen = [*(overrides or ())]
        full = loader(scenario, chosen, seed)([])
        plan = full.rollout
        if plan is None:
            raise Refusal(
                f"{full.name}: has no rollout; give it the key rollout, as three-day-rollout has"
            )
        share = read_share("--confidence", confidence)
        load = loader(scenario, [*chosen, *shortened(full, read_time(duration))], seed)
        folder = choose_folder(out, full.name)
        tell: Callable[[str], None] = (
            (lambda _: None) if quiet else (lambda text: complain(f"rehearse: {text}"))
        )
        rollouts = Rollouts.of(full, plan)
        _check(plan, rollouts.carrier_of(), rollouts)
        tell(f"{replications} rollouts")
        import numpy as np

        played = rollouts.play(plan, range(replications))
        done = np.array([each.done for each in played])
        finished = rollouts.finishes(played)
        ended = finish(finished, plan.days)
        tell("what the finish depends on")
        few = range(min(replications, MOST_SWINGS))
        effects = [
            effect(change, finished[: len(few)], rollouts.finishes(rollouts.play(other, few)))
            for change, other in changes(plan)
        ]
        needed: dict[str, dict[str, Any]] = {}
        for carrier in plan.crews:
            tell(f"crews that {carrier} needs")
            crews, held = crews_needed(rollouts, carrier, share, max(replications // 2, 20))
            needed[carrier] = {"crews": crews, "in_time": held}
        nights: list[dict[str, Any]] = []
        if evenings:
            sites = sites_by_evening(played[0], rollouts.population, plan.days)
            for day, connected in enumerate(sites, 1):
                tell(f"evening {day}: a meeting of {len(connected):,}")
                trial = evening(load([]), load, connected)
                nights.append(_night(day, len(connected), trial))
        busy = {
            carrier: np.mean([each.busy[carrier] for each in played], axis=0)
            for carrier in plan.crews
            if carrier in played[0].busy
        }
        crews_of = {carrier: plan.crews[carrier] for carrier in busy}
        rows = by_day(done, busy, rollouts.carrier_of(), crews_of, plan.shift, plan.days)
        curve = completion_curve(done, max(plan.days + 1, float(np.ceil(_last(finished)))))
        content = {
            "format": "rehearsal-rollout",
            "scenario": full.name,
            "days": plan.days,
            "endpoints": done.shape[1],
            "replications": replications,
            "confidence": share,
            "finish": asdict(ended),
            "needed": needed,
            "by_day": rows,
            "curve": {key: value.tolist() for key, value in asdict(curve).items()},
            "effects": [asdict(each) for each in effects],
            "evenings": nights,
            "assumptions": [*ASSUMPTIONS],
        }
        answer = _answer(full.title, content, curve, effects)
        document = write(answer, folder)
        if as_json:
            say(format_answer(document), nl=False)
        else:
            say(answer.headline)
            for night in nights:
                said = f"{night['verdict']}. {night['reason']}"
                say(f"  evening {night['day']}: {night['endpoints']:,} connected: {said}")
            say(f"  report  {folder / 'report.html'}")
        raise typer.Exit(0 if ended.in_time >= share else 99)


def _answer(title: str, content: dict[str, Any], curve: Any, effects: Any) -> Any:
    from results.answers import Answer, Table
    from results.plots.rollout import draw_rollout

    ended, days = content["finish"], content["days"]
    low, high = ended["in_time_interval"]
    crews = ", ".join(
        f"{name} {need['crews'] if need['crews'] is not None else 'more than it has endpoints'}"
        for name, need in content["needed"].items()
    )
    headline = (
        f"{content['endpoints']:,} endpoints are connected within {days} days in "
        f"{ended['in_time']:.0%} of {content['replications']} rollouts ({low:.0%} … {high:.0%}); "
        f"half are done after {ended['median']:.2f} days. For {days} days at "
        f"{content['confidence']:.0%} confidence, crews needed: {crews}."
    )
    rows = [
        [
            row["carrier"],
            str(row["day"]),
            str(row["crews"]),
            f"{row['accepted']:.0f}",
            f"{row['busy']:.0%}",
        ]
        for row in content["by_day"]
    ]
    nights = [
        [str(n["day"]), f"{n['endpoints']:,}", n["verdict"], n["reason"], "; ".join(n["failed"])]
        for n in content["evenings"]
    ]
    swings = [
        [each.change, f"{each.days * 24:+.1f} h", f"{each.low * 24:+.1f} … {each.high * 24:+.1f} h"]
        for each in sorted(effects, key=lambda each: -abs(each.days))
    ]
    caption = "Above: the completion curve. Below: what a change of one assumption does."
    return Answer(
        name="rollout",
        title=title,
        headline=headline,
        verdict="pass" if ended["in_time"] >= content["confidence"] else "fail",
        content=content,
        command=("rehearse", *sys.argv[1:]),
        figures={"rollout": (caption, draw_rollout(curve, effects, content["endpoints"], days))},
        tables=[
            Table(
                "Crews by carrier and day",
                ["Carrier", "Day", "Crews", "Accepted", "Busy"],
                rows,
            ),
            Table("Evenings", ["Evening", "Connected", "Verdict", "Why", "What fails"], nights),
            Table("What the finish depends on", ["Change", "Finish", "95 % interval"], swings),
        ],
        notes=[*ASSUMPTIONS],
    )


def _night(day: int, endpoints: int, trial: Any) -> dict[str, Any]:
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


def _check(plan: Any, carriers: list[str], rollouts: Any) -> None:
    """Refuse a plan that leaves a carrier without crews or a kind of link without work."""
    kinds = list(rollouts.scenario.access)
    met = {kinds[index] for index in rollouts.population.access[:-1]}
    bare = [f"rollout.crews.{name}" for name in sorted(set(carriers) - set(plan.crews))]
    bare += [f"rollout.work.{name}" for name in sorted(met - set(plan.work))]
    if bare:
        raise Refusal(
            "\n".join(f"{key}: is missing, and there are endpoints that need it" for key in bare)
        )


def _last(finished: list[float]) -> float:
    finite = [days for days in finished if days < float("inf")]
    return max(finite, default=0.0)


COMMANDS: Mapping[str, Callable[..., None]] = {"rollout": rollout}
"""Commands by name."""
