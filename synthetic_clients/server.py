"""The server that a run meets, where the run starts it: a process that can be killed, stopped and
started again."""

import contextlib
import ctypes
import json
import os
import secrets
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import urlsplit

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
READY_S = 60.0
"""Seconds within which it must say that it is ready."""
GRACE_S = 5.0


class ServerError(Exception):
    """A server that did not start; the message says why."""


class Server:
    """A server process."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """
        Args:
            command: what starts it. It is ready once it has written a line of JSON with its `url`.
        """
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> str:
        """Start it.

        Returns:
            Its URL.

        Raises:
            ServerError: it ended, or was not ready in time.
        """
        process = self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for the run, which then ends the server
            preexec_fn=_end_with_parent,  # noqa: PLW1509  one system call, and no lock
        )
        assert process.stdout is not None
        line, until = b"", time.monotonic() + READY_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], 0.2)
            part = os.read(process.stdout.fileno(), 4096) if ready else None
            if part == b"" or time.monotonic() > until:
                why = "it was never ready"
                if part == b"":  # it has closed its output
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        why = f"it ended with exit code {process.wait(1.0)}"
                self.kill()
                raise ServerError(f"the server {shlex.join(self._command)}: {why}")
            line += part or b""
        try:
            self.url = str(json.loads(line.splitlines()[0])["url"])
        except (ValueError, KeyError, TypeError):
            self.kill()
            raise ServerError(
                f"the server {shlex.join(self._command)} did not say its URL"
            ) from None
        return self.url

    @property
    def pid(self) -> int | None:
        """Its process number, while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def alive(self) -> bool:
        """Whether it runs, or is stopped."""
        return self._process is not None and self._process.poll() is None

    def act(self, action: Literal["kill", "stop", "continue", "restart"]) -> None:
        """What a fault does to it: kill it; hold it where it is (SIGSTOP), and let it go on; or
        start it anew where it was."""
        if action == "restart":
            self.kill()
            self._command = _on_port(self._command, urlsplit(self.url).port)
            self.start()
        elif self._process is not None and self.alive:
            numbers = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "continue": signal.SIGCONT}
            self._process.send_signal(numbers[action])

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Let it end."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent is gone, however that came about."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _on_port(command: Sequence[str], port: int | None) -> list[str]:
    """``command`` with the port that it had."""
    if port is None or "--port" not in command:
        return list(command)
    place = list(command).index("--port")
    return [*command[: place + 1], str(port), *command[place + 2 :]]


def reference_sfus(names: Iterable[str]) -> tuple[dict[str, Server], str]:
    """A reference SFU for each of ``names``, on free ports of loopback, and the token that they ask
    for."""
    token = secrets.token_urlsafe(16)
    command = [sys.executable, "-m", "reference_sfu", "--port", "0"]
    return {name: Server(command, {"REFERENCE_SFU_TOKEN": token}) for name in names}, token
