"""The HTTP interface: WHIP (RFC 9725), WHEP, floor control, health, metrics."""

import hmac
from json import JSONDecodeError
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from reference_sfu.floor import SITE, FloorError
from reference_sfu.media import Full, MediaServer
from reference_sfu.metrics import Exposition
from reference_sfu.offers import OfferError

MAX_BODY_BYTES = 1 << 18
RETRY_AFTER_S = 5
PAGE = Path(__file__).with_name("page.html")

_OPEN = {"/health", "/"}
"""Paths that need no token: neither tells anything."""
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "Location, ETag, Retry-After",
    "Access-Control-Max-Age": "86400",
}
_SDP = "application/sdp"


def make_application(server: MediaServer, token: str | None) -> web.Application:
    """The application that controls ``server``; with ``token``, only for who bears it."""
    application = web.Application(
        client_max_size=MAX_BODY_BYTES, middlewares=[_dress, _guard(token)]
    )
    api = _Api(server)
    session = "/{session:[A-Za-z0-9_-]+}"
    for kind in ("whip", "whep"):
        resource = f"/{kind}/{{site:{SITE.pattern}}}"
        application.router.add_post(resource, getattr(api, kind))
        application.router.add_delete(resource + session, api.end)
    application.router.add_get("/floor", api.floor)
    application.router.add_put("/floor", api.give_floor)
    application.router.add_get("/health", api.health)
    application.router.add_get("/metrics", api.metrics)
    application.router.add_post("/drain", api.drain)
    application.router.add_get("/", api.page)
    return application


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error that says what is wrong (RFC 9457)."""
    title = web.Response(status=status).reason
    return web.json_response(
        {"title": title, "status": status, "detail": detail},
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


@web.middleware
async def _dress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer with CORS headers, every error as a problem."""
    response: web.StreamResponse
    if request.method == "OPTIONS":
        response = web.Response(status=204, headers={"Accept-Post": _SDP})
    else:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            allow = {k: v for k, v in error.headers.items() if k == "Allow"}
            response = problem(error.status, error.text or error.reason, allow)
    response.headers.update(_CORS)
    return response


def _guard(token: str | None) -> Middleware:
    """Lets in only who bears ``token`` (RFC 6750)."""
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is not None and request.path not in _OPEN:
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, expected):
                return problem(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return guard


class _Api:
    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self._exposition = Exposition(server)

    async def whip(self, request: web.Request) -> web.Response:
        return await self._join(request, publishes=True)

    async def whep(self, request: web.Request) -> web.Response:
        return await self._join(request, publishes=False)

    async def _join(self, request: web.Request, publishes: bool) -> web.Response:
        if request.content_type != _SDP:
            return problem(415, f"an offer is {_SDP}", {"Accept-Post": _SDP})
        try:
            text = await request.text()
            session, answer = self._server.join(request.match_info["site"], text, publishes)
        except UnicodeDecodeError:
            return problem(400, "the offer is not UTF-8")
        except OfferError as error:
            return problem(error.status, str(error))
        except Full as error:
            return problem(503, str(error), {"Retry-After": str(RETRY_AFTER_S)})
        location = f"{request.path}/{session.id}"
        headers = {"Location": location, "ETag": f'"{session.id}"', "Accept-Post": _SDP}
        return web.Response(status=201, text=answer, content_type=_SDP, headers=headers)

    async def end(self, request: web.Request) -> web.Response:
        session = self._server.sessions.get(request.match_info["session"])
        kind = request.path.split("/")[1]
        if (
            session is None
            or session.site != request.match_info["site"]
            or (session.slots is None) != (kind == "whip")
        ):
            return problem(404, "no such session")
        self._server.end(session, "deleted")
        return web.Response()

    async def floor(self, _: web.Request) -> web.Response:
        return web.json_response(self._server.room.floor.as_json())

    async def give_floor(self, request: web.Request) -> web.Response:
        try:
            floor = self._server.room.floor.updated(await request.json())
        except (JSONDecodeError, UnicodeDecodeError, RecursionError):
            return problem(400, "a floor is JSON")
        except FloorError as error:
            return problem(400, str(error))
        self._server.give_floor(floor)
        return web.json_response(floor.as_json())

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "draining" if self._server.draining else "ok"})

    async def drain(self, _: web.Request) -> web.Response:
        self._server.draining = True
        return web.json_response({"status": "draining", "sessions": len(self._server.sessions)})

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._exposition.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE, headers={"Content-Type": "text/html; charset=utf-8"})
