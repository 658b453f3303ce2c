import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from synthetic_clients.aiortc_parts import SharedCertificate
from synthetic_clients.batch_loop import BatchLoop, run
from synthetic_clients.peer import Peer, PeerError
from synthetic_clients.signalling import Courier, Exchange, Floor, SignallingError
from synthetic_clients.whip import ReferenceSfu, WhipWhep

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A server that answers as a test has it."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[tuple[str, str, str | None]] = []

    async def __aenter__(self) -> "Server":
        async def note(request: web.Request) -> web.StreamResponse:
            self.requests.append(
                (request.method, request.path, request.headers.get("Authorization"))
            )
            return await self.handler(request)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", note)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def begin(
    server: Server, template: str = "", token: str | None = None, *, kind: Any = WhipWhep
) -> tuple[list[Exchange], Exception | None]:
    """What watching at ``server`` comes to."""
    told: list[Exchange] = []
    adapter = kind(f"whip+http://127.0.0.1:{server.port}{template}", token)
    peer = Peer("a b", "127.0.0.1", SharedCertificate.generateCertificate(), watches=["audio"])
    trouble = None
    try:
        await adapter.watch(peer, "a b", Floor(), Courier(lambda _: 0, lambda _: 0, told.append))
    except (SignallingError, PeerError) as error:
        trouble = error
    await peer.close()
    await adapter.close()
    return told, trouble


def answering(status: int, text: str = "", **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, text=text, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("handler", "reason", "hopeless", "after"),
    [
        (answering(401, "who are you?"), "POST whep: 401 who are you?", True, None),
        (answering(404), "POST whep: 404", True, None),
        (answering(422, "no codec"), "POST whep: 422 no codec", True, None),
        (answering(503, "full", **{"Retry-After": "3"}), "POST whep: 503 full", False, 3.0),
        (answering(503, "full", **{"Retry-After": "soon"}), "POST whep: 503", False, None),
        (answering(500), "POST whep: 500", False, None),
        (answering(302, Location="http://192.0.2.1/"), "POST whep: 302", False, None),
    ],
)
def test_a_refusal_is_told_with_the_servers_words(
    handler: Handler, reason: str, hopeless: bool, after: float | None
) -> None:
    async def main(loop: BatchLoop) -> None:
        async with Server(handler) as server:
            told, trouble = await begin(server)
        assert isinstance(trouble, SignallingError)
        assert str(trouble).startswith(reason)
        assert (trouble.hopeless, trouble.after_s) == (hopeless, after)
        assert told[0].error is not None

    run(main)


def test_a_malformed_answer_ends_the_session_that_was_begun() -> None:
    async def main(loop: BatchLoop) -> None:
        async with Server(answering(201, "v=0\r\nnonsense", Location="/there/1")) as server:
            told, trouble = await begin(server)
        assert isinstance(trouble, PeerError)
        assert "session description" in str(trouble)
        assert told[0].error is None
        assert [request[:2] for request in server.requests] == [
            ("POST", "/whep/a b"), ("DELETE", "/there/1"),
        ]  # fmt: skip

    run(main)


def test_a_server_that_accepts_and_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synthetic_clients.whip.ANSWER_S", 0.2)

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async def main(loop: BatchLoop) -> None:
        async with Server(silent) as server:
            told, trouble = await begin(server)
        assert isinstance(trouble, SignallingError)
        assert not trouble.hopeless
        assert told[0].error

    run(main)


def test_a_wrong_address_is_told() -> None:
    async def main(loop: BatchLoop) -> None:
        async with Server(answering(200)) as server:
            pass
        _, trouble = await begin(server)
        assert isinstance(trouble, SignallingError)
        assert "Cannot connect" in str(trouble)

    run(main)


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=201)
        await response.prepare(request)
        try:
            for _ in range(1000):
                await response.write(b"v" * 65_536)
        except ConnectionError:
            pass
        return response

    async def main(loop: BatchLoop) -> None:
        async with Server(endless) as server:
            _, trouble = await begin(server)
        assert isinstance(trouble, PeerError)

    run(main)


def test_tokens_and_templates() -> None:
    async def main(loop: BatchLoop) -> None:
        async with Server(answering(404)) as server:
            await begin(server, "/live/{site}/{role}", "secret")
        assert server.requests == [("POST", "/live/a b/whep", "Bearer secret")]

    run(main)


def test_the_reference_sfu_is_told_the_floor() -> None:
    async def main(loop: BatchLoop) -> None:
        said: list[Any] = []

        async def handler(request: web.Request) -> web.Response:
            said.append(await request.json())
            return web.Response(status=200 if len(said) == 1 else 401)

        async with Server(handler) as server:
            sfu = ReferenceSfu(f"sfu+http://127.0.0.1:{server.port}", "secret")
            await sfu.direct(Floor("a", None, ("b", None)))
            with pytest.raises(SignallingError, match="PUT floor: 401"):
                await sfu.direct(Floor())
            await sfu.close()
        assert said[0] == {"programme": "a", "called": None, "tiles": ["b"]}
        assert server.requests[0] == ("PUT", "/floor", "Bearer secret")

    run(main)
