import os
import threading
import time
from pathlib import Path

import pytest

from tests.once import once


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.TempPathFactory:
    """A worker's."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    (tmp_path / "worker").mkdir()
    return pytest.TempPathFactory(
        tmp_path / "worker", "all", 0, lambda *_, **__: None, tmp_path / "worker", _ispytest=True
    )


def test_whoever_comes_first_makes_it(factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        folder.mkdir()
        time.sleep(0.05)
        (folder / "content").write_text("whole")

    def ask() -> None:
        found.append((once(factory, "slow", make) / "content").read_text())

    found: list[str] = []
    workers = [threading.Thread(target=ask) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == ["whole"] * 3
    assert len(made) == 1
    assert (tmp_path / "slow").is_dir()


def test_what_failed_is_made_anew(factory: pytest.TempPathFactory) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").mkdir(parents=True)
        raise OSError("half made")

    with pytest.raises(OSError, match="half made"):
        once(factory, "slow", fail)
    assert list(once(factory, "slow", os.mkdir).iterdir()) == []
