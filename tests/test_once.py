import os
import threading
import time
from pathlib import Path
from typing import cast

import pytest

from tests.once import once


class Worker:
    """As much of a worker's `TempPathFactory` as is asked for."""

    def __init__(self, base: Path) -> None:
        self._base = base
        base.mkdir()

    def getbasetemp(self) -> Path:
        return self._base

    def mktemp(self, name: str) -> Path:
        folder = self._base / f"{name}-{len(list(self._base.iterdir()))}"
        folder.mkdir()
        return folder


def factory(base: Path) -> pytest.TempPathFactory:
    return cast(pytest.TempPathFactory, Worker(base))


def test_the_worker_that_comes_first_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    made = []
    found: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        folder.mkdir()
        time.sleep(0.05)
        (folder / "content").write_text("whole")

    def work(base: Path) -> None:
        folder = once(factory(base), "slow", make)
        assert (folder / "content").read_text() == "whole"
        found.append(folder)

    workers = [threading.Thread(target=work, args=(tmp_path / f"gw{i}",)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [tmp_path / "slow"] * 3
    assert len(made) == 1


def test_without_workers_it_stays_within_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert once(factory(tmp_path / "base"), "slow", os.mkdir) == tmp_path / "base" / "slow"


def test_what_failed_is_made_anew(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").mkdir(parents=True)
        raise OSError("half made")

    workers = factory(tmp_path / "base")
    with pytest.raises(OSError, match="half made"):
        once(workers, "slow", fail)
    assert list(once(workers, "slow", os.mkdir).iterdir()) == []
