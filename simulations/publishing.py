"""Who sends what: binding the world's tracks to publishers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.media import Media
from scenarios.randomness import mix_keys, name_hashes, stream_key
from simulations.media import TRACK
from simulations.packets import AUDIO, FIRST_TILE, VIDEO

NOBODY = -1


class Publishing:
    """The tracks of the floor (one voice, every simulcast layer) and of the wall's tiles."""

    def __init__(
        self, tracks: NDArray[Any], media: Media, seed: int, replication: int, tile_layer: int
    ) -> None:
        self.tracks = tracks
        self.media = media
        self.tile_layer = tile_layer
        self.key = stream_key(seed, replication, "media")
        self.sources = 0
        layers = len(media.video.layers)
        self.floor = NOBODY
        self.floor_since = 0
        self.tiles = np.full(len(tracks) - 1 - layers, NOBODY, np.int32)
        self.tiles_since = np.zeros(len(self.tiles), np.int64)

    def give_floor(self, endpoint: int, site: str, now: int) -> None:
        """From ``now`` (ns) on, ``endpoint`` is heard and seen by everyone."""
        self.floor, self.floor_since = endpoint, now
        self.tracks[0] = self._voice(endpoint, site, now)
        for layer in range(len(self.media.video.layers)):
            self.tracks[1 + layer] = self._picture(endpoint, site, now, layer, VIDEO)

    def show_tile(self, tile: int, endpoint: int, site: str, now: int) -> None:
        """From ``now`` (ns) on, ``endpoint`` is on the wall's ``tile``."""
        self.tiles[tile], self.tiles_since[tile] = endpoint, now
        first = 1 + len(self.media.video.layers)
        self.tracks[first + tile] = self._picture(
            endpoint, site, now, self.tile_layer, FIRST_TILE + tile
        )

    def _track(self, endpoint: int, site: str, now: int, slot: int, encode_delay: int) -> Any:
        track = np.zeros((), TRACK)
        track["next"] = now + encode_delay
        track["publisher"] = endpoint
        track["source"] = self.sources
        track["slot"] = slot
        track["key"] = mix_keys(self.key, name_hashes([f"{site} {now} {slot}"]))[0]
        track["header"] = self.media.header
        track["encode_delay"] = encode_delay
        self.sources += 1
        return track

    def _voice(self, endpoint: int, site: str, now: int) -> Any:
        audio = self.media.audio
        track = self._track(endpoint, site, now, AUDIO, audio.encode_delay)
        track["ptime"] = audio.ptime
        track["voice_bytes"] = max(1, round(audio.bitrate * audio.ptime / 8e9))
        track["noise_interval"] = audio.comfort_noise_interval
        track["talk"] = audio.talk
        track["pause"] = audio.pause if audio.dtx else 0
        track["turn_end"] = track["next"]
        return track

    def _picture(self, endpoint: int, site: str, now: int, layer: int, slot: int) -> Any:
        video = self.media.video
        bitrate = video.layers[layer].bitrate
        track = self._track(endpoint, site, now, slot, video.encode_delay)
        period = round(1e9 / video.frame_rate)
        interval = max(1, round(video.key_frame_interval / period))
        mean = bitrate / 8 / video.frame_rate
        track["layer"] = layer
        track["period"] = period
        track["key_interval"] = interval
        track["key_ratio"] = video.key_frame_ratio
        # the mean over an interval, its key frame included, is what the bitrate asks for
        track["frame_bytes"] = mean * interval / (interval - 1 + video.key_frame_ratio)
        track["spread"] = video.size_spread
        track["payload"] = video.payload
        track["pacing"] = 8e9 / (bitrate * video.pacing)
        track["next_capture"] = now
        return track
