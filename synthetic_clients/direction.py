"""Direction: a meeting in scenes. Servers are told the floor, endpoints their parts."""

import asyncio
from typing import TYPE_CHECKING

from scenarios.meeting import COMMAND_CENTRE
from scenarios.units import SECOND
from synthetic_clients.client import Client
from synthetic_clients.receivers import TICK_S
from synthetic_clients.signalling import Signalling, SignallingError
from synthetic_clients.stage import SILENT, Scene, Stage, first_parts

if TYPE_CHECKING:
    from synthetic_clients.process import Process

EARLY = 5 * SECOND
"""ns before its first part that an endpoint opens the session that it publishes with."""
CALL_LASTS = 60 * SECOND
"""ns after which a call that has not come to the screen never does."""


class Direction:
    """Scene after scene. The process with the command centre tells the servers."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self.scenes: list[Scene] = list(Stage(process.scenario, process.everyone).scenes())
        self.firsts = first_parts(self.scenes)
        self.scene = self.scenes[0]
        self._opened: set[int] = set()
        self._moved = asyncio.Event()

    async def begin(self) -> None:
        """Set the opening floor."""
        process = self._process
        for client in process.clients:
            client.floor = self.scene.floor
        if COMMAND_CENTRE in process.by_site:
            await self._direct(self.scene)
            process.go(self._follow_scenes())

    def tell_again(self) -> None:
        """Tell the servers the floor once more."""
        self._moved.set()

    async def enter(self, client: Client) -> None:
        """An endpoint comes in: it publishes if it is on stage already, or soon will be."""
        process = self._process
        e = process.endpoints[client.endpoint]
        if self.firsts.get(e, 1 << 62) <= EARLY:
            self._opened.add(e)
            await client.follow(self.scene.floor, self.scene.parts.get(e, SILENT))
            process.go(client.broadcast.open())

    async def play(self, at: int) -> None:
        """Play all scenes of the meeting, which begins ``at`` (ns on the run's clock)."""
        process = self._process
        process.go(self._open_early(at))
        for scene in self.scenes:
            await process.until(at + scene.at)
            before, self.scene = self.scene, scene
            if scene.called is not None:
                process.go(self._call(scene, at))
            moved = (scene.floor.programme, scene.floor.called) != (
                before.floor.programme, before.floor.called,
            )  # fmt: skip
            self._moved.set()
            for client in process.clients:
                e = process.endpoints[client.endpoint]
                part = scene.parts.get(e, SILENT)
                if moved or part != client.part or client.site == COMMAND_CENTRE:
                    process.go(client.follow(scene.floor, part))
            if moved:
                process.tell(
                    "event", at=process.clock() / SECOND, what="floor",
                    site=scene.floor.programme or "", detail="",
                )  # fmt: skip

    async def _call(self, scene: Scene, at: int) -> None:
        """Time a call: from now to the first key frame of the called on the command centre's
        screen."""
        process = self._process
        centre = process.by_site.get(COMMAND_CENTRE)
        if centre is None or scene.called is None or "video" not in centre.watches:
            return
        state = process.state
        first = int(state.endpoints[centre.endpoint]["first_view"])
        view = first + centre.watches.index("video")
        state.keyed[view] = -1
        state.views[view]["look"] = 1
        called_at = at + scene.at
        limit = called_at + CALL_LASTS
        while state.keyed[view] < 0 and process.clock() < limit and self.scene.floor == scene.floor:
            state.views[view]["look"] = 1
            await asyncio.sleep(TICK_S)
        shown = int(state.keyed[view])
        output = process.scenario.media.video.playout_delay
        took = (shown - called_at + output) / SECOND if shown >= 0 else None
        process.tell(
            "call", at=scene.at / SECOND, site=process.everyone.site[scene.called], seconds=took
        )

    async def _follow_scenes(self) -> None:
        """Tell the server of each scene, or of the newest where it is slow."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self._direct(self.scene)

    async def _direct(self, scene: Scene) -> None:
        process = self._process

        async def tell(signalling: Signalling) -> None:
            try:
                await signalling.direct(scene.floor)
            except SignallingError as error:
                now = process.clock() / SECOND
                process.tell("trouble", at=now, site=COMMAND_CENTRE, detail=str(error))

        heard = [s for place, s in enumerate(process.signalling) if place not in process.silent]
        await asyncio.gather(*map(tell, heard))

    async def _open_early(self, at: int) -> None:
        """Open sessions to publish with a little before they are needed."""
        process = self._process
        coming = sorted(
            (first, e) for e, first in self.firsts.items()
            if e in process.endpoints and e not in self._opened
        )  # fmt: skip
        place = dict(zip(process.endpoints, process.clients, strict=True))
        for first, e in coming:
            await process.until(at + first - EARLY)
            process.go(place[e].broadcast.open())
