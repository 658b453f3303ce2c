"""The store: run folders, which appear whole under their final name or not at all."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from results.manifest import ManifestError, describe, recover
from results.records import TABLES, Run
from results.summary import format_summary, summarize
from scenarios.dumping import companion_tables, dump_scenario
from scenarios.errors import ScenarioError
from scenarios.loading import load_scenario
from scenarios.meeting import COMMAND_CENTRE

RUNS = Path("results", "runs")
"""Where run folders go unless told otherwise, below the current directory."""
MANIFEST, SCENARIO, SUMMARY, REPORT, TRACE = (
    "manifest.json",
    "scenario.yaml",
    "summary.json",
    "report.html",
    "packets.parquet",
)
"""Files of a run folder, beside a Parquet file for each of TABLES."""
LATER = ("sessions", "interruptions")
"""Tables that runs of schema version 2 may lack: nothing is known of them."""
LATER_COLUMNS = ("connected_ratio", "interrupted_ratio", "backup")
"""Columns, the last of their tables, that these may lack."""


class StoreError(Exception):
    """A run folder that cannot be written or read; the message is a sentence that says why."""


def default_folder(name: str, now: datetime | None = None) -> Path:
    """A folder that does not exist yet for a run of the scenario ``name`` at ``now`` (UTC).

    Run folders of a scenario sort by time; runs of the same second differ in a random part.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    while True:
        folder = RUNS / name / f"{moment:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(3)}"
        if not folder.exists():
            return folder


def check_folder(folder: Path) -> None:
    """Make sure that a run may be written to ``folder``: it must not exist or be empty.

    Raises:
        StoreError: it is something else.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise StoreError(
            f"{os.fsencode(folder)!r}: cannot be a run folder, for it is not UTF-8."
        ) from None
    with _errors(f"{folder}: cannot be a run folder"):
        nearest = next((path for path in (folder, *folder.parents) if path.exists()), None)
        if nearest is not None and not nearest.is_dir():
            raise StoreError(f"{folder}: cannot be a run folder, for {nearest} is a file.")
        if nearest != folder:
            return
        if any(folder.iterdir()):
            raise StoreError(f"{folder}: is not empty; a run is never written over other files.")
        if folder.samefile(Path()):
            raise StoreError(f"{folder}: is the current directory; name a new folder in it.")


def write_run(run: Run, folder: Path) -> dict[str, Any]:
    """Write ``run`` to ``folder``, and give back its summary.

    Everything is written and synchronized under a temporary name beside ``folder``, which is
    then renamed. Whatever goes wrong, Ctrl-C included, what was written is removed again, parent
    folders that were made for it too. Equal tables give the same bytes.

    Raises:
        StoreError: ``folder`` is in use, or something could not be written.
    """
    with stage(folder, "run") as part:
        return _write_files(run, part)


@contextmanager
def stage(folder: Path, noun: str) -> Iterator[Path]:
    """A temporary folder beside ``folder``, to be filled: it gets that name once all is written.

    Raises:
        StoreError: ``folder`` is in use, or the ``noun`` could not be written.
    """
    check_folder(folder)
    target = folder.resolve()
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    with _errors(f"{folder}: the {noun} could not be written"):
        made = [parent for parent in part.parents if not parent.exists()]
        try:
            part.mkdir(parents=True)
            yield part
            _synchronize(part)
            part.rename(target)
        finally:
            # After the renaming there is nothing left to remove.
            shutil.rmtree(part, ignore_errors=True)
            _remove_empty(made)
        _synchronize_one(target.parent)


def read_run(folder: Path) -> Run:
    """The run that was written to ``folder``, equal to the one that was played.

    Raises:
        StoreError: there is no run, or one of another version, or it is damaged.
    """
    manifest = read_manifest(folder)
    with _errors(f"{folder}: the run cannot be read"):
        tables = {}
        for name, schema in TABLES.items():
            path = folder / f"{name}.parquet"
            if name in LATER and not path.exists():
                tables[name] = schema.empty_table()
                continue
            if not path.exists():
                raise StoreError(f"{path}: is missing.")
            tables[name] = _complete(_read_table(path), schema)
            if not tables[name].schema.equals(schema):
                raise StoreError(f"{folder / name}.parquet: its columns are not those of {name}.")
        if COMMAND_CENTRE not in tables["endpoints"]["site"].to_pylist():
            raise StoreError(f"{folder / 'endpoints.parquet'}: it has no command centre.")
        if len(tables["endpoints"]) < 2:
            raise StoreError(f"{folder / 'endpoints.parquet'}: it has no endpoint.")
        scenario = load_scenario(folder / SCENARIO)
        if (scenario.name, scenario.seed) != (manifest["scenario"], manifest["seed"]):
            raise StoreError(f"{folder / SCENARIO}: is not the scenario of the run in {MANIFEST}.")
        known = tables["endpoints"]["site"].unique()
        if not pc.all(pc.is_in(tables["samples"]["site"].unique(), known)).as_py():
            raise StoreError(f"{folder / 'samples.parquet'}: it has sites that are no endpoints.")
        trace = folder / TRACE
        return Run(
            scenario=scenario,
            tables=tables,
            trace=_read_table(trace) if trace.exists() else None,
            **recover(manifest),
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of the manifest in ``folder``: see results.manifest.

    Raises:
        StoreError: there is none, or none that this program can read.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise StoreError(f"{folder}: there is no such folder.")
    if not path.is_file():
        raise StoreError(f"{folder}: is not a run folder, for it has no {MANIFEST}.")
    with _errors(f"{path}: the run cannot be read"):
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            recover(manifest)
        except (ManifestError, ValueError, RecursionError) as error:
            raise StoreError(f"{path}: the run cannot be read: {error}.") from None
    return manifest


def _write_files(run: Run, folder: Path) -> dict[str, Any]:
    from results.report import write_report  # noqa: PLC0415  matplotlib takes its time

    summary = summarize(run)
    for name in TABLES:
        _write_table(run.tables[name], folder / f"{name}.parquet")
    if run.trace is not None:
        _write_table(run.trace, folder / TRACE)
    _write_text(folder / SCENARIO, dump_scenario(run.scenario))
    for name, text in companion_tables(run.scenario).items():
        _write_text(folder / name, text)
    _write_text(folder / SUMMARY, format_summary(summary))
    manifest = describe(run)
    _write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    write_report(run, summary, folder / REPORT, manifest)
    return summary


def _write_table(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=3)


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove ``folders``, the deepest first, up to the first that is not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except pa.ArrowException as error:
        raise StoreError(f"{path}: is damaged: {error}.") from None


def _complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table`` with nulls in those of LATER_COLUMNS that its ``schema`` has and it has not."""
    for name in LATER_COLUMNS:
        if name in schema.names and name not in table.column_names:
            nulls = pa.nulls(len(table), schema.field(name).type)
            table = table.append_column(schema.field(name), nulls)
    return table


def _synchronize(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        _synchronize_one(path)
    _synchronize_one(folder)


def _synchronize_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _errors(failure: str) -> Iterator[None]:
    """What the system, Arrow and the scenario have against it, as StoreErrors."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{failure}: {error.strerror or error}.") from error
    except (pa.ArrowException, ScenarioError) as error:
        raise StoreError(f"{failure}: {error}") from error
