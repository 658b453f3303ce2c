import errno
import json
import os
import re
import resource
import secrets
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from results import manifest, store
from results.manifest import describe
from results.records import TABLES, Run
from results.store import (
    LATER,
    LATER_COLUMNS,
    StoreError,
    check_folder,
    default_folder,
    read_manifest,
    read_run,
    write_run,
)
from results.summary import format_summary, summarize
from scenarios.loading import load_scenario, parse_scenario
from tests.results.sample_run import make_run, make_scenario

WHOLE = {
    *(f"{name}.parquet" for name in TABLES),
    "manifest.json",
    "scenario.yaml",
    "summary.json",
    "report.html",
}


Facts = dict[str, Any]


def a_report(run: Run, summary: Facts, path: Path, facts: Facts) -> None:
    path.write_text(f"{run.scenario.title}, {facts['seed']}: {summary['verdict']}", "utf-8")


@pytest.fixture(autouse=True)
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A report that is quickly written, in place of the one with plots."""
    module = ModuleType("results.report")
    module.write_report = a_report  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "results.report", module)
    # Somebody may commit between two runs of a test.
    monkeypatch.setattr(manifest, "commit", lambda: "0" * 40)
    return module


@pytest.fixture(scope="module")
def loaded() -> Run:
    """A run of a scenario with its tables, as loading gives it."""
    return make_run(parse_scenario(make_scenario().model_dump(mode="json", by_alias=True)))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_run_comes_back_as_it_was(loaded: Run, tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    summary = write_run(loaded, folder)
    assert files(folder) == WHOLE
    assert files(folder.parent) - {"yet"} == {f"yet/{name}" for name in WHOLE}
    assert read_run(folder) == loaded
    assert read_manifest(folder) == describe(loaded)
    assert summary == summarize(loaded)
    assert (folder / "summary.json").read_text(encoding="utf-8") == format_summary(summary)
    assert (folder / "report.html").read_text(encoding="utf-8") == "A run made by hand, 7: fail"


def test_a_trace_is_kept(loaded: Run, tmp_path: Path) -> None:
    trace = pa.table({"sequence": [1, 2], "arrival": [0.5, None]})
    traced = replace(loaded, trace=trace)
    write_run(traced, tmp_path / "run")
    assert files(tmp_path / "run") == {*WHOLE, "packets.parquet"}
    assert read_run(tmp_path / "run") == traced


def test_an_empty_folder_may_be_used(loaded: Run, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    write_run(loaded, folder)
    assert files(tmp_path) == {"empty", *(f"empty/{name}" for name in WHOLE)}


def test_equal_tables_give_equal_bytes(loaded: Run, tmp_path: Path) -> None:
    def torn(table: pa.Table) -> pa.Table:
        return pa.concat_tables([table.slice(0, 1), table.slice(1)])

    again = replace(loaded, tables={name: torn(table) for name, table in loaded.tables.items()})
    assert again.tables["samples"]["site"].num_chunks == 2
    write_run(loaded, tmp_path / "one")
    write_run(again, tmp_path / "two")
    for name in sorted(WHOLE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), (
            name
        )


def test_other_tables_give_other_bytes(loaded: Run, tmp_path: Path) -> None:
    write_run(loaded, tmp_path / "one")
    write_run(make_run(loaded.scenario, seed=8), tmp_path / "two")
    one, two = ((tmp_path / f / "samples.parquet").read_bytes() for f in ("one", "two"))
    assert one != two


# ---------------------------------------------------------------- tables from outside the library


TABLE = """site,name,level,kind,district,province
p79,Thành phố Hồ Chí Minh,province,thành phố,,Hồ Chí Minh
w1,Phường Một,commune,phường,Quận 1,Hồ Chí Minh
"""
PLACES = "province,seat_latitude,seat_longitude\nHồ Chí Minh,10.776,106.701\n"


def test_an_own_table_may_be_called_as_the_librarys(tmp_path: Path, loaded: Run) -> None:
    plan = make_scenario().model_dump(mode="json", by_alias=True)
    plan["endpoints"]["sample"] = None
    (tmp_path / plan["endpoints"]["table"]).write_text(TABLE, encoding="utf-8")
    scenario = parse_scenario(plan, folder=tmp_path)
    write_run(replace(loaded, scenario=scenario), tmp_path / "run")
    assert load_scenario(tmp_path / "run" / "scenario.yaml") == scenario


@pytest.mark.parametrize(
    ("table", "places"),
    [
        ("mine.csv", "there.csv"),
        ("data/mine.csv", "data/there.csv"),
        ("a/mine.csv", "../there.csv"),
    ],
)
def test_own_tables_go_with_the_run(tmp_path: Path, loaded: Run, table: str, places: str) -> None:
    source, folder = tmp_path / "source", tmp_path / "run"
    for name, text in ((table, TABLE), (places, PLACES)):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    plan = make_scenario().model_dump(mode="json", by_alias=True)
    plan["endpoints"] |= {"table": table, "places": places, "sample": None}
    scenario = parse_scenario(plan, folder=source)
    write_run(replace(loaded, scenario=scenario), folder)
    for name in (table, places):
        (source / name).unlink()
    assert load_scenario(folder / "scenario.yaml") == scenario
    assert all(path.parent == folder for path in folder.rglob("*.csv"))


def test_an_absolute_table_is_copied_not_written_over(tmp_path: Path, loaded: Run) -> None:
    own, places = tmp_path / "mine.csv", tmp_path / "there.csv"
    own.write_text(TABLE + "\n", encoding="utf-8")
    places.write_text(PLACES, encoding="utf-8")
    plan = make_scenario().model_dump(mode="json", by_alias=True)
    plan["endpoints"] |= {"table": str(own), "places": str(places), "sample": None}
    write_run(replace(loaded, scenario=parse_scenario(plan)), tmp_path / "run")
    assert own.read_text(encoding="utf-8") == TABLE + "\n"
    assert str(tmp_path) not in (tmp_path / "run" / "scenario.yaml").read_text(encoding="utf-8")
    assert read_run(tmp_path / "run").scenario.endpoints.rows is not None


# ---------------------------------------------------------------- whole or not at all


def fail_with(error: BaseException) -> Callable[..., None]:
    def write_report(run: Run, summary: Facts, path: Path, facts: Facts) -> None:
        path.write_text("half a rep", encoding="utf-8")
        raise error

    return write_report


@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_leaves_nothing(loaded: Run, tmp_path: Path, report: Any, exists: bool) -> None:
    folder = tmp_path / "run"
    if exists:
        folder.mkdir()
    report.write_report = fail_with(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    message = f"{folder}: the run could not be written: No space left on device."
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        write_run(loaded, folder)
    assert files(tmp_path) == ({"run"} if exists else set())


def test_a_table_that_does_not_fit_leaves_nothing(loaded: Run, tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, most))  # as a disk that is full
    try:
        with pytest.raises(StoreError, match=r"the run could not be written: .*File too large"):
            write_run(loaded, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert files(tmp_path) == set()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_passes_and_leaves_nothing(
    loaded: Run, tmp_path: Path, report: Any, error: type[BaseException]
) -> None:
    report.write_report = fail_with(error())
    with pytest.raises(error):
        write_run(loaded, tmp_path / "run")
    assert files(tmp_path) == set()


def test_the_final_name_appears_when_all_is_written_and_synchronized(
    loaded: Run, tmp_path: Path, report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, synchronized = tmp_path / "run", set()

    def fsync(handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        synchronized.add(path.name)
        assert path == tmp_path or not folder.exists()

    monkeypatch.setattr(store, "os", SimpleNamespace(**{**vars(os), "fsync": fsync}))
    write_run(loaded, folder)
    assert synchronized >= WHOLE
    assert tmp_path.name in synchronized


def test_someone_else_was_faster(loaded: Run, tmp_path: Path, report: Any) -> None:
    def write_report(run: Run, summary: Facts, path: Path, facts: Facts) -> None:
        a_report(run, summary, path, facts)
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "theirs").touch()

    report.write_report = write_report
    with pytest.raises(StoreError, match="the run could not be written: Directory not empty"):
        write_run(loaded, tmp_path / "run")
    assert files(tmp_path) == {"run", "run/theirs"}


def test_a_folder_in_use_is_refused(loaded: Run, tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    with pytest.raises(StoreError, match="is not empty; a run is never written over other files"):
        write_run(loaded, tmp_path)
    for folder in (tmp_path / ".hidden", tmp_path / ".hidden" / "run"):
        with pytest.raises(StoreError, match=r"cannot be a run folder, for .*\.hidden is a file"):
            write_run(loaded, folder)
    assert files(tmp_path) == {".hidden"}


def test_a_name_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be a run folder, for it is not UTF-8"):
        check_folder(tmp_path / "\udcff")
    check_folder(tmp_path / ("a" * 250))
    with pytest.raises(StoreError, match="cannot be a run folder: File name too long"):
        check_folder(tmp_path / ("a" * 260))


def test_the_longest_name_is_no_hindrance(loaded: Run, tmp_path: Path) -> None:
    write_run(loaded, tmp_path / ("a" * 250))
    assert read_run(tmp_path / ("a" * 250)).scenario == loaded.scenario


def test_the_current_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="is the current directory; name a new folder in it"):
        check_folder(Path())


# ---------------------------------------------------------------- reading


@pytest.fixture(scope="module")
def written(loaded: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("written") / "run"
    module = ModuleType("results.report")
    module.write_report = a_report  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "results.report", module)
        write_run(loaded, folder)
    return folder


def test_runs_from_before_there_were_faults_can_still_be_read(
    written: Path, loaded: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(written, folder)
    for name in LATER:
        (folder / f"{name}.parquet").unlink()
    later = {}
    for name in ("samples", "endpoints"):
        table = pq.read_table(folder / f"{name}.parquet")
        later[name] = [column for column in LATER_COLUMNS if column in table.column_names]
        pq.write_table(table.drop_columns(later[name]), folder / f"{name}.parquet")
    found = read_run(folder)
    assert {name: table.schema for name, table in found.tables.items()} == dict(TABLES)
    assert [len(found.tables[name]) for name in LATER] == [0, 0]
    assert later == {"samples": ["connected_ratio", "interrupted_ratio"], "endpoints": ["backup"]}
    for name, columns in later.items():
        for column in columns:
            assert found.tables[name][column].null_count == len(found.tables[name])
    summary = summarize(found)
    assert {summary["metrics"][name]["count"] for name in later["samples"]} == {0}
    assert summary["metrics"]["jitter"] == summarize(loaded)["metrics"]["jitter"]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _change(path: Path, **changes: Any) -> None:
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, **changes}), encoding="utf-8")


def _drop_column(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["jitter"]), path)


def _rename_sites(path: Path) -> None:
    table = pq.read_table(path)
    sites = pc.binary_join_element_wise("x", table["site"].cast(pa.string()), "")
    place = table.schema.get_field_index("site")
    pq.write_table(table.set_column(place, "site", sites.dictionary_encode()), path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "manifest.json").unlink(), "is not a run folder, for it has no manifest"),
        (lambda f: (f / "manifest.json").write_text("{"), "manifest.json: the run cannot be read"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff"), "the run cannot be read: 'utf-8'"),
        (lambda f: (f / "manifest.json").write_text("{}"), "not the manifest of a run of Rehears"),
        (lambda f: _change(f / "manifest.json", schema_version=99), "schema_version is 99, and"),
        (lambda f: (f / "links.parquet").unlink(), "links.parquet: is missing."),
        (lambda f: _truncate(f / "samples.parquet"), "samples.parquet: is damaged: "),
        (lambda f: (f / "nodes.parquet").write_text("hm"), "nodes.parquet: is damaged: "),
        (lambda f: _drop_column(f / "samples.parquet"), "its columns are not those of samples"),
        (lambda f: (f / "scenario.yaml").write_text("name: x"), "the run cannot be read: "),
        (lambda f: (f / "scenario.yaml").unlink(), "the run cannot be read: .*no such file"),
        (lambda f: _change(f / "manifest.json", seed=77), "scenario.yaml: is not the scenario of"),
        (lambda f: _rename_sites(f / "samples.parquet"), "it has sites that are no endpoints"),
    ],
)
def test_a_damaged_or_foreign_folder_is_refused(
    written: Path, tmp_path: Path, damage: Callable[[Path], Any], message: str
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for path in written.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    read_run(folder)
    damage(folder)
    with pytest.raises(StoreError, match=message):
        read_run(folder)


def test_no_folder_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such folder"):
        read_run(tmp_path / "nothing")


# ---------------------------------------------------------------- names


def test_default_folders_sort_by_time_and_differ() -> None:
    noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    folders = [default_folder("smoke", noon + timedelta(seconds=s)) for s in (0, 1, 10, 3600)]
    assert folders == sorted(folders)
    assert {folder.parent for folder in folders} == {Path("results", "runs", "smoke")}
    assert re.fullmatch(r"2026-03-02T120000Z-[0-9a-f]{6}", folders[0].name)
    assert len({default_folder("smoke", noon) for _ in range(100)}) == 100


def test_a_default_folder_is_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tokens = iter(["taken", "taken", "free"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(tokens))
    default_folder("smoke", datetime(2026, 3, 2, tzinfo=UTC)).mkdir(parents=True)
    assert default_folder("smoke", datetime(2026, 3, 2, tzinfo=UTC)).name.endswith("-free")
