"""Answers: folders for what many runs say together: one JSON document, plots, one page."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.manifest import commit, machine, versions
from results.page import render
from results.store import stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """A table of the page."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """What there is to write."""

    name: str
    """Of the JSON file: `capacity`, `sweep`, `rollout`."""
    title: str
    headline: str
    """The answer, in a sentence."""
    verdict: str
    """pass, fail or inconclusive: the headline's colour."""
    content: Mapping[str, Any]
    """Of the JSON file."""
    command: Sequence[str] = ()
    figures: Mapping[str, tuple[str, "Figure"]] = field(default_factory=dict)
    """Caption and figure by file name, without its suffix."""
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    """What must be known with it: assumptions, and what was left out."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """Other files by name."""

    def document(self) -> dict[str, Any]:
        """The JSON document: the content, and how it came about."""
        origin = {
            "command": list(self.command),
            "versions": versions(),
            "commit": commit(),
            "machine": machine(),
        }
        return {**self.content, "origin": origin}


def format_answer(document: Mapping[str, Any]) -> str:
    """``document`` as JSON text."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_answer(answer: Answer, folder: Path) -> dict[str, Any]:
    """Write ``answer`` to ``folder``, whole or not at all, and give back its JSON document.

    Raises:
        StoreError: ``folder`` is in use, or something could not be written.
    """
    document = answer.document()
    pictures = {name: _png(figure) for name, (_, figure) in answer.figures.items()}
    page = render(
        "answer.html.j2",
        answer=answer,
        figures=[
            (name, caption, base64.b64encode(pictures[name]).decode())
            for name, (caption, _) in answer.figures.items()
        ],
        command=" ".join(answer.command),
        origin=document["origin"],
    )
    with stage(folder, answer.name) as part:
        (part / f"{answer.name}.json").write_text(format_answer(document), encoding="utf-8")
        (part / "report.html").write_text(page, encoding="utf-8")
        for name, picture in pictures.items():
            (part / f"{name}.png").write_bytes(picture)
        for name, text in answer.files.items():
            data = text.encode() if isinstance(text, str) else text
            (part / name).write_bytes(data)
    return document


def _png(figure: "Figure") -> bytes:
    from results.plots.style import styled  # noqa: PLC0415  matplotlib takes its time

    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png")
    return buffer.getvalue()
