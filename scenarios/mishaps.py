"""What faults, recovery and the rest of a scenario must be to one another."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from scenarios.endpoints import CommandCentre, Endpoints
from scenarios.faults import Incident, Readable, starts
from scenarios.joining import Joining
from scenarios.links import AccessProfile
from scenarios.network import Carrier, MediaNode
from scenarios.placement import Placement
from scenarios.record import Problem
from scenarios.signalling import Signalling
from scenarios.targets import Object, Targets, possible_targets
from scenarios.units import DURATION, format_quantity


def mishap_problems(
    *,
    duration: int | None,
    joining: Joining | None,
    signalling: Signalling | None,
    placement: Placement | None,
    faults: Readable | None,
    nodes: Mapping[str, MediaNode] | None,
    carriers: Mapping[str, Carrier] | None,
    access: Mapping[str, AccessProfile] | None,
    endpoints: Endpoints | None,
    centre: CommandCentre | None,
    unsignalled: bool,
) -> Iterator[Problem]:
    """What is wrong between these parts, each None where it could not be read.

    Args:
        unsignalled: the scenario has no section `signalling`.
    """
    if unsignalled:
        for key, part in (("joining", joining), ("faults", faults)):
            if part:
                yield Problem(
                    (key,), None, "needs signalling.servers, which endpoints come back by"
                )
    if duration is not None and joining is not None and joining.end > duration:
        rule = f"the last endpoint must set out before the meeting's end at {_clock(duration)}"
        yield Problem(("joining",), _clock(joining.end), rule)
    if placement is not None and nodes is not None:
        yield from _placement(placement, nodes)
    if not faults:
        return
    times = starts(faults)
    yield from _times(faults, times, duration)
    if nodes is None or carriers is None or access is None or centre is None:
        return
    if endpoints is None or endpoints.taken is None or (signalling is None and not unsignalled):
        return
    servers = () if signalling is None else tuple(signalling.servers)
    targets = possible_targets(nodes, servers, tuple(carriers), access, endpoints, centre)
    objects = [set() if fault is None else targets.befallen(fault) for fault in faults]
    for index, fault in enumerate(faults):
        if fault is not None and not objects[index]:
            yield _idle(targets, fault, index)
    yield from _overlaps(faults, times, objects)


def _idle(targets: Targets, fault: Incident, index: int) -> Problem:
    """What a fault that befalls nothing should name instead."""
    path = ("faults", index, "of")
    for attribute, value in fault.selector.items():
        if choices := targets.choices(fault, attribute):
            beside = " beside the rest of the selector" if len(fault.selector) > 1 else ""
            rule = f"names nothing that an endpoint uses{beside}, whatever the rules deal"
            return Problem(path, value, rule, tuple(sorted(choices)))
    rule = "names nothing: no endpoint or link of this scenario is meant"
    return Problem(path, fault.of, rule)


def _placement(placement: Placement, nodes: Mapping[str, MediaNode]) -> Iterator[Problem]:
    if nodes and placement.kept_free >= set(nodes):
        rule = "must leave a media node that takes endpoints from the beginning"
        yield Problem(("placement",), placement.policy, rule)


def _times(
    faults: Readable, times: Sequence[int | None], duration: int | None
) -> Iterator[Problem]:
    labels: list[str] = []
    for index, (fault, time) in enumerate(zip(faults, times, strict=True)):
        if fault is None:
            continue
        if fault.after is not None and fault.after not in labels:
            rule = "must be the label of a fault further up"
            yield Problem(("faults", index, "after"), fault.after, rule, tuple(labels))
        if fault.label is not None and fault.label in labels:
            yield Problem(("faults", index, "label"), fault.label, "another fault is so labelled")
        if fault.label is not None:
            labels.append(fault.label)
        if time is None:
            continue
        if duration is not None and time >= duration:
            begin = "" if fault.after is None else f" (it begins at {_clock(time)})"
            rule = f"must lie before the meeting's end at {_clock(duration)}{begin}"
            yield Problem(("faults", index, "at"), _clock(fault.at), rule)
        if fault.after is not None and fault.until is not None and fault.until <= time:
            rule = f"must lie after the beginning, {_clock(time)}: no repair comes first"
            yield Problem(("faults", index, "until"), _clock(fault.until), rule)


def _overlaps(
    faults: Readable, times: Sequence[int | None], objects: Sequence[set[Object]]
) -> Iterator[Problem]:
    """Faults that befall one object at the same time: nobody could say which one is repaired."""
    for (i, first), (j, second) in combinations(enumerate(faults), 2):
        a, b = times[i], times[j]
        if first is None or second is None or a is None or b is None:
            continue
        if not _meet(a, _end(first, a), b, _end(second, b)):
            continue
        shared = objects[i] & objects[j]
        if shared:
            shown = " ".join(min(shared)[:3])
            rule = f"overlaps fault {i} ({first.of}) on {shown}: one object has one fault at a time"
            yield Problem(("faults", j, "of"), second.of, rule)


def _end(fault: Incident, start: int) -> int | None:
    """The latest end, ns; None: never."""
    if fault.until is not None:
        return fault.until
    return None if fault.longest is None else start + fault.longest


def _meet(a: int, a_end: int | None, b: int, b_end: int | None) -> bool:
    return (b_end is None or a < b_end) and (a_end is None or b < a_end)


def _clock(time: int) -> str:
    return format_quantity(time, DURATION)
