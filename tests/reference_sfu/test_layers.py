"""The choice of encodings, by plans of estimates."""

import itertools
from collections.abc import Sequence

from reference_sfu.layers import FIRST_WAIT_NS, GRACE_NS, LONGEST_WAIT_NS, Patience, choose

SECOND = 1_000_000_000
THREE = [150e3, 500e3, 1500e3]


def play(
    plan: Sequence[tuple[float | None, float]], needs: list[list[float]], start: list[int]
) -> list[list[int]]:
    """The choices, one a second, for estimates and losses."""
    patience, current, chosen = Patience(), start, []
    for second, (estimate, loss) in enumerate(plan):
        current = choose(needs, current, estimate, loss, patience, second * SECOND)
        chosen.append(current)
    return chosen


def test_who_does_not_say_gets_the_best() -> None:
    assert play([(None, 0)], [THREE, [1.0]], [0, 0]) == [[2, 0]]


def test_an_estimate_below_what_flows_steps_down_at_once() -> None:
    assert play([(1e6, 0)], [THREE], [2]) == [[1]]
    assert play([(1e5, 0)], [THREE], [2]) == [[0]]  # the least one, come what may


def test_the_first_slots_are_served_first() -> None:
    assert play([(1.7e6, 0)], [THREE, THREE], [2, 2]) == [[2, 0]]


def test_a_step_up_waits_and_needs_headroom_or_is_a_try() -> None:
    assert play([(1e6, 0), (1.4e6, 0)], [THREE], [2]) == [[1], [1]]
    wait = FIRST_WAIT_NS // SECOND
    chosen = play([(1e6, 0)] + [(2e6, 0)] * (wait + 1), [THREE], [2])
    assert chosen == [[1]] * wait + [[2]] * 2


def test_loss_allows_no_step_up_and_much_of_it_forces_one_down() -> None:
    wait = FIRST_WAIT_NS // SECOND
    chosen = play([(2e6, 0.05)] * (wait + 5), [THREE], [1])
    assert chosen == [[1]] * (wait + 5)
    assert play([(9e6, 0.2)], [THREE], [2]) == [[1]]


def test_an_estimate_that_is_held_down_by_what_is_sent_is_tried_beyond() -> None:
    grace = GRACE_NS // SECOND
    # 600 kb/s is all that a receiver of 500 kb/s says; it says more only once it gets more.
    wait = FIRST_WAIT_NS // SECOND
    chosen = play([(6e5, 0)] * (wait + grace) + [(2e6, 0)] * 3, [THREE], [1])
    assert chosen == [[1]] * wait + [[2]] * (grace + 3)


def test_a_try_that_fails_is_not_repeated_soon() -> None:
    chosen = play([(6e5, 0)] * 400, [THREE], [1])
    tries = [
        second for second in range(1, 400) if chosen[second] == [2] and chosen[second - 1] == [1]
    ]
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    grace = GRACE_NS // SECOND
    assert [pause - grace for pause in pauses[:4]] == [10, 20, 40, 80]
    assert max(pauses) <= LONGEST_WAIT_NS // SECOND + grace
    assert sum(each == [2] for each in chosen) < 50


def test_loss_ends_a_try_at_once() -> None:
    wait = FIRST_WAIT_NS // SECOND
    chosen = play([(6e5, 0)] * (wait + 1) + [(6e5, 0.3)], [THREE], [1])
    assert chosen == [[1]] * wait + [[2], [1]]


def test_one_slot_is_tried_at_a_time() -> None:
    wait = FIRST_WAIT_NS // SECOND
    chosen = play([(4e5, 0)] * (wait + 1), [THREE, THREE], [0, 0])
    assert chosen == [[0, 0]] * wait + [[1, 0]]


def test_what_fits_from_the_first_is_given_at_once() -> None:
    assert play([(5e6, 0)], [THREE, THREE], [0, 0]) == [[2, 2]]
