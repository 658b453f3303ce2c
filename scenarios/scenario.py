"""A scenario: one rehearsal, from its endpoints to its thresholds."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from scenarios.consistency import Pieces, contradictions
from scenarios.endpoints import CommandCentre, Endpoints
from scenarios.faults import Faults
from scenarios.joining import Ice, Joining
from scenarios.links import AccessProfile, SharedLink
from scenarios.media import Media
from scenarios.meeting import Meeting
from scenarios.network import Carrier, MediaNode
from scenarios.placement import Placement
from scenarios.record import Name, Record, report
from scenarios.recovery import Recovery, RecoveryPolicy
from scenarios.rollout import Rollout
from scenarios.signalling import Signalling
from scenarios.thresholds import Thresholds
from scenarios.units import DURATION, PositiveDuration, between

SCHEMA_VERSION = 1
"""Raised when a file of an earlier version would no longer load or mean the same."""


class Scenario(Record):
    """One rehearsal."""

    name: Name
    """Name of the scenario and of its run folders; the file's name, unless said."""
    title: str
    """What is rehearsed, in a line."""
    description: str = ""
    """What is assumed, and what the outcome is to tell."""
    duration: Annotated[PositiveDuration, between(DURATION, "1s", "24h")]
    """Length of the meeting."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 1
    """Root of all randomness."""
    interval: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 5_000_000_000
    """Sampling interval: the grain of samples and of thresholds' windows."""
    endpoints: Endpoints
    """Who takes part."""
    command_centre: CommandCentre
    """Who leads."""
    carriers: Annotated[dict[Name, Carrier], Field(min_length=1)]
    """Carriers by name."""
    access: Annotated[dict[Name, AccessProfile], Field(min_length=1)]
    """Kinds of access link by name."""
    nodes: Annotated[dict[Name, MediaNode], Field(min_length=1)]
    """Media nodes by name."""
    cascade: SharedLink = SharedLink(capacity="1Gbps")
    """Each link from a media node to another: one copy of a stream crosses it, not one per
    endpoint."""
    media: Media
    """What is sent."""
    meeting: Meeting = Meeting()
    """Who is seen and heard, and when."""
    joining: Joining | None = None
    """When the endpoints set out to join; without it, everyone is there from the start."""
    signalling: Signalling | None = None
    """Through which servers they join and come back."""
    ice: Ice = Ice()
    """Who needs a relay."""
    placement: Placement = Placement()
    """Which media node takes whom."""
    recovery: RecoveryPolicy = Recovery()
    """How clients come back."""
    faults: Faults = ()
    """What breaks, and when."""
    thresholds: Thresholds = Field(default_factory=dict)
    """What must hold."""
    rollout: Rollout | None = None
    """How the endpoints get connected before the meeting; `rehearse rollout` plays it."""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        pieces = Pieces(
            duration=self.duration,
            interval=self.interval,
            endpoints=self.endpoints,
            command_centre=self.command_centre,
            media=self.media,
            meeting=self.meeting,
            thresholds=self.thresholds,
            nodes=self.nodes,
            carriers=self.carriers,
            access=self.access,
            joining=self.joining,
            signalling=self.signalling,
            placement=self.placement,
            faults=self.faults,
            unsignalled=self.signalling is None,
        )
        report(contradictions(pieces))
        return self
