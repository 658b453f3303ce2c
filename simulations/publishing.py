"""Who publishes: endpoints take seats, and seats are put into receivers' streams."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from scenarios.randomness import mix_keys, name_hashes, stream_key
from scenarios.scenario import Scenario
from simulations import freezes
from simulations.allocation import seat_shown
from simulations.compiled import direct, kernel
from simulations.congestion import make_controllers
from simulations.groups import bring_up
from simulations.media import TRACK, encode_at
from simulations.membership import ABSENT
from simulations.outs import out_index
from simulations.packets import AUDIO, PADDING, PICTURE, RESENT, SCREEN
from simulations.presence import observe, observe_one
from simulations.rates import FOREVER
from simulations.seats import FIRST_LAYER_TRACK, NO_SESSION, SEAT, SEAT_COUNTS, VOICE_TRACK
from simulations.settings import TICK
from simulations.turns import EVERY_TICK
from simulations.upstream import spread_rate
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
        self.scenario = scenario
        self.key = stream_key(scenario.seed, replication, "media")
        self.sources = 0
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
        self.tracks = self._make_tracks()
        """Those of a seat, none of them sending yet."""
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
        world.slot_seats[stream] = seat.index
        world.seats["picture_slot"][seat.index] = stream
        seat.roles.add("picture")
        world.seats["only"][seat.index] = NOBODY
        self._send_layers(seat, (1 << self.settings.layers) - 1, now)
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
        world.slot_seats[free[0]] = seat.index
        world.seats["voice_slot"][seat.index] = free[0]
        seat.talking = talking
        self._send_voice(seat, now)

    def mute(self, endpoint: int, now: int) -> None:
        """Let nobody hear ``endpoint`` any more."""
        if (seat := self.taken.get(endpoint)) is not None and "voice" in seat.roles:
            world = self.world
            observe(world, now)
            world.slot_seats[int(world.seats["voice_slot"][seat.index])] = NOBODY
            world.seats["voice_slot"][seat.index] = NOBODY
            self._track(seat.index, VOICE_TRACK)["next"] = FOREVER
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
            world.seats["picture_slot"][seat.index] = self.first_picture
            world.seats["only"][seat.index] = holder
            self._send_layers(seat, (1 << self.settings.layers) - 1, now)
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
        self._send_layers(seat, 1 << settings.tile_layer, now)
        world.turns["steer"][centre] = EVERY_TICK
        self._stir(now, WALL_STIRRED)

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
        self._send_layers(seat, 1 << self.settings.layers, now)
        self._stir(now)

    def hide_screen(self, endpoint: int, now: int) -> None:
        """End the sharing of ``endpoint``'s screen."""
        if (seat := self.taken.get(endpoint)) is not None and "screen" in seat.roles:
            world = self.world
            observe(world, now)
            world.slot_seats[self.settings.screen_slot] = NOBODY
            world.seats["screen_slot"][seat.index] = NOBODY
            self._layer_track(seat.index, self.settings.layers)["next"] = FOREVER
            world.seats["active"][seat.index] &= ~(1 << self.settings.layers)
            world.layer_rates[seat.index, self.settings.layers] = 0
            self._drop(seat, "screen", now)
            self._stir(now)

    def _stir(self, now: int, whom: int = STIRRED) -> None:
        """Who is seen has changed, for all or, with WALL_STIRRED, on the wall only."""
        self.world.totals[whom] = now
        if not self.settings.adapts:
            _watch(self.world, now)

    def shown(self) -> set[int]:
        """Endpoints that pictures are meant to show."""
        streams = range(self.first_picture, self.first_picture + int(self.settings.pictures))
        seats = [int(self.world.slot_seats[s]) for s in streams if s != self.settings.screen_slot]
        return {self._holder(seat).endpoint for seat in seats if seat >= 0}

    # ------------------------------------------------------------ coming and going

    def suspend(self, endpoint: int) -> None:
        """``endpoint`` is not connected any more: it sends nothing, but keeps its seat."""
        if (seat := self.taken.get(endpoint)) is not None:
            self._fall_silent(seat.index)

    def resume(self, endpoint: int, site: str, now: int) -> None:
        """``endpoint`` is connected: if it has a seat, it sends what it is there for, as anew."""
        self.sessions[endpoint] = self.sources
        if not self.settings.adapts:
            _watch(self.world, now)
        if (seat := self.taken.get(endpoint)) is None:
            return
        self._open(seat, site, now, now)
        if "voice" in seat.roles:
            self._send_voice(seat, now)
        slots, settings = self.world.seats[seat.index], self.settings
        layers = 0
        if slots["picture_slot"] >= 0:
            layers |= (1 << settings.layers) - 1
        if "tile" in seat.roles:
            layers |= 1 << settings.tile_layer
        if "screen" in seat.roles:
            layers |= 1 << settings.layers
        if layers:
            self._send_layers(seat, layers, now)
        self._stir(now)

    def forget(self, endpoint: int) -> None:
        """The node of ``endpoint`` has lost its session: what it still sends is not taken."""
        if (seat := self.taken.get(endpoint)) is not None:
            self.world.seats["first_source"][seat.index] = NO_SESSION

    def _is_connected(self, endpoint: int) -> bool:
        """Whether it sends, if it has something to send."""
        return bool(self.world.endpoints["served"][endpoint] != ABSENT)

    def _fall_silent(self, index: int) -> None:
        """Let a seat send nothing at all."""
        world, tracks = self.world, self.settings.tracks
        mine = world.tracks[index * tracks : (index + 1) * tracks]
        mine["next"] = FOREVER
        mine["left"] = mine["bitrate"] = 0
        world.layer_rates[index] = 0
        record = world.seats[index]
        record["resend_head"] = record["resend_tail"]
        record["padding"] = 0

    # ------------------------------------------------------------ seats

    def _holder(self, index: int) -> _Seat:
        endpoint = int(self.world.seats["publisher"][index])
        return self.taken[endpoint]

    def _track(self, seat: int, place: int) -> Any:
        return self.world.tracks[seat * self.settings.tracks + place]

    def _layer_track(self, seat: int, column: int) -> Any:
        """The track of a layer, or of the screen, which stands behind the layers."""
        settings = self.settings
        screen = column == settings.layers
        return self._track(seat, settings.tracks - 2 if screen else FIRST_LAYER_TRACK + column)

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
        if self._is_connected(endpoint):
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
        world.key_asked[index] = -(10**12)
        self._fill_tracks(index, endpoint, site, now, opened)

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

    # ------------------------------------------------------------ tracks

    def _fill_tracks(self, index: int, endpoint: int, site: str, now: int, opened: int) -> None:
        """Make the tracks of a new seat ready."""
        tracks, count = self.tracks.copy(), len(self.tracks)
        names = [f"{site} {now} {place}" for place in range(count)]
        tracks["key_stream"] = mix_keys(self.key, name_hashes(names))
        tracks["seat"], tracks["publisher"], tracks["next_capture"] = index, endpoint, opened
        tracks["source"] = np.arange(self.sources, self.sources + count)
        self.sources += count
        self.world.tracks[index * count : (index + 1) * count] = tracks

    def _make_tracks(self) -> NDArray[Any]:
        """The tracks of a seat, as far as all seats' are alike."""
        media, layers = self.scenario.media, self.settings.layers
        audio = media.audio
        kinds = [AUDIO, RESENT, *[PICTURE] * layers, SCREEN, PADDING]
        tracks = np.zeros(len(kinds), TRACK)
        tracks["next"], tracks["media"] = FOREVER, kinds
        tracks["header"], tracks["payload"] = media.header, media.video.payload
        voice = tracks[VOICE_TRACK]
        voice["encode_delay"] = audio.encode_delay
        voice["ptime"] = audio.ptime
        voice["voice_bytes"] = max(1, round(audio.bitrate * audio.ptime / 8e9))
        voice["noise_interval"] = audio.comfort_noise_interval
        voice["talk"] = audio.talk
        for column in range(layers + 1):
            self._fill_picture(tracks[FIRST_LAYER_TRACK + column], column)
        return tracks

    def _fill_picture(self, track: Any, column: int) -> None:
        """What the encoder of a layer, or of the screen, is set to."""
        video, screen = self.scenario.media.video, self.scenario.media.screen
        if column < len(video.layers):
            source: Any = video
            bitrate, least = video.layers[column].bitrate, video.layers[column].least_bitrate
            track["layer"] = column
        elif screen is not None:
            source, bitrate, least = screen, screen.bitrate, screen.least_bitrate
        else:
            return
        period = round(1e9 / source.frame_rate)
        track["encode_delay"] = video.encode_delay
        track["period"] = period
        track["key_interval"] = max(1, round(source.key_frame_interval / period))
        track["key_ratio"] = source.key_frame_ratio
        track["spread"] = source.size_spread
        track["least"] = least
        if not self.settings.adapts:
            track["pacing"] = 8e9 / (bitrate * video.pacing)
        track["skips"] = self.settings.adapts

    def _send_voice(self, seat: _Seat, now: int) -> None:
        """Let the seat's voice begin."""
        if not self._is_connected(seat.endpoint):
            return
        track = self._track(seat.index, VOICE_TRACK)
        audio = self.scenario.media.audio
        begin = max(now, int(self.world.seats["opened"][seat.index]))
        track["next"] = begin + audio.encode_delay
        track["pause"] = audio.pause if audio.dtx and not seat.talking else 0
        track["turn_end"] = track["next"]
        track["turns"] = 0

    def _send_layers(self, seat: _Seat, layers: int, now: int) -> None:
        """Let the seat send the layers (bits; the screen's behind them), with a key frame each."""
        if not self._is_connected(seat.endpoint):
            return
        world, settings = self.world, self.settings
        active = int(world.seats["active"][seat.index]) | layers
        world.seats["active"][seat.index] = world.seats["told"][seat.index] = active
        for column in range(settings.layers + 1):
            if layers >> column & 1:
                self._layer_track(seat.index, column)["key_wanted"] = 1
        if settings.adapts:
            spread_rate(world, seat.index, now)
            return
        for column in range(settings.layers + 1):
            track = self._layer_track(seat.index, column)
            if layers >> column & 1 and track["next"] == FOREVER:
                _encode_in_full(track, float(world.layer_bitrates[column]))
                behind = max(0, now - int(track["next_capture"]))
                track["next_capture"] += -(-behind // int(track["period"])) * int(track["period"])
                track["next"] = track["next_capture"] + track["encode_delay"]
                world.layer_rates[seat.index, column] = world.layer_bitrates[column]


@kernel
def _watch(world: Any, now: int) -> None:
    """Where nothing adapts, a picture is wanted wherever its stream is meant to show somebody, and
    its layer, settled beforehand, is one that is sent."""
    settings, n = world.settings[0], len(world.endpoints)
    for endpoint in range(n):
        place = world.endpoints[endpoint]
        if place.served < 0:
            continue  # what it wanted to see it wants still
        for i in range(place.pictures):
            slot = settings.voices + i
            picture = world.screens[place.first_picture + i].freezes
            wanted = world.outs[out_index(settings, n, slot, endpoint)].wanted
            if wanted >= 0 and seat_shown(world, slot, endpoint) >= 0:
                freezes.begin(picture, now)
            else:
                freezes.stop(picture, now)


@kernel
def _encode_in_full(track: Any, bitrate: float) -> None:
    encode_at(track, bitrate)
