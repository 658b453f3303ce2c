import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rehearse.main import main
from results.records import Run, sample_bytes
from results.store import read_run
from tests.once import once
from tests.rehearse.conftest import Rehearse
from tests.results.sample_run import make_run

QUICK = ("--set", "duration=21s", "--set", "endpoints.sample=9", "--set", "interval=1s")
PYTHON = [sys.executable, "-m", "rehearse.main"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a real, very short run with a traced endpoint."""

    def make(folder: Path) -> None:
        with pytest.raises(SystemExit) as ending:
            main(["simulate", "smoke", *QUICK, "--out", str(folder), "--trace-packets", "p79"])
        assert ending.value.code in (0, 98, 99)  # it was played, whatever the verdict

    return once(tmp_path_factory, "traced-run", make)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the engine: what it was asked for, and a run made by hand in return."""
    asked: dict[str, Any] = {}

    def simulate(scenario: object, **options: object) -> Run:
        asked.update(options, scenario=scenario)
        return asked.get("run") or make_run()

    monkeypatch.setattr("simulations.simulate", simulate)
    return asked


def test_a_run_folder_is_whole(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"manifest.json", "scenario.yaml", "summary.json", "report.html"} <= names
    assert {f"{table}.parquet" for table in ("samples", "nodes", "links", "events")} <= names
    assert "packets.parquet" in names
    assert read_run(folder).trace is not None


def test_options_reach_the_engine(rehearse: Rehearse, played: dict[str, Any]) -> None:
    arguments = (*QUICK, "--seed", "7", "--threads", "1", "--trace-packets", "p79", "--out", "run")
    rehearse("simulate", "smoke", *arguments)
    assert played["scenario"].seed == 7
    assert played["scenario"].endpoints.sample == 9
    assert (played["threads"], played["trace_site"]) == (1, "p79")
    assert played["command"][0] == "rehearse"


@pytest.mark.parametrize(
    ("bound", "code", "mark"),
    [("99s", 0, "✓ PASS"), ("1us", 99, "✗ FAIL"), (None, 98, "? INCONCLUSIVE")],
)
def test_the_verdict_is_the_exit_code(
    rehearse: Rehearse, played: dict[str, Any], bound: str | None, code: int, mark: str
) -> None:
    from scenarios.thresholds import Threshold  # noqa: PLC0415

    run = make_run()
    thresholds = {"one_way_delay": (Threshold(check=f"max < {bound}"),)} if bound else {}
    scenario = run.scenario.model_copy(update={"thresholds": thresholds})
    played["run"] = replace(run, scenario=scenario)
    ending = rehearse("simulate", "smoke", "--out", "run")
    assert ending.code == code
    assert ending.out.startswith(mark)
    assert ending.out.endswith("  report  run/report.html\n  run     run\n")


def test_stdout_is_data_and_stderr_progress(rehearse: Rehearse, played: dict[str, Any]) -> None:
    ending = rehearse("simulate", "smoke", "--out", "run", "--json")
    summary = json.loads(ending.out)
    assert summary == json.loads(Path("run/summary.json").read_text(encoding="utf-8"))
    assert ending.err.splitlines() == [
        "rehearse: preparing smoke",
        "rehearse: writing the run and its report",
    ]
    assert rehearse("simulate", "smoke", "--out", "again", "--json", "--quiet").err == ""


def test_much_memory_is_warned_of_before_the_run(
    rehearse: Rehearse, played: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 10 * 21  # nine endpoints and the command centre, once a second
    monkeypatch.setattr("rehearse.run_commands.MUCH_MEMORY", sample_bytes(rows))
    assert "of memory" not in rehearse("simulate", "smoke", *QUICK, "--out", "a").err
    monkeypatch.setattr("rehearse.run_commands.MUCH_MEMORY", sample_bytes(rows) - 1)
    assert "samples alone will take " in rehearse("simulate", "smoke", *QUICK, "--out", "b").err


def test_a_run_goes_below_the_current_directory(rehearse: Rehearse, played: dict[str, Any]) -> None:
    rehearse("simulate", "smoke")
    (folder,) = Path("results/runs/smoke").iterdir()
    assert (folder / "manifest.json").is_file()


def test_a_used_folder_is_refused_before_the_run(
    rehearse: Rehearse, played: dict[str, Any]
) -> None:
    Path("run").mkdir()
    Path("run/file").touch()
    ending = rehearse("simulate", "smoke", "--out", "run")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err == ("rehearse: run: is not empty; a run is never written over other files.\n")
    assert not played


def test_a_folder_that_cannot_be_made_is_refused_before_the_run(
    rehearse: Rehearse, played: dict[str, Any]
) -> None:
    Path("file").touch()
    ending = rehearse("simulate", "smoke", "--out", "file/deep/run")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err == ("rehearse: file/deep/run: cannot be a run folder, for file is a file.\n")
    assert not played


def test_a_full_disk_leaves_nothing(
    rehearse: Rehearse, played: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("results.store._write_table", full)
    ending = rehearse("simulate", "smoke", "--out", "run", "--quiet")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err == ("rehearse: run: the run could not be written: No space left on device.\n")
    assert list(Path().iterdir()) == []


def test_a_site_to_trace_must_be_played(rehearse: Rehearse, played: dict[str, Any]) -> None:
    ending = rehearse("simulate", "smoke", "--trace-packets", "p799")
    assert ending.code == 2
    assert ending.err == (
        "--trace-packets: 'p799' — must be a site that is played; did you mean p79?\n"
    )
    assert not played


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*PYTHON, "simulate", "smoke", "--set", "duration=10h", "--out", str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "played" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.endswith("rehearse: interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_written_anew(rehearse: Rehearse, folder: Path) -> None:
    ending = rehearse("report", folder, "--out", "mine.html")
    assert (ending.code, ending.out, ending.err) == (0, "mine.html\n", "")
    assert "smoke" in Path("mine.html").read_text(encoding="utf-8")


def test_a_report_as_json_prints_the_summary(rehearse: Rehearse, folder: Path) -> None:
    ending = rehearse("report", folder, "--out", "mine.html", "--json")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert json.loads(ending.out)["thresholds"] == summary["thresholds"]


def test_plots_are_listed(rehearse: Rehearse, folder: Path) -> None:
    names = [line.split()[0] for line in rehearse("plot", folder).out.splitlines()]
    assert {"delay-cdf", "province-map", "delay-budget"} <= set(names)


@pytest.mark.parametrize(
    ("name", "begin"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), (None, b"\x89PNG")]
)
def test_a_plot_is_drawn(rehearse: Rehearse, folder: Path, name: str | None, begin: bytes) -> None:
    ending = rehearse("plot", folder, "delay-cdf", *(("--out", name) if name else ()))
    assert (ending.code, ending.out) == (0, f"{name or 'delay-cdf.png'}\n")
    assert Path(name or "delay-cdf.png").read_bytes().startswith(begin)


def test_a_plot_of_one_site_names_it(rehearse: Rehearse, folder: Path) -> None:
    ending = rehearse("plot", folder, "endpoint", "--site", "p79", "--out", "a.svg")
    assert (ending.code, ending.out) == (0, "a.svg\n")
    assert "(p79)" in Path("a.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("delay-cfd",), "no plot is called 'delay-cfd'; did you mean delay-cdf?"),
        (("delay-cdf", "--out", "a.pdf"), "a plot is saved as .png or .svg, not as '.pdf'"),
        (("endpoint", "--site", "p97"), "no site of the run is called 'p97'; did you mean p79?"),
        (("delay-cdf", "--site", "p79"), "plot delay-cdf shows no site that could be chosen"),
        (("delay-cdf", "--metric", "x"), "no metric of plot delay-cdf is called 'x'"),
        (("delay-cdf", "--out", "no/such/a.png"), "No such file or directory"),
    ],
)
def test_what_cannot_be_drawn(
    rehearse: Rehearse, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    ending = rehearse("plot", folder, *arguments)
    assert ending.code == 2
    assert message in ending.err


@pytest.mark.parametrize("command", [("report",), ("plot",)])
def test_a_run_must_be_there(rehearse: Rehearse, command: tuple[str, ...]) -> None:
    name = ("delay-cdf",) if command == ("plot",) else ()
    ending = rehearse(*command, "nowhere", *name)
    assert (ending.code, ending.err) == (2, "rehearse: nowhere: there is no such folder.\n")
