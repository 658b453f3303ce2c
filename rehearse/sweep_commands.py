"""The command sweep: a scenario at many points of some variables' ranges."""

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearse.endings import INTERRUPTED, Refusal, clear_endings, complain, say
from rehearse.options import AsJson, Out, Overrides, Quiet, ScenarioName, Seed
from rehearse.planning import choose_folder, notes_of, read_time, write

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    import numpy as np

    from scenarios.variables import Values


class DesignName(StrEnum):
    """How points are chosen."""

    GRID = "grid"
    LATIN = "latin"
    SOBOL = "sobol"
    INDICES = "indices"


def sweep(
    scenario: ScenarioName,
    *,
    over: Annotated[
        list[str],
        typer.Option(
            metavar="PATH=VALUES",
            help="A variable and its values V,V,…, numbers or names, or, for designs other than "
            "grid, its range LOW..HIGH; may be repeated.",
        ),
    ],
    design: Annotated[
        DesignName,
        typer.Option(
            help="All combinations, a Latin hypercube, a Sobol' sequence, or Sobol' "
            "sensitivity indices."
        ),
    ] = DesignName.GRID,
    points: Annotated[
        int, typer.Option(min=2, metavar="N", help="Points of a design other than grid.")
    ] = 16,
    replications: Annotated[
        int, typer.Option(min=1, metavar="N", help="Meetings played at every point.")
    ] = 1,
    duration: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Play each meeting in this time, its timeline in fast motion.",
            show_default=False,
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Runs that are played side by side.")
    ] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler, whose workers play the runs.",
            show_default=False,
        ),
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            "--points-in",
            metavar="DIR",
            help="Where finished runs are kept, to go on from; results/points unless said.",
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    seed: Seed = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Play a scenario at many points, and tell how its figures depend on them."""
    with clear_endings():
        from rehearse.searching import loader
        from rehearse.sweeping import play_points
        from results.answers import format_answer
        from results.points import POINTS, PointStore
        from results.sweep import COMING_BACK, sweep_answer
        from scenarios.shortening import shortened
        from scenarios.variables import assignment_of

        chosen = [*(overrides or ())]
        full = loader(scenario, chosen, seed)([])
        if duration is not None:
            chosen += shortened(full, read_time(duration))
        load = loader(scenario, chosen, seed)
        axes = [assignment_of(full, text) for text in over]
        table = _points(axes, over, design, points, full.seed)
        folder = choose_folder(out, full.name)
        store = PointStore(kept or POINTS)
        try:
            outcomes = play_points(
                axes,
                table,
                load,
                store,
                replications,
                processes=processes,
                cluster=cluster,
                tell=(lambda _: None) if quiet else (lambda text: complain(f"rehearse: {text}")),
            )
        except ConnectionError as error:
            raise Refusal(f"--cluster: {cluster!r} — {error}") from None
        except KeyboardInterrupt:
            complain("rehearse: interrupted; the same command goes on from here")
            raise typer.Exit(INTERRUPTED) from None
        answer = sweep_answer(
            full,
            axes,
            table,
            outcomes,
            indices=design is DesignName.INDICES,
            notes=notes_of(full, load([])),
            command=("rehearse", *sys.argv[1:]),
        )
        document = write(answer, folder)
        if as_json:
            say(format_answer(document), nl=False)
        else:
            say(answer.headline)
            for row in answer.tables[0].rows:
                say("  " + "   ".join(row))
            for shown in answer.tables[1:]:
                if shown.title == COMING_BACK:
                    say("\n".join(["", *_aligned([shown.headings, *shown.rows]), ""]))
            say(f"  report  {folder / 'report.html'}")
            say(f"  values  {folder / 'sweep.parquet'}")


def _points(
    axes: "list[Values]", texts: list[str], design: DesignName, points: int, seed: int
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """(points, variables): where the scenario is played."""
    import numpy as np

    from results import designs

    for text in texts:
        ranged = ".." in text.partition("=")[2]
        if ranged and design is DesignName.GRID:
            rule = "a grid needs single values, as in V,V,V; for a range, choose another --design"
            raise Refusal(f"--over: {text!r} — {rule}")
        if not ranged and design is not DesignName.GRID:
            rule = f"a design {design.value} needs a range, as in LOW..HIGH"
            raise Refusal(f"--over: {text!r} — {rule}")
    if design is DesignName.GRID:
        return designs.grid([axis.values for axis in axes])
    make = {
        DesignName.LATIN: designs.latin_hypercube,
        DesignName.SOBOL: designs.sobol,
        DesignName.INDICES: designs.saltelli,
    }[design]
    ranges = [(axis.values[0], axis.values[1]) for axis in axes]
    try:
        table = make(ranges, points, seed % 2**32)
    except ValueError as error:
        raise Refusal(f"--points: {points} — {error}") from None
    rounded = [[axis.variable.rounded(float(v)) for axis, v in zip(axes, row, strict=True)]
               for row in table]  # fmt: skip
    return np.array(rounded, np.float64)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """``rows`` with their cells one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


COMMANDS: Mapping[str, Callable[..., None]] = {"sweep": sweep}
"""Commands by name."""
