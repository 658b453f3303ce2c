"""The base of all scenario records, and names that point at other parts of the scenario."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError


class Record(BaseModel):
    """A frozen record that refuses keys it does not know, and truth values for numbers."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool):  # to Python, true is 1
            field = cls.model_fields[info.field_name or ""]
            kinds = _plain_kinds(field.annotation, field.metadata)
            if int in kinds:
                raise PydanticKnownError("int_type")
            if float in kinds:
                raise PydanticKnownError("float_type")
        return value


def _plain_kinds(annotation: Any, marks: Iterable[object]) -> set[Any]:
    """The types that ``annotation`` takes as they are; quantities with units are none of them."""
    if any(isinstance(mark, BeforeValidator) for mark in marks):
        return set()
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _plain_kinds(inner, more)
    if get_origin(annotation) in (UnionType, Union):
        return set().union(*(_plain_kinds(member, ()) for member in get_args(annotation)))
    return {annotation}


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""A short name that the scenario gives to one of its parts."""


@dataclass(frozen=True)
class Context:
    """What a scenario's fields may point at; passed to pydantic as the validation context."""

    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Valid names by noun: carrier, access, node, layer, site, province …"""
    rows: tuple[Mapping[str, str], ...] | None = None
    """The endpoint table's rows, where the table could be read."""
    places: Mapping[str, tuple[float, float]] | None = None
    """Latitude and longitude of each province's seat, where that table could be read."""


_PHRASES = {
    "access": "an access profile of this scenario",
    "layer": "a layer of media.video.layers",
    "site": "a site of the endpoint table, or command-centre",
    "province": "a province of the table of places",
    "level": "a level of the endpoint table, or command-centre",
    "metric": "a metric",
    "attribute": "an attribute that this is selected by",
    "kind": "a kind of shared link",
    "direction": "a direction",
    "target": "something that can break",
    "server": "a server of signalling.servers",
}
"""What a noun's names are, where it is not 'a carrier of this scenario'."""


def naming_rule(noun: str) -> str:
    """The rule that a name of ``noun`` has to follow."""
    return f"must name {_PHRASES.get(noun, f'a {noun} of this scenario')}"


def check_choice(noun: str, value: str, choices: Collection[str]) -> str:
    """``value`` if it is one of ``choices``.

    Raises:
        PydanticCustomError: of type ``unknown_name`` with the choices in its context.
    """
    if value not in choices:
        raise PydanticCustomError(
            "unknown_name",
            "{rule}",
            {"rule": naming_rule(noun), "value": value, "choices": sorted(choices)},
        )
    return value


@dataclass(frozen=True)
class Problem:
    """One thing wrong below a validated value, where one validator finds several."""

    path: tuple[str | int, ...]
    """Keys from the validated value down to what is wrong."""
    value: object
    rule: str
    choices: tuple[str, ...] = ()
    """Valid values, where the rule is a choice."""


def report(problems: list[Problem]) -> None:
    """Raise all ``problems`` together, if there are any.

    Raises:
        PydanticCustomError: of type ``several`` with the problems in its context.
    """
    if problems:
        rules = "; ".join(problem.rule for problem in problems)
        raise PydanticCustomError("several", "{rules}", {"rules": rules, "problems": problems})


def one_of(noun: str) -> Any:
    """An annotation: the string must be among the context's names for ``noun``.

    A noun that the context does not hold is not checked: what would define it is itself at fault.
    """

    def check(value: str, info: ValidationInfo) -> str:
        names = info.context.names if isinstance(info.context, Context) else {}
        return check_choice(noun, value, names[noun]) if noun in names else value

    return AfterValidator(check)


CarrierName = Annotated[str, one_of("carrier")]
AccessName = Annotated[str, one_of("access")]
NodeName = Annotated[str, one_of("node")]
LayerName = Annotated[str, one_of("layer")]
SiteName = Annotated[str, one_of("site")]
ProvinceName = Annotated[str, one_of("province")]
