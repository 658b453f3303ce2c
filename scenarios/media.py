"""Media: what a publisher sends."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.record import Name, Record
from scenarios.units import (
    DURATION,
    RATE,
    SECOND,
    SIZE,
    Duration,
    PositiveBitrate,
    PositiveDataSize,
    PositiveDuration,
    Share,
    between,
)


class Audio(Record):
    """One voice: a constant-rate codec with discontinuous transmission."""

    codec: Literal["opus", "g711"] = "opus"
    """Codec, for the E-model's equipment impairment."""
    bitrate: PositiveBitrate = 32_000
    """Payload bits per second while talking."""
    ptime: Annotated[PositiveDuration, between(DURATION, "2.5ms", "120ms")] = 20_000_000
    """Media time of a packet."""
    dtx: bool = True
    """Send only comfort noise in pauses."""
    talk: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 1_004_000_000
    """Mean talk spurt, exponential (ITU-T P.59)."""
    pause: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 1_587_000_000
    """Mean pause, exponential (ITU-T P.59)."""
    comfort_noise_interval: Annotated[PositiveDuration, between(DURATION, "20ms", "10s")] = (
        400_000_000
    )
    """Time between comfort-noise packets in a pause (RFC 7587, section 3.1.3)."""
    encode_delay: Duration = 26_500_000
    """From the mouth to the packet's sending: framing and look-ahead."""
    playout_delay: Duration = 60_000_000
    """From a packet's arrival to the ear: jitter buffer, decoding, output."""

    @model_validator(mode="after")
    def _check_packet(self) -> Self:
        payload = self.bitrate * self.ptime // (8 * SECOND)
        if not 1 <= payload <= 1400:
            rule = "must have 1 to 1400 bytes"
            raise ValueError(f"bitrate and ptime make packets of {payload} bytes; a packet {rule}")
        return self


class Layer(Record):
    """One encoding of a picture."""

    name: Name
    """Name of the layer, as in low, mid, high."""
    height: Annotated[int, Field(ge=16, le=4320)]
    """Lines of the picture."""
    bitrate: Annotated[PositiveBitrate, between(RATE, "10kbps", "100Mbps")]
    """Payload bits per second, key frames included."""


class Video(Record):
    """One camera: frames with key frames, packetized, in one or more simulcast layers."""

    frame_rate: Annotated[int, Field(ge=1, le=120)] = 25
    """Frames per second."""
    key_frame_interval: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = (
        10_000_000_000
    )
    """Time between key frames."""
    key_frame_ratio: Annotated[float, Field(ge=1, le=50)] = 5.0
    """Mean size of a key frame over the mean size of the others."""
    size_spread: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Standard deviation of the logarithm of a frame's size."""
    payload: Annotated[PositiveDataSize, between(SIZE, "100B", "8900B")] = 1200
    """Largest payload of a packet, in bytes."""
    pacing: Annotated[float, Field(ge=1, le=20)] = 2.5
    """A frame's packets leave at this multiple of the layer's bitrate."""
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=4)]
    """Simulcast layers, lowest first."""
    headroom: Share = 0.75
    """A subscriber takes the highest layer below this share of its downlink's nominal rate."""
    encode_delay: Duration = 40_000_000
    """From the light to the first packet's sending: capture and encoding."""
    playout_delay: Duration = 80_000_000
    """From a frame's last packet to the glass: buffer, decoding, display."""

    @model_validator(mode="after")
    def _check_layers(self) -> Self:
        rates = [layer.bitrate for layer in self.layers]
        if rates != sorted(set(rates)):
            raise ValueError("layers must be listed by rising bitrate")
        if len({layer.name for layer in self.layers}) != len(self.layers):
            raise ValueError("layers must have different names")
        return self


class Media(Record):
    """What the one who has the floor sends, and how it is played."""

    audio: Audio = Audio()
    """Voice."""
    video: Video
    """Picture."""
    header: Annotated[PositiveDataSize, between(SIZE, "1B", "200B")] = 50
    """Bytes that each packet adds to its payload: IPv4 20, UDP 8, RTP 12, SRTP tag 10."""
