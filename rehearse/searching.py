"""A search over a scenario: runs asked for, played and told, one after another."""

from collections.abc import Callable, Sequence

from results.search import Played, Search
from results.trials import observe
from scenarios.loading import load_scenario
from scenarios.scenario import Scenario
from scenarios.variables import Variable
from simulations import simulate


def play_search(
    search: Search,
    load: Callable[[Sequence[str]], Scenario],
    variable: Variable,
    *,
    threads: int | None = None,
    tell: Callable[[Played], None] = lambda _: None,
) -> None:
    """Play what ``search`` asks for until it asks no more.

    Args:
        load: the scenario with overrides.
        tell: told of every run.

    Raises:
        ScenarioError: the scenario takes none of the values that the search asks for.
    """
    while (point := search.ask()) is not None:
        scenario = load(variable.set_to(point.value))
        trial = observe(simulate(scenario, replication=point.replication, threads=threads))
        search.tell(point.value, trial)
        tell(search.played[-1])


def loader(
    name: str, overrides: Sequence[str], seed: int | None
) -> Callable[[Sequence[str]], Scenario]:
    """Loads the scenario ``name`` with ``overrides`` and more."""
    return lambda more: load_scenario(name, [*overrides, *more], seed)
