"""The whole national briefing live on one machine: what joining costs, and what rate of audio its
clients and the reference SFU sustain together. Processor time and memory of every process.

A run that saturates a process says so itself: its verdict is then inconclusive.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

ENDPOINTS = 2594
JOIN_S = 60.0
"""Over which they set out."""
SECONDS = 300
PTIMES_MS = (20, 40, 60)
"""Packets of these lengths are tried one after another, until nothing saturates."""
LOOK_S = 1.0
ROLES = {"synthetic_clients.process": "clients", "reference_sfu": "server"}
"""By a word of the command line; what has none commands the others."""
SCENARIO = (
    "--set", "meeting={floor: [{at: 0s, site: command-centre}]}",
    "--set", "media.audio.dtx=false",
    "--set", "thresholds={packet_loss: mean < 1%}",
)  # fmt: skip
"""The command centre alone speaks, without pauses."""


@dataclass(frozen=True)
class Look:
    """What all processes of a role have used by a time."""

    at: float
    cpu_s: dict[str, float]
    memory: int
    """Bytes, all roles together; pages that processes share count for each."""


@dataclass
class Watch:
    """Looks at a command's processes while it runs, and notes when its phases begin."""

    process: "subprocess.Popen[str]"
    looks: list[Look] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    _used: dict[int, tuple[str, float]] = field(default_factory=dict)

    def run(self) -> None:
        """Until the command ends."""
        reader = threading.Thread(target=self._read)
        reader.start()
        while self.process.poll() is None:
            self.looks.append(self._look())
            time.sleep(LOOK_S)
        reader.join()

    def _read(self) -> None:
        assert self.process.stderr is not None  # noqa: S101
        for line in self.process.stderr:
            for words, phase in ((" have joined", "joining"), (" played, ", "playing"),
                                 ("writing the run", "over")):  # fmt: skip
                if words in line and not (phase == "joining" and " played, " in line):
                    self.phases.setdefault(phase, time.monotonic())

    def _look(self) -> Look:
        memory = 0
        try:
            root = psutil.Process(self.process.pid)
            for each in (root, *root.children(recursive=True)):
                with each.oneshot():
                    words = " ".join(each.cmdline())
                    role = next((r for word, r in ROLES.items() if word in words), "command")
                    used = each.cpu_times()
                    self._used[each.pid] = (role, used.user + used.system)
                    memory += each.memory_info().rss
        except psutil.NoSuchProcess:
            pass  # it ended while we looked
        cpu: dict[str, float] = {}
        for role, seconds in self._used.values():
            cpu[role] = cpu.get(role, 0.0) + seconds
        return Look(time.monotonic(), cpu, memory)

    def spent(self, begin: str, end: str) -> dict[str, float]:
        """Processor seconds by role between the beginnings of two phases."""
        at = [self.phases.get(phase, self.looks[-1].at) for phase in (begin, end)]
        first, last = (min(self.looks, key=lambda look: abs(look.at - t)) for t in at)
        return {role: used - first.cpu_s.get(role, 0.0) for role, used in last.cpu_s.items()}


def run(
    _repetitions: int,
    endpoints: int = ENDPOINTS,
    seconds: int = SECONDS,
    join_s: float = JOIN_S,
    ptimes: tuple[int, ...] = PTIMES_MS,
) -> list[dict[str, Any]]:
    """A row for each length of packets that was tried; the last is the one that held."""
    rows = []
    for ptime in ptimes:
        rows.append(rehearse(endpoints, seconds, join_s, ptime))
        if rows[-1]["verdict"] == "pass":
            break
    return rows


def rehearse(endpoints: int, seconds: int, join_s: float, ptime: int) -> dict[str, Any]:
    """One live run, and what it took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [
            sys.executable, "-m", "rehearse.main", "live", "national-briefing", "--audio-only",
            "--join-over", str(join_s), "--out", str(out), *SCENARIO,
            "--set", f"duration={seconds}s", "--set", f"media.audio.ptime={ptime}ms",
        ]  # fmt: skip
        if endpoints < ENDPOINTS:
            command += ["--endpoints", str(endpoints)]
        process = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        watch = Watch(process)
        watch.run()
        summary = json.loads((out / "summary.json").read_text())
        found = {"ptime_ms": ptime, **_joining(watch, out), **_playing(watch, out, summary)}
        due = (found["joined"] - 1) * 1e3 / ptime  # all but who speaks
        return found | {"received_share": found["packets_per_s"] / due}


def _joining(watch: Watch, out: Path) -> dict[str, Any]:
    events = pq.read_table(out / "events.parquet").to_pylist()
    joins = [row for row in events if row["kind"] == "join"]
    took = [float(row["detail"].split()[0]) for row in joins]
    began = [row["time"] - seconds for row, seconds in zip(joins, took, strict=True)]
    spent = watch.spent("joining", "playing")
    return {
        "joined": len(joins),
        "failed": sum(row["kind"] == "join failed" for row in events),
        "all_joined_s": max(row["time"] for row in joins) - min(began),
        "join_p50_s": sorted(took)[len(took) // 2],
        "join_max_s": max(took),
        "join_cpu_ms": {role: 1e3 * cpu / len(joins) for role, cpu in spent.items()},
    }


def _playing(watch: Watch, out: Path, summary: dict[str, Any]) -> dict[str, Any]:
    samples = pq.read_table(out / "samples.parquet", columns=["packets_received"])
    received = max(sum(samples["packets_received"].to_pylist()), 1)
    spent, played = watch.spent("playing", "over"), max(summary["duration_s"], 1e-9)
    metrics = summary["metrics"]
    return {
        "verdict": summary["verdict"],
        "why": [*summary["doubts"], *filter(None, [summary["interrupted"]])],
        "played_s": played,
        "packets_per_s": received / played,
        "packet_loss": metrics["packet_loss"]["mean"],
        "one_way_delay_p95_s": metrics["one_way_delay"]["p95"],
        "generator_cpu_max": metrics["generator_cpu"]["max"],
        "generator_lag_max_s": metrics["generator_lag"]["max"],
        "cores": {role: cpu / played for role, cpu in spent.items()},
        "cpu_us_per_packet": {role: 1e6 * cpu / received for role, cpu in spent.items()},
        "memory_bytes": max(look.memory for look in watch.looks),
    }
