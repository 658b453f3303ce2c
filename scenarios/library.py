"""The library: scenarios that come with the package."""

from dataclasses import dataclass

from scenarios.inheritance import library_names
from scenarios.loading import load_scenario
from scenarios.population import named_sites, sample_rows
from scenarios.scenario import Scenario
from scenarios.units import SECOND


@dataclass(frozen=True)
class Entry:
    """A scenario of the library, as the list shows it."""

    name: str
    title: str
    endpoints: int
    """Without the command centre."""
    duration_s: float


def list_library() -> tuple[Entry, ...]:
    """All scenarios of the library, by name."""
    scenarios = [load_scenario(name) for name in library_names()]
    return tuple(
        Entry(scenario.name, scenario.title, count_endpoints(scenario), scenario.duration / SECOND)
        for scenario in scenarios
    )


def count_endpoints(scenario: Scenario) -> int:
    """Endpoints that a loaded ``scenario`` plays, the command centre not among them."""
    rows = scenario.endpoints.taken or ()
    sampled = sample_rows(rows, scenario.endpoints.sample, named_sites(scenario))
    return len(sampled) * scenario.endpoints.scale
