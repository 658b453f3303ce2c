"""Residual loss counts in the interval in which it is heard and seen, and once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.frames import PICTURE
from simulations.jitter_buffer import BUFFER, MUTE
from simulations.residual import Residual

SECOND = 1_000_000_000


def buffers(*rows: dict[str, int]) -> NDArray[Any]:
    return records(BUFFER, *rows)


def records(kind: np.dtype[Any], *rows: dict[str, int]) -> NDArray[Any]:
    made = np.zeros(len(rows), kind)
    for record, row in zip(made, rows, strict=True):
        for name, value in row.items():
            record[name] = value
    return made


def test_what_a_buffer_conceals_counts_as_it_does() -> None:
    # Of the second voice more is lost than was concealed: sound goes on, and will be concealed.
    heard = buffers(
        {"concealed": 3, "recovered": 2, "waiting": 1},
        {"concealed": 1, "position": 9 * SECOND, "delay": SECOND},
    )
    assert Residual().audio(heard, np.array([5, 4]), 10 * SECOND).tolist() == [3, 1]


def test_once_sound_has_stopped_what_is_lost_counts_at_once_and_not_again() -> None:
    residual = Residual()
    dead = {"position": 5 * SECOND, "delay": SECOND // 10}
    at = 5 * SECOND + SECOND // 10 + MUTE
    assert residual.audio(buffers(dead), np.array([50]), at).tolist() == [0]
    assert residual.audio(buffers(dead | {"recovered": 2}), np.array([50]), at + 1).tolist() == [48]
    # The next packet comes: the buffer conceals all of them, and three that were lost since.
    alive = buffers({"concealed": 51, "waiting": 1})
    assert residual.audio(alive, np.array([3]), at + SECOND).tolist() == [3]
    assert residual.audio(alive, np.array([0]), at + 2 * SECOND).tolist() == [51]


def test_while_a_packet_waits_its_buffer_says_what_is_missing_before_it() -> None:
    late = buffers({"waiting": 1, "position": 5 * SECOND, "concealed": 2})
    assert Residual().audio(late, np.array([50]), 10 * SECOND).tolist() == [2]


def test_a_pause_is_no_loss() -> None:
    assert Residual().audio(buffers({}), np.array([0]), 60 * SECOND).tolist() == [0]


def test_of_a_picture_that_stands_still_nothing_that_is_lost_was_repaired_in_time() -> None:
    residual = Residual()
    moving = records(PICTURE, {"frames_rendered": 9, "packets_missing": 2})
    still = records(PICTURE, {})
    assert residual.video(moving, np.array([40])).tolist() == [2]
    assert residual.video(still, np.array([40])).tolist() == [40]
    assert residual.video(still, np.array([30])).tolist() == [30]
    # Then its frames are given up: 70 packets have been counted.
    again = records(PICTURE, {"frames_rendered": 5, "packets_missing": 75})
    assert residual.video(again, np.array([10])).tolist() == [5]
