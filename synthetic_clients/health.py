"""The generator's own health: a run is only as good as the machine that plays it."""

import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence

LAG_LIMIT_S = 0.100
"""Lag, at the 95th percentile of an interval, above which a process is saturated: receivers then
ask for what they miss later than they should."""
CPU_LIMIT = 0.95
"""Share of a core above which a process is saturated."""
SPARE_FILES = 64
"""Descriptors that a process needs besides those of its endpoints."""
FILES_PER_ENDPOINT = 4
"""A socket to watch with, one to publish with at each of two servers, and a connection for
signalling."""


class Meter:
    """Measures a process: processor, lag of its loop, datagrams that were dropped."""

    def __init__(self, drops: Callable[[], int]) -> None:
        """
        Args:
            drops: datagrams dropped so far, by all sockets.
        """
        self._drops = drops
        self._lags: list[float] = []
        self._begin()

    def _begin(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._dropped = self._drops()
        self._lags.clear()

    def note(self, late_s: float) -> None:
        """A timer of the loop was late by so much."""
        self._lags.append(max(late_s, 0.0))

    def take(self) -> dict[str, float]:
        """Values since the last time, by metric."""
        wall = max(time.perf_counter() - self._wall, 1e-9)
        lags = sorted(self._lags)
        found = {
            "generator_cpu": (time.process_time() - self._cpu) / wall,
            "generator_lag": lags[int(0.95 * (len(lags) - 1))] if lags else 0.0,
            "generator_drops": float(max(self._drops() - self._dropped, 0)),
        }
        self._begin()
        return found


def doubts(rows: Iterable[dict[str, float]], intervals: int) -> Sequence[str]:
    """Why a run proves nothing: sentences, none if its generator was well.

    Args:
        rows: values by metric, a row for each process and interval.
        intervals: in which a process may be over a limit: more than a twentieth of them are too
            many.
    """
    said = []
    busy = late = 0
    dropped = 0.0
    worst_cpu = worst_lag = 0.0
    for row in rows:
        busy += row["generator_cpu"] > CPU_LIMIT
        late += row["generator_lag"] > LAG_LIMIT_S
        dropped += row["generator_drops"]
        worst_cpu = max(worst_cpu, row["generator_cpu"])
        worst_lag = max(worst_lag, row["generator_lag"])
    allowed = intervals // 20
    if busy > allowed:
        said.append(f"a client process used {worst_cpu:.0%} of its core")
    if late > allowed:
        said.append(f"a client process was late by {worst_lag * 1000:.0f} ms")
    if dropped > 0:
        said.append(f"{dropped:,.0f} datagrams were dropped at client sockets")
    return said


class FilesError(Exception):
    """Too few file descriptors; the message says how many are needed."""


def provide_files(endpoints: int) -> None:
    """Raise the limit of open files to what ``endpoints`` endpoints in this process's children
    need.

    Raises:
        FilesError: the hard limit is lower.
    """
    needed = FILES_PER_ENDPOINT * endpoints + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise FilesError(
            f"{endpoints:,} endpoints in a process need {needed:,} open files, and the limit is "
            f"{hard:,}: raise it (ulimit -n {needed}), or play fewer with --endpoints"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def cores() -> int:
    """Cores that may be used."""
    return len(os.sched_getaffinity(0))
