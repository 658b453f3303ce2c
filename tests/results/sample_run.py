"""A small run made by hand: 60 endpoints, 60 s, every packet drawn, all tables consistent.

Samples and histograms are counted from the same packets. What happens in it: the floor goes to a
province at 20 s, the 4G cells fill up from 30 s to 45 s, one satellite dish is dead from 30 s on.
All the while the chair calls the roll. A media node dies at 35 s (sample_outcomes).
"""

import csv
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import scenarios
from results.records import (
    BUDGET,
    CALLS,
    ENDPOINTS,
    EVENTS,
    GENERATORS,
    INTERRUPTIONS,
    LINKS,
    NODES,
    SESSIONS,
    Accounting,
    Cost,
    Run,
)
from scenarios.meeting import COMMAND_CENTRE
from scenarios.scenario import Scenario
from tests.results.sample_adaptation import Adaptation, make_calls
from tests.results.sample_outcomes import EVENTS as FAULT_EVENTS
from tests.results.sample_outcomes import Outcomes
from tests.results.sample_packets import (
    ENCODE,
    PLAYOUT,
    Packets,
    make_histograms,
    make_samples,
)

LIBRARY = Path(scenarios.__file__).parent / "library"
CARRIERS = ("vnpt", "viettel")
ACCESS = ("fibre", "dsl", "4g", "satellite")
CITIES = ("hanoi", "hcmc")
THRESHOLDS = {
    "mouth_to_ear_delay": ["p(95) < 400ms", "max < 2s"],
    "mouth_to_ear_delay{access=4g}": [{"check": "p(95) < 250ms", "during": "30s..45s"}],
    "packet_loss{level=commune}": ["mean < 1%", {"check": "max < 50%", "advisory": True}],
    "audio_mos{carrier=vnpt}": ["p(5) > 2"],
    "link_utilization{kind=aggregation}": ["max < 90%"],
    "node_egress": ["max < 1Gbps"],
}


def make_scenario(**changes: Any) -> Scenario:
    """The scenario of the run; ``changes`` replace its top-level keys."""
    link = {"capacity": "1Gbps"}
    carrier = {"backbone": {"capacity": "2Gbps"}, "aggregation": link, "peering": link}

    def access(label: str, down: str, up: str, delay: str) -> dict[str, Any]:
        return {"label": label, "down": {"rate": down}, "up": {"rate": up}, "delay": delay}

    def node(label: str, latitude: float, longitude: float, home: str) -> dict[str, Any]:
        place = {"latitude": latitude, "longitude": longitude}
        return {"label": label, **place, "carriers": [home], "nic": "10Gbps"}

    return Scenario.model_validate(
        {
            "name": "hand-made",
            "title": "A run made by hand",
            "duration": "60s",
            "seed": 7,
            "interval": "5s",
            "endpoints": {
                "table": "southern_endpoints.csv",
                "places": "southern_provinces.csv",
                "sample": 60,
                "rules": [
                    {"when": {"kind": "phường"}, "access": "fibre"},
                    {"carrier": {"vnpt": "50%", "viettel": "50%"}},
                    {
                        "access": {"fibre": "40%", "dsl": "25%", "4g": "25%", "satellite": "10%"},
                    },
                ],
            },
            "command_centre": {
                "name": "Hà Nội",
                "latitude": 21.03,
                "longitude": 105.84,
                "carrier": "vnpt",
                "access": "fibre",
                "node": "hanoi",
            },
            "carriers": {
                "vnpt": {"label": "VNPT", **carrier},
                "viettel": {"label": "Viettel", **carrier},
            },
            "access": {
                "fibre": access("Fibre", "90Mbps", "90Mbps", "2ms"),
                "dsl": access("DSL", "12Mbps", "2Mbps", "10ms"),
                "4g": access("4G", "27Mbps", "10Mbps", "40ms"),
                "satellite": access("Satellite", "8Mbps", "2Mbps", "275ms"),
            },
            "nodes": {
                "hanoi": node("Hà Nội", 21.03, 105.85, "vnpt"),
                "hcmc": node("Hồ Chí Minh City", 10.78, 106.70, "viettel"),
            },
            "media": {
                "video": {
                    "layers": [
                        {"name": "low", "height": 180, "bitrate": "150kbps"},
                        {"name": "mid", "height": 360, "bitrate": "500kbps"},
                        {"name": "high", "height": 720, "bitrate": "1200kbps"},
                    ]
                }
            },
            "meeting": {
                "floor": [
                    {"at": "0s", "site": COMMAND_CENTRE},
                    {"at": "20s", "site": "p79"},
                    {"at": "40s", "site": COMMAND_CENTRE},
                ],
            },
            "thresholds": THRESHOLDS,
            **changes,
        }
    )


