"""The rollout: how the endpoints get connected, by which crews, in how many days."""

from typing import Annotated

from pydantic import Field

from scenarios.record import AccessName, CarrierName, Record
from scenarios.units import DURATION, Duration, PositiveDuration, Share, between

WorkTime = Annotated[PositiveDuration, between(DURATION, "1min", "48h")]


class Lasting(Record):
    """How long a piece of work takes: a log-normal time."""

    median: WorkTime
    """Half of the times are shorter."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Standard deviation of the time's logarithm."""


class Work(Record):
    """What connecting an endpoint takes, on one kind of access link."""

    install: Lasting
    """From arriving at the site until the link is up."""
    test: Lasting
    """The acceptance test of the site."""
    fault: Share
    """Probability that the test fails."""
    revisit: Share
    """Of failed tests, how many need another visit; the others are repaired and tested again on
    the spot."""
    repair: Lasting
    """Repair on the spot, before the second test."""
    kits_per_day: Annotated[int, Field(ge=1)]
    """Sets of material for this kind of link that each carrier gets every morning; what is not
    used stays."""


class Travel(Record):
    """How crews get about. Sites have no coordinates of their own, their provinces' seats have."""

    within_district: Lasting
    """Between two sites of a district."""
    within_province: Lasting
    """Between two sites of different districts."""
    speed: Annotated[float, Field(gt=0, le=200)]
    """Between provinces, in km/h along the route."""
    detour: Annotated[float, Field(ge=1, le=10)] = 1.4
    """Length of the route over the great circle's."""


class Rollout(Record):
    """Connecting the endpoints."""

    days: Annotated[int, Field(ge=1, le=60)]
    """In how many days all of them must be connected."""
    shift: Annotated[Duration, between(DURATION, "1h", "24h")]
    """Length of a working day. No visit begins that would typically end after it; one that is
    under way is finished."""
    crews: dict[CarrierName, Annotated[int, Field(ge=1, le=5000)]]
    """Crews by carrier: each connects its carrier's endpoints."""
    revisit_after: Duration
    """From a failed test that needs another visit until the parts for it are there."""
    work: dict[AccessName, Work]
    """By kind of access link."""
    travel: Travel
    """Between sites."""
