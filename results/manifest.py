"""The manifest: how a run came about, and what it takes to make it again."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from results.records import Accounting, Cost, Run

FORMAT = "rehearsal-run"
"""What manifest.json calls the folder that it lies in."""
SCHEMA_VERSION = 3
"""Raised when the tables of earlier runs can no longer be read as today's."""
PACKAGES = ("rehearsal", "numpy", "numba", "llvmlite", "pyarrow", "scipy", "simpy", "pydantic")
"""Distributions whose versions may change a result."""

MODES = ("simulated", "live")

_DURATION = TypeAdapter(Annotated[float, Field(gt=0, allow_inf_nan=False)])
_ACCOUNTING, _COST = TypeAdapter(Accounting), TypeAdapter(Cost)
_HERE = Path(__file__)
_GIT_TIMEOUT_S = 5.0


class ManifestError(Exception):
    """A manifest that is none of ours; the message says what is wrong with it."""


def describe(run: Run) -> dict[str, Any]:
    """The content of manifest.json. Neither the machine's nor its user's name is in it."""
    accounting = run.accounting
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "scenario": run.scenario.name,
        "mode": run.mode,
        "seed": run.scenario.seed,
        "replication": run.replication,
        "command": list(run.command),
        "started": run.started,
        "finished": run.finished,
        "duration_s": run.duration_s,
        "versions": versions(),
        "commit": commit(),
        "machine": machine(),
        "cost": asdict(run.cost),
        "accounting": {
            "sent": accounting.sent,
            "delivered": accounting.delivered,
            "in_flight": accounting.in_flight,
            "lost": dict(accounting.lost),
        },
        "assumptions": list(run.assumptions),
        "interrupted": run.interrupted,
        "doubts": list(run.doubts),
    }


def recover(manifest: object) -> dict[str, Any]:
    """What a Run takes from its manifest: the arguments of Run by name.

    Raises:
        ManifestError: ``manifest`` is not one of this program's, or of another version, or a
            value is missing or has the wrong type.
    """
    if not isinstance(manifest, Mapping) or manifest.get("format") != FORMAT:
        raise ManifestError("it is not the manifest of a run of Rehearsal")
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ManifestError(
            f"its schema_version is {version!r}, and this program reads {SCHEMA_VERSION}"
        )
    if manifest.get("mode") not in MODES:
        raise ManifestError(f"its mode is {manifest.get('mode')!r}, none of {', '.join(MODES)}")
    try:
        return {
            "mode": manifest["mode"],
            "started": str(manifest["started"]),
            "finished": str(manifest["finished"]),
            "command": tuple(str(word) for word in manifest["command"]),
            "duration_s": _DURATION.validate_python(manifest["duration_s"]),
            "accounting": _ACCOUNTING.validate_python(manifest["accounting"]),
            "cost": _COST.validate_python(manifest["cost"]),
            "assumptions": tuple(str(text) for text in manifest["assumptions"]),
            "replication": int(manifest.get("replication", 0)),  # earlier runs were all the first
            "interrupted": manifest["interrupted"],
            "doubts": tuple(str(text) for text in manifest["doubts"]),
        }
    except KeyError as error:
        raise ManifestError(f"it has no {error.args[0]!r}") from None
    except ValidationError as error:
        reasons = "; ".join(
            ": ".join([*map(str, one["loc"]), one["msg"]]) for one in error.errors()
        )
        raise ManifestError(f"it is damaged: {reasons}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ManifestError(f"it is damaged: {error}") from None


def versions() -> dict[str, str | None]:
    """Versions of Python and of PACKAGES; None for one that is not installed as a package."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def commit(file: Path = _HERE) -> str | None:
    """The git commit that ``file`` is checked out from, with `-dirty` if tracked files differ.

    None without git or a checkout, or where ``file`` merely lies in somebody else's checkout.
    """
    git = shutil.which("git")
    if git is None:
        return None

    def ask(*words: str) -> str:
        process = subprocess.run(  # noqa: S603  git and constant words
            [git, *words],
            cwd=file.parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_TIMEOUT_S,
        )
        return process.stdout.strip()

    try:
        ask("ls-files", "--error-unmatch", file.name)
        head = ask("rev-parse", "HEAD")
        changes = ask("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}-dirty" if changes else head


def machine() -> dict[str, Any]:
    """The machine's processor, cores that may be used, memory in bytes and operating system."""
    return {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "memory_bytes": _memory(),
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
    }


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or None)


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
