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
from synthetic_clients.faults import LinkFaults, label_at, timeline
from synthetic_clients.health import Meter
from synthetic_clients.media import record
from synthetic_clients.presence import Gap, Presence
from synthetic_clients.publishing import Outbox, Publisher
from synthetic_clients.receivers import TICK_S, Receivers
from synthetic_clients.sampling import Sampler, restart_counts
from synthetic_clients.signalling import Signalling, SignallingError, open_signalling
from synthetic_clients.stage import SILENT, Scene, Stage, first_parts
from synthetic_clients.state import LINKED, make_state, settings_of
from synthetic_clients.virtual_links import subset, virtual_links
from synthetic_clients.warming import warm_up
from synthetic_clients.whip import ReferenceSfu

EARLY = 5 * SECOND
"""ns before its first part that an endpoint opens the session that it publishes with."""
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
        self.scenes: list[Scene] = list(Stage(scenario, self.everyone).scenes())
        self.firsts = first_parts(self.scenes)
        self.scene = self.scenes[0]
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
        self.entered = self.delivered = self.in_flight = 0
        self.lost = {
            "access queue down": 0, "access policer down": 0, "access down": 0,
            "access cut down": 0,
        }  # fmt: skip
        self.published = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened: set[int] = set()
        self._moved = asyncio.Event()
        self._calls: dict[int, int] = {}

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
        if COMMAND_CENTRE in self.by_site:
            await self._direct(self.scene)
        for client in self.clients:
            client.floor = self.scene.floor
        self._go(self._tick())
        self._go(self._watch_over())
        if COMMAND_CENTRE in self.by_site:
            self._go(self._follow_scenes())
        if len(self.signalling) > 1:
            for place in range(len(self.signalling)):
                self._go(self._check_health(place))
        self.say({"kind": "ready", "endpoints": len(self.clients)})

    async def join(self, site: str) -> None:
        """Let an endpoint join, and publish if it is on stage already, or soon will be."""
        client = self.by_site[site]
        self._go(client.join())
        e = self.endpoints[client.endpoint]
        if self.firsts.get(e, 1 << 62) <= EARLY:
            await self._open(client)

    async def _open(self, client: Client) -> None:
        e = self.endpoints[client.endpoint]
        self._opened.add(e)
        await client.follow(self.scene.floor, self.scene.parts.get(e, SILENT))
        self._go(client.broadcast.open())

    # ------------------------------------------------------------ the meeting

    async def meet(self, at: int) -> None:
        """Play the meeting, which begins ``at`` (ns on the run's clock)."""
        await self._until(at)
        self.meeting_at = at
        self.receivers.tick()
        fresh = virtual_links(self.scenario, self.everyone, self.endpoints)
        self.receivers.link((fresh.down.links, fresh.up.links))
        restart_counts(self.state)
        for publisher in self._publishers().values():
            publisher.restart_counts()
        places = self.state.endpoints
        self.entered = int((places["tail"] - places["head"]).sum())
        self.meter.take()
        self.presence.restart(at)
        place = {e: i for i, e in enumerate(self.endpoints)}
        for when, begins, strike, mine in self.link_faults.changes(self.strikes, place):
            self._go(self._play_fault(at + when, begins, strike, mine))
        self._go(self._play_scenes(at))
        self._go(self._open_early(at))
        begin = 0
        while begin < self.scenario.duration:
            end = min(begin + self.scenario.interval, self.scenario.duration)
            await self._until(at + end)
            self._sample(begin, end)
            begin = end

    def _sample(self, begin: int, end: int) -> None:
        assert self.meeting_at is not None
        self.receivers.tick()
        links = self.state.downlinks
        self.entered += int(links["packets"].sum())
        for name, column in zip(
            self.lost, ("dropped_queue", "dropped_policer", "lost", "cut"), strict=True
        ):
            self.lost[name] += int(links[column].sum())
        if not self.assignment.linked:
            self.entered += int(self.state.meters["packets"].sum())
        self.delivered += int(self.state.meters["packets"].sum())
        places = self.state.endpoints
        self.in_flight = int((places["tail"] - places["head"]).sum())
        publishers = self._publishers()
        self.published += sum(publisher.packets for publisher in publishers.values())
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

    async def _play_scenes(self, at: int) -> None:
        for scene in self.scenes:
            await self._until(at + scene.at)
            before, self.scene = self.scene, scene
            if scene.called is not None:
                self._go(self._call(scene, at))
            moved = (scene.floor.programme, scene.floor.called) != (
                before.floor.programme, before.floor.called,
            )  # fmt: skip
            self._moved.set()
            for client in self.clients:
                e = self.endpoints[client.endpoint]
                part = scene.parts.get(e, SILENT)
                if moved or part != client.part or client.site == COMMAND_CENTRE:
                    self._go(client.follow(scene.floor, part))
            if moved:
                self.tell(
                    "event", at=self.clock() / SECOND, what="floor",
                    site=scene.floor.programme or "", detail="",
                )  # fmt: skip

    async def _call(self, scene: Scene, at: int) -> None:
        """Time a call: from now to the first key frame of the called on the command centre's
        screen."""
        centre = self.by_site.get(COMMAND_CENTRE)
        if centre is None or scene.called is None or "video" not in centre.watches:
            return
        state = self.state
        first = int(state.endpoints[centre.endpoint]["first_view"])
        view = first + centre.watches.index("video")
        state.keyed[view] = -1
        state.views[view]["look"] = 1
        called_at = at + scene.at
        limit = called_at + 60 * SECOND
        while state.keyed[view] < 0 and self.clock() < limit and self.scene.floor == scene.floor:
            state.views[view]["look"] = 1
            await asyncio.sleep(TICK_S)
        shown = int(state.keyed[view])
        output = self.scenario.media.video.playout_delay
        took = (shown - called_at + output) / SECOND if shown >= 0 else None
        self.tell("call", at=scene.at / SECOND, site=self.everyone.site[scene.called], seconds=took)

    async def _follow_scenes(self) -> None:
        """Tell the server of each scene, or of the newest where it is slow."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self._direct(self.scene)

    async def _direct(self, scene: Scene) -> None:
        async def tell(signalling: Signalling) -> None:
            try:
                await signalling.direct(scene.floor)
            except SignallingError as error:
                now = self.clock() / SECOND
                self.tell("trouble", at=now, site=COMMAND_CENTRE, detail=str(error))

        heard = [s for place, s in enumerate(self.signalling) if place not in self.silent]
        await asyncio.gather(*map(tell, heard))

    async def _open_early(self, at: int) -> None:
        """Open sessions to publish with a little before they are needed."""
        coming = sorted(
            (first, e) for e, first in self.firsts.items()
            if e in self.endpoints and e not in self._opened
        )  # fmt: skip
        place = dict(zip(self.endpoints, self.clients, strict=True))
        for first, e in coming:
            await self._until(at + first - EARLY)
            self._go(place[e].broadcast.open())

    # ------------------------------------------------------------ faults

    async def _play_fault(self, at: int, begins: bool, strike: Strike, mine: list[int]) -> None:
        await self._until(at)
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
            self._moved.set()
        for client in self.clients:
            if client.part != SILENT:
                client.broadcast.lose(place)
                self._go(client.broadcast.open())

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
            if late > 1:
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

    async def _until(self, at: int) -> None:
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
        reader = self.loop.reader.sockets
        self.say(
            {
                "kind": "finished", "whole": not left, "entered": self.entered,
                "delivered": self.delivered, "lost": self.lost, "published": self.published,
                "in_flight": self.in_flight,
                "mappings": np.bincount(
                    self.state.views["mapping"][self.state.views["received"] > 0], minlength=3
                ).tolist(),
                "probes": self._compare_probes(),
                "garbage": int(reader["garbage"].sum() + self.loop.undelivered),
                "refused": int(reader["refused"].sum()),
                "strangers": int(self.receivers.strangers.sum()),
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

    def _compare_probes(self) -> list[dict[str, Any]]:
        """What probes decoded beside what the header-only receiver counted on the same stream."""
        rows = []
        for v, heard in self.receivers.probes.heard.items():
            view = self.state.views[v]
            streams = self.state.voices if view["audio"] else self.state.pictures
            rows.append(
                {
                    "site": self.clients[int(view["endpoint"])].site,
                    "audio": bool(view["audio"]),
                    "packets": heard.packets,
                    "received": int(view["received"]),
                    "jitter": heard.jitter_s,
                    "header_jitter": float(streams[view["place"]]["jitter"]) / SECOND,
                    "decoded": heard.decoded,
                    "undecodable": heard.undecodable,
                    "gaps": heard.gaps,
                    "freezes": heard.freezes,
                    "header_freezes": self._freezes(v),
                }
            )
        return rows

    def _freezes(self, v: int) -> int:
        view = self.state.views[v]
        if view["audio"]:
            return 0
        screen = self.state.screens[view["place"]]
        return int(self.state.freeze_totals[view["place"]] + screen["freezes"]["freeze_count"])

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

    def _go(self, work: Any) -> None:
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
