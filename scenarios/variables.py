"""Variables: a value of a scenario that a search or a sweep changes, by its key path.

A sweep's may be names, as recovery policies are; a search needs numbers.

`endpoints.scale`, `meeting.wall.tiles` and `nodes.hanoi.nic` are paths as `--set` takes them. A `*`
stands for every key of a map: `carriers.*.backbone.capacity` changes all carriers alike. And
`endpoints`, which is a map in the file, stands for their number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios.errors import Fault, ScenarioError, nearest, shorten
from scenarios.keys import format_path, split_assignment
from scenarios.scenario import Scenario
from scenarios.units import DURATION, RATE, SHARE, SIZE, Units, format_quantity, parse_quantity

ENDPOINTS = "endpoints"
"""The path that stands for the number of endpoints."""
_FAMILIES: Mapping[str, Units] = {
    "duration": DURATION,
    "data size": SIZE,
    "bit rate": RATE,
    "share": SHARE,
}
_MOST_COPIES = 100
"""As of `endpoints.scale`."""


@dataclass(frozen=True)
class Variable:
    """A value that changes from run to run."""

    path: str
    """As the user wrote it."""
    paths: tuple[str, ...]
    """The keys that it stands for, as `--set` takes them."""
    units: str = ""
    """What its numbers are: a family of units, or empty for plain numbers."""
    whole: bool = False
    """Only whole numbers."""
    table: int = 0
    """Endpoints in the scenario's table, where their number is what changes."""
    names: tuple[str, ...] = ()
    """Its values where they are no numbers, as `livekit` and `jitsi`; they count from 0."""

    def set_to(self, value: float) -> list[str]:
        """The overrides that set it to ``value``, in base units."""
        if self.path == ENDPOINTS:
            scale = math.ceil(value / self.table)
            return [f"endpoints.sample={round(value / scale)}", f"endpoints.scale={scale}"]
        return [f"{path}={self.write(value)}" for path in self.paths]

    def rounded(self, value: float) -> float:
        """The nearest value that it can have; as many endpoints as copies allow."""
        if self.path == ENDPOINTS:
            scale = math.ceil(round(value) / self.table)
            return float(round(value / scale) * scale)
        return float(round(value)) if self.whole else float(f"{value:.6g}")

    def write(self, value: float) -> str:
        """``value`` as a scenario's file writes it."""
        if self.names:
            return self.names[round(value)]
        if not self.units:
            return f"{round(value)}" if self.whole else f"{value:.10g}"
        if self.units == "share":
            return f"{value * 100:.10g}%"
        return format_quantity(round(value), _FAMILIES[self.units])

    def say(self, value: float) -> str:
        """``value`` for people, with four digits."""
        if self.names:
            return self.names[round(value)]
        if not self.units:
            return f"{round(value):,}" if self.whole else f"{value:.4g}"
        if self.units == "share":
            return f"{value * 100:.4g} %"
        units = _FAMILIES[self.units]
        fitting = [(scale, unit) for unit, scale in units.items() if value >= scale]
        scale, unit = max(fitting, default=(min(units.values()), next(iter(units))))
        return f"{value / float(scale):.4g} {unit.replace('bps', 'b/s')}"


@dataclass(frozen=True)
class Values:
    """A variable and some of its values, in base units."""

    variable: Variable
    values: tuple[float, ...]


def range_of(scenario: Scenario, path: str, text: str, option: str = "--between") -> Values:
    """The variable ``path`` of ``scenario`` and the two ends of its range ``text``, `LOW..HIGH`.

    Args:
        option: what the range was given with.

    Raises:
        ScenarioError: there is no such path, or the text is no range.
    """
    low, dots, high = text.partition("..")
    if not dots or not low.strip() or not high.strip():
        raise _wrong(option, path, text, "must be LOW..HIGH, as in 1000..20000")
    found = values_of(scenario, path, (low, high), option, named=False)
    if not found.values[0] < found.values[1]:
        raise _wrong(option, path, text, "its low end must be less than its high end")
    return found


