"""Who sends what, from when."""

import numpy as np

from scenarios.media import Media
from simulations.media import TRACK
from simulations.packets import AUDIO, FIRST_TILE, VIDEO
from simulations.publishing import NOBODY, Publishing
from tests.simulations.test_media import make_media

MEDIA: Media = make_media()


def make_publishing(tiles: int = 2, seed: int = 1, replication: int = 0) -> Publishing:
    tracks = np.zeros(3 + tiles, TRACK)
    return Publishing(tracks, MEDIA, seed, replication, tile_layer=1)


def test_nobody_has_the_floor_at_first() -> None:
    publishing = make_publishing()
    assert publishing.floor == NOBODY
    assert publishing.tiles.tolist() == [NOBODY, NOBODY]


def test_the_floor_is_a_voice_and_every_layer() -> None:
    publishing = make_publishing()
    publishing.give_floor(4, "site", 1000)
    tracks = publishing.tracks[:3]
    assert tracks["slot"].tolist() == [AUDIO, VIDEO, VIDEO]
    assert tracks["layer"].tolist() == [0, 0, 1]
    assert tracks["publisher"].tolist() == [4, 4, 4]
    assert tracks["next"].tolist() == [1000 + 26_500_000] + [1000 + 40_000_000] * 2
    assert (publishing.floor, publishing.floor_since) == (4, 1000)
    assert (publishing.tracks[3:]["next"] == 0).all()  # tiles as they were


def test_a_tile_is_one_layer_in_a_slot_of_its_own() -> None:
    publishing = make_publishing()
    publishing.show_tile(1, 9, "site", 50)
    assert publishing.tracks[4]["slot"] == FIRST_TILE + 1
    assert publishing.tracks[4]["layer"] == 1
    assert publishing.tiles.tolist() == [NOBODY, 9]
    assert publishing.tiles_since.tolist() == [0, 50]


def test_every_stream_is_a_new_source_that_begins_with_zero() -> None:
    publishing = make_publishing()
    sources = []
    for turn in range(3):
        publishing.tracks["sequence"] = 99
        publishing.give_floor(turn, f"s{turn}", turn)
        publishing.show_tile(0, turn, f"s{turn}", turn)
        sources += publishing.tracks["source"][:4].tolist()
        assert not publishing.tracks["sequence"][:4].any()
    assert len(set(sources)) == len(sources) == 12


def test_draws_depend_on_seed_replication_site_and_time() -> None:
    keys = set()
    for seed, replication, site, now in [
        (1, 0, "a", 0), (2, 0, "a", 0), (1, 1, "a", 0), (1, 0, "b", 0), (1, 0, "a", 1),
    ]:  # fmt: skip
        publishing = make_publishing(seed=seed, replication=replication)
        publishing.give_floor(3, site, now)
        keys.add(int(publishing.tracks[0]["key"]))
    assert len(keys) == 5
    again = make_publishing()
    again.give_floor(7, "a", 0)  # the endpoint's number is no part of it
    assert int(again.tracks[0]["key"]) in keys
