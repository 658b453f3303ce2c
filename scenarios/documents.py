"""YAML 1.2 documents as trees that know where each value was written.

ruamel.yaml reads the syntax; its events are put together here, without recursion, so that no file
can exhaust stack or memory: nesting and the number of values, aliases expanded, are bounded.
Scalars follow YAML's core schema (YAML 1.2.2, section 10.3); tags, keys that are no text,
duplicate keys and second documents are refused.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from scenarios.errors import Fault, ScenarioError, shorten
from scenarios.keys import Key, KeyPath, format_path
from scenarios.reading import read_text

LARGEST_FILE = 2**20
"""Bytes of the largest scenario file that is read."""
MOST_VALUES = 100_000
"""Values in a file, each alias counted as what it stands for."""
DEEPEST = 40
"""Maps and lists inside one another."""
LONGEST_NUMBER = 40

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Source:
    """What a value was read from."""

    label: str
    """Name in messages."""
    folder: Path | None = None
    """Where files that the source names are looked for first."""


@dataclass(frozen=True)
class Node:
    """A value and the place where it was written."""

    value: "Scalar | dict[str, Node] | list[Node]"
    source: Source
    line: int | None

    def plain(self) -> Any:
        """The value as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, key: Key) -> "Node | None":
        """What ``key`` leads to, if anything."""
        if isinstance(self.value, dict):
            return self.value.get(str(key))
        if isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            return self.value[key]
        return None


def wrap(value: object, source: Source) -> Node:
    """``value``, made of mappings, sequences and scalars, as a tree without lines."""
    if isinstance(value, dict):
        return Node({_text(key): wrap(item, source) for key, item in value.items()}, source, None)
    if isinstance(value, (list, tuple)):
        return Node([wrap(item, source) for item in value], source, None)
    if isinstance(value, str):
        value = unicodedata.normalize("NFC", value)
    return Node(value, source, None)  # type: ignore[arg-type]  # what it is, the records check


def _text(key: object) -> str:
    return unicodedata.normalize("NFC", str(key))


def read_document(path: Path, source: Source) -> Node:
    """The map that the file ``path`` holds.

    Raises:
        ScenarioError: the file cannot be read or holds no map.
    """
    text, fault = read_text(path, source.label, LARGEST_FILE)
    if fault is not None:
        raise ScenarioError([fault])
    root = parse_document(text, source)
    if root is None:
        raise ScenarioError([Fault(source.label, 1, "", None, "is empty; it must be a scenario")])
    if not isinstance(root.value, dict):
        rule = "must be a map of keys, as in 'duration: 30min'"
        raise ScenarioError([Fault(source.label, root.line, "", shorten(root.plain()), rule)])
    return root


def parse_document(text: str, source: Source, first_line: int | None = 1) -> Node | None:
    """The value that ``text`` holds; None where it holds none.

    With ``first_line`` None, values and faults carry no lines.

    Raises:
        ScenarioError: the text is not YAML, or more than a scenario needs.
    """
    composer = _Composer(source, first_line)
    for event in _events(unicodedata.normalize("NFC", text), composer):
        composer.take(event)
    if composer.faults:
        raise ScenarioError(composer.faults)
    return composer.root


def _events(text: str, composer: "_Composer") -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except ScenarioError:
        raise
    except MarkedYAMLError as error:
        problem = " ".join(f"{error.problem or error.context or 'syntax error'}".split())
        mark = error.problem_mark or error.context_mark
        rule = f"is not YAML: {problem[:200]}"
        composer.refuse(mark.line if mark else None, rule)
    except Exception as error:  # to a user, what the parser stumbles over is syntax
        composer.refuse(None, f"is not YAML: {' '.join(str(error).split())[:200]}")


# ---------------------------------------------------------------- events to nodes


@dataclass
class _Open:
    """A map or list whose end is still to come."""

    value: dict[str, Node] | list[Node]
    line: int | None
    anchor: str | None
    key: str | None = None
    """In a map, the key that waits for its value."""
    key_line: int | None = None
    values: int = 1
    height: int = 1


@dataclass(frozen=True)
class _Anchored:
    node: Node
    values: int
    height: int


