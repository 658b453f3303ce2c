"""Which layers a subscriber gets, as a table."""

from collections.abc import Mapping
from typing import Any

import pytest

from simulations.allocation import LASTING, RAISE_AFTER, RAISE_AT_MOST, SPARE, allocate, seat_shown
from tests.simulations.networks import CLOSED, Playing, make_scenario, merged

SECOND = 10**9
LOW, HIGH, SCREEN = 100_000, 400_000, 300_000
"""Payload bit/s; on the wire they are 25/24 times as much."""
MEETING = {
    "pictures": 2,
    "screen": [{"at": "1s", "site": "s1"}],
    "wall": {"tiles": 2, "layer": "high"},
}
PICTURES, SCREEN_SLOT, TILES = (1, 2), 3, (4, 5)
CENTRE = 4


class Stage:
    """A world in which what seats send, and where they are shown, is set by hand."""

    def __init__(self, shown: Mapping[int, int], rates: Mapping[int, tuple[int, int, int]]) -> None:
        media = {"screen": {"bitrate": "300kbps"}}
        changes = merged(CLOSED, {"meeting": MEETING, "media": media})
        self.playing = Playing(make_scenario(changes, endpoints=4))
        self.world = self.playing.world
        for seat, sent in rates.items():
            self.world.seats["publisher"][seat] = seat
            self.world.layer_rates[seat] = sent
        for slot, seat in shown.items():
            self.world.slot_seats[slot] = seat

    def out(self, slot: int, endpoint: int) -> Any:
        n = len(self.world.endpoints)
        return self.world.outs[slot * n + endpoint if slot < 4 else 4 * n + slot - 4]

    def asked(self, slot: int, endpoint: int) -> set[int]:
        bits = int(self.world.asked[slot * len(self.world.endpoints) + endpoint])
        return {layer for layer in range(8) if bits >> layer & 1}

    def choose(self, budget: float, endpoint: int = 3, now: int = 0) -> tuple[int, ...]:
        """Layers wanted of what is shown to an endpoint: the pictures, then the screen."""
        self.wanted = float(allocate(self.world, endpoint, budget, now))
        slots = (*PICTURES, SCREEN_SLOT, *(TILES if endpoint == CENTRE else ()))
        return tuple(int(self.out(slot, endpoint)["wanted"]) for slot in slots)


BOTH = {0: (LOW, HIGH, 0), 1: (LOW, HIGH, 0)}


@pytest.mark.parametrize(
    ("budget", "before", "wanted"),  # kbit/s; layers of one picture
    [
        (100, -1, -1),  # 104 are needed
        (110, -1, -1), (110, 0, 0),  # and 120 to take it up
        (120, -1, 0),
        (410, 1, 0),  # 417 are needed
        (420, 0, 0), (420, 1, 1),  # and 464 to take it up
        (465, 0, 1), (465, -1, 1),
        (9000, -1, 1),
        (0, 1, -1), (-50, 1, -1),
    ],
)  # fmt: skip
def test_one_picture(budget: float, before: int, wanted: int) -> None:
    stage = Stage({1: 0}, BOTH)
    stage.out(1, 3)["wanted"] = before
    assert stage.choose(1000 * budget)[0] == wanted


@pytest.mark.parametrize(
    ("budget", "wanted"),  # kbit/s; layers of two pictures and of a screen that takes 312.5
    [
        (100, (-1, -1, -1)),
        (200, (0, -1, -1)),  # what does not fit leaves room for what does
        (300, (0, 0, -1)),
        (400, (-1, -1, 0)),
        (440, (0, -1, 0)),
        (550, (0, 0, 0)),
        (850, (0, 0, 0)),
        (900, (1, 0, 0)),
        (1250, (1, 1, 0)),
    ],
)
def test_every_picture_comes_before_a_better_one(budget: float, wanted: tuple[int, ...]) -> None:
    sent = {**BOTH, 2: (0, 0, SCREEN)}
    assert Stage({1: 0, 2: 1, 3: 2}, sent).choose(1000 * budget) == wanted


@pytest.mark.parametrize(
    ("sent", "wanted", "desired"),
    [
        ((LOW, HIGH, 0), 1, 1),
        ((0, HIGH, 0), 1, 1),
        ((LOW, 0, 0), 0, 1),  # it would take more if it were sent
        ((0, 0, 0), -1, 1),
    ],
)
def test_what_is_not_sent_is_not_chosen_but_asked_for(
    sent: tuple[int, int, int], wanted: int, desired: int
) -> None:
    stage = Stage({1: 0}, {0: sent})
    assert stage.choose(2e6)[0] == wanted
    assert stage.asked(1, 3) == {wanted, desired} - {-1}
    stage.world.slot_seats[1] = -1
    stage.choose(2e6)
    assert stage.asked(1, 3) == set()


