"""Which packets to ask for again, plainly: a dictionary of what is missing."""

import itertools
from dataclasses import dataclass, field

MS = 1_000_000


@dataclass
class PlainNack:
    """One stream. What is missing maps a number to the times at which it was asked for."""

    longest: int = 1000
    missing: dict[int, list[int]] = field(default_factory=dict)
    came: list[tuple[int, bool]] = field(default_factory=list)
    """The packets that were the highest as they came, with whether they are of a key frame."""
    asked: int = 0
    recovered: int = 0
    abandoned: int = 0
    gave_up: bool = False

    @property
    def key_from(self) -> int:
        """The first number that may belong to the newest key frame of which a packet came."""
        for (before, was_key), (_, is_key) in reversed(list(itertools.pairwise(self.came))):
            if is_key and not was_key:
                return before + 1
        return self.came[0][0] if self.came and self.came[0][1] else 0

    def note(self, number: int, key: bool) -> bool:
        """A packet came. Whether a key frame is needed: more is missing than can be asked for."""
        if self.came and number <= self.came[-1][0]:
            if self.missing.pop(number, None) is not None:
                self.recovered += 1
            return False
        gap = range(self.came[-1][0] + 1, number) if self.came else range(0)
        self.came.append((number, key))
        for old in [lost for lost in self.missing if lost < number - 10_000]:
            self.give_up(old)
        if len(self.missing) + len(gap) > self.longest:
            self.clear_to(self.key_from)
        if len(self.missing) + len(gap) > self.longest:
            self.abandoned += len(self.missing) + len(gap)
            self.missing = {}
            self.gave_up = True
            return True
        self.missing.update({lost: [] for lost in gap})
        return False

    def due(self, now: int, rtt: int, room: int) -> list[int]:
        """What to ask for now."""
        chosen: list[int] = []
        for number, askings in sorted(self.missing.items()):
            if askings and now - askings[-1] < (rtt or 100 * MS):
                continue
            if len(askings) == 10:
                self.give_up(number)
            elif len(chosen) < room:
                chosen.append(number)
                askings.append(now)
        self.asked += len(chosen)
        return chosen

    def clear_to(self, number: int) -> None:
        """What lies before ``number`` is no longer wanted."""
        for lost in [lost for lost in self.missing if lost < number]:
            del self.missing[lost]
            self.abandoned += 1

    def give_up(self, number: int) -> None:
        """A packet is asked for no more, though it is wanted."""
        del self.missing[number]
        self.abandoned += 1
        if number >= self.key_from:
            self.gave_up = True
