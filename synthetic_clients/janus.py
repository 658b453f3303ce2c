"""Janus' VideoRoom, by WebSocket or HTTP (janus.conf.meetecho.com/docs/videoroom.html).

Each endpoint has a Janus session with a handle for what it publishes and one for what it watches.
The room is the target's path, as in `janus+ws://host:8188/2594`; it is made where it does not
exist. Subscribers choose what they see, so a change of the floor is a `switch` request of each.
"""

import asyncio
import contextlib
import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from synthetic_clients.descriptions import Slot
from synthetic_clients.peer import Peer
from synthetic_clients.signalling import (
    ANSWER_S,
    Courier,
    Exchange,
    Floor,
    SignallingError,
    slots_of,
    within,
)

PLUGIN = "janus.plugin.videoroom"
ROOM = 2594
KEEP_ALIVE_S = 25.0
"""Janus ends a session after 60 s without a message."""
LARGEST_MESSAGE = 1 << 20
_NO_SUCH_FEED = 428
_ROOM_EXISTS = 427
_FEED_WAIT_S, _FEED_TRIES = 0.25, 80

Message = dict[str, Any]


def feed_of(site: str) -> int:
    """The number that a site publishes under: the same for all, without asking."""
    return int.from_bytes(blake2b(site.encode(), digest_size=6).digest(), "big")


class JanusVideoRoom:
    """The adapter."""

    simulcast = False

    def __init__(self, target: str, token: str | None) -> None:
        parts = urlsplit(target)
        segments = [part for part in parts.path.split("/") if part]
        self.room = int(segments.pop()) if segments and segments[-1].isdecimal() else ROOM
        scheme = parts.scheme.partition("+")[2]
        path = "/".join(segments)
        if not path and scheme.startswith("http"):
            path = "janus"
        self._url = urlunsplit((scheme, parts.netloc, f"/{path}", "", ""))
        self._token = token
        self._client: aiohttp.ClientSession | None = None
        self._links: dict[str, _Link] = {}
        self._opening = asyncio.Lock()
        self._made = False

    async def publish(self, peer: Peer, site: str, courier: Courier) -> "JanusSession":
        """See `Signalling`."""
        link = await self._link(site)
        handle = await link.attach()
        await courier.there(600)
        body = {"request": "join", "ptype": "publisher", "room": self.room, "id": feed_of(site)}
        try:
            await self._ask(link, handle, {**body, "display": site}, courier, "join publisher")
            offer = await peer.offer()
            said = {"request": "publish", "audiocodec": "opus", "videocodec": "vp8"}
            jsep = {"type": "offer", "sdp": offer}
            await courier.there(len(offer))
            event = await self._ask(link, handle, said, courier, "publish", jsep)
            answer = _description(event, "publish")
            await courier.back(len(answer))
            await peer.accept(answer)
        except BaseException:
            await link.detach(handle)
            raise
        return JanusSession(self, link, handle, site, ())

    async def watch(self, peer: Peer, site: str, floor: Floor, courier: Courier) -> "JanusSession":
        """See `Signalling`; waits until those to be seen publish."""
        link = await self._link(site)
        handle = await link.attach()
        shown = slots_of(floor, peer.watches, site)
        if not any(shown):  # nobody else is to be seen yet: begin with oneself
            shown = [site if kind in peer.watches[:1] else None for kind in peer.watches]
        wanted = [
            (kind, seen) for kind, seen in zip(peer.watches, shown, strict=True) if seen is not None
        ]
        streams = [{"feed": feed_of(seen), "mid": _mid(kind)} for kind, seen in wanted]
        body = {
            "request": "join", "ptype": "subscriber", "room": self.room, "streams": streams,
        }  # fmt: skip
        try:
            for _ in range(_FEED_TRIES):
                await courier.there(600)
                try:
                    event = await self._ask(link, handle, body, courier, "join subscriber")
                    break
                except _Refused as refusal:
                    if refusal.code != _NO_SUCH_FEED:
                        raise
                await asyncio.sleep(_FEED_WAIT_S)
            else:
                reason = "join subscriber: nobody publishes what is to be seen"
                raise SignallingError(reason)  # noqa: TRY301
            offer = _description(event, "join subscriber")
            await courier.back(len(offer))
            answer = await peer.answer(offer)
            jsep = {"type": "answer", "sdp": answer}
            await courier.there(len(answer))
            await self._ask(link, handle, {"request": "start"}, courier, "start", jsep)
            await peer.connected()
        except BaseException:
            await link.detach(handle)
            raise
        agreed = iter(peer.slots)
        empty = [Slot("", kind, 0, None, accepted=False) for kind in peer.watches]
        peer.slots = [
            none if seen is None else next(agreed, none)
            for none, seen in zip(empty, shown, strict=True)
        ]
        views = list(zip(peer.watches, shown, strict=True))
        return JanusSession(self, link, handle, site, views)

    async def direct(self, floor: Floor) -> None:
        """Every subscriber directs itself: see `JanusSession.show`."""

    async def close(self) -> None:
        """See `Signalling`."""
        for link in self._links.values():
            await link.close()
        self._links.clear()
        if self._client is not None:
            await self._client.close()

    async def _ask(
        self,
        link: "_Link",
        handle: int,
        body: Message,
        courier: Courier,
        name: str,
        jsep: Message | None = None,
    ) -> Message:
        began = time.perf_counter()
        message = {"janus": "message", "handle_id": handle, "body": body}
        try:
            event = await link.ask({**message, "jsep": jsep} if jsep else message, name)
            data = event.get("plugindata", {}).get("data", {})
            if isinstance(data, dict) and data.get("error_code"):
                raise _Refused(name, int(data["error_code"]), str(data.get("error")))
        except SignallingError as error:
            courier.tell(Exchange(name, time.perf_counter() - began, 0, str(error)))
            raise
        courier.tell(Exchange(name, time.perf_counter() - began, len(str(event))))
        return event

    async def _link(self, site: str) -> "_Link":
        """The endpoint's Janus session."""
        async with self._opening:
            link = self._links.get(site)
            if link is not None and link.alive:
                return link
            if self._client is None:
                self._client = aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S),
                    connector=aiohttp.TCPConnector(limit=0),
                )
            kind = _WebSocketLink if self._url.startswith("ws") else _HttpLink
            link = kind(self._client, self._url, self._token)
            try:
                await link.open()
                if not self._made:
                    await self._make_room(link)
                    self._made = True
            except BaseException:
                await link.close()
                raise
            self._links[site] = link
            return link

    async def _make_room(self, link: "_Link") -> None:
        handle = await link.attach()
        body = {
            "request": "create", "room": self.room, "publishers": 4096, "audiocodec": "opus",
            "videocodec": "vp8", "bitrate": 0, "fir_freq": 0, "notify_joining": False,
            "permanent": False,
        }  # fmt: skip
        event = await link.ask({"janus": "message", "handle_id": handle, "body": body}, "create")
        data = event.get("plugindata", {}).get("data", {})
        if data.get("error_code") not in (None, _ROOM_EXISTS):
            raise _Refused("create", int(data["error_code"]), str(data.get("error")))
        await link.detach(handle)


