"""The command capacity: how much a scenario carries."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Out, Overrides, Quiet, ScenarioName, Seed, Threads
from rehearse.planning import (
    SHORT,
    Duration,
    choose_folder,
    notes_of,
    read_share,
    read_time,
    write,
)

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    from results.answers import Answer
    from results.search import Search
    from scenarios.scenario import Scenario
    from scenarios.variables import Variable


def capacity(
    scenario: ScenarioName,
    *,
    over: Annotated[
        str, typer.Option(metavar="PATH", help="What is searched: any value of the scenario.")
    ] = "endpoints",
    between: Annotated[
        str | None,
        typer.Option(
            metavar="LOW..HIGH",
            help="The range; of endpoints, half to six times the scenario's unless said.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(metavar="SHARE", help="Half-width of the interval that will do.")
    ] = "10%",
    confidence: Annotated[
        str, typer.Option(metavar="SHARE", help="Confidence of the answer.")
    ] = "95%",
    meetings: Annotated[
        str, typer.Option(metavar="SHARE", help="Share of meetings that must hold at the answer.")
    ] = "50%",
    runs: Annotated[int, typer.Option(min=8, metavar="N", help="Runs at most.")] = 40,
    duration: Duration = SHORT,
    overrides: Overrides = None,
    seed: Seed = None,
    threads: Threads = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search for the last value at which a scenario's thresholds hold, and what breaks first."""
    with clear_endings():
        from rehearse.searching import loader, play_search
        from results.answers import format_answer
        from results.capacity import EXIT_CODES, conclude
        from results.search import Search
        from scenarios.shortening import shortened
        from scenarios.variables import range_of

        chosen = [*(overrides or ())]
        full = loader(scenario, chosen, seed)([])
        short = shortened(full, read_time(duration))
        load = loader(scenario, [*chosen, *short], seed)
        found = range_of(full, over, between or _range(full, over))
        low, high = found.values
        variable = found.variable
        for end in (low, high):
            load(variable.set_to(end))
        folder = choose_folder(out, full.name)
        search = Search(
            variable.rounded(low),
            variable.rounded(high),
            tolerance=read_share("--precision", precision),
            confidence=read_share("--confidence", confidence),
            share=read_share("--meetings", meetings),
            most_runs=runs,
            rounded=variable.rounded,
            step=1.0 if variable.whole else 0.0,
        )
        play_search(search, load, variable, threads=threads, tell=_teller(search, variable, quiet))
        notes = notes_of(full, load([]))
        content = conclude(search, variable, load([]), notes)
        document = write(_capacity_answer(full, content, variable, notes), folder)
        if as_json:
            say(format_answer(document), nl=False)
        else:
            say(content["answer"])
            played = len(search.played)
            say(f"\n  {played} run{'s' if played != 1 else ''}, {content['wall_s']:,.0f} s")
            for note in notes:
                say(f"  {note}")
            say(f"  report  {folder / 'report.html'}")
        raise typer.Exit(EXIT_CODES[content["kind"]])


def _capacity_answer(
    scenario: "Scenario", content: dict[str, Any], variable: "Variable", notes: list[str]
) -> "Answer":
    from results.answers import Answer, Table
    from results.search import describe_threshold
    from scenarios.dumping import dump_scenario

    verdicts = {"found": "pass", "never": "fail"}
    figures = {}
    tables = []
    if "curve" in content:
        from results.plots.capacity import draw_capacity

        caption = (
            "The blue line is the crossing, the blue band its interval. Above: the share of "
            "meetings that hold. In the middle: what breaks first. Below: what fills up."
        )
        figures["curve"] = (caption, draw_capacity(content, variable))
        rows = [
            [
                describe_threshold((each["metric"], each["expression"], each["during"])),
                variable.say(each["value"]),
                " … ".join(variable.say(end) for end in each["interval"]),
            ]
            for each in content["breaks"]
        ]
        tables.append(
            Table("In which order thresholds break", ["Threshold", "At", "Interval"], rows)
        )
        shown = {
            part["name"]: [
                part["name"],
                f"{part['utilization']:.1%}",
                f"{part['queue_delay'] * 1000:,.1f} ms",
            ]
            for key in ("fullest", "longest_queues")
            for part in content["bottleneck"][key]
        }
        headings = ["Part", "Utilization", "Longest wait"]
        tables.append(Table("What is full at the crossing", headings, [*shown.values()]))
    return Answer(
        name="capacity",
        title=f"Capacity: {scenario.title}",
        headline=content["answer"],
        verdict=verdicts.get(content["kind"], "inconclusive"),
        content=content,
        command=("rehearse", *sys.argv[1:]),
        figures=figures,
        tables=tables,
        notes=notes,
        files={"scenario.yaml": dump_scenario(scenario)},
    )


def _teller(search: "Search", variable: "Variable", quiet: bool) -> Callable[..., None]:
    def tell(played: object) -> None:
        from results.search import Played

        if quiet or not isinstance(played, Played):
            return
        trial = played.trial
        said = {"pass": "holds", "fail": "fails"}.get(trial.verdict, trial.verdict)
        complain(
            f"rehearse: run {len(search.played)}: {variable.say(played.value)}, meeting "
            f"{trial.replication}: {said} ({trial.wall_s:,.0f} s)"
        )

    return tell


def _range(scenario: "Scenario", over: str) -> str:
    from scenarios.library import count_endpoints
    from scenarios.variables import ENDPOINTS, expand

    if over != ENDPOINTS:
        expand(scenario, over)  # it names a mistake there first
        raise Refusal(f"--between: is needed, as in --over {over} --between LOW..HIGH")
    count = count_endpoints(scenario)
    return f"{max(count // 2, 1)}..{count * 6}"


COMMANDS: Mapping[str, Callable[..., None]] = {"capacity": capacity}
"""Commands by name."""
