"""Commands that look at scenarios: list, validate, show."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rehearse.endings import WRONG, clear_endings, complain, say
from rehearse.options import AsJson, Overrides, ScenarioName, Seed

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    from scenarios.scenario import Scenario


def list_scenarios(as_json: AsJson = False) -> None:
    """List the library's scenarios."""
    with clear_endings():
        from results.quantities import format_endpoints, format_span
        from scenarios.library import list_library

        entries = list_library()
        if as_json:
            _print_json([asdict(entry) for entry in entries])
            return
        rows = [
            (
                entry.name,
                format_endpoints(entry.endpoints),
                format_span(entry.duration_s),
                entry.title,
            )
            for entry in entries
        ]
        names, sizes, spans = (max(len(row[i]) for row in rows) for i in range(3))
        for name, size, span, title in rows:
            say(f"{name:<{names}}  {size:>{sizes}}  {span:>{spans}}  {title}")


def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Scenario files, or library names.")
    ],
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Check scenarios; say all that is wrong with each."""
    with clear_endings():
        from results.quantities import format_endpoints
        from scenarios.errors import ScenarioError
        from scenarios.library import count_endpoints
        from scenarios.loading import load_scenario
        from scenarios.units import DURATION, format_quantity

        reports: list[dict[str, Any]] = []
        for file in files:
            faults = []
            try:
                scenario = load_scenario(file, overrides or ())
            except ScenarioError as error:
                faults = [asdict(fault) for fault in error.faults]
                if not as_json:
                    complain(str(error))
            else:
                length = format_quantity(scenario.duration, DURATION)
                if not as_json:
                    count = format_endpoints(count_endpoints(scenario))
                    say(f"{file}: OK, {count}, {length}")
            reports.append({"scenario": file, "valid": not faults, "faults": faults})
        if as_json:
            _print_json(reports)
        if not all(report["valid"] for report in reports):
            raise typer.Exit(WRONG)


def show(
    scenario: ScenarioName,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="The whole scenario as YAML, defaults included.")
    ] = False,
    overrides: Overrides = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Show a scenario: what is rehearsed, who takes part and on which links."""
    with clear_endings():
        from scenarios.loading import load_scenario

        loaded = load_scenario(scenario, overrides or (), seed)
        if as_json:
            _print_json(loaded.model_dump(mode="json", by_alias=True, exclude_none=True))
        elif resolved:
            from scenarios.dumping import dump_scenario

            say(dump_scenario(loaded), nl=False)
        else:
            say("\n".join(_overview(loaded)))


def _overview(scenario: "Scenario") -> Iterable[str]:
    from results.quantities import format_clock, format_span
    from scenarios.population import populate
    from scenarios.units import SECOND

    population = populate(scenario)
    count = len(population) - 1
    layers = [layer.name for layer in scenario.media.video.layers]
    yield f"{scenario.name}: {scenario.title}"
    if scenario.description:
        yield f"\n{scenario.description.rstrip()}"
    yield f"\nDuration    {format_span(scenario.duration / SECOND)}, seed {scenario.seed}"
    yield f"Endpoints   {count:,} and the command centre, dealt with this seed:"
    yield _counts("level", population.level[:-1])
    yield _counts("carrier", _named(population.carrier[:-1], list(scenario.carriers)))
    yield _counts("access", _named(population.access[:-1], list(scenario.access)))
    yield _counts("node", _named(population.node[:-1], list(scenario.nodes)))
    # Index -1, audio only, is the last of the list.
    yield _counts("layer", _named(population.layer[:-1], [*layers, "audio only"]))
    yield "Floor"
    names = dict(zip(population.site, population.name, strict=True))
    for turn in scenario.meeting.floor:
        yield f"  {format_clock(turn.at / SECOND):>6}  {names.get(turn.site, turn.site)}"
    yield "Thresholds" if scenario.thresholds else "Thresholds  none: the verdict is inconclusive"
    for target, conditions in scenario.thresholds.items():
        for condition in conditions:
            window = f" during {condition.during}" if condition.during else ""
            advisory = " (advisory)" if condition.advisory else ""
            yield f"  {target}: {condition.check}{window}{advisory}"


def _named(indices: Iterable[int], names: Sequence[str]) -> list[str]:
    return [names[index] for index in indices]


def _counts(attribute: str, values: Iterable[str]) -> str:
    parts = [f"{value} {count:,}" for value, count in Counter(values).most_common()]
    return f"  {attribute:<9} {', '.join(parts)}"


def _print_json(content: object) -> None:
    say(json.dumps(content, indent=2, ensure_ascii=False))


COMMANDS: Mapping[str, Callable[..., None]] = {
    "list": list_scenarios,
    "validate": validate,
    "show": show,
}
"""Commands by name."""
