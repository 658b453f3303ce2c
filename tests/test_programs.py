"""Programs that tests need: what comes of one that is missing."""

from pathlib import Path

import pytest

from tests.programs import need

PACKAGES = Path(__file__).parent.parent / ".ci" / "packages"


def test_a_program_that_is_there_is_found() -> None:
    assert Path(need("sh", "dash")).name == "sh"


def test_a_missing_program_skips_the_test_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"there is no x-y: .* apt-get install x"):
        need("x-y", "x")


def test_in_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"there is no x-y: .*\.ci/packages"):
        need("x-y", "x")


def test_packages_are_named_one_a_line() -> None:
    lines = [line for line in PACKAGES.read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted(set(lines))
    assert all(line == line.strip() and " " not in line for line in lines)
    assert {"chromium", "chromium-driver"} <= set(lines)
