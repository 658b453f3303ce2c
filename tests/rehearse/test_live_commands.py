import subprocess
import sys
from pathlib import Path

import pytest


def live(*options: str, preexec: str = "") -> tuple[int, str]:
    command = [sys.executable, "-m", "rehearse.main", "live", *options]
    if preexec:
        command = ["sh", "-c", f'{preexec}; exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["smoke", "--target", "http://127.0.0.1:1"], "--target: 'http://127.0.0.1:1' — must be"),
        (["smoke", "--target", "whip+http://127.0.0.1:x"], "its port must be a number"),
        (["smokey"], "smoke"),
        (["smoke", "--endpoints", "3"], "must not exceed the 3 endpoints"),
        (["smoke", "--master", "2", "--worker", "127.0.0.1"], "one or the other"),
        (["smoke", "--worker", "127.0.0.1"], "needs the master's --target"),
        (["smoke", "--master", "2"], "needs a --target by its URL"),
    ],
)
def test_mistakes_are_told_before_anything_starts(options: list[str], message: str) -> None:
    code, said = live(*options, "--quiet")
    assert code == 2
    assert message in said
    assert "Traceback" not in said


def test_a_folder_in_use_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").touch()
    code, said = live("smoke", "--out", str(tmp_path))
    assert code == 2
    assert "is not empty" in said


def test_too_few_open_files_are_told_with_the_number_needed() -> None:
    code, said = live("smoke", preexec="ulimit -S -n 100; ulimit -H -n 100")
    assert code == 2
    assert "61 endpoints in a process need 308 open files, and the limit is 100" in said
