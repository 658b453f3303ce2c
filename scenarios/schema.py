"""The JSON Schema of scenario files, made from the records, for editors and for other tools.

`python -m scenarios.schema` writes it anew. It accepts files as users write them: with `extends`,
short forms, keys left to a parent, and `null` where a key is taken away. What only a whole
scenario can show (names, tables, sums) is for `rehearse validate`.
"""

import json
from pathlib import Path
from typing import Any

from scenarios.metrics import METRICS
from scenarios.scenario import Scenario

SCHEMA_FILE = Path(__file__).with_name("scenario.schema.json")

Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """The schema, in draft 2020-12."""
    schema: Schema = Scenario.model_json_schema(by_alias=True, mode="validation")
    required = [key for key in schema["required"] if key != "name"]
    definitions = schema["$defs"]
    items = _item_definitions(schema)
    for name, definition in definitions.items():
        if name not in items:
            _loosen(definition)
    _loosen(schema)
    properties = schema["properties"]
    properties["extends"] = {
        "type": "string",
        "description": "Scenario of the library or file that this one adds to: maps merge, lists "
        "and values replace, null takes a key away.",
    }
    metrics = "|".join(METRICS)
    properties["thresholds"]["propertyNames"] = {
        "pattern": rf"^\s*({metrics})\s*(\{{[^{{}}]*\}})?\s*$"
    }
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rehearsal scenario",
        "anyOf": [{"required": ["extends"]}, {"required": required}],
    }
    return head | {key: value for key, value in schema.items() if key != "title"}


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"


def _item_definitions(schema: Schema) -> set[str]:
    """Records that stand in lists: lists replace one another, so their items are whole."""
    found: set[str] = set()

    def visit(node: Any, in_list: bool) -> None:
        if isinstance(node, dict):
            if in_list and "$ref" in node:
                found.add(node["$ref"].rpartition("/")[2])
            for key, child in node.items():
                visit(child, in_list or key == "items")
        elif isinstance(node, list):
            for child in node:
                visit(child, in_list)

    visit(schema, False)
    return found


def _loosen(schema: Any) -> None:
    """Let every key of ``schema``, a record or map, be left out or null; in place."""
    if isinstance(schema, list):
        for item in schema:
            _loosen(item)
    if not isinstance(schema, dict):
        return
    schema.pop("required", None)
    for key in ("anyOf", "allOf"):
        _loosen(schema.get(key))
    for name, child in schema.get("properties", {}).items():
        _loosen(child)
        schema["properties"][name] = _or_null(child)
    if isinstance(schema.get("additionalProperties"), dict):
        _loosen(schema["additionalProperties"])
        schema["additionalProperties"] = _or_null(schema["additionalProperties"])


def _or_null(schema: Schema) -> Schema:
    options = schema.get("anyOf", [])
    if {"type": "null"} in options:
        return schema
    notes = {key: schema[key] for key in ("description", "title", "default") if key in schema}
    body = {key: value for key, value in schema.items() if key not in notes}
    inner = options if set(body) == {"anyOf"} else [body]
    return notes | {"anyOf": [*inner, {"type": "null"}]}


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
