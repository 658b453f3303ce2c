"""Links: what stands between two places, from a carrier's backbone to an endpoint's access.

Figures on which the library's profiles stand: docs/background/sources.md, section Links.
"""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from scenarios.record import AccessName, Record
from scenarios.units import (
    DURATION,
    SIZE,
    Bitrate,
    Duration,
    PositiveBitrate,
    PositiveDataSize,
    PositiveDuration,
    Share,
    between,
    format_quantity,
    parse_quantity,
    unit_schema,
)

# ---------------------------------------------------------------- queue limits


class Buffer(Record):
    """A queue's limit on bytes waiting: a size, or a time at the link's nominal rate."""

    bytes: int | None = None
    time: int | None = None

    def limit(self, rate: int) -> int:
        """The limit in bytes for a link of ``rate`` bit/s."""
        return self.bytes if self.bytes is not None else (self.time or 0) * rate // 8_000_000_000


_LARGEST_BUFFER = {"bytes": 10**9, "time": 60 * 10**9}


def _parse_buffer(value: object) -> Buffer:
    if isinstance(value, Buffer):
        return value
    for units, key in ((SIZE, "bytes"), (DURATION, "time")):
        try:
            quantity = parse_quantity(value, units, "buffer")
        except ValueError:
            continue
        if quantity < 0:
            raise ValueError("must be 0 or more")
        if quantity > _LARGEST_BUFFER[key]:
            raise ValueError("a buffer holds at most 1GB or 60s")
        return Buffer(**{key: int(quantity)})
    raise ValueError(f"a buffer is a number with a unit ({', '.join([*SIZE, *DURATION])})")


def _format_buffer(buffer: Buffer) -> str:
    if buffer.bytes is not None:
        return format_quantity(buffer.bytes, SIZE)
    return format_quantity(buffer.time or 0, DURATION)


BufferLimit = Annotated[
    Buffer,
    BeforeValidator(_parse_buffer),
    PlainSerializer(_format_buffer, return_type=str),
    unit_schema(SIZE | DURATION),
]

# ---------------------------------------------------------------- distributions over endpoints


def _spread(value: object) -> object:
    return value if isinstance(value, dict) else {"p5": value, "p50": value, "p95": value}


class RateQuantiles(Record):
    """Percentiles over endpoints of a bit rate; one value stands for all three."""

    p5: PositiveBitrate
    p50: PositiveBitrate
    p95: PositiveBitrate

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.p5 <= self.p50 <= self.p95:
            raise ValueError("must satisfy p5 ≤ p50 ≤ p95")
        return self


class DelayQuantiles(Record):
    """Percentiles over endpoints of a delay; one value stands for all three."""

    p5: Duration
    p50: Duration
    p95: Duration

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.p5 <= self.p50 <= self.p95:
            raise ValueError("must satisfy p5 ≤ p50 ≤ p95")
        return self


def _one_or_quantiles(quantiles: type[Record]) -> WithJsonSchema:
    schema = quantiles.model_json_schema()
    return WithJsonSchema({"anyOf": [schema["properties"]["p50"], schema]})


Rates = Annotated[RateQuantiles, BeforeValidator(_spread), _one_or_quantiles(RateQuantiles)]
"""A bit rate for every endpoint alike, or `{p5: …, p50: …, p95: …}` over endpoints."""
Delays = Annotated[DelayQuantiles, BeforeValidator(_spread), _one_or_quantiles(DelayQuantiles)]
"""A delay for every endpoint alike, or `{p5: …, p50: …, p95: …}` over endpoints."""

# ---------------------------------------------------------------- load in time


class LoadStep(Record):
    """From ``at`` on, other traffic takes ``share`` of the link."""

    at: Duration
    share: Share


