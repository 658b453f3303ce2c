"""States of an endpoint's client, and from which to which it goes."""

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """What a client is doing; it is in exactly one state."""

    AWAY = "has not set out to join"
    RESOLVING = "asks for the signalling server's address"
    OPENING = "opens a connection to the signalling server"
    ASKING = "waits for the signalling server's answer"
    CHECKING = "looks for a way to its media node (ICE)"
    SECURING = "agrees upon keys with its media node (DTLS)"
    SUBSCRIBING = "subscribes"
    CONNECTED = "takes part"
    RESUMING = "takes part, and reconnects its signalling"
    MOVING = "takes part, and moves to another media node"
    LOST = "knows that it has lost its media node"
    RESTARTING = "restarts ICE"
    BACKING_OFF = "waits before it tries again"
    OFF = "is without power"
    GONE = "does not come back"


_S = State
_FAILS = {_S.BACKING_OFF, _S.OFF, _S.GONE}

TRANSITIONS: Mapping[State, frozenset[State]] = {
    state: frozenset(following)
    for state, following in {
        _S.AWAY: {_S.RESOLVING, _S.CONNECTED, _S.OFF},
        _S.RESOLVING: {_S.OPENING, *_FAILS},
        _S.OPENING: {_S.ASKING, *_FAILS},
        _S.ASKING: {_S.CHECKING, *_FAILS},
        _S.CHECKING: {_S.SECURING, *_FAILS},
        _S.SECURING: {_S.SUBSCRIBING, *_FAILS},
        _S.SUBSCRIBING: {_S.CONNECTED, *_FAILS},
        _S.CONNECTED: {_S.RESUMING, _S.MOVING, _S.LOST, _S.OFF},
        _S.RESUMING: {_S.CONNECTED, _S.LOST, _S.OFF},
        _S.MOVING: {_S.CONNECTED, _S.LOST, _S.OFF},
        _S.LOST: {_S.RESTARTING, *_FAILS},
        _S.RESTARTING: {_S.CONNECTED, *_FAILS},
        _S.BACKING_OFF: {_S.RESOLVING, _S.OFF},
        _S.OFF: {_S.RESOLVING, _S.GONE},
        _S.GONE: set(),
    }.items()
}
"""Where a client can go from each state."""

TAKING_PART = frozenset({_S.CONNECTED, _S.RESUMING, _S.MOVING})
"""States in which a client takes its media node for reachable."""
KNOWING = frozenset({_S.LOST, _S.RESTARTING})
"""States in which a client knows that it has lost its media node, which serves it all the same."""


def follow(state: State, following: State) -> State:
    """``following``, if it can follow ``state``.

    Raises:
        ValueError: it can not.
    """
    if following not in TRANSITIONS[state]:
        raise ValueError(f"{following.name} can't follow {state.name}")
    return following
