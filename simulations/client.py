"""An endpoint's client: it joins, notices what it loses, and comes back, as a SimPy process."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import simpy

from scenarios.units import SECOND
from simulations import messages
from simulations.backing_off import backing_off
from simulations.draws import service_time
from simulations.messages import Exchange, Process, exchange
from simulations.network import LOST
from simulations.sessions import CONNECTED, NEVER, Interruption, Kind, Session
from simulations.states import TAKING_PART, State, follow

if TYPE_CHECKING:
    from simulations.control_plane import ControlPlane

BOOT = 30 * SECOND
"""Until a client is up again once there is power, times U(0.5, 1.5); assumed."""

SILENT_DNS = "no answer from DNS"
SILENT_SERVER = "no answer from the signalling server"
SILENT_NODE = "no answer from the media node"
REFUSED = "refused: the signalling server's queue is full"
FORGOTTEN = "the media node has forgotten the session"
NO_ROOM = "no media node has room"
NO_POWER = "no power"
NOBODY = "its policy is that nobody comes back"

Attempt = Generator[simpy.Event, None, str]
"""Its value is the cause of its failure, or CONNECTED."""


class Client:
    """One endpoint: in exactly one state, on one media node at most."""

    def __init__(self, plane: "ControlPlane", endpoint: int, sets_out: int | None) -> None:
        self.plane, self.endpoint, self.sets_out = plane, endpoint, sets_out
        self.env, self.network, self.recovery = plane.env, plane.network, plane.recovery
        self.state = State.AWAY
        self.since = 0
        """When it got into its state, ns."""
        self.node = NEVER
        """On which it has its session, or means to have one."""
        self.node_life = 0
        self.server = 0
        """Which of its servers it asks, the nearest first."""
        self.server_life = NEVER
        """Life of the server that its signalling connection is with; NEVER: it has none."""
        self.backup = False
        self.powered = True
        self.powered_at = 0
        self.outages = 0
        self.tried = NEVER
        """The media node of its last attempt."""
        self.avoided: set[int] = set()
        """Media nodes that have not answered it."""
        self.joined = False
        """It has taken part before."""
        self.session: Session | None = None
        """The last attempt that gave it its media."""
        self.lost: Interruption | None = None
        """The interruption that goes on."""
        self.returned: Interruption | None = None
        """The interruption that is over, its first picture not seen yet."""
        self.cut_at = NEVER
        """Since when its media's path is broken; NEVER: it is whole, as far as it goes."""
        self.mute_at = NEVER
        """The same of its signalling's."""
        self.moves = False
        """It has been told to leave its node."""
        self.why = ""
        """Why the last attempt failed."""
        self.wake = self.env.event()

    # ------------------------------------------------------------ states

    def to(self, state: State) -> None:
        """Go into ``state``."""
        self.state = follow(self.state, state)
        self.since = int(self.env.now)

    @property
    def takes_part(self) -> bool:
        """Whether it takes its media node for reachable."""
        return self.state in TAKING_PART

    def rouse(self) -> None:
        """Let it look at what has changed."""
        if not self.wake.triggered:
            self.wake.succeed()

    # ------------------------------------------------------------ life

    def run(self) -> Process:
        """Join, and come back whenever something is lost."""
        if self.sets_out is None:
            self._start_connected()
        else:
            yield self.env.timeout(self.sets_out)
            yield from self._connect("join")
        while self.state is not State.GONE:
            if self.state is State.OFF:
                yield from self._boot()
            elif self.state is State.LOST:
                yield from self._recover()
            elif self.moves:
                yield from self._move()
            elif self._lacks_signalling():
                yield from self._resume()
            else:
                self.wake = self.env.event()
                yield self.wake

    def _start_connected(self) -> None:
        self.node = self.plane.home(self.endpoint)
        self.plane.placing.charges[self.node] += 1
        self.node_life = self.plane.node_lives[self.node]
        if self.plane.holds_signalling:
            self.server_life = self.plane.servers[self.server_number].life
        self.joined = True
        self.to(State.CONNECTED)

    def _boot(self) -> Process:
        while not self.powered:
            self.wake = self.env.event()
            yield self.wake
        up = self.powered_at + round(BOOT * (0.5 + self.plane.draw("boot", self.endpoint)))
        if up > self.env.now:
            yield self.env.timeout(up - int(self.env.now))
        if not self.powered:
            return
        if self.joined and not self.recovery.reconnects:
            self._give_up(NOBODY)
            return
        yield from self._connect("reconnect" if self.joined else "join")

    def _give_up(self, why: str) -> None:
        self.why = why
        self._leave_node()
        self.to(State.GONE)

    def _recover(self) -> Process:
        """Come back after a loss: restart ICE first, if the policy says so, then connect anew."""
        told, self.moves = self.moves, False
        if not self.recovery.reconnects:
            self._give_up(NOBODY)
            return
        for number in range(1, 1 if told else self.recovery.restarts + 1):
            if self.state is State.LOST:
                self.to(State.RESTARTING)
            outcome = yield from self._attempt("restart", number, self._restart)
            if outcome == CONNECTED or self.state is State.OFF:
                return
            self.tried = self.node
            self._learn(outcome)
            if self.node == NEVER:
                break
        yield from self._connect("reconnect", waits=not told)

    def _connect(self, kind: Kind, waits: bool = False) -> Process:
        """Try to connect until it works, power goes, or the policy says to give up.

        Args:
            waits: back off before the first attempt, too.
        """
        self._leave_node()
        outages, attempt = self.outages, 1
        while True:
            if waits:
                draw = self.plane.draw("back-off", self.endpoint)
                number = attempt if kind == "reconnect" else attempt - 1
                self.to(State.BACKING_OFF)
                yield self.env.timeout(backing_off(self.recovery, max(number, 1), draw))
            if not self.powered or outages != self.outages:
                if self.state is not State.OFF:
                    self.to(State.OFF)
                return
            if self.state in (State.LOST, State.RESTARTING):
                self.to(State.BACKING_OFF)
            self.to(State.RESOLVING)
            outcome = yield from self._attempt(kind, attempt, self._handshake)
            if outcome == CONNECTED:
                return
            self._leave_node()
            if self.state is State.OFF:
                return
            if not self.recovery.reconnects:
                self._give_up(outcome)
                return
            self._learn(outcome)
            attempt += 1
            waits = True

    # ------------------------------------------------------------ attempts

    def _attempt(self, kind: Kind, number: int, steps: object) -> Attempt:
        """Run ``steps``, and write down what came of them."""
        begin = int(self.env.now)
        session = Session(begin, self.endpoint, kind, number, backup=self.backup)
        self.plane.sessions.append(session)
        outcome = yield from steps(session, begin + self.recovery.timeout)  # type: ignore[operator]
        if outcome != CONNECTED and self.state is State.OFF:
            outcome = NO_POWER
        session.outcome, session.node = outcome, self.node
        session.duration = int(self.env.now) - begin
        self.why = outcome
        return str(outcome)

    def _handshake(self, session: Session, until: int) -> Attempt:
        """From the server's name to media."""
        server = self.server_number
        cause = yield from self._open(session, server, until)
        if cause:
            return cause
        until, node, cause = yield from self._ask(session, server, until, messages.JOIN)
        if cause:
            return cause
        self._take_node(node)
        cause = yield from self._reach_node(session, node, until, (State.CHECKING, State.SECURING))
        self.tried = node
        if cause:
            return cause
        begin = int(self.env.now)
        self.to(State.SUBSCRIBING)
        place = self.plane.place(server)
        if not (yield from self._exchange(place, messages.SUBSCRIBE, until, session, "subscribe")):
            return SILENT_SERVER
        if not (yield from self._take_media(session, begin)):
            return SILENT_NODE
        self.avoided.clear()
        self._arrive(session)
        return CONNECTED

    def _open(self, session: Session, server: int, until: int) -> Attempt:
        """The server's address, and a connection to it; the cause of failure, or nothing."""
        place = self.plane.place(server)
        if not (yield from self._exchange(place, messages.DNS, until, session, "dns")):
            return SILENT_DNS
        if self.state is State.RESOLVING:
            self.to(State.OPENING)
        for kind in (messages.TCP, messages.TLS, *self.plane.upgrades):
            if not (yield from self._exchange(place, kind, until, session, "tls")):
                return SILENT_SERVER
        return ""

    def _ask(
        self, session: Session, server: int, until: int, kind: Exchange
    ) -> Generator[simpy.Event, None, tuple[int, int, str]]:
        """The server's answer: the time until which the attempt may last, the media node to go to,
        and the cause of a failure.

        Time in which the client waits to be admitted does not count.
        """
        begin = int(self.env.now)
        if self.state is State.OPENING:
            self.to(State.ASKING)
        post, place = self.plane.servers[server], self.plane.place(server)
        if kind is messages.JOIN and post.alive and post.record.admission.policy != "none":
            slot = post.gate.slot(begin)
            session.phases["signalling_wait"] = slot - begin
            yield self.env.timeout(slot - begin)
            if self.state is State.OFF:
                return until, NEVER, NO_POWER
            until += slot - begin
            begin = int(self.env.now)
        told: list[str] = []
        life = post.life

        def work(arrival: int) -> int:
            if not post.alive:
                return LOST
            draw = self.plane.draw("service", self.endpoint)
            served = post.ask(arrival, service_time(post.record.service, draw))
            if served is None:
                told.append(REFUSED)
                return arrival
            waited = session.phases.get("signalling_wait", 0)
            session.phases["signalling_wait"] = waited + served[0] - arrival
            return served[1]

        before = session.phases.get("signalling_wait", 0)
        done = yield from self._exchange(place, kind, until, session, "signalling", work)
        waited = session.phases.get("signalling_wait", 0) - before
        session.phases["signalling"] = max(int(self.env.now) - begin - waited, 0)
        if told:
            return until, NEVER, told[0]
        if not done or post.life != life:
            self.server_life = NEVER
            return until, NEVER, SILENT_SERVER
        if self.plane.holds_signalling:
            self.server_life, self.mute_at = life, NEVER
        if kind is not messages.JOIN:
            return until, NEVER, ""
        plane, home = self.plane, self.plane.home(self.endpoint)
        node = plane.placing.choose(home, plane.nearest(self.endpoint), self.avoided)
        if node is None:
            return until, NEVER, NO_ROOM
        return until, node, ""

    def _reach_node(
        self, session: Session, node: int, until: int, states: tuple[State, ...]
    ) -> Attempt:
        """ICE and DTLS with the node; the cause of failure, or nothing."""
        if states:
            self.to(states[0])
        for kind in (messages.STUN, *self.plane.relaying(self.endpoint)):
            if not (yield from self._exchange(node, kind, until, session, "ice")):
                return SILENT_NODE
        ice, begin = self.plane.ice, int(self.env.now)
        pairs = int(self.plane.draw("pairs", self.endpoint) * ice.pairs)
        yield self.env.timeout(ice.pace * pairs)
        session.phases["ice"] += int(self.env.now) - begin
        if self.state is State.OFF:
            return NO_POWER
        if not (yield from self._exchange(node, messages.CHECK, until, session, "ice")):
            return SILENT_NODE
        if states:
            self.to(states[1])
        for kind in (messages.HELLO, messages.FINISHED):
            if not (yield from self._exchange(node, kind, until, session, "dtls")):
                return SILENT_NODE
        return ""

    def _take_media(self, session: Session, begin: int) -> Generator[simpy.Event, None, bool]:
        """Connect at the node, whose processor does its part; False: the power went."""
        now = int(self.env.now)
        self.node_life = self.plane.node_lives[self.node]
        done = self.network.connect(self.endpoint, self.node, now)
        session.phases["dtls"] = session.phases.get("dtls", 0) + max(done - now, 0)
        session.phases["subscribe"] = now - begin
        yield self.env.timeout(max(done - now, 0))
        return done != LOST and self.state is not State.OFF

    def _restart(self, session: Session, until: int) -> Attempt:
        """ICE anew, for the session that there is."""
        server = self.server_number
        if not self._has_signalling():
            cause = yield from self._open(session, server, until)
            if cause:
                return cause
        until, _, cause = yield from self._ask(session, server, until, messages.RESUME)
        if cause:
            return cause
        for kind in (messages.STUN, messages.CHECK):
            if not (yield from self._exchange(self.node, kind, until, session, "ice")):
                return SILENT_NODE
        if self.node_life != self.plane.node_lives[self.node]:
            return FORGOTTEN
        self._arrive(session)
        return CONNECTED

    def _resume(self) -> Process:
        """Bring signalling back; media goes on meanwhile."""
        self.to(State.RESUMING)
        attempt = 1
        while self.state is State.RESUMING:
            draw = self.plane.draw("back-off", self.endpoint)
            yield self.env.timeout(backing_off(self.recovery, attempt, draw))
            if self.state is not State.RESUMING:
                return
            outcome = yield from self._attempt("restart", attempt, self._resume_once)
            attempt += 1
            if self.state is State.RESUMING and outcome == CONNECTED:
                self.to(State.CONNECTED)
                return
            self.server = (self.server + 1) % len(self.plane.servers)

    def _resume_once(self, session: Session, until: int) -> Attempt:
        server = self.server_number
        cause = yield from self._open(session, server, until)
        if not cause:
            _, _, cause = yield from self._ask(session, server, until, messages.RESUME)
        if not cause:
            self.mute_at = NEVER
            self.plane.look_at_signalling(self)
        return cause or CONNECTED

    def _move(self) -> Process:
        """Leave a node that is being drained for another: made before the old way is broken."""
        self.moves = False
        self.to(State.MOVING)
        yield from self._attempt("reconnect", 1, self._move_over)
        if self.state is State.MOVING:
            self.to(State.CONNECTED)
        self.plane.look_at_path(self)
        self.plane.look_at_signalling(self)

    def _move_over(self, session: Session, until: int) -> Attempt:
        server, charges = self.server_number, self.plane.placing.charges
        if not self._has_signalling():
            cause = yield from self._open(session, server, until)
            if cause:
                return cause
        until, node, cause = yield from self._ask(session, server, until, messages.JOIN)
        if cause or node == self.node:
            return cause or "no other media node has room"
        charges[node] += 1  # a place is kept for it
        cause = yield from self._reach_node(session, node, until, ())
        charges[node] -= 1
        if cause or self.state is not State.MOVING:
            return cause or "lost the old media node meanwhile"
        self._leave_node()
        self._take_node(node)
        if not (yield from self._take_media(session, int(self.env.now))):
            return SILENT_NODE
        self._regain(session)
        return CONNECTED

    # ------------------------------------------------------------ parts

    def _exchange(
        self,
        place: int,
        kind: Exchange,
        until: int,
        session: Session,
        phase: str,
        work: object = None,
    ) -> Generator[simpy.Event, None, bool]:
        begin, state = int(self.env.now), self.state

        def going_on() -> bool:
            return self.state is state and state is not State.OFF

        done = yield from exchange(
            self.env,
            self.network,
            self.endpoint,
            place,
            kind,
            until,
            going_on,
            work,  # type: ignore[arg-type]
        )
        session.phases[phase] = session.phases.get(phase, 0) + int(self.env.now) - begin
        return done

    @property
    def server_number(self) -> int:
        """The signalling server that it talks to."""
        return self.plane.nearest_servers(self.endpoint)[self.server]

    def _has_signalling(self) -> bool:
        return self.server_life == self.plane.servers[self.server_number].life

    def _lacks_signalling(self) -> bool:
        """Whether it knows that its signalling has gone, and has no greater sorrow."""
        return (
            self.plane.holds_signalling
            and self.server_life == NEVER
            and self.cut_at == NEVER
            and self.recovery.reconnects
        )

    def _take_node(self, node: int) -> None:
        charges = self.plane.placing.charges
        if self.node != NEVER:
            charges[self.node] -= 1
        charges[node] += 1
        self.node, self.node_life = node, self.plane.node_lives[node]

    def _leave_node(self) -> None:
        if self.node == NEVER:
            return
        self.plane.settle_first_frame(self)
        self.cut_at = NEVER
        self.network.disconnect(self.endpoint, int(self.env.now))
        self.plane.placing.charges[self.node] -= 1
        self.node = NEVER

    def _learn(self, outcome: str) -> None:
        """Do otherwise next time: ask another server, take another node, and once all of them have
        been silent, the other access link."""
        if outcome == SILENT_NODE and self.tried != NEVER:
            self.avoided.add(self.tried)
            if len(self.avoided) == len(self.plane.nodes):
                self.avoided.clear()
                self._change_link()
        elif outcome != NO_ROOM:
            self.server = (self.server + 1) % len(self.plane.servers)
            if self.server == 0 and outcome in (SILENT_SERVER, SILENT_DNS):
                self._change_link()

    def _change_link(self) -> None:
        """Take the other access link, if there is one."""
        plane, now = self.plane, int(self.env.now)
        if not self.recovery.switches or plane.backups.access[self.endpoint] < 0:
            return
        self._leave_node()
        self.backup = not self.backup
        self.network.use_link(self.endpoint, self.backup, now)
        link = "backup" if self.backup else "primary"
        plane.log.add(now, "link", plane.site(self.endpoint), link)

    def _arrive(self, session: Session) -> None:
        """Media flows again."""
        self.to(State.CONNECTED)
        self._regain(session)
        self.plane.look_at_path(self)
        self.plane.look_at_signalling(self)

    def _regain(self, session: Session) -> None:
        self.joined = True
        self.cut_at = NEVER
        if session.kind != "restart":
            self.session = session
        if self.lost is not None:
            self.lost.back = int(self.env.now)
            self.returned, self.lost = self.lost, None

    # ------------------------------------------------------------ what befalls it

    def lose_power(self) -> None:
        """Its power goes."""
        self.powered = False
        self.outages += 1
        if self.state in (State.AWAY, State.OFF, State.GONE):
            return
        self._leave_node()
        self.server_life = NEVER
        self.moves = False
        self.to(State.OFF)
        self.rouse()

    def get_power(self) -> None:
        """Its power comes back."""
        self.powered = True
        self.powered_at = int(self.env.now)
        self.rouse()

    def notice(self) -> None:
        """It knows now that it has lost its media node."""
        now = int(self.env.now)
        if self.lost is not None and self.lost.detected == NEVER:
            self.lost.detected = now
            self.plane.detections.setdefault(self.lost.fault, []).append(now)
        self.to(State.LOST)
        self.rouse()
