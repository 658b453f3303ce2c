"""The meeting: who is seen and heard, and when."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from scenarios.record import LayerName, Problem, Record, SiteName, report
from scenarios.units import DURATION, Duration, PositiveDuration, between, format_quantity

COMMAND_CENTRE = "command-centre"
"""The command centre's site name."""

Order = Literal["table", "province", "spread"]
"""How endpoints follow one another: as in the endpoint table; one of each province in turn; or one
of each kind of access link in each province in turn, drawn from the seed."""


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
    order: Order = "table"
    """How endpoints follow one another: as in the endpoint table; one of each province in turn; or
    one of each kind of access link in each province in turn, drawn from the seed."""
    layer: LayerName
    """Simulcast layer of the tiles."""

    @property
    def step(self) -> int:
        """Nanoseconds between changes: tiles change one by one, spread over the dwell time."""
        return max(1, self.dwell // self.tiles)

    def changes(self, duration: int) -> int:
        """Changes within ``duration`` (ns), the tiles of the beginning included."""
        return self.tiles + (duration - 1) // self.step


def _check_sites(sites: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(sites)) != len(sites):
        raise ValueError("sites must be named once each")
    if COMMAND_CENTRE in sites:
        raise ValueError("must name endpoints: the command centre leads, and is heard throughout")
    return sites


_Sites = Annotated[tuple[SiteName, ...], AfterValidator(_check_sites)]


class RollCall(Record):
    """The chair calls endpoint after endpoint, and each answers in picture and sound.

    The command centre has the floor at the beginning and between calls, and is heard throughout.
    """

    begin: Duration = 0
    """Time of the first call, from the meeting's start."""
    end: PositiveDuration | None = None
    """No call is made from this time on; the meeting's end, unless said."""
    every: Annotated[PositiveDuration, between(DURATION, "1s", "1h")] = 10_000_000_000
    """Time between calls."""
    hold: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 8_000_000_000
    """Time from a call until the floor goes back to the command centre."""
    order: Order = "spread"
    """How the called follow one another: as in the endpoint table, or in `sites`; one of each
    province in turn; or one of each kind of access link in each province in turn, drawn from the
    seed, so that rare links are called early. Once all were called it begins anew."""
    sites: _Sites = ()
    """Call only these; all endpoints, unless said."""
    camera: Annotated[Duration, between(DURATION, "0s", "1min")] = 500_000_000
    """From the call's arrival at the endpoint to the first frame that its camera captures."""

    @model_validator(mode="after")
    def _check_hold(self) -> Self:
        if self.hold > self.every:
            rule = f"must not be longer than every, {format_quantity(self.every, DURATION)}"
            report([Problem(("hold",), format_quantity(self.hold, DURATION), rule)])
        return self


class Discussion(Record):
    """Several endpoints speak, each with talk spurts and pauses of its own.

    The command centre has the floor as the chair and is heard throughout; the pictures follow the
    speakers.
    """

    begin: Duration = 0
    """Time from the meeting's start."""
    end: PositiveDuration | None = None
    """Time from the meeting's start; the meeting's end, unless said."""
    speakers: Annotated[int | None, Field(ge=1, le=100)] = None
    """So many endpoints speak, spread over provinces and kinds of access link."""
    sites: _Sites = ()
    """These speak; instead of `speakers`."""
    talk: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 1_004_000_000
    """Mean talk spurt, exponential (ITU-T P.59)."""
    pause: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 1_587_000_000
    """Mean pause, exponential (ITU-T P.59)."""
    voices: Annotated[int, Field(ge=1, le=16)] = 3
    """Most speakers heard at once: those who began first."""
    hold: Annotated[Duration, between(DURATION, "0s", "1h")] = 2_000_000_000
    """Time for which a picture stays before it can make way for another speaker's."""

    @model_validator(mode="after")
    def _check_speakers(self) -> Self:
        if (self.speakers is None) == (not self.sites):
            raise ValueError("must name either a number of speakers or their sites")
        return self


class ScreenShare(Record):
    """From ``at`` to ``until``, ``site`` shares its screen: everyone else sees it."""

    at: Duration
    """Time from the meeting's start."""
    until: PositiveDuration | None = None
    """Time from the meeting's start; the meeting's end, unless said."""
    site: SiteName
    """A site of the endpoint table, or `command-centre`."""


class Meeting(Record):
    """Who is seen and heard, and when."""

    floor: Annotated[tuple[FloorTurn, ...], Field(min_length=1)] = (
        FloorTurn(at="0s", site=COMMAND_CENTRE),
    )
    """Turns on the floor, in time."""
    roll_call: RollCall | None = None
    """A stretch in which the command centre calls endpoint after endpoint."""
    discussion: Discussion | None = None
    """A stretch in which several endpoints speak."""
    pictures: Annotated[int, Field(ge=1, le=9)] = 1
    """Pictures that every endpoint sees: of those who had the floor or spoke last."""
    screen: tuple[ScreenShare, ...] = ()
    """Screens shared beside the pictures, one after another."""
    wall: Wall | None = None
    """The command centre's wall."""

    @property
    def sites(self) -> frozenset[str]:
        """Endpoints that the meeting names, which no sample leaves out."""
        named = {turn.site for turn in self.floor} | {share.site for share in self.screen}
        for stretch in (self.roll_call, self.discussion):
            named |= set(stretch.sites) if stretch is not None else set()
        return frozenset(named - {COMMAND_CENTRE})

    @model_validator(mode="after")
    def _check_turns(self) -> Self:
        times = [turn.at for turn in self.floor]
        if times[0] != 0 or times != sorted(set(times)):
            raise ValueError("turns must start at 0s and follow one another in time")
        return self

    @model_validator(mode="after")
    def _check_stretches(self) -> Self:
        report([*self._empty_stretches(), *self._meeting_stretches(), *self._turns_within()])
        return self

    def _stretches(self) -> Iterator[tuple[str, RollCall | Discussion]]:
        if self.roll_call is not None:
            yield "roll_call", self.roll_call
        if self.discussion is not None:
            yield "discussion", self.discussion

    def _empty_stretches(self) -> Iterator[Problem]:
        for key, stretch in self._stretches():
            if stretch.end is not None and stretch.end <= stretch.begin:
                rule = f"must lie after begin, {_clock(stretch.begin)}"
                yield Problem((key, "end"), _clock(stretch.end), rule)
        for index, share in enumerate(self.screen):
            if share.until is not None and share.until <= share.at:
                rule = f"must lie after at, {_clock(share.at)}"
                yield Problem(("screen", index, "until"), _clock(share.until), rule)

    def _meeting_stretches(self) -> Iterator[Problem]:
        """Where one stretch runs into the next."""
        stretches = sorted(self._stretches(), key=lambda item: item[1].begin)
        for (_, first), (key, second) in pairwise(stretches):
            if first.end is None or first.end > second.begin:
                rule = "a roll call and a discussion must not overlap"
                yield Problem((key, "begin"), _clock(second.begin), rule)
        for index, (before, after) in enumerate(pairwise(self.screen), start=1):
            if before.until is None or before.until > after.at:
                rule = "one screen at a time: must not lie before the end of the one before"
                yield Problem(("screen", index, "at"), _clock(after.at), rule)

    def _turns_within(self) -> Iterator[Problem]:
        for index, turn in enumerate(self.floor):
            for key, stretch in self._stretches():
                if stretch.begin < turn.at and (stretch.end is None or turn.at < stretch.end):
                    noun = key.replace("_", " ")
                    rule = f"must not lie within the {noun}, in which the command centre leads"
                    yield Problem(("floor", index, "at"), _clock(turn.at), rule)


def _clock(time: int) -> str:
    return format_quantity(time, DURATION)
