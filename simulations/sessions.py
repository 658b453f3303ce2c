"""What the control plane leaves: attempts to connect, and interruptions. Times are ns."""

from dataclasses import dataclass, field
from typing import Literal

NEVER = -1

Kind = Literal["join", "reconnect", "restart"]


@dataclass
class Session:
    """One attempt to connect."""

    time: int
    """When it began."""
    endpoint: int
    kind: Kind
    """To join; to connect anew, to another node too; or to restart ICE or signalling alone."""
    attempt: int
    """Counted from 1 for each join, loss and so on."""
    node: int = NEVER
    backup: bool = False
    """Over the backup access link."""
    outcome: str = ""
    """`results.records.CONNECTED`, or the cause of its failure; empty while it runs."""
    duration: int = 0
    """NEVER: it was under way at the meeting's end."""
    first_frame: int = NEVER
    """When the first picture was shown."""
    phases: dict[str, int] = field(default_factory=dict)
    """Length of each of `results.records.PHASES` that was reached."""


@dataclass
class Interruption:
    """A stretch without media: as the control plane knows it, from the loss of the endpoint's way
    to its media node until it is back; in a run's table, see `simulations.gaps`."""

    endpoint: int
    fault: str
    """The fault's label; empty where none is to blame."""
    lost: int
    detected: int = NEVER
    """When the client knew; NEVER where media came back before."""
    back: int = NEVER
    """When media flowed again; the first picture's time, where there was one."""
    cause: str = ""
    """Why it never came back."""
