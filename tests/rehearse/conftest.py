from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearse.main import main


@dataclass(frozen=True)
class Ending:
    code: int | str | None
    out: str
    err: str


Rehearse = Callable[..., Ending]


@pytest.fixture(autouse=True)
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports on runs that a test itself writes, without the plots: they take most of a short run's
    time, and have tests elsewhere. The runs of a module's fixtures keep them."""
    monkeypatch.setattr("results.report.FIGURES", ())


@pytest.fixture
def rehearse(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Rehearse:
    """Runs a command in an empty current directory; every ending is checked for a traceback."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ending:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ending(ending.value.code, out, err)

    return run
