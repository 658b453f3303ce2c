"""Small scenarios for tests of the engine, and a way to play them step by step."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
import simpy
from numpy.typing import NDArray

from results.records import Accounting
from scenarios.backups import Backups
from scenarios.loading import parse_scenario
from scenarios.population import Population, populate
from scenarios.scenario import Scenario
from simulations import control
from simulations.build import build
from simulations.engine import Engine
from simulations.field import Field
from simulations.history import entry_slot
from simulations.presence import settle as settle_presences
from simulations.publishing import Publishing
from simulations.rates import FOREVER
from simulations.telemetry import Telemetry
from simulations.topology import Plan, plan
from simulations.ways import Server
from simulations.world import World, restart_counts

PROVINCES = ("Cà Mau", "Bạc Liêu", "Cần Thơ")
SITES = tuple(f"s{number}" for number in range(1, 13))

_WIDE = {"capacity": "1Gbps"}

BASE: Mapping[str, Any] = {
    "title": "A small network",
    "duration": "2s",
    "interval": "1s",
    "endpoints": {
        "table": "sites.csv",
        "places": "places.csv",
        "rules": [{"carrier": "red", "access": "fibre"}],
    },
    "command_centre": {
        "name": "Centre", "latitude": 21, "longitude": 105.8, "carrier": "red",
        "access": "fibre", "node": "north",
    },
    "carriers": {
        name: {"label": name, "backbone": _WIDE, "aggregation": _WIDE, "peering": _WIDE}
        for name in ("red", "blue")
    },
    "access": {
        "fibre": {
            "label": "Fibre", "delay": "2ms",
            "down": {"rate": "50Mbps"}, "up": {"rate": "50Mbps"},
        },
        "thin": {
            "label": "Thin", "delay": "7ms",
            "down": {"rate": "500kbps"}, "up": {"rate": "300kbps"},
        },
    },
    "nodes": {
        "north": {
            "label": "North", "latitude": 21, "longitude": 105.8,
            "carriers": ["red", "blue"], "nic": "10Gbps",
        },
        "south": {
            "label": "South", "latitude": 10.8, "longitude": 106.7,
            "carriers": ["red"], "nic": "10Gbps",
        },
    },
    "media": {
        "video": {
            "layers": [
                {"name": "low", "height": 180, "bitrate": "100kbps"},
                {"name": "high", "height": 720, "bitrate": "400kbps"},
            ]
        },
        "congestion_control": {"profile": "none"},
    },
}  # fmt: skip
"""A valid scenario without any randomness but the media's own: changes make it something.

