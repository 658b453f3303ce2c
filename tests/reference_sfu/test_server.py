"""The server as a whole: settings, start, stop."""

import asyncio
import socket

import pytest

from benchmarks.plain_peers import call
from reference_sfu.media import MediaServer
from reference_sfu.server import Settings, serve, serving


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        (Settings(), []),
        (Settings(host="::1", announce=("192.0.2.1", "2001:db8::1")), []),
        (Settings(host="0.0.0.0", announce=("192.0.2.1",)), []),  # noqa: S104
        (Settings(host="localhost"), ["--host localhost: must be an IP address"]),
        (
            Settings(host="0.0.0.0"),  # noqa: S104
            ["--host 0.0.0.0: needs --announce with the address peers reach"],
        ),
        (
            Settings("127.0.0.1", -1, 70_000, ("::", "x"), " ", 0),
            [
                "--announce ::: must be an address that peers can reach",
                "--announce x: must be an IP address",
                "--port -1: must be 0 to 65535",
                "--udp-port 70000: must be 0 to 65535",
                "--token: must be ASCII and not empty",
                "--max-sessions 0: must be 1 or more",
            ],
        ),
    ],
)
def test_all_faults_are_told_at_once(settings: Settings, faults: list[str]) -> None:
    assert settings.faults() == faults


def test_faults_keep_a_server_from_starting() -> None:
    async def start() -> None:
        async with serving(Settings(host="nowhere")):
            pass

    with pytest.raises(ValueError, match="--host nowhere"):
        asyncio.run(start())


def test_it_serves_within_the_block_and_gives_its_ports_back() -> None:
    async def play() -> tuple[str, int]:
        async with serving(Settings(port=0)) as (server, url):
            status, _, _ = await asyncio.to_thread(call, "GET", f"{url}/health")
            assert status == 200
            return url, server.socket.port

    url, udp_port = asyncio.run(play())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", udp_port))
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=5)


def test_a_server_that_fails_within_does_not_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("as a defect would")

    monkeypatch.setattr(MediaServer, "_measure", fail)
    with pytest.raises(ZeroDivisionError, match="as a defect would"):
        asyncio.run(serve(Settings(port=0)))
    assert '"url"' in capsys.readouterr().out


def test_a_port_that_is_taken_cannot_be_had() -> None:
    async def start(port: int, udp_port: int) -> None:
        async with serving(Settings(port=port, udp_port=udp_port)):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        asyncio.run(start(taken.getsockname()[1], 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            asyncio.run(start(0, taken.getsockname()[1]))
