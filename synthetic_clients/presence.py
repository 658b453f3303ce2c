"""Presence: how long each endpoint of a process is connected, and when it gets no media.

As in `simulations.presence`: an endpoint is interrupted in every stretch of more than `GAP` without
a single media packet, from its first connection on, while there is something to hear or see. What
of a stretch belongs to intervals that have been sampled by then goes into the next ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthetic_clients.state import GAP, State

NEVER = -1


@dataclass(frozen=True)
class Gap:
    """A stretch without media."""

    endpoint: int
    begin: int
    """ns on the run's clock, as ``end``."""
    end: int | None
    """None: it goes on."""


class Presence:
    """Of all endpoints of a process. Times are ns on the run's clock."""

    def __init__(self, state: State) -> None:
        n = len(state.endpoints)
        self._places = state.endpoints
        self.due: NDArray[np.bool_] = np.zeros(n, bool)
        """(n,) whether there is anything that the endpoint should hear or see."""
        self._came = np.full(n, NEVER, np.int64)
        """When it was first connected."""
        self._since = np.full(n, NEVER, np.int64)
        """Since when it is connected, or was last sampled; NEVER: it is not."""
        self._due_since = np.zeros(n, np.int64)
        self._connected, self._owed, self._counted = (np.zeros(n, np.int64) for _ in range(3))

    def come(self, endpoint: int, now: int) -> None:
        """It is connected from now on."""
        if self._came[endpoint] == NEVER:
            self._came[endpoint] = self._due_since[endpoint] = now
        if self._since[endpoint] == NEVER:
            self._since[endpoint] = now

    def go(self, endpoint: int, now: int) -> None:
        """It is connected no longer."""
        if self._since[endpoint] != NEVER:
            self._connected[endpoint] += max(now - int(self._since[endpoint]), 0)
            self._since[endpoint] = NEVER

    def restart(self, now: int) -> None:
        """Count from now on: the meeting begins."""
        self._since[self._since != NEVER] = now
        self._due_since[:] = now
        for counts in (self._connected, self._owed, self._counted):
            counts[:] = 0

    def look(self, now: int) -> Iterator[Gap]:
        """Bring gaps up to now; gives those that are over."""
        places = self._places
        for e in np.flatnonzero(places["gap_until"] > 0).tolist():
            begin = max(int(places["gap_from"][e]), int(self._due_since[e]))
            end = int(places["gap_until"][e])
            places["gap_until"][e] = 0
            if self.due[e] and end - begin > GAP:
                self._owed[e] += max(end - begin - int(self._counted[e]), 0)
                yield Gap(e, begin, end)
            self._counted[e] = 0
        self._due_since[~self.due] = now
        self._counted[~self.due] = 0
        gaps = self._gaps(now)
        open_ = gaps > GAP
        self._owed[open_] += np.maximum(gaps - self._counted, 0)[open_]
        self._counted[open_] = gaps[open_]

    def _gaps(self, now: int) -> NDArray[np.int64]:
        """How long each is without media by now; 0 where it need not have any."""
        last = np.maximum(self._places["last_media"], self._due_since)
        found = np.where((self._came != NEVER) & self.due, now - last, 0)
        return np.asarray(found, np.int64)

    def open_gaps(self, now: int) -> Iterator[Gap]:
        """Those that go on."""
        gaps = self._gaps(now)
        for e in np.flatnonzero(gaps > GAP).tolist():
            yield Gap(e, now - int(gaps[e]), None)

    def take(self, begin: int, end: int) -> dict[str, Any]:
        """Close the sample of the interval from ``begin`` to ``end``: ratios by column."""
        here = self._since != NEVER
        self._connected[here] += np.maximum(end - self._since[here], 0)
        self._since[here] = end
        out = np.minimum(self._owed, end - begin)
        self._owed -= out
        length = end - begin
        row = {
            "connected_ratio": np.minimum(self._connected / length, 1.0),
            "interrupted_ratio": out / length,
        }
        self._connected[:] = 0
        return row
