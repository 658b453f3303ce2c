"""What one process of clients is to do: which endpoints it plays, of which scenario, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scenarios.scenario import Scenario


@dataclass(frozen=True)
class Assignment:
    """A process's part; it goes to the process pickled, over its pipe."""

    scenario: Scenario
    endpoints: Sequence[int]
    """Indices into the scenario's population."""
    probes: frozenset[int]
    """Those of them that decode everything."""
    target: str
    """A URL: see `synthetic_clients.signalling`."""
    token: str | None
    epoch: int
    """Unix time at which the run's clock is 0, ns."""
    linked: bool = True
    """Whether packets cross virtual links; without, endpoints are where the machine is."""
    servers: Mapping[str, str] = field(default_factory=dict)
    """URLs by media node, where each has a server of its own; else ``target`` is all of them."""
    pictures: bool = True
    """Whether pictures are played as well as voices."""
