"""Commands of planners: capacity, sweep."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Overrides, Quiet, ScenarioName, Seed

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    from results.answers import Answer
    from results.search import Search
    from scenarios.scenario import Scenario
    from scenarios.variables import Variable

SHORT = "30s"
"""How long each of a search's meetings is, unless said."""

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The folder to write; results/runs/SCENARIO/RUN-ID unless said.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Processor cores to use; all unless said. The results are the same.",
        show_default=False,
    ),
]
Duration = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Play each meeting in this time, its timeline in fast motion.",
    ),
]


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
            help="The range; of endpoints, a tenth to ten times the scenario's unless said.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(metavar="SHARE", help="Half-width of the interval that will do.")
    ] = "2%",
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
        short = shortened(full, _time(duration))
        load = loader(scenario, [*chosen, *short], seed)
        found = range_of(full, over, between or _range(full, over))
        low, high = found.values
        variable = found.variable
        for end in (low, high):
            load(variable.set_to(end))
        folder = _folder(out, full.name)
        search = Search(
            variable.rounded(low),
            variable.rounded(high),
            tolerance=_share("--precision", precision),
            confidence=_share("--confidence", confidence),
            share=_share("--meetings", meetings),
            most_runs=runs,
            rounded=variable.rounded,
            step=1.0 if variable.whole else 0.0,
        )
        play_search(search, load, variable, threads=threads, tell=_teller(search, variable, quiet))
        notes = _notes(full, load([]))
        content = conclude(search, variable, load([]), notes)
        document = _write(_capacity_answer(full, content, variable, notes), folder)
        if as_json:
            say(format_answer(document), nl=False)
        else:
            say(content["answer"])
            say(f"\n  {len(search.played)} runs, {content['wall_s']:,.0f} s")
            for note in notes:
                say(f"  {note}")
            say(f"  report  {folder / 'report.html'}")
        raise typer.Exit(EXIT_CODES[content["kind"]])


def _capacity_answer(
    scenario: "Scenario", content: dict[str, object], variable: "Variable", notes: list[str]
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
        breaks: list[dict[str, object]] = content["breaks"]  # type: ignore[assignment]
        rows = []
        for each in breaks:
            name = (str(each["metric"]), str(each["expression"]), each["during"])
            low, high = each["interval"]  # type: ignore[misc]
            rows.append(
                [
                    describe_threshold(name),  # type: ignore[arg-type]
                    variable.say(each["value"]),  # type: ignore[arg-type]
                    f"{variable.say(low)} … {variable.say(high)}",
                ]
            )
        tables.append(
            Table("In which order thresholds break", ["Threshold", "At", "Interval"], rows)
        )
        bottleneck: dict[str, list[dict[str, object]]] = content["bottleneck"]  # type: ignore[assignment]
        fullest = [[str(r["name"]), f"{r['utilization']:.1%}"] for r in bottleneck["fullest"]]
        tables.append(Table("What is full at the crossing", ["Part", "Utilization"], fullest))
    return Answer(
        name="capacity",
        title=f"Capacity: {scenario.title}",
        headline=str(content["answer"]),
        verdict=verdicts.get(str(content["kind"]), "inconclusive"),
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


def _notes(full: "Scenario", played: "Scenario") -> list[str]:
    """What must be known with figures from shortened meetings."""
    from results.quantities import format_span

    notes = []
    if played.duration < full.duration:
        notes.append(
            f"Each meeting of {format_span(full.duration / 1e9)} was played in "
            f"{format_span(played.duration / 1e9)}, its timeline in fast motion: what needs longer "
            "to build up was not seen, and rare events weigh less. A longer --duration is surer."
        )
    notes.append(
        "The interval is about the simulation's randomness; the scenario's own assumptions, which "
        "its description states, are not in it."
    )
    return notes


def _range(scenario: "Scenario", over: str) -> str:
    from scenarios.library import count_endpoints

    if over != "endpoints":
        raise Refusal(f"--between: is needed, as in --over {over} --between LOW..HIGH")
    count = count_endpoints(scenario)
    return f"{max(count // 10, 1)}..{count * 10}"


def _folder(out: Path | None, name: str) -> Path:
    from results.store import StoreError, check_folder, default_folder

    folder = out if out is not None else default_folder(name)
    try:
        check_folder(folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None
    return folder


def _write(answer: "Answer", folder: Path) -> dict[str, object]:
    from results.answers import write_answer
    from results.store import StoreError

    try:
        return write_answer(answer, folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None


def _time(text: str) -> int:
    from scenarios.units import DURATION, SECOND, parse_quantity

    try:
        value = int(parse_quantity(text, DURATION, "duration"))
    except ValueError as error:
        raise Refusal(f"--duration: {text!r} — {error}") from None
    if value < SECOND:
        raise Refusal(f"--duration: {text!r} — must be at least 1s")
    return value


def _share(option: str, text: str) -> float:
    from scenarios.units import SHARE, parse_quantity

    try:
        value = float(parse_quantity(text, SHARE, "share"))
    except ValueError as error:
        raise Refusal(f"{option}: {text!r} — {error}") from None
    if not 0 < value < 1:
        raise Refusal(f"{option}: {text!r} — must lie between 0% and 100%")
    return value


COMMANDS: Mapping[str, Callable[..., None]] = {"capacity": capacity}
"""Commands by name."""
