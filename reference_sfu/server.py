"""The server as a whole: media and HTTP, from start to stop."""

import asyncio
import ipaddress
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from reference_sfu.api import make_application
from reference_sfu.media import MAX_SESSIONS, MediaServer


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve."""

    host: str = "127.0.0.1"
    """Address to bind to, for HTTP and media."""
    port: int = 8787
    """TCP port of HTTP; 0: a free one."""
    udp_port: int = 0
    """UDP port of media; 0: a free one."""
    announce: tuple[str, ...] = ()
    """Addresses for candidates instead of ``host``: those at which peers reach this machine."""
    token: str | None = None
    """What every call must bear."""
    max_sessions: int = MAX_SESSIONS

    def faults(self) -> list[str]:
        """All that is wrong with them."""
        found = []
        for name, address in (("--host", self.host), *(("--announce", a) for a in self.announce)):
            try:
                parsed = ipaddress.ip_address(address)
            except ValueError:
                found.append(f"{name} {address}: must be an IP address")
                continue
            if name == "--announce" and parsed.is_unspecified:
                found.append(f"{name} {address}: must be an address that peers can reach")
            if name == "--host" and parsed.is_unspecified and not self.announce:
                found.append(f"{name} {address}: needs --announce with the address peers reach")
        for name, port in (("--port", self.port), ("--udp-port", self.udp_port)):
            if not 0 <= port <= 65_535:
                found.append(f"{name} {port}: must be 0 to 65535")
        if self.token is not None and not (self.token.isascii() and self.token.strip()):
            found.append("--token: must be ASCII and not empty")
        if self.max_sessions < 1:
            found.append(f"--max-sessions {self.max_sessions}: must be 1 or more")
        return found


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[MediaServer, str]]:
    """Serve within; gives the media server and the URL. Raises OSError and ValueError."""
    faults = settings.faults()
    if faults:
        raise ValueError("\n".join(faults))
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.create_server((settings.host, settings.port), family=family, backlog=1024) as tcp:
        server = MediaServer(
            settings.host, settings.udp_port, settings.announce, settings.max_sessions
        )
        runner = web.AppRunner(make_application(server, settings.token), access_log=None)
        try:
            await runner.setup()
            await web.SockSite(runner, tcp, backlog=1024).start()
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            yield server, f"http://{host}:{tcp.getsockname()[1]}"
        finally:
            await runner.cleanup()
            await server.close()


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; the URL goes to stdout as a line of JSON once all is ready."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    async with serving(settings) as (server, url):
        ready = {"url": url, "udp_port": server.socket.port, "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        told = loop.create_task(ending.wait())
        await asyncio.wait({told, server.ticking}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if server.ticking.done():  # it failed, and a server that half works is worse than none
            await server.ticking
