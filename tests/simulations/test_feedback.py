"""RTCP's messages: what they ask for, and how large they are."""

from typing import Any

import numpy as np
import pytest

from simulations.feedback import (
    KEY_FRAME_WANTED,
    MAIL,
    MESSAGE,
    MESSAGES,
    PACKET_WANTED,
    REQUEST,
    REQUESTS,
    feedback_size,
    post,
    request,
    room_for_requests,
)


@pytest.mark.parametrize(
    ("reported", "packets", "key_frames", "size"),
    [
        (0, 0, 0, 50),  # IPv4, UDP, SRTCP, an empty receiver report
        (1, 0, 0, 50 + 20 + 1),
        (80, 0, 0, 50 + 20 + 100),
        (0, 1, 0, 50 + 12 + 4),
        (0, 30, 0, 50 + 12 + 120),
        (0, 0, 2, 50 + 24),
        (40, 3, 1, 50 + 70 + 24 + 12),
    ],
)
def test_sizes(reported: int, packets: int, key_frames: int, size: int) -> None:
    assert feedback_size(reported, packets, key_frames) == size


def test_requests_belong_to_the_message_that_is_posted_after_them() -> None:
    mail: Any = np.zeros(1, MAIL)[0]
    messages, requests = np.zeros(MESSAGES, MESSAGE), np.zeros(REQUESTS, REQUEST)
    mail["request_head"] = mail["request_tail"] = REQUESTS - 1  # the ring turns
    mail["head"] = mail["tail"] = 3 * MESSAGES
    request(mail, requests, PACKET_WANTED, 4, 77)
    request(mail, requests, KEY_FRAME_WANTED, 5, 0)
    assert room_for_requests(mail) == REQUESTS - 2
    post(mail, messages, 1000, 10, 19, 5)
    request(mail, requests, PACKET_WANTED, 4, 78)
    post(mail, messages, 2000, 20, 19, 0)
    assert [tuple(message) for message in messages[:2].tolist()] == [
        (1000, 10, 19, REQUESTS + 1, 5), (2000, 20, 19, REQUESTS + 2, 0)
    ]  # fmt: skip
    written = requests[[REQUESTS - 1, 0, 1]].tolist()
    assert written == [(77, 4, PACKET_WANTED), (0, 5, KEY_FRAME_WANTED), (78, 4, PACKET_WANTED)]
    assert mail["tail"] - mail["head"] == 2
