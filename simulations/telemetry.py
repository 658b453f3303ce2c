"""What shared links and media nodes did in each interval, and where every packet went."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.records import LINKS, NODES, Accounting
from scenarios.units import SECOND
from simulations.topology import Plan
from simulations.world import CASCADED, FAN_OUT, INGRESSED, PUBLISHED, World


class Telemetry:
    """Collects the rows of links and nodes over a run, and totals."""

    def __init__(self, plan: Plan, nodes: list[str]) -> None:
        self.plan = plan
        self.node_names = nodes
        self.links = np.array([s for s, station in enumerate(plan.stations) if station.kind])
        self.link_rows: list[dict[str, NDArray[Any]]] = []
        self.node_rows: list[dict[str, NDArray[Any]]] = []
        self.busy = np.zeros(len(self.links), np.int64)
        self.cpu_busy = np.zeros(len(nodes), np.int64)
        self.times: list[int] = []
        self.lost: dict[str, int] = {}
        self.hops = 0
        self.copies = 0
        self.cascade_arrivals = 0

    def sample(self, world: World, begin: int, end: int) -> None:
        """Take the interval from ``begin`` to ``end`` (ns)."""
        seconds = (end - begin) / SECOND
        self.times.append(begin)
        self._sample_links(world, end, seconds)
        self._sample_nodes(world, end, seconds)
        for side, links in (("uplink", world.uplinks), ("downlink", world.downlinks)):
            self.hops += int(links["packets"].sum())
            for count, place in (
                ("dropped_policer", f"{side} policer"),
                ("dropped_queue", f"{side} queue"),
                ("lost", side),
                ("cut", f"{side} cut"),
            ):
                self._lose(place, int(links[count].sum()))

    def _sample_links(self, world: World, end: int, seconds: float) -> None:
        rows = world.stations[self.links]
        served = rows["packets"] - rows["dropped"]
        # All work accepted, less what is still to do: the server never idles while work waits.
        busy = rows["work"] - np.maximum(rows["queue"]["free_at"] - end, 0)
        self.link_rows.append(
            {
                "packets_in": rows["packets"].copy(),
                "packets_out": served,
                "packets_dropped": rows["dropped"],
                "bitrate": rows["bytes"] * 8 / seconds,
                "background_bitrate": rows["burst_served"] * 8 / seconds,
                "link_utilization": (busy - self.busy) / SECOND / seconds,
                "queue_delay_mean": np.divide(
                    rows["delay_sum"], served * SECOND, out=np.full(len(rows), np.nan),
                    where=served > 0,
                ),
                "queue_delay_max": np.where(served > 0, rows["delay_max"] / SECOND, np.nan),
            }
        )  # fmt: skip
        self.busy = busy
        for s, dropped in zip(self.links, rows["dropped"], strict=True):
            station = self.plan.stations[s]
            direction = "" if station.kind == "cascade" else f" {station.direction}"
            self._lose(f"{station.kind}{direction}", int(dropped))
        for s, cut in zip(self.links, rows["cut"], strict=True):
            self._lose(f"{self.plan.stations[s].kind} cut", int(cut))
        self._lose("receiver gone", int(world.stations["gone"].sum()))
        self.hops += int(rows["packets"].sum())

    def _sample_nodes(self, world: World, end: int, seconds: float) -> None:
        rows = world.nodes
        busy = rows["cpu_work"] - np.maximum(rows["cpu_free"] - end, 0)
        self.node_rows.append(
            {
                "packets_in": rows["packets"].copy(),
                "copies_out": rows["copies"] - rows["dropped"],
                "copies_dropped": rows["dropped"].copy(),
                "retransmissions": rows["retransmissions"].copy(),
                "probe_packets": rows["padding"].copy(),
                "key_frame_requests": rows["key_frame_requests"].copy(),
                "node_egress": rows["bytes"] * 8 / seconds,
                "node_cpu": (busy - self.cpu_busy) / SECOND / seconds,
                "queue_delay_max": rows["delay_max"] / SECOND,
            }
        )
        self.cpu_busy = busy
        self.copies += int(rows["copies"].sum())
        self.cascade_arrivals += int(rows["cascaded"].sum())
        self.hops += int((rows["packets"] + rows["copies"]).sum())
        self._lose("node", int(rows["dropped"].sum()))
        self._lose("node cut", int(rows["cut"].sum()))

    def _lose(self, place: str, packets: int) -> None:
        self.lost[place] = self.lost.get(place, 0) + packets

    def accounting(self, world: World, delivered: int) -> Accounting:
        """Where every packet went, leg by leg: publisher to node, node to node, node to receiver.

        Args:
            delivered: copies that receivers took.
        """
        edges = world.edges
        in_flight = int((edges["tail"] - edges["head"]).sum())
        in_flight += int(world.endpoints["mail"].sum())
        # On their way inside a node: neither sent anew nor in flight.
        fan_out = range(world.level_first[FAN_OUT], world.level_first[FAN_OUT + 1])
        own = np.isin([edge.target for edge in self.plan.edges], fan_out) & (edges["cascade"] == 0)
        in_flight -= int((edges["tail"] - edges["head"])[own].sum())
        return Accounting(
            sent=int(world.totals[PUBLISHED] + world.totals[CASCADED]) + self.copies,
            delivered=int(world.totals[INGRESSED]) + self.cascade_arrivals + delivered,
            in_flight=in_flight,
            lost={place: count for place, count in self.lost.items() if count},
        )

    def links_table(self) -> pa.Table:
        """The table of shared links."""
        stations = [self.plan.stations[s] for s in self.links]
        columns = {
            "link": [station.name for station in stations],
            "kind": [station.kind for station in stations],
            "carrier": [station.carrier for station in stations],
            "province": [station.province for station in stations],
            "direction": [station.direction for station in stations],
        }
        return _table(LINKS, columns, self.link_rows, self.times)

    def nodes_table(self) -> pa.Table:
        """The table of media nodes."""
        return _table(NODES, {"node": self.node_names}, self.node_rows, self.times)


def _table(
    schema: pa.Schema,
    subjects: dict[str, Any],
    rows: list[dict[str, NDArray[Any]]],
    times: list[int],
) -> pa.Table:
    """Rows of all intervals, one below the other, with the subjects' columns repeated."""
    count = len(next(iter(subjects.values())))
    columns: dict[str, Any] = {"time": np.repeat(np.array(times) / SECOND, count)}
    for name, values in subjects.items():
        once = pa.array(values, pa.string()).dictionary_encode()
        columns[name] = once.take(np.tile(np.arange(count), len(times)))
    for name in schema.names[len(columns) :]:
        values = np.concatenate([row[name] for row in rows])
        columns[name] = pa.array(values, schema.field(name).type, from_pandas=True)
    return pa.table(columns, schema)
