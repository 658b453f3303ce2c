"""The receivers of one process: from the loop's batches to RTCP, for all of its endpoints."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from aiortc.rtp import RtcpReceiverInfo, RtcpSrPacket

from scenarios.units import SECOND
from simulations.freezes import begin, stop
from simulations.nack import LONGEST
from synthetic_clients.aiortc_parts import Wire
from synthetic_clients.batch_loop import BatchLoop
from synthetic_clients.crossing import cross_downlink, cross_uplink
from synthetic_clients.descriptions import CAPTURE_TIME, Slot
from synthetic_clients.headers import NTP_OFFSET, PACKET, parse
from synthetic_clients.probes import Probes
from synthetic_clients.receiving import (
    begin_anew,
    deliver,
    enter,
    estimate,
    look_round,
    map_report,
)
from synthetic_clients.reports import (
    HEADERS,
    bandwidth_estimate,
    nack,
    picture_loss,
    read_reports,
    receiver_report,
    report_interval,
)
from synthetic_clients.sockets import ROWS, Reader
from synthetic_clients.state import LINKS_FROM, TAPPED, State
from synthetic_clients.vp8 import begins_key_frame

TICK_S = 0.025
"""Between rounds in which receivers ask for what they miss: the simulation's tick."""
ESTIMATE_TICKS = 4
"""Ticks between estimates, and REMB where one has changed: 100 ms."""
LOOKS = 64
"""Packets of a batch that are decrypted at most, to see whether a key frame begins."""
_REMB_CHANGE = 0.03
_REQUESTS = 4096
NEVER = np.int64(1 << 62)

Clock = Callable[[], int]
"""ns on the run's clock."""


