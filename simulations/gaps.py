"""Gaps in endpoints' media, and what is to blame for each: a simulated run's interruptions.

What an endpoint does not get says when it is interrupted, see `simulations.presence`; what the
control plane knows says why, and when its client noticed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulations.sessions import NEVER, Interruption
from simulations.world import World

NOTHING_ARRIVES = "no media gets through to it"


@dataclass(frozen=True)
class Gap:
    """More than `presence.GAP` without media that were due. Times are ns."""

    endpoint: int
    begin: int
    end: int
    """NEVER: it goes on."""
    missed: int
    """An endpoint that should have been heard or seen."""


class Gaps:
    """All gaps of a run."""

    def __init__(self) -> None:
        self._over: list[Gap] = []

    def collect(self, world: World) -> None:
        """Take those that have ended. To be called at every sample."""
        for endpoint in world.presences["gaps"].nonzero()[0].tolist():
            past = world.gaps[endpoint, : world.presences["gaps"][endpoint]]
            self._over += [Gap(endpoint, *gap) for gap in past.tolist()]

    def until_now(self, world: World) -> list[Gap]:
        """All until the last sample, in time by endpoint; those that go on come last."""
        running = []
        for endpoint in world.presences["counted"].nonzero()[0].tolist():
            presence = world.presences[endpoint]
            begin = max(world.endpoints["last_media"][endpoint], presence["quiet_from"])
            running.append(Gap(endpoint, int(begin), NEVER, int(presence["missed"])))
        return self._over + running


def explain(
    gaps: Iterable[Gap], losses: Iterable[Interruption], sites: Sequence[str]
) -> list[Interruption]:
    """The interruptions that ``gaps`` are.

    Args:
        losses: of clients' ways to their media, as the control plane knows them.
    """
    known = defaultdict(list)
    for loss in losses:
        known[loss.endpoint].append(loss)
    apart = defaultdict(list)
    for gap in gaps:
        apart[gap.endpoint].append(gap)
    return [
        _explain(gap, then.begin if then else None, known, sites)
        for own in apart.values()
        for gap, then in pairwise([*own, None])
        if gap is not None
    ]


def _explain(
    gap: Gap, until: int | None, known: dict[int, list[Interruption]], sites: Sequence[str]
) -> Interruption:
    """What is to blame for ``gap``: the endpoint's own loss, else that of whom it misses.

    Args:
        until: when the endpoint's next gap begins, ns.
    """
    own = [loss for loss in known[gap.endpoint] if _meet(loss, gap)]
    theirs = [loss for loss in known[gap.missed] if _meet(loss, gap)]
    row = Interruption(gap.endpoint, "", gap.begin, back=gap.end)
    for loss in (*own, *theirs)[:1]:
        row.fault = loss.fault
    row.detected = next((loss.detected for loss in own if loss.detected != NEVER), NEVER)
    if gap.end != NEVER:  # the first picture may come later than the first packet
        seen = max([gap.end, *(loss.back for loss in own)])
        row.back = seen if until is None else min(seen, until)
    elif own and own[-1].cause:
        row.cause = own[-1].cause
    elif theirs and theirs[-1].cause:
        row.cause = f"{sites[gap.missed]} is not heard: {theirs[-1].cause}"
    else:
        row.cause = NOTHING_ARRIVES
    return row


def _meet(loss: Interruption, gap: Gap) -> bool:
    """Whether both are at the same time."""
    begun = gap.end == NEVER or loss.lost < gap.end
    return begun and (loss.back == NEVER or loss.back > gap.begin)
