"""Encoders: the tracks of all seats, what they are set to, and from when on they send."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.randomness import mix_keys, name_hashes, stream_key
from scenarios.scenario import Scenario
from simulations.compiled import kernel
from simulations.media import TRACK, encode_at
from simulations.membership import ABSENT
from simulations.packets import AUDIO, PADDING, PICTURE, RESENT, SCREEN
from simulations.rates import FOREVER
from simulations.seats import FIRST_LAYER_TRACK, VOICE_TRACK, screen_track
from simulations.upstream import spread_rate
from simulations.world import World


class Encoders:
    """The tracks of a world's seats."""

    def __init__(self, world: World, settings: Any, scenario: Scenario, replication: int) -> None:
        """
        Args:
            settings: of the world, by name.
        """
        self.world = world
        self.settings = settings
        self.scenario = scenario
        self.key = stream_key(scenario.seed, replication, "media")
        self.sources = 0
        """How many sources there have been."""
        self.tracks = self._make_tracks()
        """Those of a seat, none of them sending yet."""

    def track(self, seat: int, place: int) -> Any:
        """The track of a seat that stands at a ``place`` among its own."""
        return self.world.tracks[seat * self.settings.tracks + place]

    def layer(self, seat: int, column: int) -> Any:
        """The track of a layer, or of the screen, which stands behind the layers."""
        if column == self.settings.layers:
            return self.track(seat, screen_track(self.settings.tracks))
        return self.track(seat, FIRST_LAYER_TRACK + column)

    def is_connected(self, seat: int) -> bool:
        """Whether the seat's publisher sends, if it has something to send."""
        endpoint = int(self.world.seats["publisher"][seat])
        return bool(self.world.endpoints["served"][endpoint] != ABSENT)

    def begin(self, seat: int, endpoint: int, site: str, now: int, opened: int) -> None:
        """Make the tracks of a seat ready, as new sources.

        Args:
            opened: when its camera sees its first frame, ns.
        """
        tracks, count = self.tracks.copy(), len(self.tracks)
        names = [f"{site} {now} {place}" for place in range(count)]
        tracks["key_stream"] = mix_keys(self.key, name_hashes(names))
        tracks["seat"], tracks["publisher"], tracks["next_capture"] = seat, endpoint, opened
        tracks["source"] = np.arange(self.sources, self.sources + count)
        self.sources += count
        self.world.tracks[seat * count : (seat + 1) * count] = tracks

    def send_voice(self, seat: int, now: int, *, talking: bool) -> None:
        """Let the seat's voice begin.

        Args:
            talking: it talks without a pause.
        """
        if not self.is_connected(seat):
            return
        track = self.track(seat, VOICE_TRACK)
        audio = self.scenario.media.audio
        begin = max(now, int(self.world.seats["opened"][seat]))
        track["next"] = begin + audio.encode_delay
        track["pause"] = audio.pause if audio.dtx and not talking else 0
        track["turn_end"] = track["next"]
        track["turns"] = 0

    def send_layers(self, seat: int, layers: int, now: int) -> None:
        """Let the seat send the layers (bits; the screen's behind them), with a key frame each."""
        if not self.is_connected(seat):
            return
        world, settings = self.world, self.settings
        active = int(world.seats["active"][seat]) | layers
        world.seats["active"][seat] = world.seats["told"][seat] = active
        for column in range(settings.layers + 1):
            if layers >> column & 1:
                self.layer(seat, column)["key_wanted"] = 1
        if settings.adapts:
            spread_rate(world, seat, now)
            return
        for column in range(settings.layers + 1):
            track = self.layer(seat, column)
            if layers >> column & 1 and track["next"] == FOREVER:
                _encode_in_full(track, float(world.layer_bitrates[column]))
                behind = max(0, now - int(track["next_capture"]))
                track["next_capture"] += -(-behind // int(track["period"])) * int(track["period"])
                track["next"] = track["next_capture"] + track["encode_delay"]
                world.layer_rates[seat, column] = world.layer_bitrates[column]

    def end_screen(self, seat: int) -> None:
        """Let the seat send no screen any more."""
        world, column = self.world, self.settings.layers
        self.layer(seat, column)["next"] = FOREVER
        world.seats["active"][seat] &= ~(1 << column)
        world.layer_rates[seat, column] = 0

    def silence(self, seat: int) -> None:
        """Let the seat send nothing at all."""
        world, count = self.world, len(self.tracks)
        mine = world.tracks[seat * count : (seat + 1) * count]
        mine["next"] = FOREVER
        mine["left"] = mine["bitrate"] = 0
        world.layer_rates[seat] = 0
        record = world.seats[seat]
        record["resend_head"] = record["resend_tail"]
        record["padding"] = 0

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


@kernel
def _encode_in_full(track: Any, bitrate: float) -> None:
    encode_at(track, bitrate)
