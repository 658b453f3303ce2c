"""Reference of a scenario's keys, from the records: types, bounds, defaults, meanings."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.markdown import code, one_line, table
from scenarios.faults import Incident
from scenarios.joining import Ice
from scenarios.links import Buffer, DelayQuantiles, GilbertElliott, RateQuantiles
from scenarios.media import Audio, Layer, Screen
from scenarios.meeting import Discussion, RollCall, ScreenShare
from scenarios.record import Record
from scenarios.scenario import Scenario
from scenarios.units import DURATION, RATE, SHARE, SIZE, Units, unit_schema

UNITS: dict[str, Units] = {
    "duration": DURATION,
    "data size": SIZE,
    "bit rate": RATE,
    "share": SHARE,
}
"""Kinds of quantities with their units."""

_KINDS = {
    **{unit_schema(units).json_schema["pattern"]: kind for kind, units in UNITS.items()},  # type: ignore[index]
    unit_schema(SIZE | DURATION).json_schema["pattern"]: "data size or duration",  # type: ignore[index]
}
"""Kinds of quantities by the pattern that their text must match."""

_DEFAULTS: Mapping[tuple[type, str], str] = {
    (Scenario, "name"): "the file's name",
    (Layer, "min_bitrate"): "a third of `bitrate`",
    (Screen, "min_bitrate"): "a third of `bitrate`",
    (Audio, "impairment"): "the codec's",
    (Audio, "robustness"): "the codec's",
    (RollCall, "end"): "the meeting's end",
    (Discussion, "end"): "the meeting's end",
    (ScreenShare, "until"): "the meeting's end",
    (Incident, "label"): "its kind and what it befalls",
}
"""Defaults that depend on something else."""

_TITLES: Mapping[type, str] = {
    Scenario: "The scenario",
    GilbertElliott: "Gilbert–Elliott loss",
    Incident: "Fault",
    Ice: "ICE",
}
"""Titles that are not the record's name in words."""

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false"}


@dataclass
class Entry:
    """A record of the scenario and where it stands."""

    record: type[Record]
    paths: list[str] = field(default_factory=list)


def records() -> dict[type[Record], Entry]:
    """All records of a scenario, the scenario first, in the order in which one meets them."""
    found: dict[type[Record], Entry] = {}

    def visit(record: type[Record], path: str) -> None:
        entry = found.setdefault(record, Entry(record))
        if path in entry.paths:
            return
        entry.paths.append(path)
        for name, info in record.model_fields.items():
            key = f"{path}.{info.alias or name}".lstrip(".")
            for inner, below in _inner_records(_whole(info), key):
                visit(inner, below)

    visit(Scenario, "")
    return found


def keys() -> list[str]:
    """Every key of every record, as `record.key`."""
    return [
        f"{record.__name__}.{info.alias or name}"
        for record in records()
        for name, info in record.model_fields.items()
    ]


def page() -> str:
    """The page."""
    parts = [_HEAD, *(_section(entry) for entry in records().values())]
    return "\n".join(parts)


def _section(entry: Entry) -> str:
    record = entry.record
    rows = [
        (
            code(info.alias or name),
            describe(_whole(info)),
            _DEFAULTS.get((record, name)) or _default(info),
            one_line(info.description or ""),
        )
        for name, info in record.model_fields.items()
    ]
    title = _TITLES.get(record, _words(record).capitalize())
    places = ", ".join(code(path) for path in entry.paths if path)
    return "\n".join(
        [
            f"({_anchor(record)})=",
            f"## {title}",
            "",
            *([f"At {places}.", ""] if places else []),
            inspect.cleandoc(record.__doc__ or ""),
            "",
            table(("key", "value", "default", "meaning"), rows),
            "",
        ]
    )


def describe(annotation: Any) -> str:
    """What values a key of the type ``annotation`` takes, in words."""
    base, marks = _unwrap(annotation)
    kind = _without_bounds(base, marks)
    bounds = ", ".join(_bounds(marks))
    return f"{kind}; {bounds}" if bounds else kind


def _without_bounds(base: Any, marks: list[Any]) -> str:
    for mark in marks:
        pattern = (getattr(mark, "json_schema", None) or {}).get("pattern")
        if pattern in _KINDS:
            return _KINDS[pattern]
        if (written := _written_type(mark)) is not None:
            return describe(written)
    if any(isinstance(mark, StringConstraints) for mark in marks):
        return "short name"
    if base in (RateQuantiles, DelayQuantiles):
        one = _without_bounds(*_unwrap(_whole(base.model_fields["p50"])))
        return f"{one} or {_link(base)}"
    return _PLAIN[base] if base in _PLAIN else _compound(base)


