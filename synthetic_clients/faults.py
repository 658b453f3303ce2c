"""Faults, live: what the scenario's timeline does to server processes and to virtual links."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.backups import deal_backups
from scenarios.population import Population
from scenarios.scenario import Scenario
from simulations.draws import Draws
from simulations.strikes import Strike, behind, describe, strikes
from synthetic_clients.state import State

Action = Literal["kill", "stop", "continue", "restart"]
ACTIONS: Mapping[str, tuple[Action, Action]] = {
    "die": ("kill", "restart"),
    "hang": ("stop", "continue"),
}
"""What a media node's server process meets when a fault begins, and when it is repaired."""
LINK_KINDS = ("cut", "degrade", "power-cut")
"""Kinds of faults that are of links: those of media nodes befall their servers."""
LOOK_BACK = 1_000_000_000
"""ns before a fault's beginning from which on an interruption is its doing: processes are not
killed to the millisecond."""


def timeline(scenario: Scenario, population: Population) -> list[Strike]:
    """All faults in the order of their beginnings: the same, draw by draw, as in a simulation."""
    draws = Draws(scenario.seed, 0, population.site)
    return strikes(scenario, population, deal_backups(scenario, population), draws)


@dataclass(frozen=True)
class Act:
    """What a media node's server meets."""

    at: int
    """ns from the meeting's start."""
    node: str
    action: Action


def acts(found: Sequence[Strike]) -> list[Act]:
    """What happens to servers, in time."""
    rows = [
        Act(at, str(component[1]), action)
        for strike in found
        for component in strike.components
        if component[0] == "node" and strike.kind in ACTIONS
        for at, action in zip((strike.begin, strike.end), ACTIONS[strike.kind], strict=True)
        if at is not None
    ]
    return sorted(rows, key=lambda act: act.at)


def notes(
    found: Sequence[Strike], scenario: Scenario, population: Population
) -> list[tuple[int, str, str, str]]:
    """When (ns) each fault begins and is repaired: `fault` or `repair`, its label, its kind; of one
    that begins, how many endpoints it befalls, too, by what the rules dealt them."""
    rows = [
        (s.begin, "fault", s.label, describe(s, _struck(s, scenario, population))) for s in found
    ]
    rows += [(s.end, "repair", s.label, s.kind) for s in found if s.end is not None]
    return sorted(rows)


def unplayed(found: Sequence[Strike], scenario: Scenario, servers: bool) -> list[str]:
    """What is not played live, as sentences.

    Args:
        servers: whether the media nodes' servers are the run's own.
    """
    said = []
    if any(profile.backup is not None for profile in scenario.access.values()):
        said.append("Backup access links are not played: every endpoint has its first one alone.")
    for strike in found:
        kinds = {component[0] for component in strike.components}
        if "server" in kinds:
            said.append(f"{strike.label}: not played, media servers do their own signalling.")
        elif "node" in kinds and (strike.kind not in ACTIONS or not servers):
            why = "this run did not start the server" if strike.kind in ACTIONS else strike.kind
            said.append(f"{strike.label}: not played ({why}).")
        elif "station" in kinds and strike.rate < 1:
            said.append(f"{strike.label}: a shared link's loss is played, its rate is not.")
    return said


def label_at(found: Sequence[Strike], at: int) -> str:
    """The fault that an interruption which begins ``at`` (ns from the meeting's start) lies in:
    the last to begin; empty: none."""
    on = [s for s in found if s.begin - LOOK_BACK <= at and (s.end is None or at <= s.end)]
    return on[-1].label if on else ""


def _struck(strike: Strike, scenario: Scenario, population: Population) -> NDArray[np.bool_]:
    return behind(strike, scenario, population, population.carrier, population.node)


class LinkFaults:
    """Faults of a process's virtual links, of which several may be on at a time."""

    def __init__(self, state: State, scenario: Scenario, population: Population) -> None:
        """
        Args:
            population: all of the scenario's endpoints.
        """
        self._state, self._scenario, self._population = state, scenario, population
        self._on: list[tuple[Strike, list[int]]] = []

    def changes(
        self, found: Sequence[Strike], place: Mapping[int, int]
    ) -> Iterator[tuple[int, bool, Strike, list[int]]]:
        """When (ns) a fault begins (True) or ends for links of this process, and which.

        Args:
            place: index in the state, by endpoint.
        """
        for strike in found:
            struck = _struck(strike, self._scenario, self._population)
            mine = [place[e] for e in np.flatnonzero(struck).tolist() if e in place]
            if mine and strike.kind in LINK_KINDS:
                yield strike.begin, True, strike, mine
                if strike.end is not None:
                    yield strike.end, False, strike, mine

    def change(self, begins: bool, strike: Strike, mine: list[int]) -> None:
        """Let a fault begin, or end."""
        if begins:
            self._on.append((strike, mine))
        else:
            self._on.remove((strike, mine))
        for e in mine:
            on = [strike for strike, struck in self._on if e in struck]
            for links in (self._state.downlinks, self._state.uplinks):
                _strike(links[e], on)

    def is_down(self, e: int) -> bool:
        """Whether nothing passes the link of ``e``."""
        return bool(self._state.downlinks[e]["down"])


def _strike(link: Any, on: Sequence[Strike]) -> None:
    """Let the faults ``on`` at a time befall a LINK."""
    loss, rate = 1.0, 1.0
    for strike in on:
        if strike.kind == "degrade":
            loss *= 1 - strike.loss
            if strike.components[0][0] == "access":
                rate *= strike.rate
    link["down"] = any(strike.kind in ("cut", "power-cut") for strike in on)
    link["extra_loss"], link["fault"] = 1 - loss, loss < 1
    if link["rate"]["taken"] != 1 - rate:
        link["rate"]["taken"] = 1 - rate
        link["rate"]["until"] = 0
