"""A process of clients: plays its share of a scenario's endpoints, commanded over a pipe.

    python -m synthetic_clients.process

Messages in: `begin` (an `Assignment` as payload), `join` (site), `meeting` (at, s on the run's
clock), `restarted` (node: its server knows nobody any more), `stop`. Messages out: `ready`; those
of `synthetic_clients.client`; `sample` (tables as payload), `health`, `finished`.
"""

import asyncio
import os
import pickle
import random
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from scenarios.geography import great_circle
from scenarios.meeting import COMMAND_CENTRE
from scenarios.placement import Placement
from scenarios.population import populate
from scenarios.units import SECOND
from simulations.placing import Placing
from simulations.strikes import Strike
from synthetic_clients import pipes
from synthetic_clients.addresses import local_address
from synthetic_clients.aiortc_parts import SharedCertificate
from synthetic_clients.assignment import Assignment
from synthetic_clients.attempts import Choice
from synthetic_clients.batch_loop import BatchLoop, run
from synthetic_clients.client import Client, Setting
from synthetic_clients.descriptions import Kind
from synthetic_clients.direction import Direction
from synthetic_clients.faults import LinkFaults, label_at, timeline
from synthetic_clients.health import Meter
from synthetic_clients.media import record
from synthetic_clients.presence import Gap, Presence
from synthetic_clients.publishing import Outbox, Publisher
from synthetic_clients.receivers import TICK_S, Receivers
from synthetic_clients.sampling import Sampler, restart_counts
from synthetic_clients.signalling import open_signalling
from synthetic_clients.stage import SILENT
from synthetic_clients.state import LINKED, make_state, settings_of
from synthetic_clients.tally import Tally, compare_probes
from synthetic_clients.virtual_links import subset, virtual_links
from synthetic_clients.warming import warm_up
from synthetic_clients.whip import ReferenceSfu

MOST_FAULTS = 10
"""Faults of its own that a process tells of."""
LOOK_AFTER_S = 1.0
"""Between looks whether clients still hear from the server."""


def watches_of(centre: bool, voices: int, tiles: int, pictured: bool) -> tuple[Kind, ...]:
    """What an endpoint receives: voices, and where ``pictured`` pictures of the programme, for the
    command centre also of the called and of the wall's tiles."""
    pictures = (2 + tiles if centre else 1) if pictured else 0
    heard: list[Kind] = ["audio"] * voices
    seen: list[Kind] = ["video"] * pictures
    return (*heard, *seen)


