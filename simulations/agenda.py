"""The agenda: a meeting as moves in time, before anything is played.

Floor turns, roll call, discussion, shared screens and the wall become one list of moves. It depends
on the scenario and on who takes part, not on the network: what a call needs beyond the instant at
which it is made (signalling, the camera) is for whoever plays it.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from scenarios.meeting import Discussion, FloorTurn, Order, RollCall
from scenarios.orders import ordered
from scenarios.population import Population
from scenarios.randomness import entity_keys, stream_key
from scenarios.scenario import Scenario
from simulations.last_n import LastN
from simulations.talking import heard_voices, talk_spurts

Kind = Literal[
    "screen off",
    "voice off",
    "release",
    "floor",
    "call",
    "voice on",
    "picture",
    "screen on",
    "tile",
]
"""What a move does, in the order in which moves of one instant are made:

- `screen off`, `screen on`: the endpoint's screen is shared, or no more.
- `voice off`, `voice on`: a speaker of the discussion is heard as this voice, or no more.
- `release`: the called endpoint gives the floor back to the command centre, whose picture has this
  number from now on.
- `floor`: the endpoint takes the floor, with this picture.
- `call`: the chair calls the endpoint, which is to take the floor with this picture.
- `picture`: a speaker of the discussion takes this picture.
- `tile`: this tile of the wall shows the endpoint.
"""

NONE = -1
_RANKS = {kind: rank for rank, kind in enumerate(get_args(Kind))}


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens in the meeting."""

    at: int
    """Nanoseconds from the meeting's start."""
    kind: Kind
    endpoint: int
    """Index into the population."""
    tile: int = NONE
    """Number of the picture, of the voice or of the wall's tile; NONE for a screen."""


def agenda(scenario: Scenario, population: Population, replication: int = 0) -> list[Move]:
    """All moves of ``scenario``'s meeting before its end, in time; deterministic throughout."""
    setting = _Setting(scenario, population, replication)
    programme = sorted(_programme(setting), key=_place)
    moves = [*programme, *_screens(setting), *_wall(setting, programme)]
    return sorted((move for move in moves if move.at < scenario.duration), key=_place)


def _place(move: Move) -> tuple[int, int]:
    return move.at, _RANKS[move.kind]


@dataclass(frozen=True)
class _Setting:
    """What all parts of the agenda are made from."""

    scenario: Scenario
    population: Population
    replication: int

    @cached_property
    def indices(self) -> dict[str, int]:
        """Every endpoint's index by its site."""
        return {site: index for index, site in enumerate(self.population.site)}

    @property
    def centre(self) -> int:
        """The command centre's index."""
        return len(self.population) - 1

    def line(self, order: Order, component: str, sites: Sequence[str] = ()) -> list[int]:
        """``sites``, or all endpoints without the command centre, in ``order``."""
        candidates = [self.indices[site] for site in sites] or list(range(self.centre))
        seed = self.scenario.seed
        return ordered(
            self.population, candidates, order,
            seed=seed, replication=self.replication, component=component,
        )  # fmt: skip


# ---------------------------------------------------------------- who has the floor


def _programme(setting: _Setting) -> Iterator[Move]:
    """Floor turns, roll call and discussion. No turn lies within the other two."""
    meeting = setting.scenario.meeting
    pictures = LastN(meeting.pictures)
    stretches = [part for part in (meeting.roll_call, meeting.discussion) if part is not None]
    begins = {part.begin for part in stretches}
    parts: list[tuple[int, FloorTurn | RollCall | Discussion]]
    parts = [(turn.at, turn) for turn in meeting.floor if turn.at not in begins]
    parts += [(part.begin, part) for part in stretches]
    holder = NONE
    for now, part in sorted(parts, key=lambda item: item[0]):
        if isinstance(part, FloorTurn):
            holder = setting.indices[part.site]
            yield Move(now, "floor", holder, pictures.give(holder, now))
            continue
        if holder != setting.centre:
            holder = setting.centre
            yield Move(now, "floor", holder, pictures.give(holder, now))
        end = setting.scenario.duration if part.end is None else part.end
        if isinstance(part, RollCall):
            yield from _calls(setting, part, end, pictures)
            continue
        yield from _discuss(setting, part, end, pictures)
        if all(turn.at != end for turn in meeting.floor):
            yield Move(end, "floor", holder, pictures.give(holder, end))


