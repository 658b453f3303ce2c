import errno
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from rehearse.endings import Refusal, clear_endings, explain_os_error
from scenarios.errors import Fault, ScenarioError

PYTHON = [sys.executable, "-m", "rehearse.main"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ScenarioError([Fault("a", 1, "k", None, "is missing")]), 2, "a:1: k — is missing\n"),
        (Refusal("no"), 2, "no\n"),
        (
            OSError(errno.ENOSPC, "x", "runs/a"),
            2,
            "rehearse: runs/a: No space left on device\n",
        ),
        (PermissionError(errno.EACCES, "x", "a"), 2, "rehearse: a: Permission denied\n"),
        (KeyboardInterrupt(), 130, "rehearse: interrupted; nothing was written\n"),
    ],
)
def test_each_ending_has_its_code_and_message(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, message: str
) -> None:
    with pytest.raises(typer.Exit) as ending, clear_endings():
        raise error
    assert ending.value.exit_code == code
    assert capsys.readouterr() == ("", message)


def test_a_crash_stays_a_crash() -> None:
    with pytest.raises(ZeroDivisionError), clear_endings():
        _ = 1 / 0


def test_an_error_without_a_file_is_explained() -> None:
    assert explain_os_error(OSError("odd")) == "rehearse: cannot read or write: odd"


def test_a_full_disk_behind_stdout_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PYTHON, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "rehearse: cannot read or write: No space left on device\n"


@pytest.mark.parametrize("away", ["2>/dev/full", "2>&-", "2> >(exec head -c0)"])
def test_nobody_has_to_read_what_goes_wrong(away: str) -> None:
    command = f"{sys.executable} -m rehearse.main validate nosuch.yaml {away}; exit $?"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")


def test_a_reader_that_leaves_is_no_fault() -> None:
    command = f"{sys.executable} -m rehearse.main show national-briefing --resolved | head -1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "name: national-briefing\n", "")


def test_a_terminal_without_vietnamese_is_no_fault() -> None:
    done = subprocess.run(
        [*PYTHON, "list"],
        env={"PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        encoding="latin-1",
        check=False,
    )
    assert done.returncode == 0
    assert "from Hà N?i to 2,594 endpoints" in done.stdout
