"""Quantities for people: SI base units in, the unit and the digits that one would say out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenarios.metrics import METRICS, Unit

NO_DATA = "no data"
"""What stands where there is no value."""
NEVER = "never"
"""What stands for a time that is infinite."""

LABELS: Mapping[str, str] = {
    "one_way_delay": "One-way delay",
    "mouth_to_ear_delay": "Mouth-to-ear delay",
    "glass_to_glass_delay": "Glass-to-glass delay",
    "round_trip_time": "Round-trip time",
    "packet_loss": "Packet loss",
    "residual_loss": "Residual loss",
    "jitter": "Jitter",
    "bitrate": "Bit rate",
    "freeze_count": "Freezes",
    "freeze_ratio": "Time frozen",
    "audio_mos": "Audio MOS",
    "video_mos": "Video MOS",
    "time_to_floor": "Time to floor",
    "join_time": "Join time",
    "time_to_first_frame": "Time to first frame",
    "connected_ratio": "Time connected",
    "interrupted_ratio": "Time interrupted",
    "recovery_time": "Recovery time",
    "node_egress": "Node egress",
    "node_cpu": "Node CPU",
    "link_utilization": "Link utilization",
}
"""Metrics' names as one writes them."""


def label_of(metric: str, *, inside: bool = False) -> str:
    """The metric's name as one writes it, at a sentence's beginning or ``inside`` one."""
    label = LABELS.get(metric, metric.replace("_", " ").capitalize())
    return label[0].lower() + label[1:] if inside else label


def unit_of(metric: str) -> Unit:
    """The metric's unit in stored data."""
    return METRICS[metric].unit


@dataclass(frozen=True)
class Scale:
    """A unit for people: stored values times ``factor``."""

    factor: float
    symbol: str
    """Empty for bare numbers."""


_SCALES: Mapping[Unit, tuple[tuple[float, Scale], ...]] = {
    # The first scale whose limit the largest value stays below.
    "s": (
        (1e-3, Scale(1e6, "µs")),
        (10.0, Scale(1e3, "ms")),
        (300.0, Scale(1.0, "s")),
        (math.inf, Scale(1 / 60, "min")),
    ),
    "ratio": ((math.inf, Scale(100.0, "%")),),
    "bit/s": (
        (1e6, Scale(1e-3, "kb/s")),
        (1e9, Scale(1e-6, "Mb/s")),
        (math.inf, Scale(1e-9, "Gb/s")),
    ),
    "count": ((math.inf, Scale(1.0, "")),),
    "score": ((math.inf, Scale(1.0, "")),),
}


def scale_for(unit: Unit, largest: float) -> Scale:
    """The unit in which values up to ``largest`` read best."""
    return next(scale for limit, scale in _SCALES[unit] if not abs(largest) >= limit)


def format_number(value: float, digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits, whole where it has more, no exponent."""
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    decimals = max(digits - 1 - magnitude, 0)
    # 9.996 has one digit more once it is rounded.
    if round(abs(value), decimals) >= 10 ** (magnitude + 1):
        decimals = max(decimals - 1, 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text and abs(value) < 1e-9 else text


def format_value(value: float | None, unit: Unit, digits: int = 3) -> str:
    """``value`` in ``unit`` as one would say it: `0.1234`, `s` becomes `123 ms`."""
    if value is None or not math.isfinite(value):
        return NEVER if value == math.inf and unit == "s" else NO_DATA
    if unit == "count":
        return f"{value:,.0f}" if value == round(value) else format_number(value, digits)
    if unit == "score":
        return f"{value:.2f}"
    return _format_amount(value, unit, digits)


def _format_amount(value: float, unit: Unit, digits: int) -> str:
    """``value`` with the symbol of the scale in which it reads best."""
    if value == 0:
        return f"0 {_SCALES[unit][1 if unit == 's' else 0][1].symbol}"
    if unit == "ratio":
        return _format_share(value, digits)
    # A millisecond is what delays are thought in: 0.4 ms, not 400 µs.
    scale = scale_for(unit, max(abs(value), 1e-3) if abs(value) >= 1e-4 else abs(value))
    return f"{format_number(value * scale.factor, digits)} {scale.symbol}"


def format_interval(ends: Sequence[float] | None, unit: Unit) -> str:
    """Two ends as one would say them: `135 … 142 ms`."""
    if ends is None:
        return "no interval"
    low, high = (format_value(end, unit) for end in ends)
    if low == high:
        return low
    number, _, symbol = low.partition(" ")
    return f"{number if high.partition(' ')[2] == symbol else low} … {high}"


def _format_share(value: float, digits: int) -> str:
    if abs(value) < 1e-6:
        return f"{value * 1e6:.2g} per million"
    rest = (1 - value) * 100
    if 0 < rest < 0.05:
        # What is not all must not read as all.
        return f"{value * 100:.{1 - math.floor(math.log10(rest))}f} %"
    return f"{format_number(value * 100, digits)} %"


def format_bytes(value: float) -> str:
    """``value`` bytes in binary units."""
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{format_number(value)} {unit}"
        value /= 1024
    return f"{format_number(value)} GiB"


def format_endpoints(count: int) -> str:
    """A number of endpoints: `2,594 endpoints`, `1 endpoint`."""
    return f"{count:,} {'endpoint' if count == 1 else 'endpoints'}"


def format_span(seconds: float) -> str:
    """A length of time: `42 s`, `30 min`, `1 h 5 min`."""
    if seconds < 120:
        return f"{format_number(seconds)} s" if seconds % 1 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def format_clock(seconds: float) -> str:
    """A time in the meeting: `10:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
