"""Freezes and pauses, plainly: from the list of times at which frames were rendered."""

import itertools
from fractions import Fraction
from typing import NamedTuple

MS = 1_000_000
PAUSE = 5_000 * MS


class Gap(NamedTuple):
    """The time from one rendered frame to the next."""

    length: int
    freeze: bool
    pause: bool

    @property
    def frozen(self) -> int:
        """What counts as frozen: all of a freeze, and what goes beyond 5 s in any case."""
        return self.length if self.freeze else max(self.length - PAUSE, 0)


def gaps(times: list[int], known: list[int] | None = None) -> list[Gap]:
    """All gaps between frames rendered at ``times``; ``known`` are durations from before."""
    found, durations = [], [] if known is None else known
    for begin, end in itertools.pairwise(times):
        durations.append(end - begin)
        last = durations[-30:]
        mean = Fraction(sum(last), len(last))
        freeze = len(last) >= 5 and end - begin >= max(3 * mean, mean + 150 * MS)
        found.append(Gap(end - begin, freeze, end - begin > PAUSE))
    return found


class PlainFreezes:
    """One picture: what happened, from which everything is worked out anew each time it is asked.

    A showing is the time from when the picture is wanted until it no longer is: the first of its
    times is when it was wanted, the others are those of its frames.
    """

    def __init__(self) -> None:
        self.showings: list[list[int]] = []
        self.stopped: list[int | None] = []
        self.given = 0

    @property
    def wanted(self) -> bool:
        return bool(self.showings) and self.stopped[-1] is None

    def begin(self, now: int) -> None:
        if not self.wanted:
            self.showings.append([now])
            self.stopped.append(None)

    def stop(self, now: int) -> None:
        if self.wanted:
            self.stopped[-1] = now

    def render(self, now: int) -> None:
        if self.wanted:
            self.showings[-1].append(now)

    def totals(self, until: int) -> tuple[int, int, int, int]:
        """Since ever, as far as can be known at ``until``: freezes, frozen time, pauses, their
        time."""
        freezes = frozen = pauses = paused = 0
        durations: list[int] = []
        for (wanted, *frames), stopped in zip(self.showings, self.stopped, strict=True):
            end = until if stopped is None else stopped
            frozen += (frames[0] if frames else end) - wanted
            over = gaps(frames, durations)
            # what goes on is, to whoever looks now, a gap that ends now
            goes_on = gaps([frames[-1], end], list(durations)) if frames else []
            for gap in over + goes_on:
                freezes += gap.freeze
                frozen += gap.frozen
                pauses += gap.pause
                paused += gap.length if gap.pause else 0
        return freezes, frozen, pauses, paused

    def settle(self, since: int, until: int) -> int:
        """Frozen time of the interval."""
        time = min(self.totals(until)[1] - self.given, until - since)
        self.given += time
        return time
