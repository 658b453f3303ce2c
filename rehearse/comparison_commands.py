"""Commands that compare runs: compare, gate."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson
from rehearse.planning import read_share

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    from results.comparison import Comparison
    from results.gate import Check, Gate
    from results.sets import RunSet
    from scenarios.places import Place

MOST_SHOWN = 20
"""Changes that the terminal shows."""

Margin = Annotated[
    str,
    typer.Option(
        metavar="SHARE",
        help="Differences of less than this share of the value before do not matter.",
    ),
]


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="A", help="Replications, a run, or a folder of runs.")
    ],
    after: Annotated[Path, typer.Argument(metavar="B", help="What is compared with them.")],
    margin: Margin = "5%",
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Only this metric; may be repeated.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write it as a page (.html) or a plot (.png, .svg).",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what differs between two sets of runs, and whether that is more than luck."""
    with clear_endings():
        from results.circumstances import differences
        from results.comparison import all_figures, describe_comparison
        from results.comparison import compare as compare_sets

        share = read_share("--margin", margin, or_none=True)
        for name in metric or ():
            _check_metric(name)
        if out is not None and out.suffix not in (".html", ".png", ".svg"):
            raise Refusal(f"--out: {str(out)!r} — must end in .html, .png or .svg")
        one, other = _read(before), _read(after)
        figures = all_figures(one.replications, other.replications, metrics=metric)
        comparison = compare_sets(one.replications, other.replications, figures, margin=share)
        warnings = differences(one, other)
        if out is not None:
            _write(comparison, warnings, out)
        if as_json:
            _print_json(describe_comparison(comparison, warnings))
        else:
            say("\n".join(_lines(comparison, warnings)))


