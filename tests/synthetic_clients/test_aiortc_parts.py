import asyncio
import inspect
import threading
from types import FunctionType

import aioice
import pytest
from aioice.ice import StunProtocol
from aiortc import (
    RTCCertificate,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceTransport,
)

from synthetic_clients.aiortc_parts import SharedCertificate, Wire, WireError
from synthetic_clients.batch_loop import BatchLoop, run

ADVICE = "is gone or has changed: adapt synthetic_clients/aiortc_parts.py to this version of"


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (RTCCertificate, ["_create_ssl_context"]),
        (RTCDtlsTransport, ["_handle_rtcp_data", "_handle_rtp_data", "_set_role", "_setup_srtp"]),
        (aioice.Connection, ["get_component_candidates", "query_consent", "build_request"]),
        (StunProtocol, ["request"]),
    ],
)
def test_what_is_overridden_or_called_is_still_there(owner: type, names: list[str]) -> None:
    for name in names:
        assert hasattr(owner, name), f"{owner.__name__}.{name} {ADVICE} {owner.__module__}"


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (RTCCertificate._create_ssl_context, ["self", "srtp_profiles"]),
        (RTCDtlsTransport._handle_rtcp_data, ["self", "data"]),
        (RTCDtlsTransport._handle_rtp_data, ["self", "data", "arrival_time_ms"]),
        (aioice.Connection.build_request, ["self", "pair", "nominate"]),
        (aioice.Connection.query_consent, ["self"]),
    ],
)
def test_what_is_overridden_or_called_takes_the_same(
    function: FunctionType, parameters: list[str]
) -> None:
    assert callable(function)
    found = list(inspect.signature(function).parameters)
    assert found == parameters, f"{function.__qualname__} {ADVICE} aiortc or aioice"


def test_what_is_looked_into_is_still_there() -> None:
    async def main(loop: BatchLoop) -> None:
        gatherer = RTCIceGatherer(iceServers=[])
        ice = RTCIceTransport(gatherer)
        dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
        for owner, names in (
            (gatherer, ["_connection"]),
            (ice, ["_connection"]),
            (dtls, ["_rx_srtp", "_tx_srtp"]),
            (
                gatherer._connection,
                ["_local_candidates_start", "_local_candidates", "_local_candidates_end",
                 "_nominated", "_protocols", "_query_consent_task"],
            ),
        ):  # fmt: skip
            for name in names:
                assert hasattr(owner, name), f"{type(owner).__name__}.{name} {ADVICE} aiortc"

    run(main)


def test_a_wire_whose_ice_was_closed_sends_nothing() -> None:
    async def main(loop: BatchLoop) -> None:
        near, far = await connected()
        await near._connection.close()  # as when consent expires
        near.send_rtcp(RTCP)
        assert not near.connected
        await asyncio.gather(near.close(), far.close())

    run(main)


async def connected() -> tuple[Wire, Wire]:
    certificate = SharedCertificate.generateCertificate()
    near = Wire("127.0.0.1", certificate)
    far = Wire("127.0.0.1", certificate, controlling=False)
    await asyncio.gather(near.gather(), far.gather())
    await asyncio.gather(
        near.connect(far.ice, far.candidates, parameters(far), "client"),
        far.connect(near.ice, near.candidates, parameters(near), "server"),
    )
    return near, far


def parameters(wire: Wire) -> RTCDtlsParameters:
    return RTCDtlsParameters(fingerprints=list(wire.fingerprints))


RTCP = b"\x80\xc9\x00\x01\x00\x00\x00\x01"
RTP = b"\x80\x60\x00\x01" + bytes(8) + b"sound"


def test_two_wires_exchange_rtcp_and_rtp_without_any_thread() -> None:
    async def main(loop: BatchLoop) -> None:
        before = threading.active_count()
        near, far = await connected()
        assert near.connected
        assert far.connected
        heard: list[bytes] = []
        far.listen(heard.append, lambda: None)
        near.send_rtcp(RTCP)
        async with asyncio.timeout(5):
            while not heard:
                await asyncio.sleep(0.005)
        assert heard == [RTCP]
        protected = near.protect(RTP)
        assert protected[:12] == RTP[:12]
        assert b"sound" not in protected
        assert far.unprotect(protected) == RTP
        assert far.unprotect(protected) is None  # replayed
        forged = bytearray(near.protect(b"\x80\x60\x00\x02" + bytes(8) + b"sound"))
        forged[-1] ^= 1
        assert far.unprotect(bytes(forged)) is None
        assert threading.active_count() == before
        await asyncio.gather(near.close(), far.close())

    run(main)


def test_a_peer_that_leaves_is_noticed() -> None:
    async def main(loop: BatchLoop) -> None:
        near, far = await connected()
        lost = asyncio.Event()
        near.listen(lambda _: None, lost.set)
        await far.close()
        async with asyncio.timeout(5):
            await lost.wait()
        assert not near.connected
        near.send_rtcp(RTCP)  # goes nowhere
        await near.close()

    run(main)


def test_consent_that_is_not_answered_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthetic_clients.aiortc_parts.CONSENT_INTERVAL_S", 0.05)

    async def main(loop: BatchLoop) -> None:
        near, far = await connected()
        near._connection._consent_s = 0.3
        lost = asyncio.Event()
        near.listen(lambda _: None, lost.set)
        loop.forget(far.transport)  # it hears nothing any more
        async with asyncio.timeout(10):
            await lost.wait()
        assert not near.connected
        near.send_rtcp(RTCP)  # goes nowhere
        near.send(near.protect(RTP))
        await asyncio.gather(near.close(), far.close())

    run(main)


def test_half_open_ice_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.stun.RETRY_MAX", 1)
    monkeypatch.setattr("aioice.stun.RETRY_RTO", 0.05)

    async def main(loop: BatchLoop) -> None:
        certificate = SharedCertificate.generateCertificate()
        near, far = Wire("127.0.0.1", certificate), Wire("127.0.0.1", certificate)
        await asyncio.gather(near.gather(), far.gather())
        loop.forget(far.transport)
        with pytest.raises(WireError, match="ICE: failed"):
            await near.connect(far.ice, far.candidates, parameters(far), "client")
        await asyncio.gather(near.close(), far.close())

    run(main)
