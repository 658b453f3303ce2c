"""Loading: from a scenario's name or file to a checked record, or to all of its faults at once."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scenarios.consistency import Pieces, contradictions
from scenarios.documents import Node, Source, wrap
from scenarios.endpoints import Endpoints
from scenarios.errors import Fault, ScenarioError, nearest, shorten
from scenarios.explanations import explain, explain_problems
from scenarios.inheritance import (
    find_scenario,
    inherit,
    is_path,
    label,
    library_names,
    read_with_parents,
)
from scenarios.meeting import Meeting
from scenarios.overrides import apply_overrides, cut_short, set_value
from scenarios.record import Context
from scenarios.scenario import Scenario
from scenarios.surroundings import read_context
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
        faults += explain(error, root, Scenario)
        faults += explain_problems(contradictions(_readable(data, context)), root)
        raise ScenarioError(faults) from None
    if faults:
        raise ScenarioError(faults)
    return scenario


def short_name(stem: str) -> str:
    """A file's ``stem`` as a scenario's name: plain letters, digits and hyphens."""
    letters = unicodedata.normalize("NFD", stem.lower().replace("đ", "d"))
    ascii_only = letters.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_only).strip("-_")[:40] or "scenario"


def _readable(data: Mapping[str, Any], context: Context) -> Pieces:
    """The parts of ``data`` that are sound by themselves."""

    def piece(key: str, kind: Any) -> Any:
        try:
            return TypeAdapter(kind).validate_python(data[key], context=context)
        except (KeyError, ValidationError):
            return None

    return Pieces(
        duration=piece("duration", PositiveDuration),
        interval=piece("interval", PositiveDuration),
        endpoints=piece("endpoints", Endpoints),
        meeting=piece("meeting", Meeting),
    )
