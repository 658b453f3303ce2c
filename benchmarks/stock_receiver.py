"""A stock aiortc receiver, for `benchmarks.live`: prints its CPU seconds and the packets received.

The sender, which plays recorded media, is a process of its own.
"""

import asyncio
import sys
import time
from multiprocessing import get_context
from typing import Any


def send(pipe: Any, seconds: float) -> None:
    """Play a voice and a picture to whoever answers the offer."""
    from synthetic_clients.batch_loop import BatchLoop, run  # noqa: PLC0415

    async def main(loop: BatchLoop) -> None:
        from scenarios.loading import load_scenario  # noqa: PLC0415
        from scenarios.population import populate  # noqa: PLC0415
        from synthetic_clients.aiortc_parts import SharedCertificate  # noqa: PLC0415
        from synthetic_clients.media import record  # noqa: PLC0415
        from synthetic_clients.peer import Peer  # noqa: PLC0415
        from synthetic_clients.publishing import Outbox, Publisher  # noqa: PLC0415
        from synthetic_clients.state import LINKED, make_state  # noqa: PLC0415
        from synthetic_clients.virtual_links import virtual_links  # noqa: PLC0415

        scenario = load_scenario("smoke")
        links = virtual_links(scenario, populate(scenario), [0])
        state = make_state([1], [1], links.down, links.up, links.loads)
        state.clock[LINKED] = 0
        recording = record(scenario.media)
        certificate = SharedCertificate.generateCertificate()
        peer = Peer("sender", "127.0.0.1", certificate, publishes=("audio", "video"))
        pipe.send(await peer.offer())
        await peer.accept(await asyncio.to_thread(pipe.recv))
        epoch = time.time_ns()

        def clock() -> int:
            return time.time_ns() - epoch

        outbox = Outbox(loop, clock)
        assert peer.wire is not None  # noqa: S101
        publisher = Publisher(
            0, "sender", peer.wire, peer.slots, peer.ssrcs, recording,
            scenario.media.model_copy(), state, outbox, clock, epoch,
        )  # fmt: skip
        publisher.hear(True)
        publisher.show(["low"])
        while clock() < (seconds + 2) * 1e9:
            publisher.play(clock() + 50_000_000)
            await asyncio.sleep(0.025)
        outbox.close()
        await peer.close()

    run(main)


async def receive(pipe: Any, seconds: float) -> tuple[float, int]:
    """Receive and decode, as aiortc does."""
    import aioice.ice  # noqa: PLC0415
    from aiortc import (  # noqa: PLC0415
        RTCConfiguration,
        RTCPeerConnection,
        RTCSessionDescription,
    )
    from aiortc.contrib.media import MediaBlackhole  # noqa: PLC0415

    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    sink = MediaBlackhole()
    connection.on("track", sink.addTrack)
    offer = await asyncio.to_thread(pipe.recv)
    await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    pipe.send(connection.localDescription.sdp)
    await sink.start()
    await asyncio.sleep(1.5)
    before, began = await packets(connection), time.process_time()
    await asyncio.sleep(seconds)
    took, received = time.process_time() - began, await packets(connection) - before
    await sink.stop()
    await connection.close()
    return took, received


async def packets(connection: Any) -> int:
    """Packets received so far."""
    stats = await connection.getStats()
    return sum(
        row.packetsReceived for row in stats.values() if type(row).__name__.startswith("RTCInbound")
    )


def main() -> None:
    """Receive for as many seconds as the argument says."""
    seconds = float(sys.argv[1])
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=send, args=(there, seconds))
    process.start()
    took, received = asyncio.run(receive(here, seconds))
    process.join(20)
    print(took, received)


if __name__ == "__main__":
    main()
