"""Search: for the last value of a variable at which a scenario's thresholds still hold.

It asks for runs and is told what came of them; it plays none itself. The two ends come first: they
say which way the thresholds break, or that they don't. Then each run is the one that is expected
to say most about the crossing (results.crossing), until its interval is as narrow as asked for.
Last come runs far from the crossing, which would betray thresholds that do not change sides only
once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from results.crossing import Crossing
from results.trials import Trial
from results.verdict import Judgement

Kind = Literal["found", "imprecise", "always", "never", "not monotone", "no data"]

MEETINGS = 5
"""Fewest meetings (replications) that an answer rests on."""
WIDEST_GAP = 0.2
"""Of the range: no wider stretch is left without a run on either side of the crossing."""
CONTROLS = 3
"""Meetings that are played where the first came out as it shouldn't: two of them must agree."""
INNER = (0.5, 0.25, 0.75)
"""Places tried where both ends of the range come out alike."""
GEOMETRIC_FROM = 4.0
"""Ratio of the range's ends from which the search works in ratios."""
Name = tuple[str, str, str | None]
"""A threshold: metric, expression, window."""


@dataclass(frozen=True)
class Point:
    """A run to be played."""

    value: float
    replication: int


@dataclass(frozen=True)
class Played:
    """A run that was played."""

    value: float
    trial: Trial


@dataclass(frozen=True)
class Break:
    """Where one threshold stops holding."""

    threshold: Name
    value: float
    low: float
    high: float


