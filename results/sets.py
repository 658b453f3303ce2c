"""Sets of runs in folders: replications that were played together, a run, or a folder of runs.

A folder of replications has manifest.json, scenario.yaml, summary.json, report.html and
replications.parquet: every figure of every replication. The runs themselves are not kept, for any
one can be played again, the same to the byte, by its number.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from results.figures import Figure, Measured, measure
from results.manifest import SCHEMA_VERSION, commit, machine, versions
from results.records import TEXT, Accounting, Cost, Run
from results.replications import Replications, summarize_replications
from results.store import (
    MANIFEST,
    REPORT,
    SCENARIO,
    SUMMARY,
    StoreError,
    read_manifest,
    read_run,
    stage,
)
from results.summary import format_summary, summarize
from scenarios.dumping import companion_tables, dump_scenario
from scenarios.errors import ScenarioError
from scenarios.loading import load_scenario

FORMAT = "rehearsal-replications"
"""What manifest.json calls a folder of replications."""
FIGURES = "replications.parquet"
REPLICATIONS = pa.schema(
    [
        ("draw", pa.int32()),  # row of the manifest's draws
        ("replication", pa.int32()),
        ("metric", TEXT),
        ("selector", TEXT),  # as in access=4g; empty: everything
        ("during", TEXT),  # a threshold's window; empty: the meeting
        ("aggregation", TEXT),
        ("value", pa.float64()),  # null: no data; infinite: never
    ]
)
"""One row a replication and figure."""

Json = dict[str, Any]


@dataclass(frozen=True)
class RunSet:
    """Runs of one scenario, and how they came about."""

    path: Path
    replications: Replications
    manifests: tuple[Json, ...]
    """One a folder that was read, the latest last."""
    repeated: int = 0
    """Runs left out, for a later one was the same draw of randomness."""
    run: Run | None = None
    """The run, whole, where it is a single one's folder."""

    def summarize(self) -> Json:
        """The content of its summary.json."""
        return summarize(self.run) if self.run else summarize_replications(self.replications)


def write_replications(found: Replications, folder: Path) -> Json:
    """Write ``found`` to ``folder``, whole or not at all, and give back the summary.

    Raises:
        StoreError: ``folder`` is in use, or something could not be written.
    """
    from results.set_report import write_set_report  # noqa: PLC0415  matplotlib takes its time

    summary = summarize_replications(found)
    manifest = describe_replications(found)
    with stage(folder, "replications") as part:
        pq.write_table(figures_table(found.measured), part / FIGURES, compression="zstd")
        files = {
            SCENARIO: dump_scenario(found.scenario),
            **companion_tables(found.scenario),
            SUMMARY: format_summary(summary),
            MANIFEST: json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
        }
        for name, text in files.items():
            (part / name).write_text(text, encoding="utf-8", newline="\n")
        write_set_report(found, summary, part / REPORT, manifest)
    return summary


def is_set(folder: Path) -> bool:
    """Whether ``folder`` holds replications that were played together."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def read_set(path: Path, leave_out: Path | None = None) -> RunSet:
    """The runs in ``path``: replications, a run's folder, or a folder of either.

    Of simulated runs that are the same draw (seed and replication), the latest counts alone. The
    folder ``leave_out`` does not count where it lies in ``path``.

    Raises:
        StoreError: there is none, or they are of several scenarios, or of another version.
    """
    if is_set(path):
        manifest, found = _read_replications(path)
        return RunSet(path, found, (manifest,))
    if (path / MANIFEST).exists() or not path.is_dir():
        return _one_run(path)
    parts = [
        read_set(folder)
        for folder in sorted(path.iterdir())
        if (folder / MANIFEST).is_file()
        and not folder.name.startswith(".")
        and not (leave_out is not None and folder.resolve() == leave_out.resolve())
    ]
    if not parts:
        raise StoreError(f"{path}: is neither a run folder nor a folder of them.")
    return _merge(path, parts)


def describe_replications(found: Replications) -> Json:
    """The content of a set's manifest.json."""
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "scenario": found.scenario.name,
        "mode": found.mode,
        "seed": found.scenario.seed,
        "command": list(found.command),
        "started": found.started,
        "finished": found.finished,
        "duration_s": found.duration_s,
        "wall_s": found.wall_s,
        "precision": found.precision,
        "versions": versions(),
        "commit": commit(),
        "machine": machine(),
        "assumptions": list(found.measured[0].assumptions),
        "draws": [
            {
                "seed": each.seed,
                "replication": each.replication,
                "endpoints": each.endpoints,
                "group_sizes": each.group_sizes,
                "accounting": asdict(each.accounting),
                "cost": asdict(each.cost),
            }
            for each in found.measured
        ],
    }


