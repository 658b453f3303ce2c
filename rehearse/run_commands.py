"""Commands that make runs and look at them: simulate, report, plot."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rehearse.endings import Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Out, Overrides, Quiet, RunFolder, ScenarioName, Seed, Threads
from rehearse.planning import choose_folder, read_share

# ruff: noqa: PLC0415  # imports stand in the commands that need them

MUCH_MEMORY = 1 << 30
"""Bytes of samples from which on a run is warned of."""

if TYPE_CHECKING:
    from results.records import Run
    from results.sets import RunSet
    from scenarios.scenario import Scenario


def simulate(
    scenario: ScenarioName,
    *,
    overrides: Overrides = None,
    seed: Seed = None,
    out: Out = None,
    threads: Threads = None,
    trace_packets: Annotated[
        str | None,
        typer.Option(
            metavar="SITE",
            help="Write one row per packet of this endpoint to packets.parquet.",
            show_default=False,
        ),
    ] = None,
    replications: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Play N draws of the scenario's randomness, and give every figure an interval.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Replicate until each thresholded figure is known to within this share of "
            "itself, as in 5%; N replications at most, 50 unless said.",
            show_default=False,
        ),
    ] = None,
    replication: Annotated[
        int, typer.Option(min=0, metavar="I", help="Play this one of the scenario's draws.")
    ] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Play a scenario in simulated time, packet by packet, and give its verdict."""
    with clear_endings():
        from results.store import StoreError, write_run
        from results.summary import format_summary
        from results.verdict import EXIT_CODES
        from scenarios.loading import load_scenario

        loaded = load_scenario(scenario, overrides or (), seed)
        if trace_packets is not None:
            _check_site(loaded, trace_packets)
        several = replications is not None or precision is not None
        if several and (trace_packets is not None or replication):
            raise Refusal("rehearse: --trace-packets and --replication are about a single run.")
        share = read_share("--precision", precision) if precision is not None else None
        folder = choose_folder(out, loaded.name)
        if not quiet:
            _warn_of_memory(loaded)
        try:
            if several:
                summary = _replicate(loaded, replications, share, threads, folder, quiet)
            else:
                run = _play(loaded, threads, trace_packets, replication, quiet)
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
        from results.replications import summarize_replications
        from results.report import write_report
        from results.set_report import write_set_report
        from results.sets import is_set
        from results.store import read_manifest
        from results.summary import format_summary, summarize

        path = out if out is not None else run / "report.html"
        if is_set(run):
            several = _read_set(run)
            summary = summarize_replications(several.replications)
            write_set_report(several.replications, summary, path, several.manifests[-1])
        else:
            loaded = _read(run)
            summary = summarize(loaded)
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
        from results.plots.of_sets import SET_PLOTS, save_set_plot
        from results.sets import is_set

        if name is None:
            for each in (SET_PLOTS if is_set(run) else PLOTS).values():
                say(f"{each.name:<18} {each.description}")
            return
        path = out if out is not None else Path(f"{name}.png")
        try:
            if is_set(run):
                save_set_plot(_read_set(run).replications, name, path, metric)
            else:
                save_plot(_read(run), name, path, metric, site)
        except ValueError as error:
            raise Refusal(f"rehearse: {error}") from None
        say(path)


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


def _replicate(
    scenario: "Scenario",
    count: int | None,
    precision: float | None,
    threads: int | None,
    folder: Path,
    quiet: bool,
) -> dict[str, Any]:
    from rehearse.progress import counter
    from results.sets import write_replications

    if not quiet:
        complain(f"rehearse: preparing {scenario.name}")
    import joblib

    from rehearse.replications import MOST, play_replications

    found = play_replications(
        scenario,
        count,
        precision=precision,
        processes=threads or joblib.cpu_count(),
        command=("rehearse", *sys.argv[1:]),
        tell=counter(quiet, count or MOST),
    )
    return write_replications(found, folder)


def _play(
    scenario: "Scenario", threads: int | None, site: str | None, replication: int, quiet: bool
) -> "Run":
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
            replication=replication,
        )


def _read(folder: Path) -> "Run":
    from results.store import StoreError, read_run

    try:
        return read_run(folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None


def _read_set(folder: Path) -> "RunSet":
    from results.sets import read_set
    from results.store import StoreError

    try:
        return read_set(folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None


COMMANDS: Mapping[str, Callable[..., None]] = {"simulate": simulate, "report": report, "plot": plot}
"""Commands by name."""
