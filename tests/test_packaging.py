"""What an installed Rehearsal consists of: all packages, and all the files that they read."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("rehearse", "scenarios", "simulations", "results", "reference_sfu")


@pytest.fixture(scope="module")
def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def room_files() -> list[Path]:
    """Files of the rooms but for runs and what Python makes."""
    return [
        path.relative_to(ROOT)
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not {"runs", "__pycache__"} & set(path.parts)
    ]


def test_every_folder_with_modules_is_a_package_that_is_found(project: Any) -> None:
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    for folder in {path.parent for path in room_files() if path.suffix == ".py"}:
        assert (ROOT / folder / "__init__.py").exists(), f"{folder} is no package"
        assert any(fnmatch(".".join(folder.parts), pattern) for pattern in include), folder


def test_every_file_beside_the_modules_is_package_data(project: Any) -> None:
    data = project["tool"]["setuptools"]["package-data"]
    left_out = [
        str(path)
        for path in room_files()
        if path.suffix != ".py"
        and not any(
            path.relative_to(room).match(pattern)
            for room, patterns in data.items()
            if path.is_relative_to(room)
            for pattern in patterns
        )
    ]
    assert left_out == []


def test_every_dependency_has_a_lower_bound_and_no_other(project: Any) -> None:
    extras = project["project"]["optional-dependencies"].values()
    for requirement in [*project["project"]["dependencies"], *(r for e in extras for r in e)]:
        name, bound, version = requirement.partition(">=")
        assert bound, requirement
        assert version.replace(".", "").isdigit(), requirement
        assert name.strip()
