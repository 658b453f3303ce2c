"""Presence: connected time, and gaps without media."""

from collections.abc import Callable
from typing import Any

import pytest

from simulations.compiled import kernel
from simulations.gaps import Gaps
from simulations.presence import NEVER, PRESENCE_COUNTS, come, go, hear, observe, settle
from simulations.world import World
from tests.simulations.networks import Playing, make_scenario

MS = 10**6
SECOND = 10**9


def listening() -> World:
    """A meeting in which s1 to s4 (0 to 3) should hear and see the command centre (4), which has
    come."""
    playing = Playing(
        make_scenario({"interval": "10s", "duration": "20s"}, endpoints=4), connected=False
    )
    playing.stage.env.run(until=1)
    come(playing.world.presences[4], 0)
    return playing.world


@kernel
def _hear(world: Any, endpoint: int, arrival: int) -> None:
    hear(world, endpoint, world.endpoints[endpoint], arrival)


def play(
    world: World,
    steps: list[tuple[int, str]],
    interval: int,
    sampled: Callable[[], None] = lambda: None,
) -> list[tuple[int, int]]:
    """What s1's samples say, in ms, after all of its steps at their times (ms)."""
    samples, begin = [], 0
    for at, what in [*steps, (10**9, "")]:
        while begin + interval <= min(at, steps[-1][0]):
            settle(world, begin * MS, (begin + interval) * MS)
            presence = world.presences[0]
            samples.append((int(presence["connected"]) // MS, int(presence["interrupted"]) // MS))
            sampled()
            for name in PRESENCE_COUNTS:
                presence[name] = 0
            begin += interval
        if what == "come":
            come(world.presences[0], at * MS)
        elif what == "go":
            go(world.presences[0], at * MS)
        elif what == "media":
            _hear(world, 0, at * MS)
        elif what == "silence":  # nobody speaks or is shown any more
            observe(world, at * MS)
            world.slot_seats[:] = -1
    return samples


@pytest.mark.parametrize(
    ("steps", "samples"),
    [
        # all of an interval without media, known only when it has lasted for more than a second
        ([(0, "come"), (3000, "end")], [(1000, 0), (1000, 1000), (1000, 1000)]),
        ([(500, "come"), (3000, "end")], [(500, 0), (1000, 1000), (1000, 1000)]),
        # never there: not connected, but not interrupted either
        ([(2000, "end")], [(0, 0), (0, 0)]),
        # gaps of a second or less are none
        ([(0, "come"), (900, "media"), (1900, "media"), (2900, "media"), (3000, "end")],
         [(1000, 0)] * 3),
        ([(0, "come"), (900, "media"), (2300, "media"), (3000, "end")],
         [(1000, 0), (1000, 1000), (1000, 400)]),
        # while away it is interrupted, too
        ([(0, "come"), (900, "media"), (1000, "go"), (2600, "come"), (2700, "media"),
          (3000, "end")],
         [(1000, 0), (0, 1000), (400, 800)]),
        # what nobody sends, nobody misses
        ([(0, "come"), (500, "media"), (1000, "silence"), (3000, "end")],
         [(1000, 0), (1000, 0), (1000, 0)]),
    ],
)  # fmt: skip
def test_samples(steps: list[tuple[int, str]], samples: list[tuple[int, int]]) -> None:
    assert play(listening(), steps, 1000) == samples


def test_gaps_do_not_depend_on_the_interval() -> None:
    media = [100, 1700, 2500, 4300, 6000, *range(6500, 10_000, 500)]
    steps = [(0, "come"), *((at, "media") for at in media), (10_000, "end")]
    totals = [sum(s for _, s in play(listening(), steps, each)) for each in (500, 1000, 2000, 5000)]
    assert totals == [1600 + 1800 + 1700] * 4


def gaps_of(steps: list[tuple[int, str]], interval: int) -> list[tuple[int, int]]:
    """s1's gaps as sampled after each interval, in ms; one that goes on at the end lasts for ever.
    In all of them it is the command centre that should be heard."""
    world, gaps = listening(), Gaps()
    play(world, steps, interval, lambda: gaps.collect(world))
    own = [gap for gap in gaps.until_now(world) if gap.endpoint == 0]
    assert {gap.missed for gap in own} <= {4}
    return [(gap.begin // MS, gap.end // MS if gap.end != NEVER else NEVER) for gap in own]


@pytest.mark.parametrize("interval", [500, 1000, 3000, 6000])
@pytest.mark.parametrize(
    ("steps", "gaps"),
    [
        ([(0, "come"), (900, "media"), (2300, "media"), (3300, "media"), (6000, "end")],
         [(900, 2300), (3300, NEVER)]),
        # from the first connection on
        ([(500, "come"), (2000, "media"), (3000, "end")], [(500, 2000)]),
        ([(0, "come"), (1000, "media"), (1500, "go"), (4000, "come"), (4700, "media"),
          (5600, "end")], [(1000, 4700)]),
        # over when there is nothing more to be missed
        ([(0, "come"), (500, "media"), (2000, "silence"), (6000, "end")], [(500, 2000)]),
        ([(3000, "end")], []),
        # as many as there is room for
        ([(0, "come"), *((at, "media") for at in range(0, 6000, 1001)), (6000, "end")],
         [(at, at + 1001) for at in range(0, 5005, 1001)]),
    ],
)  # fmt: skip
def test_gaps(steps: list[tuple[int, str]], interval: int, gaps: list[tuple[int, int]]) -> None:
    if steps[-1][0] % interval == 0:
        assert gaps_of(steps, interval) == gaps


def test_of_who_has_not_come_yet_nothing_is_due() -> None:
    world = listening()
    world.presences["first"][4] = world.presences["since"][4] = NEVER
    assert play(world, [(0, "come"), (3000, "end")], 1000) == [(1000, 0)] * 3
