"""Last-N: the pictures that everyone sees are those of the last speakers.

Each picture has a number. Whoever begins to speak and is not seen yet takes the picture of the one
who has been silent for longest, and stays there until it is another's turn: pictures do not move,
as every move costs a key frame.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from simulations.talking import Change

NOBODY = -1
_NEVER = -(2**63)


class LastN:
    """Who is in each of ``count`` pictures."""

    def __init__(self, count: int) -> None:
        self.shown = [NOBODY] * count
        self._spoke = [_NEVER] * count
        """When each one's endpoint was last known to speak (ns)."""

    def give(self, endpoint: int, now: int) -> int:
        """The number of the picture of ``endpoint``, who speaks ``now`` (ns)."""
        if endpoint in self.shown:
            number = self.shown.index(endpoint)
        else:
            number = self._longest_silent(range(len(self.shown)))
        self.shown[number], self._spoke[number] = endpoint, now
        return number

    def follow(
        self, changes: Sequence[Change], hold: int, end: int
    ) -> Iterator[tuple[int, int, int]]:
        """Show those who are heard: (ns, endpoint, number of its picture), in time.

        A picture makes way when its endpoint is not heard and it has been there for ``hold`` ns; of
        several, the one whose endpoint has been silent for longest. Of several who wait, who has
        been heard for longest comes first.

        Args:
            changes: in time, ceasing before beginning.
            end: ns; nothing changes from then on.
        """
        heard: dict[int, None] = {}
        free_from = [_NEVER] * len(self.shown)
        instants = [(at, list(together)) for at, together in groupby(changes, key=lambda c: c.at)]
        for (now, together), (following, _) in pairwise([*instants, (end, [])]):
            for change in together:
                if change.heard:
                    heard[change.speaker] = None
                else:
                    del heard[change.speaker]
                if change.speaker in self.shown:
                    self._spoke[self.shown.index(change.speaker)] = now
            for at, number, endpoint in self._fill(list(heard), free_from, now, following):
                free_from[number] = at + hold
                yield at, endpoint, number

    def _fill(
        self, heard: Sequence[int], free_from: Sequence[int], begin: int, end: int
    ) -> Iterator[tuple[int, int, int]]:
        """While ``heard`` are heard, from ``begin`` until ``end``: who takes which picture when."""
        now = begin
        while True:
            waiting = [endpoint for endpoint in heard if endpoint not in self.shown]
            idle = [i for i, endpoint in enumerate(self.shown) if endpoint not in heard]
            if not waiting or not idle:
                return
            now = max(now, min(free_from[i] for i in idle))
            if now >= end:
                return
            number = self._longest_silent([i for i in idle if free_from[i] <= now])
            self.shown[number], self._spoke[number] = waiting[0], now
            yield now, number, waiting[0]

    def _longest_silent(self, numbers: Sequence[int]) -> int:
        return min(numbers, key=lambda number: self._spoke[number])
