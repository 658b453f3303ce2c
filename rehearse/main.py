"""The command line: `rehearse COMMAND …`.

Commands are thin: each is in a module of its group and imports what it needs when it runs, so that
`rehearse --help` answers at once.
"""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from rehearse import (
    capacity_commands,
    comparison_commands,
    rollout_commands,
    run_commands,
    scenario_commands,
    sfu_command,
    sweep_commands,
)
from rehearse.endings import INTERRUPTED, close_stdout, heed_signals

app = typer.Typer(
    name="rehearse",
    help="A dress rehearsal for a very large conference, from one scenario file to a verdict.",
    epilog="Exit codes: 0 pass, 99 a threshold failed, 98 inconclusive, 2 wrong usage or scenario, "
    "130 interrupted, 1 only a crash.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"rehearsal {version('rehearsal')}")
        raise typer.Exit


@app.callback()
def _rehearse(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


for _commands in (
    scenario_commands.COMMANDS,
    run_commands.COMMANDS,
    comparison_commands.COMMANDS,
    sfu_command.COMMANDS,
    capacity_commands.COMMANDS,
    sweep_commands.COMMANDS,
    rollout_commands.COMMANDS,
):
    for _name, _command in _commands.items():
        app.command(_name)(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that ``arguments`` name, else the process's; ends with SystemExit."""
    code: int | str | None = 0
    heed_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # Vietnamese names on a terminal that has none
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="rehearse")
    except SystemExit as ending:
        code = ending.code
    except KeyboardInterrupt:  # before a command began
        code = INTERRUPTED
    sys.exit(close_stdout(code))


if __name__ == "__main__":
    main()
