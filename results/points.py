"""Points: what is kept of every run of a sweep, by what the run was made from.

A point's key is a digest of the resolved scenario, its tables, the replication and the version of
the program: the same run is found again by any later sweep, an interrupted one goes on where it
was, and a changed scenario finds nothing that is not its own.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from results.comebacks import Comeback, comeback_of
from results.figures import Figure, measure
from results.manifest import commit, versions
from results.records import Run
from results.trials import Trial, observe
from scenarios.dumping import companion_tables, dump_scenario
from scenarios.scenario import Scenario

POINTS = Path("results", "points")
"""Where points are kept, below the current directory."""
KEPT = ("carrier=", "access=")
"""Groups whose figures are kept, beside those of all endpoints and of thresholds."""


@dataclass(frozen=True)
class Outcome:
    """What is kept of a run."""

    trial: Trial
    figures: Mapping[Figure, float | None]
    """In SI units; None without data, infinite where it never came about."""
    comeback: Comeback


def digest_run(run: Run) -> dict[str, Any]:
    """What is kept of ``run``, as plain values."""
    thresholds = {
        Figure.of_threshold(check.metric, check.expression, check.during)
        for check in observe(run).checks
    }
    kept = {
        figure: value
        for figure, value in measure(run).figures.items()
        if not figure.selector or figure.selector.startswith(KEPT) or figure in thresholds
    }
    return {
        "trial": observe(run).to_json(),
        "figures": [
            [f.metric, f.selector, f.during, f.aggregation, "never" if v == float("inf") else v]
            for f, v in kept.items()
        ],
        "comeback": comeback_of(run).to_json(),
    }


def recover_outcome(data: Mapping[str, Any]) -> Outcome:
    """What `digest_run` kept.

    Raises:
        KeyError, TypeError, ValueError: it was something else.
    """
    figures = {
        Figure(*row[:4]): float("inf") if row[4] == "never" else row[4] for row in data["figures"]
    }
    comeback = Comeback.from_json(data["comeback"])
    return Outcome(Trial.from_json(data["trial"]), figures, comeback)


class PointStore:
    """A folder of points."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = json.dumps([versions(), commit()])

    def key(self, scenario: Scenario, replication: int) -> str:
        """The key of a run."""
        parts = [dump_scenario(scenario), *sorted(companion_tables(scenario).items())]
        text = repr((parts, replication, self._program))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def find(self, key: str) -> Outcome | None:
        """What is kept under ``key``; None where nothing is, or nothing that can be read."""
        try:
            data = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            return recover_outcome(data)
        except (FileNotFoundError, KeyError, TypeError, ValueError):
            return None

    def keep(self, key: str, data: Mapping[str, Any]) -> None:
        """Keep what `digest_run` gave, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f".{key}.{secrets.token_hex(3)}.part"
        try:
            part.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
            os.replace(part, self._folder / f"{key}.json")
        finally:
            part.unlink(missing_ok=True)