class Process:
    """All clients of the process."""

    def __init__(self, loop: BatchLoop, assignment: Assignment, say: Any) -> None:
        """
        Args:
            say: takes a message, and a payload.
        """
        self.loop, self.assignment, self.say = loop, assignment, say
        scenario = self.scenario = assignment.scenario
        self.everyone = populate(scenario)
        self.endpoints = list(assignment.endpoints)
        self.population = subset(self.everyone, self.endpoints)
        meeting = scenario.meeting
        voices = 2 if meeting.roll_call or meeting.discussion else 1
        tiles = meeting.wall.tiles if meeting.wall else 0
        watches = [
            watches_of(site == COMMAND_CENTRE, voices, tiles, assignment.pictures)
            for site in self.population.site
        ]
        self.links = virtual_links(scenario, self.everyone, self.endpoints)
        control = scenario.media.congestion_control
        profile = control.profile if control.profile != "none" else "libwebrtc"
        self.state = make_state(
            [kinds.count("audio") for kinds in watches],
            [kinds.count("video") for kinds in watches],
            self.links.down, self.links.up, self.links.loads,
            profile=profile, rates=(control.start, control.minimum, control.maximum),
        )  # fmt: skip
        self.state.clock[LINKED] = assignment.linked
        receivers = self.receivers = Receivers(
            loop, self.state, settings_of(scenario.media), assignment.epoch, self.clock,
            scenario.seed * 1009 + (self.endpoints[0] if self.endpoints else 0),
        )  # fmt: skip
        receivers.remb = control.profile != "none"
        targets = list(assignment.servers.values()) or [assignment.target]
        self.signalling = [open_signalling(target, assignment.token) for target in targets]
        several = len(targets) > 1
        self.placing = Placing(
            scenario.placement if several else Placement(), list(assignment.servers) or ["server"]
        )
        self.silent: set[int] = set()
        self.presence = Presence(self.state)
        self.strikes = timeline(scenario, self.everyone)
        self.link_faults = LinkFaults(self.state, scenario, self.everyone)
        self.outbox = Outbox(loop, self.clock)
        setting = Setting(
            loop, self.signalling, self.placing, self.silent, receivers, self.presence, self.outbox,
            record(scenario.media), scenario.media, SharedCertificate.generateCertificate(),
            local_address(targets[0]), scenario.recovery, scenario.seed, self.tell,
            ("audio", "video") if assignment.pictures else ("audio",),
            random.Random(scenario.seed),  # noqa: S311
        )  # fmt: skip
        self.clients = [
            Client(
                site, e, watches[e], setting, self.endpoints[e] in assignment.probes,
                self._choice(e) if several else Choice(self.placing, 0, [0]),
            )
            for e, site in enumerate(self.population.site)
        ]  # fmt: skip
        self.by_site = {client.site: client for client in self.clients}
        self.sampler = Sampler(scenario, self.population)
        self.meter = Meter(lambda: sum(transport.drops() for transport in loop.transports.values()))
        self.meeting_at: int | None = None
        self.faults = 0
        self.tally = Tally(self.state)
        self.direction = Direction(self)
        self._tasks: set[asyncio.Task[None]] = set()

    def _choice(self, e: int) -> Choice:
        """Of the media nodes' servers, for an endpoint of this process."""
        nodes = list(self.scenario.nodes.values())
        distances = great_circle(
            self.population.latitude[e], self.population.longitude[e],
            [node.latitude for node in nodes], [node.longitude for node in nodes],
        )  # fmt: skip
        order = np.argsort(distances, kind="stable").tolist()
        return Choice(self.placing, int(self.population.node[e]), order)

    def clock(self) -> int:
        """ns on the run's clock."""
        return time.time_ns() - self.assignment.epoch

    def tell(self, kind: str, **values: Any) -> None:
        """Say what happened to a client."""
        self.say({"kind": kind, **values})

    # ------------------------------------------------------------ before the meeting

    async def begin(self) -> None:
        """Compile what is to run, and set the opening floor."""
        warm_up()
        await self.direction.begin()
        self.go(self._tick())
        self.go(self._watch_over())
        if len(self.signalling) > 1:
            for place in range(len(self.signalling)):
                self.go(self._check_health(place))
        self.say({"kind": "ready", "endpoints": len(self.clients)})

    async def join(self, site: str) -> None:
        """Let an endpoint join, and publish if it is on stage already, or soon will be."""
        client = self.by_site[site]
        self.go(client.join())
        await self.direction.enter(client)

    # ------------------------------------------------------------ the meeting

    async def meet(self, at: int) -> None:
        """Play the meeting, which begins ``at`` (ns on the run's clock)."""
        await self.until(at)
        self.meeting_at = at
        self.receivers.tick()
        fresh = virtual_links(self.scenario, self.everyone, self.endpoints)
        self.receivers.link((fresh.down.links, fresh.up.links))
        restart_counts(self.state)
        for publisher in self._publishers().values():
            publisher.restart_counts()
        self.tally.begin()
        self.meter.take()
        self.presence.restart(at)
        place = {e: i for i, e in enumerate(self.endpoints)}
        for when, begins, strike, mine in self.link_faults.changes(self.strikes, place):
            self.go(self._play_fault(at + when, begins, strike, mine))
        self.go(self.direction.play(at))
        begin = 0
        while begin < self.scenario.duration:
            end = min(begin + self.scenario.interval, self.scenario.duration)
            await self.until(at + end)
            self._sample(begin, end)
            begin = end

    def _sample(self, begin: int, end: int) -> None:
        assert self.meeting_at is not None
        self.receivers.tick()
        publishers = self._publishers()
        self.tally.take(publishers.values())
        self._look_for_gaps(self.clock())
        span = (self.meeting_at + begin, self.meeting_at + end)
        samples, histograms = self.sampler.sample(
            self.state, publishers, self.presence.take(*span), (begin, end), span
        )
        self._say_tables(samples, histograms)
        self._say_health(begin / SECOND)

    def _say_health(self, begin_s: float) -> None:
        online = sum(client.watching is not None for client in self.clients)
        self.say(
            {"kind": "health", "time": begin_s, "online": online,
             "endpoints": len(self.clients), **self.meter.take()}
        )  # fmt: skip

    def _say_tables(self, samples: pa.Table, histograms: pa.Table) -> None:
        parts = [_to_bytes(samples), _to_bytes(histograms)]
        self.say({"kind": "sample", "lengths": [len(part) for part in parts]}, b"".join(parts))

    def _publishers(self) -> dict[int, Publisher]:
        return {
            client.endpoint: client.publisher
            for client in self.clients
            if client.publisher is not None
        }

    # ------------------------------------------------------------ faults

    async def _play_fault(self, at: int, begins: bool, strike: Strike, mine: list[int]) -> None:
        await self.until(at)
        self.link_faults.change(begins, strike, mine)
        for e in mine:
            if self.endpoints[e] in strike.endpoints:
                client = self.clients[e]
                if begins:
                    client.lose_power()
                else:
                    client.get_power()

    async def _check_health(self, place: int) -> None:
        """Check a server as the signalling servers of the scenario do."""
        health, signalling = self.scenario.placement.health, self.signalling[place]
        assert isinstance(signalling, ReferenceSfu)
        barred_until = 0
        while True:
            await asyncio.sleep(health.every / SECOND)
            well = await signalling.is_well(health.timeout / SECOND)
            now = self.clock()
            if well and place in self.silent:
                await self.greet(place)
            elif not well:
                self.silent.add(place)
            if not well and not self.placing.sick[place]:
                barred_until = now + health.barred
                if self.scenario.recovery.moved_by_server:
                    for client in self.clients:
                        if client.place == place:
                            client.move()
            self.placing.sick[place] = not well or now < barred_until

    async def greet(self, place: int) -> None:
        """A server is back, and may have begun anew: it is told the floor, and publishers come."""
        self.silent.discard(place)
        if COMMAND_CENTRE in self.by_site:
            self.direction.tell_again()
        for client in self.clients:
            if client.part != SILENT:
                client.broadcast.lose(place)
                self.go(client.broadcast.open())

    def _look_for_gaps(self, now: int) -> None:
        for gap in self.presence.look(now):
            self._tell_gap(gap)

    def _tell_gap(self, gap: Gap) -> None:
        if self.meeting_at is None:
            return
        client = self.clients[gap.endpoint]
        knew = client.detected is not None and client.detected >= gap.begin
        self.tell(
            "interruption", site=client.site,
            begin=(gap.begin - self.meeting_at) / SECOND,
            end=None if gap.end is None else (gap.end - self.meeting_at) / SECOND,
            detected=(client.detected - self.meeting_at) / SECOND
            if knew and client.detected is not None
            else None,
            fault=label_at(self.strikes, gap.begin - self.meeting_at),
            reason=client.state if gap.end is None else None,
        )  # fmt: skip

    # ------------------------------------------------------------ all the time

    async def _tick(self) -> None:
        due = time.perf_counter()
        while True:
            due += TICK_S
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            late = time.perf_counter() - due
            self.meter.note(late)
            if late > TICK_S:  # what was missed is not made up for: that would only take longer
                due = time.perf_counter()
            self._attempt(self.receivers.tick)
            until = self.clock() + round(2 * TICK_S * SECOND)
            for client in self.clients:
                if client.publisher is not None:
                    self._attempt(client.publisher.play, until)

    async def _watch_over(self) -> None:
        begun = time.perf_counter()
        while True:
            await asyncio.sleep(LOOK_AFTER_S)
            now = self.clock()
            for client in self.clients:
                self._attempt(client.look_after, now)
                self._attempt(client.broadcast.look_after, now)
            self._attempt(self._look_for_gaps, now)
            if self.meeting_at is None and time.perf_counter() - begun >= 5.0:
                begun = time.perf_counter()
                self._say_health(now / SECOND)

    async def until(self, at: int) -> None:
        """Wait until the run's clock says ``at`` (ns)."""
        while (left := at - self.clock()) > 0:
            await asyncio.sleep(min(left / SECOND, 1.0))

    async def finish(self, left: bool = False) -> None:
        """Say what there is to say, and end all sessions."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for gap in self.presence.open_gaps(self.clock()):
            self._tell_gap(gap)
        places = self.state.endpoints
        peak = _peak_rss()
        reader = self.loop.reader
        self.say(
            {
                "kind": "finished", "whole": not left, **self.tally.said(),
                "mappings": np.bincount(
                    self.state.views["mapping"][self.state.views["received"] > 0], minlength=3
                ).tolist(),
                "probes": compare_probes(self.receivers, self.population.site),
                "stamped": reader.stamps,
                "garbage": reader.total("garbage") + self.loop.undelivered,
                "refused": reader.total("refused"),
                "strangers": reader.total("strangers"),
                "strays": int(places["strays"].sum()),
                "peak_rss": peak,
                "key_frames": sum(p.key_frames for p in self._publishers().values()),
            }
        )  # fmt: skip
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(client.leave() for client in self.clients), return_exceptions=True
            )
        self.outbox.close()
        await asyncio.gather(*(signalling.close() for signalling in self.signalling))

    def _attempt(self, work: Callable[..., object], *arguments: Any) -> None:
        """Do ``work``; a fault in it is told, and makes the run doubtful, but ends nothing."""
        try:
            work(*arguments)
        except Exception as error:
            self._tell_fault(error)

    def _tell_fault(self, error: BaseException) -> None:
        self.faults += 1
        if self.faults <= MOST_FAULTS:
            detail = "".join(traceback.format_exception(error))
            self.say({"kind": "fault", "detail": detail})

    def go(self, work: Any) -> None:
        """Do ``work`` beside all else."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tell_fault(error)


