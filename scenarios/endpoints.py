"""The endpoints: a table of sites, and rules that deal out carrier, access link and media node."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)

from scenarios.network import Place
from scenarios.record import (
    AccessName,
    CarrierName,
    Context,
    NodeName,
    Problem,
    Record,
    report,
)
from scenarios.units import Share

ATTRIBUTES = ("site", "name", "level", "kind", "district", "province")
"""Columns of the endpoint table."""


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_shares(value: object) -> object:
    return {value: "100%"} if isinstance(value, str) else value


Values = Annotated[
    tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])
]
"""One value or several."""

_Dealing = BeforeValidator(_as_shares, json_schema_input_type=str | dict[str, Share])


def _as_file_name(value: str, info: ValidationInfo) -> str:
    """A table that was read goes by its file's name: its folder is of this machine only."""
    read = isinstance(info.context, Context) and info.context.rows is not None
    return PurePath(value).name if read else value


TableName = Annotated[str, AfterValidator(_as_file_name)]


class When(Record):
    """Table values that an endpoint must have, all of them; one value or a list of values each."""

    site: Values | None = None
    level: Values | None = None
    kind: Values | None = None
    district: Values | None = None
    province: Values | None = None

    @model_validator(mode="after")
    def _check_values(self, info: ValidationInfo) -> Self:
        rows = info.context.rows if isinstance(info.context, Context) else None
        problems = []
        for attribute, wanted in self:
            known = {row[attribute] for row in rows or ()}
            problems += [
                Problem((attribute,), value, f"must be a {attribute} of the table", tuple(known))
                for value in wanted or ()
                if rows is not None and value not in known
            ]
        report(problems)
        return self

    def matches(self, row: Mapping[str, str]) -> bool:
        """Whether the table's ``row`` has all the values."""
        return all(wanted is None or row[attribute] in wanted for attribute, wanted in self)


class Rule(Record):
    """Deals out what it names to the endpoints that it matches.

    Of the rules that match an endpoint, the first that names a carrier (access, node) deals its
    carrier (access, node). Shares are probabilities: each endpoint draws for itself.
    """

    when: When = When()
    """Which endpoints; all, unless said."""
    carrier: Annotated[dict[CarrierName, Share], _Dealing] | None = None
    """Shares by carrier, or one carrier."""
    access: Annotated[dict[AccessName, Share], _Dealing] | None = None
    """Shares by access profile, or one profile."""
    node: Annotated[dict[NodeName, Share], _Dealing] | None = None
    """Shares by media node, or one node; the nearest node, unless a rule says otherwise."""

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.carrier is self.access is self.node is None:
            raise ValueError("must deal out a carrier, an access profile or a node")
        report(
            [
                Problem((key,), dict(shares), "shares must add up to 100%")
                for key in ("carrier", "access", "node")
                if (shares := getattr(self, key)) is not None
                and abs(sum(shares.values()) - 1) > 1e-9
            ]
        )
        return self


class Endpoints(Record):
    """The endpoints: a table of sites and what each of them gets."""

    table: TableName
    """CSV file with the columns site, name, level, kind, district, province; one row an endpoint.
    Looked for beside the scenario file, then in the library."""
    places: TableName
    """CSV file with the columns province, seat_latitude, seat_longitude."""
    only: When = When()
    """Take only the endpoints that have these table values."""
    sample: Annotated[int, Field(ge=1)] | None = None
    """Take only this many endpoints, spread evenly over the table."""
    scale: Annotated[int, Field(ge=1, le=100)] = 1
    """Play every endpoint this many times; copies are named site.2, site.3, …"""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    """What each endpoint gets."""

    _rows: tuple[Mapping[str, str], ...] | None = PrivateAttr(None)
    _coordinates: Mapping[str, tuple[float, float]] | None = PrivateAttr(None)

    @property
    def rows(self) -> tuple[Mapping[str, str], ...] | None:
        """The table's rows as they were loaded; None where nothing loaded them."""
        return self._rows

    @property
    def taken(self) -> tuple[Mapping[str, str], ...] | None:
        """Those of the rows that `only` takes."""
        return None if self._rows is None else self.take(self._rows)

    def take(self, rows: Sequence[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
        """Those of ``rows`` that `only` takes."""
        if self.only == When():
            return tuple(rows)
        return tuple(row for row in rows if self.only.matches(row))

    def dealt(self, row: Mapping[str, str], what: str) -> tuple[str, ...]:
        """Every carrier (access, node: ``what``) that the rules can deal to the table's ``row``."""
        for rule in self.rules:
            shares: Mapping[str, float] | None = getattr(rule, what)
            if shares is not None and rule.when.matches(row):
                return tuple(name for name, share in shares.items() if share > 0)
        return ()

    @property
    def coordinates(self) -> Mapping[str, tuple[float, float]] | None:
        """Latitude and longitude by province; None where nothing loaded them."""
        return self._coordinates

    @model_validator(mode="after")
    def _keep_tables(self, info: ValidationInfo) -> Self:
        """Keep what the tables say: a scenario is whole, and played without looking at files."""
        if isinstance(info.context, Context) and info.context.rows is not None:
            self._rows, self._coordinates = info.context.rows, info.context.places
        if self.table == self.places:
            raise ValueError("table and places must be files of different names")
        return self

    @model_validator(mode="after")
    def _check_cover(self, info: ValidationInfo) -> Self:
        rows = info.context.rows if isinstance(info.context, Context) else None
        taken = self.take(rows or ())
        problems = []
        for what in ("carrier", "access"):
            bare = [
                row["site"]
                for row in taken
                if not any(getattr(rule, what) and rule.when.matches(row) for rule in self.rules)
            ]
            if bare:
                others = f" and {len(bare) - 1} more" if len(bare) > 1 else ""
                rule = f"every endpoint needs a rule that gives it its {what}"
                problems.append(Problem(("rules",), f"{bare[0]}{others}", rule))
        report(problems)
        return self


class CommandCentre(Place):
    """The room from which the meeting is led, on a link of its own to its media node."""

    name: str
    """Name in reports."""
    carrier: CarrierName
    """Carrier, for groups in reports; its link crosses no shared part of it."""
    access: AccessName
    """Access profile."""
    node: NodeName
    """Media node."""
