# ruff: noqa: S311  # the times of attempts are no secret
import random

from synthetic_clients.recovery import Recovery


def test_the_first_attempts_come_at_once_and_later_ones_are_spread() -> None:
    recovery = Recovery()
    one, other = (list(recovery.waits(random.Random(seed))) for seed in (1, 2))
    assert one[:2] == other[:2] == [0.0, 0.3]
    assert one[2:] != other[2:]
    for wait, delay in zip(one[2:], recovery.delays_s[2:], strict=True):
        assert delay <= wait <= delay + recovery.spread_s
    assert list(recovery.waits(random.Random(1))) == one


def test_a_server_that_asks_for_patience_gets_it() -> None:
    assert min(Recovery().waits(random.Random(1), 7.0)) >= 7.0
