"""Who sends what, from when, and who is shown and heard."""

from typing import Any

import numpy as np

from scenarios.population import populate
from simulations.build import build
from simulations.membership import ABSENT, FORGOTTEN
from simulations.packets import AUDIO, PADDING, PICTURE, RESENT, SCREEN
from simulations.publishing import NOBODY, Publishing
from simulations.rates import FOREVER
from simulations.seats import NO_SESSION
from simulations.topology import plan
from simulations.turns import EVERY_TICK
from simulations.world import STIRRED, WALL_STIRRED, World
from tests.simulations.networks import make_scenario

MS = 1_000_000
MEETING: dict[str, Any] = {
    "pictures": 2,
    "discussion": {"speakers": 1, "voices": 1, "begin": "1500ms"},
    "screen": [{"at": "1s", "site": "s1"}],
    "wall": {"tiles": 2, "layer": "high"},
}
"""Streams: two voices, two pictures, a screen, two tiles; the chair's place is the last."""
VOICE, LOW, HIGH, SCREEN_TRACK = 0, 2, 3, 4


def make(seed: int = 1, replication: int = 0, **media: Any) -> Publishing:
    changes = {"meeting": MEETING, "media": {"screen": {}, **media}}
    scenario = make_scenario(changes, endpoints=6, seed=seed)
    population = populate(scenario)
    world: World = build(scenario, population, plan(scenario, population), replication=replication)
    return Publishing(world, scenario, replication)


def tracks(publishing: Publishing, endpoint: int) -> Any:
    """The tracks of an endpoint's seat."""
    each = int(publishing.settings.tracks)
    seat = publishing.taken[endpoint].index
    return publishing.world.tracks[seat * each : (seat + 1) * each]


def streams(publishing: Publishing) -> list[int]:
    """The endpoint that each stream is meant to show."""
    seats = publishing.world.slot_seats
    return [int(publishing.world.seats["publisher"][s]) if s >= 0 else NOBODY for s in seats]


def test_nobody_sends_at_first() -> None:
    publishing = make()
    assert publishing.floor == NOBODY
    assert set(streams(publishing)) == {NOBODY}
    assert (publishing.world.tracks["next"] == FOREVER).all()
    assert publishing.shown() == set()


def test_who_is_shown_sends_every_layer_and_who_is_heard_a_voice() -> None:
    publishing = make()
    publishing.show(4, "site", 1000, 1)
    sent = tracks(publishing, 4)
    assert sent["media"].tolist() == [AUDIO, RESENT, PICTURE, PICTURE, SCREEN, PADDING]
    assert sent["layer"][LOW : HIGH + 1].tolist() == [0, 1]
    assert set(sent["publisher"].tolist()) == {4}
    idle = FOREVER
    assert sent["next"].tolist() == [idle, idle, 1000 + 40 * MS, 1000 + 40 * MS, idle, idle]
    publishing.hear(4, "site", 2000)
    assert tracks(publishing, 4)["next"][VOICE] == 2000 + 26_500_000
    assert streams(publishing) == [4, -1, -1, 4, -1, -1, -1, -1]
    assert publishing.floor == 4
    assert publishing.shown() == {4}


def test_a_camera_sees_nothing_before_its_first_frame() -> None:
    publishing = make()
    publishing.show(4, "site", 1000, 0, 1000 + 500 * MS)
    assert (tracks(publishing, 4)["next"][LOW : HIGH + 1] == 1000 + 540 * MS).all()


def test_a_voice_needs_a_free_stream() -> None:
    publishing = make()
    for endpoint in (1, 2, 3):
        publishing.hear(endpoint, f"s{endpoint}", 0)
    assert streams(publishing)[:2] == [1, 2]
    publishing.mute(1, 5)
    assert streams(publishing)[:2] == [NOBODY, 2]
    assert 1 not in publishing.taken
    publishing.hear(3, "s3", 6)
    assert streams(publishing)[:2] == [3, 2]


def test_a_speaker_of_a_discussion_talks_without_a_pause() -> None:
    publishing = make()
    publishing.hear(1, "a", 0)
    publishing.hear(2, "b", 0, talking=True)
    assert tracks(publishing, 1)["pause"][VOICE] > 0
    assert tracks(publishing, 2)["pause"][VOICE] == 0


def test_a_tile_is_one_layer_and_its_last_endpoint_leaves() -> None:
    publishing = make()
    publishing.show_tile(1, 3, "a", 50)
    sending = tracks(publishing, 3)["next"] != FOREVER
    assert np.flatnonzero(sending).tolist() == [HIGH]
    publishing.show_tile(1, 2, "b", 60)
    assert streams(publishing)[5:7] == [NOBODY, 2]
    assert set(publishing.taken) == {2}


def test_a_tile_stirs_the_command_centre_alone() -> None:
    publishing = make()
    publishing.show(1, "a", 10, 0)
    world = publishing.world
    world.turns["steer"] = 777
    publishing.show_tile(1, 3, "b", 50)
    assert (world.totals[STIRRED], world.totals[WALL_STIRRED]) == (10, 50)
    assert world.turns["steer"].tolist() == [777] * 6 + [EVERY_TICK]
    publishing.show(2, "c", 60, 1)
    assert world.totals[STIRRED] == 60


