"""The example workflows: their syntax by the services' own schemas, their commands by ours."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from check_jsonschema import main as check
from click.testing import CliRunner
from ruamel.yaml import YAML

from rehearse.main import app
from tests.docs.pages import DOCS

WORKFLOW, PIPELINE = (
    DOCS / "examples" / name for name in ("github-workflow.yaml", "gitlab-ci.yaml")
)
SCHEMAS = {WORKFLOW: "vendor.github-workflows", PIPELINE: "vendor.gitlab-ci"}

by_example = pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)


def conforms(path: Path, schema: str) -> bool:
    # GitLab writes `!reference` tags, which the data transform knows.
    options = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    ending = CliRunner().invoke(check, ["--builtin-schema", schema, *options, str(path)])
    return ending.exit_code == 0


@by_example
def test_it_is_what_the_service_reads(path: Path) -> None:
    assert conforms(path, SCHEMAS[path])


@by_example
def test_a_mistake_would_be_found(path: Path, tmp_path: Path) -> None:
    wrong = tmp_path / path.name
    text = path.read_text(encoding="utf-8")
    wrong.write_text(re.sub(r"runs-on:|\n  script:", "\n  skript:", text), encoding="utf-8")
    assert not conforms(wrong, SCHEMAS[path])


def shell(path: Path) -> str:
    """All that an example has a shell do."""
    data: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    if path == PIPELINE:
        return "\n".join(data["briefing"]["script"])
    steps = data["jobs"]["briefing"]["steps"]
    return "\n".join(step["run"] for step in steps if "run" in step)


@by_example
def test_its_commands_and_their_options_exist(path: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = shell(path).replace("\\\n", " ").splitlines()
    ours = [shlex.split(line.split("||")[0]) for line in lines if "rehearse " in line]
    assert [words[1] for words in ours] == ["simulate", "gate"]
    for words in ours:
        known = {option for p in commands[words[1]].params for option in p.opts}
        assert {word for word in words if word.startswith("--")} <= known