def assignment_of(scenario: Scenario, text: str) -> Values:
    """The variable and its values that ``text`` names: `PATH=VALUE,VALUE,…` or `PATH=LOW..HIGH`.

    Raises:
        ScenarioError: the text has not that form, or there is no such path.
    """
    try:
        keys, values = split_assignment(text)
    except ValueError:
        rule = "must be PATH=VALUE,VALUE,… or PATH=LOW..HIGH, as in endpoints.scale=1,2,4"
        raise _wrong("--over", "", text, rule) from None
    path = format_path(keys)
    if ".." in values:
        return range_of(scenario, path, values, "--over")
    return values_of(scenario, path, values.split(","), "--over")


def values_of(
    scenario: Scenario, path: str, texts: Sequence[str], option: str, *, named: bool = True
) -> Values:
    """The variable ``path`` of ``scenario`` and its values ``texts``, as files write them.

    Where the scenario has a name, true or false, or a map that a name can stand for, the texts are
    names, and whether they are known is seen when the scenario is loaded with one.

    Args:
        option: what the texts were given with. named: names will do.

    Raises:
        ScenarioError: there is no such path, or a text is no value of numbers with one unit.
    """
    texts = [text.strip() for text in texts]
    paths, present = expand(scenario, path) if path != ENDPOINTS else ((), [])
    if named and present and all(texts) and all(_is_named(value) for value in present):
        return Values(Variable(path, paths, names=tuple(texts)), tuple(range(len(texts))))
    parsed = [_parse(option, path, text) for text in texts]
    families = {family for _, family in parsed}
    if len(families) > 1:
        rule = "all values must be plain numbers, or all have units of one kind"
        raise _wrong(option, path, ", ".join(texts), rule)
    values = tuple(value for value, _ in parsed)
    (family,) = families
    whole = not family and all(text.isdecimal() for text in texts)
    if path == ENDPOINTS:
        table = len(scenario.endpoints.taken or ())
        most = table * _MOST_COPIES
        if not whole or not all(1 <= value <= most for value in values):
            rule = f"a number of endpoints is whole, from 1 to {most:,}"
            raise _wrong(option, path, ", ".join(texts), rule)
        return Values(
            Variable(path, ("endpoints.sample", "endpoints.scale"), "", True, table), values
        )
    return Values(Variable(path, paths, family, whole), values)


def _is_named(value: Any) -> bool:
    """Whether a scenario's ``value`` is none that stands for a number."""
    if isinstance(value, bool | dict):
        return True
    if not isinstance(value, str):
        return False
    try:
        _parse("", "", value)
    except ScenarioError:
        return True
    return False


def _parse(option: str, path: str, text: str) -> tuple[float, str]:
    """The number that ``text`` is, in base units, and the family of its unit."""
    try:
        value = float(text)
    except ValueError:
        pass
    else:
        if math.isfinite(value):
            return value, ""
    for family, units in _FAMILIES.items():
        try:
            return float(parse_quantity(text, units, family)), family
        except ValueError:
            continue
    rule = "must be a number, or one with a unit, as in 100, 20ms, 1.5Gbps, 64KiB or 30%"
    raise _wrong(option, path, text, rule)


def expand(scenario: Scenario, path: str) -> tuple[tuple[str, ...], list[Any]]:
    """The paths that ``path`` stands for, each `*` being every key of its map, and what the
    scenario has there.

    Raises:
        ScenarioError: there is no such path.
    """
    keys = split_assignment(f"{path}=")[0]
    data = scenario.model_dump(mode="json", by_alias=True)
    found: list[tuple[tuple[str, ...], Any]] = [((), data)]
    for key in keys:
        step: list[tuple[tuple[str, ...], Any]] = []
        for done, node in found:
            children = _children(node)
            if key != "*" and key not in children:
                place = format_path((*done, key))
                rule = f"{place} is no key of this scenario"
                raise _wrong("--over", path, None, rule, nearest(key, children))
            step += [
                ((*done, name), child) for name, child in children.items() if key in ("*", name)
            ]
        found = step
    return tuple(format_path(done) for done, _ in found), [node for _, node in found]


def _children(node: Any) -> dict[str, Any]:
    if isinstance(node, dict):
        return {str(key): child for key, child in node.items()}
    if isinstance(node, list):
        return {str(index): child for index, child in enumerate(node)}
    return {}


def _wrong(
    option: str, path: str, value: str | None, rule: str, hint: str | None = None
) -> ScenarioError:
    shown = shorten(value) if value is not None else None
    return ScenarioError([Fault(option, None, path, shown, rule, hint)])
