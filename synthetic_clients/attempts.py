"""Attempts to join and to come back: when, and at which server. Policies are the scenario's, as in
the simulation."""

import random
from collections.abc import Iterator, Sequence

from scenarios.recovery import Recovery
from scenarios.units import SECOND
from simulations.backing_off import backing_off
from simulations.placing import Placing
from synthetic_clients.aiortc_parts import CONSENT_INTERVAL_S

MOST_JOINS = 12
"""Attempts to join, where a policy sets no end; who was in tries as long as the meeting lasts."""


def waits(recovery: Recovery, draw: random.Random, *, joins: bool) -> Iterator[float]:
    """Seconds to wait before each attempt: none before the first to join, and as many attempts as
    the policy has; endless to come back."""
    number = 0
    if joins:
        yield 0.0
        last = min(len(recovery.delays) or MOST_JOINS, MOST_JOINS) if recovery.reconnects else 0
    while not joins or number < last:
        number += 1
        yield backing_off(recovery, number, draw.random()) / SECOND


def check_s(recovery: Recovery) -> float:
    """Seconds between checks of a path: as RFC 7675 has it, or so often that one who hears nothing
    else does not take himself for cut off."""
    return min(CONSENT_INTERVAL_S, recovery.detection / SECOND / 2)


class Choice:
    """Which server an endpoint tries next."""

    def __init__(self, placing: Placing, home: int, order: Sequence[int]) -> None:
        """
        Args:
            home: the node that the rules deal it.
            order: all nodes, the nearest first.
        """
        self._placing, self._home, self._order = placing, home, order
        self._avoided: set[int] = set()

    def choose(self) -> int:
        """The next; its own where none takes it, to be told so."""
        node = self._placing.choose(self._home, self._order, self._avoided)
        return self._home if node is None else node

    def avoid(self, node: int) -> None:
        """It did not answer: others come first, until none has."""
        self._avoided.add(node)
        if len(self._avoided) == len(self._order):
            self._avoided.clear()

    def forget(self) -> None:
        """It is in again."""
        self._avoided.clear()
