"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep), for any server that speaks them; and the
reference SFU, which speaks them and takes directions besides."""

import contextlib
import time
from collections.abc import Mapping
from urllib.parse import quote, urljoin

import aiohttp

from synthetic_clients.peer import Peer
from synthetic_clients.signalling import ANSWER_S, Courier, Exchange, Floor, SignallingError

HOPELESS = (400, 401, 403, 404, 405, 406, 415, 422)
"""Answers after which another attempt would end alike."""
LARGEST_ANSWER = 1 << 18
"""Bytes of an answer at most."""


class WhipWhep:
    """The adapter.

    A target `whip+http://host:port` has its endpoints at `/whip/SITE` and `/whep/SITE`. Where they
    are elsewhere, the target says so with `{role}` and `{site}`, as in
    `whip+http://host:8889/{site}/{role}`.
    """

    simulcast = True

    def __init__(self, target: str, token: str | None) -> None:
        base = target.partition("+")[2]
        self._template = base if "{site}" in base else f"{base.rstrip('/')}/{{role}}/{{site}}"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client: aiohttp.ClientSession | None = None

    @property
    def client(self) -> aiohttp.ClientSession:
        """The HTTP client, opened when first asked for."""
        if self._client is None:
            self._client = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                connector=aiohttp.TCPConnector(limit=64),
            )
        return self._client

    async def publish(self, peer: Peer, site: str, courier: Courier) -> "WhipSession":
        """See `Signalling`."""
        return await self._begin("whip", peer, site, courier)

    async def watch(self, peer: Peer, site: str, floor: Floor, courier: Courier) -> "WhipSession":  # noqa: ARG002
        """See `Signalling`."""
        return await self._begin("whep", peer, site, courier)

    async def direct(self, floor: Floor) -> None:
        """WHEP leaves what is shown to the server."""

    async def close(self) -> None:
        """See `Signalling`."""
        if self._client is not None:
            await self._client.close()

    async def _begin(self, role: str, peer: Peer, site: str, courier: Courier) -> "WhipSession":
        url = self._template.replace("{role}", role).replace("{site}", quote(site, safe=""))
        offer = await peer.offer()
        await courier.there(len(offer))
        name, began = f"POST {role}", time.perf_counter()
        try:
            status, headers, answer = await self._post(url, offer)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
            reason = str(error) or type(error).__name__
            courier.tell(Exchange(name, time.perf_counter() - began, 0, reason))
            raise SignallingError(f"{name}: {reason}") from None
        took = time.perf_counter() - began
        if status != 201:
            reason = f"{status} {answer.strip()[:200]}".strip()
            courier.tell(Exchange(name, took, len(answer), reason))
            after = headers.get("Retry-After", "")
            raise SignallingError(
                f"{name}: {reason}",
                hopeless=status in HOPELESS,
                after_s=float(after) if after.isdecimal() else None,
            )
        courier.tell(Exchange(name, took, len(answer)))
        await courier.back(len(answer))
        location = headers.get("Location")
        session = WhipSession(self.client, urljoin(url, location) if location else None)
        try:
            await peer.accept(answer)
        except BaseException:
            await session.end()
            raise
        return session

    async def _post(self, url: str, offer: str) -> tuple[int, Mapping[str, str], str]:
        headers = {"Content-Type": "application/sdp"}
        async with self.client.post(
            url, data=offer.encode(), headers=headers, allow_redirects=False
        ) as response:
            body = await response.content.read(LARGEST_ANSWER)
            return response.status, response.headers, body.decode()


class WhipSession:
    """A session, which its resource's URL stands for."""

    def __init__(self, client: aiohttp.ClientSession, url: str | None) -> None:
        self._client, self._url = client, url

    async def show(self, floor: Floor) -> None:
        """The server directs."""

    async def end(self) -> None:
        """Delete the resource."""
        if self._url is None or self._client.closed:
            return
        # Who is gone needs no leave to be taken.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._client.delete(self._url):
                pass
        self._url = None


class ReferenceSfu(WhipWhep):
    """The reference SFU: its slots follow the floor that it is told of."""

    def __init__(self, target: str, token: str | None) -> None:
        super().__init__(target, token)
        base = target.partition("+")[2].rstrip("/")
        self._floor, self._health = f"{base}/floor", f"{base}/health"

    async def is_well(self, timeout_s: float) -> bool:
        """Whether the server says so within that time."""
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self.client.get(self._health, timeout=timeout) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def direct(self, floor: Floor) -> None:
        """See `Signalling`."""
        said = {
            "programme": floor.programme,
            "called": floor.called,
            "tiles": [tile for tile in floor.tiles if tile is not None],
        }
        try:
            async with self.client.put(self._floor, json=said) as response:
                if response.status >= 300:
                    raise SignallingError(f"PUT floor: {response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SignallingError(f"PUT floor: {error or type(error).__name__}") from None
