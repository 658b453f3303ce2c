"""Detours: routers lead traffic around a failed backbone or peering link, where there is a way."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulations.messages import Process
from simulations.network import Component
from simulations.strikes import Strike

if TYPE_CHECKING:
    from simulations.control_plane import ControlPlane

TRUNKS = ("backbone", "peering")


class Detours:
    """Which of the carriers' links between cities are cut, and which of those are led around.

    The way around the link to one media node's city is the carrier's link to another's, and the
    cascade between both. A detour is played as the failed link at a part of its rate, with the
    propagation of the way around.
    """

    def __init__(self, plane: "ControlPlane") -> None:
        self.plane = plane
        self.cut: dict[Component, int] = {}
        """Cut links, and when each was cut."""
        self.led_around: set[Component] = set()

    def lose(self, strike: Strike) -> None:
        """Links have been cut."""
        now = int(self.plane.env.now)
        for component in strike.components:
            if component[0] == "station" and component[1] in TRUNKS:
                self.cut[component] = now
                self.plane.env.process(self._detect(component, now, strike.label))
                self.plane.env.process(self._lead_around(component, now))
        for component in sorted(self.led_around, key=str):
            if not self._ways(component):
                self.led_around.discard(component)
                self.plane.network.degrade(component, now)
                self.plane.network.fail(component, now)
            self._lay(component)

    def regain(self, components: Iterable[Component]) -> set[Component]:
        """Links are whole again; those of them that were led around, which do not fail any more."""
        components = set(components)
        gone = self.led_around & components
        self.led_around -= components
        for component in components:
            self.cut.pop(component, None)
        for component in sorted(gone | self.led_around, key=str):
            self._lay(component)
        for component, cut_at in self.cut.items():
            if component not in self.led_around:
                self.plane.env.process(self._lead_around(component, cut_at))
        return gone

    def _detect(self, component: Component, cut_at: int, label: str) -> Process:
        """The routers at both ends of a link notice that it is cut, unless it is whole by then."""
        plane = self.plane
        yield plane.env.timeout(plane.scenario.carriers[str(component[2])].rerouting.detection)
        if self.cut.get(component) == cut_at:
            link = " ".join(map(str, component[1:]))
            plane.log.add(int(plane.env.now), "detect", label, f"routers lost {link}")

    def _lead_around(self, component: Component, cut_at: int) -> Process:
        plane = self.plane
        carrier = str(component[2])
        rerouting = plane.scenario.carriers[carrier].rerouting
        yield plane.env.timeout(rerouting.detection)
        yield plane.env.timeout(rerouting.convergence)
        gone = self.cut.get(component) != cut_at or component in self.led_around
        if gone or not rerouting.rate or not self._ways(component):
            return
        now = int(plane.env.now)
        self.led_around.add(component)
        plane.network.restore(component, now)
        plane.network.degrade(component, now, rerouting.rate)
        self._lay(component)
        plane.log.add(now, "reroute", " ".join(map(str, component[1:])), f"{rerouting.rate:.0%}")
        plane.look_around()

    def _lay(self, component: Component) -> None:
        """Let traffic over a link, and over its neighbour in the same city, take its way."""
        around = any(other[2:] == component[2:] for other in self.led_around)
        by = self._ways(component) if around else []
        self.plane.network.lead(str(component[2]), str(component[3]), by)

    def _ways(self, component: Component) -> list[str]:
        """The other media nodes whose cities the carrier reaches over links that are up."""
        carrier, node = str(component[2]), str(component[3])
        found = []
        for other, record in self.plane.scenario.nodes.items():
            trunk = ("station", "backbone", carrier, other)
            peering = ("station", "peering", carrier, other)
            direct = carrier in record.carriers
            if other != node and trunk not in self.cut and (direct or peering not in self.cut):
                found.append(other)
        return found
