"""Targets: what of a scenario can break, and which of it a fault befalls."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from scenarios.endpoints import CommandCentre, Endpoints
from scenarios.faults import Incident
from scenarios.links import AccessProfile
from scenarios.meeting import COMMAND_CENTRE
from scenarios.network import MediaNode

Object = tuple[str, ...]
"""A thing that can break, as in ("backbone", "vnpt", "hanoi")."""


class End(NamedTuple):
    """An access link, by all that a fault can select it by."""

    site: str
    level: str
    province: str
    carrier: str
    access: str


@dataclass(frozen=True)
class Targets:
    """All that can break."""

    nodes: Mapping[str, MediaNode]
    servers: Collection[str]
    carriers: Collection[str]
    """Those that carry anyone."""
    groups: Collection[tuple[str, str]]
    """Carrier and province of those who share an aggregation link."""
    ends: Collection[End]
    """First access links; the command centre's is among them."""

    def befallen(self, fault: Incident) -> set[Object]:
        """All that ``fault`` selects."""
        return {
            found
            for found, attributes in self._kind(fault.target)
            if _selects(fault.selector, attributes)
        }

    def choices(self, fault: Incident, attribute: str) -> set[str]:
        """Values of an ``attribute`` with which ``fault`` would befall something, all else of its
        selector as it is."""
        others = {key: value for key, value in fault.selector.items() if key != attribute}
        return {
            attributes[attribute]
            for _, attributes in self._kind(fault.target)
            if _selects({**others, attribute: attributes[attribute]}, attributes)
        }

    def _kind(self, target: str) -> Iterator[tuple[Object, Mapping[str, str]]]:
        """Everything of a kind with its attributes."""
        if target == "node":
            for name in self.nodes:
                yield ("node", name), {"node": name}
        elif target == "signalling":
            for name in self.servers:
                yield ("signalling", name), {"server": name}
        elif target in ("backbone", "peering"):
            for name, node in self.nodes.items():
                for carrier in self.carriers:
                    if target == "backbone" or carrier not in node.carriers:
                        yield (target, carrier, name), {"carrier": carrier, "node": name}
        if target in ("aggregation", "province"):
            for carrier, province in self.groups:
                found = ("aggregation", carrier, province)
                yield found, {"carrier": carrier, "province": province}
        if target in ("access", "province"):
            for end in self.ends:
                yield ("access", end.site, end.carrier, end.access), end._asdict()


def _selects(selector: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """The command centre is no endpoint: it is meant only where it is named, by site or level."""
    named = COMMAND_CENTRE in (selector.get("site"), selector.get("level"))
    if attributes.get("site") == COMMAND_CENTRE and not named:
        return False
    return all(attributes.get(key) == value for key, value in selector.items())


def possible_targets(
    nodes: Mapping[str, MediaNode],
    servers: Collection[str],
    carriers: Collection[str],
    access: Mapping[str, AccessProfile],
    endpoints: Endpoints,
    centre: CommandCentre,
) -> Targets:
    """All that can break in some draw: whatever the rules can deal to each endpoint."""
    names = list(carriers)
    ends = []
    groups = set()
    for row in endpoints.taken or ():
        site, level, province = row["site"], row["level"], row["province"]
        kinds = endpoints.dealt(row, "access")
        for carrier in endpoints.dealt(row, "carrier"):
            ends += [End(site, level, province, carrier, kind) for kind in kinds]
            groups.add((carrier, province))
            if any(_other_carrier(access[kind]) for kind in kinds):
                other = names[(names.index(carrier) + 1) % len(names)]
                groups.add((other, province))
    ends.append(End(COMMAND_CENTRE, COMMAND_CENTRE, "", centre.carrier, centre.access))
    used = {carrier for carrier, _ in groups}
    return Targets(nodes, servers, [name for name in names if name in used], groups, ends)


def _other_carrier(profile: AccessProfile) -> bool:
    """Whether some who have it have a backup link on another carrier."""
    backup = profile.backup
    return backup is not None and backup.share > 0 and backup.carrier == "other"
