"""Recovery: how clients notice that they have lost the meeting, and how they come back.

Policies are data: `POLICIES` holds the timers and back-offs of known clients; a scenario takes one
by its name and may set single values anew.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scenarios.record import Problem, Record, report
from scenarios.units import DURATION, Duration, PositiveDuration, Share, between, format_quantity

POLICIES: Mapping[str, Mapping[str, Any]] = {
    # LiveKit's JavaScript client: first a resume (ICE restart), then whole reconnections after
    # these delays, with up to 1 s of jitter from the third on; its server gives a participant up
    # after 10 s. When the list is at its end the person joins anew.
    "livekit": {
        "detection": "10s",
        "restarts": 1,
        "delays": ["0s", "300ms", "1200ms", "2700ms", "4800ms", "7s", "7s", "7s", "7s", "7s"],
        "jitter": "added",
        "spread": "1s",
        "jitter_from": 3,
        "rejoin": "30s",
    },
    # Jitsi: the conference focus moves everyone at once off a bridge that failed its health check;
    # else a client whose ICE has failed (30 s) loads its page anew after 10 s and up to 20 s more.
    "jitsi": {
        "detection": "30s",
        "restarts": 1,
        "delays": ["10s"],
        "jitter": "added",
        "spread": "20s",
        "jitter_from": 1,
        "moved_by_server": True,
    },
    # Back-off with full jitter: U(0, min(cap, base · 2ⁿ)).
    "full-jitter": {
        "detection": "10s",
        "restarts": 0,
        "base": "20s",
        "cap": "60s",
        "jitter": "full",
    },
    # Nobody comes back: what ICE consent does not outlive is lost.
    "none": {"detection": "30s", "restarts": 0, "reconnects": False, "switches": False},
}
"""Recovery policies by name, as a scenario would write them."""

LEAST_BACK_OFF = 100_000_000
"""ns; a shorter back-off is as good as none."""


Policy = Literal["livekit", "jitsi", "full-jitter", "none"]


class Recovery(Record):
    """How clients come back. A plain string is the name of a policy."""

    policy: Policy = "livekit"
    """The policy whose values hold where this section does not set them anew."""
    detection: Annotated[PositiveDuration, between(DURATION, "100ms", "30s")] = 10_000_000_000
    """A client that has had no answer from its media node for so long has lost it; ICE consent
    expires after 30 s at the latest (RFC 7675, section 5.1)."""
    check: Annotated[PositiveDuration, between(DURATION, "10ms", "30s")] = 2_500_000_000
    """Time between two checks of the path; the answer that is missed first came up to so long
    before the loss (libwebrtc: 2.5 s on a path that is well)."""
    restarts: Annotated[int, Field(ge=0, le=100)] = 1
    """ICE restarts that are tried before the client connects anew."""
    reconnects: bool = True
    """Whether clients come back at all."""
    delays: tuple[Duration, ...] = ()
    """Time before each attempt to connect anew, one of them 100 ms or more; from the last one on
    see `rejoin`."""
    base: Duration = 1_000_000_000
    """Without `delays`: the delay before the first attempt, doubled for each one after it;
    100 ms or more."""
    cap: Duration = 60_000_000_000
    """Without `delays`: the longest delay, 100 ms or more."""
    jitter: Literal["none", "full", "added"] = "none"
    """A delay is taken as it is; drawn uniformly from 0 to it; or up to `spread` is added."""
    spread: Duration = 0
    """Most that is added to a delay; for `added`."""
    jitter_from: Annotated[int, Field(ge=1)] = 1
    """The first attempt whose delay has jitter, counted from 1."""
    rejoin: Annotated[PositiveDuration, between(DURATION, "100ms", "1h")] = 30_000_000_000
    """After the last of `delays` the person joins anew by hand: after so long, times U(0.5, 1.5),
    and the list begins again."""
    timeout: Annotated[PositiveDuration, between(DURATION, "1s", "5min")] = 15_000_000_000
    """An attempt that is not through after so long, time in a queue for admission left out, has
    failed."""
    switches: bool = True
    """Whether an endpoint with a backup access link changes between its links each time that all
    media nodes, or all signalling servers, have been silent."""
    moved_by_server: bool = False
    """Whether the signalling server tells clients to leave a node that failed its health check."""

    @model_validator(mode="before")
    @classmethod
    def _from_policy(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        name = given.get("policy", "livekit")
        known = POLICIES.get(name, {}) if isinstance(name, str) else {}
        # A schedule is one thing: who sets a base means no list of the policy's.
        known = {k: v for k, v in known.items() if not (k == "delays" and "base" in given)}
        return {**known, **given}

    @model_validator(mode="after")
    def _check_back_off(self) -> Self:
        reason = "the herd that comes back would never let its servers recover"
        problems = []
        least = format_quantity(LEAST_BACK_OFF, DURATION)
        if self.reconnects and self.delays and max(self.delays) < LEAST_BACK_OFF:
            rule = f"must hold a delay of {least} or more: with a shorter back-off {reason}"
            given = [format_quantity(delay, DURATION) for delay in self.delays]
            problems.append(Problem(("delays",), given, rule))
        if self.reconnects and not self.delays:
            for key in ("base", "cap"):
                if getattr(self, key) < LEAST_BACK_OFF:
                    rule = f"must be {least} or more: with a shorter back-off {reason}"
                    shown = format_quantity(getattr(self, key), DURATION)
                    problems.append(Problem((key,), shown, rule))
            if LEAST_BACK_OFF <= self.cap < self.base:
                rule = f"must not be shorter than base, {format_quantity(self.base, DURATION)}"
                problems.append(Problem(("cap",), format_quantity(self.cap, DURATION), rule))
        report(problems)
        return self


def _named(value: object) -> object:
    return {"policy": value} if isinstance(value, str) else value


RecoveryPolicy = Annotated[
    Recovery, BeforeValidator(_named, json_schema_input_type=Policy | Recovery)
]
"""A policy by its name, or a map."""


class Rerouting(Record):
    """How a carrier's routers lead traffic around a backbone or peering link that has failed.

    They can where the carrier has another such link that is up. Then traffic comes back over the
    failed link at a part of its rate, and takes as long as the way by the other link's city.
    """

    detection: Annotated[PositiveDuration, between(DURATION, "10ms", "10min")] = 300_000_000
    """Until the failure is noticed: BFD, three times 100 ms; BGP's hold time is 90 s or 180 s."""
    convergence: Annotated[PositiveDuration, between(DURATION, "10ms", "10min")] = 5_000_000_000
    """From then until the routes have settled."""
    rate: Share = 0.5
    """Share of the failed link's rate that the detour leaves; 0%: there is none."""
