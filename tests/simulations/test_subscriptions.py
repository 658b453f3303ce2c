"""Nothing of one session is taken for the next."""

import numpy as np
import pytest

from simulations.jitter_buffer import BUFFER_COUNTS
from simulations.membership import ABSENT, enter, leave
from simulations.subscriptions import begin, end
from simulations.world import GROUP
from tests.simulations.networks import CLOSED, Playing, deal, make_scenario, merged

SECOND = 10**9


def listening() -> Playing:
    """s1 in the midst of a session over a link with a queue."""
    changes = merged(
        CLOSED,
        {
            "duration": "20s",
            "endpoints": {"rules": [deal("s1", "red", "thin", "north")]},
            "media": {"audio": {"dtx": False}},
        },
    )
    playing = Playing(make_scenario(changes, endpoints=1))
    playing.advance(3 * SECOND)
    return playing


def test_what_has_not_come_by_the_end_is_lost() -> None:
    playing = listening()
    world = playing.world
    leg, sender = world.legs[0], world.senders[0]
    mailed = int(world.endpoints["mail"][0])
    before = int(world.voices["lost"].sum() + world.pictures["lost"].sum())
    open_copies = int(sender["next"] - leg["resolved"])
    assert open_copies > 0
    leave(world, 0, ABSENT)
    end(world, 0)
    assert leg["resolved"] == sender["next"]
    after = int(world.voices["lost"].sum() + world.pictures["lost"].sum())
    assert 0 < after - before <= open_copies
    assert world.endpoints["mail"][0] == 0
    group = world.level_first[GROUP] + world.endpoints["group"][0]
    assert world.stations["gone"][group] == mailed
    playing.advance(4 * SECOND)
    assert world.meters["packets"][0] > 0
    assert world.stations["gone"][group] >= mailed  # copies that were under way


def test_counts_and_freezes_outlive_a_session() -> None:
    world = listening().world
    freezes = world.screens["freezes"][0].copy()
    counts = {name: int(world.voice_buffers[name][0]) for name in BUFFER_COUNTS}
    rendered = int(world.screens["frames_rendered"][0])
    assert rendered > 0
    assert counts["played"] > 0
    leave(world, 0, ABSENT)
    end(world, 0)
    assert world.screens["freezes"][0] == freezes
    assert {name: int(world.voice_buffers[name][0]) for name in BUFFER_COUNTS} == counts
    assert world.screens["frames_rendered"][0] == rendered
    assert world.screens["decoding"][0] == world.screens["started"][0] == 0
    assert world.voice_buffers["clock"][0] == 0
    assert world.nacks["next"][0] == 0
    assert not world.voice_slots[:, 0]["number"].any()


def test_a_new_session_begins_with_nothing() -> None:
    playing = listening()
    world = playing.world
    assert world.asked[::2].any()
    leave(world, 0, ABSENT)
    end(world, 0)
    playing.advance(5 * SECOND)
    fresh = np.zeros(1, world.controllers.dtype)[0]
    enter(world, 0, 1)
    highest = world.outs["highest"].copy()
    ring = ("base", "stride", "mask")
    before = [int(world.senders[name][0]) for name in ring]
    world.ordered[0] = 3  # the last session's node was to send them again
    begin(world, 0, 5 * SECOND, fresh)
    assert [int(world.senders[name][0]) for name in ring] == before
    assert world.ordered[0] == 0
    leg = world.legs[0]
    next_entry = int(world.senders["next"][0])
    assert leg["arrived"] == leg["resolved"] == leg["reported"] == next_entry
    assert 5 * SECOND <= leg["feedback_at"] < 5 * SECOND + playing.settings.feedback
    assert world.controllers[0] == fresh
    assert world.mails["tail"][0] == 0
    for name in ("source", "wanted", "before"):
        assert (world.outs[name][::2] == -1).all(), name
    assert not world.asked[::2].any()
    assert (world.outs["highest"] == highest).all()  # streams are numbered on
    assert world.turns["since"][0] == next_entry


def test_a_picture_that_is_no_longer_shown_is_not_waited_for_after_a_reconnection() -> None:
    playing = listening()
    world = playing.world
    assert world.screens["freezes"]["wanted"][0]
    leave(world, 0, ABSENT)
    end(world, 0)
    playing.advance(4 * SECOND)
    controller = world.controllers[0].copy()
    enter(world, 0, 1)
    begin(world, 0, 4 * SECOND, controller)
    world.slot_seats[int(playing.settings.voices) :] = -1
    playing.advance(5 * SECOND)
    assert not world.screens["freezes"]["wanted"][0]


def test_feedback_keeps_its_turn() -> None:
    playing = listening()
    leg = playing.world.legs[0]
    phase = int(leg["feedback_at"]) % int(playing.settings.feedback)
    leave(playing.world, 0, ABSENT)
    end(playing.world, 0)
    enter(playing.world, 0, 0)
    begin(playing.world, 0, 7 * SECOND + 1, playing.world.controllers[0].copy())
    assert int(leg["feedback_at"]) % int(playing.settings.feedback) == pytest.approx(phase)