def test_who_comes_back_to_the_wall_stirs_the_command_centre_alone() -> None:
    publishing = make()
    publishing.show(1, "a", 10, 0)
    publishing.show_tile(1, 3, "b", 50)
    world = publishing.world
    world.turns["steer"] = 777
    publishing.suspend(3)
    publishing.resume(3, "b", 70)
    assert (world.totals[STIRRED], world.totals[WALL_STIRRED]) == (10, 70)
    assert world.turns["steer"].tolist() == [777] * 6 + [EVERY_TICK]
    publishing.hear(3, "b", 80)  # everyone hears it now
    publishing.resume(3, "b", 90)
    assert world.totals[STIRRED] == 90


def test_a_shared_screen_is_a_track_of_its_own_until_it_ends() -> None:
    publishing = make()
    publishing.show(1, "a", 0, 0)
    publishing.share_screen(1, "a", 0)
    assert tracks(publishing, 1)["next"][SCREEN_TRACK] < FOREVER
    publishing.share_screen(2, "b", 10)  # takes its place
    assert tracks(publishing, 1)["next"][SCREEN_TRACK] == FOREVER
    assert streams(publishing)[4] == 2
    assert publishing.shown() == {1}
    publishing.hide_screen(2, 20)
    assert streams(publishing)[4] == NOBODY
    assert set(publishing.taken) == {1}


def test_who_is_replaced_keeps_sending_until_hidden() -> None:
    publishing = make()
    publishing.show(1, "a", 0, 0)
    publishing.show(2, "b", 100, 0)
    assert publishing.shown() == {2}
    assert (tracks(publishing, 1)["next"][LOW : HIGH + 1] < FOREVER).all()
    publishing.hide(1, 200)
    assert set(publishing.taken) == {2}
    publishing.hide(2, 300)  # has the picture
    assert set(publishing.taken) == {2}


def test_the_chair_is_kept_for_whoever_has_the_floor() -> None:
    publishing = make()
    publishing.lead(6, "centre", 0)
    publishing.show(6, "centre", 0, 0)
    publishing.show(1, "a", 100, 0)
    publishing.hide(6, 100)
    seat = publishing.world.seats[publishing.taken[6].index]
    assert (seat["only"], seat["picture_slot"]) == (1, publishing.first_picture)
    assert streams(publishing)[-1] == 6


def taken_up(publishing: Publishing, endpoint: int, stream: int, track: int) -> set[int]:
    """Who takes a track of ``endpoint`` up in a stream where all have taken it before and it has
    not been since, when it is put there again."""
    people = len(publishing.world.endpoints)
    outs = publishing.world.outs[stream * people : (stream + 1) * people]
    return set(np.flatnonzero(outs["source"] == tracks(publishing, endpoint)["source"][track]))


def forward(publishing: Publishing, endpoint: int, stream: int, track: int) -> None:
    """All take a track of ``endpoint`` in a stream."""
    people = len(publishing.world.endpoints)
    outs = publishing.world.outs[stream * people : (stream + 1) * people]
    outs["source"] = tracks(publishing, endpoint)["source"][track]


def test_who_is_heard_again_in_a_stream_is_no_continuation() -> None:
    publishing = make()
    publishing.show(1, "a", 0, 0)  # keeps its seat, and so its voice's source
    publishing.hear(1, "a", 0)
    forward(publishing, 1, 0, VOICE)
    publishing.mute(1, 100)
    assert len(taken_up(publishing, 1, 0, VOICE)) == 7
    publishing.hear(1, "a", 200)
    assert taken_up(publishing, 1, 0, VOICE) == set()


def test_who_is_shown_again_begins_with_a_key_frame_unless_it_was_all_the_while() -> None:
    publishing = make()
    first = publishing.first_picture
    publishing.show(1, "a", 0, 0)
    forward(publishing, 1, first, LOW)
    publishing.show(2, "b", 100, 0)
    publishing.show(1, "a", 200, 0)  # before it was hidden
    assert len(taken_up(publishing, 1, first, LOW)) == 7
    publishing.show(1, "a", 300, 1)
    publishing.show(1, "a", 400, 0)
    assert taken_up(publishing, 1, first, LOW) == set()


def test_the_chair_is_taken_up_by_whom_alone_it_was_kept_for() -> None:
    publishing = make()
    first = publishing.first_picture
    publishing.lead(6, "centre", 0)
    publishing.show(6, "centre", 0, 0)
    forward(publishing, 6, first, LOW)
    publishing.show(1, "a", 100, 0)
    publishing.hide(6, 200)
    assert len(taken_up(publishing, 6, first, LOW)) == 7
    publishing.show(6, "centre", 300, 0)
    assert taken_up(publishing, 6, first, LOW) == {1}


