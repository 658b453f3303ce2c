"""Thresholds: k6's grammar with units and selectors.

A scenario writes `metric{attribute=value,…}: ["aggregation operator value", …]`, for example
`mouth_to_ear_delay{access=4g}: ["p(95) < 400ms", "max < 1s"]`.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from scenarios.metrics import METRICS, SELECTORS, Metric
from scenarios.record import Context, Problem, Record, check_choice, naming_rule, report
from scenarios.selectors import parse_selection
from scenarios.units import DURATION, RATE, SECOND, SHARE, Units, parse_quantity

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}

_EXPRESSION = re.compile(
    r"\s*(p\(\s*(\d+(?:\.\d+)?)\s*\)|mean|min|max|count)\s*(<=|>=|<|>)\s*(\S.*?)\s*"
)
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})")
_WINDOW = re.compile(r"\s*(\S+?)\s*\.\.\s*(\S+)\s*")


@dataclass(frozen=True)
class Target:
    """What a threshold looks at: a metric, and the subjects that it selects."""

    metric: Metric
    selector: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The target that ``text`` names.

        Raises:
            ValueError: ``text`` has not the form `metric{attribute=value,…}`.
            PydanticCustomError: metric or attribute is unknown.
        """

        def attributes(name: str) -> tuple[str, ...]:
            return SELECTORS[METRICS[check_choice("metric", name, METRICS)].subject]

        form = "must be a metric with selectors, as in packet_loss{access=4g}"
        name, selector = parse_selection(text, form, attributes)
        return cls(METRICS[name], selector)


@dataclass(frozen=True)
class Expression:
    """An aggregation, an operator and a bound in the metric's SI unit."""

    aggregation: str
    """mean, min, max, count or pN."""
    operator: str
    bound: float

    @classmethod
    def parse(cls, text: str, metric: Metric) -> Self:
        """The expression that ``text`` states about ``metric``.

        Raises:
            ValueError: the text is none, or its value has not the metric's unit.
        """
        match = _EXPRESSION.fullmatch(text)
        if match is None:
            raise ValueError(
                "must be an aggregation (p(N), mean, min, max, count), an operator "
                "(<, <=, >, >=) and a value, as in p(95) < 400ms"
            )
        name, rank, sign, value = match.groups()
        if rank is not None and not 0 <= float(rank) <= 100:
            raise ValueError("p(N) takes N from 0 to 100")
        aggregation = f"p{float(rank):g}" if rank is not None else name
        return cls(aggregation, sign, _bound(value, metric, aggregation))

    def holds(self, value: float) -> bool:
        """Whether ``value`` satisfies the expression."""
        return OPERATORS[self.operator](value, self.bound)


_UNITS: Mapping[str, tuple[Units, str, int]] = {
    "s": (DURATION, "duration", SECOND),
    "ratio": (SHARE, "share", 1),
    "bit/s": (RATE, "bit rate", 1),
}


def _bound(text: str, metric: Metric, aggregation: str) -> float:
    if aggregation == "count" or metric.unit not in _UNITS:
        if not _PLAIN_NUMBER.fullmatch(text):
            subject = "a count" if aggregation == "count" else metric.name
            raise ValueError(f"{subject} is compared with a number without a unit")
        return float(text)
    units, noun, scale = _UNITS[metric.unit]
    return float(parse_quantity(text, units, noun)) / scale


@dataclass(frozen=True)
class Window:
    """A stretch of the meeting, in nanoseconds from its start: begin included, end not."""

    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The window that ``text`` names.

        Raises:
            ValueError: the text is not two times, the first before the second.
        """
        match = _WINDOW.fullmatch(text)
        if match is None:
            raise ValueError("must be two times, as in 9min..11min")
        begin, end = (int(parse_quantity(part, DURATION, "time")) for part in match.groups())
        if not 0 <= begin < end:
            raise ValueError("must begin before it ends, at 0s or later")
        return cls(begin, end)


def _check_window(text: str) -> str:
    Window.parse(text)
    return text


class Threshold(Record):
    """One condition on a metric; a plain string is its `check`."""

    check: str
    """Aggregation, operator and value, as in `p(95) < 400ms`."""
    during: Annotated[str, AfterValidator(_check_window)] | None = None
    """Only values from this window, as in `9min..11min`; the sampling interval is its grain."""
    advisory: bool = False
    """Report it without failing the run."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"check": value} if isinstance(value, str) else value


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


_Conditions = BeforeValidator(
    _as_list, json_schema_input_type=str | Threshold | tuple[str | Threshold, ...]
)


Readable = Mapping[str, Sequence[Threshold | None]]
"""Conditions by target, None in place of each that could not be read."""


def readable_thresholds(data: object) -> Readable:
    """What can be read of a scenario's ``data`` under `thresholds`, whatever that is."""
    if not isinstance(data, Mapping):
        return {}
    return {
        str(target): [_readable_threshold(condition) for condition in _as_list(conditions)]
        for target, conditions in data.items()
    }


def _readable_threshold(condition: object) -> Threshold | None:
    try:
        return Threshold.model_validate(condition)
    except ValidationError:
        return None


def threshold_problems(thresholds: Readable, names: Mapping[str, Collection[str]]) -> list[Problem]:
    """What is wrong with targets and expressions, which need one another, and with selectors.

    Args:
        names: valid names by noun, as in a `Context`.
    """
    problems = []
    for text, conditions in thresholds.items():
        try:
            target = Target.parse(text)
        except PydanticCustomError as error:
            wrong = error.context or {}
            choices = tuple(wrong.get("choices", ()))
            problems.append(Problem((text,), wrong.get("value", text), error.message(), choices))
            continue
        except ValueError as error:
            problems.append(Problem((text,), text, str(error)))
            continue
        problems += [
            Problem((text,), value, naming_rule(noun), tuple(names[noun]))
            for noun, value in target.selector.items()
            if noun in names and value not in names[noun]
        ]
        for index, condition in enumerate(conditions):
            if condition is None:
                continue
            try:
                Expression.parse(condition.check, target.metric)
            except ValueError as error:
                problems.append(Problem((text, index), condition.check, str(error)))
    return problems


def _check_thresholds(
    thresholds: dict[str, tuple[Threshold, ...]], info: ValidationInfo
) -> dict[str, tuple[Threshold, ...]]:
    names = info.context.names if isinstance(info.context, Context) else {}
    report(threshold_problems(thresholds, names))
    return thresholds


Thresholds = Annotated[
    dict[str, Annotated[tuple[Threshold, ...], _Conditions]],
    AfterValidator(_check_thresholds),
]
"""Conditions by target."""
