"""An endpoint's client: it joins, notices what it loses, and comes back, as a SimPy process."""

from typing import TYPE_CHECKING

from results.records import CONNECTED
from scenarios.units import SECOND
from simulations import attempts
from simulations.attempts import (
    NO_POWER,
    NO_ROOM,
    SHUT,
    SILENT_DNS,
    SILENT_NODE,
    SILENT_SERVER,
    Attempt,
    Steps,
)
from simulations.backing_off import backing_off
from simulations.messages import Process
from simulations.sessions import NEVER, Interruption, Kind, Session
from simulations.states import KNOWING, TAKING_PART, State, follow

if TYPE_CHECKING:
    from simulations.control_plane import ControlPlane

BOOT = 30 * SECOND
"""Until a client is up again once there is power, times U(0.5, 1.5); assumed."""

NOBODY = "its policy is that nobody comes back"


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
        self.joins = 0
        """Attempts to join, since it set out."""
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
        self.kept = NEVER
        """Media node that keeps a place for it while it moves."""
        self.why = ""
        """Why the last attempt failed."""
        self.wake = self.env.event()

    # ------------------------------------------------------------ states

    def to(self, state: State) -> None:
        """Go into ``state``."""
        self.state = follow(self.state, state)
        self.since = int(self.env.now)
        self.give_place_up()  # if it moved, it does so no longer

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
            if not self.powered:  # it would join, and can't
                now, self.joins = int(self.env.now), 1
                self.plane.sessions.append(
                    Session(now, self.endpoint, "join", 1, outcome=NO_POWER, duration=0)
                )
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
        self.leave_node()
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
            outcome = yield from self._attempt("restart", number, attempts.restart)
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
        self.leave_node()
        outages, attempt = self.outages, 1
        while True:
            if waits:
                draw = self.plane.draw("back-off", self.endpoint)
                number = attempt if kind == "reconnect" else attempt - 1
                self.to(State.BACKING_OFF)
                yield from self._pause(backing_off(self.recovery, max(number, 1), draw))
            if not self.powered or outages != self.outages:
                if self.state is not State.OFF:
                    self.to(State.OFF)
                return
            if self.state in (State.LOST, State.RESTARTING):
                self.to(State.BACKING_OFF)
            self.to(State.RESOLVING)
            number = attempt
            if kind == "join":  # counted from its setting out, whatever has befallen it since
                self.joins += 1
                number = self.joins
            outcome = yield from self._attempt(kind, number, attempts.handshake)
            if outcome == CONNECTED:
                return
            self.leave_node()
            if self.state is State.OFF:
                return
            if not self.recovery.reconnects:
                self._give_up(outcome)
                return
            self._learn(outcome)
            attempt += 1
            waits = True

    def _attempt(self, kind: Kind, number: int, steps: Steps) -> Attempt:
        """Run ``steps``, and write down what came of them."""
        begin = int(self.env.now)
        session = Session(begin, self.endpoint, kind, number, backup=self.backup)
        self.plane.sessions.append(session)
        outcome = yield from steps(self, session, begin + self.recovery.timeout)
        if outcome != CONNECTED and self.state is State.OFF:
            outcome = NO_POWER
        session.outcome, session.node = outcome, self.node
        session.duration = int(self.env.now) - begin
        self.why = outcome
        return outcome

    def _resume(self) -> Process:
        """Bring signalling back; media goes on meanwhile."""
        self.to(State.RESUMING)
        attempt = 1
        while self.state is State.RESUMING:
            draw = self.plane.draw("back-off", self.endpoint)
            yield from self._pause(backing_off(self.recovery, attempt, draw))
            if self.state is not State.RESUMING:
                return
            outcome = yield from self._attempt("restart", attempt, attempts.resume)
            attempt += 1
            if self.state is State.RESUMING and outcome == CONNECTED:
                self.to(State.CONNECTED)
                return
            self.server = (self.server + 1) % len(self.plane.servers)

    def _move(self) -> Process:
        """Leave a node that is being drained for another: made before the old way is broken."""
        self.moves = False
        self.to(State.MOVING)
        yield from self._attempt("reconnect", 1, attempts.move_over)
        if self.state is State.MOVING:
            self.to(State.CONNECTED)
        self.plane.look_at_path(self)
        self.plane.look_at_signalling(self)

    # ------------------------------------------------------------ parts

    def _pause(self, delay: int) -> Process:
        """Wait (ns), as long as nothing takes the client out of its state."""
        state, until = self.state, int(self.env.now) + delay
        while self.state is state and self.env.now < until:
            self.wake = self.env.event()
            yield self.env.timeout(until - int(self.env.now)) | self.wake

    @property
    def server_number(self) -> int:
        """The signalling server that it talks to."""
        return self.plane.nearest_servers(self.endpoint)[self.server]

    def has_signalling(self) -> bool:
        """Whether its signalling connection is with a server that still knows of it."""
        return self.server_life == self.plane.servers[self.server_number].life

    def _lacks_signalling(self) -> bool:
        """Whether it knows that its signalling has gone, and has no greater sorrow."""
        return (
            self.plane.holds_signalling
            and self.server_life == NEVER
            and self.cut_at == NEVER
            and self.recovery.reconnects
        )

    def keep_place(self, node: int) -> None:
        """Have ``node`` keep a place for as long as it moves."""
        self.plane.placing.charges[node] += 1
        self.kept = node

    def give_place_up(self) -> None:
        """Have no place kept any more."""
        if self.kept != NEVER:
            self.plane.placing.charges[self.kept] -= 1
            self.kept = NEVER

    def take_node(self, node: int) -> None:
        """Mean to have its session on ``node``, in the place that has been kept there, if any."""
        self.give_place_up()
        charges = self.plane.placing.charges
        if self.node != NEVER:
            charges[self.node] -= 1
        charges[node] += 1
        self.node, self.node_life = node, self.plane.node_lives[node]

    def leave_node(self) -> None:
        """Have no session any more."""
        if self.node == NEVER:
            return
        if self.state in KNOWING:  # its media may have come back meanwhile
            self.plane.interrupt(self)
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
        elif outcome not in (NO_ROOM, SHUT):
            self.server = (self.server + 1) % len(self.plane.servers)
            if self.server == 0 and outcome in (SILENT_SERVER, SILENT_DNS):
                self._change_link()

    def _change_link(self) -> None:
        """Take the other access link, if there is one."""
        plane, now = self.plane, int(self.env.now)
        if not self.recovery.switches or plane.backups.access[self.endpoint] < 0:
            return
        self.leave_node()
        self.backup = not self.backup
        self.network.use_link(self.endpoint, self.backup, now)
        link = "backup" if self.backup else "primary"
        plane.log.add(now, "link", plane.site(self.endpoint), link)

    def arrive(self, session: Session) -> None:
        """Media flows again."""
        self.to(State.CONNECTED)
        self.network.mark_found(self.endpoint, int(self.env.now))
        self.regain(session)
        self.plane.look_at_path(self)
        self.plane.look_at_signalling(self)

    def regain(self, session: Session) -> None:
        """It has media by ``session``, whatever it was that it had lost."""
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
        self.leave_node()
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
            self.plane.detect(self, self.lost.fault)
        self.to(State.LOST)
        self.network.mark_lost(self.endpoint, now)
        self.rouse()
