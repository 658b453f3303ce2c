"""The network's shared parts: carriers and media nodes."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from scenarios.links import SharedLink
from scenarios.record import CarrierName, ProvinceName, Record
from scenarios.recovery import Rerouting
from scenarios.units import Duration, PositiveBitrate, PositiveDuration


class Place(Record):
    """A point on the map, in degrees (WGS 84)."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Carrier(Record):
    """A carrier's network between media nodes and endpoints."""

    label: str
    """Name on plots and in reports."""
    backbone: SharedLink
    """From each media node's city towards the provinces, and back."""
    aggregation: SharedLink
    """Within each province, and back."""
    provinces: dict[ProvinceName, SharedLink] = Field(default_factory=dict)
    """Aggregation links that differ from `aggregation`, by province."""
    peering: SharedLink
    """In each media node's city, to nodes that are not on this carrier, and back."""
    detour: Annotated[float, Field(ge=1, le=10)] = 1.5
    """Length of the fibre's route over the great circle's."""
    rerouting: Rerouting = Rerouting()
    """How its routers lead traffic around a failed link, where there is a way."""


class NodeCost(Record):
    """A media node's processing time, all its workers together."""

    packet: Duration = 2_000
    """Per packet received."""
    copy_: Annotated[Duration, Field(alias="copy")] = 300
    """Per copy sent."""
    kilobyte: Duration = 50
    """Per 1,000 bytes sent."""
    join: Duration = 200_000
    """Per publisher that opens and per subscriber that joins. Who is there at the meeting's start
    has joined before."""


class MediaNode(Place):
    """A selective forwarding unit (RFC 7667, section 3.7)."""

    label: str
    """Name on plots and in reports."""
    carriers: Annotated[tuple[CarrierName, ...], Field(min_length=1)]
    """Carriers that reach the node directly; others come over their peering."""
    nic: PositiveBitrate
    """Rate of its network interface, each direction."""
    queue: PositiveDuration = 200_000_000
    """A copy that would wait longer than this to leave the node is dropped."""
    cost: NodeCost = NodeCost()
    """Processing time."""
    key_frame_spacing: Duration = 500_000_000
    """Least time between two requests for a key frame of the same layer of a publisher, however
    many subscribers ask (PLI; RFC 4585, section 6.3.1)."""

    @model_validator(mode="after")
    def _check_carriers(self) -> Self:
        if len(set(self.carriers)) != len(self.carriers):
            raise ValueError("carriers must be named once each")
        return self
