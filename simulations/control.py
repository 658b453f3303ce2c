"""Control events in simulated time, as SimPy processes; the clock counts integer nanoseconds."""

from collections.abc import Generator
from dataclasses import dataclass, field

import simpy

from scenarios.population import Population
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.agenda import Move, agenda
from simulations.calls import Call, finish_call
from simulations.publishing import NOBODY, Publishing
from simulations.signalling import MESSAGE, signal

Process = Generator[simpy.Event, None, None]

LINGER = 3 * SECOND
"""For so long who had the floor goes on sending: receivers see it until the new one is there."""
RETRY = SECOND // 5
"""Before a lost signalling message is sent again; twice as long each time (TCP's least
retransmission time-out where it is lower than RFC 6298's, as in Linux)."""
TRIES = 6


@dataclass
class Log:
    """Control events, in time: (ns, kind, subject, detail)."""

    events: list[tuple[int, str, str, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def add(self, now: int, kind: str, subject: str, detail: str = "") -> None:
        """Write one event."""
        self.events.append((now, kind, subject, detail))


class Meeting:
    """Plays the agenda: who is seen, heard and called."""

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        population: Population,
        publishing: Publishing,
        log: Log,
        replication: int = 0,
    ) -> None:
        self.env = env
        self.scenario = scenario
        self.population = population
        self.publishing = publishing
        self.log = log
        self.centre = len(population) - 1
        self.moves = agenda(scenario, population, replication)
        self.call: Call | None = None
        roll_call = scenario.meeting.roll_call
        self.led = roll_call is not None
        self.camera = roll_call.camera if roll_call else 0
        """From the call's arrival to the first frame that is captured, ns."""
        self.wakes = {0}
        """When it does something, ns: the world must have been played up to then, exactly."""
        self.settles = {0}
        """When that concerns everyone: all must have been played (see `simulations.turns`)."""

    def play(self) -> Process:
        """Make every move at its time."""
        self.publishing.lead(self.centre, self._site(self.centre), 0)
        common = {move.at for move in self.moves if move.kind != "tile"}
        for move in self.moves:
            if move.at > self.env.now:
                yield self._wait(move.at - int(self.env.now), settled=move.at in common)
            self._make(move)

    def _make(self, move: Move) -> None:
        publishing, now, endpoint = self.publishing, int(self.env.now), move.endpoint
        site = self._site(endpoint)
        if move.kind == "floor":
            self._give_floor(endpoint, move.tile)
        elif move.kind == "call":
            self.env.process(self._call(endpoint, move.tile))
        elif move.kind == "release":
            self._release(endpoint, move.tile)
        elif move.kind == "voice on":
            publishing.hear(endpoint, site, now, talking=True)
        elif move.kind == "voice off":
            publishing.mute(endpoint, now)
        elif move.kind == "picture":
            self._show(endpoint, move.tile)
        elif move.kind == "tile":
            publishing.show_tile(move.tile, endpoint, site, now)
        elif move.kind == "screen on":
            publishing.share_screen(endpoint, site, now)
            self.log.add(now, "screen", site, "on")
        elif move.kind == "screen off":
            publishing.hide_screen(endpoint, now)
            self.log.add(now, "screen", site, "off")

    def _wait(self, delay: int, *, settled: bool = True) -> simpy.Event:
        at = int(self.env.now) + delay
        self.wakes.add(at)
        if settled:
            self.settles.add(at)
        return self.env.timeout(delay)

    def _site(self, endpoint: int) -> str:
        return self.population.site[endpoint]

    # ------------------------------------------------------------ the floor

    def _give_floor(self, endpoint: int, picture: int) -> None:
        """Everyone hears and sees ``endpoint`` from now on, and no more who spoke before."""
        before = self.publishing.floor
        now = int(self.env.now)
        if before not in (NOBODY, endpoint) and not (self.led and before == self.centre):
            self.publishing.mute(before, now)
        self._show(endpoint, picture)
        self.publishing.hear(endpoint, self._site(endpoint), now)
        self.log.add(now, "floor", self._site(endpoint), self.population.name[endpoint])

    def _show(self, endpoint: int, picture: int, first_capture: int | None = None) -> None:
        """Put ``endpoint`` into a picture; whoever it takes the place of goes a little later."""
        now = int(self.env.now)
        shown = self.publishing.shown()
        self.publishing.show(endpoint, self._site(endpoint), now, picture, first_capture)
        gone = shown - self.publishing.shown()
        for other in sorted(gone):
            self.env.process(self._hide_later(other))
        if self.centre not in gone:
            self.publishing.hide(self.centre, now)

    def _hide_later(self, endpoint: int) -> Process:
        yield self._wait(LINGER)
        self.publishing.hide(endpoint, int(self.env.now))

    # ------------------------------------------------------------ the roll call

    def _call(self, endpoint: int, picture: int) -> Process:
        """Call ``endpoint``: signalling, its camera, its picture."""
        called = int(self.env.now)
        call = self.call = Call(called, endpoint)
        self.log.calls.append(call)
        self.log.add(called, "call", self._site(endpoint), self.population.name[endpoint])
        wait = RETRY
        for _ in range(TRIES):
            now = int(self.env.now)
            arrival = signal(self.publishing.world, self.centre, endpoint, now, MESSAGE)
            if arrival >= 0:
                break
            yield self._wait(wait)
            wait *= 2
        else:
            return
        if arrival > self.env.now:
            yield self._wait(arrival - int(self.env.now))
        if self.call is not call:
            return  # the chair has gone on
        call.granted = int(self.env.now)
        self._show(endpoint, picture, call.granted + self.camera)
        self.publishing.hear(endpoint, self._site(endpoint), call.granted)
        self.log.add(call.granted, "floor", self._site(endpoint), self.population.name[endpoint])

    def _release(self, endpoint: int, picture: int) -> None:
        """Take the floor back from who was called."""
        now = int(self.env.now)
        if self.call is not None and self.call.endpoint == endpoint:
            finish_call(self.call, self.publishing.world)
            self.call = None
        self.publishing.mute(endpoint, now)
        if self.publishing.floor == endpoint:
            self._show(self.centre, picture)
            self.log.add(now, "floor", self._site(self.centre), self.population.name[self.centre])

    def close(self) -> None:
        """The meeting's end: what the last call came to."""
        if self.call is not None:
            finish_call(self.call, self.publishing.world)


def loads(env: simpy.Environment, scenario: Scenario, log: Log) -> Process:
    """Write down when the load of others changes on access links and carriers' shared links."""
    profiles = [(name, "access", profile.load) for name, profile in scenario.access.items()]
    for name, carrier in scenario.carriers.items():
        for kind in ("backbone", "aggregation", "peering"):
            profiles.append((name, kind, getattr(carrier, kind).background.load))
    changes = sorted(
        (step.at, kind, name, step.share)
        for name, kind, profile in profiles
        for step in profile
        if step.at > 0
    )
    for at, kind, name, share in changes:
        yield env.timeout(at - env.now)
        log.add(at, "load", name, f"{kind} {share:.0%}")
