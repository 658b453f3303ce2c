"""Whole live runs: the command line, real processes, the reference SFU."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from results.store import read_run
from scenarios.meeting import COMMAND_CENTRE
from tests.once import once

REHEARSE = [sys.executable, "-m", "rehearse.main", "live"]
SMALL = ["smoke", "--endpoints", "10", "--join-over", "2", "--set", "duration=10s", "--quiet"]
PLAIN = [
    "--set", "meeting={floor: [{at: 0s, site: command-centre}]}",
    "--set", "thresholds={packet_loss: max < 20%}",
]  # fmt: skip
READY_S = 240


def live(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*REHEARSE, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=READY_S)
    finally:
        process.kill()
        process.communicate()
    return process.returncode, out, err


def client_processes(parent: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(parent), "-f", "synthetic_clients.process"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [int(word) for word in found.stdout.split()]


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "events.parquet").to_pylist()
    return [row for row in rows if row["kind"] == kind]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a wall, and a tenth of the endpoints probes."""

    def make(folder: Path) -> None:
        code, out, err = finish(
            live(
                *SMALL, "--out", str(folder), "--json", "--set", "duration=15s",
                "--set", "meeting.floor=[{at: 0s, site: command-centre}, {at: 7s, site: p79}]",
                "--set", "thresholds={packet_loss: max < 20%}",
            )
        )  # fmt: skip
        assert "Traceback" not in err
        assert code in (0, 98), out + err  # a busy machine is a suspect generator

    return once(tmp_path_factory, "live-run", make)


def test_a_live_run_is_a_run_like_any_other(run_folder: Path) -> None:
    summary = json.loads((run_folder / "summary.json").read_text())
    assert (summary["mode"], summary["endpoints"], summary["duration_s"]) == ("live", 10, 15.0)
    assert summary["interrupted"] is None
    assert summary["accounting"]["balanced"]
    for metric in ("one_way_delay", "mouth_to_ear_delay", "glass_to_glass_delay", "jitter",
                   "packet_loss", "bitrate", "audio_mos", "video_mos", "round_trip_time",
                   "generator_cpu", "generator_lag", "generator_drops"):  # fmt: skip
        assert summary["metrics"][metric]["count"] > 0, metric
    assert 0 < summary["metrics"]["one_way_delay"]["p50"] < 1
    run = read_run(run_folder)
    assert len(run.tables["samples"]) == 3 * 11
    assert (run_folder / "report.html").stat().st_size > 10_000


def test_everyone_joins_and_sees_the_floor_pass(run_folder: Path) -> None:
    assert len(events(run_folder, "join")) == 11
    assert len(events(run_folder, "first media")) == 11
    assert "p79" in [row["subject"] for row in events(run_folder, "floor")]
    samples = pq.read_table(run_folder / "samples.parquet").to_pylist()
    for row in samples:
        if row["site"] not in (COMMAND_CENTRE, "p79"):
            assert row["frames_rendered"] > 50
            assert row["packets_received"] > 100


def test_probes_agree_with_those_who_read_headers_only(run_folder: Path) -> None:
    assumptions = json.loads((run_folder / "summary.json").read_text())["assumptions"]
    assert any("header-only receivers agree on all" in text for text in assumptions), assumptions
    assert any("abs-capture-time" in text for text in assumptions)


