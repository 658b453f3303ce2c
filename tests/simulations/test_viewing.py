"""Viewing: packets of a frame that come in a row count as if each had come by itself."""

import numpy as np
import pytest

from simulations.history import FIRST
from tests.simulations.networks import Playing, kept_copies
from tests.simulations.test_turns import compare, scenario_of

SECOND = 10**9
APART = 300_000
"""ns: packets of 1,200 bytes come at least 4 ms apart over links of up to 2 Mbit/s."""


@pytest.mark.parametrize("seed", [1, 2])
def test_packets_that_come_in_a_row_count_as_if_each_came_alone(seed: int) -> None:
    scenario = scenario_of(seed)
    together, alone = Playing(scenario), Playing(scenario)
    together.advance(6 * SECOND)
    alone.advance(6 * SECOND, list(range(APART, 6 * SECOND, APART)))
    compare(together.world, alone.world)
    assert (together.world.screens["frames_rendered"] > 20).sum() > 5
    assert together.world.pictures["lost"].sum() > 20  # not all of them came in a row


def test_many_packets_of_pictures_follow_the_one_before_them() -> None:
    playing = Playing(scenario_of(1))
    world = playing.advance(6 * SECOND)
    copies = kept_copies(world, playing.index("s3"))
    pictures = copies[copies["slot"] >= playing.settings.voices]
    follows = (np.diff(pictures["number"]) == 1) & (pictures["kind"][1:] == FIRST)
    frames = world.packets["frame"][pictures["packet"]]
    assert (follows & (np.diff(frames) == 0)).mean() > 0.3
