import asyncio
from typing import Any

from synthetic_clients.batch_loop import BatchLoop, BatchTransport, run
from synthetic_clients.sockets import RTP, Reader


class Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[tuple[bytes, Any]] = []
        self.lost = False

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data.endswith(b"!"):
            raise ValueError
        self.heard.append((data, addr))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.lost = True


async def endpoint(loop: BatchLoop) -> tuple[BatchTransport, Listener]:
    transport, protocol = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
    assert isinstance(transport, BatchTransport)
    assert isinstance(protocol, Listener)
    return transport, protocol


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


STUN = b"\x00\x01" + bytes(20)
MEDIA = b"\x80\x60" + bytes(20)


def test_media_goes_to_the_batch_and_the_rest_to_the_protocol() -> None:
    async def main(loop: BatchLoop) -> None:
        media = 0

        def take(reader: Reader, rows: int) -> None:
            nonlocal media
            media += int((reader.slab.datagrams["kind"][:rows] == RTP).sum())

        loop.media = take
        near, protocol = await endpoint(loop)
        far, _ = await endpoint(loop)
        for data in (STUN, MEDIA, MEDIA, b"garbage"):
            far.sendto(data, near.get_extra_info("sockname"))
        await until(lambda: media == 2 and protocol.heard)
        assert protocol.heard == [(STUN, far.get_extra_info("sockname"))]
        loop.listeners.add(near.index)  # a probe's
        far.sendto(MEDIA, near.get_extra_info("sockname"))
        await until(lambda: len(protocol.heard) == 2)
        assert media == 3
        near.close()
        far.close()

    run(main)


def test_a_datagram_that_upsets_a_protocol_is_counted_and_no_more() -> None:
    async def main(loop: BatchLoop) -> None:
        near, protocol = await endpoint(loop)
        near.sendto(STUN + b"!", near.get_extra_info("sockname"))
        near.sendto(STUN, near.get_extra_info("sockname"))
        await until(lambda: protocol.heard)
        assert loop.undelivered == 1
        near.close()

    run(main)


def test_closing_tells_the_protocol_and_frees_the_place() -> None:
    async def main(loop: BatchLoop) -> None:
        near, protocol = await endpoint(loop)
        near.close()
        near.close()
        assert near.is_closing()
        near.sendto(STUN, ("127.0.0.1", 9))  # goes nowhere
        await until(lambda: protocol.lost)
        again, _ = await endpoint(loop)
        assert again.index == near.index
        again.abort()

    run(main)


def test_closing_the_loop_closes_what_is_still_open() -> None:
    async def main(loop: BatchLoop) -> BatchTransport:
        near, _ = await endpoint(loop)
        return near

    assert run(main).get_extra_info("socket").fileno() == -1


def test_other_datagram_endpoints_are_asyncios_own() -> None:
    async def main(loop: BatchLoop) -> None:
        near, protocol = await endpoint(loop)
        far, _ = await loop.create_datagram_endpoint(
            Listener, remote_addr=near.get_extra_info("sockname")
        )
        assert not isinstance(far, BatchTransport)
        far.sendto(STUN)
        await until(lambda: protocol.heard)
        far.close()
        near.close()

    run(main)
