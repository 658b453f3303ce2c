"""What continuous integration runs installs what is missing, and then runs the tests."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).parent.parent / ".ci"


def write(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("installed", "calls"),
    [
        ("one two", []),
        ("two", ["apt-get -qq update", "apt-get -qq install -y --no-install-recommends one"]),
        ("", ["apt-get -qq update", "apt-get -qq install -y --no-install-recommends one two"]),
    ],
)  # fmt: skip
def test_missing_packages_are_installed(tmp_path: Path, installed: str, calls: list[str]) -> None:
    shutil.copytree(CI, tmp_path / ".ci")
    (tmp_path / ".ci" / "packages").write_text("# why\none\ntwo\n", encoding="utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "log"
    write(tmp_path / "in-env", f'echo "$1 ${{3:-}}, CI=$CI" >>{log}')
    write(programs / "apt-get", f'echo "apt-get $*" >>{log}')
    write(programs / "sudo", 'shift; exec "$@"')
    write(
        programs / "dpkg-query",
        f"for last; do :; done\n"
        f'case " {installed} " in *" $last "*) echo installed ;; *) exit 1 ;; esac',
    )
    subprocess.run(
        [tmp_path / ".ci" / "run"],
        env={"PATH": f"{programs}:{os.environ['PATH']}"},
        check=True,
        timeout=60,
    )
    *before, last = log.read_text(encoding="utf-8").splitlines()
    assert before[: len(calls)] == calls
    # Compiling goes on beside the first of nox.
    assert set(before[len(calls) :]) == {
        "true , CI=true", "rehearse smoke, CI=true", "nox lint, CI=true",
        "nox tests, CI=true",
    }  # fmt: skip
    assert last == "nox tests, CI=true"


def test_what_fails_beside_fails_the_whole(tmp_path: Path) -> None:
    shutil.copytree(CI, tmp_path / ".ci")
    (tmp_path / ".ci" / "packages").write_text("", encoding="utf-8")
    write(tmp_path / "in-env", '[ "$1" != rehearse ]')
    done = subprocess.run([tmp_path / ".ci" / "run"], check=False, timeout=60)
    assert done.returncode == 1


def test_what_fails_leaves_nothing_running(tmp_path: Path) -> None:
    shutil.copytree(CI, tmp_path / ".ci")
    (tmp_path / ".ci" / "packages").write_text("", encoding="utf-8")
    write(
        tmp_path / "in-env",
        'case "$1" in rehearse) exec sleep 50 ;; nox) sleep 1; exit 1 ;; esac',
    )
    # It ends once nobody holds its streams any more.
    done = subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, check=False, timeout=30)
    assert done.returncode == 1