class _Refused(SignallingError):
    """What the VideoRoom has against a request."""

    def __init__(self, name: str, code: int, reason: str) -> None:
        super().__init__(f"{name}: {reason} ({code})")
        self.code = code


class JanusSession:
    """A handle in the room."""

    def __init__(
        self,
        room: JanusVideoRoom,
        link: "_Link",
        handle: int,
        site: str,
        shown: Sequence[tuple[str, str | None]],
    ) -> None:
        """
        Args:
            shown: kind of each slot, and who is seen there; None: it has no stream, and gets none.
        """
        self._room, self._link, self._handle, self._site = room, link, handle, site
        self._shown = list(shown)

    async def show(self, floor: Floor) -> None:
        """Switch the slots that change to who is seen there now, if they publish."""
        wanted = slots_of(floor, [kind for kind, _ in self._shown], self._site)
        changes = []
        stream = 0
        for place, ((kind, before), now) in enumerate(zip(self._shown, wanted, strict=True)):
            if before is None:
                continue
            if now is not None and now != before:
                changes.append({"feed": feed_of(now), "mid": _mid(kind), "sub_mid": str(stream)})
                self._shown[place] = (kind, now)
            stream += 1
        if not changes:
            return
        body = {"request": "switch", "streams": changes}
        message = {"janus": "message", "handle_id": self._handle, "body": body}
        for _ in range(_FEED_TRIES):
            event = await self._link.ask(message, "switch")
            data = event.get("plugindata", {}).get("data", {})
            if data.get("error_code") != _NO_SUCH_FEED:
                return
            await asyncio.sleep(_FEED_WAIT_S)

    async def end(self) -> None:
        """Detach the handle."""
        await self._link.detach(self._handle)


def _mid(kind: str) -> str:
    """The line of a publisher's offer that has media of this kind."""
    return "0" if kind == "audio" else "1"


def _description(event: Message, name: str) -> str:
    jsep = event.get("jsep")
    if not isinstance(jsep, dict) or not isinstance(jsep.get("sdp"), str):
        raise SignallingError(f"{name}: the answer has no session description")
    sdp: str = jsep["sdp"]
    return sdp


