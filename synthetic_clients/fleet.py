"""The processes of clients on this machine, seen from the one that commands them.

Works in plain threads and, where gevent has patched the standard library, in greenlets alike.
"""

import contextlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from synthetic_clients import pipes
from synthetic_clients.assignment import Assignment
from synthetic_clients.health import provide_files

Message = pipes.Message
Hear = Callable[[int, Message, bytes], None]
"""Takes the number of a process, its message and the payload."""

LEAVE_S = 40.0
"""Seconds that a process has to end its sessions."""


def shares(endpoints: Sequence[int], processes: int) -> list[list[int]]:
    """``endpoints`` dealt out, one after another: no process has more than one more than
    another."""
    return [list(endpoints[i::processes]) for i in range(min(processes, len(endpoints)) or 1)]


class Fleet:
    """Processes of clients."""

    def __init__(self, assignment: Assignment, processes: int, hear: Hear) -> None:
        """Start processes, each with its share of the assignment's endpoints.

        Args:
            processes: how many at most.
            hear: called for each message, from a thread for each process. When a process is gone,
                its last message is `gone`.

        Raises:
            FilesError: too few open files are allowed.
        """
        dealt = shares(assignment.endpoints, processes)
        provide_files(max(map(len, dealt)))
        self._hear = hear
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._locks = [threading.Lock() for _ in dealt]
        self.place: dict[int, int] = {e: i for i, share in enumerate(dealt) for e in share}
        """The process that plays each endpoint."""
        for i, share in enumerate(dealt):
            process = subprocess.Popen(
                [sys.executable, "-m", "synthetic_clients.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._processes.append(process)
            mine = replace(assignment, endpoints=share, probes=assignment.probes & frozenset(share))
            self._tell(i, {"kind": "begin"}, pickle.dumps(mine))
            thread = threading.Thread(target=self._read, args=(i,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def __len__(self) -> int:
        return len(self._processes)

    @property
    def pids(self) -> list[int]:
        """Process numbers."""
        return [process.pid for process in self._processes]

    def join(self, endpoint: int, site: str) -> None:
        """Let an endpoint join."""
        self._tell(self.place[endpoint], {"kind": "join", "site": site})

    def meet(self, at_s: float) -> None:
        """Begin the meeting at that time on the run's clock."""
        for i in range(len(self)):
            self._tell(i, {"kind": "meeting", "at": at_s})

    def restarted(self, node: str) -> None:
        """The server of a media node has been started anew."""
        for i in range(len(self)):
            self._tell(i, {"kind": "restarted", "node": node})

    def stop(self) -> None:
        """Let all processes take leave."""
        for i in range(len(self)):
            self._tell(i, {"kind": "stop"})

    def close(self) -> None:
        """Wait until all processes have ended; kill those that do not."""
        for process in self._processes:
            try:
                process.wait(LEAVE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for thread in self._threads:
            thread.join(5.0)
        for process in self._processes:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()

    def _tell(self, i: int, message: Message, payload: bytes = b"") -> None:
        stream = self._processes[i].stdin
        assert stream is not None
        with self._locks[i]:
            try:
                stream.write(pipes.pack(message, payload))
                stream.flush()
            except (OSError, ValueError):
                pass  # it is gone, and its reader says so

    def _read(self, i: int) -> None:
        stream = self._processes[i].stdout
        assert stream is not None
        try:
            while (got := pipes.read(stream)) is not None:  # type: ignore[arg-type]
                self._hear(i, *got)
        except (OSError, ValueError):
            pass
        self._hear(i, {"kind": "gone"}, b"")
