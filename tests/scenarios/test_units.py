from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scenarios.units import (
    DURATION,
    RATE,
    SIZE,
    Bitrate,
    DataSize,
    Duration,
    PositiveBitrate,
    PositiveDuration,
    Share,
    Units,
    format_quantity,
    format_share,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Duration, "20ms", 20_000_000),
        (Duration, "1.5 min", 90_000_000_000),
        (Duration, "0s", 0),
        (Duration, "7µs", 7_000),
        (Bitrate, "1.5Mbps", 1_500_000),
        (DataSize, "64KiB", 65_536),
        (DataSize, "64kB", 64_000),
        (Share, "0.5%", 0.005),
    ],
)
def test_quantities_parse(kind: Any, text: str, value: float) -> None:
    assert TypeAdapter(kind).validate_python(text) == value


@pytest.mark.parametrize(
    ("kind", "value", "rule"),
    [
        (Duration, 20, "a duration is a number with a unit (ns, us, µs, ms, s, min, h)"),
        (Duration, "20", "a duration is a number with a unit (ns, us, µs, ms, s, min, h)"),
        (Bitrate, "20Mbit", "'Mbit' is none of them"),
        (Bitrate, "20mbps", "'mbps' is none of them"),
        (Duration, "-1ms", "must be 0 or more"),
        (PositiveDuration, "0ms", "must be more than 0"),
        (PositiveBitrate, "-20Gbps", "must be more than 0"),
        (Duration, "721h", "must be at most 720h"),
        (DataSize, "2GB", "must be at most 1GB"),
        (Share, "101%", "must lie between 0% and 100%"),
        (Share, 0.5, "a share is a number with a unit (%)"),
        (Duration, "9" * 100 + "s", "a duration is a number with a unit"),
        (Duration, None, "a duration is a number with a unit"),
        (Duration, ["1s"], "a duration is a number with a unit"),
    ],
)
def test_what_is_no_quantity_is_refused(kind: Any, value: object, rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert rule in str(caught.value)


@pytest.mark.parametrize(
    ("value", "units", "text"),
    [
        (4_500_000, RATE, "4.5Mbps"),
        (65_536, SIZE, "64KiB"),
        (1_000_000, SIZE, "1MB"),
        (90_000_000_000, DURATION, "90s"),
        (1_800_000_000_000, DURATION, "30min"),
        (0, DURATION, "0s"),
        (0, RATE, "0bps"),
        (26_500_000, DURATION, "26.5ms"),
        (1, DURATION, "1ns"),
    ],
)
def test_quantities_read_well(value: int, units: Units, text: str) -> None:
    assert format_quantity(value, units) == text


@given(st.integers(0, 2**62), st.sampled_from([DURATION, SIZE, RATE]))
def test_formatting_is_exact(value: int, units: Units) -> None:
    assert parse_quantity(format_quantity(value, units), units, "x") == value


@given(st.floats(0, 1))
def test_formatting_shares_is_exact(value: float) -> None:
    assert TypeAdapter(Share).validate_python(format_share(value)) == value


@given(st.text(max_size=20))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_quantity(text, DURATION, "duration").is_finite()
