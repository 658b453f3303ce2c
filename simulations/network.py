"""What the control plane needs of the network beneath it."""

from collections.abc import Sequence
from typing import Any, Protocol

Component = tuple[Any, ...]
"""Something that can fail:

- ("node", name), a media node; ("server", name), a signalling server;
- ("station", kind, carrier, where): both directions of a carrier's ``kind`` of shared link
  (aggregation, backbone, peering) in a province or at a media node; ("station", "cascade", node,
  node), one direction; None takes all;
- ("access", endpoint, "primary" or "backup"), both directions of an access link.
"""

LOST = -1
"""In place of a time: there is none."""


class Network(Protocol):
    """A network on which messages travel, endpoints connect, and components fail.

    A *place* is a media node, by its number in the scenario, a signalling server, by its number
    after the last node's, or the DNS resolver beside a server, by the server's number after the
    last server's: it does not fail with the server. Times are ns.
    """

    def send(self, endpoint: int, place: int, size: int, now: int, up: bool = True) -> int:
        """When a message of ``size`` bytes between both arrives; LOST where it does not."""
        ...

    def reaches(self, endpoint: int, place: int) -> bool:
        """Whether everything between both is up, and the place itself."""
        ...

    def connect(self, endpoint: int, node: int, now: int) -> int:
        """Let media flow; when the node has done its work for it. LOST: the node is down."""
        ...

    def disconnect(self, endpoint: int, now: int) -> None:
        """No media any more."""
        ...

    def mark_lost(self, endpoint: int, now: int) -> None:
        """The endpoint knows that it gets no media; its node still takes it for connected."""
        ...

    def mark_found(self, endpoint: int, now: int) -> None:
        """The endpoint knows that it gets media from its node."""
        ...

    def first_frame(self, endpoint: int) -> int:
        """When the endpoint showed the first picture since it connected; LOST: not yet."""
        ...

    def fail(self, component: Component, now: int) -> None:
        """Let ``component`` drop everything."""
        ...

    def restore(self, component: Component, now: int) -> None:
        """Let ``component`` work as before."""
        ...

    def degrade(self, component: Component, now: int, rate: float = 1.0, loss: float = 0.0) -> None:
        """Leave ``component`` a share of its rate, and let it lose a share of packets; with
        neither, it is as it was."""
        ...

    def lead(self, carrier: str, node: str, by: Sequence[str]) -> None:
        """Let a carrier's traffic to and from the city of ``node`` go by the city of one of the
        media nodes ``by``, the nearest way; straight, where there are none."""
        ...

    def use_link(self, endpoint: int, backup: bool, now: int) -> None:
        """Let the endpoint's traffic take its backup access link, or its first one again."""
        ...
