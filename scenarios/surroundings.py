"""What a scenario's fields may point at: its own names and its tables, as far as readable.

They are gathered before the records are made, so that a name is checked even where the part that
defines it is itself at fault elsewhere.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from scenarios.documents import Node
from scenarios.errors import Fault, nearest, shorten
from scenarios.inheritance import label
from scenarios.meeting import COMMAND_CENTRE
from scenarios.record import Context
from scenarios.tables import (
    Row,
    check_provinces,
    find_table,
    read_places,
    read_sites,
    table_names,
)

_LINK_KINDS = ("backbone", "peering", "aggregation", "cascade")
_DIRECTIONS = ("down", "up")


def read_context(root: Node, folder: Path) -> tuple[Context, list[Fault]]:
    """The context of the scenario ``root``, and what is wrong with its tables.

    ``folder`` is the scenario file's: tables are looked for beside the file that names them, then
    there, then in the library.
    """
    faults: list[Fault] = []
    endpoints = root.child("endpoints")
    rows: tuple[Row, ...] | None = None
    places: dict[str, tuple[float, float]] | None = None
    if endpoints is not None:
        rows, shown = _read(endpoints, "table", folder, read_sites, faults)
        places, _ = _read(endpoints, "places", folder, read_places, faults)
        if rows is not None and places is not None:
            unplaced = check_provinces(rows, places, shown)
            faults += unplaced
            rows = None if unplaced else rows
    return Context(_names(root, rows, places), rows, places), faults


def _read(
    endpoints: Node,
    key: str,
    folder: Path,
    read: Callable[[Path, str], tuple[Any, list[Fault]]],
    faults: list[Fault],
) -> tuple[Any, str]:
    """What ``read`` makes of the table under ``key``, None if it is at fault, and its label."""
    node = endpoints.child(key)
    if node is None or not isinstance(node.value, str):
        return None, ""  # the records say what is missing
    name = node.value
    folders = [node.source.folder or Path(), folder]
    path = find_table(name, folders)
    if path is None:
        rule = "there is no such file beside the scenario or in the library"
        hint = nearest(name, table_names(folders))
        source = node.source.label
        faults.append(Fault(source, node.line, f"endpoints.{key}", shorten(name), rule, hint))
        return None, ""
    shown = label(path, name)
    table, found = read(path, shown)
    faults += found
    return (None if found else table), shown


def _names(
    root: Node, rows: Collection[Row] | None, places: Mapping[str, Any] | None
) -> dict[str, Collection[str]]:
    names: dict[str, Collection[str]] = {"kind": _LINK_KINDS, "direction": _DIRECTIONS}
    for noun, key in (("carrier", "carriers"), ("access", "access"), ("node", "nodes")):
        part = root.child(key)
        if part is not None and isinstance(part.value, dict) and part.value:
            names[noun] = tuple(part.value)
    servers = _at(root, "signalling", "servers")
    if servers is not None and isinstance(servers.value, dict) and servers.value:
        names["server"] = tuple(servers.value)
    if layers := _layer_names(root):
        names["layer"] = layers
    if rows is not None:
        names["site"] = {row["site"] for row in rows} | {COMMAND_CENTRE}
        names["level"] = {row["level"] for row in rows} | {COMMAND_CENTRE}
    if places is not None:
        names["province"] = tuple(places)
    return names


def _at(root: Node, *keys: str) -> Node | None:
    node: Node | None = root
    for key in keys:
        node = node.child(key) if node is not None else None
    return node


def _layer_names(root: Node) -> list[str]:
    node = _at(root, "media", "video", "layers")
    items = node.value if node is not None and isinstance(node.value, list) else []
    named = (item.child("name") for item in items)
    return [name.value for name in named if name is not None and isinstance(name.value, str)]
