"""Loading: from a scenario's name or file to a checked record, or to all of its faults at once."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scenarios.causes import blame_overrides, source_labels
from scenarios.consistency import Pieces, contradictions
from scenarios.documents import Node, Source, wrap
from scenarios.endpoints import CommandCentre, Endpoints
from scenarios.errors import Fault, ScenarioError, nearest, shorten
from scenarios.explanations import explain, explain_problems
from scenarios.faults import readable_faults
from scenarios.inheritance import (
    find_scenario,
    inherit,
    is_path,
    label,
    library_names,
    read_with_parents,
)
from scenarios.joining import Joining
from scenarios.links import AccessProfile
from scenarios.media import Media
from scenarios.meeting import Meeting
from scenarios.network import Carrier, MediaNode
from scenarios.overrides import apply_overrides, cut_short, set_value
from scenarios.placement import Placement
from scenarios.record import Context, Name
from scenarios.scenario import Scenario
from scenarios.signalling import Signalling
from scenarios.surroundings import read_context
from scenarios.thresholds import readable_thresholds, threshold_problems
from scenarios.units import PositiveDuration


def load_scenario(
    name_or_path: str | Path, overrides: Iterable[str] = (), seed: int | None = None
) -> Scenario:
    """The scenario that a library name or a file's path stands for.

    ``overrides`` are `PATH=VALUE` as of `--set`; ``seed`` replaces the scenario's.

    Raises:
        ScenarioError: with all that is wrong with the files, the tables and the overrides.
    """
    path = find_scenario(name_or_path, Path())
    if path is None:
        raise ScenarioError([_unknown(str(name_or_path))])
    shown = label(path, name_or_path)
    if is_path(name_or_path) and not path.exists():
        raise ScenarioError([Fault(shown, None, "", None, "there is no such file")])
    root = read_with_parents(path, shown)
    return _resolve(root, path.stem, path.parent, overrides, seed)


def parse_scenario(
    data: Mapping[str, object],
    *,
    name: str = "scenario",
    folder: Path | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
) -> Scenario:
    """The scenario that ``data`` describes as a file would, `extends` included.

    Files that it names are looked for in ``folder``, else in the current one.

    Raises:
        ScenarioError: as `load_scenario`.
    """
    folder = folder or Path()
    root = inherit(wrap(dict(data), Source(name, folder)), ())
    return _resolve(root, name, folder, overrides, seed)


def _unknown(name: str) -> Fault:
    rule = f"must be a scenario of the library ({', '.join(library_names())}) or a file"
    return Fault(shorten(name)[1:-1], None, "", None, rule, nearest(name, library_names()))


def _resolve(
    root: Node, stem: str, folder: Path, overrides: Iterable[str], seed: int | None
) -> Scenario:
    overrides = tuple(overrides)

    def faults_with(some: Iterable[str]) -> list[Fault]:
        return _check(root, stem, folder, some, seed)[1]

    scenario, faults = _check(root, stem, folder, overrides, seed)
    if scenario is None:
        files = source_labels(root)
        raise ScenarioError(blame_overrides(faults, files, overrides, faults_with))
    return scenario


def _check(
    root: Node, stem: str, folder: Path, overrides: Iterable[str], seed: int | None
) -> tuple[Scenario | None, list[Fault]]:
    """The scenario that ``root`` makes with ``overrides``, or all that is wrong with it."""
    root, faults = apply_overrides(root, overrides)
    if seed is not None:
        root = set_value(root, "seed", seed, Source("--seed"))
    if root.child("name") is None:
        root = set_value(root, "name", short_name(stem))
    root = cut_short(root)
    context, found = read_context(root, folder)
    faults += found
    data = root.plain()
    try:
        scenario = Scenario.model_validate(data, context=context)
    except ValidationError as error:
        pieces = _readable(data, context)
        faults += explain(error, root, Scenario)
        faults += explain_problems(contradictions(pieces), root)
        problems = threshold_problems(pieces.thresholds or {}, context.names)
        faults += explain_problems(problems, root, ("thresholds",))
        return None, faults
    return (None if faults else scenario), faults


def short_name(stem: str) -> str:
    """A file's ``stem`` as a scenario's name: plain letters, digits and hyphens."""
    letters = unicodedata.normalize("NFD", stem.lower().replace("đ", "d"))
    ascii_only = letters.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_only).strip("-_")[:40] or "scenario"


def _readable(data: Mapping[str, Any], context: Context) -> Pieces:
    """The parts of ``data`` that are sound by themselves."""

    def piece(key: str, kind: Any) -> Any:
        if key not in data:
            field = Scenario.model_fields[key]
            return None if field.is_required() else field.get_default(call_default_factory=True)
        try:
            return TypeAdapter(kind).validate_python(data[key], context=context)
        except ValidationError:
            return None

    return Pieces(
        duration=piece("duration", PositiveDuration),
        interval=piece("interval", PositiveDuration),
        endpoints=piece("endpoints", Endpoints),
        command_centre=piece("command_centre", CommandCentre),
        media=piece("media", Media),
        meeting=piece("meeting", Meeting),
        thresholds=readable_thresholds(data.get("thresholds")),
        nodes=piece("nodes", dict[Name, MediaNode]),
        carriers=piece("carriers", dict[Name, Carrier]),
        access=piece("access", dict[Name, AccessProfile]),
        joining=piece("joining", Joining | None),
        signalling=piece("signalling", Signalling | None),
        placement=piece("placement", Placement),
        faults=readable_faults(data.get("faults"), context),
        unsignalled=data.get("signalling") is None,
    )
