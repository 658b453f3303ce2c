"""Commands that make runs and look at them: simulate, report, plot."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Overrides, Quiet, RunFolder, ScenarioName, Seed

# ruff: noqa: PLC0415  # imports stand in the commands that need them

MUCH_MEMORY = 1 << 30
"""Bytes of samples from which on a run is warned of."""

if TYPE_CHECKING:
    from results.records import Run
    from scenarios.scenario import Scenario


def simulate(
    scenario: ScenarioName,
    *,
    overrides: Overrides = None,
    seed: Seed = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The run folder; results/runs/SCENARIO/RUN-ID unless said.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processor cores to use; all unless said. The results are the same.",
            show_default=False,
        ),
    ] = None,
    trace_packets: Annotated[
        str | None,
        typer.Option(
            metavar="SITE",
            help="Write one row per packet of this endpoint to packets.parquet.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Play a scenario in simulated time, packet by packet, and give its verdict."""
    with clear_endings():
        from results.store import StoreError, check_folder, default_folder, write_run
        from results.summary import format_summary
        from results.verdict import EXIT_CODES
        from scenarios.loading import load_scenario

        loaded = load_scenario(scenario, overrides or (), seed)
        if trace_packets is not None:
            _check_site(loaded, trace_packets)
        try:
            folder = out if out is not None else default_folder(loaded.name)
            check_folder(folder)
            _check_parent(folder)
            if not quiet:
                _warn_of_memory(loaded)
            run = _play(loaded, threads, trace_packets, quiet)
            if not quiet:
                complain("rehearse: writing the run and its report")
            summary = write_run(run, folder)
        except StoreError as error:
            raise Refusal(f"rehearse: {error}") from None
        if as_json:
            say(format_summary(summary), nl=False)
        else:
            from rehearse.outcome import describe_outcome

            say(describe_outcome(summary, folder))
        raise typer.Exit(EXIT_CODES[summary["verdict"]])


def report(
    run: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to; report.html in the run unless said.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's report anew: one HTML file that opens offline."""
    with clear_endings():
        from results.report import write_report
        from results.store import read_manifest
        from results.summary import format_summary, summarize

        loaded = _read(run)
        summary = summarize(loaded)
        path = out if out is not None else run / "report.html"
        write_report(loaded, summary, path, read_manifest(run))
        say(format_summary(summary) if as_json else path, nl=not as_json)


def plot(
    run: RunFolder,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="The plot; without it, all plots are listed."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A PNG or SVG file; NAME.png unless said.", show_default=False
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="The metric that it shows, of those it can.", show_default=False),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="SITE", help="The site that it shows, where it shows one.", show_default=False
        ),
    ] = None,
) -> None:
    """Draw one plot of a run."""
    with clear_endings():
        from results.plots import PLOTS, save_plot

        if name is None:
            for each in PLOTS.values():
                say(f"{each.name:<18} {each.description}")
            return
        loaded = _read(run)
        path = out if out is not None else Path(f"{name}.png")
        try:
            save_plot(loaded, name, path, metric, site)
        except ValueError as error:
            raise Refusal(f"rehearse: {error}") from None
        say(path)


def _check_parent(folder: Path) -> None:
    """Refuse, before the run and not after it, a folder that could not be made."""
    parent = next(path for path in folder.absolute().parents if path.exists())
    if not parent.is_dir():
        raise Refusal(f"rehearse: {folder}: cannot be a run folder, for {parent.name} is a file.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Refusal(f"rehearse: {folder}: cannot be made: Permission denied.")


def _check_site(scenario: "Scenario", site: str) -> None:
    from scenarios.errors import nearest
    from scenarios.population import populate

    sites = populate(scenario).site
    if site not in sites:
        close = nearest(site, sites)
        hint = f"; did you mean {close}?" if close else ""
        raise Refusal(f"--trace-packets: {site!r} — must be a site that is played{hint}")


def _warn_of_memory(scenario: "Scenario") -> None:
    """Say so, before the run, where the table of samples alone takes much memory."""
    from results.quantities import format_bytes
    from results.records import sample_bytes
    from scenarios.population import populate

    intervals = -(-scenario.duration // scenario.interval)
    least = sample_bytes(len(populate(scenario).site) * intervals)
    if least > MUCH_MEMORY:
        complain(
            f"rehearse: samples alone will take {format_bytes(least)} of memory; a longer interval "
            "or fewer endpoints take less"
        )


def _play(scenario: "Scenario", threads: int | None, site: str | None, quiet: bool) -> "Run":
    from rehearse.progress import meter

    if not quiet:
        complain(f"rehearse: preparing {scenario.name}")
    from simulations import simulate as play

    with meter(quiet) as tell:
        return play(
            scenario,
            command=("rehearse", *sys.argv[1:]),
            progress=tell,
            threads=threads,
            trace_site=site,
        )


def _read(folder: Path) -> "Run":
    from results.store import StoreError, read_run

    try:
        return read_run(folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None


COMMANDS: Mapping[str, Callable[..., None]] = {"simulate": simulate, "report": report, "plot": plot}
"""Commands by name."""
