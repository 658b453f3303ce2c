"""Trials: what a search or a sweep keeps of a run: its thresholds' values and its fullest parts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from results.records import Run
from results.selection import Measurements
from results.verdict import Judgement, Verdict, judge

MOST_RESOURCES = 12
"""Of the fullest parts of the network, how many a trial keeps."""


@dataclass(frozen=True)
class Resource:
    """A part of the network that can be full."""

    name: str
    """As in "aggregation vnpt Cà Mau down", "NIC of hanoi" or "CPU of hanoi"."""
    kind: str
    """backbone, peering, aggregation, cascade, nic or cpu."""
    utilization: float
    """Ratio, in its busiest interval."""
    queue_delay: float = 0.0
    """Seconds that a packet waited there at most; 0 for what has no queue of its own."""


@dataclass(frozen=True)
class Trial:
    """A run, as far as a search or a sweep needs it."""

    replication: int
    verdict: Verdict
    reason: str
    checks: tuple[Judgement, ...]
    """What came of each threshold, in the scenario's order."""
    resources: tuple[Resource, ...]
    """The fullest first."""
    lost: Mapping[str, int]
    """Packets lost by place."""
    sent: int
    endpoints: int
    wall_s: float

    @property
    def binding(self) -> tuple[Judgement, ...]:
        """The checks that are not advisory."""
        return tuple(check for check in self.checks if not check.advisory)

    def to_json(self) -> dict[str, Any]:
        """As plain values. An infinite value is the text `never`."""
        data = asdict(self)
        for check in data["checks"]:
            check["value"] = "never" if check["value"] == float("inf") else check["value"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it was something else.
        """
        checks = []
        for row in data["checks"]:
            value = float("inf") if row["value"] == "never" else row["value"]
            checks.append(Judgement(**{**row, "value": value}))
        resources = tuple(Resource(**row) for row in data["resources"])
        return cls(**{**data, "checks": tuple(checks), "resources": resources})


def observe(run: Run) -> Trial:
    """What a search or a sweep keeps of ``run``."""
    measurements = Measurements(run)
    outcome = judge(run, measurements)
    return Trial(
        replication=run.replication,
        verdict=outcome.verdict,
        reason=outcome.reason,
        checks=outcome.judgements,
        resources=_resources(run),
        lost=dict(run.accounting.lost),
        sent=run.accounting.sent,
        endpoints=sum(measurements.sizes("level").values()),
        wall_s=run.cost.wall_s,
    )


def _resources(run: Run) -> tuple[Resource, ...]:
    links = run.tables["links"].group_by(["link", "kind"])
    peaks = links.aggregate([("link_utilization", "max"), ("queue_delay_max", "max")])
    found = [
        Resource(
            row["link"],
            row["kind"],
            row["link_utilization_max"] or 0.0,
            row["queue_delay_max_max"] or 0.0,
        )
        for row in peaks.to_pylist()
    ]
    nodes = run.tables["nodes"].group_by("node")
    columns = ("node_egress", "node_cpu", "queue_delay_max")
    peaks = nodes.aggregate([(column, "max") for column in columns])
    for row in peaks.to_pylist():
        name = row["node"]
        egress = (row["node_egress_max"] or 0.0) / run.scenario.nodes[name].nic
        found.append(Resource(f"NIC of {name}", "nic", egress, row["queue_delay_max_max"] or 0.0))
        found.append(Resource(f"CPU of {name}", "cpu", row["node_cpu_max"] or 0.0))
    found.sort(key=lambda resource: (-resource.utilization, resource.name))
    # The fullest of all, the fullest of each kind (what a threshold on a kind looks at is there),
    # and those with the longest queues.
    firsts = {resource.kind: resource for resource in reversed(found)}
    queues = sorted(found, key=lambda resource: -resource.queue_delay)[:MOST_RESOURCES]
    kept = {*found[:MOST_RESOURCES], *firsts.values(), *queues}
    return tuple(resource for resource in found if resource in kept)