def _calls(setting: _Setting, wanted: RollCall, end: int, pictures: LastN) -> Iterator[Move]:
    called = itertools.cycle(setting.line(wanted.order, "roll call", wanted.sites))
    for at in range(wanted.begin, end, wanted.every):
        endpoint, back = next(called), min(at + wanted.hold, end)
        yield Move(at, "call", endpoint, pictures.give(endpoint, at))
        yield Move(back, "release", endpoint, pictures.give(setting.centre, back))


# ---------------------------------------------------------------- discussion


def _discuss(setting: _Setting, wanted: Discussion, end: int, pictures: LastN) -> Iterator[Move]:
    speakers = setting.line("spread", "speakers", wanted.sites)[: wanted.speakers]
    key = stream_key(setting.scenario.seed, setting.replication, "discussion")
    keys = entity_keys(key, [setting.population.site[speaker] for speaker in speakers])
    spurts = [
        spurt
        for speaker, own in zip(speakers, keys, strict=True)
        for spurt in talk_spurts(own, speaker, wanted.begin, end, wanted.talk, wanted.pause)
    ]
    changes = heard_voices(spurts, wanted.voices)
    for change in changes:
        kind: Kind = "voice on" if change.heard else "voice off"
        yield Move(change.at, kind, change.speaker, change.voice)
    for at, speaker, number in pictures.follow(changes, wanted.hold, end):
        yield Move(at, "picture", speaker, number)


# ---------------------------------------------------------------- screens and wall


def _screens(setting: _Setting) -> Iterator[Move]:
    for share in setting.scenario.meeting.screen:
        until = setting.scenario.duration if share.until is None else share.until
        yield Move(share.at, "screen on", setting.indices[share.site])
        yield Move(until, "screen off", setting.indices[share.site])


def _wall(setting: _Setting, programme: Sequence[Move]) -> Iterator[Move]:
    """One endpoint after another on each tile. The tiles of the beginning change one by one, spread
    over the dwell time.

    Whom the programme shows already is passed over while there are others, and so is who is on
    another tile.
    """
    wanted = setting.scenario.meeting.wall
    if wanted is None:
        return
    line = deque(setting.line(wanted.order, "wall"))
    tiles = [NONE] * min(wanted.tiles, len(line))
    on_wall: set[int] = set()
    shown = [NONE] * setting.scenario.meeting.pictures
    coming = deque(programme)
    for turn in itertools.count():
        now, tile = max(0, turn - len(tiles) + 1) * wanted.step, turn % len(tiles)
        if now >= setting.scenario.duration:
            return
        while coming and coming[0].at <= now:
            move = coming.popleft()
            if move.kind in ("floor", "call", "picture"):
                shown[move.tile] = move.endpoint
            elif move.kind == "release":
                shown[move.tile] = setting.centre
        on_wall.discard(tiles[tile])
        chosen = _next_in_line(line, on_wall, set(shown) if len(line) > len(tiles) else set())
        on_wall.add(chosen)
        if chosen != tiles[tile]:
            tiles[tile] = chosen
            yield Move(now, "tile", chosen, tile)


def _next_in_line(line: deque[int], elsewhere: set[int], shown: set[int]) -> int:
    """The first of ``line`` who is not ``elsewhere`` nor, if there is such a one, ``shown``; all up
    to that one go to the end of the line."""
    free = (place for place, endpoint in enumerate(line) if endpoint not in elsewhere)
    first = next(free)
    rest = itertools.chain([first], free)
    place = next((place for place in rest if line[place] not in shown), first)
    line.rotate(-(place + 1))
    return line[-1]
