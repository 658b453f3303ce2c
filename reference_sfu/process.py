"""The server as a process of its own: started, waited for, stopped, killed."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import IO

from reference_sfu.__main__ import TOKEN_VARIABLE
from reference_sfu.server import Settings

START_S = 60.0
"""How long a start may take; the first on a machine compiles the hot path."""
STOP_S = 10.0


class StartError(Exception):
    """The server did not start; the message has what it said."""


@dataclass
class ServerProcess:
    """A server that runs; make one with `start`, or with `running` where a block is its life."""

    settings: Settings
    """With the ports that it has."""
    url: str
    process: subprocess.Popen[str]
    errors: IO[str]

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def stop(self) -> int:
        """Let it end its sessions and go, as SIGTERM does; gives the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._close()

    def kill(self) -> None:
        """End it at once, as a fault does: nobody is told."""
        self.process.kill()
        self.process.wait()
        self._close()

    def restart(self) -> "ServerProcess":
        """Start another like it, on the same ports; this one must have ended."""
        return start(self.settings)

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.errors.close()


def start(
    settings: Settings = Settings(port=0),  # noqa: B008  # frozen
    environment: Mapping[str, str] = MappingProxyType({}),
) -> ServerProcess:
    """Start a server and wait until it is ready; port 0 is a free one. Raises StartError.

    ``environment`` is added to this process's own.
    """
    command = [sys.executable, "-m", "reference_sfu", *_arguments(settings)]
    secret = {TOKEN_VARIABLE: settings.token} if settings.token is not None else {}
    surroundings = {name: v for name, v in os.environ.items() if name != TOKEN_VARIABLE}
    errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
    process = subprocess.Popen(  # noqa: S603  # our own program, and no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**surroundings, **secret, **environment},
    )
    line = _first_line(process, time.monotonic() + START_S)
    try:
        ready = json.loads(line)
        port, udp_port = int(ready["url"].rsplit(":", 1)[1]), int(ready["udp_port"])
    except (ValueError, KeyError, TypeError):
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        errors.seek(0)
        said = errors.read()[-2000:].strip() or "nothing"
        errors.close()
        raise StartError(f"the server did not start; it said: {said}") from None
    found = replace(settings, port=port, udp_port=udp_port)
    return ServerProcess(found, ready["url"], process, errors)


@contextmanager
def running(settings: Settings = Settings(port=0)) -> Iterator[ServerProcess]:  # noqa: B008
    """A server for the length of a block. Raises StartError."""
    server = start(settings)
    try:
        yield server
    finally:
        if server.is_running:
            server.stop()


def _first_line(process: subprocess.Popen[str], until: float) -> str:
    """What it writes first; empty where it ends, or says nothing in time."""
    if process.stdout is None:
        return ""
    ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
    return process.stdout.readline() if ready else ""


def _arguments(settings: Settings) -> list[str]:
    announce = [part for address in settings.announce for part in ("--announce", address)]
    return [
        f"--host={settings.host}",
        f"--port={settings.port}",
        f"--udp-port={settings.udp_port}",
        f"--max-sessions={settings.max_sessions}",
        *announce,
    ]