def gate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Replications, a run, or a folder of runs.")
    ],
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN|DIR",
            help="Earlier runs that it must not be worse than.",
            show_default=False,
        ),
    ] = None,
    margin: Margin = "5%",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Inconclusive, too, where a figure can't be told from luck."),
    ] = False,
    scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The scenario's file, for annotations; the one that was simulated unless said.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.", show_default=False)
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a summary in Markdown.", show_default=False),
    ] = None,
    code_quality: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write GitLab's code quality report.", show_default=False
        ),
    ] = None,
    annotations: Annotated[
        bool | None,
        typer.Option(
            help="Print GitHub's annotations on stderr; within GitHub Actions unless said.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give one verdict on a release: thresholds, and regressions against a baseline."""
    with clear_endings():
        from results import gate_outputs
        from results.circumstances import differences
        from results.gate import describe_gate, judge_release
        from results.verdict import EXIT_CODES

        share = read_share("--margin", margin, or_none=True)
        found = _read(run)
        earlier = _read(baseline, leave_out=run) if baseline is not None else None
        if earlier is not None:
            _check_baseline(found, earlier)
        verdict = judge_release(
            found.summarize(),
            found.replications,
            earlier.replications if earlier else None,
            margin=share,
            strict=strict,
        )
        warnings = differences(earlier, found) if earlier else []
        place = _placer(found, scenario)
        if junit is not None:
            text = gate_outputs.junit(verdict, place, found.replications.wall_s)
            junit.write_text(text, encoding="utf-8")
        if markdown is not None:
            markdown.write_text(gate_outputs.markdown(verdict, warnings), encoding="utf-8")
        if code_quality is not None:
            quality = gate_outputs.code_quality(verdict, place)
            code_quality.write_text(json.dumps(quality, indent=2, ensure_ascii=False) + "\n")
        if annotations or (annotations is None and os.environ.get("GITHUB_ACTIONS") == "true"):
            # The runner reads workflow commands on either stream; stdout is data.
            for line in gate_outputs.annotations(verdict, place):
                complain(line)
        if as_json:
            _print_json(describe_gate(verdict, warnings))
        else:
            say("\n".join(_gate_lines(verdict, warnings)))
        raise typer.Exit(EXIT_CODES[verdict.verdict])


def _lines(comparison: "Comparison", warnings: Sequence[str]) -> list[str]:
    from results.comparison import STANDINGS
    from results.comparison_report import title_of
    from results.gate import describe_difference

    lines = [title_of(comparison)]
    lines += [f"  ! {text}" for text in warnings]
    counts = ", ".join(f"{comparison.count(each)} {each}" for each in STANDINGS)
    lines += [f"  {counts}, of {len(comparison.changes)} figures", ""]
    shown = [change for change in comparison.ranked() if change.standing != "same"]
    names = [str(change.figure) for change in shown[:MOST_SHOWN]]
    width = max(map(len, names), default=0)
    for change, name in zip(shown, names, strict=False):
        lines.append(f"  {change.standing:<10}  {name:<{width}}  {describe_difference(change)}")
    if len(shown) > MOST_SHOWN:
        lines.append(f"  … and {len(shown) - MOST_SHOWN} more: --json or --out has them all")
    return lines


def _gate_lines(gate: "Gate", warnings: Sequence[str]) -> list[str]:
    from results.page import MARKS

    lines = [f"{MARKS[gate.verdict]} {gate.verdict.upper()}  {gate.scenario}. {gate.reason}"]
    lines += [f"  ! {text}" for text in warnings]
    for kind, heading in (("threshold", "thresholds"), ("regression", "against the baseline")):
        checks = [check for check in gate.checks if check.kind == kind]
        if not checks:
            continue
        lines += ["", f"  {heading}"]
        for check in checks:
            advisory = "  (advisory)" if check.advisory else ""
            lines.append(f"    {MARKS[check.verdict]} {check.name}: {check.sentence}{advisory}")
    return lines


def _placer(found: "RunSet", scenario: Path | None) -> "Callable[[Check], Place]":
    """Where a check's threshold stands: in the scenario's own file, else in the run's folder."""
    from scenarios.places import Place, threshold_places

    file = scenario or _simulated(found.replications.command)
    resolved = found.path / "scenario.yaml"
    if file is None and not resolved.is_file():  # a folder of runs
        resolved = next(iter(sorted(found.path.glob("*/scenario.yaml"))), resolved)
    source = file if file is not None else resolved
    if scenario is not None and not scenario.is_file():
        raise Refusal(f"--scenario: {str(scenario)!r} — there is no such file")
    places = threshold_places(source)
    return lambda check: places.get((check.target, check.number), Place(str(source), 1))


def _simulated(command: Sequence[str]) -> Path | None:
    """The scenario's file among the words of the command that made a run."""
    files = [Path(word) for word in command if word.endswith((".yaml", ".yml"))]
    return next((path for path in files if path.is_file()), None)


def _check_baseline(found: "RunSet", earlier: "RunSet") -> None:
    names = [each.replications.scenario.name for each in (earlier, found)]
    if names[0] != names[1]:
        raise Refusal(
            f"--baseline: {earlier.path} is of the scenario {names[0]}, and {found.path} of "
            f"{names[1]}: a baseline must be of the same."
        )
    modes = [each.replications.mode for each in (earlier, found)]
    if modes[0] != modes[1]:
        raise Refusal(
            f"--baseline: {earlier.path} is {modes[0]}, and {found.path} {modes[1]}: a baseline "
            "must have been played the same way."
        )


def _check_metric(name: str) -> None:
    from scenarios.errors import nearest
    from scenarios.metrics import METRICS

    if name not in METRICS:
        close = nearest(name, METRICS)
        hint = f"; did you mean {close}?" if close else ""
        raise Refusal(f"--metric: {name!r} — must be one of {', '.join(METRICS)}{hint}")


def _write(comparison: "Comparison", warnings: Sequence[str], path: Path) -> None:
    if path.suffix == ".html":
        from results.comparison_report import write_comparison

        write_comparison(comparison, warnings, path)
    else:
        from results.comparison_report import title_of
        from results.plots.differences import save_comparison

        save_comparison(comparison, title_of(comparison), path)


def _read(path: Path, leave_out: Path | None = None) -> "RunSet":
    from results.sets import read_set
    from results.store import StoreError

    try:
        return read_set(path, leave_out)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None


def _print_json(content: Mapping[str, Any]) -> None:
    say(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


COMMANDS: Mapping[str, Callable[..., None]] = {"compare": compare, "gate": gate}
"""Commands by name."""
