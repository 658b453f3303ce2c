"""Placing: which media node takes an endpoint."""

from collections.abc import Collection, Sequence

from scenarios.placement import Placement


class Placing:
    """What the signalling servers know of the media nodes, and whom they send where."""

    def __init__(self, placement: Placement, nodes: Sequence[str]) -> None:
        self.placement = placement
        self.nodes = list(nodes)
        self.charges = [0] * len(self.nodes)
        """Endpoints on each node, those on their way included."""
        self.sick = [False] * len(self.nodes)
        """Failed its last health check, or is barred since."""
        self.draining = [False] * len(self.nodes)
        self.room = [placement.room.get(name) for name in self.nodes]
        self.by_share = None not in self.room
        """Whether loads are shares of the nodes' room; else, as a count and a share can't be
        compared, they are counts."""
        self.kept_free = [name in placement.kept_free for name in self.nodes]

    def takes(self, node: int) -> bool:
        """Whether the node takes one more."""
        return self.has_room(node) and not (self.sick[node] or self.draining[node])

    def has_room(self, node: int) -> bool:
        """Whether one more fits on the node, be it well or not."""
        room = self.room[node]
        return room is None or self.charges[node] < room

    def choose(self, home: int, order: Sequence[int], avoided: Collection[int] = ()) -> int | None:
        """The node that takes an endpoint; None: there is none.

        Args:
            home: the node that the rules deal it.
            order: all nodes, the nearest to the endpoint first.
            avoided: those that have not answered the endpoint: the last resort.
        """
        candidates = [home, *(node for node in order if node != home)]
        candidates.sort(key=lambda n: n in avoided)
        free = [n for n in candidates if self.takes(n)]
        usual = [n for n in free if not self.kept_free[n]]
        if self.placement.policy == "least-loaded":
            usual.sort(key=lambda n: (self._load(n), candidates.index(n)))
        standby = self.placement.standby.get(self.nodes[home])
        if standby is not None:
            usual = [n for n in (home, self.nodes.index(standby)) if n in free] + usual
        if self.placement.policy == "spare" and home not in free[:1]:
            # The spare stands in for a node that has gone before others are burdened.
            usual = [n for n in free if self.kept_free[n]] + usual
        return min([*usual, *free], key=lambda n: n in avoided, default=None)

    def _load(self, node: int) -> float:
        room = self.room[node] if self.by_share else None
        return self.charges[node] / (room or 1)
