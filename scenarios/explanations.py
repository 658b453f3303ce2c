"""What pydantic finds wrong, as faults with file, line, key, value, rule and nearest choice."""

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from scenarios.documents import Node
from scenarios.errors import Fault, nearest, shorten
from scenarios.keys import Key, KeyPath, format_path
from scenarios.record import Problem

_MOST_LISTED = 16

_RULES = {
    "missing": "is missing",
    "string_type": "must be text; quotes make it so",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a map of names",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be a map of keys",
    "model_attributes_type": "must be a map of keys",
    "string_pattern_mismatch": (
        "must be a short name: up to 40 of a-z, 0-9, - and _, a letter or digit first"
    ),
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "literal_error": "must be one of {expected}",
}
"""Rules in plain words by pydantic's error types, with what its context fills in."""


def explain(
    error: ValidationError, root: Node, model: type[BaseModel], prefix: KeyPath = ()
) -> list[Fault]:
    """The faults in ``error``, raised while ``model`` was made of ``root`` at ``prefix``."""
    faults = []
    for details in error.errors(include_url=False):
        path = (*prefix, *details["loc"])
        context: Mapping[str, Any] = details.get("ctx", {})
        value = details["input"]
        kind = details["type"]
        if kind == "several":
            faults += explain_problems(context["problems"], root, path)
        elif kind == "missing":
            faults.append(_missing(root, path))
        elif kind == "extra_forbidden":
            fields = field_names(model, details["loc"][:-1])
            faults.append(_fault(root, path, None, "is no key here", fields))
        elif kind == "unknown_name":
            rule = details["msg"]
            faults.append(_fault(root, path, value, rule, context["choices"]))
        elif kind == "value_error":
            faults.append(_fault(root, path, value, str(context["error"])))
        elif kind in ("too_short", "too_long"):
            # Pydantic counts only sound items; the others have faults of their own.
            if kind == "too_long" or len(value) < context["min_length"]:
                faults.append(_fault(root, path, value, _length_rule(kind, context)))
        else:
            rule = _RULES.get(kind, details["msg"]).format_map(_plain(context))
            faults.append(_fault(root, path, value, rule))
    return faults


def explain_problems(problems: Iterable[Problem], root: Node, prefix: KeyPath = ()) -> list[Fault]:
    """``problems`` below ``prefix`` as faults."""
    return [
        _fault(root, (*prefix, *problem.path), problem.value, problem.rule, problem.choices)
        for problem in problems
    ]


def field_names(model: type[BaseModel], path: Sequence[Key]) -> list[str]:
    """Keys of the record that ``path`` leads to from ``model``, as files write them."""
    annotation: Any = model
    for key in path:
        annotation = _step(annotation, key)
    record = next(filter(_is_record, _alternatives(annotation)), None)
    if record is None:
        return []
    return [info.alias or name for name, info in record.model_fields.items()]


def _step(annotation: Any, key: Key) -> Any:
    """The type of ``key`` within a value of the type ``annotation``."""
    for alternative in _alternatives(annotation):
        if _is_record(alternative):
            for name, info in alternative.model_fields.items():
                if key in (name, info.alias):
                    return info.annotation
        elif get_origin(alternative) in (dict, tuple):
            arguments = get_args(alternative)
            return arguments[1] if get_origin(alternative) is dict else arguments[0]
    return None


def _alternatives(annotation: Any) -> list[Any]:
    """A union's members, without Annotated's wrapping."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (dict, tuple) or not get_args(annotation):
        return [annotation]
    members = (member for member in get_args(annotation) if member is not NoneType)
    return [inner for member in members for inner in _alternatives(member)]


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _plain(context: Mapping[str, Any]) -> dict[str, Any]:
    """``context`` with numbers as one writes them: 90, not 90.0."""
    return {
        key: f"{value:.12g}" if isinstance(value, float) else value
        for key, value in context.items()
    }


def _length_rule(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "too_long":
        return f"must have at most {context['max_length']} items"
    least = context["min_length"]
    return "must not be empty" if least == 1 else f"must have at least {least} items"


def _missing(root: Node, path: KeyPath) -> Fault:
    node, walked, whole = _locate(root, path[:-1])
    source = node.source.label
    if whole:
        return Fault(source, node.line, format_path((*walked, path[-1])), None, "is missing")
    # A short form stands where the record could: the value as a whole is at fault.
    rule = f"must be a map with the key {path[-1]}"
    return Fault(source, node.line, format_path(walked), shorten(node.plain()), rule)


def _fault(
    root: Node, path: KeyPath, value: object, rule: str, choices: Sequence[str] = ()
) -> Fault:
    path = tuple(key for key in path if key != "[key]")
    node, walked, _ = _locate(root, path)
    # A key that is not there has its default. Below a short form, as one rate for three
    # percentiles, the user wrote one value.
    walked = path if isinstance(node.value, dict) else walked
    hint = nearest(value if value is not None else path[-1], choices) if choices else None
    if choices and hint is None and len(choices) <= _MOST_LISTED:
        rule = f"{rule}; there are {', '.join(map(str, choices))}"
    shown = None if value is None else shorten(value)
    return Fault(node.source.label, node.line, format_path(walked), shown, rule, hint)


def _locate(root: Node, path: KeyPath) -> tuple[Node, KeyPath, bool]:
    """The deepest node on ``path``, the keys that lead there, and whether that is all of it."""
    node = root
    walked: KeyPath = ()
    for key in path:
        child = node.child(key)
        if child is not None:
            node, walked = child, (*walked, key)
        elif key != 0 or isinstance(node.value, list):
            return node, walked, False
        # else one item stands for a list of one
    return node, walked, True
