"""Against a real Janus, in a network namespace of its own."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios.loading import load_scenario
from scenarios.meeting import COMMAND_CENTRE
from scenarios.population import populate
from synthetic_clients.assignment import Assignment
from synthetic_clients.batch_loop import BatchLoop, run
from synthetic_clients.janus import JanusVideoRoom, feed_of
from synthetic_clients.process import Process
from synthetic_clients.sockets import RTP, Reader
from tests.programs import need
from tests.synthetic_clients.janus_server import (
    ADMIN_SECRET,
    Janus,
    can_namespaces,
    running_janus,
)

real = pytest.mark.skipif(
    not can_namespaces(), reason="needs root, to make a network namespace for Janus"
)


def test_a_site_has_one_number_and_its_own() -> None:
    assert feed_of("p79") == feed_of("p79") != feed_of("p80")
    assert 0 < feed_of("p79") < 1 << 48  # what JSON numbers carry


@pytest.mark.parametrize(
    ("target", "url", "room"),
    [
        ("janus+ws://h:8188", "ws://h:8188/", 2594),
        ("janus+ws://h:8188/7", "ws://h:8188/", 7),
        ("janus+http://h:8088", "http://h:8088/janus", 2594),
        ("janus+http://h:8088/janus/7", "http://h:8088/janus", 7),
    ],
)
def test_a_target_names_the_room(target: str, url: str, room: int) -> None:
    async def main() -> None:
        adapter = JanusVideoRoom(target, None)
        assert (adapter._url, adapter.room) == (url, room)

    asyncio.run(main())


@pytest.fixture(scope="module")
def janus() -> Iterator[Janus]:
    need("janus", "janus")
    with running_janus() as started:
        yield started


def admin(server: Janus, path: str, **message: Any) -> dict[str, Any]:
    """What Janus' admin API says."""
    body = {"transaction": "t", "admin_secret": ADMIN_SECRET, **message}
    request = urllib.request.Request(  # noqa: S310
        f"{server.admin}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


@real
@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_smoke_is_played_at_a_real_janus(tmp_path: Path, janus: Janus, transport: str) -> None:
    folder = tmp_path / "run"
    target = f"{getattr(janus, transport)}/{10 if transport == 'http' else 11}"
    done = subprocess.run(
        [sys.executable, "-m", "rehearse.main", "live", "smoke", "--target", target,
         "--endpoints", "10", "--set", "duration=15s", "--join-over", "2", "--quiet",
         "--set", "meeting.floor=[{at: 0s, site: command-centre}, {at: 7s, site: p79}]",
         "--set", "thresholds={packet_loss: max < 20%}", "--out", str(folder), "--json"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 98), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["interrupted"] is None
    for metric in ("bitrate", "packet_loss", "audio_mos", "one_way_delay"):
        assert summary["metrics"][metric]["count"] > 0
    assert any("sender reports" in text for text in summary["assumptions"])
    assert any("agree on all" in text for text in summary["assumptions"]), summary["assumptions"]


@real
def test_janus_own_statistics_agree_on_the_packets_that_it_sent(janus: Janus) -> None:
    scenario = load_scenario(
        "smoke",
        ["endpoints.sample=10", "meeting={floor: [{at: 0s, site: command-centre}]}"],
    )
    population = populate(scenario)
    sites = [COMMAND_CENTRE, population.site[0]]

    async def main(loop: BatchLoop) -> tuple[int, int, int, int, dict[str, Any]]:
        indices = [population.site.index(site) for site in sites]
        assignment = Assignment(
            scenario, indices, frozenset(), f"{janus.websocket}/12", None, time.time_ns(), False
        )
        process = Process(loop, assignment, lambda *_: None)
        read: Counter[int] = Counter()

        def take(reader: Reader, rows: int) -> None:
            datagrams = reader.slab.datagrams[:rows]
            read.update(datagrams["socket"][datagrams["kind"] == RTP].tolist())
            process.receivers.take(reader, rows)

        loop.media = take
        await process.begin()
        for site in sites:
            await process.join(site)
        watcher = process.by_site[sites[1]]
        views = process.state.views[process.state.views["endpoint"] == 1]
        async with asyncio.timeout(20):
            while watcher.watching is None or int(views["received"].sum()) < 200:
                await asyncio.sleep(0.1)
                views = process.state.views[process.state.views["endpoint"] == 1]
        centre = process.by_site[COMMAND_CENTRE].publisher
        assert centre is not None
        centre.hear(False)
        centre.show(())
        await asyncio.sleep(1)
        session = watcher.watching[1]
        path = f"/{session._link.session}/{session._handle}"  # type: ignore[attr-defined]
        wire = watcher.watching[0].wire
        assert wire is not None
        for _ in range(50):  # on a busy machine, some still wait to be read
            info = await asyncio.to_thread(admin, janus, path, janus="handle_info")
            views = process.state.views[process.state.views["endpoint"] == 1]
            received = int(views["received"].sum())
            # Those that came before the session was taken over belong to no stream.
            received += int(loop.reader.sockets[wire.index]["strangers"])
            # A machine that is busier still reads too late: then the kernel drops, and says so.
            dropped = sum(transport.drops() for transport in loop.transports.values())
            # What came twice, or of a time before the stream's first packet, is not received.
            came, strays = read[wire.index], int(process.state.endpoints["strays"][1])
            if received + strays == came and received <= sent_packets(info) <= came + dropped:
                break
            await asyncio.sleep(0.1)
        await process.finish(left=True)
        return received, strays, came, dropped, info

    received, strays, came, dropped, info = run(main)
    assert received >= 200
    assert received + strays == came
    assert received <= sent_packets(info) <= came + dropped, (received, came, dropped)


def sent_packets(found: dict[str, Any]) -> int:
    """Packets of media sent, by a handle's information."""
    lines = found["info"]["webrtc"]["media"].values()
    return sum(int(line["stats"]["out"]["packets"]) for line in lines)
