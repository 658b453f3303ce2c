"""Which of a publisher's encodings a subscriber gets, by what its link can take (RFC 8853).

The subscriber's own estimate (REMB) bounds the sum over its video slots; the first slots are served
first. An estimate grows only while something is sent, so that a step up must be tried: a slot steps
up where the estimate is at least what flows now and nothing was lost of late; a try that fails is
not repeated for twice as long as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

HEADROOM = 1.1
"""Estimate over what the encodings need in all."""
FIRST_WAIT_NS = 5_000_000_000
LONGEST_WAIT_NS = 80_000_000_000
MAX_LOSS = 0.02
"""A receiver that loses more gets no step up."""


@dataclass(slots=True)
class Patience:
    """When a subscriber may be tried with more."""

    next_ns: int = 0
    wait_ns: int = FIRST_WAIT_NS
    tried_ns: int | None = field(default=None)


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
    best = [len(each) - 1 for each in needs]
    if estimate is None:
        return best
    fitting = _fit(needs, estimate)
    if any(new < old for new, old in zip(fitting, current, strict=True)):
        if patience.tried_ns is not None:
            patience.wait_ns = min(2 * patience.wait_ns, LONGEST_WAIT_NS)
        patience.tried_ns = None
        patience.next_ns = now_ns + patience.wait_ns
        return [min(pair) for pair in zip(fitting, current, strict=True)]
    if list(current) == best or now_ns < patience.next_ns or loss > MAX_LOSS:
        return list(current)
    if patience.tried_ns is not None:  # the last try has held
        patience.wait_ns = FIRST_WAIT_NS
    patience.next_ns = now_ns + patience.wait_ns
    if fitting != list(current):
        patience.tried_ns = None
        return fitting
    # The estimate does not reach the next step: try it all the same, one slot at a time.
    flowing = sum(each[at] for each, at in zip(needs, current, strict=True))
    if estimate < flowing:
        return list(current)
    patience.tried_ns = now_ns
    slot = next(i for i, at in enumerate(current) if at < best[i])
    return [at + (i == slot) for i, at in enumerate(current)]


def _fit(needs: Sequence[Sequence[float]], estimate: float) -> list[int]:
    """The best encodings within ``estimate``; everyone has the least one, come what may."""
    left = estimate / HEADROOM - sum(each[0] for each in needs)
    chosen = []
    for each in needs:
        at = max(i for i, need in enumerate(each) if need - each[0] <= left or i == 0)
        left -= each[at] - each[0]
        chosen.append(at)
    return chosen
