"""Circumstances: what differs between two sets of runs besides what came out."""

from collections.abc import Iterator, Mapping
from typing import Any

from results.sets import RunSet

MOST_KEYS = 6
"""Differing keys of a scenario that a warning names."""

Json = Mapping[str, Any]


def differences(before: RunSet, after: RunSet) -> list[str]:
    """Sentences about what makes a comparison of the two less than clean; empty: nothing does."""
    return list(_differences(before, after))


def played_differently(before: RunSet, after: RunSet) -> list[str]:
    """Keys, dotted, in which the scenarios differ, but for what changes no run."""
    one, other = (_flat(_scenario(each)) for each in (before, after))
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _differences(before: RunSet, after: RunSet) -> Iterator[str]:
    one, other = before.replications, after.replications
    if one.scenario.name != other.scenario.name:
        yield f"The scenarios differ: {one.scenario.name} and {other.scenario.name}."
    if one.mode != other.mode:
        yield f"One is {one.mode}, the other {other.mode}."
    if keys := played_differently(before, after):
        more = f" and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else ""
        yield f"The scenarios differ in {', '.join(keys[:MOST_KEYS])}{more}."
    yield from _manifests(before.manifests[-1], after.manifests[-1])
    for each in (before, after):
        if each.repeated:
            yield (
                f"{each.path}: {each.repeated} runs are left out, for later ones are the same "
                "draws of randomness."
            )
    draws = [{(m.seed, m.replication) for m in each.measured} for each in (one, other)]
    common = len(draws[0] & draws[1])
    if one.mode == other.mode == "simulated" and common < max(map(len, draws)):
        yield (
            f"{common} draws of randomness are common to both, of {len(draws[0])} and "
            f"{len(draws[1])}"
            + (": the others are left out." if common >= 2 else ": they are compared unpaired.")
        )
    if min(map(len, draws)) == max(map(len, draws)) == 1:
        yield "Each is a single run, so there is no telling differences from luck: replicate."


def _manifests(one: Json, other: Json) -> Iterator[str]:
    machines = [each.get("machine") or {} for each in (one, other)]
    if different := [k for k in ("cpu", "cores", "system", "architecture")
                     if machines[0].get(k) != machines[1].get(k)]:  # fmt: skip
        values = [f"{k} {machines[0].get(k)} and {machines[1].get(k)}" for k in different]
        yield f"The machines differ: {', '.join(values)}."
    versions = [each.get("versions") or {} for each in (one, other)]
    packages = sorted(
        name for name in versions[0].keys() | versions[1].keys()
        if versions[0].get(name) != versions[1].get(name)
    )  # fmt: skip
    if packages:
        values = [f"{n} {versions[0].get(n)} and {versions[1].get(n)}" for n in packages]
        yield f"The versions differ: {', '.join(values)}."
    if one.get("commit") != other.get("commit"):
        yield f"The commits differ: {one.get('commit')} and {other.get('commit')}."


def _scenario(found: RunSet) -> Json:
    content: Json = found.replications.scenario.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    # What is asked of a run, and what it is called, change nothing in it.
    left_out = ("name", "title", "description", "thresholds", "seed")
    return {key: value for key, value in content.items() if key not in left_out}


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return {
            key: leaf
            for name, child in value.items()
            for key, leaf in _flat(child, f"{path}.{name}" if path else str(name)).items()
        }
    return {path: value}
