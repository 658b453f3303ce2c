"""The field: what the control plane sees of the world, and what it can do to it.

Messages cross access links packet by packet, and shared links as propagation, if all of them are
up.
"""

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from scenarios.population import Population
from scenarios.randomness import stream_key
from scenarios.scenario import Scenario
from simulations import outages, subscriptions
from simulations.backups import swap
from simulations.compiled import direct, kernel
from simulations.controllers import make_controllers
from simulations.damage import Damage
from simulations.engine import Engine
from simulations.grouping import regroup
from simulations.groups import bring_up
from simulations.links import carry_control
from simulations.membership import ABSENT, FORGOTTEN, enter, leave
from simulations.network import LOST, Component
from simulations.presence import PRESENCE, absent, come, go
from simulations.publishing import Publishing
from simulations.randomness import mix, uniform
from simulations.topology import Plan
from simulations.ways import Server, Way, Ways
from simulations.world import World


class Field:
    """The endpoints, links, media nodes and servers of a world, for those who act upon it.

    Places are numbered: media nodes in the scenario's order, then servers, then the DNS resolvers
    beside these. Times are ns. The world stands at the last tick when something is done to it
    ``now``.
    """

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        scenario: Scenario,
        population: Population,
        publishing: Publishing,
        *,
        servers: Sequence[Server] = (),
        relays: NDArray[np.int64] | None = None,
        connected: bool = True,
        replication: int = 0,
    ) -> None:
        """
        Args:
            relays: (n, nodes) ns by which relays make endpoints' paths longer; none, unless said.
            connected: everyone is connected at the beginning; otherwise, nobody.
        """
        self.engine = engine
        self.plan = plan
        self.scenario = scenario
        self.population = population
        self.publishing = publishing
        self.servers = list(servers)
        self.nodes = list(scenario.nodes)
        control = scenario.media.congestion_control
        profile = control.profile if control.profile != "none" else "libwebrtc"
        self._controller = make_controllers(
            1, profile, control.start, control.minimum, control.maximum
        )[0]
        self._controller["forwards"] = 1
        self._damage = Damage(plan, self.nodes, [server.name for server in self.servers])
        self._key = stream_key(scenario.seed, replication, "messages")
        self._messages = 0
        self._on_backup: set[int] = set()
        self._brought_up: dict[int, int] = {}
        """Up to when each endpoint has been, ns."""
        world, whole = numba.typeof(self.world), numba.int64
        self._carry = direct(_carry, world, *4 * [whole], numba.boolean)
        self._bring = direct(bring_up, world, whole, whole)
        self._ways = Ways(plan, scenario, population, self.servers)
        none = np.zeros((len(population), len(self.nodes)), np.int64)
        self._relays = none if relays is None else relays
        self._longer = np.zeros(len(population), np.int64)
        """(n,) ns by which access links are played longer, for the way over a relay."""
        for endpoint in np.flatnonzero(self._relays.any(axis=1)).tolist():
            self._relay(endpoint)
        if not connected:
            self._clear()

    @property
    def world(self) -> World:
        """The world as it is now: another one once an edge has grown."""
        return self.engine.world

    # ------------------------------------------------------------ messages

    def reaches(self, endpoint: int, place: int) -> bool:
        """Whether all is up between ``endpoint`` and ``place``, both of them included."""
        way = self._way(endpoint, place)
        return not (
            self._damage.is_down(*way.up, *way.down, self._kind_of(place))
            or self.world.uplinks["down"][endpoint]
        )

    def send(self, endpoint: int, place: int, size: int, now: int, up: bool = True) -> int:
        """Send a message of ``size`` bytes from ``endpoint`` to ``place``, or back.

        Returns:
            When it arrives (ns); −1 where it is lost.
        """
        if not self.reaches(endpoint, place):
            return LOST
        way = self._way(endpoint, place)
        self._bring_up(endpoint)
        arrival = int(self._carry(self.world, endpoint, now, size, self._ways.delay(way), up))
        if arrival < 0 or self._loses(way.up if up else way.down):
            return LOST
        # The access link is as long as for media; signalling does not go over the relay.
        relay = int(self._relays[endpoint, place]) if place < len(self.nodes) else 0
        return arrival + relay - int(self._longer[endpoint])

    def _loses(self, stations: frozenset[Component]) -> bool:
        """Whether one of the degraded links among ``stations`` loses a message."""
        kept = self._damage.passing(stations)
        if kept == 1.0:
            return False
        self._messages += 1
        return message_draw(self._key, self._messages) >= kept

    def _way(self, endpoint: int, place: int) -> Way:
        return self._ways.between(endpoint, int(self.world.endpoints["group"][endpoint]), place)

    def _kind_of(self, place: int) -> Component:
        if place < len(self.nodes):
            return ("node", self.nodes[place])
        resolves, server = divmod(place - len(self.nodes), len(self.servers))
        return ("resolver" if resolves else "server", self.servers[server].name)

    # ------------------------------------------------------------ sessions

    def connect(self, endpoint: int, node: int, now: int) -> int:
        """Let ``node`` serve ``endpoint``: media flows to it, and, if it has a seat, from it.

        Returns:
            When the node has done what a join costs its processor (ns); −1: the node is down.
        """
        if self._damage.is_down(("node", self.nodes[node])):
            return LOST
        self.disconnect(endpoint, now)
        world = self.world
        enter(world, endpoint, node)
        self._lay_route(endpoint)
        self._relay(endpoint)
        subscriptions.begin(world, endpoint, now, self._controller)
        come(world.presences[endpoint], now)
        self.publishing.resume(endpoint, self.population.site[endpoint], now)
        record = world.nodes[node]
        record["cpu_free"] = max(int(record["cpu_free"]), now) + int(record["join_cost"])
        record["cpu_work"] += record["join_cost"]
        return int(record["cpu_free"])

    def disconnect(self, endpoint: int, now: int) -> None:
        """No media to or from ``endpoint`` any more."""
        world = self.world
        if world.endpoints["served"][endpoint] == ABSENT:
            return
        leave(world, endpoint, ABSENT)
        subscriptions.end(world, endpoint)
        go(world.presences[endpoint], now)
        self.publishing.suspend(endpoint)

    def mark_lost(self, endpoint: int, now: int) -> None:
        """The endpoint knows that it gets no media; its node still takes it for connected."""
        go(self.world.presences[endpoint], now)

    def mark_found(self, endpoint: int, now: int) -> None:
        """The endpoint knows that it gets media from its node."""
        come(self.world.presences[endpoint], now)

    def first_frame(self, endpoint: int) -> int:
        """When the first frame since it was connected was rendered (ns); −1: none yet."""
        self._bring_up(endpoint)
        return int(self.world.endpoints["first_frame"][endpoint])

    def last_media(self, endpoint: int) -> int:
        """When its last media packet arrived (ns); −1: none yet."""
        self._bring_up(endpoint)
        return int(self.world.endpoints["last_media"][endpoint])

    def use_link(self, endpoint: int, backup: bool, now: int) -> None:  # noqa: ARG002
        """Move the traffic of ``endpoint`` to its ``backup`` access link, or back.

        Raises:
            ValueError: it has no backup.
        """
        if backup == (endpoint in self._on_backup):
            return
        world = self.world
        self._bring_up(endpoint)
        swap(world, endpoint)
        subscriptions.leave_link(world, endpoint)
        self._on_backup ^= {endpoint}
        groups = self.plan.backup_group if backup else self.plan.group
        if world.endpoints["group"][endpoint] != groups[endpoint]:
            world.endpoints["group"][endpoint] = groups[endpoint]
            regroup(world)
        self._lay_route(endpoint)

    def _lay_route(self, endpoint: int) -> None:
        """Bring an endpoint's route to where its group and its node are."""
        world, place = self.world, self.world.endpoints[endpoint]
        group, node = int(place["group"]), int(place["node"])
        world.route[:, endpoint] = np.maximum(self.plan.ways[:, group, node], 0)
        place["path"] = self._ways.paths[group, node]
        self._damage.mark(world, np.array([endpoint]))

    def _relay(self, endpoint: int) -> None:
        """Make an endpoint's access links as long as the way over its relay asks for."""
        world = self.world
        more = int(self._relays[endpoint, world.endpoints["node"][endpoint]])
        change = more - int(self._longer[endpoint])
        self._longer[endpoint] = more
        places = [(world.uplinks, endpoint), (world.downlinks, endpoint)]
        if (k := int(world.spare[endpoint])) >= 0:
            places += [(world.spare_uplinks, k), (world.spare_downlinks, k)]
        for links, place in places:
            links["delay"][place] += change

    def lead(self, carrier: str, node: str, by: Sequence[str]) -> None:
        """Let a carrier's traffic to and from the city of ``node`` go by the city of one of the
        media nodes ``by``, the nearest way; straight, where there are none."""
        world, now = self.world, int(self.world.clock[0])
        self.engine.advance(now)
        for e, delay in self._ways.lead(carrier, node, by):
            outages.change_delay(world.edges, world.edge_items, world.riders, e, delay, now)
        places = world.endpoints
        places["path"] = self._ways.paths[places["group"], places["node"]]

    def _clear(self) -> None:
        """Nobody is connected, nor has ever been."""
        world = self.world
        world.audience[:] = 0
        world.endpoints["served"] = ABSENT
        world.presences[:] = absent(len(world.presences)).astype(PRESENCE)

    # ------------------------------------------------------------ faults

    def fail(self, component: Component, now: int) -> None:
        """A component goes down. Where faults overlap on it, it is up when all of them are over.

        Raises:
            ValueError: there is no such component.
        """
        self._bring_up_all(component)
        for part in self._damage.parts(component, self.world):
            if self._damage.begin(part):
                self._take_down(part, now)
        self._damage.mark_all(self.world)

    def restore(self, component: Component, now: int) -> None:  # noqa: ARG002
        """A component is up again, empty. A media node serves nobody until they connect."""
        self._bring_up_all(component)
        for part in self._damage.parts(component, self.world):
            if self._damage.end(part):
                self._mend(part)
        self._damage.mark_all(self.world)

    def degrade(
        self,
        component: Component,
        now: int,  # noqa: ARG002
        rate: float = 1.0,
        loss: float = 0.0,
    ) -> None:
        """Leave a link a share of its ``rate``, and let it lose a share of its packets; as it was
        with neither.

        Raises:
            ValueError: it is no link, or a share is none.
        """
        if not 0.0 < rate <= 1.0 or not 0.0 <= loss <= 1.0:
            raise ValueError(f"rate(={rate}) must be in (0, 1], loss(={loss}) in [0, 1]")
        self._bring_up_all(component)
        for part in self._damage.parts(component, self.world):
            if part[0] == "station":
                outages.degrade_station(self.world, part[1], rate, loss)
                self._damage.lose(part[1], loss)
                self._damage.mark_all(self.world)
            elif part[0] == "access":
                spare = self._is_spare(part)
                self._bring_up(part[1])
                outages.degrade_link(self.world, part[1], rate, loss, spare=spare)
            else:
                raise ValueError(f"{component} is no link, and cannot be degraded")

    def _bring_up(self, endpoint: int) -> None:
        """Bring an endpoint up to where the world stands, for what is about to befall it, or to be
        read of it."""
        now = int(self.world.clock[0])
        if self._brought_up.get(endpoint) != now:
            self._bring(self.world, endpoint, now)
            self._brought_up[endpoint] = now

    def _bring_up_all(self, component: Component) -> None:
        """Bring all endpoints up, for what is about to befall a component that many share."""
        if component[0] != "access":
            self.engine.advance(int(self.world.clock[0]))

    def _is_spare(self, part: Component) -> bool:
        """Whether the access link is the one that its endpoint does not use."""
        return bool((part[2] == "backup") != (part[1] in self._on_backup))

    def _take_down(self, part: Component, now: int) -> None:
        world, kind = self.world, part[0]
        if kind == "station":
            outages.cut_station(world, part[1], now)
        elif kind == "access":
            self._bring_up(part[1])
            outages.cut_link(world, part[1], now, spare=self._is_spare(part))
        elif kind == "node":
            n = self.nodes.index(part[1])
            for endpoint in world.subscribers[n, : world.audience[n]].tolist():
                leave(world, endpoint, FORGOTTEN)
                self.publishing.forget(endpoint)
            outages.cut_node(world, n, now)

    def _mend(self, part: Component) -> None:
        world, kind = self.world, part[0]
        if kind == "station":
            outages.mend_station(world, part[1])
        elif kind == "access":
            self._bring_up(part[1])
            outages.mend_link(world, part[1], spare=self._is_spare(part))
        elif kind == "node":
            outages.mend_node(world, self.nodes.index(part[1]))


@kernel
def message_draw(key: Any, number: int) -> float:
    """Uniform in (0, 1): of the stream ``key``, that of the message with a ``number``."""
    return uniform(mix(np.uint64(number) ^ key), 0)


@kernel
def _carry(world: Any, endpoint: int, now: int, size: int, delay: int, up: bool) -> int:
    """When a message over an endpoint's access link arrives (ns); negative: the link loses it."""
    if up:
        arrival = carry_control(
            world.uplinks[endpoint], world.uplink_starts, world.uplink_sizes, world.load_times,
            world.load_shares, now, size,
        )  # fmt: skip
        return arrival + delay if arrival >= 0 else arrival
    entry = max(now + delay, world.endpoints[endpoint].entered)
    return carry_control(
        world.downlinks[endpoint], world.downlink_starts, world.downlink_sizes, world.load_times,
        world.load_shares, entry, size,
    )  # fmt: skip
