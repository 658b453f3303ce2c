"""What publishers send: real Opus and real VP8, encoded once for a scenario's media and kept.

The voice is a synthetic one, the picture a moving pattern with noise, enough of it for the encoder
to use the bitrate that it is given. Nothing is encoded while a meeting runs.
"""

import io
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.media import Layer, Media, Video
from scenarios.units import SECOND

VERSION = 1
"""Raised when the same media would be encoded otherwise."""
LONGEST = 5 * SECOND
"""Of a picture, which then begins anew with its key frame; key frames come more often where the
scenario says so."""
DRIFT = 64
"""Pixels that the pattern moves by before it turns back."""
VOICE = 4 * SECOND
RATE = 48_000
"""Samples of sound a second."""
ASPECT = Fraction(16, 9)

Frames = Sequence[bytes]


@dataclass(frozen=True)
class Recording:
    """Media to be sent."""

    voice: Frames
    """A payload for each packet of a talk spurt."""
    noise: bytes
    """A payload of a pause."""
    pictures: Mapping[str, Frames]
    """By layer: frames, of which the first alone is a key frame."""


def record(media: Media, folder: Path | None = None) -> Recording:
    """The recording for a scenario's media: from the cache in ``folder``, or made now.

    A scenario's G.711 voice is sent as Opus: servers need not speak anything else (RFC 7874).
    """
    folder = cache_folder() if folder is None else folder
    said = f"{VERSION} {media.audio!r} {media.video!r}"
    path = folder / f"{blake2b(said.encode(), digest_size=12).hexdigest()}.npz"
    try:
        return _read(path)
    except (OSError, ValueError, KeyError, EOFError):
        made = _make(media)
        _write(made, path)
        return made


def cache_folder() -> Path:
    """Where recordings are kept: in the user's cache, or where that cannot be, among temporary
    files."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    folder = Path(base, "rehearsal", "media")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir(), f"rehearsal-media-{os.getuid()}")
        folder.mkdir(exist_ok=True)
    return folder


def _make(media: Media) -> Recording:
    ptime = media.audio.ptime
    frame = min((5, 10, 20, 40, 60), key=lambda ms: abs(ms * 1_000_000 - ptime))
    voice = encode_voice(_speech(VOICE), media.audio.bitrate, frame)
    silence = encode_voice(np.zeros(RATE // 2, np.int16), media.audio.bitrate, frame)
    return Recording(
        voice=voice,
        noise=min(silence, key=len),
        pictures={layer.name: encode_picture(layer, media.video) for layer in media.video.layers},
    )


def _speech(length: int) -> NDArray[np.int16]:
    """Something with a voice's syllables: harmonics that swell and fade four times a second."""
    time = np.arange(length * RATE // SECOND) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 12))
    noise = np.random.default_rng(1).normal(0, 0.2, len(time))
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time)
    return np.asarray(6000 * swell * (tone + noise), np.float64).astype(np.int16)


def encode_voice(samples: NDArray[np.int16], bitrate: int, frame_ms: int) -> list[bytes]:
    """Opus packets of ``frame_ms`` of sound each (RFC 6716)."""
    import av  # noqa: PLC0415  # loads FFmpeg

    context: Any = av.CodecContext.create("libopus", "w")
    context.sample_rate = RATE
    context.layout = "mono"
    context.format = "s16"
    context.bit_rate = bitrate
    context.options = {
        "application": "voip", "frame_duration": str(frame_ms), "vbr": "off",
    }  # fmt: skip
    step = RATE * frame_ms // 1000
    packets: list[bytes] = []
    for begin in range(0, len(samples) - step + 1, step):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None, begin : begin + step]), "s16", "mono"
        )
        frame.sample_rate = RATE
        frame.pts = begin
        packets += [bytes(packet) for packet in context.encode(frame)]
    packets += [bytes(packet) for packet in context.encode(None)]
    return packets


def encode_picture(layer: Layer, video: Video) -> list[bytes]:
    """VP8 frames (RFC 6386), as many as there are from one key frame to the next."""
    import av  # noqa: PLC0415

    width = round(layer.height * ASPECT) // 2 * 2
    context: Any = av.CodecContext.create("libvpx", "w")
    context.width, context.height = width, layer.height // 2 * 2
    context.pix_fmt = "yuv420p"
    context.bit_rate = layer.bitrate
    context.framerate = Fraction(video.frame_rate)
    context.time_base = Fraction(1, video.frame_rate)
    context.gop_size = 1 << 20
    context.options = {
        "deadline": "realtime", "cpu-used": "12", "lag-in-frames": "0", "error-resilient": "1",
        "minrate": str(layer.bitrate), "maxrate": str(layer.bitrate),
        "bufsize": str(layer.bitrate), "auto-alt-ref": "0",
    }  # fmt: skip
    count = max(2, min(video.key_frame_interval, LONGEST) * video.frame_rate // SECOND)
    texture = _texture(width, context.height)
    coarse = np.random.default_rng(1).integers(0, 40, (context.height, width), np.uint8)
    noise = np.kron(coarse[::4, ::4], np.ones((4, 4), np.uint8))
    frames: list[bytes] = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(_pattern(number, texture, noise), format="yuv420p")
        frame.pts = number
        frames += [bytes(packet) for packet in context.encode(frame)]
    frames += [bytes(packet) for packet in context.encode(None)]
    return [frame for frame in frames if frame]


def _texture(width: int, height: int) -> NDArray[np.uint8]:
    """A texture larger than the picture, which moves across it."""
    x, y = np.arange(width + DRIFT)[None, :], np.arange(height + DRIFT)[:, None]
    return np.asarray(
        128 + 50 * np.sin(x / 23) * np.cos(y / 17) + 20 * np.sin((x + 2 * y) / 7), np.float64
    ).astype(np.uint8)


def _pattern(
    number: int, texture: NDArray[np.uint8], noise: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A picture: planes of yuv420p, one below the other. The texture drifts; in the middle, where a
    face would be, nothing is as it was."""
    height, width = texture.shape[0] - DRIFT, texture.shape[1] - DRIFT
    shift = abs(number % (2 * DRIFT) - DRIFT)
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = texture[shift : shift + height, shift : shift + width]
    top, left = height // 3, width // 3
    rows, columns = height - height // 3, width - width // 3
    face = noise[number * 7 % rows :, number * 13 % columns :][: height // 3, : width // 3]
    planes[top : top + height // 3, left : left + width // 3] //= 2
    planes[top : top + height // 3, left : left + width // 3] += face
    return planes


def _write(recording: Recording, path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    parts = {"voice": recording.voice, "noise": [recording.noise]}
    parts |= {f"picture {name}": frames for name, frames in recording.pictures.items()}
    for name, frames in parts.items():
        arrays[name] = np.frombuffer(b"".join(frames), np.uint8)
        arrays[f"{name} lengths"] = np.array([len(frame) for frame in frames])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    part = path.with_suffix(f".{secrets.token_hex(4)}.part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)


def _read(path: Path) -> Recording:
    with np.load(path, allow_pickle=False) as arrays:
        parts = {
            name: _split(arrays[name].tobytes(), arrays[f"{name} lengths"])
            for name in arrays
            if not name.endswith(" lengths")
        }
    return Recording(
        voice=parts.pop("voice"),
        noise=parts.pop("noise")[0],
        pictures={name.removeprefix("picture "): frames for name, frames in parts.items()},
    )


def _split(data: bytes, lengths: NDArray[np.int64]) -> list[bytes]:
    ends = np.cumsum(lengths).tolist()
    return [data[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