def _to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _peak_rss() -> int:
    import resource  # noqa: PLC0415

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def serve(loop: BatchLoop, source: int, sink: int) -> None:
    """Obey commands from the descriptor ``source``; say things to ``sink``."""
    reader = asyncio.StreamReader(limit=pipes.LARGEST)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", 0)
    )
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(sink, "wb", 0))

    def say(message: dict[str, Any], payload: bytes = b"") -> None:
        transport.write(pipes.pack(message, payload))

    process: Process | None = None
    meeting: asyncio.Task[None] | None = None
    ended = asyncio.Event()
    try:
        while True:
            command = asyncio.ensure_future(_next(reader))
            waits: Sequence[asyncio.Future[Any]] = [command]
            if meeting is not None:
                waits = [command, meeting]
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if meeting in done:
                assert meeting is not None
                assert process is not None
                command.cancel()
                meeting.result()
                await process.finish()
                break
            got = command.result()
            if got is None or got[0]["kind"] == "stop":
                if meeting is not None:
                    meeting.cancel()
                if process is not None:
                    await process.finish(left=True)
                break
            message, payload = got
            if message["kind"] == "begin":
                process = Process(loop, pickle.loads(payload), say)  # noqa: S301  our parent's
                await process.begin()
            elif process is not None and message["kind"] == "join":
                await process.join(message["site"])
            elif process is not None and message["kind"] == "restarted":
                await process.greet(list(process.assignment.servers).index(message["node"]))
            elif process is not None and message["kind"] == "meeting":
                meeting = loop.create_task(process.meet(round(message["at"] * SECOND)))
    finally:
        ended.set()
        transport.close()


async def _next(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes] | None:
    try:
        said, payload = pipes.unpack_head(await reader.readexactly(pipes.HEAD))
        body = await reader.readexactly(said + payload)
    except asyncio.IncompleteReadError:
        return None
    import json  # noqa: PLC0415

    return json.loads(body[:said]), body[said:]


def main() -> None:
    """Run until the pipe's other end says stop, or closes it."""
    import logging  # noqa: PLC0415
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then says stop
    logging.getLogger("aioice").setLevel(logging.ERROR)
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # whatever libraries print is no message
    run(lambda loop: serve(loop, source, sink))


if __name__ == "__main__":
    main()
    sys.exit(0)
