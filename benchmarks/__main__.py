"""All benchmarks: `python -m benchmarks`. A table on stdout, figures to bench-results.json."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import briefing, gate, levels, live, live_scale, sfu, twenty_links
from benchmarks.timing import describe_machine

RESULTS = Path("bench-results.json")


def main() -> None:
    """Run what was asked for, print it, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--repetitions", type=int, default=3, help="runs that medians are over")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}")
    machine = describe_machine()
    memory = machine["memory_bytes"] / 2**30
    print(f"{machine['processor']}, {machine['cores']} cores, {memory:.1f} GiB")
    print(f"Python {machine['python']}, numba {machine['numba']}, numpy {machine['numpy']}")
    results: dict[str, Any] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "repetitions": arguments.repetitions,
    }
    for name in arguments.names or [name for name in BENCHMARKS if name not in LONG]:
        print(f"bench: {name}", file=sys.stderr)
        run, show = BENCHMARKS[name]
        results[name] = run(arguments.repetitions)
        show(results[name])
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nFigures: {RESULTS}")


def show_twenty_links(found: dict[str, Any]) -> None:
    """Speeds beside each other."""
    heading(
        f"The same {found['packet_hops']:,} packets through {twenty_links.LINKS} queues",
        "million packet-hops/s", "times SimPy", "ns apart",
    )  # fmt: skip
    for name, speed in sorted(found["packet_hops_per_s"].items(), key=lambda item: -item[1]):
        ratio, apart = found["times_simpy"][name], found["departures_apart_ns"][name]
        row(name, f"{speed / 1e6:,.3f}", f"{ratio:,.1f}", f"{apart:.2g}")


def show_briefing(found: dict[str, Any]) -> None:
    """Growth with endpoints."""
    heading(
        f"The national briefing, {briefing.SECONDS} s",
        "endpoints", "wall s", "endpoint-s/s", "slower", "million hops/s", "lost",
    )  # fmt: skip
    for name, each in found.items():
        row(
            name, f"{each['endpoints']:,.0f}", f"{each['wall_s']:.2f}",
            f"{each['endpoint_seconds_per_s']:,.0f}", f"× {each['times_slower_per_endpoint']:.2f}",
            f"{each['packet_hops_per_s'] / 1e6:.1f}", f"{each['lost_share']:.2%}",
        )  # fmt: skip


def show_levels(found: dict[str, Any]) -> None:
    """Shares of the time."""
    heading(
        f"Where the time of {levels.SECONDS} s of the national briefing goes",
        "processor s",
        "share",
    )
    for name, seconds in found.items():
        row(name, f"{seconds:.3f}", f"{seconds / found['all']:.1%}")


def show_gate(found: dict[str, Any]) -> None:
    """Shares of comparisons."""
    heading(
        f"The gate: {found['comparisons']} comparisons of {found['replications']} replications",
        "failed",
    )
    row("nothing changed", f"{found['false_alarms']:.1%}")
    grown = f"p95 delay longer by {found['p95_grown_by']:.1%}"
    row(f"{grown}, the same draws", f"{found['caught_in_pairs']:.1%}")
    row(f"{grown}, other draws", f"{found['caught_unpaired']:.1%}")


def show_live(found: dict[str, Any]) -> None:
    """Cost of receiving a packet."""
    heading(
        f"Receiving {live.RATE} packets/s on each of {live.SUBSCRIBERS} sockets",
        "CPU µs/packet", "times bare", "subscribers/core",
    )  # fmt: skip
    for name, each in found.items():
        row(
            name, f"{each['cpu_us_per_packet']:,.1f}", f"{each['times_bare']:,.2f}",
            f"{each['subscribers_per_core']:,.0f}",
        )  # fmt: skip


def show_live_scale(found: list[dict[str, Any]]) -> None:
    """What joining and playing took, for each length of packets."""
    for each in found:
        heading(f"{each['joined']:,} endpoints live, packets of {each['ptime_ms']} ms", "")
        cores = ", ".join(f"{role} {used:.2f}" for role, used in each["cores"].items())
        joins = ", ".join(f"{role} {ms:.1f}" for role, ms in each["join_cpu_ms"].items())
        for name, shown in (
            ("all joined after, s", f"{each['all_joined_s']:.1f}"),
            ("did not join", f"{each['failed']:,}"),
            ("time to join, median and longest, s",
             f"{each['join_p50_s']:.2f}, {each['join_max_s']:.2f}"),
            ("CPU per join while they join, audio included, ms", joins),
            ("packets/s received", f"{each['packets_per_s']:,.0f}"),
            ("of those that were due", f"{each['received_share']:.2%}"),
            ("packet loss, virtual links included", f"{each['packet_loss']:.3%}"),
            ("one-way delay, 95th percentile, ms", f"{1e3 * each['one_way_delay_p95_s']:.0f}"),
            ("cores used", cores),
            ("client process: most lag, ms", f"{1e3 * each['generator_lag_max_s']:.0f}"),
            ("memory of all processes, GiB", f"{each['memory_bytes'] / 2**30:.2f}"),
            ("verdict", each["verdict"]),
        ):  # fmt: skip
            row(name, shown)
        for reason in each["why"]:
            print(f"  {reason}")


def show_sfu(found: dict[str, Any]) -> None:
    """Costs of packets and sessions."""
    heading(
        f"CPU per packet to {sfu.SUBSCRIBERS} subscribers, µs",
        "plain Python", "compiled", "times", "packets/s",
    )  # fmt: skip
    for name, each in found["hot_path"].items():
        plain, compiled = each["plain"], each["compiled"]
        row(
            name, f"{plain:.2f}", f"{compiled:.2f}", f"{plain / compiled:.1f}",
            f"{1e6 / compiled:,.0f}",
        )  # fmt: skip
    server = found["server"]
    # The server's processor time is known to 10 ms: a short run may have taken none.
    out_us = server["out_us"]
    each_second = f"{1e6 / out_us:,.0f}" if out_us > 0 else "too short to tell"
    heading(f"The server with {server['sites']:,} subscribers", "")
    for name, shown in (
        ("CPU per packet sent, all told, µs", f"{out_us:.2f}"),
        ("packets sent per second of a core", each_second),
        ("packets that the system had no room for", f"{server['send_drops']:,.0f}"),
        ("CPU per packet taken from a publisher, µs", f"{server['in_us']:.1f}"),
        ("CPU per datagram of a flood, µs", f"{server['garbage_us']:.2f}"),
        ("CPU per session that joins, ms", f"{server['join_cpu_ms']:.2f}"),
        ("memory per session, kB", f"{server['session_kB']:,.0f}"),
        ("CPU while nothing happens, share of a core", f"{server['idle_share']:.1%}"),
    ):
        row(name, shown)


def heading(title: str, *columns: str) -> None:
    """A table's first lines."""
    print()
    row(title, *columns)
    print("-" * (52 + 16 * len(columns)))


def row(name: str, *cells: str) -> None:
    """A table's line."""
    print(f"{name:<52}" + "".join(f"{cell:>16}" for cell in cells))


BENCHMARKS: dict[str, tuple[Callable[[int], Any], Callable[[Any], None]]] = {
    "twenty-links": (twenty_links.run, show_twenty_links),
    "briefing": (briefing.run, show_briefing),
    "levels": (levels.run, show_levels),
    "gate": (gate.run, show_gate),
    "live": (live.run, show_live),
    "live-scale": (live_scale.run, show_live_scale),
    "sfu": (sfu.run, show_sfu),
}
"""What runs and what shows it, by name."""
LONG = {"live-scale"}
"""Those that run only if they are asked for."""

if __name__ == "__main__":
    main()
