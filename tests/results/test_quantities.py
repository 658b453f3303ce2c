import math

import pytest

from results.quantities import (
    format_bytes,
    format_clock,
    format_endpoints,
    format_number,
    format_span,
    format_value,
    label_of,
    scale_for,
)
from scenarios.metrics import METRICS, Unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "s", "123 ms"),
        (0.0004, "s", "0.400 ms"),
        (0.00002, "s", "20.0 µs"),
        (0.9996, "s", "1,000 ms"),
        (12.34, "s", "12.3 s"),
        (0.0, "s", "0 ms"),
        (0.01543158, "ratio", "1.54 %"),
        (1.0, "ratio", "100 %"),
        (0.999844, "ratio", "99.984 %"),
        (0.9996, "ratio", "99.960 %"),
        (0.0, "ratio", "0 %"),
        (2e-7, "ratio", "0.2 per million"),
        (711_999.4, "bit/s", "712 kb/s"),
        (28_796_679.4, "bit/s", "28.8 Mb/s"),
        (2.5e9, "bit/s", "2.50 Gb/s"),
        (4.409286, "score", "4.41"),
        (12_345.0, "count", "12,345"),
        (None, "s", "no data"),
        (math.nan, "ratio", "no data"),
        (math.inf, "s", "never"),
        (math.inf, "ratio", "no data"),
    ],
)
def test_values_read_as_one_would_say_them(value: float | None, unit: Unit, text: str) -> None:
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (9.996, "10.0"), (99.96, "100"), (0.001234, "0.00123"), (-9.996, "-10.0")],
)
def test_numbers_keep_three_digits_through_rounding(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(42, "42 s"), (1.5, "1.50 s"), (1800, "30 min"), (3900, "65 min")]
)
def test_spans(seconds: float, text: str) -> None:
    assert format_span(seconds) == text


def test_long_spans_are_hours() -> None:
    assert format_span(3 * 3600 + 300) == "3 h 5 min"


def test_one_endpoint_is_singular() -> None:
    assert [format_endpoints(n) for n in (0, 1)] == ["0 endpoints", "1 endpoint"]
    assert format_endpoints(2594) == "2,594 endpoints"


def test_clock_and_bytes() -> None:
    assert format_clock(605) == "10:05"
    assert format_bytes(1_250_000_000) == "1.16 GiB"
    assert format_bytes(512) == "512 B"


def test_a_scale_turns_stored_values_into_its_unit() -> None:
    scale = scale_for("s", 0.25)
    assert 0.25 * scale.factor == 250
    assert scale.symbol == "ms"


def test_every_metric_has_a_label_that_is_not_its_code() -> None:
    for name in METRICS:
        assert "_" not in label_of(name)
    assert label_of("audio_mos", inside=True) == "audio MOS"
