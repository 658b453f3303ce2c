"""Signalling servers: where endpoints ask to join, and what that costs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.network import Place
from scenarios.record import CarrierName, Name, Record
from scenarios.units import DURATION, PositiveDuration, between


class ServiceTime(Record):
    """Time that a signalling server takes for one request."""

    mean: Annotated[PositiveDuration, between(DURATION, "1us", "1min")] = 20_000_000
    """Mean."""
    distribution: Literal["constant", "exponential", "lognormal"] = "exponential"
    """How it varies from request to request."""
    variation: Annotated[float, Field(ge=0.01, le=10)] = 1.0
    """Standard deviation over the mean; of a `lognormal` only."""

    @property
    def squared_variation(self) -> float:
        """Variance over the squared mean."""
        return {"constant": 0.0, "exponential": 1.0}.get(self.distribution, self.variation**2)


class Admission(Record):
    """Who is let in when: a server tells each who asks to join when to come back."""

    policy: Literal["none", "waves", "rate"] = "none"
    """Everyone at once; `size` of them together every `every`; or so many, evenly spread."""
    size: Annotated[int, Field(ge=1)] = 100
    """Endpoints admitted every `every`."""
    every: Annotated[PositiveDuration, between(DURATION, "10ms", "1h")] = 1_000_000_000
    """Time between waves."""


class SignallingServer(Place):
    """A server that endpoints join through, a queue with several workers."""

    label: str
    """Name on plots and in reports."""
    carriers: Annotated[tuple[CarrierName, ...], Field(min_length=1)]
    """Carriers that reach the server directly; others come over their peering."""
    concurrency: Annotated[int, Field(ge=1, le=100_000)] = 16
    """Requests that are served at once."""
    service: ServiceTime = ServiceTime()
    """Time that a request takes."""
    queue: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """Requests that wait, at most; one that finds no room is refused (HTTP 503)."""
    admission: Admission = Admission()
    """Who is let in when."""


class Signalling(Record):
    """How endpoints talk to the signalling servers."""

    servers: Annotated[dict[Name, SignallingServer], Field(min_length=1)]
    """Servers by name; a client asks the nearest first, and the next one after a failure."""
    transport: Literal["websocket", "http"] = "websocket"
    """A connection that is kept, or one for each request: `websocket` costs one more round trip
    and notices a dead server by its keep-alive."""
    keep_alive: Annotated[PositiveDuration, between(DURATION, "100ms", "10min")] = 10_000_000_000
    """Time between pings on a connection that is kept."""
    keep_alive_timeout: Annotated[PositiveDuration, between(DURATION, "100ms", "10min")] = (
        5_000_000_000
    )
    """A ping not answered for so long breaks the connection."""

    @model_validator(mode="after")
    def _check_timeout(self) -> Self:
        if self.keep_alive_timeout > self.keep_alive:
            raise ValueError("keep_alive_timeout must not be longer than keep_alive")
        return self