@dataclass
class Search:
    """The search, between two runs."""

    low: float
    high: float
    tolerance: float = 0.02
    """Half of the interval's width that will do, as a share of the answer."""
    confidence: float = 0.95
    share: float = 0.5
    """Of meetings that must hold at the answer."""
    most_runs: int = 40
    rounded: Callable[[float], float] = float
    """The nearest value that the variable can have."""
    step: float = 0.0
    """Distance between neighbouring values; 0 where there is none."""
    played: list[Played] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._geometric = self.low > 0 and self.high / self.low >= GEOMETRIC_FROM
        self._done: dict[tuple[float, int], bool] = {}
        self._known: tuple[int, Crossing] | None = None
        self._control_runs: set[tuple[float, int]] = set()

    # ------------------------------------------------------------ asking and telling

    def tell(self, value: float, trial: Trial) -> None:
        """What came of the run at ``value``."""
        self.played.append(Played(value, trial))
        self._done[value, trial.replication] = trial.verdict == "pass"

    def ask(self) -> Point | None:
        """The next run, or None once there is nothing more to be learned."""
        if any(played.trial.verdict == "inconclusive" for played in self.played):
            return None
        for end in (self.low, self.high):
            if (end, 0) not in self._done:
                return Point(end, 0)
        if self._ends_alike:
            inner = (Point(self.rounded(self._value(place)), 0) for place in INNER)
            return next((p for p in inner if (p.value, 0) not in self._done), None)
        if len(self.played) >= self.most_runs or self.contradiction is not None:
            return None
        return self._control() if self.is_precise else self._telling()

    def _telling(self) -> Point:
        replication, place = self.crossing.most_telling()
        value = self.rounded(self._value(place))
        while (value, replication) in self._done:  # rounding led to a run that is there already
            replication += 1
        return Point(value, replication)

    def _control(self) -> Point | None:
        """A run in the widest gap on either side, and again where one came out as it shouldn't."""
        for value, wrong in self._controlled().items():
            if any(wrong) and len(wrong) < CONTROLS:
                return self._controls(value)
        low, high = self.crossing.interval(0.99)
        places = sorted({self._place(value) for value, _ in self._done})
        before = [place for place in places if place <= low]
        after = [place for place in places if place >= high]
        for side in ([*before, low], [high, *after]):
            gaps = [(b - a, (a + b) / 2) for a, b in pairwise(side)]
            width, place = max(gaps, default=(0.0, 0.0))
            value = self.rounded(self._value(place))
            if width > WIDEST_GAP and (value, 0) not in self._done:
                return self._controls(value)
        return None

    def _controls(self, value: float) -> Point:
        taken = {replication for at, replication in self._done if at == value}
        replication = next(number for number in range(len(taken) + 1) if number not in taken)
        self._control_runs.add((value, replication))
        return Point(value, replication)

    def _controlled(self) -> dict[float, list[bool]]:
        """Whether each control came out wrong, by value."""
        low, high = self.crossing.interval(0.99)
        found: dict[float, list[bool]] = {}
        for run in sorted(self._control_runs & set(self._done)):
            place = self._place(run[0])
            wrong = place < low if not self._done[run] else place > high
            found.setdefault(run[0], []).append(wrong)
        return found

    # ------------------------------------------------------------ what is known

    @property
    def rising(self) -> bool:
        """Whether the thresholds break as the value rises: the answer is the largest value."""
        return self._done[self.low, 0]

    @property
    def crossing(self) -> Crossing:
        """The crossing of all binding thresholds together."""
        if self._known is None or self._known[0] != len(self.played):
            found = self._crossing(lambda trial: trial.verdict == "pass")
            self._known = len(self.played), found
        return self._known[1]

    @property
    def interval(self) -> tuple[float, float, float]:
        """Low end, middle and high end of what the crossing may be."""
        tail = (1 - self.confidence) / 2
        low, middle, high = sorted(
            self._value(place) for place in self.crossing.quantiles(tail, 0.5, 1 - tail)
        )
        return low, middle, high

    @property
    def quoted(self) -> float:
        """The value at which the thresholds hold with the confidence: one-sided."""
        (place,) = self.crossing.quantiles(1 - self.confidence)
        value = self._value(place)
        if self.step:
            steps = value / self.step
            inwards = math.floor(steps + 1e-9) if self.rising else math.ceil(steps - 1e-9)
            return self.rounded(inwards * self.step)
        return self.rounded(value)

    @property
    def is_precise(self) -> bool:
        """Whether the crossing is known as well as asked for."""
        if len(self.crossing.brackets) < MEETINGS:
            return False
        low, middle, high = self.interval
        return (high - low) / 2 <= max(self.tolerance * abs(middle), self.step / 2)

    @property
    def contradiction(self) -> tuple[float, float] | None:
        """Two values: the thresholds fail at the first and hold at the second, which a crossing
        between them could not bring about; None where there is nothing of the kind."""
        margin = max(4 * self.crossing.spread, self.tolerance)
        for bracket in self.crossing.brackets.values():
            if bracket.overlap > margin:
                return self._value(bracket.above), self._value(bracket.below)
        for value, wrong in self._controlled().items():
            if sum(wrong) >= 2:
                middle = self.interval[1]
                early = self._place(value) < self._place(middle)
                return (value, middle) if early else (middle, value)
        return None

    def breaks(self) -> list[Break]:
        """Where each threshold breaks by itself, the first to break first."""
        names: dict[Name, None] = {}
        for played in self.played:
            for check in played.trial.binding:
                if check.verdict == "fail":
                    names[_name(check)] = None
        found = []
        for name in names:
            crossing = self._crossing(partial(_held, name))
            tail = (1 - self.confidence) / 2
            places = crossing.quantiles(tail, 0.5, 1 - tail)
            low, middle, high = sorted(self._value(place) for place in places)
            found.append((places[1], Break(name, middle, low, high)))
        return [each for _, each in sorted(found, key=lambda pair: pair[0])]

    @property
    def kind(self) -> Kind:
        """What the search came to."""
        if any(played.trial.verdict == "inconclusive" for played in self.played):
            return "no data"
        if self._ends_alike:
            if len(set(self._done.values())) > 1:
                return "not monotone"
            return "always" if self._done[self.low, 0] else "never"
        if self.contradiction is not None:
            return "not monotone"
        return "found" if self.is_precise else "imprecise"

    # ------------------------------------------------------------ parts

    def _crossing(self, holds: Callable[[Trial], bool]) -> Crossing:
        """Controls, far from it, are left out: they check what the others say."""
        runs = [
            (each.trial.replication, self._place(each.value), holds(each.trial))
            for each in self.played
            if (each.value, each.trial.replication) not in self._control_runs
        ]
        return Crossing.of(runs, self.share)

    @property
    def has_crossing(self) -> bool:
        """Whether the thresholds hold at one end of the range and fail at the other."""
        return not self._ends_alike

    @property
    def spread(self) -> float:
        """Standard deviation of meetings' own crossings, in the variable's unit."""
        middle = self.interval[1]
        return abs(self._value(self._place(middle) + self.crossing.spread) - middle)

    def holding(self, values: NDArray[np.float64], *ranks: float) -> NDArray[np.float64]:
        """(R, V) quantiles of the share of meetings that hold at each of V ``values``."""
        places = np.array([self._place(value) for value in values])
        return self.crossing.holding(places, *ranks)

    @property
    def _ends_alike(self) -> bool:
        return self._done[self.low, 0] == self._done[self.high, 0]

    def _place(self, value: float) -> float:
        """Where ``value`` is on the axis on which thresholds hold at 0 and break towards 1."""
        if self._geometric:
            place = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return place if self.rising else 1 - place

    def _value(self, place: float) -> float:
        share = place if self._done.get((self.low, 0), True) else 1 - place
        if self._geometric:
            return self.low * math.pow(self.high / self.low, share)
        return self.low + share * (self.high - self.low)


def _name(check: Judgement) -> Name:
    return check.metric, check.expression, check.during


def _held(name: Name, trial: Trial) -> bool:
    return all(check.verdict == "pass" for check in trial.binding if _name(check) == name)


def describe_threshold(name: Name) -> str:
    """A threshold as one line: `packet_loss{access=4g}: mean < 1%, 10min..22min`."""
    metric, expression, during = name
    return f"{metric}: {expression}" + (f", {during}" if during else "")
