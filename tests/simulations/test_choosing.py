"""Choosing: that a choice stands only as long as to choose anew would change nothing."""

from collections.abc import Callable

import pytest

from simulations.choosing import choose, note_offer, stands
from simulations.settings import TICK
from simulations.world import World
from tests.simulations.hard_times import compare, hard_times
from tests.simulations.networks import CLOSED, Playing, make_scenario

SECOND = 10**9
ME = 0
PICTURE = 1
"""The stream that everyone sees."""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_comes_out_otherwise_than_if_it_were_chosen_anew_each_time(seed: int) -> None:
    standing, anew = Playing(hard_times(seed)), Playing(hard_times(seed))
    stood, layers = 0, set()
    for tick in range(1, 15 * SECOND // TICK + 1):
        for playing in (standing, anew):
            playing.advance(tick * TICK)
        stood += int((standing.world.legs["chosen_until"] > tick * TICK).sum())
        layers |= set(standing.world.outs["wanted"].tolist())
        anew.world.legs["chosen_until"] = 0
    assert stood > 8 * 15 * SECOND // TICK / 3  # many did stand
    assert layers >= {-1, 0, 1}  # and much was chosen
    standing.world.legs["chosen_until"] = 0
    compare(standing.world, anew.world)


@pytest.fixture
def world() -> World:
    """A world in which ``ME`` has chosen, once and for all."""
    playing = Playing(make_scenario(CLOSED, endpoints=2))
    playing.advance(20 * SECOND)
    world = playing.world
    world.legs["chosen_until"] = 0
    note_offer(world)
    choose(world, ME, 20 * SECOND)
    assert stands(world, ME, 20 * SECOND)
    return world


def test_a_choice_stands_until_layers_may_be_raised(world: World) -> None:
    world.legs["raise_at"][ME] = 21 * SECOND
    choose(world, ME, 20 * SECOND)
    assert stands(world, ME, 21 * SECOND - 1)
    assert not stands(world, ME, 21 * SECOND)
    choose(world, ME, 21 * SECOND)
    assert stands(world, ME, 10**6 * SECOND)


def _show_nobody(world: World) -> None:
    world.slot_seats[PICTURE] = -1


def _have_another_there(world: World) -> None:
    world.seats["publisher"][world.slot_seats[PICTURE]] = ME


def _send_more(world: World) -> None:
    world.layer_rates[world.slot_seats[PICTURE], 1] += 1


def _begin_another_session(world: World) -> None:
    world.tracks["source"][-1] += 100


@pytest.mark.parametrize(
    "change", [_show_nobody, _have_another_there, _send_more, _begin_another_session]
)
def test_whoever_is_seen_and_whatever_they_send_ends_it(
    world: World, change: Callable[[World], None]
) -> None:
    note_offer(world)
    assert stands(world, ME, 20 * SECOND)
    change(world)
    note_offer(world)
    assert not stands(world, ME, 20 * SECOND)


def test_another_target_ends_it(world: World) -> None:
    world.controllers["target"][ME] += 1
    assert not stands(world, ME, 20 * SECOND)


def test_what_changes_with_it_or_waits_for_a_key_frame_is_chosen_again(world: World) -> None:
    out = world.outs[PICTURE * len(world.endpoints) + ME]
    source = int(out["source"])
    out["source"] = source + 1
    choose(world, ME, 20 * SECOND)
    assert not stands(world, ME, 20 * SECOND)
    assert world.key_wanted.any()
    out["source"] = source
    choose(world, ME, 20 * SECOND)
    assert stands(world, ME, 20 * SECOND)
    world.controllers["target"][ME] = 1
    choose(world, ME, 20 * SECOND)  # it takes the picture away
    assert out["wanted"] == -1
    assert not stands(world, ME, 20 * SECOND)
