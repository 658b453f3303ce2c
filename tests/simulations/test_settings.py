"""What holds for all of a run, as a scenario says it."""

from typing import Any

import numpy as np
import pytest

from simulations.settings import settings_of
from tests.simulations.networks import CLOSED, make_scenario, merged


def settings(*changes: Any) -> Any:
    whole: Any = {}
    for each in changes:
        whole = merged(whole, each)
    return settings_of(make_scenario(whole), 1024).view(np.recarray)[0]


SCREEN = {"media": {"screen": {}}, "meeting": {"screen": [{"at": "1s", "site": "s1"}]}}
CALLS: dict[str, Any] = {"meeting": {"roll_call": {}}}
TALK: dict[str, Any] = {"meeting": {"discussion": {"speakers": 2, "voices": 3}}}


@pytest.mark.parametrize(
    ("changes", "voices", "pictures", "screen"),
    [
        ({}, 1, 1, -1),
        (CALLS, 2, 1, -1),  # who is called, and the chair
        (TALK, 4, 1, -1),
        ({"meeting": {"pictures": 3}}, 1, 3, -1),
        (SCREEN, 1, 2, 2),
        (merged(TALK, SCREEN), 4, 2, 5),
    ],
)
def test_streams(changes: Any, voices: int, pictures: int, screen: int) -> None:
    found = settings(changes)
    assert (found.voices, found.pictures, found.screen_slot) == (voices, pictures, screen)


def test_where_nothing_adapts_there_is_no_repair_and_no_probing() -> None:
    opened, closed = settings({}), settings(CLOSED)
    assert (opened.adapts, opened.nack, opened.probing) == (0, 0, 0)
    assert (closed.adapts, closed.nack, closed.probing) == (1, 1, 1)
    off = {"media": {"repair": {"nack": False}, "congestion_control": {"probing": False}}}
    assert (settings(CLOSED, off).nack, settings(CLOSED, off).probing) == (0, 0)


@pytest.mark.parametrize(
    ("audio", "fec", "rate"),
    [
        ({}, 1, 52_000),  # 32 kbit/s, and 50 bytes more fifty times a second
        ({"fec": False}, 0, 52_000),
        ({"codec": "g711", "bitrate": "64kbps"}, 0, 84_000),  # only Opus has it
        ({"ptime": "60ms"}, 1, 38_667),
    ],
)
def test_voices(audio: dict[str, Any], fec: int, rate: int) -> None:
    found = settings({"media": {"audio": audio}})
    assert (found.fec, found.voice_rate) == (fec, rate)


def test_the_wall_s_layer() -> None:
    wall = {"meeting": {"wall": {"tiles": 2, "layer": "high"}}}
    assert settings(wall).tile_layer == 1
    assert settings({}).packet_mask == 1023
