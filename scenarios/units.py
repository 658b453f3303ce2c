"""Quantities with units: strings in files ('20ms', '1.5Mbps'), integers inside.

Durations are integer nanoseconds, sizes bytes, rates bits per second; shares are plain ratios.
Each annotated type parses its string, refuses bare numbers, and serializes back to a string,
so that a resolved scenario loads again unchanged.
"""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

Units = dict[str, Decimal]

DURATION: Units = {
    unit: Decimal(scale)
    for unit, scale in {
        "ns": 1,
        "us": 1_000,
        "µs": 1_000,
        "ms": 1_000_000,
        "s": SECOND,
        "min": 60 * SECOND,
        "h": 3600 * SECOND,
    }.items()
}
SIZE: Units = {
    unit: Decimal(scale)
    for unit, scale in {
        "B": 1,
        "kB": 10**3,
        "KiB": 2**10,
        "MB": 10**6,
        "MiB": 2**20,
        "GB": 10**9,
        "GiB": 2**30,
    }.items()
}
RATE: Units = {
    unit: Decimal(scale)
    for unit, scale in {"bps": 1, "kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9}.items()
}
SHARE: Units = {"%": Decimal("0.01")}

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*([^\s\d]+)\s*")
_LONGEST = 64

# Bounds keep the engine's integers, products of a size or rate and a time among them, in 64 bits.
_LARGEST_DURATION = 720 * 3600 * SECOND
_LARGEST_SIZE = 10**9
_LARGEST_RATE = 10**14


def parse_quantity(text: object, units: Units, noun: str) -> Decimal:
    """The value of ``text`` in the base unit of ``units``.

    Raises:
        ValueError: the text is no number with one of the units; the message states the rule.
    """
    rule = f"a {noun} is a number with a unit ({', '.join(units)})"
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(rule)
    number, unit = match.groups()
    if unit not in units:
        raise ValueError(f"{rule}; {unit!r} is none of them")
    return Decimal(number) * units[unit]


def format_quantity(value: int, units: Units) -> str:
    """``value`` (in base units) as a string, exactly: it parses to the same integer.

    The largest unit that leaves a whole number; with decimal prefixes three decimals will do.
    """
    for unit, scale in sorted(units.items(), key=lambda item: item[1], reverse=True):
        quantity = Decimal(value) / scale
        decimals = 3 if scale.log10() == scale.log10().to_integral_value() else 0
        if abs(quantity) >= 1 and quantity == round(quantity, decimals):
            return f"{quantity.normalize():f}{unit}"
    return f"{value}{'s' if 's' in units and value == 0 else next(iter(units))}"


def format_share(value: float) -> str:
    """A ratio as a percentage with its unit, exactly: it parses to the same float."""
    percent = (Decimal(repr(value)) * 100).normalize()
    plain = f"{percent:f}"
    return f"{plain if len(plain) < 25 else percent}%"


def unit_schema(units: Units) -> WithJsonSchema:
    """The JSON Schema of a quantity with one of ``units``."""
    names = "|".join(re.escape(unit) for unit in units)
    return WithJsonSchema({"type": "string", "pattern": rf"^\s*{_NUMBER}\s*({names})\s*$"})


def _integer(units: Units, noun: str, largest: int, smallest: int = 0) -> tuple[Any, ...]:
    """The parts of an annotated integer type with ``units``, bounded in base units."""

    def parse(value: object) -> int:
        quantity = parse_quantity(value, units, noun)
        if quantity < smallest:
            raise ValueError("must be more than 0" if smallest else "must be 0 or more")
        if quantity > largest:
            raise ValueError(f"must be at most {format_quantity(largest, units)}")
        return int(quantity.to_integral_value())

    return (
        BeforeValidator(parse),
        PlainSerializer(lambda value: format_quantity(value, units), return_type=str),
        unit_schema(units),
    )


def _share(value: object) -> float:
    quantity = parse_quantity(value, SHARE, "share")
    if not 0 <= quantity <= 1:
        raise ValueError("must lie between 0% and 100%")
    return float(quantity)


def between(units: Units, low: str, high: str) -> AfterValidator:
    """An annotation: the quantity must lie from ``low`` to ``high``, both included."""
    smallest, largest = (parse_quantity(bound, units, "bound") for bound in (low, high))

    def check(value: int) -> int:
        if not smallest <= value <= largest:
            raise ValueError(f"must be between {low} and {high}")
        return value

    return AfterValidator(check)


Duration = Annotated[int, *_integer(DURATION, "duration", _LARGEST_DURATION)]
"""Nanoseconds, 0 or more."""
PositiveDuration = Annotated[int, *_integer(DURATION, "duration", _LARGEST_DURATION, 1)]
"""Nanoseconds, 1 or more."""
DataSize = Annotated[int, *_integer(SIZE, "data size", _LARGEST_SIZE)]
"""Bytes, 0 or more."""
PositiveDataSize = Annotated[int, *_integer(SIZE, "data size", _LARGEST_SIZE, 1)]
"""Bytes, 1 or more."""
Bitrate = Annotated[int, *_integer(RATE, "bit rate", _LARGEST_RATE)]
"""Bits per second, 0 or more."""
PositiveBitrate = Annotated[int, *_integer(RATE, "bit rate", _LARGEST_RATE, 1)]
"""Bits per second, 1 or more."""
Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(format_share, return_type=str),
    unit_schema(SHARE),
]
"""A ratio between 0 and 1, written as a percentage."""