def _compound(base: Any) -> str:
    if _is_record(base):
        return _link(base)
    inner = [argument for argument in get_args(base) if argument not in (NoneType, ...)]
    origin = get_origin(base)
    if origin is Literal:
        return " or ".join(code(choice) for choice in inner)
    if origin is dict:
        return f"map by name of {describe(inner[1])}"
    if origin is tuple:
        return f"list of {describe(inner[0])}"
    return " or ".join(dict.fromkeys(describe(argument) for argument in inner))


def _written_type(mark: Any) -> Any:
    """The type of what files write, where a validator makes something else of it."""
    if not isinstance(mark, BeforeValidator) or mark.json_schema_input_type is PydanticUndefined:
        return None
    return mark.json_schema_input_type


def _bounds(marks: Iterable[Any]) -> Iterator[str]:
    least = next((mark.ge for mark in marks if isinstance(mark, Ge)), None)
    most = next((mark.le for mark in marks if isinstance(mark, Le)), None)
    if least is not None:
        yield (
            f"{_number(least)} or more" if most is None else f"{_number(least)} to {_number(most)}"
        )
    for mark in marks:
        if isinstance(mark, MinLen):
            yield f"at least {mark.min_length}"
        elif isinstance(mark, (AfterValidator, BeforeValidator)):
            limits = _closure(mark)
            if "low" in limits and "high" in limits:
                yield f"{limits['low']} to {limits['high']}"
            elif limits.get("smallest") == 1 and not any("low" in _closure(m) for m in marks):
                yield "more than 0"


def _number(value: Any) -> str:
    return "2⁶³ − 1" if value == 2**63 - 1 else f"{value:,}".replace("-", "−")


def _closure(mark: Any) -> Mapping[str, Any]:
    """What a validator that a function made was made with."""
    function = getattr(mark, "func", None)
    return inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "—"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ({}, ""):
        return "none"
    for mark in info.metadata:
        if isinstance(mark, PlainSerializer):
            return code(mark.func(value))  # type: ignore[call-arg]
    text = _inline(value)
    return f"as {_link(type(value))}" if text == "{}" else code(text)


def _inline(value: Any) -> str:
    """``value`` as YAML on one line; of records, what was set."""
    if isinstance(value, Record):
        value = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# ---------------------------------------------------------------- types


def _whole(info: FieldInfo) -> Any:
    """The field's type with what pydantic took off it."""
    annotation: Any = info.annotation
    return Annotated[(annotation, *info.metadata)] if info.metadata else annotation


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without `Annotated`, and all that was annotated."""
    marks: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for mark in more:
            marks += mark.metadata if isinstance(mark, FieldInfo) else [mark]
    arguments = [argument for argument in get_args(annotation) if argument is not NoneType]
    if get_origin(annotation) in (UnionType, Union) and len(arguments) == 1:
        base, more = _unwrap(arguments[0])
        return base, [*more, *marks]
    return annotation, marks


def _inner_records(annotation: Any, path: str) -> Iterator[tuple[type[Record], str]]:
    base, marks = _unwrap(annotation)
    for mark in marks:
        if (
            isinstance(mark, BeforeValidator)
            and mark.json_schema_input_type is not PydanticUndefined
        ):
            yield from _inner_records(mark.json_schema_input_type, path)
    if base is Buffer:
        return
    if _is_record(base):
        yield base, path
    elif get_origin(base) is dict:
        yield from _inner_records(get_args(base)[1], f"{path}.NAME")
    elif get_origin(base) is tuple:
        yield from _inner_records(get_args(base)[0], f"{path}.N")
    elif get_origin(base) in (UnionType, Union):
        for argument in get_args(base):
            yield from _inner_records(argument, path)


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Record)


def _words(record: type) -> str:
    if record in _TITLES:
        return _TITLES[record]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", record.__name__).lower()


def _anchor(record: type) -> str:
    return f"keys-{record.__name__.lower()}"


def _link(record: type) -> str:
    return f"[{_words(record)}](#{_anchor(record)})"


_HEAD = """\
# Scenario keys

A scenario is a map with the keys of the first table below; what they lead to follows, one table a
record. Paths are written as `--set` takes them: `NAME` stands for a name of your own, `N` for a
place in a list, counted from 0. A dash in the column 'default' means that the key must be there,
in the file or in one that it extends. `rehearse validate` says what is wrong with a file, and
`scenarios/scenario.schema.json` tells an editor.

A file may also have the key `extends`: a scenario of the library or a file that this one adds to.
See [](../../guides/scenarios.md).

## Quantities

A quantity is text, a number and its unit; a number without a unit is refused.

""" + table(
    ("kind", "units", "kept as"),
    [
        (kind, ", ".join(map(code, units)), kept)
        for (kind, units), kept in zip(
            UNITS.items(), ("nanoseconds", "bytes", "bits per second", "a ratio"), strict=True
        )
    ],
)
