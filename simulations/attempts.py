"""Attempts of a client to connect: their steps and messages, as SimPy processes.

Each is given the session to write down its phases in, and the time until which it may last; its
value is CONNECTED or the cause of its failure.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import simpy

from results.records import CONNECTED
from simulations import messages
from simulations.draws import service_time
from simulations.messages import Exchange, exchange
from simulations.network import LOST
from simulations.sessions import NEVER, Session
from simulations.states import State

if TYPE_CHECKING:
    from simulations.client import Client

SILENT_DNS = "no answer from DNS"
SILENT_SERVER = "no answer from the signalling server"
SILENT_NODE = "no answer from the media node"
REFUSED = "refused: the signalling server's queue is full"
FORGOTTEN = "the media node has forgotten the session"
NO_ROOM = "no media node is up and has room"
SHUT = "every media node that is up and has room is barred or being drained"
NO_POWER = "no power"
NO_OTHER = "no other media node has room"
LOST_MEANWHILE = "lost the old media node meanwhile"

Attempt = Generator[simpy.Event, None, str]
Steps = Callable[["Client", Session, int], Attempt]


def handshake(client: "Client", session: Session, until: int) -> Attempt:
    """From the server's name to media."""
    server = client.server_number
    cause = yield from _open(client, session, server, until)
    if cause:
        return cause
    until, node, cause = yield from _ask(client, session, server, until, messages.JOIN)
    if cause:
        return cause
    client.take_node(node)
    states = (State.CHECKING, State.SECURING)
    cause = yield from _reach_node(client, session, node, until, states)
    client.tried = node
    if cause:
        return cause
    begin = int(client.env.now)
    client.to(State.SUBSCRIBING)
    place = client.plane.place(server)
    if not (yield from _exchange(client, place, messages.SUBSCRIBE, until, session, "subscribe")):
        return SILENT_SERVER
    if not (yield from _take_media(client, session, begin)):
        return SILENT_NODE
    client.avoided.clear()
    client.arrive(session)
    return CONNECTED


def restart(client: "Client", session: Session, until: int) -> Attempt:
    """ICE anew, for the session that there is."""
    server = client.server_number
    if not client.has_signalling():
        cause = yield from _open(client, session, server, until)
        if cause:
            return cause
    until, _, cause = yield from _ask(client, session, server, until, messages.RESUME)
    if cause:
        return cause
    for kind in (messages.STUN, messages.CHECK):
        if not (yield from _exchange(client, client.node, kind, until, session, "ice")):
            return SILENT_NODE
    if client.node_life != client.plane.node_lives[client.node]:
        return FORGOTTEN
    client.arrive(session)
    return CONNECTED


def resume(client: "Client", session: Session, until: int) -> Attempt:
    """Signalling alone."""
    server = client.server_number
    cause = yield from _open(client, session, server, until)
    if not cause:
        _, _, cause = yield from _ask(client, session, server, until, messages.RESUME)
    if not cause:
        client.mute_at = NEVER
        client.plane.look_at_signalling(client)
    return cause or CONNECTED


def move_over(client: "Client", session: Session, until: int) -> Attempt:
    """To another node, before the old way is broken."""
    server = client.server_number
    if not client.has_signalling():
        cause = yield from _open(client, session, server, until)
        if cause:
            return cause
    until, node, cause = yield from _ask(client, session, server, until, messages.JOIN)
    if cause or node == client.node:
        return cause or NO_OTHER
    client.keep_place(node)
    cause = yield from _reach_node(client, session, node, until, ())
    if cause or client.state is not State.MOVING:
        return cause or LOST_MEANWHILE
    client.leave_node()
    client.take_node(node)
    if not (yield from _take_media(client, session, int(client.env.now))):
        return SILENT_NODE
    client.regain(session)
    return CONNECTED


# ------------------------------------------------------------ steps


def _open(client: "Client", session: Session, server: int, until: int) -> Attempt:
    """The server's address, and a connection to it; the cause of failure, or nothing."""
    resolver, place = client.plane.resolver(server), client.plane.place(server)
    if not (yield from _exchange(client, resolver, messages.DNS, until, session, "dns")):
        return SILENT_DNS
    if client.state is State.RESOLVING:
        client.to(State.OPENING)
    for kind in (messages.TCP, messages.TLS, *client.plane.upgrades):
        if not (yield from _exchange(client, place, kind, until, session, "tls")):
            return SILENT_SERVER
    return ""


