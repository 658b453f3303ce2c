"""How commands end: exit codes, and one clear message where something went wrong."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

WRONG = 2
"""Exit code: wrong usage or scenario, or a file that cannot be read or written."""
INTERRUPTED = 130
"""Exit code: Ctrl-C or SIGTERM."""


_interrupted = threading.Event()
"""Set by a signal: a library may turn the KeyboardInterrupt on its way up into another error."""


def heed_signals() -> None:
    """Let SIGTERM, as from a cancelled CI job, end a command as cleanly as Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        _interrupted.clear()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup asks for
                signal.signal(number, _interrupt)


def _interrupt(*_: object) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def heed_lost_signals() -> None:
    """Raise the KeyboardInterrupt of a signal that got lost: where a library calls Python from C,
    as for a kernel that it loads, there may be nobody to pass it on to."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


class Refusal(Exception):
    """What a command cannot do; the message says why."""


@contextmanager
def clear_endings() -> Iterator[None]:
    """End the command within: users' mistakes and full disks give a message, not a traceback."""
    from scenarios.errors import ScenarioError  # noqa: PLC0415

    try:
        yield
    except (ScenarioError, Refusal) as error:
        complain(str(error))
        raise typer.Exit(WRONG) from None
    except OSError as error:
        complain(explain_os_error(error))
        raise typer.Exit(WRONG) from None
    except (KeyboardInterrupt, Exception) as error:
        if not isinstance(error, KeyboardInterrupt) and not _interrupted.is_set():
            raise
        complain("rehearse: interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None


def explain_os_error(error: OSError) -> str:
    """``error`` as a sentence: what could not be done to which file, and why."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.filename is None:
        return f"rehearse: cannot read or write: {reason}"
    return f"rehearse: {os.fspath(error.filename)!s}: {reason}"


def say(text: object, nl: bool = True) -> None:
    """``text`` on stdout, if anyone still reads it: who has left changes no exit code."""
    try:
        typer.echo(text, nl=nl)
    except BrokenPipeError:
        _forget(sys.stdout)


def complain(message: str) -> None:
    """``message`` on stderr."""
    mention(f"{message}\n", sys.stderr)


def mention(text: str, stream: TextIO | None) -> None:
    """``text`` on stderr, or another stream that nobody has to read: if it cannot be written, the
    command goes on without."""
    if stream is None:  # closed by whoever called
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        if stream is sys.stderr:
            _forget(stream)


def close_stdout(code: int | str | None) -> int | str | None:
    """``code``, once all output is out; a full disk behind stdout makes it an error."""
    if sys.stdout is None:  # closed by whoever called
        return code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget(sys.stdout)
    except OSError as error:
        complain(explain_os_error(error))
        _forget(sys.stdout)
        return code or WRONG
    return code


def _forget(stream: TextIO) -> None:
    """Keep the interpreter from flushing again what cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
