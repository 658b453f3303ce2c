"""Write the pages' outputs anew from what their commands print: `python -m tests.docs.record`.

Lines left out stay left out. Look at what has changed before you commit it.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.pages import (
    PAGES,
    Block,
    Outcome,
    compare,
    make_folder,
    read_blocks,
    run_console,
    run_python,
    shorten,
)


def record(page: Path) -> None:
    """Run the blocks of ``page`` in order, and write what they print into it."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    changes: list[tuple[Block, str]] = []
    names: dict[str, object] = {"__name__": "__main__"}
    printed: str | None = None
    with TemporaryDirectory() as name:
        folder = Path(name)
        environment = make_folder(folder)
        os.chdir(folder)
        for block in read_blocks(page):
            if "file" in block.notes:
                (folder / block.notes["file"]).write_text(block.text, encoding="utf-8")
            if block.skipped:
                continue
            if block.language == "console":
                outcomes = run_console(block, folder, environment)
                if block.added is None:
                    changes.append((block, "".join(map(_shown, outcomes))))
            elif block.language == "text" and printed is not None and compare(block.text, printed):
                changes.append((block, shorten(block.text, printed)))
            printed = run_python(block, names) if block.language == "python" else None
        os.chdir("/")
    for block, text in reversed(changes):
        first = block.line - 1
        lines[first : first + block.text.count("\n")] = [text]
    page.write_text("".join(lines), encoding="utf-8")


def _shown(outcome: Outcome) -> str:
    command = outcome.command
    output = command.output
    if outcome.difference():
        output = shorten(output, outcome.output)
    return f"$ {command.text}\n{output}"


if __name__ == "__main__":
    wanted = sys.argv[1:]
    if unknown := set(wanted) - {each.stem for each in PAGES}:
        sys.exit(f"no pages of these names (give them without folder and .md): {sorted(unknown)}")
    for each in PAGES:
        if not wanted or each.stem in wanted:
            record(each)