def _ask(
    client: "Client", session: Session, server: int, until: int, kind: Exchange
) -> Generator[simpy.Event, None, tuple[int, int, str]]:
    """The server's answer: the time until which the attempt may last, the media node to go to, and
    the cause of a failure.

    Time in which the client waits to be admitted does not count.
    """
    env, plane, endpoint = client.env, client.plane, client.endpoint
    begin = int(env.now)
    if client.state is State.OPENING:
        client.to(State.ASKING)
    post, place = plane.servers[server], plane.place(server)
    if kind is messages.JOIN and post.alive and post.record.admission.policy != "none":
        slot = post.gate.slot(begin)
        session.phases["signalling_wait"] = slot - begin
        yield env.timeout(slot - begin)
        if client.state is State.OFF:
            return until, NEVER, NO_POWER
        until += slot - begin
        begin = int(env.now)
    told: list[str] = []
    life = post.life

    def work(arrival: int) -> int:
        if not post.alive:
            return LOST
        served = post.ask(
            arrival, service_time(post.record.service, plane.draw("service", endpoint))
        )
        if served is None:
            told.append(REFUSED)
            return arrival
        waited = session.phases.get("signalling_wait", 0)
        session.phases["signalling_wait"] = waited + served[0] - arrival
        return served[1]

    before = session.phases.get("signalling_wait", 0)
    done = yield from _exchange(client, place, kind, until, session, "signalling", work)
    waited = session.phases.get("signalling_wait", 0) - before
    session.phases["signalling"] = max(int(env.now) - begin - waited, 0)
    if told:
        return until, NEVER, told[0]
    if not done or post.life != life:
        client.server_life = NEVER
        return until, NEVER, SILENT_SERVER
    if plane.holds_signalling:
        client.server_life, client.mute_at = life, NEVER
    if kind is not messages.JOIN:
        return until, NEVER, ""
    node = plane.placing.choose(plane.home(endpoint), plane.nearest(endpoint), client.avoided)
    if node is None:
        could = any(
            plane.placing.has_room(n) and name not in plane.down
            for n, name in enumerate(plane.nodes)
        )
        return until, NEVER, SHUT if could else NO_ROOM
    return until, node, ""


def _reach_node(
    client: "Client", session: Session, node: int, until: int, states: tuple[State, ...]
) -> Attempt:
    """ICE and DTLS with the node; the cause of failure, or nothing."""
    env, plane = client.env, client.plane
    if states:
        client.to(states[0])
    for kind in (messages.STUN, *plane.relaying(client.endpoint)):
        if not (yield from _exchange(client, node, kind, until, session, "ice")):
            return SILENT_NODE
    begin = int(env.now)
    pairs = int(plane.draw("pairs", client.endpoint) * plane.ice.pairs)
    yield env.timeout(plane.ice.pace * pairs)
    session.phases["ice"] += int(env.now) - begin
    if client.state is State.OFF:
        return NO_POWER
    if not (yield from _exchange(client, node, messages.CHECK, until, session, "ice")):
        return SILENT_NODE
    if states:
        client.to(states[1])
    for kind in (messages.HELLO, messages.FINISHED):
        if not (yield from _exchange(client, node, kind, until, session, "dtls")):
            return SILENT_NODE
    return ""


def _take_media(
    client: "Client", session: Session, begin: int
) -> Generator[simpy.Event, None, bool]:
    """Connect at the node, whose processor does its part; False: the power went, or the node."""
    now = int(client.env.now)
    client.node_life = client.plane.node_lives[client.node]
    done = client.network.connect(client.endpoint, client.node, now)
    session.phases["dtls"] = session.phases.get("dtls", 0) + max(done - now, 0)
    session.phases["subscribe"] = now - begin
    yield client.env.timeout(max(done - now, 0))
    lives = client.node_life == client.plane.node_lives[client.node]
    return done != LOST and lives and client.state is not State.OFF


def _exchange(
    client: "Client",
    place: int,
    kind: Exchange,
    until: int,
    session: Session,
    phase: str,
    work: Callable[[int], int] | None = None,
) -> Generator[simpy.Event, None, bool]:
    """Exchange messages with a place as long as the client's state stays; whether it came off."""
    begin, state = int(client.env.now), client.state

    def going_on() -> bool:
        return client.state is state and state is not State.OFF

    done = yield from exchange(
        client.env, client.network, client.endpoint, place, kind, until, going_on, work
    )
    session.phases[phase] = session.phases.get(phase, 0) + int(client.env.now) - begin
    return done
