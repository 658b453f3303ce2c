"""Inheritance: where scenarios are found, and how a file adds to the one that it extends.

Maps merge key by key, everything else replaces what it stands for, and `null` takes an inherited
key away. Values keep the file and line they come from. A scenario's name is its own.
"""

from dataclasses import replace
from pathlib import Path

from scenarios.documents import Node, Source, read_document
from scenarios.errors import Fault, ScenarioError, nearest, shorten
from scenarios.tables import LIBRARY

MOST_PARENTS = 10
_SUFFIXES = (".yaml", ".yml")


def library_names() -> list[str]:
    """Names of the library's scenarios."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def find_scenario(name: str | Path, folder: Path) -> Path | None:
    """The file that ``name`` stands for: a library name, or a path from ``folder``."""
    if isinstance(name, str) and name in library_names():
        return LIBRARY / f"{name}.yaml"
    path = folder / name
    try:
        return path if is_path(name) or path.is_file() else None
    except (OSError, ValueError):
        return path


def is_path(name: str | Path) -> bool:
    """Whether ``name`` means a file, found or not, and not a scenario of the library."""
    return isinstance(name, Path) or "/" in name or name.endswith(_SUFFIXES)


def label(path: Path, name: str | Path) -> str:
    """``path`` as messages show it: as its user wrote it, and no machine's own folders."""
    return f"library/{path.name}" if path.parent == LIBRARY else str(name)


def read_with_parents(path: Path, shown: str) -> Node:
    """The map of the scenario file ``path`` upon all that it extends.

    Raises:
        ScenarioError: a file cannot be read, a parent is missing, or files extend one another.
    """
    root = read_document(path, Source(shown, path.parent))
    return inherit(root, (path.resolve(),))


def inherit(root: Node, chain: tuple[Path, ...]) -> Node:
    """``root`` upon all that it extends; ``chain`` are the files that led here.

    Raises:
        ScenarioError: as `read_with_parents`.
    """
    if not isinstance(root.value, dict) or "extends" not in root.value:
        return root
    extends = root.value["extends"]
    own = replace(root, value={key: v for key, v in root.value.items() if key != "extends"})
    name = extends.value

    def fail(rule: str, hint: str | None = None) -> ScenarioError:
        return ScenarioError(
            [Fault(extends.source.label, extends.line, "extends", shorten(name), rule, hint)]
        )

    if not isinstance(name, str):
        raise fail("must name one scenario of the library or one file")
    folder = extends.source.folder or Path()
    path = find_scenario(name, folder)
    if path is None or not _exists(path):
        here = [child.name for child in folder.glob("*.yaml")] if path is not None else []
        rule = "must name a scenario of the library or a file, as seen from this one"
        raise fail(rule, nearest(name, [*library_names(), *here]))
    if path.resolve() in chain:
        names = " → ".join(file.stem for file in (*chain, path))
        raise fail(f"scenarios must not extend one another in a loop: {names}")
    if len(chain) > MOST_PARENTS:
        raise fail(f"at most {MOST_PARENTS} scenarios may extend one another")
    shown = label(path, str(Path(extends.source.label).parent / name))
    parent = inherit(read_document(path, Source(shown, path.parent)), (*chain, path.resolve()))
    inherited = {key: v for key, v in _children(parent).items() if key != "name"}
    return merge(spell_out(replace(parent, value=inherited)), own)


def merge(below: Node, above: Node) -> Node:
    """``above`` upon ``below``."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    merged = dict(below.value)
    for key, child in above.value.items():
        if key not in merged:
            merged[key] = child
        elif child.value is None:
            del merged[key]
        else:
            merged[key] = merge(merged[key], child)
    return replace(above, value=merged)


def spell_out(root: Node) -> Node:
    """``root`` with its recovery policy as a map, if it is a name, so that one can add to it."""
    recovery = _children(root).get("recovery")
    if recovery is None or not isinstance(recovery.value, str):
        return root
    named = replace(recovery, value={"policy": recovery})
    return replace(root, value={**_children(root), "recovery": named})


def _children(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
