from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from scenarios.links import (
    AccessProfile,
    Background,
    Buffer,
    Fading,
    GilbertElliott,
    PathChange,
    Policer,
    SharedLink,
)

DIRECTION = {"rate": "5Mbps"}
PROFILE = {"label": "X", "down": DIRECTION, "up": DIRECTION, "delay": "5ms"}


def test_one_value_stands_for_all_percentiles() -> None:
    profile = AccessProfile.model_validate(PROFILE)
    assert profile.down.rate.p5 == profile.down.rate.p95 == 5_000_000
    assert profile.load[0].share == 0


@pytest.mark.parametrize(
    ("buffer", "rate", "limit"),
    [
        (Buffer(bytes=3000), 10**6, 3000),
        (Buffer(time=20_000_000), 10**9, 2_500_000),
        (Buffer(time=0), 10**9, 0),
    ],
)
def test_a_buffer_is_bytes_or_time(buffer: Buffer, rate: int, limit: int) -> None:
    assert buffer.limit(rate) == limit


def test_a_buffer_s_unit_says_which() -> None:
    sizes = [
        SharedLink.model_validate({"capacity": "1Gbps", "buffer": text}).buffer
        for text in ("256KiB", "200ms")
    ]
    assert sizes == [Buffer(bytes=262_144), Buffer(time=200_000_000)]


@pytest.mark.parametrize(
    ("record", "content", "rule"),
    [
        (SharedLink, {"capacity": "1Gbps", "buffer": "20"}, "a buffer is a number with a unit"),
        (SharedLink, {"capacity": "1Gbps", "buffer": "-1ms"}, "must be 0 or more"),
        (SharedLink, {"capacity": "1Gbps", "buffer": "61s"}, "a buffer holds at most 1GB or 60s"),
        (
            SharedLink,
            {"capacity": "10Mbps", "buffer": "10ms", "background": {"load": "5%"}},
            "a burst of the background, 64KiB, must fit the buffer, 12500 bytes",
        ),
        (Background, {"load": []}, "steps must start at 0s and follow one another in time"),
        (
            Background,
            {"load": [{"at": "1s", "share": "5%"}]},
            "steps must start at 0s and follow one another in time",
        ),
        (
            Background,
            {"load": [{"at": t, "share": "5%"} for t in ("0s", "2s", "2s")]},
            "steps must start at 0s and follow one another in time",
        ),
        (
            SharedLink,
            {
                "capacity": "1Gbps",
                "steps": [{"at": "2s", "rate": "1Mbps"}, {"at": "1s", "rate": "2Mbps"}],
            },
            "steps must follow one another in time",
        ),
        (SharedLink, {"capacity": "1Gbps", "steps": [{"at": "2s", "rate": "-1Mbps"}]}, "0 or more"),
        (
            AccessProfile,
            PROFILE | {"up": DIRECTION | {"steps": [{"at": "0s", "rate": "0bps"}] * 2}},
            "steps must follow one another in time",
        ),
        (Policer, {"rate": "1Mbps", "burst": "1kB"}, "must be between 1500B and 1GB"),
        (Background, {"burst": "63B"}, "must be between 64B and 1GB"),
        (GilbertElliott, {"to_bad": "1%", "to_good": "0%"}, "a bad run must end"),
        (Fading, {"hole_every": "1min"}, "hole_every and hole_length go together"),
        (Fading, {"hole_length": "1s"}, "hole_every and hole_length go together"),
        (
            Fading,
            {"hole_every": "1s", "hole_length": "1s"},
            "hole_length must be shorter than hole_every",
        ),
        (
            PathChange,
            {"every": "15s", "extra_delay": "5ms", "loss_time": "16s"},
            "loss_time must not be longer than every",
        ),
        (AccessProfile, PROFILE | {"load": "100%"}, "load must leave some of the link"),
        (
            AccessProfile,
            PROFILE | {"down": {"rate": {"p5": "9Mbps", "p50": "5Mbps", "p95": "9Mbps"}}},
            "must satisfy p5 ≤ p50 ≤ p95",
        ),
        (AccessProfile, PROFILE | {"jitter": {"median": "1ms", "step": "10us"}}, "between 1ms"),
    ],
)
def test_what_cannot_be_played_is_refused(
    record: type[BaseModel], content: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        record.model_validate(content)
    assert rule in str(caught.value)


def test_rates_step_in_time_and_down_to_nothing() -> None:
    steps = [{"at": "40s", "rate": "2500kbps"}, {"at": "60s", "rate": "0bps"}]
    link = SharedLink.model_validate({"capacity": "1Mbps", "buffer": "300ms", "steps": steps})
    assert [(step.at, step.rate) for step in link.steps] == [
        (40 * 10**9, 2_500_000),
        (60 * 10**9, 0),
    ]
    assert link.buffer.limit(link.capacity) == 37_500
    profile = AccessProfile.model_validate(PROFILE | {"up": DIRECTION | {"steps": steps}})
    assert profile.up.steps == link.steps
    assert profile.down.steps == ()


def test_an_unloaded_link_may_have_any_buffer() -> None:
    assert SharedLink.model_validate({"capacity": "10Mbps", "buffer": "1ms"}).capacity == 10**7
