"""The command that plays a scenario in real time: live."""

import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rehearse.endings import (
    INTERRUPTED,
    Refusal,
    clear_endings,
    complain,
    heed_signals,
    say,
)
from rehearse.options import AsJson, Out, Overrides, Quiet, ScenarioName, Seed
from rehearse.planning import choose_folder

# ruff: noqa: PLC0415  # imports stand in the commands that need them

if TYPE_CHECKING:
    from results.records import Run
    from synthetic_clients.plan import Plan, Progress
    from synthetic_clients.server import Server

PORT = 5557
"""Of a master, for its workers: Locust's own."""
LINES_EVERY_S = 5.0
BY_SIGNAL = "Ctrl-C or SIGTERM"


def live(
    scenario: ScenarioName,
    *,
    target: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The media server: embedded, sfu+http://…, whip+http://…, janus+ws://… "
            "or janus+http://….",
        ),
    ] = "embedded",
    endpoints: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Play so many, spread evenly; all unless said.",
            show_default=False,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="REHEARSE_TOKEN",
            help="What the server asks for.",
            show_default=False,
        ),
    ] = None,
    join_over: Annotated[
        float, typer.Option(min=0, metavar="S", help="Seconds over which all come in.")
    ] = 10.0,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Client processes; one a core unless said.",
            show_default=False,
        ),
    ] = None,
    audio_only: Annotated[
        bool, typer.Option("--audio-only", help="Voices alone: no picture is sent or watched.")
    ] = False,
    web: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="PORT",
            help="Show Locust's web UI on this port of loopback.",
            show_default=False,
        ),
    ] = None,
    master: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="WORKERS",
            help=f"Let so many workers play the clients; they connect to --bind, port {PORT}.",
            show_default=False,
        ),
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(
            metavar="HOST[:PORT]",
            help="Play a share of the endpoints for the master there.",
            show_default=False,
        ),
    ] = None,
    bind: Annotated[
        str, typer.Option(metavar="HOST[:PORT]", help="Where a master waits for workers.")
    ] = f"127.0.0.1:{PORT}",
    overrides: Overrides = None,
    seed: Seed = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Play a scenario in real time, with synthetic WebRTC clients at a real media server."""
    with clear_endings(), ExitStack() as stack:
        # Locust comes first: it patches the process.
        from synthetic_clients import load  # noqa: F401  # isort: skip
        from scenarios.loading import load_scenario
        from scenarios.population import populate
        from synthetic_clients.health import FilesError, cores, provide_files
        from synthetic_clients.plan import Plan
        from synthetic_clients.server import ServerError, reference_sfus
        from synthetic_clients.signalling import EMBEDDED, TargetError, check_target

        sample = [] if endpoints is None else [f"endpoints.sample={endpoints}"]
        loaded = load_scenario(scenario, [*(overrides or ()), *sample], seed)
        try:
            check_target(target)
        except TargetError as error:
            raise Refusal(f"--target: {error}") from None
        if master is not None and worker is not None:
            raise Refusal("--master, --worker: a process is one or the other")
        if target == EMBEDDED and worker is not None:
            raise Refusal("--worker: needs the master's --target, by its URL")
        if target == EMBEDDED and master is not None:
            raise Refusal("--master: needs a --target by its URL, which its workers are given too")
        if worker is None:
            folder = choose_folder(out, loaded.name)
        count = processes or max(1, cores() - (target == EMBEDDED))
        servers: dict[str, Server] = {}
        try:
            if master is None and worker is None:
                provide_files(-(-len(populate(loaded)) // count))
            if target == EMBEDDED:
                if not quiet:
                    complain("rehearse: starting a reference SFU for each media node")
                servers, token = reference_sfus(loaded.nodes)
                for server in servers.values():
                    stack.callback(server.close)
                    server.start()
        except (ServerError, FilesError) as error:
            raise Refusal(f"rehearse: {error}") from None
        plan = Plan(
            loaded, target, token, count, join_over, pictures=not audio_only,
            servers={node: f"sfu+{server.url}" for node, server in servers.items()},
            command=("rehearse", *sys.argv[1:]),
        )  # fmt: skip
        tell = _Lines() if not quiet else (lambda _: None)
        if worker is not None:
            _work(plan, worker, tell)
            return
        run = _play(plan, servers, tell, web, (master, bind))
        _hand_over(run, folder, as_json, quiet)


def _play(
    plan: "Plan",
    servers: "Mapping[str, Server]",
    tell: "Callable[[Progress], None]",
    web: int | None,
    distribution: tuple[int | None, str],
) -> "Run":
    """Play alone or as a master; what was measured up to an interruption is kept."""
    import gevent
    from locust.env import Environment

    from synthetic_clients import load
    from synthetic_clients.media_tab import install

    workers, bind = distribution
    environment = Environment(user_classes=[load.EndpointUser], shape_class=load.join_shape())
    if workers is not None:
        host, port = _address(bind)
        runner: Any = environment.create_master_runner(host, port)
    else:
        runner = environment.create_local_runner()
    rehearsal = load.Rehearsal(environment, plan, servers=servers, progress=tell)
    began = time.perf_counter()

    def interrupt() -> None:
        rehearsal.interrupted = rehearsal.interrupted or BY_SIGNAL
        rehearsal.over.set()

    # gevent's own handlers: an exception raised in the midst of its hub would end up anywhere.
    handlers = [gevent.signal_handler(n, interrupt) for n in (signal.SIGINT, signal.SIGTERM)]
    try:
        if web is not None:
            del sys.argv[1:]  # Locust reads them for its page, and knows none of ours
            ui = environment.create_web_ui("127.0.0.1", web)
            install(ui, rehearsal.media_rows)
        while workers is not None and len(runner.clients.ready) < workers:
            if rehearsal.over.wait(0.1):
                raise Refusal("rehearse: interrupted before all workers were there")
        runner.start_shape()
        rehearsal.over.wait()
        rehearsal.halt(None)
        with gevent.Timeout(load.PATIENCE_S, False):
            while workers is not None and not rehearsal.collector.over:
                gevent.sleep(0.1)
        rehearsal.close()
        run = rehearsal.collector.run(time.perf_counter() - began, rehearsal.interrupted)
    finally:
        for handler in handlers:
            handler.cancel()
        heed_signals()
        runner.quit()
        if environment.web_ui is not None and environment.web_ui.server is not None:
            environment.web_ui.stop()  # type: ignore[no-untyped-call]
    return run


def _work(plan: "Plan", master: str, tell: "Callable[[Progress], None]") -> None:
    from locust.env import Environment

    from synthetic_clients import load

    environment = Environment(user_classes=[load.EndpointUser], shape_class=load.join_shape())
    host, port = _address(master)
    runner = environment.create_worker_runner(host, port)
    rehearsal = load.Rehearsal(environment, plan, progress=tell)
    try:
        runner.greenlet.join()
    finally:
        rehearsal.halt(None)
        rehearsal.close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    if not host or (port and not port.isdecimal()):
        raise Refusal(f"{text!r} — must be HOST or HOST:PORT, as in 127.0.0.1:{PORT}")
    return host, int(port or PORT)


def _hand_over(run: "Run", folder: Path, as_json: bool, quiet: bool) -> None:
    """Write the run, and end with its exit code."""
    from results.store import StoreError, write_run
    from results.summary import format_summary
    from results.verdict import EXIT_CODES

    if not quiet:
        complain("rehearse: writing the run and its report")
    try:
        summary = write_run(run, folder)
    except StoreError as error:
        raise Refusal(f"rehearse: {error}") from None
    if as_json:
        say(format_summary(summary), nl=False)
    else:
        from rehearse.outcome import describe_outcome

        say(describe_outcome(summary, folder))
    if run.interrupted == BY_SIGNAL:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(EXIT_CODES[summary["verdict"]])


class _Lines:
    """Progress on stderr, a line every few seconds and whenever the phase changes."""

    def __init__(self) -> None:
        self._said_at = -LINES_EVERY_S
        self._phase = ""

    def __call__(self, progress: "Progress") -> None:
        from results.quantities import format_clock

        now = time.monotonic()
        if progress.phase == self._phase and now - self._said_at < LINES_EVERY_S:
            return
        self._said_at, self._phase = now, progress.phase
        lines = {
            "preparing": "preparing the clients (the first time on a machine compiles: a minute)",
            "joining": f"{progress.joined} of {progress.endpoints} have joined",
            "playing": f"{format_clock(progress.played_s)} of {format_clock(progress.duration_s)} "
            f"played, {progress.joined} of {progress.endpoints} have joined",
        }
        complain(f"rehearse: {lines[progress.phase]}")


COMMANDS: Mapping[str, Callable[..., None]] = {"live": live}
"""Commands by name."""