def make_run(scenario: Scenario | None = None, seed: int = 7) -> Run:
    """The run: the same bytes for the same arguments."""
    scenario = scenario or make_scenario()
    rng = np.random.default_rng(seed)
    sites = _sites(scenario, rng)
    times = np.arange(0, scenario.duration, scenario.interval) / 1e9
    seconds = scenario.interval / 1e9
    packets = Packets(sites, times, seconds, rng)
    # Of its own, so that the packets stay what they are.
    drawn = np.random.default_rng([seed, 1])
    adaptation = Adaptation(scenario, sites, times, packets, drawn)
    own = np.random.default_rng([seed, 2])
    outcomes = Outcomes(sites, times, seconds, adaptation.dead, own)
    samples = make_samples(
        sites,
        times,
        seconds,
        packets,
        lambda loss: adaptation.columns(scenario, packets, loss) | outcomes.columns,
    )
    lost = {
        "downlink queue": _total(samples, "downlink_dropped_queue"),
        "downlink": _total(samples, "downlink_lost"),
    }
    received = _total(samples, "packets_received")
    in_flight = len(sites)
    return Run(
        scenario=scenario,
        mode="simulated",
        started="2026-03-02T03:00:00Z",
        finished="2026-03-02T03:00:02Z",
        command=("rehearse", "simulate", scenario.name),
        duration_s=scenario.duration / 1e9,
        tables={
            "endpoints": _endpoints(scenario, sites, packets),
            "samples": samples,
            "nodes": _nodes(times, rng),
            "links": _links(sites, times, rng),
            "calls": _table(make_calls(sites, drawn), CALLS),
            "sessions": _table(outcomes.sessions, SESSIONS),
            "interruptions": _table(outcomes.interruptions, INTERRUPTIONS),
            "events": _events(scenario),
            "histograms": make_histograms(scenario, sites, times, packets),
            "generators": GENERATORS.empty_table(),
        },
        accounting=Accounting(received + sum(lost.values()) + in_flight, received, in_flight, lost),
        cost=Cost(1.5, received + sum(lost.values()), 4 * received, 250_000_000),
        assumptions=("Which carrier serves which endpoint is assumed.", "Echo is cancelled."),
    )


