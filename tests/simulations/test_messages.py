from collections.abc import Callable

import pytest
import simpy

from scenarios.units import SECOND
from simulations.messages import (
    CHECK,
    DNS,
    FINISHED,
    HELLO,
    JOIN,
    STUN,
    TCP,
    TLS,
    TURN,
    Exchange,
    exchange,
)
from simulations.network import LOST

MS = 10**6


class Line:
    """Carries messages in 10 ms each way; loses those whose numbers are given."""

    def __init__(self, lost: set[int] | None = None) -> None:
        self.lost = lost or set()
        self.sent: list[tuple[int, bool]] = []

    def send(self, endpoint: int, place: int, size: int, now: int, up: bool = True) -> int:
        assert endpoint == 1
        assert place == 2
        assert size > 0
        self.sent.append((now, up))
        return LOST if len(self.sent) in self.lost else now + 10 * MS


def play(
    line: Line,
    kind: Exchange,
    until: int = 60 * SECOND,
    work: Callable[[int], int] | None = None,
    going_on: Callable[[], bool] = lambda: True,
) -> tuple[bool, float]:
    """Whether the answer came, and the ms that it took."""
    env = simpy.Environment(initial_time=0)
    answered = env.process(
        exchange(env, line, 1, 2, kind, until, going_on, work)  # type: ignore[arg-type]
    )
    return bool(env.run(answered)), env.now / MS


@pytest.mark.parametrize(
    ("kind", "timer"),
    [(TCP, 1000), (TLS, 1000), (JOIN, 1000), (STUN, 500), (TURN, 500), (CHECK, 500), (HELLO, 1000),
     (FINISHED, 1000), (DNS, 1000)],
)  # fmt: skip
def test_timers_are_the_standards_and_double(kind: Exchange, timer: int) -> None:
    """RFC 6298, RFC 8489 and RFC 6347."""
    packets = len(kind.request)
    assert play(Line(), kind) == (True, 20)
    assert play(Line({packets}), kind) == (True, timer + 20)
    assert play(Line({packets, 2 * packets}), kind) == (True, 3 * timer + 20)


def test_a_lost_answer_costs_the_timer_too() -> None:
    assert play(Line({2}), STUN) == (True, 520)


def test_one_lost_packet_of_a_flight_is_enough() -> None:
    assert play(Line({3}), TLS) == (True, 1020)


def test_it_gives_up_at_its_end() -> None:
    assert play(Line(set(range(1, 99))), STUN, until=2 * SECOND) == (False, 2000)


def test_work_is_done_once_however_often_the_answer_is_lost() -> None:
    asked = []

    def work(arrival: int) -> int:
        asked.append(arrival)
        return arrival + 100 * MS

    assert play(Line({2}), STUN, work=work) == (True, 520)
    assert asked == [10 * MS]


def test_work_that_ends_too_late_is_in_vain() -> None:
    assert play(Line(), STUN, until=SECOND, work=lambda now: now + 2 * SECOND) == (False, 1000)


def test_who_has_gone_on_stops() -> None:
    calls = iter([True, False])
    assert play(Line(), STUN, going_on=lambda: next(calls)) == (False, 10)
