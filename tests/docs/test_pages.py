"""Every command and example in README and docs, run in order, page by page.

Commands run in a shell in an empty folder, `rehearse` being this checkout's. `./in-env COMMAND`
there runs COMMAND in the environment of the tests: `in-env` itself has tests of its own. Which
runs are shortened and which blocks are left out, and why, stands in the pages beside them.

Where outputs have changed for a reason, `python -m tests.docs.record` writes them anew.
"""

import re
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML

from rehearse.main import app
from scenarios.loading import parse_scenario
from tests.docs.pages import (
    PAGES,
    ROOT,
    Block,
    compare,
    faults,
    make_folder,
    read_blocks,
    run_console,
    run_python,
    shorten,
)

LANGUAGES = {"console", "python", "yaml", "text", "{toctree}"}
"""Languages of blocks; only text stands for itself."""

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@by_page
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = make_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed: str | None = None
    for block in read_blocks(page):
        assert block.language in LANGUAGES, f"{block.place}: what is {block.language!r}?"
        if "file" in block.notes:
            Path(block.notes["file"]).write_text(block.text, encoding="utf-8")
        if block.skipped:
            continue
        if block.language == "console":
            found = list(faults(block, run_console(block, tmp_path, environment)))
            assert not found, "\n\n".join(found)
        elif block.language == "yaml":
            check_scenario(block, tmp_path)
        elif block.language == "text" and printed is not None:
            assert not (fault := compare(block.text, printed)), f"{block.place}\n{fault}"
        printed = run_python(block, names) if block.language == "python" else None


def check_scenario(block: Block, folder: Path) -> None:
    data = YAML(typ="safe", pure=True).load(block.text)
    if "part" in block.notes:
        data = {"extends": "smoke", **data}
    parse_scenario(data, name=block.place, folder=folder)


def commands_in_text() -> list[tuple[str, str]]:
    """Commands within sentences: `rehearse plot RUN NAME`."""
    return [
        (f"{page.name}: {command}", command)
        for page in PAGES
        for command in re.findall(r"`(rehearse [^`]+)`", page.read_text(encoding="utf-8"))
    ]


def test_commands_in_sentences_and_their_options_exist() -> None:
    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    strays = []
    for place, text in commands_in_text():
        name, *words = text.removeprefix("rehearse ").split()
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        if name in ("--help", "--version", "COMMAND"):
            continue
        known = (
            {option for p in commands[name].params for option in p.opts} if name in commands else ()
        )
        strays += [place] if name not in commands or set(options) - {*known, "--help"} else []
    assert commands_in_text()
    assert strays == []


@by_page
def test_nothing_is_left_out_without_a_reason(page: Path) -> None:
    for block in read_blocks(page):
        note = block.notes.get("test", "")
        assert re.fullmatch(r"(with [^;]+(; exit \d+)?|exit \d+|skip; .{15,})?", note), block.place


def test_lines_left_out_stay_left_out_in_what_is_recorded_anew() -> None:
    actual = "made 2\n\nname  value\na     11\nb     12\n\nreport  x\n"
    assert shorten("made 1\n…\n", actual) == "made 2\n…\n"
    assert shorten("…\nreport  x\n", actual) == "…\nreport  x\n"
    assert shorten("made 1\n…\nname  value\na     9\n…\n", actual) == (
        "made 2\n…\nname  value\na     11\n…\n"
    )
    assert shorten("made 1\n", actual) == actual
