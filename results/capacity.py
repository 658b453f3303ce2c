"""Capacity: what a search came to, in figures that can be quoted and in one sentence."""

from collections.abc import Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any

import numpy as np

from results.knee import find_knee
from results.quantities import format_value
from results.search import Break, Name, Played, Search, describe_threshold
from results.trials import Resource
from scenarios.scenario import Scenario
from scenarios.thresholds import Target
from scenarios.units import SECOND
from scenarios.variables import Variable

EXIT_CODES: Mapping[str, int] = {
    "found": 0,
    "never": 99,
    "always": 98,
    "imprecise": 98,
    "not monotone": 98,
    "no data": 98,
}
"""Exit codes by what a search came to."""
FULL = 0.7
"""Utilization from which a part of the network counts as full."""
LONG = 0.01
"""Seconds of waiting from which a queue counts as long."""
NEAR = 5
"""Runs nearest to the crossing that the bottleneck is read from."""
PLACES = 41
"""Points of the curve."""

Json = dict[str, Any]


def conclude(search: Search, variable: Variable, scenario: Scenario, notes: list[str]) -> Json:
    """The content of capacity.json.

    ``kind`` says what the search came to (results.search.Kind) and ``answer`` says it in a
    sentence. Where there is a crossing: ``value`` (quoted: the thresholds hold there with the
    confidence), ``estimate`` with ``interval``, ``spread`` between meetings, ``breaks`` (each
    threshold's own crossing, the first first), ``bottleneck``, ``curve`` (share of meetings that
    hold, with its interval) and ``knee`` of the metric that breaks first. ``runs`` has every run.
    """
    kind = search.kind
    found: Json = {
        "format": "rehearsal-capacity",
        "scenario": scenario.name,
        "title": scenario.title,
        "kind": kind,
        "over": variable.path,
        "between": [search.low, search.high],
        "unit": variable.units,
        "confidence": search.confidence,
        "share_of_meetings": search.share,
        "tolerance": search.tolerance,
        "duration_s": scenario.duration / SECOND,
        "seed": scenario.seed,
        "runs": [
            {"value": each.value, **each.trial.to_json()}
            for each in sorted(search.played, key=lambda p: (p.value, p.trial.replication))
        ],
        "wall_s": sum(each.trial.wall_s for each in search.played),
        "notes": notes,
    }
    if kind in ("found", "imprecise"):
        found |= _crossing(search, variable)
    found["answer"] = _answer(search, variable, found)
    return found


def _crossing(search: Search, variable: Variable) -> Json:
    low, middle, high = search.interval
    breaks = search.breaks()
    first = breaks[0]
    places = np.linspace(search.low, search.high, PLACES)
    if search.low > 0 and search.high / search.low >= 4:
        places = np.geomspace(search.low, search.high, PLACES)
    places = np.unique(np.concatenate([places, np.linspace(low, high, 11)]))
    tail = (1 - search.confidence) / 2
    shares = search.holding(places, tail, 0.5, 1 - tail)
    x, y = curve_of(search.played, first.threshold)
    knee = find_knee(x, y)
    return {
        "rising": search.rising,
        "value": search.quoted,
        "shown": variable.say(search.quoted),
        "estimate": middle,
        "interval": [low, high],
        "meetings": len(search.crossing.brackets),
        "spread": search.spread,
        "breaks": [_break(each) for each in breaks],
        "bottleneck": _bottleneck(search, first),
        "curve": {
            "value": places.tolist(),
            "low": shares[0].tolist(),
            "holding": shares[1].tolist(),
            "high": shares[2].tolist(),
        },
        "knee": asdict(knee) if knee else None,
    }


def curve_of(played: list[Played], name: Name) -> tuple[list[float], list[float]]:
    """Values of the variable, and of the threshold ``name`` there, run by run in order."""
    points = []
    for each in played:
        for check in each.trial.checks:
            if (check.metric, check.expression, check.during) == name and check.value is not None:
                points.append((each.value, check.value))
    points.sort()
    return [x for x, _ in points], [y for _, y in points]


def _break(each: Break) -> Json:
    metric, expression, during = each.threshold
    return {
        "metric": metric,
        "expression": expression,
        "during": during,
        "value": each.value,
        "interval": [each.low, each.high],
    }


def _bottleneck(search: Search, first: Break) -> Json:
    """What is full where the first threshold breaks."""
    near = sorted(search.played, key=lambda each: abs(each.value - first.value))[:NEAR]
    seen: dict[str, list[Resource]] = {}
    for each in near:
        for resource in each.trial.resources:
            seen.setdefault(resource.name, []).append(resource)
    parts = [
        Resource(
            name,
            found[0].kind,
            fmean(resource.utilization for resource in found),
            fmean(resource.queue_delay for resource in found),
        )
        for name, found in seen.items()
    ]
    full = sorted(parts, key=lambda resource: (-resource.utilization, resource.name))
    queueing = sorted(parts, key=lambda resource: (-resource.queue_delay, resource.name))
    target = Target.parse(first.threshold[0])
    of_kind = [resource for resource in full if _looks_at(target, resource)]
    lost: dict[str, float] = {}
    for each in near:
        for place, count in each.trial.lost.items():
            lost[place] = lost.get(place, 0.0) + count / max(each.trial.sent, 1) / len(near)
    losing = max(lost, key=lambda place: lost[place], default=None)
    where = None
    if of_kind:
        where = of_kind[0]
    elif full and full[0].utilization >= FULL:
        where = full[0]
    elif queueing and queueing[0].queue_delay >= LONG:
        where = queueing[0]
    return {
        "resource": where.name if where else None,
        "kind": where.kind if where else "access",
        "utilization": where.utilization if where else None,
        "queue_delay": where.queue_delay if where else None,
        "fullest": [asdict(resource) for resource in full[:6]],
        "longest_queues": [asdict(resource) for resource in queueing[:6]],
        "most_lost": {"place": losing, "share": lost[losing]} if losing else None,
    }