def test_interruption_leaves_what_was_measured(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = live(*SMALL, *PLAIN, "--out", str(folder), "--set", "duration=60s", "--set",
                   "interval=2s", "--web", str(port))  # fmt: skip
    wait_until_playing(process)
    time.sleep(6)
    page = f"http://127.0.0.1:{port}"  # with Locust's web UI, which has a tab of ours
    assert '"Media"' in urllib.request.urlopen(page, timeout=30).read().decode()
    said = urllib.request.urlopen(f"{page}/stats/requests", timeout=30)  # noqa: S310
    stats = json.loads(said.read())
    assert "Packet loss" in [row["metric"] for row in stats["extended_stats"][0]["data"]]
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130, out + err
    assert "Traceback" not in err
    run = read_run(folder)
    assert run.interrupted == "Ctrl-C or SIGTERM"
    assert 2.0 <= run.duration_s < 60
    assert "interrupted" in out


def wait_until_playing(process: "subprocess.Popen[str]") -> None:
    """Until client processes have their sockets open for a while: the meeting has begun."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        clients = client_processes(process.pid)
        if clients and all(udp_sockets(pid) >= 10 for pid in clients):
            time.sleep(3)
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    raise AssertionError("it never began")


def udp_sockets(pid: int) -> int:
    count = 0
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            count += os.readlink(path).startswith("socket:")
        except OSError:
            continue
    return count


@pytest.mark.parametrize("victim", ["clients", "server"])
def test_what_was_measured_outlives_a_killed_process(tmp_path: Path, victim: str) -> None:
    folder = tmp_path / "run"
    process = live(*SMALL, *PLAIN, "--out", str(folder), "--set", "duration=30s", "--set",
                   "interval=2s")  # fmt: skip
    wait_until_playing(process)
    time.sleep(5)
    if victim == "clients":
        os.kill(client_processes(process.pid)[0], signal.SIGKILL)
    else:
        found = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "reference_sfu"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
    code, out, err = finish(process)
    assert code == 98, out + err
    assert "Traceback" not in err
    run = read_run(folder)
    assert run.interrupted is not None
    assert ("client processes" if victim == "clients" else "server ended") in run.interrupted
    assert len(run.tables["samples"]) > 0


def test_a_node_dies_and_its_endpoints_come_back(tmp_path: Path) -> None:
    """With a join profile: everyone sets out during the meeting."""
    folder = tmp_path / "run"
    code, out, err = finish(
        live(
            "media-node-failure", "--endpoints", "10", "--quiet", "--out", str(folder),
            "--set", "duration=20s", "--set", "interval=2s",
            "--set", "joining={profile: spread, begin: 1s, over: 2s}",
            "--set", "recovery={detection: 3s, check: 10ms, restarts: 0, delays: [0s, 1s]}",
            "--set", "faults=[{label: dies, kind: die, of: 'node{node=hcmc}', at: 7s, for: 4s}]",
            "--set", "meeting={floor: [{at: 0s, site: command-centre}]}",
            "--set", "thresholds={recovery_time: p(50) > 1s, join_time: max < 60s}",
        )
    )  # fmt: skip
    assert code in (0, 98), out + err
    summary = json.loads((folder / "summary.json").read_text())
    assert [row["verdict"] for row in summary["thresholds"]] == ["pass", "pass"]
    assert summary["metrics"]["join_time"]["count"] >= 10
    assert summary["metrics"]["interrupted_ratio"]["max"] > 0
    assert {row["subject"] for row in events(folder, "fault")} == {"dies"}
    tables = read_run(folder).tables
    hit = [row for row in tables["interruptions"].to_pylist() if row["fault"] == "dies"]
    nodes = tables["endpoints"].to_pylist()
    struck = {e["site"] for e in nodes if e["node"] == "hcmc"}
    assert struck <= {row["site"] for row in hit}  # a busy machine may strike others
    assert all(row["detected"] is not None for row in hit if row["site"] in struck)
    back = [row for row in tables["sessions"].to_pylist() if row["kind"] == "reconnect"]
    assert struck <= {row["site"] for row in back if row["outcome"] == "connected"}
    joins = [row for row in tables["sessions"].to_pylist() if row["kind"] == "join"]
    assert min(row["time"] for row in joins if row["site"] != COMMAND_CENTRE) > 0.9


@pytest.fixture
def sfu() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_sfu", "--port", "0", "--token", "secret"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield "sfu+" + json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_a_master_and_two_workers_share_the_endpoints(tmp_path: Path, sfu: str) -> None:
    folder = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"
    options = [*SMALL, *PLAIN, "--target", sfu, "--token", "secret", "--processes", "1"]
    workers = [live(*options, "--worker", place) for _ in range(2)]
    code, out, err = finish(live(*options, "--master", "2", "--bind", place, "--out", str(folder)))
    assert code in (0, 98), out + err
    for worker in workers:
        assert finish(worker)[0] == 0
    run = read_run(folder)
    assert run.interrupted is None
    assert len(events(folder, "join")) == 11
    assert len(set(run.tables["generators"]["generator"].to_pylist())) == 2


def test_a_refused_token_is_told_and_nothing_is_a_pass(tmp_path: Path, sfu: str) -> None:
    folder = tmp_path / "run"
    code, out, err = finish(
        live(*SMALL, *PLAIN, "--target", sfu, "--token", "wrong", "--out", str(folder))
    )
    assert code == 98, out + err
    assert "nobody could join" in out
    assert "401" in out


def test_locust_runs_the_locustfile(sfu: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "synthetic_clients/locustfile.py", "--headless",
         "--scenario", "smoke", "--endpoints", "10", "--target", sfu, "--token", "secret",
         "--join-over", "1", "--run-time", "25s", "--only-summary"],
        capture_output=True, text=True, timeout=READY_S, check=False,
        cwd=Path(__file__).parent.parent.parent,
    )  # fmt: skip
    assert "Traceback" not in process.stderr
    assert "POST whep" in process.stdout + process.stderr
    assert "first media" in process.stdout + process.stderr
