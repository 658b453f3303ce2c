"""Tracing one endpoint's packets: a row for every place that one passes or is lost at."""

from typing import Any

from simulations.compiled import seldom

PLACES = (
    "sent",
    "uplink",
    "aggregation up",
    "backbone up",
    "peering up",
    "node in",
    "cascade",
    "node out",
    "peering",
    "backbone",
    "aggregation",
    "arrival",
)
"""Where a packet can be, in order: having left the place named. A loss is −1 − its place."""

SENT, UPLINK = 0, 1
NODE_IN, NODE_OUT = 5, 7
AGGREGATION, ARRIVAL = 10, 11


@seldom
def note(trace: Any, rows: Any, packet: Any, place: int, left: int, now: int) -> None:
    """Write that ``packet`` left ``place`` at the time ``left`` (ns); negative: lost there ``now``.

    Rows beyond the room there is are only counted.
    """
    row = trace[1]
    if row < len(rows):
        rows[row, 0] = packet.source
        rows[row, 1] = packet.sequence
        rows[row, 2] = packet.media
        rows[row, 3] = packet.size
        rows[row, 4] = place if left >= 0 else -1 - place
        rows[row, 5] = left if left >= 0 else now
    trace[1] += 1
