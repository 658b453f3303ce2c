"""The stage: what the agenda's moves mean for a floor at a server, and for who publishes what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from scenarios.population import Population
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.agenda import Move, agenda
from synthetic_clients.signalling import Floor

LINGER = 3 * SECOND
"""For so long who had the floor goes on sending: the server shows it until the new one is there."""


@dataclass(frozen=True)
class Part:
    """What an endpoint publishes."""

    heard: bool = False
    layers: tuple[str, ...] = ()
    """Encodings of its picture that may be sent; none: its camera is off."""


SILENT = Part()


@dataclass(frozen=True)
class Scene:
    """What holds from ``at`` on."""

    at: int
    """Nanoseconds from the meeting's start."""
    floor: Floor
    parts: dict[int, Part]
    """By endpoint: what those publish who publish anything."""
    called: int | None = None
    """The endpoint that the chair calls with this scene."""


@dataclass
class Stage:
    """Turns moves into scenes. Who leaves the programme or the wall goes on for LINGER."""

    scenario: Scenario
    population: Population
    tiles: list[int | None] = field(init=False)
    programme: int | None = None
    called: int | None = None
    voices: dict[int, int] = field(default_factory=dict)
    """Speakers of the discussion, by their voice's number."""

    def __post_init__(self) -> None:
        wall = self.scenario.meeting.wall
        self.tiles = [None] * (wall.tiles if wall else 0)

    def scenes(self) -> Iterator[Scene]:
        """All scenes of the meeting, in time; the first is at 0."""
        moves = agenda(self.scenario, self.population)
        leaving: list[tuple[int, int]] = []
        times = sorted({0} | {move.at for move in moves} | {move.at + LINGER for move in moves})
        coming = iter([*moves, Move(1 << 62, "floor", 0)])
        move = next(coming)
        last: Scene | None = None
        for at in times:
            if at >= self.scenario.duration:
                return
            before = self._seen()
            called = None
            while move.at <= at:
                called = move.endpoint if move.kind == "call" else called
                self._make(move)
                move = next(coming)
            leaving = [(until, e) for until, e in leaving if until > at]
            leaving += [(at + LINGER, e) for e in before - self._seen()]
            scene = Scene(at, self._floor(), self._parts([e for _, e in leaving]), called)
            if last is None or replace(scene, at=0) != replace(last, at=0):
                yield scene
            last = scene

    @property
    def _centre(self) -> int:
        return len(self.population) - 1

    def _make(self, move: Move) -> None:
        if move.kind == "floor":
            self.programme, self.called = move.endpoint, None
        elif move.kind == "call":
            self.programme, self.called = move.endpoint, self._centre
        elif move.kind == "release":
            self.programme, self.called = self._centre, None
        elif move.kind == "picture" and move.tile == 0:
            self.programme = move.endpoint
        elif move.kind == "tile":
            self.tiles[move.tile] = move.endpoint
        elif move.kind == "voice on":
            self.voices[move.tile] = move.endpoint
        elif move.kind == "voice off":
            self.voices = {v: e for v, e in self.voices.items() if e != move.endpoint}
        if self.voices and move.kind in ("voice on", "voice off"):
            self.called = next(iter(self.voices.values()))

    def _seen(self) -> set[int]:
        shown = {self.programme, *self.tiles}
        return {e for e in shown if e is not None}

    def _floor(self) -> Floor:
        site = self.population.site
        named = [None if e is None else site[e] for e in (self.programme, self.called)]
        return Floor(named[0], named[1], tuple(None if e is None else site[e] for e in self.tiles))

    def _parts(self, leaving: Sequence[int]) -> dict[int, Part]:
        every = tuple(layer.name for layer in self.scenario.media.video.layers)
        wall = self.scenario.meeting.wall
        parts: dict[int, Part] = {}
        for e in (*self.tiles, *leaving):
            if e is not None and wall is not None:
                parts[e] = Part(False, (wall.layer,))
        for e in leaving:
            parts.setdefault(e, Part(False, every[:1]))
        heard = {self.programme, self.called, *self.voices.values()} - {None}
        for e in heard:
            assert e is not None
            parts[e] = Part(True, parts[e].layers if e in parts else ())
        if self.programme is not None:
            parts[self.programme] = Part(True, every)
        return parts


def first_parts(scenes: Sequence[Scene]) -> dict[int, int]:
    """When each endpoint that ever publishes first does (ns)."""
    first: dict[int, int] = {}
    for scene in scenes:
        for e in scene.parts:
            first.setdefault(e, scene.at)
    return first
