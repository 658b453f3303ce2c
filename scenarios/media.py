"""Media: what a publisher sends, and how senders adapt it to the network."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.record import Name, Problem, Record, report
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
    format_quantity,
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
    fec: bool = True
    """In-band forward error correction: each packet carries a low-rate copy of the one before (RFC
    6716, section 2.1.7). Only Opus has it."""
    impairment: Annotated[float, Field(ge=0, le=95)] | None = None
    """Rating points that the codec takes without any loss: the E-model's Ie (ITU-T G.107)."""
    robustness: Annotated[float, Field(ge=1, le=100)] | None = None
    """The codec's packet-loss robustness: the E-model's Bpl (ITU-T G.107)."""
    encode_delay: Duration = 26_500_000
    """From the mouth to the packet's sending: framing and look-ahead."""
    playout_delay: Duration = 10_000_000
    """From the jitter buffer to the ear: decoding and output."""

    @property
    def corrects(self) -> bool:
        """Whether packets carry error correction."""
        return self.fec and self.codec == "opus"

    @model_validator(mode="after")
    def _check_packet(self) -> Self:
        payload = self.bitrate * self.ptime // (8 * SECOND)
        if not 1 <= payload <= 1400:
            rule = "must have 1 to 1400 bytes"
            raise ValueError(f"bitrate and ptime make packets of {payload} bytes; a packet {rule}")
        return self


_Bitrate = Annotated[PositiveBitrate, between(RATE, "10kbps", "100Mbps")]
_Interval = Annotated[PositiveDuration, between(DURATION, "100ms", "24h")]


def _least_bitrate(least: int | None, bitrate: int) -> int:
    return bitrate // 3 if least is None else least


def _check_least(least: int | None, bitrate: int) -> None:
    if least is not None and least > bitrate:
        rule = f"must not exceed bitrate, {format_quantity(bitrate, RATE)}"
        report([Problem(("min_bitrate",), format_quantity(least, RATE), rule)])


class Layer(Record):
    """One encoding of a picture."""

    name: Name
    """Name of the layer, as in low, mid, high."""
    height: Annotated[int, Field(ge=16, le=4320)]
    """Lines of the picture."""
    bitrate: _Bitrate
    """Payload bits per second at most, key frames included."""
    min_bitrate: PositiveBitrate | None = None
    """Payload bits per second at least: where there is no room for them, the layer is not sent."""

    @property
    def least_bitrate(self) -> int:
        """`min_bitrate`, or a third of `bitrate`."""
        return _least_bitrate(self.min_bitrate, self.bitrate)

    @model_validator(mode="after")
    def _check_bitrates(self) -> Self:
        _check_least(self.min_bitrate, self.bitrate)
        return self


class Video(Record):
    """One camera: frames with key frames, packetized, in one or more simulcast layers."""

    frame_rate: Annotated[int, Field(ge=1, le=120)] = 25
    """Frames per second."""
    key_frame_interval: _Interval = 10_000_000_000
    """Time between key frames; more come where receivers ask for them."""
    key_frame_ratio: Annotated[float, Field(ge=1, le=50)] = 5.0
    """Mean size of a key frame over the mean size of the others."""
    size_spread: Annotated[float, Field(ge=0, le=1)] = 0.21
    """Standard deviation of the logarithm of a frame's size: about that of RFC 8593's deviations,
    whose Laplacian scale is 0.15."""
    payload: Annotated[PositiveDataSize, between(SIZE, "100B", "8900B")] = 1200
    """Largest payload of a packet, in bytes."""
    pacing: Annotated[float, Field(ge=1, le=20)] = 2.5
    """A frame's packets leave at this multiple of the layer's bitrate."""
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=4)]
    """Simulcast layers, lowest first."""
    headroom: Share = 0.75
    """Without congestion control, a subscriber takes the highest layer below this share of its
    downlink's nominal rate."""
    encode_delay: Duration = 40_000_000
    """From the light to the first packet's sending: capture and encoding."""
    playout_delay: Duration = 80_000_000
    """From a frame's last packet to the glass: decoding and display."""

    @model_validator(mode="after")
    def _check_layers(self) -> Self:
        rates = [layer.bitrate for layer in self.layers]
        if rates != sorted(set(rates)):
            raise ValueError("layers must be listed by rising bitrate")
        if len({layer.name for layer in self.layers}) != len(self.layers):
            raise ValueError("layers must have different names")
        return self


class Screen(Record):
    """A shared screen: one encoding, packetized as the pictures of cameras are."""

    height: Annotated[int, Field(ge=16, le=4320)] = 1080
    """Lines of the picture."""
    bitrate: _Bitrate = 1_000_000
    """Payload bits per second at most, key frames included."""
    min_bitrate: PositiveBitrate | None = None
    """Payload bits per second at least: where there is no room for them, it is not sent."""
    frame_rate: Annotated[int, Field(ge=1, le=120)] = 5
    """Frames per second."""
    key_frame_interval: _Interval = 60_000_000_000
    """Time between key frames; more come where receivers ask for them."""
    key_frame_ratio: Annotated[float, Field(ge=1, le=50)] = 10.0
    """Mean size of a key frame over the mean size of the others."""
    size_spread: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Standard deviation of the logarithm of a frame's size."""

    @property
    def least_bitrate(self) -> int:
        """`min_bitrate`, or a third of `bitrate`."""
        return _least_bitrate(self.min_bitrate, self.bitrate)

    @model_validator(mode="after")
    def _check_bitrates(self) -> Self:
        _check_least(self.min_bitrate, self.bitrate)
        return self


class CongestionControl(Record):
    """How senders, publishers and media nodes alike, find out what the network carries."""

    profile: Literal["libwebrtc", "draft-02", "none"] = "libwebrtc"
    """Google Congestion Control as libwebrtc has it, or as draft-ietf-rmcat-gcc-02 describes it.
    `none`: everything is sent as is, without feedback, and the layer is fixed."""
    start: PositiveBitrate = 300_000
    """Estimate to begin with."""
    minimum: PositiveBitrate = 30_000
    """No estimate is lower."""
    maximum: PositiveBitrate = 10_000_000
    """No estimate is higher."""
    feedback: Annotated[PositiveDuration, between(DURATION, "25ms", "1s")] = 100_000_000
    """Time between a receiver's transport-wide feedback messages
    (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""
    probing: bool = True
    """Senders probe for more with clusters of padding packets, as `draft-02` at the estimate's
    rate."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.minimum <= self.start <= self.maximum:
            raise ValueError("must satisfy minimum ≤ start ≤ maximum")
        return self


class Repair(Record):
    """How lost packets of pictures are sent again (RFC 4585, RFC 4588)."""

    nack: bool = True
    """Receivers ask for the packets that they miss."""
    budget: Share = 0.25
    """Share of the estimate that retransmissions may take."""
    cache: Annotated[PositiveDuration, between(DURATION, "10ms", "10s")] = 1_000_000_000
    """For how long a sender can send a packet again; libwebrtc's RtpPacketHistory keeps it this
    long at least."""


class Media(Record):
    """What the one who has the floor sends, and how it is played."""

    audio: Audio = Audio()
    """Voice."""
    video: Video
    """Picture."""
    screen: Screen | None = None
    """A shared screen, beside the picture."""
    congestion_control: CongestionControl = CongestionControl()
    """What the senders of pictures go by."""
    repair: Repair = Repair()
    """What is done about lost packets of pictures."""
    header: Annotated[PositiveDataSize, between(SIZE, "1B", "200B")] = 50
    """Bytes that each packet adds to its payload: IPv4 20, UDP 8, RTP 12, SRTP tag 10."""
