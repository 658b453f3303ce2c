"""Checks of the project: `./in-env nox` runs lint, typecheck and tests.

Sessions use the environment that they are called in, which `in-env` has filled.
"""

import os
import tempfile

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "typecheck", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Types."""
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, on all processor cores; arguments after `--` go to pytest."""
    # One more than cores: tests of live runs mostly wait.
    workers = (os.cpu_count() or 1) + 1
    session.run("pytest", f"--numprocesses={workers}", "--dist=worksteal", *session.posargs)


@nox.session
def bounds(session: nox.Session) -> None:
    """The simulations' tests with kernels that look at every index: others write where it says."""
    with tempfile.TemporaryDirectory() as cache:
        env = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": cache}
        session.run("pytest", "--numprocesses=2", "tests/simulations", *session.posargs, env=env)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as HTML in docs/_build/html; a warning is an error."""
    session.run(
        "sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "--fresh-env",
        "--builder=html", "docs", "docs/_build/html",
    )  # fmt: skip


@nox.session
def bench(session: nox.Session) -> None:
    """Speed, beside other simulators and by part; figures also go to bench-results.json."""
    session.run("python", "-m", "benchmarks", *session.posargs)
