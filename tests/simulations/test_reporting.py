"""What a subscriber sends back, by hand."""

from typing import Any

import pytest

from simulations.feedback import KEY_FRAME_WANTED, PACKET_WANTED, feedback_size
from simulations.freezes import begin
from simulations.nack import note
from simulations.reporting import report
from tests.simulations.networks import CLOSED, Playing, deal, make_scenario, merged

SECOND = 10**9
MS = 1_000_000
ME = 0


class Subscriber:
    """s1, on an uplink of 300 kbit/s and 7 ms."""

    def __init__(self, **thin: Any) -> None:
        changes = {
            "endpoints": {"rules": [deal("s1", "red", "thin", "north")]},
            "access": {"thin": thin},
        }
        self.world = Playing(make_scenario(merged(CLOSED, changes), endpoints=1)).world
        self.leg = self.world.legs[ME]
        self.picture = int(self.world.endpoints["first_picture"][ME])
        self.leg["feedback_at"] = 0

    def report(self, now: int) -> list[tuple[int, int, int]]:
        """(arrival, first, last) of what is sent at a tick."""
        before = int(self.world.mails["tail"][ME])
        report(self.world, ME, 0, now)
        after = int(self.world.mails["tail"][ME])
        messages = self.world.messages[before:after, ME]
        return [(int(m["arrival"]), int(m["first"]), int(m["last"])) for m in messages]

    def asked(self) -> list[tuple[int, int]]:
        """(kind, number) of all that was asked for."""
        tail = int(self.world.mails["request_tail"][ME])
        wanted = self.world.requests[ME, :tail]
        return [(int(w["kind"]), int(w["number"])) for w in wanted]

    def miss(self, first: int, last: int) -> None:
        """Numbers of the picture are missing between the two."""
        nack, missing = self.world.nacks[self.picture], self.world.missing[self.picture]
        note(nack, missing, first, 0)
        note(nack, missing, last, 0)


def test_a_message_tells_of_all_that_came_since_the_last_and_takes_the_uplink() -> None:
    me = Subscriber()
    me.leg["arrived"] = 40
    [(arrival, first, last)] = me.report(SECOND)
    assert (first, last) == (0, 39)
    path = int(me.world.endpoints["path"][ME])
    wire = feedback_size(40, 0, 0) * 8 * 1e9 / 300e3
    assert arrival == pytest.approx(SECOND + wire + 7 * MS + path, abs=2)
    me.leg["feedback_at"] = 2 * SECOND
    me.leg["arrived"] = 47
    assert me.report(SECOND + 25 * MS) == []  # not yet
    [(_, first, last)] = me.report(2 * SECOND)
    assert (first, last) == (40, 46)
    assert me.leg["feedback_at"] == 2 * SECOND + 100 * MS
    assert me.report(2 * SECOND + 100 * MS) == []  # nothing came


def test_what_is_missing_is_asked_for_at_once_and_again_after_a_round_trip() -> None:
    me = Subscriber()
    me.leg["feedback_at"] = 10 * SECOND
    me.world.controllers["rtt"][ME] = 60 * MS
    me.miss(0, 3)
    assert [m[1:] for m in me.report(SECOND)] == [(0, -1)]
    assert me.report(SECOND + 50 * MS) == []
    me.report(SECOND + 75 * MS)
    assert me.asked() == [(PACKET_WANTED, 1), (PACKET_WANTED, 2)] * 2
    assert me.leg["nack_count"] == 4


def test_a_key_frame_is_asked_for_where_only_that_will_do() -> None:
    me = Subscriber()
    screen = me.world.screens[me.picture]
    begin(screen["freezes"], 0)
    screen["active_until"], screen["lost_reference"] = 2 * SECOND, 1
    me.report(SECOND)
    me.report(SECOND + 25 * MS)
    assert me.asked() == [(KEY_FRAME_WANTED, 0)]
    assert me.leg["pli_count"] == 1


def test_what_the_uplink_loses_is_never_learnt_and_asks_for_nothing() -> None:
    me = Subscriber(loss={"to_bad": "100%", "to_good": "1%", "loss_in_bad": "100%"})
    me.leg["arrived"] = 40
    me.miss(0, 3)
    assert me.report(SECOND) == []
    assert me.asked() == []
    me.leg["arrived"] = 50
    me.report(2 * SECOND)
    assert me.leg["reported"] == 50  # the next would not tell of it again
    assert me.world.uplinks["packets"][ME] == 0  # RTCP is no media


def test_with_too_many_messages_on_their_way_it_waits() -> None:
    me = Subscriber(up={"rate": "1kbps", "buffer": "1MB"})
    for tick in range(1, 100):
        me.leg["arrived"] += 1
        me.leg["feedback_at"] = 0
        me.report(tick * 100 * MS)
    mail = me.world.mails[ME]
    assert mail["tail"] - mail["head"] == 64
    assert me.leg["reported"] == 64
