import getpass
import json
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results import manifest
from results.manifest import ManifestError, commit, describe, machine, recover, versions
from results.records import Run


def git(folder: Path, *words: str) -> str:
    if shutil.which("git") is None:
        pytest.skip("this machine has no git")
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    command = ["git", *identity, *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A file in a git checkout of one commit."""
    file = tmp_path / "checkout" / "module.py"
    file.parent.mkdir()
    file.write_text("", encoding="utf-8")
    git(file.parent, "init", "--quiet")
    git(file.parent, "add", "module.py")
    git(file.parent, "commit", "--quiet", "-m", "first")
    return file


def test_a_manifest_gives_back_what_the_run_was(run: Run) -> None:
    facts = recover(json.loads(json.dumps(describe(run), allow_nan=False)))
    for name in ("mode", "started", "finished", "command", "duration_s", "accounting", "cost"):
        assert facts[name] == getattr(run, name), name
    assert facts["assumptions"] == run.assumptions
    assert describe(run)["seed"] == run.scenario.seed


def test_neither_machine_nor_user_is_named() -> None:
    words = {word for value in machine().values() for word in re.findall(r"[\w-]+", str(value))}
    assert platform.machine() in words
    assert not words & {platform.node(), getpass.getuser(), str(Path.home())}


def test_versions_are_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "PACKAGES", ("numpy", "no-such-distribution"))
    assert versions() == {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "no-such-distribution": None,
    }


def test_the_machine_has_cores_and_memory() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**28
    assert found["system"] == platform.system()


def test_commit_of_a_checkout(checkout: Path) -> None:
    head = git(checkout.parent, "rev-parse", "HEAD")
    assert commit(checkout) == head
    (checkout.parent / "notes.txt").write_text("not tracked", encoding="utf-8")
    assert commit(checkout) == head
    checkout.write_text("changed", encoding="utf-8")
    assert commit(checkout) == f"{head}-dirty"


def test_no_commit_where_the_file_only_lies_in_a_checkout(checkout: Path) -> None:
    installed = checkout.parent / "site-packages" / "module.py"
    installed.parent.mkdir()
    installed.write_text("", encoding="utf-8")
    assert commit(installed) is None


def test_no_commit_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert commit(checkout) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "something else"}, "it is not the manifest of a run of Rehearsal"),
        ({"schema_version": 1}, "its schema_version is 1, and this program reads 3"),
        ({"schema_version": None}, "its schema_version is None, and this program reads 3"),
        ({"mode": "dreamt"}, "its mode is 'dreamt', none of simulated, live"),
        ({"duration_s": "long"}, "it is damaged: Input should be a valid number"),
        ({"duration_s": float("nan")}, "it is damaged: Input should be "),
        ({"duration_s": 0}, "it is damaged: Input should be greater than 0"),
        ({"cost": {"wall_s": 1}}, "it is damaged: packets: Field required; packet_hops: "),
        ({"cost": None}, "it is damaged: "),
        ({"accounting": None}, "it is damaged: "),
        (
            {"accounting": {"sent": 1, "delivered": 1, "in_flight": 0, "lost": {"uplink": "y"}}},
            "it is damaged: lost: uplink: Input should be a valid integer",
        ),
        ({"replication": float("inf")}, "it is damaged: cannot convert float infinity"),
    ],
)
def test_a_foreign_or_damaged_manifest_is_refused(
    run: Run, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ManifestError, match=f"^{message}"):
        recover({**describe(run), **changes})


def test_a_missing_value_is_named(run: Run) -> None:
    facts = describe(run)
    del facts["started"]
    with pytest.raises(ManifestError, match=r"^it has no 'started'$"):
        recover(facts)


@pytest.mark.parametrize("manifest", [None, [], "text", 1, {}])
def test_what_is_no_manifest_is_refused(manifest: object) -> None:
    with pytest.raises(ManifestError, match=r"^it is not the manifest of a run of Rehearsal$"):
        recover(manifest)