def test_every_stream_is_a_new_source_that_begins_with_zero() -> None:
    publishing = make()
    sources = []
    for turn in range(4):
        publishing.world.tracks["sequence"] = 99
        publishing.show(turn, f"s{turn}", turn, 0)
        sources += tracks(publishing, turn)["source"].tolist()
        assert not tracks(publishing, turn)["sequence"].any()
        if turn:
            publishing.hide(turn - 1, turn)
    assert len(set(sources)) == len(sources) == 24


def test_the_seat_that_is_free_for_longest_is_taken() -> None:
    publishing = make()
    seats = []
    for turn in range(3):
        publishing.hear(turn, f"s{turn}", 100 * turn)
        seats.append(publishing.taken[turn].index)
        publishing.mute(turn, 100 * turn + 50)
    assert len(set(seats)) == 3  # what is on its way from one is not taken for the next one's


def test_draws_depend_on_seed_replication_site_and_time() -> None:
    keys = set()
    for seed, replication, site, now in [
        (1, 0, "a", 0), (2, 0, "a", 0), (1, 1, "a", 0), (1, 0, "b", 0), (1, 0, "a", 1),
    ]:  # fmt: skip
        publishing = make(seed=seed, replication=replication)
        publishing.show(3, site, now, 0)
        keys.add(int(tracks(publishing, 3)["key_stream"][LOW]))
    assert len(keys) == 5
    again = make()
    again.show(5, "a", 0, 0)  # the endpoint's number is no part of it
    assert int(tracks(again, 5)["key_stream"][LOW]) in keys


def test_where_senders_adapt_layers_begin_as_the_estimate_allows() -> None:
    control = {"profile": "libwebrtc", "start": "150kbps"}
    publishing = make(congestion_control=control)
    publishing.show(1, "a", 0, 0)
    sent = tracks(publishing, 1)
    assert sent["next"][LOW] < FOREVER
    assert sent["next"][HIGH] == FOREVER
    rates = publishing.world.layer_rates[publishing.taken[1].index]
    assert rates[0] == 100_000
    assert rates[1:].tolist() == [0, 0]


# ---------------------------------------------------------------- coming and going


def test_who_is_not_connected_keeps_its_seat_and_sends_nothing() -> None:
    publishing = make()
    publishing.show(1, "a", 0, 0)
    publishing.hear(1, "a", 0)
    publishing.share_screen(1, "a", 0)
    shown = streams(publishing)
    publishing.world.endpoints["served"][1] = ABSENT
    publishing.suspend(1)
    assert streams(publishing) == shown
    assert (tracks(publishing, 1)["next"] == FOREVER).all()
    assert publishing.world.layer_rates[publishing.taken[1].index].tolist() == [0, 0, 0]
    # what it is asked for meanwhile waits, too
    publishing.show_tile(0, 1, "a", 10)
    publishing.show(2, "b", 20, 1)
    assert (tracks(publishing, 1)["next"] == FOREVER).all()
    assert (tracks(publishing, 2)["next"] < FOREVER).any()


def test_who_comes_back_sends_all_that_it_is_there_for_as_new_streams() -> None:
    publishing = make()
    publishing.show(1, "a", 0, 0)
    publishing.hear(1, "a", 0, talking=True)
    publishing.share_screen(1, "a", 0)
    publishing.world.endpoints["served"][1] = ABSENT
    publishing.suspend(1)
    seat = publishing.world.seats[publishing.taken[1].index]
    seat["next"], seat["bytes"], seat["arrived"], seat["padding"] = 70, 900, 60, 5
    before = tracks(publishing, 1)["source"].max()
    publishing.world.endpoints["served"][1] = 0
    publishing.resume(1, "a", 5 * 10**9)
    sent = tracks(publishing, 1)
    for place in (VOICE, LOW, HIGH, SCREEN_TRACK):
        assert 5 * 10**9 <= sent["next"][place] < 6 * 10**9
    assert (sent["key_wanted"][[LOW, HIGH, SCREEN_TRACK]] == 1).all()
    assert sent["pause"][VOICE] == 0  # it still talks without a pause
    assert (sent["sequence"] == 0).all()
    assert sent["source"].min() == seat["first_source"] == before + 1
    # packets are numbered on, and counts since the last sample stay
    assert [int(seat[name]) for name in ("next", "arrived", "reported", "bytes", "padding")] == [
        70, 70, 70, 900, 0
    ]  # fmt: skip


def test_a_node_takes_nothing_from_whom_it_does_not_know() -> None:
    publishing = make()
    publishing.show(1, "a", 0, 0)
    publishing.forget(1)
    assert publishing.world.seats["first_source"][publishing.taken[1].index] == NO_SESSION
    publishing.world.endpoints["served"][[2, 3]] = [FORGOTTEN, ABSENT]
    for endpoint in (2, 3):
        publishing.show(endpoint, "b", 10, 0)
        assert (
            publishing.world.seats["first_source"][publishing.taken[endpoint].index] == NO_SESSION
        )
    assert (tracks(publishing, 2)["next"] < FOREVER).any()  # it does not know
    publishing.suspend(5)  # who has no seat has nothing to end
    publishing.resume(5, "c", 10)
    assert 5 not in publishing.taken