def _sites(scenario: Scenario, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Endpoints as dictionaries, the command centre last."""
    with (LIBRARY / "southern_endpoints.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (LIBRARY / "southern_provinces.csv").open(encoding="utf-8") as file:
        seats = {row["province"]: row for row in csv.DictReader(file)}
    count = scenario.endpoints.sample or len(rows)
    sites: list[dict[str, Any]] = []
    for row in (rows[i * len(rows) // count] for i in range(count)):
        seat = seats[row["province"]]
        shares = (1, 0, 0, 0) if row["kind"] == "phường" else (0.4, 0.25, 0.25, 0.1)
        sites.append(
            {
                **row,
                "latitude": float(seat["seat_latitude"]) + rng.normal(0, 0.15),
                "longitude": float(seat["seat_longitude"]) + rng.normal(0, 0.15),
                "carrier": str(rng.choice(CARRIERS)),
                "access": str(rng.choice(ACCESS, p=shares)),
            }
        )
    centre = scenario.command_centre
    return [
        *sites,
        {
            "site": COMMAND_CENTRE,
            "name": centre.name,
            "level": COMMAND_CENTRE,
            "latitude": centre.latitude,
            "longitude": centre.longitude,
            "carrier": centre.carrier,
            "access": centre.access,
        },
    ]


def with_backups(run: Run, sites: Collection[str]) -> Run:
    """The run, with 4G as a backup access link at some ``sites``."""
    rows = run.tables["endpoints"].to_pylist()
    given = [{**row, "backup": "4g" if row["site"] in sites else None} for row in rows]
    return replace(run, tables={**run.tables, "endpoints": _table(given, ENDPOINTS)})


def _endpoints(scenario: Scenario, sites: list[dict[str, Any]], packets: Packets) -> pa.Table:
    network = np.nanmean(packets.audio, axis=(1, 2))
    rows = []
    for site, delay in zip(sites, network, strict=True):
        shares = {"uplink": 0.1, "node": 0.05, "backbone": 0.3, "aggregation": 0.05, "access": 0.5}
        budget = {part: share * delay for part, share in shares.items()}
        budget |= {"encode": ENCODE, "playout": PLAYOUT}
        profile = scenario.access[site["access"]]
        rows.append(
            {
                "node": CITIES[CARRIERS.index(site["carrier"])],
                "downlink_rate": float(profile.down.rate.p50),
                "uplink_rate": float(profile.up.rate.p50),
                **site,
                **{f"budget_{part}": budget[part] for part in BUDGET},
            }
        )
    return _table(rows, ENDPOINTS)


def _nodes(times: NDArray[np.float64], rng: np.random.Generator) -> pa.Table:
    return _table(
        [
            {
                "time": time,
                "node": node,
                "packets_in": 625,
                "copies_out": 18_750,
                "copies_dropped": 0,
                "retransmissions": 120,
                "probe_packets": 40,
                "key_frame_requests": 3,
                "node_egress": rng.normal(26e6, 1e6),
                "node_cpu": rng.uniform(0.1, 0.2),
                "queue_delay_max": rng.uniform(0.0005, 0.002),
            }
            for time in times
            for node in CITIES
        ],
        NODES,
    )


def _links(
    sites: list[dict[str, Any]], times: NDArray[np.float64], rng: np.random.Generator
) -> pa.Table:
    provinces = dict.fromkeys(site["province"] for site in sites if "province" in site)
    links: list[dict[str, Any]] = [{"kind": "cascade", "link": "cascade hanoi hcmc"}]
    for carrier in CARRIERS:
        for direction in ("down", "up"):
            common = {"carrier": carrier, "direction": direction}
            for kind in ("backbone", "peering"):
                links += [
                    {**common, "kind": kind, "link": f"{kind} {carrier} {city} {direction}"}
                    for city in CITIES
                ]
            links += [
                {
                    **common,
                    "kind": "aggregation",
                    "province": province,
                    "link": f"aggregation {carrier} {province} {direction}",
                }
                for province in provinces
            ]
    rows = []
    for time in times:
        for link in links:
            level = {"down": 0.45, "up": 0.08}.get(link.get("direction", ""), 0.02)
            rows.append(
                {
                    "direction": "down",
                    **link,
                    "time": time,
                    "packets_in": 10_000,
                    "packets_out": 10_000,
                    "packets_dropped": 0,
                    "bitrate": level * 2e8,
                    "background_bitrate": level * 8e8,
                    "link_utilization": min(level * rng.uniform(0.8, 1.3), 1.0),
                    "queue_delay_mean": rng.uniform(1e-5, 1e-4),
                    "queue_delay_max": rng.uniform(1e-4, 3e-3),
                }
            )
    return _table(rows, LINKS)


def _events(scenario: Scenario) -> pa.Table:
    rows = [
        {"time": turn.at / 1e9, "kind": "floor", "subject": turn.site, "detail": "has the floor"}
        for turn in scenario.meeting.floor
    ]
    rows.append({"time": 30.0, "kind": "load", "subject": "4g", "detail": "others take 60%"})
    rows += FAULT_EVENTS
    return _table(sorted(rows, key=lambda row: float(str(row["time"]))), EVENTS)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row.get(f.name) for row in rows], type=f.type) for f in schema]
    return pa.table(columns, schema=schema)


def _total(table: pa.Table, column: str) -> int:
    return int(np.asarray(table[column]).sum())
