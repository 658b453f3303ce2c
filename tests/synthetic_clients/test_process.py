"""A process of clients, in the test's own process, at a reference SFU in another."""

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios.loading import load_scenario
from scenarios.population import populate
from scenarios.recovery import Recovery
from synthetic_clients.assignment import Assignment
from synthetic_clients.batch_loop import BatchLoop, run
from synthetic_clients.client import Client
from synthetic_clients.process import Process, watches_of
from tests.synthetic_clients.rtp import rtp

SCENARIO = load_scenario(
    "smoke",
    ["endpoints.sample=10", "meeting={floor: [{at: 0s, site: command-centre}]}", "thresholds=null",
     "duration=4s", "interval=2s"],
)  # fmt: skip
POPULATION = populate(SCENARIO)
FEW = [len(POPULATION) - 1, 0, 1]
"""The command centre and two endpoints, of which the first is a probe."""


@pytest.fixture(scope="module")
def sfu() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_sfu", "--port", "0", "--token", "secret"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield "sfu+" + json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.communicate(timeout=20)


Said = list[tuple[dict[str, Any], bytes]]


def play(
    sfu: str,
    work: Callable[[Process], Awaitable[None]],
    *,
    linked: bool = False,
    recovery: Recovery | None = None,
) -> Said:
    """Let three clients join, do ``work``, and give back what was said."""
    said: Said = []

    async def main(loop: BatchLoop) -> None:
        scenario = SCENARIO.model_copy(update={"recovery": recovery} if recovery else {})
        assignment = Assignment(
            scenario, FEW, frozenset([0]), sfu, "secret", time.time_ns(), linked
        )
        process = Process(loop, assignment, lambda m, p=b"": said.append((m, p)))
        await process.begin()
        for site in process.by_site:
            await process.join(site)
        await until(lambda: all(client.watching for client in process.clients))
        try:
            await work(process)
        finally:
            if not any(m["kind"] == "finished" for m, _ in said):
                await process.finish(left=True)

    run(main)
    assert [m for m, _ in said if m["kind"] == "fault"] == []
    return said


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