def _constant_load(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [{"at": "0s", "share": value}]


def _check_load(steps: tuple[LoadStep, ...]) -> tuple[LoadStep, ...]:
    times = [step.at for step in steps]
    if not steps or times[0] != 0 or times != sorted(set(times)):
        raise ValueError("steps must start at 0s and follow one another in time")
    return steps


Load = Annotated[
    tuple[LoadStep, ...],
    BeforeValidator(_constant_load, json_schema_input_type=Share | tuple[LoadStep, ...]),
]
"""A share of the link for the whole meeting, or steps `[{at: 0min, share: 20%}, …]`."""


class RateStep(Record):
    """From ``at`` on, the link's rate is ``rate``."""

    at: Duration
    """Time from the meeting's start."""
    rate: Bitrate
    """Bits per second at the IP layer; 0bps: nothing passes."""


def _check_rates(steps: tuple[RateStep, ...]) -> tuple[RateStep, ...]:
    times = [step.at for step in steps]
    if times != sorted(set(times)):
        raise ValueError("steps must follow one another in time")
    return steps


RateSteps = Annotated[tuple[RateStep, ...], AfterValidator(_check_rates)]
"""Steps `[{at: 40s, rate: 2500kbps}, …]`; before the first, the nominal rate holds."""


class Background(Record):
    """Other traffic on a shared link: bursts at the instants of a Poisson process.

    Each burst joins the queue as one block of bytes in true arrival order; what does not fit the
    buffer is lost.
    """

    load: Load = (LoadStep(at="0s", share="0%"),)
    """Share of the capacity that the bursts ask for, on average."""
    burst: Annotated[PositiveDataSize, between(SIZE, "64B", "1GB")] = 65536
    """Bytes of a burst. Each one is played: small ones take their time."""

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        _check_load(self.load)
        return self


class SharedLink(Record):
    """One direction of a link that many endpoints share; both directions are alike."""

    capacity: PositiveBitrate
    """Bits per second at the IP layer."""
    steps: RateSteps = ()
    """Rates that replace the capacity in time, in both directions. The buffer and the background
    are still those of `capacity`."""
    buffer: BufferLimit = Buffer(time=20_000_000)
    """Drop-tail limit on bytes waiting."""
    packets: Annotated[int, Field(ge=1, le=1_000_000)] = 16384
    """Drop-tail limit on packets waiting."""
    background: Background = Background()
    """Traffic of others."""

    @model_validator(mode="after")
    def _check_bursts(self) -> Self:
        limit = self.buffer.limit(self.capacity)
        loaded = any(step.share > 0 for step in self.background.load)
        if loaded and self.background.burst > limit:
            size = format_quantity(self.background.burst, SIZE)
            rule = f"a burst of the background, {size}, must fit the buffer, {limit} bytes"
            raise ValueError(rule)
        return self


# ---------------------------------------------------------------- access links


class Policer(Record):
    """A token bucket that drops what exceeds it and queues nothing."""

    rate: PositiveBitrate
    """Rate at which tokens come in."""
    burst: Annotated[PositiveDataSize, between(SIZE, "1500B", "1GB")]
    """Depth of the bucket, in bytes; a larger packet would never pass."""


class AccessDirection(Record):
    """One direction of an access link."""

    rate: Rates
    """Bits per second at the IP layer, over endpoints."""
    steps: RateSteps = ()
    """Rates that replace `rate` in time, the same for every endpoint of the profile. The buffer is
    still that of `rate`."""
    buffer: BufferLimit = Buffer(time=200_000_000)
    """Drop-tail limit on bytes waiting."""
    packets: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Drop-tail limit on packets waiting."""
    policer: Policer | None = None
    """A token bucket before the queue."""


class GilbertElliott(Record):
    """Two-state loss, one step per packet: Gilbert (1960), Elliott (1963).

    Stationary loss is (to_good · loss_in_good + to_bad · loss_in_bad) / (to_good + to_bad), and a
    bad run lasts 1 / to_good packets on average.
    """

    to_bad: Share
    """Probability per packet to turn from good to bad."""
    to_good: Share
    """Probability per packet to turn from bad to good."""
    loss_in_bad: Share = 1.0
    """Probability to lose a packet while bad."""
    loss_in_good: Share = 0.0
    """Probability to lose a packet while good."""

    @model_validator(mode="after")
    def _check_return(self) -> Self:
        if self.to_good == 0:
            raise ValueError("to_good must be more than 0%: a bad run must end")
        return self


Step = Annotated[PositiveDuration, between(DURATION, "1ms", "10s")]
"""The grain of a process in time."""


class Jitter(Record):
    """Extra delay correlated in time: median · exp(spread · x(t)), x a unit Ornstein–Uhlenbeck.

    Packets keep their order: one that would overtake waits for the one before it.
    """

    median: Duration
    """Median of the extra delay."""
    spread: Annotated[float, Field(ge=0, le=3)] = 0.7
    """Standard deviation of the extra delay's logarithm."""
    correlation: PositiveDuration = 200_000_000
    """Time in which the correlation falls to 1/e."""
    step: Step = 20_000_000
    """Time for which one value holds."""


class Fading(Record):
    """The rate in time: rate · exp(spread · x(t) − spread²/2), x a unit Ornstein–Uhlenbeck.

    The factor's mean is 1. Holes, in which nothing moves, come at exponential distances.
    """

    spread: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Standard deviation of the rate's logarithm."""
    correlation: PositiveDuration = 2 * 10**9
    """Time in which the correlation falls to 1/e."""
    step: Step = 100_000_000
    """Time for which one value holds."""
    hole_every: Duration = 0
    """Mean time between the beginnings of holes; 0s: no holes."""
    hole_length: Duration = 0
    """Mean length of a hole."""

    @model_validator(mode="after")
    def _check_holes(self) -> Self:
        if (self.hole_every == 0) != (self.hole_length == 0):
            raise ValueError("hole_every and hole_length go together: both, or neither")
        if self.hole_every and self.hole_length >= self.hole_every:
            raise ValueError("hole_length must be shorter than hole_every")
        return self


class PathChange(Record):
    """A path chosen anew at fixed times, as low-earth-orbit networks do every 15 s."""

    every: Annotated[PositiveDuration, between(DURATION, "100ms", "24h")]
    """Time between changes."""
    extra_delay: Delays
    """Delay that the chosen path adds, over choices."""
    loss: Share = 0.0
    """Share of packets lost just after a change."""
    loss_time: Duration = 0
    """How long that loss lasts."""

    @model_validator(mode="after")
    def _check_loss_time(self) -> Self:
        if self.loss_time > self.every:
            raise ValueError("loss_time must not be longer than every")
        return self


class Backup(Record):
    """A second access link that some endpoints of a profile have."""

    share: Share = 1.0
    """Share of the profile's endpoints that have one; each draws for itself."""
    access: AccessName
    """Its access profile."""
    carrier: Literal["own", "other"] = "other"
    """On the endpoint's own carrier, or on the next in the scenario's order."""


class AccessProfile(Record):
    """A kind of access link: what its endpoints have in common and how they differ."""

    label: str
    """Name on plots and in reports."""
    down: AccessDirection
    """Towards the endpoint."""
    up: AccessDirection
    """From the endpoint."""
    delay: Delays
    """One-way delay without queueing, over endpoints, each direction."""
    loss: GilbertElliott | None = None
    """Loss on the link itself, each direction on its own."""
    jitter: Jitter | None = None
    """Extra delay in time."""
    fading: Fading | None = None
    """Rate in time."""
    path_change: PathChange | None = None
    """Path in time."""
    load: Load = (LoadStep(at="0s", share="0%"),)
    """Share of the rate that others in the same cell or beam take."""
    backup: Backup | None = None
    """A second link, to which an endpoint can change where this one fails."""

    @model_validator(mode="after")
    def _check_load(self) -> Self:
        _check_load(self.load)
        if any(step.share == 1 for step in self.load):
            raise ValueError("load must leave some of the link: less than 100%")
        return self