The loop is open, so that what is sent does not depend on the network: CLOSED closes it."""

CLOSED: Mapping[str, Any] = {"media": {"congestion_control": {"profile": "libwebrtc"}}}
"""Changes by which senders adapt to the network."""


def make_scenario(
    changes: Mapping[str, Any] | None = None,
    *,
    endpoints: int = 4,
    overrides: Iterable[str] = (),
    seed: int | None = None,
) -> Scenario:
    """BASE with the first ``endpoints`` of SITES and with ``changes``."""
    data = merged(BASE, changes or {})
    return parse_scenario(data, folder=tables(endpoints), overrides=overrides, seed=seed)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``; None takes a key away."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result


_folders: list[tempfile.TemporaryDirectory[str]] = []


@cache
def tables(endpoints: int) -> Path:
    """A folder with the tables of the first ``endpoints`` of SITES, dealt over PROVINCES."""
    _folders.append(tempfile.TemporaryDirectory())
    folder = Path(_folders[-1].name)
    rows = [
        f"{site},Xã {site},commune,xã,,{PROVINCES[number % len(PROVINCES)]}"
        for number, site in enumerate(SITES[:endpoints])
    ]
    header = "site,name,level,kind,district,province"
    (folder / "sites.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (folder / "places.csv").write_text(
        "province,seat_latitude,seat_longitude\n"
        "Cà Mau,9.177,105.15\nBạc Liêu,9.285,105.724\nCần Thơ,10.034,105.784\n",
        encoding="utf-8",
    )
    return folder


def deal(site: str, carrier: str, access: str, node: str) -> dict[str, Any]:
    """A rule that gives one site what it has."""
    return {"when": {"site": site}, "carrier": carrier, "access": access, "node": node}


def kept_copies(world: World, endpoint: int) -> Any:
    """What the node sent to an endpoint, as far as it is kept, in order."""
    sender = world.senders[endpoint]
    end = int(sender["next"])
    entries = range(max(0, end - int(sender["mask"]) - 1), end)
    return world.copies[[int(entry_slot(sender, entry)) for entry in entries]]


class Playing:
    """A scenario as the driver plays it, but advanced from outside."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        trace_site: str | None = None,
        threads: int = 1,
        backups: Mapping[str, tuple[str, str]] | None = None,
        connected: bool = True,
        servers: Sequence[Server] = (),
        relays: NDArray[np.int64] | None = None,
    ) -> None:
        """
        Args:
            relays: (n, nodes) ns that relays add to endpoints' ways to media nodes.
            backups: access profile and carrier of the backup link of some sites.
            connected: everyone is connected at the beginning; otherwise, nobody.
        """
        numba.set_num_threads(threads)
        self.scenario = scenario
        self.population: Population = populate(scenario)
        spare = make_backups(scenario, self.population, backups or {})
        self.plan: Plan = plan(scenario, self.population, spare.carrier)
        self.engine = Engine(
            build(
                scenario, self.population, self.plan, backups=spare, threads=threads,
                trace_site=trace_site,
            )
        )  # fmt: skip
        self.stage = Stage(scenario, self.population, self.engine.world)
        self.field = Field(
            self.engine, self.plan, scenario, self.population, self.stage.publishing,
            servers=servers, relays=relays, connected=connected,
        )  # fmt: skip
        self.telemetry = Telemetry(self.plan, list(scenario.nodes))
        self.delivered = 0

    @property
    def world(self) -> World:
        """The world as it is: it is another one after an edge has grown."""
        return self.engine.world

    @property
    def settings(self) -> Any:
        """What holds for all of the run, by name."""
        return self.world.settings.view(np.recarray)[0]

    def advance(self, until: int, stops: Sequence[int] = ()) -> World:
        """Play up to ``until`` (ns), pausing at ``stops`` as well."""
        env = self.stage.env
        for stop in [*sorted(stops), until]:
            while (at := env.peek()) < stop:
                self.engine.advance(int(at), at in self.stage.meeting.settles)
                env.step()
            self.engine.advance(stop)
        return self.world

    def drain(self, until: int) -> World:
        """Play up to ``until`` with nobody sending any more. Only where the loop is open."""
        assert not self.settings.adapts
        self.world.tracks["next"] = FOREVER
        self.engine.advance(until)
        return self.world

    def sample(self, begin: int, end: int) -> Any:
        """Play up to ``end`` and close the interval from ``begin`` (ns); its presences."""
        world = self.advance(end)
        settle_presences(world, begin, end)
        presences = world.presences.copy()
        self.telemetry.sample(world, begin, end)
        self.delivered += int(world.meters["packets"].sum())
        restart_counts(world)
        return presences

    def accounting(self) -> Accounting:
        """Where every packet went that has been sampled."""
        return self.telemetry.accounting(self.world, self.delivered)

    def index(self, site: str) -> int:
        """An endpoint's place in the world's arrays."""
        return self.population.site.index(site)


def make_backups(
    scenario: Scenario, population: Population, backups: Mapping[str, tuple[str, str]]
) -> Backups:
    """The backup links of some sites: an access profile's median, and a carrier."""
    n = len(population)
    access, carrier = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    down, up, delay = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for site, (profile, owner) in backups.items():
        e, link = population.site.index(site), scenario.access[profile]
        access[e] = list(scenario.access).index(profile)
        carrier[e] = list(scenario.carriers).index(owner)
        down[e], up[e], delay[e] = link.down.rate.p50, link.up.rate.p50, link.delay.p50
    return Backups(access, carrier, down, up, delay)


class Stage:
    """The meeting's moves, made on a world's seats in simulated time."""

    def __init__(self, scenario: Scenario, population: Population, world: World) -> None:
        self.publishing = Publishing(world, scenario, 0)
        self.log = control.Log()
        self.env = simpy.Environment(initial_time=0)
        self.meeting = control.Meeting(self.env, scenario, population, self.publishing, self.log)
        self.env.process(self.meeting.play())
