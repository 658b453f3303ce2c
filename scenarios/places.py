"""Places: where in its files a scenario says what it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios.errors import ScenarioError
from scenarios.inheritance import find_scenario, label, read_with_parents
from scenarios.tables import LIBRARY


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: str
    """As the user knows it, from the current directory."""
    line: int


def threshold_places(scenario: str | Path) -> Mapping[tuple[str, int], Place]:
    """Where each threshold of the scenario file ``scenario`` stands, by target and number.

    Conditions of a target are numbered from 0. A threshold that was inherited from the library is
    placed on the line that extends it. Empty where the file cannot be read.
    """
    path = find_scenario(scenario, Path())
    if path is None:
        return {}
    try:
        root = read_with_parents(path, label(path, scenario))
    except ScenarioError:
        return {}
    here = Place(str(scenario), _extending_line(path))
    thresholds = root.child("thresholds")
    if thresholds is None or not isinstance(thresholds.value, dict):
        return {}
    places = {}
    for target, conditions in thresholds.value.items():
        each = conditions.value if isinstance(conditions.value, list) else [conditions]
        for number, node in enumerate(each):
            known = node.line is not None and node.source.folder not in (None, LIBRARY)
            place = Place(node.source.label, node.line or 1) if known else here
            places[target, number] = place
    return places


def _extending_line(path: Path) -> int:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((i for i, line in enumerate(lines, 1) if line.startswith("extends:")), 1)
