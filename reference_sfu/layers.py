"""Which of a publisher's encodings a subscriber gets, by what its link can take (RFC 8853).

The subscriber's own estimate (REMB) bounds the sum over its video slots; the first slots are served
first. An estimate grows only while something is sent, and slowly, so that a step up may have to be
tried beyond it: one slot at a time, for a grace in which only loss ends the try. A try that fails
is not repeated for twice as long as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEADROOM = 1.1
"""What the estimate must be, as a multiple of what flows, for a step up that is no try."""
FIRST_WAIT_NS = 5_000_000_000
"""From a step to the next one up."""
LONGEST_WAIT_NS = 80_000_000_000
GRACE_NS = 5_000_000_000
"""How long an estimate may take to follow a try."""
LITTLE_LOSS = 0.02
"""A receiver that loses more gets no step up."""
MUCH_LOSS = 0.1
"""A receiver that loses more gets a step down, whatever it estimates; so has GCC's loss control."""


@dataclass(slots=True)
class Patience:
    """When a subscriber may be given more; what `choose` remembers between calls."""

    next_ns: int | None = None
    wait_ns: int = FIRST_WAIT_NS
    tried_ns: int | None = None


def choose(
    needs: Sequence[Sequence[float]],
    current: Sequence[int],
    estimate: float | None,
    loss: float,
    patience: Patience,
    now_ns: int,
) -> list[int]:
    """The encoding for each slot.

    ``needs``: for each slot the bitrates of its source's encodings, ascending; at least one each.
    ``current``: what it gets now, by place in these. ``estimate``: bits per second, None where the
    subscriber does not say; it then gets the best of everything. ``loss``: share lost of late.
    """
    first = patience.next_ns is None
    if patience.next_ns is None:
        patience.next_ns = now_ns + patience.wait_ns
    best = [len(each) - 1 for each in needs]
    if estimate is None:
        return best
    now = list(current)
    flowing = sum(each[at] for each, at in zip(needs, now, strict=True))
    tries = patience.tried_ns is not None and now_ns - patience.tried_ns < GRACE_NS
    if loss > MUCH_LOSS or (flowing > estimate and not tries):
        lower = _fit(needs, min(estimate, flowing * (1 - loss / 2)))
        return _step_down([min(pair) for pair in zip(lower, now, strict=True)], patience, now_ns)
    if patience.tried_ns is not None and not tries:  # the last try has held
        patience.tried_ns, patience.wait_ns = None, FIRST_WAIT_NS
    early = now_ns < patience.next_ns and not first
    if now == best or tries or early or loss > LITTLE_LOSS:
        return now
    patience.next_ns = now_ns + patience.wait_ns
    higher = [max(pair) for pair in zip(_fit(needs, estimate / HEADROOM), now, strict=True)]
    if higher != now or first:
        return higher
    patience.tried_ns = now_ns
    slot = next(i for i, at in enumerate(now) if at < best[i])
    now[slot] += 1
    return now


def _step_down(lower: list[int], patience: Patience, now_ns: int) -> list[int]:
    if patience.tried_ns is not None:
        patience.wait_ns = min(2 * patience.wait_ns, LONGEST_WAIT_NS)
        patience.tried_ns = None
    patience.next_ns = now_ns + patience.wait_ns
    return lower


def _fit(needs: Sequence[Sequence[float]], estimate: float) -> list[int]:
    """The best encodings within ``estimate``; everyone has the least one, come what may."""
    left = estimate - sum(each[0] for each in needs)
    chosen = []
    for each in needs:
        at = max(i for i, need in enumerate(each) if need - each[0] <= left or i == 0)
        left -= each[at] - each[0]
        chosen.append(at)
    return chosen
