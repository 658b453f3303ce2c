"""The trace of one endpoint's packets as a table: one row a packet."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scenarios.units import SECOND
from simulations.trace import PLACES
from simulations.world import World


class Tracer:
    """Collects trace rows over a run."""

    def __init__(self) -> None:
        self.rows: list[NDArray[np.int64]] = []

    def collect(self, world: World) -> None:
        """Take the rows written since the last call.

        Raises:
            RuntimeError: there were more than the world has room for.
        """
        written = int(world.trace[1])
        if written > len(world.trace_rows):
            raise RuntimeError(f"{written} trace rows at once exceed {len(world.trace_rows)}")
        self.rows.append(world.trace_rows[:written].copy())
        world.trace[1] = 0

    def table(self) -> pa.Table:
        """One row a packet that the endpoint sent or was sent, in order of sending.

        Columns: direction, media, source (SSRC), sequence, size (bytes), the time (s) at which the
        packet left each of PLACES, and lost_at: the place where it was lost. What was lost and sent
        again has both: where it was lost, and when its retransmission arrived.
        """
        rows = np.concatenate(self.rows)
        source, sequence, media, size, place, time = rows.T
        packets, first, packet_of = np.unique(
            source << 32 | sequence, return_index=True, return_inverse=True
        )
        times = np.full((len(packets), len(PLACES)), np.nan)
        lost = np.full(len(packets), -1, np.int64)
        gone = place < 0
        times[packet_of[~gone], place[~gone]] = time[~gone] / SECOND
        lost[packet_of[gone]] = -1 - place[gone]
        order = np.argsort(times[:, 0], kind="stable")
        # What has a time at its own uplink, or was lost there, the endpoint sent itself.
        own = ~np.isnan(times[:, 1]) | (lost == 1)
        columns: dict[str, Any] = {
            "direction": np.where(own, "sent", "received")[order],
            "media": np.array(["audio", "video", "screen", "padding"])[media[first]][order],
            "source": source[first][order],
            "sequence": sequence[first][order],
            "size": size[first][order],
            **{
                name.replace(" ", "_"): pa.array(times[order, i], from_pandas=True)
                for i, name in enumerate(PLACES)
            },
            "lost_at": pa.array([PLACES[i] if i >= 0 else None for i in lost[order]], pa.string()),
        }
        return pa.table(columns)
