"""Locust's side of a live run: users, the shape of the load, masters and workers.

Importing this module imports Locust, which patches the process with gevent: aiortc and asyncio are
in the client processes, and only there. A user stands for an endpoint and commands it over the
fleet's pipe. Locust's requests are what really took place: signalling, joining, first media.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from locust import LoadTestShape, User, constant, task  # first: it patches
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

import gevent  # isort: skip
from gevent.event import AsyncResult, Event  # isort: skip

import numpy as np

from scenarios.population import populate
from scenarios.units import SECOND
from synthetic_clients.assignment import Assignment
from synthetic_clients.collecting import Collector
from synthetic_clients.faults import Act, acts, notes, timeline, unplayed
from synthetic_clients.fleet import Fleet
from synthetic_clients.media_tab import Rows, media_rows
from synthetic_clients.plan import Phase, Plan, Progress, join_times, planned, probes_of
from synthetic_clients.server import Server, ServerError

READY_S = 180.0
"""Seconds that client processes have to get ready: the first time, they compile."""
PATIENCE_S = 120.0
"""After the last has been let in, the meeting begins without those who are not there by then."""
FASTEST = 100
"""Users a second that Locust starts at most."""
COUNTDOWN_S = 2.0
"""From everyone's arrival to the meeting's beginning."""
SHARE, MEETING, RESTARTED, HALT, TOLD = (
    "rehearsal share",
    "rehearsal meeting",
    "rehearsal restarted",
    "rehearsal halt",
    "rehearsal told",
)
"""Messages between a master and its workers."""


class Rehearsal:
    """A live run within a Locust environment: alone, as a master, or as a worker."""

    def __init__(
        self,
        environment: Environment,
        plan: Plan,
        *,
        servers: Mapping[str, Server] | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """
        Args:
            servers: by media node, where the run has started them: if one dies that no fault
                killed, the run ends.
        """
        self.environment, self.plan = environment, plan
        self.servers = dict(servers or {})
        self.progress = progress
        self.population = populate(plan.scenario)
        self.times = join_times(plan, self.population)
        self.order = np.argsort(self.times, kind="stable").tolist()
        self.strikes = timeline(plan.scenario, self.population)
        self.collector = Collector(
            plan.scenario, self.population, plan.target, plan.command, processes=0,
            nodes=list(plan.servers),
            notes=unplayed(self.strikes, plan.scenario, bool(self.servers)),
        )  # fmt: skip
        self._killed: set[str] = set()
        """Media nodes whose servers a fault has ended."""
        self.fleet: Fleet | None = None
        self.ready = Event()
        self.over = Event()
        self.interrupted: str | None = None
        self.began = time.perf_counter()
        self.epoch = time.time_ns()
        self.joining_s: float | None = None
        """When the first was let in, on the performance counter."""
        self._expected = 1
        self._ready = 0
        self._waiting: list[int] = []
        self._outcomes: dict[str, AsyncResult[dict[str, Any]]] = {}
        self._watch: gevent.Greenlet | None = None
        self._acting: gevent.Greenlet | None = None
        events: Any = environment.events
        environment.rehearsal = self  # type: ignore[attr-defined]
        events.test_start.add_listener(self._start)
        events.test_stopping.add_listener(lambda **_: self.halt(None))
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(SHARE, self._take_share)
            runner.register_message(MEETING, self._take_meeting)
            runner.register_message(RESTARTED, self._take_restarted)
            runner.register_message(HALT, lambda **_: self.halt(None))
        elif isinstance(runner, MasterRunner):
            runner.register_message(TOLD, self._take_told)

    # ------------------------------------------------------------ beginning

    @property
    def endpoints(self) -> int:
        """How many take part, the command centre included."""
        return len(self.population)

    def _start(self, **_: Any) -> None:
        runner = self.environment.runner
        self.began, self.epoch = time.perf_counter(), time.time_ns()
        if isinstance(runner, WorkerRunner):
            return  # the master says what this one's share is
        if isinstance(runner, MasterRunner):
            workers = sorted(client.id for client in runner.clients.ready)
            self._expected = len(workers)
            for number, client in enumerate(workers):
                said = {"number": number, "workers": len(workers), "epoch": self.epoch}
                runner.send_message(SHARE, said, client)
        else:
            self._launch(self.order, self.epoch)
        self._watch = gevent.spawn(self._conduct)

    def _launch(self, endpoints: Sequence[int], epoch: int) -> None:
        plan = self.plan
        self._waiting = list(endpoints)
        self._outcomes = {self.population.site[e]: AsyncResult() for e in endpoints}
        assignment = Assignment(
            plan.scenario, endpoints, probes_of(self.population, plan.probes) & set(endpoints),
            plan.target, plan.token, epoch, plan.linked, plan.servers, plan.pictures,
        )  # fmt: skip
        self.fleet = Fleet(assignment, plan.processes, self._hear)
        self._tell(0, {"kind": "fleet", "processes": len(self.fleet)}, b"")

    def _hear(self, process: int, message: dict[str, Any], payload: bytes) -> None:
        """What a process of this machine's fleet says."""
        kind = message.get("kind")
        if kind == "ready":
            self._ready += 1
            if self.fleet is not None and self._ready == len(self.fleet):
                self.ready.set()
        elif kind == "exchange":
            self._fire("signalling", message["name"], message["seconds"], message["size"],
                       message["error"])  # fmt: skip
        elif kind == "joined":
            self._fire("join", "join", message["seconds"], 0, message["error"])
            self._outcomes[message["site"]].set(message)
        elif kind == "first media":
            self._fire("media", "first media", message["seconds"], 0, None)
        elif kind == "recovered":
            self._fire("media", "recovery", message["seconds"], 0, None)
        self._tell(process, message, payload)

    def _tell(self, process: int, message: dict[str, Any], payload: bytes) -> None:
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            if message.get("kind") != "exchange":
                said = {"process": process, "message": message, "payload": payload}
                runner.send_message(TOLD, said)
        else:
            self._collect(process, message, payload)

    def _collect(self, process: Any, message: dict[str, Any], payload: bytes) -> None:
        if message.get("kind") == "fleet":
            self.collector.processes += message["processes"]
            self._expected -= 1
        elif message.get("kind") == "ready":
            self.collector.ready += 1
        else:
            self.collector.hear(process, message, payload)

    def _fire(self, kind: str, name: str, seconds: float, size: int, error: str | None) -> None:
        request: Any = self.environment.events.request
        request.fire(
            request_type=kind, name=name, response_time=seconds * 1000, response_length=size,
            exception=Refusal(error) if error else None, context={},
        )  # fmt: skip

    # ------------------------------------------------------------ users

    def next_endpoint(self) -> int | None:
        """The next endpoint of this machine's share that is to join."""
        return self._waiting.pop(0) if self._waiting else None

    def join(self, endpoint: int) -> dict[str, Any]:
        """Let an endpoint join at its time, and wait for what comes of it."""
        site = self.population.site[endpoint]
        if self.joining_s is not None:  # a worker's users come when the master sends them
            gevent.sleep(max(float(self.times[endpoint]) - self.since, 0))
        assert self.fleet is not None
        self.fleet.join(endpoint, site)
        outcome: dict[str, Any] = self._outcomes[site].get()
        return outcome

    def media_rows(self) -> Rows:
        """What the web UI's tab shows."""
        state = self.state()
        return media_rows(
            f"{state.joined:,} of {state.endpoints:,}",
            f"{state.played_s:.0f} s of {state.duration_s:.0f} s",
            self.collector.latest,
        )

    def planned(self, seconds: float) -> int:
        """Users that are to be there so many seconds after the first was let in."""
        return planned(seconds, self.times)

    @property
    def since(self) -> float:
        """Seconds on the clock by which endpoints set out; see `join_times`."""
        if self.plan.scenario.joining is None:
            assert self.joining_s is not None
            return time.perf_counter() - self.joining_s
        meeting = self.collector.meeting_s
        now = (time.time_ns() - self.epoch) / SECOND
        return -1.0 if meeting is None else now - meeting

    # ------------------------------------------------------------ the run

    def _conduct(self) -> None:
        """Wait for everyone, begin the meeting, and see that it ends: alone or as a master."""
        collector = self.collector
        try:
            if not self._wait(READY_S, self._all_ready):
                return self._end("the client processes were not ready in time")
            self.joining_s = time.perf_counter()
            self.ready.set()
            everyone = self.plan.scenario.joining is None
            patience = PATIENCE_S + (self.plan.join_s if everyone else 0)
            self._wait(patience, self._all_in if everyone else lambda: collector.arrived > 0)
            if not collector.joined:
                reason = next(iter(collector.failed.values()), "no answer")
                return self._end(f"nobody could join: {reason}")
            at = (time.time_ns() - self.epoch) / SECOND + COUNTDOWN_S
            collector.meeting_s = at
            if self.fleet is not None:
                self.fleet.meet(at)
            else:
                runner: Any = self.environment.runner
                runner.send_message(MEETING, {"at": at})
            self._acting = gevent.spawn(self._play_faults, at)
            duration = self.plan.scenario.duration / SECOND
            if not self._wait(COUNTDOWN_S + duration + PATIENCE_S, lambda: collector.over):
                return self._end("the client processes did not end in time")
        except ServerError as error:
            return self._end(str(error))
        self.over.set()
        return None

    def _play_faults(self, meeting_s: float) -> None:
        """Let servers meet what the scenario has for them, and write down every fault."""
        due: list[tuple[int, Callable[[], None]]] = []
        for at, *note in notes(self.strikes, self.plan.scenario, self.population):
            due.append((at, partial(self.collector.note, meeting_s + at / SECOND, *note)))
        for act in acts(self.strikes):
            if act.node in self.servers:
                due.append((act.at, partial(self._act, act)))
        for at, do in sorted(due, key=lambda item: item[0]):
            now = (time.time_ns() - self.epoch) / SECOND
            gevent.sleep(max(meeting_s + at / SECOND - now, 0))
            do()

    def _act(self, act: Act) -> None:
        if act.action == "kill":
            self._killed.add(act.node)
        try:
            self.servers[act.node].act(act.action)
        except ServerError as error:
            return self._end(str(error))
        if act.action == "restart":
            self._killed.discard(act.node)
            if self.fleet is not None:
                self.fleet.restarted(act.node)
            else:
                runner: Any = self.environment.runner
                runner.send_message(RESTARTED, {"node": act.node})
        return None

    def _all_ready(self) -> bool:
        return self._expected == 0 and self.collector.ready >= self.collector.processes > 0

    def _all_in(self) -> bool:
        return self.collector.arrived >= self.endpoints

    def _wait(self, seconds: float, until: Callable[[], bool]) -> bool:
        limit = time.perf_counter() + seconds
        while time.perf_counter() < limit:
            if until():
                return True
            if self.over.is_set():
                return False
            for node, server in self.servers.items():
                if node not in self._killed and not server.alive:
                    raise ServerError("the server ended")
            if self.collector.over and self.collector.processes and self._expected == 0:
                return False
            self.progress(self.state())
            gevent.sleep(0.2)
        return False

    def state(self) -> Progress:
        """How far the run is."""
        collector = self.collector
        phase: Phase = "preparing"
        if self.joining_s is not None:
            phase = "joining" if collector.meeting_s is None else "playing"
        played = 0.0
        if collector.meeting_s is not None:
            now = (time.time_ns() - self.epoch) / SECOND
            played = min(max(now - collector.meeting_s, 0.0), self.plan.scenario.duration / SECOND)
        return Progress(
            phase, len(collector.joined), self.endpoints, played,
            self.plan.scenario.duration / SECOND,
        )  # fmt: skip

    def _end(self, reason: str) -> None:
        self.halt(reason)
        self.over.set()

    def halt(self, reason: str | None) -> None:
        """End the run before its time, and let clients take leave."""
        if reason and self.interrupted is None:
            self.interrupted = reason
        runner = self.environment.runner
        if isinstance(runner, MasterRunner):
            runner.send_message(HALT)
        if self.fleet is not None:
            self.fleet.stop()

    def close(self) -> None:
        """Wait until this machine's client processes have ended."""
        for greenlet in (self._watch, self._acting):
            if greenlet is not None:
                greenlet.kill()
        if self.fleet is not None:
            self.fleet.close()

    # ------------------------------------------------------------ master and workers

    def _take_share(self, msg: Any, **_: Any) -> None:
        number, workers = msg.data["number"], msg.data["workers"]
        gevent.spawn(self._launch, self.order[number::workers], msg.data["epoch"])

    def _take_meeting(self, msg: Any, **_: Any) -> None:
        if self.fleet is not None:
            self.fleet.meet(msg.data["at"])

    def _take_restarted(self, msg: Any, **_: Any) -> None:
        if self.fleet is not None:
            self.fleet.restarted(msg.data["node"])

    def _take_told(self, msg: Any, **_: Any) -> None:
        said = msg.data
        process = f"{msg.node_id}/{said['process']}"
        self._collect(process, said["message"], said["payload"])


class Refusal(Exception):
    """What Locust shows of a request that failed."""


class EndpointUser(User):
    """An endpoint of the scenario."""

    wait_time = constant(1)
    rehearsal: Rehearsal

    def on_start(self) -> None:
        """Join, as soon as the client processes are ready."""
        self.rehearsal = self.environment.rehearsal
        self.rehearsal.ready.wait()
        endpoint = self.rehearsal.next_endpoint()
        if endpoint is not None:
            self.rehearsal.join(endpoint)

    @task
    def attend(self) -> None:
        """The client process does the rest."""


class JoinShape(LoadTestShape):
    """Users as the join profile has them; ends with the meeting."""

    def tick(self) -> tuple[int, float] | None:
        """See Locust."""
        runner: Any = self.runner
        rehearsal: Rehearsal = runner.environment.rehearsal
        if rehearsal.over.is_set():
            return None
        if rehearsal.joining_s is None:
            return 1, 1.0
        users = rehearsal.planned(rehearsal.since + 1)
        return users, float(min(max(users, 1), FASTEST))


def join_shape() -> JoinShape:
    """A new shape."""
    return JoinShape()  # type: ignore[no-untyped-call]
