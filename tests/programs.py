"""Programs that tests need and Python's packages do not bring: see `.ci/packages`."""

import os
import shutil

import pytest


def need(program: str, package: str) -> str:
    """Where ``program`` is; without it the test is skipped, or fails where CI should have it."""
    path = shutil.which(program)
    if path is None:
        reason = f"there is no {program}: on Debian, apt-get install {package}"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{reason}; .ci/run installs what .ci/packages names")
        pytest.skip(reason)
    return path
