"""The control plane: clients, signalling servers, media nodes' health, faults and detours, as SimPy
processes over a network. The clock counts integer nanoseconds."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from scenarios.backups import Backups
from scenarios.geography import great_circle
from scenarios.population import Population
from scenarios.randomness import entity_keys, stream_key, uniforms
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations import messages
from simulations.client import Client
from simulations.detours import Detours
from simulations.draws import Draws
from simulations.messages import Exchange, Process
from simulations.network import Network
from simulations.placing import Placing
from simulations.relays import OVER_TCP, OVER_UDP, relayed
from simulations.servers import Server
from simulations.sessions import NEVER, Interruption, Session
from simulations.setting_out import setting_out
from simulations.states import KNOWING, TAKING_PART, State
from simulations.strikes import Strike, behind, describe, strikes

ENDED = "the meeting ended"
DRAIN_AGAIN = 30 * SECOND
"""Until those who could not leave a node that is being drained are told again."""


class Log(Protocol):
    """Takes events down."""

    def add(self, now: int, kind: str, subject: str, detail: str = "") -> None:
        """Write one event."""
        ...


class ControlPlane:
    """All that joins, fails and comes back."""

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        population: Population,
        backups: Backups,
        network: Network,
        log: Log,
        replication: int = 0,
    ) -> None:
        if scenario.signalling is None:
            raise ValueError("a control plane needs signalling servers")
        self.env, self.scenario, self.population = env, scenario, population
        self.backups, self.network, self.log = backups, network, log
        self.recovery, self.ice, self.signalling = (
            scenario.recovery, scenario.ice, scenario.signalling,
        )  # fmt: skip
        self.nodes = list(scenario.nodes)
        self.server_names = list(self.signalling.servers)
        self.servers = [Server(record) for record in self.signalling.servers.values()]
        self.holds_signalling = self.signalling.transport == "websocket"
        self.upgrades = (messages.UPGRADE,) if self.holds_signalling else ()
        self.draws = Draws(scenario.seed, replication, population.site)
        self.placing = Placing(scenario.placement, self.nodes)
        self.node_lives = [0] * len(self.nodes)
        checks = stream_key(scenario.seed, replication, "health check")
        self._health_phases = uniforms(entity_keys(checks, self.nodes)).tolist()
        self._barred_until = [0] * len(self.nodes)
        self._drains = [0] * len(self.nodes)
        self.down: dict[str, str] = {}
        """Media nodes that are dead ("die") or hung ("hang")."""
        self.sessions: list[Session] = []
        self.interruptions: list[Interruption] = []
        self.detections: dict[str, dict[int, int]] = {}
        """When each endpoint's client first noticed each fault, of its media or its signalling."""
        self.reason = ""
        """The label of the fault that is being played."""
        self._nearest_nodes = self._by_distance(list(scenario.nodes.values()))
        self._nearest_servers = self._by_distance(list(self.signalling.servers.values()))
        self._relayed = relayed(scenario, population.site, replication)
        self.strikes = strikes(scenario, population, backups, self.draws)
        self.detours = Detours(self)
        self.clients = [
            Client(self, endpoint, at) for endpoint, at in enumerate(self._setting_out())
        ]
        # Faults first, so that at equal times they come before clients.
        begins = {strike.begin for strike in self.strikes}
        ends = {strike.end for strike in self.strikes if strike.end is not None}
        for time in sorted(begins | ends):
            env.process(self._strike(time))
        for client in self.clients:
            env.process(client.run())

    # ------------------------------------------------------------ what clients ask

    def draw(self, component: str, endpoint: int) -> float:
        """The endpoint's next number in (0, 1)."""
        return self.draws.uniform(component, endpoint)

    def site(self, endpoint: int) -> str:
        """The endpoint's site."""
        return self.population.site[endpoint]

    def home(self, endpoint: int) -> int:
        """The media node that the rules deal the endpoint."""
        return int(self.population.node[endpoint])

    def place(self, server: int) -> int:
        """The place of a signalling server."""
        return len(self.nodes) + server

    def resolver(self, server: int) -> int:
        """The place of the DNS resolver beside a signalling server."""
        return len(self.nodes) + len(self.servers) + server

    def nearest(self, endpoint: int) -> Sequence[int]:
        """Media nodes, the nearest first."""
        return self._nearest_nodes[endpoint]

    def nearest_servers(self, endpoint: int) -> Sequence[int]:
        """Signalling servers, the nearest first."""
        return self._nearest_servers[endpoint]

    def relaying(self, endpoint: int) -> tuple[Exchange, ...]:
        """What an endpoint exchanges with its relay before it can use it (RFC 8656): an allocation,
        refused once for want of credentials, and a permission."""
        allocation = (messages.TURN,) * 3
        over_tcp = (messages.TCP, messages.TLS)
        need = self._relayed[endpoint]
        return {OVER_UDP: allocation, OVER_TCP: (*over_tcp, *allocation)}.get(need, ())

    # ------------------------------------------------------------ paths

    def look_at_path(self, client: Client) -> None:
        """See whether the client's media gets through, and set its timers going. While it restarts
        ICE its node serves it all the same."""
        if client.node == NEVER or client.state not in TAKING_PART | KNOWING:
            return
        now, node = int(self.env.now), client.node
        whole = client.node_life == self.node_lives[node] and self.network.reaches(
            client.endpoint, node
        )
        if whole and client.cut_at != NEVER:
            client.cut_at = NEVER
            if client.lost is not None:
                client.lost.back = now
                client.lost = None
            client.rouse()
        elif not whole and client.cut_at == NEVER:
            client.cut_at = now
            self.interrupt(client)
            ago = self.recovery.check * self.draw("consent", client.endpoint)
            wait = max(self.recovery.detection - round(ago), 0)
            self._later(wait, lambda: self._notice(client, now))

    def look_at_signalling(self, client: Client) -> None:
        """See whether the client's signalling connection gets through, and set its timer going."""
        if not client.takes_part or client.server_life == NEVER:
            return
        now = int(self.env.now)
        server = client.server_number
        whole = client.server_life == self.servers[server].life and self.network.reaches(
            client.endpoint, self.place(server)
        )
        if whole:
            client.mute_at = NEVER
        elif client.mute_at == NEVER:
            client.mute_at, fault = now, self.reason
            left = 1 - self.draw("keep-alive", client.endpoint)
            wait = round(self.signalling.keep_alive * left) + self.signalling.keep_alive_timeout
            self._later(wait, lambda: self._miss_signalling(client, now, fault))

    def interrupt(self, client: Client) -> None:
        """Write down that the client gets no media from now on."""
        if client.lost is None:
            now = int(self.env.now)
            known = now if client.state in KNOWING else NEVER
            client.lost = Interruption(client.endpoint, self.reason, now, known)
            self.interruptions.append(client.lost)

    def _notice(self, client: Client, cut_at: int) -> None:
        if client.cut_at == cut_at and client.takes_part:
            client.notice()

    def detect(self, client: Client, fault: str) -> None:
        """Write down that the client has noticed a fault."""
        self.detections.setdefault(fault, {}).setdefault(client.endpoint, int(self.env.now))

    def _miss_signalling(self, client: Client, mute_at: int, fault: str) -> None:
        if client.mute_at == mute_at and client.takes_part:
            self.detect(client, fault)
            client.mute_at = client.server_life = NEVER
            client.rouse()

    def _later(self, wait: int, action: Callable[[], None]) -> None:
        def act() -> Process:
            yield self.env.timeout(wait)
            action()

        self.env.process(act())

    def look_around(self) -> None:
        """Let everyone's timers see what has changed in the network."""
        for client in self.clients:
            self.look_at_path(client)
            self.look_at_signalling(client)

    # ------------------------------------------------------------ faults

    def _strike(self, time: int) -> Process:
        """Play the faults that end at a ``time``, then those that begin: a fault may begin at the
        very time at which another one on the same object ends."""
        yield self.env.timeout(time)
        begun = [strike for strike in self.strikes if strike.begin == time]
        for strike in self.strikes:
            if strike.end == time:
                self.reason = strike.label
                self.log.add(time, "repair", strike.label, strike.kind)
                self._end(strike)
        if not begun:
            self.look_around()
        for strike in begun:
            self.reason = strike.label
            self.log.add(time, "fault", strike.label, describe(strike, self._behind(strike)))
            self._begin(strike)
            self.look_around()

    def _behind(self, strike: Strike) -> NDArray[np.bool_]:
        """Whom a fault befalls, on the links and at the nodes where they are now."""
        on_backup = [client.backup for client in self.clients]
        carrier = np.where(on_backup, self.backups.carrier, self.population.carrier)
        node = np.array([client.node for client in self.clients])
        return behind(strike, self.scenario, self.population, carrier, node)

    def _begin(self, strike: Strike) -> None:
        now = int(self.env.now)
        for endpoint in strike.endpoints:
            client = self.clients[endpoint]
            if client.takes_part:
                self.interrupt(client)
            client.lose_power()
        for component in strike.components:
            if strike.kind == "drain":
                self.env.process(self._drain(self.nodes.index(str(component[1]))))
            elif strike.kind == "degrade":
                self.network.degrade(component, now, strike.rate, strike.loss)
            else:
                self.network.fail(component, now)
            if strike.kind == "hang" or (strike.kind == "die" and component[0] == "node"):
                node = self.nodes.index(str(component[1]))
                self.node_lives[node] += 1
                self.down[self.nodes[node]] = strike.kind
                self.env.process(self._check_health(node, strike))
            elif strike.kind == "die":
                self.servers[self.server_names.index(str(component[1]))].die()
        if strike.kind == "cut":
            self.detours.lose(strike)

    def _end(self, strike: Strike) -> None:
        now = int(self.env.now)
        led_around = self.detours.regain(strike.components) if strike.kind == "cut" else set()
        for component in strike.components:
            if strike.kind == "drain":
                self.placing.draining[self.nodes.index(str(component[1]))] = False
            elif strike.kind == "degrade" or component in led_around:
                self.network.degrade(component, now)
            else:
                self.network.restore(component, now)
            if strike.kind == "drain":
                continue
            if component[0] == "node":
                self.down.pop(str(component[1]), None)
            elif component[0] == "server":
                self.servers[self.server_names.index(str(component[1]))].revive()
        for endpoint in strike.endpoints:
            self.clients[endpoint].get_power()

    def _check_health(self, node: int, strike: Strike) -> Process:
        """The next health check finds the node out, if it is still down then."""
        health, name = self.scenario.placement.health, self.nodes[node]
        life = self.node_lives[node]
        phase = int(health.every * self._health_phases[node])
        yield self.env.timeout((phase - int(self.env.now)) % health.every)
        if self.down.get(name) == "hang" and self.node_lives[node] == life:
            yield self.env.timeout(health.timeout)
        if name not in self.down or self.node_lives[node] != life:
            return
        found = int(self.env.now)
        self.placing.sick[node] = True
        self._barred_until[node] = found + health.barred
        self.log.add(found, "detect", strike.label, f"{name} failed its health check")
        if self.recovery.moved_by_server:
            for client in self.clients:
                if client.node == node and client.takes_part and client.cut_at != NEVER:
                    self._tell(client)
        yield self.env.timeout(health.barred)
        # It may have failed again meanwhile, found out or not.
        while name in self.down or self.env.now < self._barred_until[node]:
            yield self.env.timeout(health.every)
        self.placing.sick[node] = False

    def _tell(self, client: Client) -> None:
        """Tell a client over its signalling connection to leave its node, which has failed."""
        if client.server_life != NEVER and client.mute_at == NEVER:
            client.moves = True
            client.notice()

    def _drain(self, node: int) -> Process:
        """Hand a node's endpoints over, so many a second, until it has none or is back."""
        self.placing.draining[node] = True
        self._drains[node] += 1
        drain = self._drains[node]

        def goes_on() -> bool:
            return self.placing.draining[node] and self._drains[node] == drain

        gap = SECOND // self.scenario.placement.drain
        self.log.add(int(self.env.now), "drain", self.nodes[node], "begins")
        while goes_on():
            for client in self.clients:
                if client.node != node or client.state is not State.CONNECTED:
                    continue
                if not goes_on():
                    return
                client.moves = True
                client.rouse()
                yield self.env.timeout(gap)
            again = int(self.env.now) + DRAIN_AGAIN
            while goes_on() and self.env.now < again:
                if self.placing.charges[node] == 0:
                    self.log.add(int(self.env.now), "drain", self.nodes[node], "is empty")
                    return
                yield self.env.timeout(SECOND)

    # ------------------------------------------------------------ results

    def settle(self) -> None:
        """Take down which pictures have been shown by now."""
        for client in self.clients:
            self.settle_first_frame(client)

    def settle_first_frame(self, client: Client) -> None:
        """Take down when the client showed its first picture, if it has."""
        session = client.session
        if session is None or client.node == NEVER:
            return
        if session.first_frame == NEVER and session.kind != "restart":
            shown = self.network.first_frame(client.endpoint)
            if shown >= session.time:
                session.first_frame = shown
        if client.returned is not None and session.first_frame != NEVER:
            client.returned.back = max(session.first_frame, client.returned.back)
            client.returned = None

    def close(self) -> None:
        """The meeting's end: what is still under way will not come to anything."""
        self.settle()
        for session in self.sessions:
            if not session.outcome:
                state = self.clients[session.endpoint].state
                session.outcome, session.duration = f"{ENDED}: {state.value}", NEVER
        for client in self.clients:
            if client.lost is not None:
                client.lost.cause = self._obstacle(client)
        for label, times in self.detections.items():
            first = min(times.values())
            self.log.add(first, "detect", label, f"the first of {len(times)} clients")

    def _obstacle(self, client: Client) -> str:
        """Why a client is not back."""
        if not client.powered:
            return "no power"
        if client.state is State.GONE:
            return client.why
        last = f"; last attempt: {client.why}" if client.why else ""
        return f"{client.state.value}{last}"

    # ------------------------------------------------------------ preparations

    def _by_distance(self, places: Sequence[object]) -> list[tuple[int, ...]]:
        distances = great_circle(
            self.population.latitude[:, None],
            self.population.longitude[:, None],
            [place.latitude for place in places],  # type: ignore[attr-defined]
            [place.longitude for place in places],  # type: ignore[attr-defined]
        )
        return [tuple(row) for row in np.argsort(distances, axis=1, kind="stable").tolist()]

    def _setting_out(self) -> list[int | None]:
        joining = self.scenario.joining
        if joining is None:
            return [None] * len(self.population)
        draws = np.array([self.draw("joining", e) for e in range(len(self.population))])
        return [int(at) for at in setting_out(joining, self.population.province, draws)]
