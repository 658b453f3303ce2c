"""Faults: what breaks, when, and for how long."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from scenarios.links import Delays
from scenarios.record import Context, Name, Problem, Record, check_choice, naming_rule, report
from scenarios.selectors import parse_selection
from scenarios.units import DURATION, Duration, PositiveDuration, Share, format_quantity

FAULT_TARGETS: Mapping[str, tuple[str, ...]] = {
    "node": ("node",),
    "signalling": ("server",),
    "backbone": ("carrier", "node"),
    "peering": ("carrier", "node"),
    "aggregation": ("carrier", "province"),
    "access": ("carrier", "access", "province", "level", "site"),
    "province": ("province",),
}
"""What can break, and the attributes that select which of it."""

LINKS = ("backbone", "peering", "aggregation", "access")

KINDS: Mapping[str, tuple[str, ...]] = {
    "die": ("node", "signalling"),
    "hang": ("node",),
    "drain": ("node",),
    "cut": LINKS,
    "degrade": LINKS,
    "power-cut": ("province",),
}
"""Kinds of faults, and what each can befall."""


def parse_target(text: str) -> tuple[str, Mapping[str, str]]:
    """What a fault's ``of`` names, and its selector.

    Raises:
        ValueError: ``text`` has not the form `target{attribute=value,…}`.
        PydanticCustomError: target or attribute is unknown.
    """

    def attributes(name: str) -> tuple[str, ...]:
        return FAULT_TARGETS[check_choice("target", name, FAULT_TARGETS)]

    return parse_selection(
        text, "must be a target with selectors, as in backbone{carrier=vnpt}", attributes
    )


def _check_target(text: str, info: ValidationInfo) -> str:
    try:
        _, selector = parse_target(text)
    except PydanticCustomError as error:
        wrong = error.context or {}
        report([Problem((), wrong["value"], error.message(), tuple(wrong["choices"]))])
        raise
    names = info.context.names if isinstance(info.context, Context) else {}
    report(
        [
            Problem((), value, naming_rule(noun), tuple(sorted(names[noun])))
            for noun, value in selector.items()
            if noun in names and value not in names[noun]
        ]
    )
    return text


class Incident(Record):
    """A fault: something breaks at a time, and is repaired at another or never."""

    label: Name | None = None
    """Name in reports, and for others' `after`."""
    kind: Literal["die", "hang", "drain", "cut", "degrade", "power-cut"]
    """A media node or a signalling server dies; a node hangs, and still looks alive to TCP; a node
    hands its endpoints over and takes no others; a link is cut; a link loses rate or packets; a
    province's endpoints and their aggregation are without power."""
    of: Annotated[str, AfterValidator(_check_target)]
    """What it befalls, all that the selector matches: `node{node=…}`, `signalling{server=…}`,
    `backbone{carrier=…,node=…}`, `peering{carrier=…,node=…}`,
    `aggregation{carrier=…,province=…}`,
    `access{carrier=…,access=…,province=…,level=…,site=…}` or `province{province=…}`. The command
    centre's own line breaks only where it is named, as in `access{site=command-centre}`."""
    at: Duration
    """When it begins: from the meeting's start, or from the beginning of the fault that `after`
    names."""
    after: Name | None = None
    """Label of a fault further up that this one follows."""
    for_: Annotated[PositiveDuration | None, Field(alias="for")] = None
    """How long it lasts; for good, unless `for`, `until` or `repair` says otherwise."""
    until: PositiveDuration | None = None
    """When it is repaired, from the meeting's start; instead of `for`."""
    repair: Delays | None = None
    """The time that the repair takes, as percentiles of its distribution, drawn from the seed;
    instead of `for`."""
    share: Share = 1.0
    """Share of the access links selected that it befalls; each endpoint draws for itself."""
    rate: Share = 1.0
    """Rate that a degraded link keeps."""
    loss: Share = 0.0
    """Packets that a degraded link loses besides its own losses."""

    @property
    def target(self) -> str:
        """What it befalls, without the selector."""
        return parse_target(self.of)[0]

    @property
    def selector(self) -> Mapping[str, str]:
        """Values by attribute."""
        return parse_target(self.of)[1]

    @property
    def longest(self) -> int | None:
        """Longest that it can last once it began, ns; None: for good, or `until` says."""
        if self.for_ is not None:
            return self.for_
        return 3 * self.repair.p95 if self.repair is not None else None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        problems = []
        if self.target not in KINDS[self.kind]:
            rule = f"{self.kind} befalls {' or '.join(KINDS[self.kind])} only"
            problems.append(Problem(("of",), self.of, rule))
        ends = [key for key in ("for_", "until", "repair") if getattr(self, key) is not None]
        if len(ends) > 1:
            keys = " and ".join(key.rstrip("_") for key in ends)
            problems.append(Problem((ends[1].rstrip("_"),), None, f"{keys} exclude one another"))
        if self.until is not None and self.after is None and self.until <= self.at:
            rule = f"must lie after at, {format_quantity(self.at, DURATION)}: no repair comes first"
            problems.append(Problem(("until",), format_quantity(self.until, DURATION), rule))
        if self.repair is not None and self.repair.p5 == 0:
            problems.append(Problem(("repair",), None, "must take some time: p5 more than 0s"))
        if self.share < 1 and self.target != "access":
            problems.append(Problem(("share",), self.share, "is for faults of access links only"))
        if self.share == 0:
            problems.append(Problem(("share",), "0%", "befalls nobody: must be more than 0%"))
        if self.kind == "degrade" and self.rate == 1 and self.loss == 0:
            rule = "must say what is left of the link: a rate, a loss, or both"
            problems.append(Problem(("kind",), self.kind, rule))
        if self.kind == "degrade" and 0 in (self.rate, 1 - self.loss):
            rule = "nothing passes a link without rate or with all lost: that is the kind cut"
            problems.append(Problem(("kind",), self.kind, rule))
        if self.kind != "degrade" and (self.rate < 1 or self.loss > 0):
            problems.append(Problem(("kind",), self.kind, "rate and loss are for degrade only"))
        report(problems)
        return self


Faults = tuple[Incident, ...]

Readable = Sequence[Incident | None]
"""Faults, None in place of each that could not be read."""


def readable_faults(data: object, context: Context) -> Readable:
    """What can be read of a scenario's ``data`` under `faults`, whatever that is."""
    items = data if isinstance(data, (list, tuple)) else ()
    return [_readable_fault(item, context) for item in items]


def _readable_fault(item: object, context: Context) -> Incident | None:
    try:
        return Incident.model_validate(item, context=context)
    except ValidationError:
        return None


def starts(faults: Readable) -> list[int | None]:
    """When each fault begins, ns from the meeting's start; None where it follows an unknown one,
    or could not be read."""
    times: list[int | None] = []
    labels: dict[str, int | None] = {}
    for fault in faults:
        base = 0 if fault is None or fault.after is None else labels.get(fault.after)
        times.append(None if fault is None or base is None else base + fault.at)
        if fault is not None and fault.label is not None:
            labels[fault.label] = times[-1]
    return times
