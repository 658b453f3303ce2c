"""Pages of documentation as what can be tried: blocks of commands, Python, scenarios, files.

A comment on the line before a block says how it is tried:

- `<!-- file: NAME -->`: the block is a file that a reader writes.
- `<!-- part -->`: the YAML is part of a scenario; it is tried upon the library's `smoke`.
- `<!-- test: with OPTIONS; exit N -->`: the options are added to `rehearse simulate` or `rehearse
  live`, and the exit code is N; what it prints is then another run's, and not compared.
- `<!-- test: skip; REASON -->`: not run.
"""

import contextlib
import difflib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

DOCS = ROOT / "docs"

_COMMENT = re.compile(r"<!-- (file|part|test)(?:: (.*?))? -->")
_FENCE = re.compile(r"```(\{?[\w-]*\}?)(.*)")

_PROGRESS = re.compile(
    r"rehearse: (preparing .*|loading the engine .*|.* played.*|writing the run and its report)\n"
)
_VOLATILE = (
    (re.compile(r"took .* of memory"), "took …"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{6}"), "RUN-ID"),
)
"""What differs from run to run: how long it took, and folders named by the time."""

PAGES = tuple(
    page
    for page in sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
    if not {"generated", "_build"} & set(page.parts)
)

ELLIPSIS = "…"
"""A line that stands for any number of lines."""


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what the page says that it prints."""

    text: str
    line: int
    output: str
    """Empty where the page leaves it out."""


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    """Of its first line, from 1."""
    language: str
    text: str
    notes: Mapping[str, str] = field(default_factory=dict)
    """Comments before it by their keyword."""

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def skipped(self) -> bool:
        return self.notes.get("test", "").startswith("skip; ")

    @property
    def added(self) -> str | None:
        """Options that the test adds to `rehearse simulate` or `rehearse live`."""
        match = re.match(r"with ([^;]*)", self.notes.get("test", ""))
        return match[1] if match else None

    @property
    def exit_code(self) -> int:
        match = re.search(r"exit (\d+)", self.notes.get("test", ""))
        return int(match[1]) if match else 0

    def commands(self) -> list[Command]:
        """The commands of a console block."""
        found: list[Command] = []
        lines = iter(enumerate(self.text.splitlines(), self.line))
        for number, line in lines:
            if not line.startswith("$ "):
                assert found, f"{self.place}: a console block begins with '$ '"
                last = found.pop()
                found.append(Command(last.text, last.line, f"{last.output}{line}\n"))
                continue
            text = line[2:]
            while text.endswith("\\"):
                text += "\n" + next(lines)[1]
            found.append(Command(text, number, ""))
        return found


def read_blocks(page: Path) -> list[Block]:
    """The fenced blocks of ``page``."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    notes: dict[str, str] = {}
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for _, line in lines:
        if match := _COMMENT.fullmatch(line.strip()):
            notes[match[1]] = match[2] or ""
        elif match := _FENCE.fullmatch(line):
            body: list[str] = []
            first = 0
            for number, inner in lines:
                first = first or number
                if inner == "```":
                    break
                body.append(f"{inner}\n")
            yield Block(page, first, match[1], "".join(body), notes)
            notes = {}
        elif line.strip():
            assert not notes, f"{page.name}: a comment for the tests stands right before its block"


@dataclass(frozen=True)
class Outcome:
    """What came of a command."""

    command: Command
    code: int
    output: str
    """Both streams, but for progress."""

    def difference(self) -> str:
        """How the output differs from the page's, where the page has one; else empty."""
        shown = self.command.output
        return compare(shown, self.output) if shown else ""


def run_console(block: Block, folder: Path, environment: Mapping[str, str]) -> list[Outcome]:
    """Run a console block's commands in ``folder``, one shell after another."""
    outcomes: list[Outcome] = []
    code = 0
    for command in block.commands():
        text = _with_options(command.text, block.added)
        # The subshell hands the command the code of the one before, as `echo $?` expects.
        done = subprocess.run(
            ["bash", "-c", f"(exit {code})\n{text}\n"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        code = done.returncode
        outcomes.append(Outcome(command, code, done.stdout + _PROGRESS.sub("", done.stderr)))
    return outcomes


def faults(block: Block, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What is not as the page has it."""
    for outcome, following in zip_longest(outcomes, outcomes[1:]):
        place = f"{block.page.name}:{outcome.command.line}: $ {outcome.command.text}"
        told = following is not None and following.command.text == "echo $?"
        if not told and outcome.code != block.exit_code:
            yield f"{place}\nended with {outcome.code}, not {block.exit_code}:\n{outcome.output}"
        elif block.added is None and (fault := outcome.difference()):
            yield f"{place}\n{fault}"


def make_folder(folder: Path) -> dict[str, str]:
    """Make ``folder`` ready for a page's commands, and give back their environment.

    `rehearse` is this checkout's, played by the running Python; `./in-env COMMAND` runs COMMAND.
    """
    programs = folder / ".programs"
    programs.mkdir()
    for path, text in (
        (programs / "rehearse", f'exec "{sys.executable}" -m rehearse.main "$@"'),
        (folder / "in-env", 'exec "$@"'),
    ):
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
    }


def run_python(block: Block, names: dict[str, object]) -> str:
    """Run a Python block within ``names`` in the current directory; what it printed."""
    output = io.StringIO()
    # Line numbers of a traceback are the page's.
    source = "\n" * (block.line - 1) + block.text
    with contextlib.redirect_stdout(output):
        exec(compile(source, block.page.name, "exec"), names)  # noqa: S102  # the page's example
    return output.getvalue()


def _with_options(text: str, options: str | None) -> str:
    words = shlex.split(text, comments=True)
    plays = "rehearse" in words and not {"simulate", "live"}.isdisjoint(words)
    return f"{text} {options}" if options and plays else text


def compare(expected: str, actual: str) -> str:
    """A description of how ``actual`` differs from what the page shows; empty where it does not."""
    wanted, got = _plain(expected), _plain(actual)
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ELLIPSIS else f"{re.escape(line)}\n"
        for line in wanted.splitlines()
    )
    if re.fullmatch(pattern, got):
        return ""
    lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), "page", "run", lineterm="")
    return "\n".join(lines)


def shorten(shown: str, actual: str) -> str:
    """``actual`` with as many lines left out, and where, as in what the page has ``shown``: what
    stands between two gaps begins with the line that is most like what it began with."""
    gap = f"{ELLIPSIS}\n"
    first, *others = (part.splitlines() for part in shown.split(gap))
    lines = [f"{line}\n" for line in actual.strip("\n").splitlines()]
    if not others:
        return "".join(lines)
    parts = [lines[: len(first)]]
    for part in others[:-1]:
        [begin] = difflib.get_close_matches(f"{part[0]}\n", lines, 1, 0)
        at = lines.index(begin)
        parts.append(lines[at : at + len(part)])
    parts.append(lines[len(lines) - len(others[-1]) :])
    return gap.join("".join(part) for part in parts)


def _plain(text: str) -> str:
    for pattern, replacement in _VOLATILE:
        text = pattern.sub(replacement, text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())
