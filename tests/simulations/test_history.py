"""What a node remembers of what it sent."""

from typing import Any

import numpy as np
import pytest

from simulations.history import (
    AGAIN,
    BLOCK,
    COPY,
    FILLER,
    FIRST,
    SENDER,
    entry_slot,
    find_copy,
    is_kept,
)

RING = 8


def sent(copies: list[tuple[int, int, int, int]], size: int = RING) -> tuple[Any, Any]:
    """A subscriber's ring, the second of two, after (sent, slot, number, kind) of each copy."""
    sender = np.zeros(1, SENDER)[0]
    sender["base"], sender["stride"], sender["mask"] = BLOCK, 2 * BLOCK, size - 1
    ring = np.zeros(2 * max(size, BLOCK), COPY)
    for copy in copies:
        at = int(entry_slot(sender, int(sender["next"])))
        for name, value in zip(("sent", "slot", "number", "kind"), copy, strict=True):
            ring[name][at] = value
        sender["next"] += 1
    return sender, ring


def test_a_ring_is_filled_within_its_own_part_and_forgets_the_oldest() -> None:
    sender, ring = sent([(i, 0, i, FIRST) for i in range(1, 13)])
    assert (ring["number"][:BLOCK] == 0).all()
    assert sorted(ring["number"][BLOCK : BLOCK + RING]) == list(range(5, 13))
    kept = [entry for entry in range(12) if is_kept(sender, entry)]
    assert kept == list(range(4, 12))


def test_rings_of_several_blocks_stand_among_each_other() -> None:
    _, ring = sent([(i, 0, i, FIRST) for i in range(1, 41)], size=2 * BLOCK)
    other, mine = ring["number"].reshape(2, 2, BLOCK).swapaxes(0, 1)
    assert not other.any()
    assert sorted(mine.ravel()) == list(range(41 - 2 * BLOCK, 41))


@pytest.mark.parametrize(
    ("slot", "number", "since", "entry"),
    [
        (0, 10, 0, 5),  # the newest of two: it was sent again
        (0, 11, 0, 3),
        (1, 10, 0, 2),  # another stream's
        (0, 12, 0, -1),  # padding carries no number of a stream
        (0, 11, 40, 3),
        (0, 11, 41, -1),  # too long ago
        (0, 9, 0, -1),  # never sent
    ],
)
def test_the_newest_copy_is_found(slot: int, number: int, since: int, entry: int) -> None:
    sender, ring = sent(
        [
            (10, 0, 8, FIRST), (20, 0, 10, FIRST), (30, 1, 10, FIRST), (40, 0, 11, FIRST),
            (50, 0, 12, FILLER), (60, 0, 10, AGAIN),
        ]
    )  # fmt: skip
    assert find_copy(sender, ring, slot, number, since) == entry


def test_what_was_sent_again_first_is_found_among_what_came_after_it() -> None:
    """Its publisher sent it again: the node never had it at its time."""
    sender, ring = sent(
        [(10, 0, 1, FIRST), (20, 0, 3, FIRST), (30, 0, 2, AGAIN), (40, 0, 4, FIRST)]
    )
    assert [find_copy(sender, ring, 0, number, 0) for number in (1, 2, 3, 4)] == [0, 2, 1, 3]


def test_what_was_never_sent_is_not_looked_for_behind_what_was_sent_before_it() -> None:
    sender, ring = sent([(10, 0, 5, FIRST), (20, 0, 3, FIRST), (30, 0, 6, FIRST)])
    assert find_copy(sender, ring, 0, 5, 0) == -1  # behind 3: only out of order could it be there


def test_what_was_written_over_is_not_found() -> None:
    sender, ring = sent([(i, 0, i, FIRST) for i in range(20)])
    assert [find_copy(sender, ring, 0, number, 0) for number in (11, 12, 19)] == [-1, 12, 19]
