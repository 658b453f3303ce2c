"""Resolved scenarios as files: every default written out, ready to be loaded again."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from scenarios.errors import Fault
from scenarios.scenario import Scenario
from scenarios.tables import LIBRARY, read_places, read_sites, write_places, write_sites


def dump_scenario(scenario: Scenario) -> str:
    """``scenario`` as YAML with units and all defaults; it loads again to an equal scenario.

    Its tables are looked for as ever: beside the file, then in the library. `companion_tables`
    gives those that the library does not have.
    """
    data = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    data = {key: _styled(value) for key, value in data.items()}
    yaml = YAML(pure=True)
    yaml.width = 100
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def companion_tables(scenario: Scenario) -> dict[str, str]:
    """CSV text by file name of the tables that must lie beside the dumped scenario.

    Tables that the library has alike are not among them, nor any of a scenario built by hand.
    """
    endpoints = scenario.endpoints
    if endpoints.rows is None or endpoints.coordinates is None:
        return {}
    tables = {}
    if _library(endpoints.table, read_sites) != endpoints.rows:
        tables[endpoints.table] = write_sites(endpoints.rows)
    if _library(endpoints.places, read_places) != endpoints.coordinates:
        tables[endpoints.places] = write_places(endpoints.coordinates)
    return tables


def _library(name: str, read: Callable[[Path, str], tuple[object, list[Fault]]]) -> object:
    path = LIBRARY / name
    return read(path, name)[0] if path.is_file() else None


def _styled(value: Any) -> Any:
    """``value`` with a style for each text that comes back unchanged."""
    if isinstance(value, dict):
        return {_styled(key): _styled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_styled(item) for item in value]
    if not isinstance(value, str) or value.isprintable():
        return value
    lines = value.split("\n")
    block = all(line == line.rstrip() and line.isprintable() for line in lines)
    block = block and not lines[0].startswith(" ") and lines[0] != ""
    # The emitter writes line separators and the like as they are, unless in double quotes.
    return LiteralScalarString(value) if block else DoubleQuotedScalarString(value)
