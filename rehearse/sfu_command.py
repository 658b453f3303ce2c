"""The command that runs the reference SFU: sfu."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from rehearse.endings import Refusal, clear_endings

# ruff: noqa: PLC0415  # imports stand in the commands that need them


def sfu(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to bind to, for HTTP and media.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port of HTTP; 0: a free one.")] = 8787,
    udp_port: Annotated[int, typer.Option(help="UDP port of media; 0: a free one.")] = 0,
    announce: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address at which peers reach this machine, if not --host; may be repeated.",
            show_default=False,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="REFERENCE_SFU_TOKEN",
            help="What every call must bear; nothing unless said.",
            show_default=False,
        ),
    ] = None,
    max_sessions: Annotated[
        int, typer.Option(help="Publishers and subscribers at the same time.")
    ] = 8192,
) -> None:
    """Run the reference SFU, the media server that live runs meet, until Ctrl-C."""
    with clear_endings():
        import asyncio

        from reference_sfu.server import Settings, serve

        settings = Settings(host, port, udp_port, tuple(announce or ()), token, max_sessions)
        if faults := settings.faults():
            raise Refusal("\n".join(faults))
        try:
            asyncio.run(serve(settings))
        except OSError as error:
            raise Refusal(f"rehearse sfu: {host} port {port}: {error.strerror or error}") from None
        sys.stderr.write("rehearse sfu: stopped\n")


COMMANDS: Mapping[str, Callable[..., None]] = {"sfu": sfu}
"""Commands by name."""
