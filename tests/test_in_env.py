"""`in-env` with a Python, an apt-get and a root user that are stand-ins, and write down calls."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PYTHON = """\
#!/bin/sh
case "$*" in
    *version_info*) exit ${TOO_OLD:-0} ;;
    *ensurepip*) [ -z "${NO_VENV:-}" ] || [ -e "$CALLS.installed" ] ;;
    --version) echo "Python 3.9.2" ;;
    "-m venv"*)
        echo "venv" >>"$CALLS"
        for folder; do :; done
        rm -rf "$folder"
        mkdir -p "$folder/bin"
        cp "$0" "$folder/bin/python"
        ;;
    "-m pip install"*)
        echo "pip" >>"$CALLS"
        echo "$*" >"$CALLS.pip"
        echo "noise of pip"
        [ -z "${PIP_FAILS:-}" ]
        ;;
    "-m compileall"*)
        echo "compileall" >>"$CALLS"
        echo "$*" >"$CALLS.compileall"
        echo "noise of compileall"
        [ -z "${COMPILING_FAILS:-}" ]
        ;;
esac
"""
MADE = ["venv", "pip", "compileall"]
APT = """\
#!/bin/sh
echo "apt-get $*" >>"$CALLS"
case "$*" in *install*) : >"$CALLS.installed" ;; esac
"""


@dataclass
class Home:
    """A project's folder with `in-env` and stand-ins for what it calls."""

    folder: Path
    elsewhere: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "in-env", *command],
            cwd=self.elsewhere,
            env=self.environment | more,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=30,
        )

    @property
    def calls(self) -> list[str]:
        path = Path(self.environment["CALLS"])
        return path.read_text().splitlines() if path.exists() else []


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder, elsewhere, programs = (tmp_path / name for name in ("a home", "else where", "bin"))
    for each in (folder, elsewhere, programs):
        each.mkdir()
    shutil.copy(ROOT / "in-env", folder)
    (folder / "pyproject.toml").write_text("[project]\n")
    write_program(programs / "python3", PYTHON)
    write_program(programs / "apt-get", APT)
    write_program(programs / "id", '#!/bin/sh\necho "${USER_ID:-1000}"\n')
    return Home(
        folder,
        elsewhere,
        {"PATH": f"{programs}:/usr/bin:/bin", "CALLS": str(tmp_path / "calls")},
    )


def test_the_command_runs_in_the_callers_folder_with_the_environment_first(home: Home) -> None:
    done = home.run("sh", "-c", 'pwd; echo "$1"; command -v python; exit 7', "-", "one word")
    lines = [str(home.elsewhere), "one word", str(home.folder / ".venv" / "bin" / "python")]
    assert done.stdout.splitlines() == lines  # what pip and others say is not on stdout
    assert done.returncode == 7
    assert "in-env: making .venv" in done.stderr


def test_the_environment_is_made_once(home: Home) -> None:
    for _ in range(3):
        assert home.run("true").returncode == 0
    assert home.calls == MADE
    assert home.run("true").stderr == ""


def test_it_is_brought_up_to_date_when_requirements_change(home: Home) -> None:
    home.run("true")
    (home.folder / "pyproject.toml").write_text("[project]\ndependencies = ['numpy']\n")
    done = home.run("true")
    assert "in-env: bringing .venv up to date" in done.stderr
    assert home.calls == [*MADE, "pip", "compileall"]


def test_one_that_was_left_half_made_is_made_anew(home: Home) -> None:
    failed = home.run("touch", "ran", PIP_FAILS="1")
    assert failed.returncode == 2
    assert failed.stderr.endswith("in-env: pip could not install the project\n")
    assert not (home.elsewhere / "ran").exists()
    assert home.run("true").returncode == 0
    assert home.calls == ["venv", "pip", *MADE]


def test_all_cores_compile_and_not_pip(home: Home) -> None:
    home.run("true")
    written = {
        name: Path(f"{home.environment['CALLS']}.{name}").read_text().split()
        for name in ("pip", "compileall")
    }
    assert "--no-compile" in written["pip"]
    assert "-j 0" in " ".join(written["compileall"])


def test_what_cannot_be_compiled_is_left(home: Home) -> None:
    for _ in range(2):
        assert home.run("true", COMPILING_FAILS="1").returncode == 0
    assert home.calls == MADE


def test_one_that_was_moved_is_made_anew(home: Home) -> None:
    home.run("true")
    home.folder = home.folder.rename(home.folder.with_name("moved"))
    assert home.run("true").returncode == 0
    assert home.calls == [*MADE, *MADE]


def test_the_environment_of_another_is_left_alone(home: Home) -> None:
    other = home.elsewhere / "other"
    other.mkdir()
    (other / "theirs").touch()
    (home.folder / ".venv").symlink_to(other)
    done = home.run("true")
    assert (done.returncode, done.stdout) == (2, "")
    assert ".venv is a symbolic link" in done.stderr
    assert (other / "theirs").exists()


def test_calls_at_the_same_time_make_it_once(home: Home) -> None:
    calls = [
        subprocess.Popen(
            [home.folder / "in-env", "true"], env=home.environment, stderr=subprocess.DEVNULL
        )
        for _ in range(4)
    ]
    assert [call.wait(30) for call in calls] == [0] * 4
    assert home.calls == MADE


def test_an_old_python_is_refused(home: Home) -> None:
    done = home.run("true", TOO_OLD="1", PYTHON="python3")
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed, and there is Python 3.9.2;" in done.stderr
    assert home.calls == []


def test_no_python_is_refused(home: Home) -> None:
    done = home.run("true", PYTHON="python-of-nowhere")
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed, and there is no python-of-nowhere;" in done.stderr


def test_root_gets_the_missing_package(home: Home) -> None:
    done = home.run("true", NO_VENV="1", USER_ID="0")
    assert done.returncode == 0
    assert "in-env: installing the system's package python3-venv" in done.stderr
    assert home.calls == [
        "apt-get -qq update",
        "apt-get -qq install -y --no-install-recommends python3-venv",
        *MADE,
    ]


def test_others_are_told_how_to_get_it(home: Home) -> None:
    done = home.run("true", NO_VENV="1")
    assert done.returncode == 2
    assert "apt-get install -y --no-install-recommends python3-venv" in done.stderr
    assert home.calls == []


@pytest.mark.parametrize("environment", [{}, {"PYTHONHOME": "/nowhere"}])
def test_a_command_must_be_named(home: Home, environment: Mapping[str, str]) -> None:
    done = home.run(**environment)
    assert done.returncode == 2
    assert done.stderr.startswith("in-env: name a command to run, as in:")