def _looks_at(target: Target, resource: Resource) -> bool:
    """Whether the ``target`` of a threshold is about ``resource`` itself."""
    name, selector = target.metric.name, target.selector
    if name == "link_utilization":
        words = [selector[key] for key in ("carrier", "province", "direction") if key in selector]
        return (
            resource.kind not in ("nic", "cpu")
            and selector.get("kind", resource.kind) == resource.kind
            and selector.get("link", resource.name) == resource.name
            and all(word in resource.name for word in words)
        )
    kind = {"node_egress": "nic", "node_cpu": "cpu"}.get(name)
    return resource.kind == kind and resource.name.endswith(selector.get("node", ""))


def _answer(search: Search, variable: Variable, found: Json) -> str:
    """What came out, in a sentence or two."""
    say = variable.say
    what = "endpoints" if variable.path == "endpoints" else f"({variable.path})"
    low, high = say(search.low), say(search.high)
    kind = found["kind"]
    if kind == "no data":
        return _no_data(search, variable)
    if kind == "always":
        return (
            f"The thresholds hold from {low} to {high} {what}: the range has no crossing. "
            "Widen --between to find one."
        )
    if kind == "never":
        worst = ", ".join(_failing(search)) or "a threshold"
        return f"The thresholds fail everywhere from {low} to {high} {what}: {worst}."
    if kind == "not monotone":
        return _not_monotone(search, variable)
    first = found["breaks"][0]
    name = describe_threshold((first["metric"], first["expression"], first["during"]))
    verb = "Up to" if search.rising else "From"
    bound = "" if search.rising else " on"
    ends = [say(end) for end in found["interval"]]
    text = (
        f"{verb} {found['shown']} {what}{bound} the thresholds hold, with "
        f"{search.confidence:.0%} confidence that "
        f"{'half' if search.share == 0.5 else f'{search.share:.0%}'} of meetings or more do; the "
        f"crossing is at {say(found['estimate'])} ({ends[0]} … {ends[1]}). "
        f"First breaks {name}. {_describe_bottleneck(found['bottleneck'])}"
    )
    if kind == "imprecise":
        text += f" The interval is wider than asked for: {len(search.played)} runs did not do."
    return text


def _describe_bottleneck(bottleneck: Json) -> str:
    lost = bottleneck["most_lost"]
    if bottleneck["resource"] is not None:
        full = format_value(bottleneck["utilization"], "ratio")
        text = f"The bottleneck is {bottleneck['resource']}, {full} full there"
        if bottleneck["queue_delay"] >= LONG:
            text += (
                f", with packets waiting for up to {format_value(bottleneck['queue_delay'], 's')}"
            )
        return f"{text}."
    fullest = bottleneck["fullest"][0] if bottleneck["fullest"] else None
    text = "No shared link or node is full there or has a long queue"
    if fullest:
        utilization = format_value(fullest["utilization"], "ratio")
        text += f" (the fullest, {fullest['name']}, is at {utilization})"
    return f"{text}; most packets are lost at: {lost['place']}." if lost else f"{text}."


def _failing(search: Search) -> list[str]:
    at = search.played[0].trial.binding
    return [
        describe_threshold((c.metric, c.expression, c.during)) for c in at if c.verdict == "fail"
    ]


def _no_data(search: Search, variable: Variable) -> str:
    each = next(p for p in search.played if p.trial.verdict == "inconclusive")
    bare = [
        describe_threshold((c.metric, c.expression, c.during))
        for c in each.trial.binding
        if c.verdict == "inconclusive"
    ]
    at = f"At {variable.say(each.value)} a run was inconclusive"
    if not bare:
        return f"{at}. {each.trial.reason}"
    return (
        f"{at}: no data for {', '.join(bare)}. A threshold is taken out of the search with --set "
        "thresholds.NAME=null."
    )


def _not_monotone(search: Search, variable: Variable) -> str:
    ends = {search.low, search.high}
    if not search.has_crossing:
        held = sorted(p.value for p in search.played if p.trial.verdict == "pass")
        failed = sorted(p.value for p in search.played if p.trial.verdict == "fail")
        inner = [value for value in (held, failed)[ends <= set(held)] if value not in ends]
        alike = "hold" if ends <= set(held) else "fail"
        other = "fail" if alike == "hold" else "hold"
        text = f"they {alike} at both ends, yet {other} at {variable.say(inner[0])}"
    else:
        contradiction = search.contradiction or (search.low, search.high)
        failed_at, held_at = (variable.say(value) for value in contradiction)
        text = f"they fail at {failed_at} and hold at {held_at}"
    return (
        f"The thresholds do not change sides only once between {variable.say(search.low)} and "
        f"{variable.say(search.high)}: {text}. There is no one answer; narrow --between, or look "
        "at the whole range with rehearse sweep."
    )
