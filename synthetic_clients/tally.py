"""What became of a process's packets, and whether its probes agree with its other receivers."""

from collections.abc import Iterable, Sequence
from typing import Any

from scenarios.units import SECOND
from synthetic_clients.publishing import Publisher
from synthetic_clients.receivers import Receivers
from synthetic_clients.state import LINKED, State

LOSSES = {
    "access queue down": "dropped_queue",
    "access policer down": "dropped_policer",
    "access down": "lost",
    "access cut down": "cut",
}
"""Counts of a virtual downlink, by the place where packets are lost."""


class Tally:
    """Packets since the meeting's beginning."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.entered = self.delivered = self.in_flight = self.published = 0
        self.lost = dict.fromkeys(LOSSES, 0)

    def _on_their_way(self) -> int:
        places = self._state.endpoints
        return int((places["tail"] - places["head"]).sum())

    def begin(self) -> None:
        """The meeting begins: what is on its way came in before."""
        self.entered = self._on_their_way()

    def take(self, publishers: Iterable[Publisher]) -> None:
        """Take the counts of an interval."""
        state = self._state
        received = int(state.meters["packets"].sum())
        self.entered += int(state.downlinks["packets"].sum())
        for place, column in LOSSES.items():
            self.lost[place] += int(state.downlinks[column].sum())
        if not state.clock[LINKED]:
            self.entered += received
        self.delivered += received
        self.in_flight = self._on_their_way()
        self.published += sum(publisher.packets for publisher in publishers)

    def said(self) -> dict[str, Any]:
        """As a part of the process's last message."""
        return {
            "entered": self.entered, "delivered": self.delivered, "lost": self.lost,
            "published": self.published, "in_flight": self.in_flight,
        }  # fmt: skip


def compare_probes(receivers: Receivers, sites: Sequence[str]) -> list[dict[str, Any]]:
    """What probes decoded beside what the header-only receiver counted on the same stream."""
    state, rows = receivers.state, []
    for v, heard in receivers.probes.heard.items():
        view = state.views[v]
        streams = state.voices if view["audio"] else state.pictures
        rows.append(
            {
                "site": sites[int(view["endpoint"])],
                "audio": bool(view["audio"]),
                "packets": heard.packets,
                "received": int(view["received"]),
                "jitter": heard.jitter_s,
                "header_jitter": float(streams[view["place"]]["jitter"]) / SECOND,
                "decoded": heard.decoded,
                "undecodable": heard.undecodable,
                "gaps": heard.gaps,
                "freezes": heard.freezes,
                "header_freezes": _freezes(state, v),
            }
        )
    return rows


def _freezes(state: State, v: int) -> int:
    view = state.views[v]
    if view["audio"]:
        return 0
    screen = state.screens[view["place"]]
    return int(state.freeze_totals[view["place"]] + screen["freezes"]["freeze_count"])
