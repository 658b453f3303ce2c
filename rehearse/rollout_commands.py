"""The command rollout: how long connecting the endpoints takes, and with how many crews."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Out, Overrides, Quiet, ScenarioName, Seed
from rehearse.planning import SHORT, Duration, choose_folder, read_share, read_time, write

# ruff: noqa: PLC0415  # imports stand in the commands that need them


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
        from rehearse.rolling_out import Rollouts, play_evenings, play_rollouts
        from rehearse.searching import loader
        from results.answers import format_answer
        from scenarios.shortening import shortened

        chosen = [*(overrides or ())]
        full = loader(scenario, chosen, seed)([])
        plan = full.rollout
        if plan is None:
            raise Refusal(
                f"{full.name}: has no rollout; give it the key rollout, as three-day-rollout has"
            )
        if full.endpoints.scale > 1:
            raise Refusal("endpoints.scale: copies of endpoints are nowhere to be connected")
        share = read_share("--confidence", confidence)
        load = loader(scenario, [*chosen, *shortened(full, read_time(duration))], seed)
        folder = choose_folder(out, full.name)
        tell: Callable[[str], None] = (
            (lambda _: None) if quiet else (lambda text: complain(f"rehearse: {text}"))
        )
        rollouts = Rollouts.of(full, plan)
        _check(plan, rollouts.carrier_of(), rollouts)
        content = play_rollouts(rollouts, replications, share, tell)
        content["evenings"] = play_evenings(rollouts, load, tell) if evenings else []
        answer = _answer(full.title, content)
        document = write(answer, folder)
        if as_json:
            say(format_answer(document), nl=False)
        else:
            say(answer.headline)
            for night in content["evenings"]:
                said = f"{night['verdict']}. {night['reason']}"
                say(f"  evening {night['day']}: {night['endpoints']:,} connected: {said}")
            say(f"  report  {folder / 'report.html'}")
        raise typer.Exit(0 if content["finish"]["in_time"] >= share else 99)


def _answer(title: str, content: dict[str, Any]) -> Any:
    import numpy as np

    from results.answers import Answer, Table
    from results.plots.rollout import draw_rollout
    from results.rollouts import Curve, Effect

    ended, days = content["finish"], content["days"]
    effects = [Effect(**each) for each in content["effects"]]
    curve = Curve(**{key: np.array(values) for key, values in content["curve"].items()})
    low, high = ended["in_time_interval"]
    crews = ", ".join(
        f"{name} {need['crews'] or '(no number will do: material or second visits take longer)'}"
        for name, need in content["needed"].items()
    )
    half = (
        f"half are done after {ended['median']:.2f} days"
        if ended["median"] is not None
        else "most are never done"
    )
    headline = (
        f"{content['endpoints']:,} endpoints are connected within {days} days in "
        f"{ended['in_time']:.0%} of {content['replications']} rollouts ({low:.0%} … {high:.0%}); "
        f"{half}. For {days} days at "
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
        notes=content["assumptions"],
    )


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


COMMANDS: Mapping[str, Callable[..., None]] = {"rollout": rollout}
"""Commands by name."""
