"""Placement: which media node an endpoint is sent to, and what is known of the nodes' health."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.record import NodeName, Problem, Record, report
from scenarios.units import DURATION, Duration, PositiveDuration, between


class Health(Record):
    """Health checks of media nodes by the signalling servers."""

    every: Annotated[PositiveDuration, between(DURATION, "100ms", "10min")] = 10_000_000_000
    """Time between two checks of a node (jicofo: 10 s)."""
    timeout: Annotated[PositiveDuration, between(DURATION, "10ms", "10min")] = 5_000_000_000
    """A node that has hung fails a check after so long (jicofo: 5 s); one that has died, at
    once."""
    barred: Duration = 60_000_000_000
    """So long after a failed check nobody is sent to the node, even if it is well again (jicofo:
    1 min)."""


class Placement(Record):
    """Which media node an endpoint is sent to when it joins or comes back.

    A node that failed its last health check is left out, one that is full or drained too.
    """

    policy: Literal["nearest", "least-loaded", "hot-standby", "spare"] = "nearest"
    """The node that the rules deal, else the nearest to the endpoint; the node with the fewest
    endpoints, for its room where every node has one in `room`; as `nearest`, with a standby of its
    own for every node; or as `nearest`, with one spare for all (N+1)."""
    standby: dict[NodeName, NodeName] = Field(default_factory=dict)
    """The standby of each node, for `hot-standby`; it takes nobody else."""
    spare: NodeName | None = None
    """The node that is kept free, for `spare`."""
    room: dict[NodeName, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Endpoints that a node takes, at most; who finds it full goes to the next."""
    health: Health = Health()
    """Health checks."""
    drain: Annotated[int, Field(ge=1)] = 50
    """Endpoints per second that a node which is being drained hands over."""

    @property
    def kept_free(self) -> frozenset[str]:
        """Nodes that take nobody while their charges are well."""
        if self.policy == "hot-standby":
            return frozenset(self.standby.values())
        return frozenset({self.spare} if self.policy == "spare" and self.spare else ())

    @model_validator(mode="after")
    def _check_policy(self) -> Self:
        problems = []
        if (self.policy == "hot-standby") != bool(self.standby):
            rule = "policy hot-standby and the standby of each node go together"
            problems.append(Problem(("standby",), None, rule))
        if (self.policy == "spare") != (self.spare is not None):
            rule = "policy spare and the node that is kept free go together"
            problems.append(Problem(("spare",), None, rule))
        problems += [
            Problem(("standby", node), other, "a standby must not have a standby itself")
            for node, other in self.standby.items()
            if other in self.standby
        ]
        report(problems)
        return self
