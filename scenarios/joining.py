"""Joining: when the endpoints set out to join the meeting."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.network import Place
from scenarios.record import Name, Record
from scenarios.units import DURATION, Duration, PositiveDuration, Share, between


class Joining(Record):
    """When the endpoints set out to join; without this section, everyone is connected from the
    meeting's start on.

    The command centre sets out first, at 0s: it opens the room.
    """

    profile: Literal["at-once", "spread", "rush", "by-province"] = "rush"
    """All at the same time; evenly spread over `over`; most of them in the last part of it; or one
    province after another, each spread over its part of `over`."""
    begin: Duration = 1_000_000_000
    """When the first endpoint sets out, from the meeting's start."""
    over: Annotated[PositiveDuration, between(DURATION, "100ms", "24h")] = 300_000_000_000
    """Time in which all of them set out; no matter to `at-once`."""
    late: Share = 0.8
    """Share of the endpoints that set out in the last part, in a `rush`."""
    last: Annotated[PositiveDuration, between(DURATION, "100ms", "24h")] = 120_000_000_000
    """Length of that last part."""

    @property
    def end(self) -> int:
        """When the last endpoint has set out, ns."""
        return self.begin + (0 if self.profile == "at-once" else self.over)

    @model_validator(mode="after")
    def _check_last(self) -> Self:
        if self.profile == "rush" and self.last > self.over:
            raise ValueError("last must not be longer than over")
        return self


class Ice(Record):
    """Ways through middleboxes: who needs a relay (TURN, RFC 8656) to reach a media node.

    Handshake and media go over the relay that is nearest to the endpoint. A relay forwards at
    once, whatever the load, and does not fail.
    """

    symmetric_nat: Share = 0.0
    """Share of the endpoints behind a symmetric NAT, taken to need a relay over UDP."""
    udp_blocked: Share = 0.0
    """Share of the endpoints whose network lets no UDP out: a relay over TCP and TLS. Their media
    is played as if it were sent over UDP."""
    relays: dict[Name, Place] = Field(default_factory=dict)
    """Where relays stand, by name; without any, one is beside each media node."""
    pace: Annotated[PositiveDuration, between(DURATION, "5ms", "1s")] = 50_000_000
    """Time between two connectivity checks (Ta; RFC 8445, section 14.2)."""
    pairs: Annotated[int, Field(ge=1, le=100)] = 4
    """Candidate pairs that are checked before the one that works, at worst."""

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.symmetric_nat + self.udp_blocked > 1:
            raise ValueError("symmetric_nat and udp_blocked must not exceed 100% together")
        return self