class Receivers:
    """Reads media for all endpoints, and sends RTCP for them."""

    def __init__(
        self, loop: BatchLoop, state: State, settings: Any, epoch: int, clock: Clock, seed: int
    ) -> None:
        """
        Args:
            epoch: Unix time at which the run's clock is 0, ns.
            clock: the run's clock.
            seed: of the times of RTCP.
        """
        self.loop, self.state, self.settings = loop, state, settings
        self.epoch, self.clock = epoch, clock
        self.packets = np.zeros(ROWS, PACKET)
        self.wires: dict[int, Wire] = {}
        self.names: dict[int, str] = {}
        self.ssrcs: dict[int, int] = {}
        self.probes = Probes()
        self.remb = True
        endpoints = len(state.endpoints)
        self._told = np.zeros(endpoints)
        """The estimate that each has last sent, bit/s."""
        self._reports_at = np.full(endpoints, NEVER)
        """When each reports next, ns on the run's clock."""
        pictures = state.views["endpoint"][state.views["audio"] == 0]
        self._watches = np.bincount(pictures, minlength=endpoints) > 0
        self._random = random.Random(seed)  # noqa: S311  the times of reports are no secret
        self._numbers = np.zeros(LONGEST, np.int32)
        self._requests = np.zeros((_REQUESTS, 2), np.int64)
        self._keys = np.zeros(_REQUESTS, np.int64)
        self._ticks = 0
        loop.media = self.take

    # ------------------------------------------------------------ who receives

    def attach(
        self, endpoint: int, name: str, wire: Wire, slots: Sequence[Slot], *, probe: bool = False
    ) -> None:
        """The endpoint receives over ``wire`` from now on, its slots in the order of its views."""
        self.state.tapped[endpoint] = probe
        if probe:
            self.probes.wires[endpoint] = wire
        place = self.state.endpoints[endpoint]
        first, views = int(place["first_view"]), int(place["views"])
        for v in range(first, first + views):
            view = self.state.views[v]
            kind = "audio" if view["audio"] else "video"
            nth = sum(self.state.views[w]["audio"] == view["audio"] for w in range(first, v))
            mine = [slot for slot in slots if slot.kind == kind]
            begin_anew(self.state, v)
            self.probes.heard.pop(v, None)
            view["ssrc"], view["payload_type"], view["capture_id"] = -1, -1, 0
            if nth < len(mine) and mine[nth].accepted:
                slot = mine[nth]
                view["ssrc"] = -1 if slot.ssrc is None else slot.ssrc
                view["payload_type"] = slot.payload_type
                view["capture_id"] = slot.extensions.get(CAPTURE_TIME, 0)
        self.loop.reader.sockets[wire.index]["owner"] = endpoint
        self.wires[endpoint], self.names[endpoint] = wire, name
        self.ssrcs[endpoint] = self._random.getrandbits(31) | 1
        place["online"] = 1
        self._told[endpoint] = 0.0
        self._reports_at[endpoint] = self.clock() + round(self._random.random() * SECOND)

    def detach(self, endpoint: int) -> None:
        """The endpoint receives nothing any more."""
        wire = self.wires.pop(endpoint, None)
        if wire is not None:
            sockets = self.loop.reader.sockets
            sockets["owner"][sockets["owner"] == endpoint] = -1
            self.probes.wires.pop(endpoint, None)
            self.state.endpoints[endpoint]["online"] = 0
            self._reports_at[endpoint] = NEVER

    def want(self, view: int, wanted: bool) -> None:
        """A picture is to be seen from now on, or no longer."""
        screen = self.state.screens[self.state.views[view]["place"]]
        if wanted:
            begin(screen["freezes"], self.clock())
        else:
            stop(screen["freezes"], self.clock())

    def link(self, fresh: Sequence[Any]) -> None:
        """Begin anew with virtual links: (down, up), whose time is 0 now."""
        self.state.downlinks[:] = fresh[0]
        self.state.uplinks[:] = fresh[1]
        self.state.clock[LINKS_FROM] = self.clock()

    # ------------------------------------------------------------ media

    def take(self, reader: Reader, rows: int) -> None:
        """Take a batch."""
        found = parse(reader.slab, rows, reader.sockets, self.state, self.epoch, self.packets)
        if not found:
            return
        packets = self.packets[:found]
        views = self.state.views
        if self.probes.wires:
            self.probes.hold(packets, self.state, reader)
        looked = (views["look"][packets["stream"]] == 1) & (views["audio"][packets["stream"]] == 0)
        if looked.any():
            self._look(reader, packets, np.flatnonzero(looked)[:LOOKS])
        enter(self.state, self.packets, found, self.settings)

    def _look(self, reader: Reader, packets: Any, places: Any) -> None:
        for p in places.tolist():
            packet = packets[p]
            wire = self.wires.get(int(self.state.views[packet["stream"]]["endpoint"]))
            if wire is None:
                continue
            if wire in self.probes.wires.values():
                plain = self.probes.plain(int(packet["stream"]), int(packet["sequence"]))
            else:
                row = int(packet["row"])
                length = int(reader.slab.datagrams[row]["length"])
                plain = wire.unprotect(reader.slab.rows[row, :length].tobytes())
            packet["key"] = plain is not None and begins_key_frame(plain)

    def tick(self) -> None:
        """Bring receivers up to now, and send what they ask for."""
        now = self.clock()
        deliver(self.state, now, self.settings)
        if self.state.clock[TAPPED]:
            self.probes.take(self.state.taps[: self.state.clock[TAPPED]], self.state)
            self.state.clock[TAPPED] = 0
        asked, keys = look_round(
            self.state, now, self.settings[0], self._numbers, self._requests, self._keys
        )
        if asked:
            self._ask(now, self._requests[:asked])
        for v in self._keys[:keys].tolist():
            view = self.state.views[v]
            e = int(view["endpoint"])
            if e in self.wires and view["ssrc"] >= 0:
                self.send(e, picture_loss(self.ssrcs[e], int(view["ssrc"])), now)
        self._ticks += 1
        if self._ticks % ESTIMATE_TICKS == 0:
            estimate(self.state, now)
            if self.remb:
                self._tell_estimates(now)
        self._report(now)

    # ------------------------------------------------------------ RTCP

    def _ask(self, now: int, requests: Any) -> None:
        by_view: dict[int, list[int]] = {}
        for v, number in requests.tolist():
            by_view.setdefault(v, []).append(number)
        for v, numbers in by_view.items():
            view = self.state.views[v]
            e = int(view["endpoint"])
            if e in self.wires and view["ssrc"] >= 0:
                self.send(e, nack(self.ssrcs[e], int(view["ssrc"]), numbers), now)

    def _tell_estimates(self, now: int) -> None:
        estimates = self.state.endpoints["estimate"]
        changed = np.abs(estimates - self._told) > _REMB_CHANGE * self._told
        online = self.state.endpoints["online"] == 1
        for e in np.flatnonzero(changed & online & self._watches).tolist():
            place = self.state.endpoints[e]
            views = self.state.views[place["first_view"] :][: place["views"]]
            ssrcs = [int(s) for s in views["ssrc"][views["audio"] == 0] if s >= 0]
            if ssrcs:
                self._told[e] = value = float(estimates[e])
                self.send(e, bandwidth_estimate(self.ssrcs[e], round(value), ssrcs), now)

    def _report(self, now: int) -> None:
        for e in np.flatnonzero(self._reports_at <= now).tolist():
            bandwidth = max(float(self.state.controllers[e]["throughput"]["rate"]), 64_000.0)
            wait = report_interval(bandwidth, self._random.random())
            self._reports_at[e] = now + round(wait * SECOND)
            blocks = self._blocks(e, now)
            if blocks:
                self.send(e, receiver_report(self.ssrcs[e], self.names[e], blocks), now)

    def _blocks(self, e: int, now: int) -> list[RtcpReceiverInfo]:
        """Reception report blocks (RFC 3550, 6.4.1 and A.3) of all streams that anything came
        of."""
        place = self.state.endpoints[e]
        blocks = []
        for v in range(place["first_view"], place["first_view"] + place["views"]):
            view = self.state.views[v]
            if view["received"] == 0 or view["ssrc"] < 0:
                continue
            streams = self.state.voices if view["audio"] else self.state.pictures
            expected = int(view["highest"] - view["first"] + 1)
            received = int(view["received"])
            due = expected - int(view["expected_before"])
            lost = due - (received - int(view["received_before"]))
            view["expected_before"], view["received_before"] = expected, received
            # A report that is still on the virtual link is not there yet.
            since = max(now - int(view["report_arrival"]), 0) if view["report_arrival"] else 0
            jitter = float(streams[view["place"]]["jitter"])
            blocks.append(
                RtcpReceiverInfo(
                    ssrc=int(view["ssrc"]),
                    fraction_lost=min(255, 256 * lost // due) if due > 0 and lost > 0 else 0,
                    packets_lost=max(-(1 << 23), min(expected - received, (1 << 23) - 1)),
                    highest_sequence=int(view["highest"] - 65_536) & 0xFFFFFFFF,
                    jitter=int(jitter * int(view["clock"]) / SECOND) & 0xFFFFFFFF,
                    lsr=int(view["report_middle"]) if since else 0,
                    dlsr=min(since * 65_536 // SECOND, 0xFFFFFFFF),
                )
            )
        return blocks

    def hear(self, endpoint: int, data: bytes) -> None:
        """Take RTCP from the server."""
        for packet in read_reports(data):
            if not isinstance(packet, RtcpSrPacket):
                continue
            place = self.state.endpoints[endpoint]
            for v in range(place["first_view"], place["first_view"] + place["views"]):
                if self.state.views[v]["ssrc"] == packet.ssrc:
                    ntp = packet.sender_info.ntp_timestamp
                    unix = ((ntp >> 32) - NTP_OFFSET) * SECOND + ((ntp & 0xFFFFFFFF) * SECOND >> 32)
                    now = self.clock()
                    arrival = cross_downlink(self.state, endpoint, now, len(data) + HEADERS)
                    if arrival >= 0 and ntp:
                        map_report(
                            self.state, v, unix - self.epoch, packet.sender_info.rtp_timestamp,
                            (ntp >> 16) & 0xFFFFFFFF, arrival, self.settings[0],
                        )  # fmt: skip

    def send(self, endpoint: int, packet: bytes, now: int) -> None:
        """Send RTCP over the endpoint's virtual uplink."""
        wire = self.wires.get(endpoint)
        at = cross_uplink(self.state, endpoint, now, len(packet) + HEADERS)
        if wire is None or at < 0:
            return
        if at <= now:
            wire.send_rtcp(packet)
        else:
            self.loop.call_later((at - now) / SECOND, wire.send_rtcp, packet)
