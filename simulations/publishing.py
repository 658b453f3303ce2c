"""Who publishes: endpoints take seats, and seats are put into receivers' streams."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

from scenarios.scenario import Scenario
from simulations.choosing import want_settled
from simulations.compiled import direct
from simulations.controllers import make_controllers
from simulations.encoders import Encoders
from simulations.groups import bring_up
from simulations.outs import NOTHING
from simulations.presence import observe, observe_one
from simulations.rates import FOREVER
from simulations.seats import NO_SESSION, SEAT, SEAT_COUNTS, VOICE_TRACK
from simulations.settings import TICK
from simulations.turns import EVERY_TICK
from simulations.world import FLOOR, STIRRED, WALL_STIRRED, World

NOBODY = -1

_SLOTS = ("only", "voice_slot", "picture_slot", "screen_slot", "tile_slot")
_KEPT = [*_SLOTS, "publisher", "next", *SEAT_COUNTS]
"""What of a seat outlives its publisher's session."""


@dataclass
class _Seat:
    """A taken seat: who sits there, and what for."""

    index: int
    endpoint: int
    roles: set[str] = field(default_factory=set)
    talking: bool = False
    """It talks without a pause."""


class Publishing:
    """The seats of a world, and what is in them."""

    def __init__(self, world: World, scenario: Scenario, replication: int) -> None:
        self.world = world
        settings = world.settings[0]
        # It is asked thousands of times a meeting; numpy's records take microseconds to answer.
        self.settings: Any = SimpleNamespace(
            **dict(zip(settings.dtype.names, settings.item(), strict=True))
        )
        self.encoders = Encoders(world, self.settings, scenario, replication)
        self.sessions: dict[int, int] = {}
        """The first source of the running session of each endpoint that has come back."""
        self.taken: dict[int, _Seat] = {}
        """By endpoint."""
        self.left = np.zeros(len(world.seats), np.int64)
        """When each seat was last left: the one free for longest is taken first."""
        self.first_picture = int(self.settings.voices)
        self.floor = NOBODY
        """The endpoint whose picture came up last."""
        control = scenario.media.congestion_control
        profile = control.profile if self.settings.adapts else "libwebrtc"
        self.controller = make_controllers(
            1, profile, control.start, control.minimum, control.maximum
        )[0]
        """One that has just begun."""
        self.seat = np.zeros((), SEAT)
        """One that nobody has taken."""
        for name in _SLOTS:
            self.seat[name] = NOBODY
        kind, whole = numba.typeof(world), numba.int64
        self._bring_up = direct(bring_up, kind, whole, whole)
        self._observe_one = direct(observe_one, kind, whole, whole)

    # ------------------------------------------------------------ roles

    def show(
        self, endpoint: int, site: str, now: int, picture: int, first_capture: int | None = None
    ) -> None:
        """Put ``endpoint`` into one of the pictures that everyone sees. It has the floor: how long
        it takes to be seen is measured from here on.

        Args:
            now: ns. picture: its number.
            first_capture: when its camera sees its first frame; at once, unless said.
        """
        world = self.world
        observe(world, now)
        seat = self._seat(endpoint, site, now, first_capture)
        stream = self.first_picture + picture
        before = int(world.slot_seats[stream])
        if before >= 0:
            self._holder(before).roles.discard("picture")
        self._begin_anew(seat, stream)
        world.slot_seats[stream] = seat.index
        world.seats["picture_slot"][seat.index] = stream
        seat.roles.add("picture")
        world.seats["only"][seat.index] = NOBODY
        self.encoders.send_layers(seat.index, (1 << self.settings.layers) - 1, now)
        self.floor = endpoint
        world.endpoints["seen"] = NOBODY
        world.call[:] = NOBODY
        world.totals[FLOOR] = seat.index
        self._stir(now)

    def lead(self, endpoint: int, site: str, now: int) -> None:
        """Make ``endpoint`` the chair: its picture goes to whoever has the floor in its place."""
        seat = self._seat(endpoint, site, now, None)
        seat.roles.add("chair")
        self.world.slot_seats[-1] = seat.index

    def hear(self, endpoint: int, site: str, now: int, *, talking: bool = False) -> None:
        """Let everyone hear ``endpoint``, if a voice is free.

        Args:
            talking: it talks without a pause until it is no longer heard.
        """
        world = self.world
        observe(world, now)
        seat = self._seat(endpoint, site, now, None)
        if "voice" in seat.roles:
            return
        free = [v for v in range(self.settings.voices) if world.slot_seats[v] < 0]
        if not free:
            return
        seat.roles.add("voice")
        self._begin_anew(seat, free[0])
        world.slot_seats[free[0]] = seat.index
        world.seats["voice_slot"][seat.index] = free[0]
        seat.talking = talking
        self.encoders.send_voice(seat.index, now, talking=seat.talking)

    def mute(self, endpoint: int, now: int) -> None:
        """Let nobody hear ``endpoint`` any more."""
        if (seat := self.taken.get(endpoint)) is not None and "voice" in seat.roles:
            world = self.world
            observe(world, now)
            world.slot_seats[int(world.seats["voice_slot"][seat.index])] = NOBODY
            world.seats["voice_slot"][seat.index] = NOBODY
            self.encoders.track(seat.index, VOICE_TRACK)["next"] = FOREVER
            self._drop(seat, "voice", now)

    def hide(self, endpoint: int, now: int) -> None:
        """Take ``endpoint`` out of the pictures that others have taken over from it by now.

        The chair's picture is kept for whoever has the floor.
        """
        world = self.world
        if (seat := self.taken.get(endpoint)) is None or "picture" in seat.roles:
            return
        observe(world, now)
        holder = self.floor
        if "chair" in seat.roles and holder not in (NOBODY, endpoint):
            slots = world.seats[seat.index]
            if (slots["picture_slot"], slots["only"]) != (self.first_picture, holder):
                self._begin_anew(seat, self.first_picture)
            world.seats["picture_slot"][seat.index] = self.first_picture
            world.seats["only"][seat.index] = holder
            self.encoders.send_layers(seat.index, (1 << self.settings.layers) - 1, now)
        else:
            world.seats["picture_slot"][seat.index] = NOBODY
            self._drop(seat, "", now)
        self._stir(now)

    def show_tile(self, tile: int, endpoint: int, site: str, now: int) -> None:
        """From ``now`` (ns) on, ``endpoint`` is on the wall's ``tile``. It concerns nobody else but
        the command centre; the others need not have been played up to now (see
        `simulations.turns`)."""
        world, settings = self.world, self.settings
        centre = len(world.endpoints) - 1
        self._bring_up(world, centre, now)
        self._observe_one(world, centre, now)
        stream = settings.voices + settings.pictures + tile
        before = int(world.slot_seats[stream])
        if before >= 0:
            shown = self._holder(before)
            world.slot_seats[stream] = NOBODY
            world.seats["tile_slot"][before] = NOBODY
            self._drop(shown, "tile", now)
        seat = self._seat(endpoint, site, now, None)
        seat.roles.add("tile")
        world.slot_seats[stream] = seat.index
        world.seats["tile_slot"][seat.index] = stream
        self.encoders.send_layers(seat.index, 1 << settings.tile_layer, now)
        self._stir_wall(now)

    def share_screen(self, endpoint: int, site: str, now: int) -> None:
        """Let everyone see the screen of ``endpoint`` beside the pictures."""
        world, slot = self.world, self.settings.screen_slot
        observe(world, now)
        before = int(world.slot_seats[slot])
        if before >= 0:
            self.hide_screen(self._holder(before).endpoint, now)
        seat = self._seat(endpoint, site, now, None)
        seat.roles.add("screen")
        world.slot_seats[slot] = seat.index
        world.seats["screen_slot"][seat.index] = slot
        self.encoders.send_layers(seat.index, 1 << self.settings.layers, now)
        self._stir(now)

    def hide_screen(self, endpoint: int, now: int) -> None:
        """End the sharing of ``endpoint``'s screen."""
        if (seat := self.taken.get(endpoint)) is not None and "screen" in seat.roles:
            world = self.world
            observe(world, now)
            world.slot_seats[self.settings.screen_slot] = NOBODY
            world.seats["screen_slot"][seat.index] = NOBODY
            self.encoders.end_screen(seat.index)
            self._drop(seat, "screen", now)
            self._stir(now)

    def _stir(self, now: int, whom: int = STIRRED) -> None:
        """Who is seen has changed, for all or, with WALL_STIRRED, on the wall only."""
        self.world.totals[whom] = now
        if not self.settings.adapts:
            want_settled(self.world, now)

    def _stir_wall(self, now: int) -> None:
        """Who is seen has changed for the command centre, the last endpoint, alone."""
        self.world.turns["steer"][-1] = EVERY_TICK
        self._stir(now, WALL_STIRRED)

    def shown(self) -> set[int]:
        """Endpoints that pictures are meant to show."""
        streams = range(self.first_picture, self.first_picture + int(self.settings.pictures))
        seats = [int(self.world.slot_seats[s]) for s in streams if s != self.settings.screen_slot]
        return {self._holder(seat).endpoint for seat in seats if seat >= 0}

    def _begin_anew(self, seat: _Seat, stream: int) -> None:
        """Before ``seat`` is put into a ``stream``: whoever took packets of it there once, and has
        not been sent all since, takes them as a new source's. What it was never to get is no
        loss. Screens have one stream only: they send nothing elsewhere meanwhile."""
        world, each, n = self.world, int(self.settings.tracks), len(self.world.endpoints)
        record = world.seats[seat.index]
        whole = np.zeros(n, bool)  # who has been sent all
        if record["picture_slot"] == stream:
            whole[record["only"] if record["only"] != NOBODY else slice(None)] = True
        own = world.tracks["source"][seat.index * each : (seat.index + 1) * each]
        outs = world.outs[stream * n : (stream + 1) * n]
        stale = np.isin(outs["source"], own) & ~whole
        outs["source"][stale] = outs["layer"][stale] = NOTHING

    # ------------------------------------------------------------ coming and going

    def suspend(self, endpoint: int) -> None:
        """``endpoint`` is not connected any more: it sends nothing, but keeps its seat."""
        if (seat := self.taken.get(endpoint)) is not None:
            self.encoders.silence(seat.index)

    def resume(self, endpoint: int, site: str, now: int) -> None:
        """``endpoint`` is connected: if it has a seat, it sends what it is there for, as anew."""
        self.sessions[endpoint] = self.encoders.sources
        if not self.settings.adapts:
            want_settled(self.world, now)
        if (seat := self.taken.get(endpoint)) is None:
            return
        self._open(seat, site, now, now)
        if "voice" in seat.roles:
            self.encoders.send_voice(seat.index, now, talking=seat.talking)
        slots, settings = self.world.seats[seat.index], self.settings
        layers = 0
        if slots["picture_slot"] >= 0:
            layers |= (1 << settings.layers) - 1
        if "tile" in seat.roles:
            layers |= 1 << settings.tile_layer
        if "screen" in seat.roles:
            layers |= 1 << settings.layers
        if layers:
            self.encoders.send_layers(seat.index, layers, now)
        if seat.roles == {"tile"} and slots["picture_slot"] < 0:
            self._stir_wall(now)
        else:
            self._stir(now)

    def forget(self, endpoint: int) -> None:
        """The node of ``endpoint`` has lost its session: what it still sends is not taken."""
        if (seat := self.taken.get(endpoint)) is not None:
            self.world.seats["first_source"][seat.index] = NO_SESSION

    # ------------------------------------------------------------ seats

    def _holder(self, index: int) -> _Seat:
        endpoint = int(self.world.seats["publisher"][index])
        return self.taken[endpoint]

    def _seat(self, endpoint: int, site: str, now: int, first_capture: int | None) -> _Seat:
        """The endpoint's seat; a new one where it has none."""
        if endpoint in self.taken:
            return self.taken[endpoint]
        world = self.world
        free = np.flatnonzero(world.seats["publisher"] < 0)
        index = int(free[np.argmin(self.left[free])])
        seat = self.taken[endpoint] = _Seat(index, endpoint)
        opened = now if first_capture is None else first_capture
        world.seats[index] = self.seat
        world.seats["publisher"][index] = endpoint
        self._open(seat, site, now, opened)
        if self.encoders.is_connected(index):
            node = world.nodes[int(world.endpoints["node"][endpoint])]
            node["cpu_free"] = max(int(node["cpu_free"]), now) + int(node["join_cost"])
            node["cpu_work"] += node["join_cost"]
        return seat

    def _open(self, seat: _Seat, site: str, now: int, opened: int) -> None:
        """Begin the way from a seat to its node anew. Packets are numbered on: none of those that
        are still on their way is taken for a new one."""
        world, index, endpoint = self.world, seat.index, seat.endpoint
        world.turns["play"][endpoint] = EVERY_TICK
        record = self.seat.copy()
        record[_KEPT] = world.seats[index][_KEPT]
        record["arrived"] = record["reported"] = record["next"]
        known = world.endpoints["served"][endpoint] >= 0
        record["first_source"] = self.sessions.get(endpoint, 0) if known else NO_SESSION
        record["opened"] = opened
        record["feedback_at"] = (now // TICK + 2) * TICK
        world.seats[index] = record
        world.seat_controllers[index] = self.controller
        world.seat_mail[index] = np.zeros((), world.seat_mail.dtype)
        columns = self.settings.layers + 1
        world.seat_nacks[index * columns : (index + 1) * columns] = 0
        world.layer_rates[index] = 0
        world.key_wanted[index] = 0
        world.key_asked[index] = world.demanded_at[index] = -(10**12)
        self.encoders.begin(index, endpoint, site, now, opened)

    def _drop(self, seat: _Seat, role: str, now: int) -> None:
        """Take a role from a seat; who has none left, leaves it."""
        seat.roles.discard(role)
        shown = self.world.seats["picture_slot"][seat.index] >= 0
        if seat.roles or shown:
            return
        first = seat.index * self.settings.tracks
        self.world.tracks["next"][first : first + self.settings.tracks] = FOREVER
        self.world.seats["publisher"][seat.index] = NOBODY
        self.world.layer_rates[seat.index] = 0
        self.left[seat.index] = now
        del self.taken[seat.endpoint]
