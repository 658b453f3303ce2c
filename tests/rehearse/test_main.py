import subprocess
import sys

import pytest

from tests.rehearse.conftest import Rehearse

COMMANDS = ("list", "validate", "show", "simulate", "report", "plot", "sfu")


def test_help_names_every_command_and_exit_code(rehearse: Rehearse) -> None:
    ending = rehearse("--help")
    assert ending.code == 0
    for word in (*COMMANDS, "99", "98", "130"):
        assert word in ending.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(rehearse: Rehearse, command: str) -> None:
    ending = rehearse(command, "--help")
    assert ending.code == 0
    assert ending.out.startswith(f"Usage: rehearse {command} ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lst",), "No such command 'lst'"),
        (("show",), "Missing argument 'SCENARIO'"),
        (("show", "smoke", "--sed", "1"), "No such option: --sed"),
        (("simulate", "smoke", "--threads", "0"), "Invalid value for '--threads'"),
        (("simulate", "smoke", "--seed", "x"), "Invalid value for '--seed'"),
    ],
)
def test_wrong_usage_ends_with_2(
    rehearse: Rehearse, arguments: tuple[str, ...], message: str
) -> None:
    ending = rehearse(*arguments)
    assert ending.code == 2
    assert message in ending.err
    assert ending.out == ""


def test_help_waits_for_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from rehearse.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    heavy = {"numpy", "numba", "pydantic", "ruamel", "pyarrow", "scipy", "matplotlib", "jinja2"}
    assert not loaded & heavy


def test_what_draws_plots_is_loaded_without_statistics() -> None:
    # they take longer; hence `import scipy`, which loads its parts when they are first used
    program = (
        "import sys\n"
        "import results.plots, results.plots.of_sets, results.report, scenarios.population\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "matplotlib.figure" in loaded
    assert not loaded & {f"scipy.{part}" for part in ("optimize", "spatial", "special", "stats")}