def resident() -> int:
    """Bytes of this process's memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def received(process: Process, endpoint: int) -> int:
    views = process.state.views
    return int(views["received"][views["endpoint"] == endpoint].sum())


def finished(said: Said) -> dict[str, Any]:
    return next(m for m, _ in said if m["kind"] == "finished")


def test_what_each_kind_of_endpoint_watches() -> None:
    assert watches_of(False, 1, 9, True) == ("audio", "video")
    assert watches_of(True, 2, 3, True) == ("audio",) * 2 + ("video",) * 5
    assert watches_of(True, 2, 3, False) == ("audio",) * 2


def test_a_meeting_is_sampled_and_balances(sfu: str) -> None:
    async def work(process: Process) -> None:
        await until(lambda: received(process, 1) > 100)
        centre = process.clients[0].publisher
        assert centre is not None
        assert centre.outlets[0].encodings == {"low", "mid", "high"}
        assert list(centre.sending) == ["low", "mid", "high"]
        await process.meet(process.clock() + 100_000_000)
        await process.finish()

    said = play(sfu, work, linked=True)
    kinds = [m["kind"] for m, _ in said]
    assert kinds.count("joined") == 3
    assert kinds.count("sample") == 2
    last = finished(said)
    assert last["whole"]
    assert last["entered"] == last["delivered"] + last["in_flight"] + sum(last["lost"].values())
    assert last["delivered"] > 200
    assert last["stamped"]
    for row in last["probes"]:
        assert row["packets"] == row["received"] > 5  # a voice has pauses
        assert abs(row["jitter"] - row["header_jitter"]) < 0.0005
        assert abs(row["freezes"] - row["header_freezes"]) <= 1
        assert row["decoded"] > 5
        # On a busy machine some are lost, or it is there before a key frame.
        assert row["undecodable"] < row["decoded"]


def test_a_report_on_its_way_over_the_link_has_not_arrived(sfu: str) -> None:
    async def work(process: Process) -> None:
        await until(lambda: received(process, 1) > 20)
        views = process.state.views
        mine = views["endpoint"] == 1
        process.state.views["report_middle"][mine] = 5
        process.state.views["report_arrival"][mine] = process.clock() + 10**9
        for block in process.receivers._blocks(1, process.clock()):
            assert (block.lsr, block.dlsr) == (0, 0)
            assert len(bytes(block)) == 24
        process.state.views["report_arrival"][mine] = process.clock() - 10**9
        for block in process.receivers._blocks(1, process.clock()):
            assert block.lsr == 5
            assert 65_536 <= block.dlsr < 10 * 65_536

    play(sfu, work)


def test_header_only_and_probe_clients_side_by_side_count_the_same(sfu: str) -> None:
    async def work(process: Process) -> None:
        await until(lambda: min(received(process, e) for e in (1, 2)) > 200)
        centre = process.clients[0].publisher
        assert centre is not None
        first = [process.state.views["highest"][v].copy() for v in range(len(process.state.views))]
        centre.hear(False)
        centre.show(())
        await asyncio.sleep(0.5)
        process.receivers.tick()
        views = process.state.views
        of = [views[views["endpoint"] == e] for e in (1, 2)]
        counts = []
        for mine in of:  # from the later beginning on, by the stream's own numbers
            counts.append([int(v["highest"] - v["first"] + 1) - int(v["received"]) for v in mine])
        assert counts == [[0, 0], [0, 0]]
        assert len(first) == len(views)

    play(sfu, work)


def test_strangers_packets_are_counted_and_change_nothing(sfu: str) -> None:
    async def work(process: Process) -> None:
        await until(lambda: received(process, 2) > 100)
        watching = process.clients[2].watching
        assert watching is not None
        assert watching[0].wire is not None
        place = watching[0].wire.transport.get_extra_info("sockname")
        before = process.state.views[process.state.views["endpoint"] == 2].copy()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for n in range(50):
                stranger.sendto(rtp(n, 0, 0xDEAD, payload_type=0), place)  # wrong SSRC
                stranger.sendto(b"\x00\x01\x00\x08" + bytes(24), place)  # STUN, no integrity
                stranger.sendto(b"\x16\xfe\xfd" + bytes(40), place)  # DTLS, nonsense
                stranger.sendto(b"\x80\xc9\x00\x01" + bytes(20), place)  # SRTCP, forged
                stranger.sendto(b"garbage", place)
        wire = watching[0].wire
        await until(lambda: process.loop.reader.sockets[wire.index]["strangers"] >= 50)
        await until(lambda: process.loop.reader.sockets[wire.index]["garbage"] >= 50)
        assert wire.connected
        now = received(process, 2)
        await until(lambda: received(process, 2) > now + 20)
        after = process.state.views[process.state.views["endpoint"] == 2]
        assert (after["ssrc"] == before["ssrc"]).all()

    play(sfu, work)


def test_a_flood_is_survived_and_others_go_on(sfu: str) -> None:
    async def work(process: Process) -> None:
        await until(lambda: received(process, 2) > 50)
        watching = process.clients[2].watching
        assert watching is not None
        assert watching[0].wire is not None
        host, port = watching[0].wire.transport.get_extra_info("sockname")
        flood = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.flood", host, str(port), "3", "100000",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        before, memory = received(process, 1), resident()
        sent, _ = await flood.communicate()
        assert int(sent) > 1000
        assert resident() < memory + 50e6
        assert process.clients[2].watching is watching
        assert received(process, 1) > before + 20
        reader = process.loop.reader.sockets[watching[0].wire.index]
        assert reader["garbage"] > 100  # what is let through is bounded: see test_sockets
        assert watching[0].wire.connected

    play(sfu, work)


def test_a_client_that_is_cut_off_comes_back(sfu: str) -> None:
    recovery = Recovery(
        detection="1500ms", check="10ms", restarts=0, delays=["0s", "200ms", "500ms", "1s", "1s"]
    )

    async def work(process: Process) -> None:
        client: Client = process.clients[2]
        await until(lambda: received(process, 2) > 50)
        assert client.watching is not None
        wire = client.watching[0].wire
        assert wire is not None
        process.loop.reader.epoll.unregister(wire.transport.get_extra_info("socket").fileno())
        gone = client.watching
        await until(lambda: client.watching is not None and client.watching is not gone)
        await until(lambda: any(m["kind"] == "recovered" for m, _ in process_said), 20)

    process_said: Said = []
    original = Process.tell

    def tell(self: Process, kind: str, **values: Any) -> None:
        process_said.append(({"kind": kind, **values}, b""))
        original(self, kind, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "tell", tell)
        patch.setattr("synthetic_clients.sockets.Reader.remove", _remove_quietly(), raising=True)
        said = play(sfu, work, recovery=recovery)
    mine = [m for m, _ in said if m.get("site") == POPULATION.site[FEW[2]]]
    assert [m["kind"] for m in mine].count("lost") == 1
    took = next(m["seconds"] for m in mine if m["kind"] == "recovered")
    assert 1.4 <= took < 15
    attempts = [m for m in mine if m["kind"] == "attempt"]
    assert [m["attempt"] for m in attempts][:2] == ["join", "reconnect"]
    assert attempts[-1]["outcome"] == "connected"


def test_a_link_that_is_cut_loses_everything_and_ice_finds_it_mended(sfu: str) -> None:
    recovery = Recovery(detection="2500ms", check="10ms", timeout="20s", delays=["1s"])

    async def work(process: Process) -> None:
        client = process.clients[2]
        await until(lambda: received(process, 2) > 50)
        session = client.watching
        process.meeting_at = process.clock()
        process.presence.restart(process.clock())
        process.state.downlinks[2]["down"] = 1
        await until(lambda: client.state == "restarting ICE")
        process.state.downlinks[2]["down"] = 0
        await until(lambda: client.state == "connected")
        assert client.watching is session
        process._look_for_gaps(process.clock())
        assert process.presence.take(0, 10**9)["interrupted_ratio"][2] > 0

    said = play(sfu, work, linked=True, recovery=recovery)
    mine = [m for m, _ in said if m.get("site") == POPULATION.site[FEW[2]]]
    attempts = [(m["attempt"], m["outcome"]) for m in mine if m["kind"] == "attempt"]
    assert attempts == [("join", "connected"), ("restart", "connected")]
    gap = next(m for m in mine if m["kind"] == "interruption")
    assert gap["end"] - gap["begin"] > 1
    assert gap["begin"] < gap["detected"] < gap["end"]


def _remove_quietly() -> Any:
    from synthetic_clients.sockets import Reader  # noqa: PLC0415

    original = Reader.remove

    def remove(self: Any, index: int) -> None:
        try:
            original(self, index)
        except FileNotFoundError:  # the test has taken it out already
            fd = int(self.sockets[index]["fd"])
            self.index_of[fd] = -1
            self.sockets[index]["used"] = 0
            self._free.append(index)

    return remove
