"""The national briefing, shortened, with all its endpoints and with ten times as many."""

from typing import Any

import numpy as np

from scenarios.loading import load_scenario
from simulations.conference import simulate

SECONDS = 60
SCALE = 10


def wider(times: int) -> list[str]:
    """Overrides that give the shared parts ``times`` their capacity, and nodes their speed."""
    base = load_scenario("national-briefing")
    overrides = [f"cascade.capacity={base.cascade.capacity * times}bps"]
    for name, node in base.nodes.items():
        overrides.append(f"nodes.{name}.nic={node.nic * times}bps")
        cost = node.cost
        costs = {
            "packet": cost.packet,
            "copy": cost.copy_,
            "kilobyte": cost.kilobyte,
            "join": cost.join,
        }
        overrides += [f"nodes.{name}.cost.{part}={ns // times}ns" for part, ns in costs.items()]
    for name, carrier in base.carriers.items():
        links = {f"provinces.{place}": link for place, link in carrier.provinces.items()}
        for part in ("backbone", "aggregation", "peering"):
            links[part] = getattr(carrier, part)
        overrides += [
            f"carriers.{name}.{part}.capacity={link.capacity * times}bps"
            for part, link in links.items()
        ]
    return overrides


def play(scale: int, overrides: list[str]) -> dict[str, float]:
    """One run's figures."""
    scenario = load_scenario(
        "national-briefing",
        [f"duration={SECONDS}s", f"endpoints.scale={scale}", "thresholds={}", *overrides],
    )
    result = simulate(scenario)
    endpoints = len(result.tables["endpoints"])
    wall = result.cost.wall_s
    lost = sum(result.accounting.lost.values())
    return {
        "endpoints": endpoints,
        "wall_s": wall,
        "endpoint_seconds_per_s": endpoints * SECONDS / wall,
        "packet_hops_per_s": result.cost.packet_hops / wall,
        "real_time_factor": SECONDS / wall,
        "lost_share": lost / result.accounting.sent,
        "peak_rss_bytes": result.cost.peak_rss_bytes,
    }


def run(repetitions: int) -> dict[str, Any]:
    """Medians at scale 1 and SCALE, and how endpoint-seconds a second grow."""
    cases: dict[str, tuple[int, list[str]]] = {
        "once": (1, []),
        f"{SCALE} times, on links {SCALE} times as wide": (SCALE, wider(SCALE)),
        f"{SCALE} times, on the same links": (SCALE, []),
    }
    play(1, ["duration=5s"])  # compiled, or read from the cache
    figures: dict[str, Any] = {}
    for name, (scale, overrides) in cases.items():
        runs = [play(scale, overrides) for _ in range(repetitions)]
        figures[name] = {key: float(np.median([one[key] for one in runs])) for key in runs[0]}
    base = figures["once"]["endpoint_seconds_per_s"]
    for each in figures.values():
        each["times_slower_per_endpoint"] = base / each["endpoint_seconds_per_s"]
    return figures