def figures_table(measured: Sequence[Measured]) -> pa.Table:
    """The figures of ``measured`` as REPLICATIONS."""
    rows = [
        (draw, each.replication, f.metric, f.selector, f.during, f.aggregation, value)
        for draw, each in enumerate(measured)
        for f, value in each.figures.items()
    ]
    columns = zip(*rows, strict=True)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, REPLICATIONS, strict=True)], REPLICATIONS
    )


def _read_replications(folder: Path) -> tuple[Json, Replications]:
    path = folder / MANIFEST
    manifest: Json = json.loads(path.read_text(encoding="utf-8"))
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: the replications cannot be read: their schema_version is {version!r}, and "
            f"this program reads {SCHEMA_VERSION}."
        )
    try:
        table = pq.read_table(folder / FIGURES)
        if not table.schema.equals(REPLICATIONS):
            raise StoreError(f"{folder / FIGURES}: its columns are not those of replications.")
        figures = _figures(table, len(manifest["draws"]))
        assumptions = tuple(manifest["assumptions"])
        found = Replications(
            scenario=load_scenario(folder / SCENARIO),
            mode=manifest["mode"],
            started=str(manifest["started"]),
            finished=str(manifest["finished"]),
            command=tuple(str(word) for word in manifest["command"]),
            duration_s=float(manifest["duration_s"]),
            wall_s=float(manifest["wall_s"]),
            measured=tuple(
                _measured(draw, own, assumptions)
                for draw, own in zip(manifest["draws"], figures, strict=True)
            ),
            precision=manifest["precision"],
        )
    except (OSError, pa.ArrowException, ScenarioError) as error:
        raise StoreError(f"{folder}: the replications cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise StoreError(f"{path}: is damaged: {error!r}.") from None
    if not found.measured:
        raise StoreError(f"{path}: is damaged: there are no replications.")
    return manifest, found


def _measured(
    draw: Mapping[str, Any], figures: dict[Figure, float | None], assumptions: tuple[str, ...]
) -> Measured:
    return Measured(
        seed=int(draw["seed"]),
        replication=int(draw["replication"]),
        figures=figures,
        endpoints=int(draw["endpoints"]),
        group_sizes=draw["group_sizes"],
        accounting=Accounting(**draw["accounting"]),
        cost=Cost(**draw["cost"]),
        assumptions=assumptions,
    )


def _figures(table: pa.Table, draws: int) -> list[dict[Figure, float | None]]:
    found: list[dict[Figure, float | None]] = [{} for _ in range(draws)]
    names = ("metric", "selector", "during", "aggregation")
    columns = [table[name].to_pylist() for name in names]
    values = np.asarray(table["value"].to_numpy(), np.float64)
    nothing = table["value"].is_null().to_pylist()
    for draw, *key, value, none in zip(
        table["draw"].to_pylist(), *columns, values.tolist(), nothing, strict=True
    ):
        found[draw][Figure(*key)] = None if none else value
    return found


def _one_run(path: Path) -> RunSet:
    manifest = read_manifest(path)
    run = read_run(path)
    found = Replications(
        run.scenario, run.mode, run.started, run.finished, run.command, run.duration_s,
        run.cost.wall_s, (measure(run),),
    )  # fmt: skip
    return RunSet(path, found, (manifest,), run=run)


def _merge(path: Path, parts: Sequence[RunSet]) -> RunSet:
    parts = sorted(parts, key=lambda part: part.replications.finished)
    sets = [part.replications for part in parts]
    for noun, names in (
        ("scenarios", {each.scenario.name for each in sets}),
        ("modes", {each.mode for each in sets}),
    ):
        if len(names) > 1:
            raise StoreError(
                f"{path}: holds runs of several {noun}: {', '.join(sorted(names))}. Name a folder "
                "of one."
            )
    measured = [each for one in sets for each in one.measured]
    kept = measured
    if sets[-1].mode == "simulated":
        kept = list({(each.seed, each.replication): each for each in measured}.values())
    merged = replace(
        sets[-1],
        started=min(each.started for each in sets),
        wall_s=sum(each.wall_s for each in sets),
        measured=tuple(kept),
        precision=None,
    )
    manifests = tuple(manifest for part in parts for manifest in part.manifests)
    return RunSet(path, merged, manifests, len(measured) - len(kept))