@dataclass
class _Composer:
    source: Source
    first_line: int | None
    root: Node | None = None
    faults: list[Fault] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, _Anchored] = field(default_factory=dict)
    _documents: int = 0

    def take(self, event: Any) -> None:
        line = self._line(event.start_mark.line)
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self._check_tag(event, line)
            if len(self._stack) >= DEEPEST:
                self._stop(line, f"at most {DEEPEST} maps and lists inside one another")
            value: Any = {} if isinstance(event, MappingStartEvent) else []
            self._stack.append(_Open(value, line, event.anchor))
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            done = self._stack.pop()
            # A map's line is its key's: that is where the eye looks for it.
            self._add(
                _Anchored(Node(done.value, self.source, done.line), done.values, done.height),
                done.anchor,
            )
        elif isinstance(event, ScalarEvent):
            self._check_tag(event, line)
            value = self._scalar(event, line)
            self._add(_Anchored(Node(value, self.source, line), 1, 0), event.anchor)
        elif isinstance(event, AliasEvent):
            self._add(self._aliased(event.anchor, line), None)
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(line, "must be one document; a second begins here")

    def refuse(self, line: int | None, rule: str) -> None:
        """Stop with what was found so far and the fault on the mark's ``line``."""
        self._stop(self._line(line) if line is not None else None, rule)

    def _line(self, mark_line: int) -> int | None:
        return None if self.first_line is None else mark_line + self.first_line

    def _path(self) -> KeyPath:
        return tuple(
            frame.key or "?" if isinstance(frame.value, dict) else len(frame.value)
            for frame in self._stack
        )

    def _fault(self, line: int | None, rule: str, value: str | None = None) -> None:
        key = format_path(self._path())
        self.faults.append(Fault(self.source.label, line, key, value, rule))

    def _stop(self, line: int | None, rule: str) -> None:
        self.faults.append(Fault(self.source.label, line, "", None, rule))
        raise ScenarioError(self.faults)

    def _check_tag(self, event: Any, line: int | None) -> None:
        if event.tag is not None and event.tag != "tag:yaml.org,2002:str":
            self._fault(line, "tags have no place in a scenario", shorten(str(event.tag)))

    def _aliased(self, anchor: str, line: int | None) -> _Anchored:
        if anchor in self._anchors:
            return self._anchors[anchor]
        inside = any(frame.anchor == anchor for frame in self._stack)
        rule = "must not contain itself" if inside else "must name an anchor above it"
        self._fault(line, rule, f"*{anchor}")
        return _Anchored(Node(None, self.source, line), 1, 0)

    def _add(self, item: _Anchored, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = item
        if not self._stack:
            self.root = item.node
            return
        top = self._stack[-1]
        line = item.node.line
        top.values += item.values
        top.height = max(top.height, item.height + 1)
        if sum(frame.values for frame in self._stack) > MOST_VALUES:
            self._stop(line, f"at most {MOST_VALUES:,} values, aliases expanded")
        if len(self._stack) + item.height > DEEPEST:
            self._stop(line, f"at most {DEEPEST} maps and lists inside one another")
        if isinstance(top.value, list):
            top.value.append(item.node)
        elif top.key is None:
            top.key, top.key_line = self._new_key(item.node, top.value), line
        else:
            top.value[top.key] = Node(item.node.value, self.source, top.key_line)
            top.key = None

    def _new_key(self, node: Node, siblings: dict[str, Node]) -> str:
        if not isinstance(node.value, str):
            rule = "a key must be text; quotes make it so"
            self.faults.append(Fault(self.source.label, node.line, "", shorten(node.value), rule))
            return f"?{len(siblings)}"
        if node.value in siblings:
            key = format_path((*self._path()[:-1], node.value))
            rule = f"each key once; line {siblings[node.value].line} has it already"
            self.faults.append(Fault(self.source.label, node.line, key, None, rule))
        return node.value

    def _scalar(self, event: Any, line: int | None) -> Scalar:
        if event.style is not None or event.tag is not None:
            return str(event.value)
        text = str(event.value)
        if _NUMBER.fullmatch(text) and len(text) > LONGEST_NUMBER:
            self._fault(line, f"a number has at most {LONGEST_NUMBER} characters", shorten(text))
            return None
        return core_scalar(text)


_NUMBER = re.compile(
    r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def core_scalar(text: str) -> Scalar:
    """The value of a plain scalar by the core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    if text.lstrip("+-").isdigit():
        return int(text)
    special = text.lower().replace(".", "")
    return float(special if special.endswith(("inf", "nan")) else text)
