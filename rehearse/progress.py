"""Progress of a run on stderr: a bar on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rehearse.endings import heed_lost_signals, mention
from results.quantities import format_clock, format_number, format_span
from simulations import Progress

Tell = Callable[[Progress], None]

LINES_EVERY_S = 5.0
"""Seconds between plain lines."""
LOADING = "loading the engine (the first run on a machine compiles it: two to three minutes)"


class Pace:
    """How fast simulated time passes, and how long the rest takes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begin: tuple[float, float] | None = None

    def describe(self, progress: Progress) -> str:
        """`42 × real time, 35 s left`; empty until there is something to go by."""
        now = self._clock()
        if self._begin is None:
            self._begin = (now, progress.now_s)
        began, from_s = self._begin
        if now <= began or progress.now_s <= from_s:
            return ""
        factor = (progress.now_s - from_s) / (now - began)
        left = (progress.duration_s - progress.now_s) / factor
        return f"{format_number(factor, 2)} × real time, {format_span(float(round(left)))} left"


class Lines:
    """Progress as plain lines, every few seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._pace = Pace(clock)
        self._last = -LINES_EVERY_S
        self._phase = ""

    def __call__(self, progress: Progress) -> None:
        """Say where ``progress`` is, unless a line was said just now."""
        now = self._clock()
        playing = progress.phase == "playing"
        pace = self._pace.describe(progress) if playing else ""
        changed = progress.phase != self._phase
        if not changed and now - self._last < LINES_EVERY_S:
            return
        self._last, self._phase = now, progress.phase
        self._say(_position(progress) + (f", {pace}" if pace else "") if playing else LOADING)

    def _say(self, text: str) -> None:
        mention(f"rehearse: {text}\n", self._stream)


def counter(
    quiet: bool,
    most: int,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int], None]:
    """What to tell how many of ``most`` replications are through: a line every few seconds."""
    last = -LINES_EVERY_S

    def tell(done: int) -> None:
        nonlocal last
        if not quiet and (clock() - last >= LINES_EVERY_S or done == most):
            last = clock()
            noun = "replication" if most == 1 else "replications"
            mention(f"rehearse: {done} of {most} {noun} played\n", stream or sys.stderr)

    return tell


@contextmanager
def meter(quiet: bool, stream: TextIO | None = None) -> Iterator[Tell]:
    """What to tell of a run's progress: a bar on a terminal, lines elsewhere, or nothing."""
    stream = stream or sys.stderr
    if quiet or stream is None:  # closed by whoever called
        yield lambda _: heed_lost_signals()
    elif stream.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(stream) as tell:
            yield _heeding(tell)
    else:
        yield _heeding(Lines(stream))


def _heeding(tell: Tell) -> Tell:
    """``tell``, where a run looks at signals as well."""

    def heed_and_tell(progress: Progress) -> None:
        heed_lost_signals()
        tell(progress)

    return heed_and_tell


@contextmanager
def _bar(stream: TextIO) -> Iterator[Tell]:
    from rich.console import Console  # noqa: PLC0415  # on a terminal only
    from rich.progress import BarColumn, SpinnerColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Bars(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task("preparing", total=None, pace="")
        pace = Pace(time.monotonic)

        def tell(progress: Progress) -> None:
            if progress.phase == "playing":
                bars.update(
                    task,
                    description=_position(progress),
                    total=progress.duration_s,
                    completed=progress.now_s,
                    pace=pace.describe(progress),
                )
            else:
                bars.update(task, description=LOADING)

        yield tell


def _position(progress: Progress) -> str:
    return f"{format_clock(progress.now_s)} of {format_clock(progress.duration_s)} played"