class _Link(ABC):
    """A Janus session over some transport."""

    def __init__(self, client: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self.client, self.url, self.token = client, url, token
        self.session = 0
        self.alive = False
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        await self._connect()
        created = await self.ask({"janus": "create"}, "create session")
        self.session = int(created.get("data", {}).get("id", 0))
        self.alive = True
        self._tasks += [asyncio.create_task(self._keep_alive())]
        await self._opened()

    async def attach(self) -> int:
        answer = await self.ask({"janus": "attach", "plugin": PLUGIN}, "attach")
        return int(answer.get("data", {}).get("id", 0))

    async def detach(self, handle: int) -> None:
        if self.alive:
            with contextlib.suppress(SignallingError):  # it goes with its session
                await self.ask({"janus": "detach", "handle_id": handle}, "detach")

    async def ask(self, message: Message, name: str) -> Message:
        """Send ``message`` and wait for its answer, an event where it is for the plugin."""
        transaction = secrets.token_hex(6)
        full = {**message, "transaction": transaction}
        if self.session:
            full["session_id"] = self.session
        if self.token:
            full["token"] = self.token
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = answer
        try:
            await within(ANSWER_S, name, self._send(full))
            found = await within(ANSWER_S, name, answer)
        except (aiohttp.ClientError, OSError) as error:
            raise SignallingError(f"{name}: {error or type(error).__name__}") from None
        finally:
            self._waiting.pop(transaction, None)
        assert isinstance(found, dict)
        if found.get("janus") == "error":
            reason = found.get("error", {})
            code = reason.get("code")
            raise SignallingError(f"{name}: {reason.get('reason')} ({code})", hopeless=code == 403)
        return found

    def take(self, message: Message) -> None:
        """Give a message from Janus to whoever waits for it."""
        waiting = self._waiting.get(str(message.get("transaction")))
        if waiting is not None and not waiting.done() and message.get("janus") != "ack":
            waiting.set_result(message)

    async def close(self) -> None:
        if self.alive:
            with contextlib.suppress(SignallingError):
                await self.ask({"janus": "destroy"}, "destroy session")
        self.lose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def lose(self) -> None:
        self.alive = False
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(SignallingError("Janus closed the connection"))

    async def _keep_alive(self) -> None:
        while self.alive:
            await asyncio.sleep(KEEP_ALIVE_S)
            await self._send(
                {"janus": "keepalive", "session_id": self.session, "transaction": "keepalive"}
                | ({"token": self.token} if self.token else {})
            )

    @abstractmethod
    async def _connect(self) -> None: ...

    @abstractmethod
    async def _opened(self) -> None: ...

    @abstractmethod
    async def _send(self, message: Message) -> None: ...


class _WebSocketLink(_Link):
    _socket: aiohttp.ClientWebSocketResponse

    async def _connect(self) -> None:
        try:
            self._socket = await self.client.ws_connect(
                self.url, protocols=("janus-protocol",), max_msg_size=LARGEST_MESSAGE
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SignallingError(f"WebSocket: {error or type(error).__name__}") from None
        self._tasks.append(asyncio.create_task(self._read()))

    async def _opened(self) -> None:
        pass

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                self.take(_parse(message.data))
        self.lose()

    async def _send(self, message: Message) -> None:
        await self._socket.send_str(json.dumps(message))

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "_socket"):
            await self._socket.close()


class _HttpLink(_Link):
    async def _connect(self) -> None:
        pass

    async def _opened(self) -> None:
        self._tasks.append(asyncio.create_task(self._poll()))

    async def _poll(self) -> None:
        parameters = {"maxev": "10"} | ({"token": self.token} if self.token else {})
        while self.alive:
            try:
                async with self.client.get(f"{self.url}/{self.session}", params=parameters) as got:
                    events = _parse_all(await got.content.read(LARGEST_MESSAGE))
            except (aiohttp.ClientError, OSError):
                return self.lose()
            for event in events:
                self.take(event)
        return None

    async def _send(self, message: Message) -> None:
        path = [str(message.pop(key)) for key in ("session_id", "handle_id") if key in message]
        async with self.client.post("/".join([self.url, *path]), json=message) as answer:
            self.take(_parse(await answer.content.read(LARGEST_MESSAGE)))


def _parse(text: str | bytes) -> Message:
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _parse_all(text: bytes) -> list[Message]:
    try:
        messages = json.loads(text)
    except ValueError:
        return []
    return [
        m for m in (messages if isinstance(messages, list) else [messages]) if isinstance(m, dict)
    ]
