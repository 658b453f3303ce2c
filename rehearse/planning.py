"""What the commands of planners have in common: folders, quantities, the notes beside figures."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearse.endings import Refusal

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    from results.answers import Answer
    from scenarios.scenario import Scenario

SHORT = "20s"
"""How long each of a search's meetings is, unless said."""

Duration = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Play each meeting in this time, its timeline in fast motion.",
    ),
]


def choose_folder(out: Path | None, name: str) -> Path:
    """``out``, or a new folder for the scenario ``name``.

    Raises:
        Refusal: it can't be written; said before the runs and not after them.
    """
    from results.store import StoreError, check_folder, default_folder

    folder = out if out is not None else default_folder(name)
    try:
        check_folder(folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None
    parent = next(path for path in folder.absolute().parents if path.exists())
    if not parent.is_dir():
        raise Refusal(f"rehearse: {folder}: cannot be a run folder, for {parent.name} is a file.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Refusal(f"rehearse: {folder}: cannot be made: Permission denied.")
    return folder


def write(answer: "Answer", folder: Path) -> dict[str, object]:
    """Write ``answer`` to ``folder``; its JSON document.

    Raises:
        Refusal: it can't be written.
    """
    from results.answers import write_answer
    from results.store import StoreError

    try:
        return write_answer(answer, folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None


def read_time(text: str) -> int:
    """Nanoseconds of the option --duration.

    Raises:
        Refusal: it is no time of a second or more.
    """
    from scenarios.units import DURATION, SECOND, parse_quantity

    try:
        value = int(parse_quantity(text, DURATION, "duration"))
    except ValueError as error:
        raise Refusal(f"--duration: {text!r} — {error}") from None
    if value < SECOND:
        raise Refusal(f"--duration: {text!r} — must be at least 1s")
    return value


def read_share(option: str, text: str, *, or_none: bool = False) -> float:
    """The share that an ``option`` is.

    Raises:
        Refusal: it is not between 0 and 1, nor 0 where it may be none.
    """
    from scenarios.units import SHARE, parse_quantity

    try:
        value = float(parse_quantity(text, SHARE, "share"))
    except ValueError as error:
        raise Refusal(f"{option}: {text!r} — {error}") from None
    if or_none and not 0 <= value < 1:
        raise Refusal(f"{option}: {text!r} — must be at least 0 % and less than 100 %")
    if not or_none and not 0 < value < 1:
        raise Refusal(f"{option}: {text!r} — must lie between 0% and 100%")
    return value


def notes_of(full: "Scenario", played: "Scenario") -> list[str]:
    """What must be known with figures from shortened meetings."""
    from results.quantities import format_span

    notes = []
    if played.duration < full.duration:
        notes.append(
            f"Each meeting of {format_span(full.duration / 1e9)} was played in "
            f"{format_span(played.duration / 1e9)}, its timeline in fast motion: what needs longer "
            "to build up was not seen, and rare events weigh less. A longer --duration is surer."
        )
    notes.append(
        "The interval is about the simulation's randomness; the scenario's own assumptions, which "
        "its description states, are not in it."
    )
    return notes