def test_after_a_fall_the_lowest_layer_comes_as_soon_as_it_is_sent() -> None:
    # Everyone watched the high one, so that the low one was paused.
    stage = Stage({1: 0}, {0: (0, HIGH, 0)})
    assert stage.choose(2e6)[0] == 1
    assert stage.choose(2e5, now=SECOND)[0] == -1
    assert stage.asked(1, 3) == {0}
    stage.world.layer_rates[0] = (LOW, HIGH, 0)
    assert stage.choose(2e5, now=SECOND + 1)[0] == 0
    assert stage.choose(2e6, now=SECOND + 2)[0] == 0  # what is better has to wait


def test_nothing_is_raised_for_a_while_after_a_lowering_for_want_of_room() -> None:
    stage = Stage({1: 0}, BOTH)
    assert stage.choose(2e6, now=0)[0] == 1
    assert stage.choose(2e5, now=SECOND)[0] == 0
    assert stage.choose(2e6, now=SECOND + RAISE_AFTER - 1)[0] == 0
    assert stage.choose(2e6, now=SECOND + RAISE_AFTER)[0] == 1
    # no want of room: it was no longer sent
    stage.world.layer_rates[0] = (LOW, 0, 0)
    assert stage.choose(2e6, now=20 * SECOND)[0] == 0
    stage.world.layer_rates[0] = (LOW, HIGH, 0)
    assert stage.choose(2e6, now=20 * SECOND + 1)[0] == 1


def test_a_raise_that_does_not_last_waits_twice_as_long_the_next_time() -> None:
    stage, now = Stage({1: 0}, BOTH), 0
    waits: list[int] = []
    for _ in range(6):
        assert stage.choose(2e6, now=now)[0] == 1
        now += 3 * SECOND
        assert stage.choose(2e5, now=now)[0] == 0
        assert stage.choose(5e4, now=now + SECOND)[0] == -1  # of the same fall
        fallen = now + SECOND
        while stage.choose(2e6, now=now)[0] != 1:
            now += SECOND // 4
        waits.append(now - fallen)
    assert waits == [RAISE_AFTER * 2**i for i in range(4)] + [RAISE_AT_MOST] * 2
    now += LASTING
    assert stage.choose(2e5, now=now)[0] == 0
    assert stage.choose(2e6, now=now + RAISE_AFTER)[0] == 1


@pytest.mark.parametrize("sent", [(LOW, HIGH, 0), (LOW, 0, 0)])
def test_what_could_be_used_is_a_layer_more_whether_it_is_sent_or_not(
    sent: tuple[int, int, int],
) -> None:
    stage = Stage({1: 0}, {0: sent})
    for budget, taken, more in ((0, 0, LOW), (2e5, LOW, HIGH - LOW)):
        stage.choose(budget)
        assert stage.wanted == pytest.approx((taken + SPARE * more) * 25 / 24)
    if sent[1]:
        stage.choose(2e6)
        assert stage.wanted == pytest.approx(HIGH * 25 / 24)


@pytest.mark.parametrize(
    ("sent", "budget", "wanted"),
    [
        ((LOW, HIGH, 0), 1e6, 1),  # the wall's own layer, and no other
        ((LOW, HIGH, 0), 2e5, -1),
        ((LOW, 0, 0), 2e5, 0),
    ],
)
def test_tiles_are_the_centre_s_and_have_one_layer(
    sent: tuple[int, int, int], budget: float, wanted: int
) -> None:
    stage = Stage({4: 0}, {0: sent})
    assert stage.choose(budget, CENTRE) == (-1, -1, -1, wanted, -1)


def test_who_has_the_floor_is_shown_the_chair_and_nobody_itself() -> None:
    stage = Stage({1: 0, 2: 1, -1: 2}, {**BOTH, 2: (LOW, HIGH, 0)})
    shown = [[int(seat_shown(stage.world, slot, e)) for slot in PICTURES] for e in range(4)]
    assert shown == [[2, 1], [0, -1], [0, 1], [0, 1]]
    stage.world.slot_seats[1] = 2  # the chair itself has it
    assert seat_shown(stage.world, 1, 2) == -1
