"""Pieces of Markdown."""

from collections.abc import Iterable, Sequence


def code(text: object) -> str:
    """``text`` set as code."""
    return f"`{text}`"


def one_line(text: str) -> str:
    """``text`` without line breaks."""
    return " ".join(text.split())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars within cells stay text."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(one_line(cell).replace('|', '&#124;') for cell in line)} |\n"
        for line in lines
    )
