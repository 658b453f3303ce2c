# ruff: noqa: S311  # the times of attempts are no secret
import itertools
import random

from scenarios.placement import Placement
from scenarios.recovery import Recovery
from simulations.placing import Placing
from synthetic_clients.attempts import Choice, waits


def test_joining_begins_at_once_and_has_an_end() -> None:
    recovery = Recovery()
    found = list(waits(recovery, random.Random(1), joins=True))
    assert found[:3] == [0.0, 0.0, 0.3]
    assert len(found) == 1 + len(recovery.delays)
    assert list(waits(recovery, random.Random(1), joins=True)) == found


def test_who_comes_back_goes_on_trying_with_spread() -> None:
    one, other = (
        list(itertools.islice(waits(Recovery(), random.Random(seed), joins=False), 30))
        for seed in (1, 2)
    )
    assert one[:2] == other[:2] == [0.0, 0.3]
    assert one[2:] != other[2:]
    assert max(one) > 15  # by hand, once the list is at its end


def test_nobody_comes_back_where_the_policy_says_so() -> None:
    policy = Recovery(policy="none", detection="30s", restarts=0, reconnects=False)
    assert list(waits(policy, random.Random(1), joins=True)) == [0.0]


def test_a_server_that_did_not_answer_comes_last() -> None:
    placing = Placing(Placement(), ["a", "b"])
    choice = Choice(placing, 1, [0, 1])
    assert choice.choose() == 1
    choice.avoid(1)
    assert choice.choose() == 0
    placing.sick[0] = True
    assert choice.choose() == 1  # the last resort
    choice.avoid(0)  # none is left: all are as good as before
    placing.sick[0] = False
    assert choice.choose() == 1
