"""The meeting: who is seen and heard, and when."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from scenarios.record import LayerName, Record, SiteName
from scenarios.units import DURATION, Duration, PositiveDuration, between

COMMAND_CENTRE = "command-centre"
"""The command centre's site name."""


class FloorTurn(Record):
    """From ``at`` on, ``site`` has the floor: everyone else hears and sees it."""

    at: Duration
    """Time from the meeting's start."""
    site: SiteName
    """A site of the endpoint table, or `command-centre`."""


class Wall(Record):
    """Tiles on the command centre's wall, each showing one endpoint after another."""

    tiles: Annotated[int, Field(ge=1, le=400)]
    """Endpoints shown at once."""
    dwell: Annotated[PositiveDuration, between(DURATION, "1s", "24h")] = 10_000_000_000
    """Time for which an endpoint stays on the wall."""
    layer: LayerName
    """Simulcast layer of the tiles."""


class Meeting(Record):
    """Who is seen and heard, and when."""

    floor: Annotated[tuple[FloorTurn, ...], Field(min_length=1)] = (
        FloorTurn(at="0s", site=COMMAND_CENTRE),
    )
    """Turns on the floor, in time."""
    wall: Wall | None = None
    """The command centre's wall."""

    @model_validator(mode="after")
    def _check_turns(self) -> Self:
        times = [turn.at for turn in self.floor]
        if times[0] != 0 or times != sorted(set(times)):
            raise ValueError("turns must start at 0s and follow one another in time")
        return self
