"""From what processes say to a run."""

import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from results.records import (
    BUDGET,
    CALL_BUDGET,
    CALLS,
    CONNECTED,
    ENDPOINTS,
    EVENTS,
    GENERATORS,
    HISTOGRAMS,
    INTERRUPTIONS,
    LINKS,
    NODES,
    SAMPLES,
    SESSIONS,
    Accounting,
    Cost,
    Run,
)
from scenarios.population import Population
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.video_quality import SCORE_NOTE
from synthetic_clients.health import doubts

JITTER_AGREES_S = 0.0005
FREEZES_AGREE = 1

ASSUMPTIONS = (
    "Live: the path from publishers to endpoints is the real one, to the real server; each access "
    "link is a virtual one, through which the packets' real arrival times pass. Carriers' shared "
    "links and distances are not played.",
    "Packets that come after they were asked for count as retransmissions, their first "
    "transmission as lost.",
    "Estimates of the downlink (REMB) come from the simulation's detector of overuse; without "
    "overuse they grow by 8 % a second, whatever arrives.",
    "The encoding that an endpoint sees is told by its bitrate: its name does not cross servers.",
    "Without a section `joining`, everyone comes in before the meeting begins: times to join count "
    "from each one's setting out, and lie before 0.",
    "G.711 voices are sent as Opus.",
)
"""What a live run takes for granted."""
UNSTAMPED = (
    "The operating system did not stamp datagrams as they came: they count from when they were "
    "read, some milliseconds later."
)
MAPPINGS = (
    "no capture time was known: no delays",
    "capture times by sender reports (NTP to RTP): delays count from the server",
    "capture times by the abs-capture-time extension",
)


@dataclass
class Collector:
    """Gathers everything that processes say."""

    scenario: Scenario
    population: Population
    target: str
    command: tuple[str, ...] = ()
    processes: int = 1
    ready: int = 0
    """Processes that are."""
    joined: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    finished: list[dict[str, Any]] = field(default_factory=list)
    health: list[dict[str, Any]] = field(default_factory=list)
    gone: set[int | str] = field(default_factory=set)
    latest: dict[str, float] = field(default_factory=dict)
    """Of the last interval: values by metric, for those who look on."""
    nodes: Sequence[str] = ()
    """Media nodes, where each has a server of its own."""
    notes: Sequence[str] = ()
    """What is not played, as sentences."""
    meeting_s: float | None = None
    """When the meeting began, s on the run's clock."""
    _events: list[tuple[float, str, str, str]] = field(default_factory=list)
    _samples: list[pa.Table] = field(default_factory=list)
    _histograms: list[pa.Table] = field(default_factory=list)
    _attempts: list[dict[str, Any]] = field(default_factory=list)
    _last: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last attempt of each site that came about."""
    _interruptions: list[dict[str, Any]] = field(default_factory=list)
    _calls: list[tuple[float, str, float | None]] = field(default_factory=list)
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def hear(self, process: int | str, message: dict[str, Any], payload: bytes) -> None:
        """Take a message."""
        kind, site = message.get("kind"), str(message.get("site", ""))
        at = float(message.get("at", 0.0))
        if kind == "sample":
            self._take_tables(message["lengths"], payload)
        elif kind == "health":
            row = {key: value for key, value in message.items() if key != "kind"}
            if self.meeting_s is not None:
                self.health.append({**row, "process": process})
            self._show(row)
        elif kind == "joined":
            if message["error"] is None:
                self.joined[site] = message["seconds"]
                self._note(at, "join", site, f"{message['seconds']:.3f} s")
            else:
                self.failed[site] = message["error"]
                self._note(at, "join failed", site, message["error"])
        elif kind in ("first media", "recovered"):
            self._note(at, kind, site, f"{message['seconds']:.3f} s")
            if site in self._last and "first" in message:
                attempt = self._last[site]
                attempt["first_frame"] = max(message["first"] - attempt["time"], 0.0)
        elif kind in ("lost", "gave up", "trouble"):
            detail = str(message.get("detail", ""))
            if kind == "trouble":
                self.troubles.append(f"{site}: {detail}")
            self._note(at, kind, site, detail)
        elif kind == "event":
            self._note(at, message["what"], site, message["detail"])
        else:
            self._hear_of_process(process, message)

    def _take_attempt(self, site: str, message: dict[str, Any]) -> None:
        row = {
            "time": message["began"], "site": site, "kind": message["attempt"],
            "attempt": message["number"],
            "node": self.nodes[message["place"]] if self.nodes else None,
            "link": "primary", "outcome": message["outcome"], "duration": message["seconds"],
            "first_frame": None,
        }  # fmt: skip
        self._attempts.append(row)
        if row["outcome"] == CONNECTED and row["kind"] != "restart":
            self._last[site] = row

    def note(self, at: float, kind: str, subject: str, detail: str) -> None:
        """Take down an event (s on the run's clock)."""
        self._note(at, kind, subject, detail)

    def _hear_of_process(self, process: int | str, message: dict[str, Any]) -> None:
        kind = message.get("kind")
        if kind == "attempt":
            self._take_attempt(str(message["site"]), message)
        elif kind == "interruption":
            self._interruptions.append(
                {"time": message["begin"], "back": message["end"]}
                | {key: message[key] for key in ("site", "fault", "detected", "reason")}
            )
        elif kind == "call":
            self._calls.append((float(message["at"]), str(message["site"]), message["seconds"]))
        elif kind == "fault":
            self.faults.append(message["detail"])
        elif kind == "finished":
            self.finished.append(message)
        elif kind == "gone":
            self.gone.add(process)

    @property
    def over(self) -> bool:
        """Whether all processes are gone."""
        return len(self.gone) >= self.processes

    @property
    def arrived(self) -> int:
        """Endpoints that have joined, or have given up."""
        return len(self.joined.keys() | self.failed.keys())

    @property
    def played_s(self) -> float:
        """Seconds of the meeting of which there are samples."""
        if not self._samples:
            return 0.0
        last = max(float(table["time"][-1].as_py()) for table in self._samples)
        return min(last + self.scenario.interval / SECOND, self.scenario.duration / SECOND)

    def _note(self, at: float, kind: str, site: str, detail: str) -> None:
        self._events.append((at, kind, site, detail))

    def _take_tables(self, lengths: Sequence[int], payload: bytes) -> None:
        first = lengths[0]
        samples, histograms = _table(payload[:first]), _table(payload[first:])
        self._samples.append(samples)
        if len(histograms):
            self._histograms.append(histograms)
        for name in ("packet_loss", "one_way_delay_p95", "mouth_to_ear_delay_mean", "jitter",
                     "audio_mos", "freeze_ratio", "bitrate", "round_trip_time"):  # fmt: skip
            values = samples[name].drop_null().to_numpy()
            if len(values):
                self.latest[name] = float(np.mean(values))

    def _show(self, row: dict[str, Any]) -> None:
        for name in ("generator_cpu", "generator_lag", "generator_drops"):
            self.latest[name] = float(row[name])

    # ------------------------------------------------------------ the run

    def run(self, wall_s: float, interrupted: str | None = None) -> Run:
        """The run, as far as it went.

        Args:
            wall_s: seconds that it took.
            interrupted: what ended it before its time, as a part of a sentence.
        """
        whole = [row for row in self.finished if row["whole"]]
        if interrupted is None and len(whole) < self.processes:
            missing = self.processes - len(whole)
            interrupted = f"{missing} of {self.processes} client processes did not reach the end"
        accounting = self._accounting()
        return Run(
            scenario=self.scenario,
            mode="live",
            started=self._started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.command,
            duration_s=self.played_s,
            tables=self._tables(),
            accounting=accounting,
            cost=Cost(
                wall_s=wall_s,
                packets=accounting.sent + sum(row["published"] for row in self.finished),
                packet_hops=accounting.sent,
                peak_rss_bytes=self._peak_rss(),
            ),
            assumptions=self._assumptions(),
            interrupted=interrupted,
            doubts=self._doubts(),
        )

    def _peak_rss(self) -> int:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return own + sum(int(row["peak_rss"]) for row in self.finished)

    def _accounting(self) -> Accounting:
        lost: dict[str, int] = {}
        for row in self.finished:
            for place, count in row["lost"].items():
                lost[place] = lost.get(place, 0) + count
        return Accounting(
            sent=sum(row["entered"] for row in self.finished),
            delivered=sum(row["delivered"] for row in self.finished),
            in_flight=sum(row["in_flight"] for row in self.finished),
            lost={place: count for place, count in lost.items() if count},
        )

    def _doubts(self) -> tuple[str, ...]:
        intervals = len({row["time"] for row in self.health})
        said = list(doubts(self.health, intervals))
        if self.faults:
            said.append(f"a client process met a fault: {self.faults[0].strip().splitlines()[-1]}")
        said += [row for row in self._probe_lines() if "differ" in row]
        return tuple(said)

    def _probe_lines(self) -> list[str]:
        rows = [row for each in self.finished for row in each["probes"]]
        if not rows:
            return []
        differing = [
            row
            for row in rows
            if row["packets"] != row["received"]
            or abs(row["jitter"] - row["header_jitter"]) > JITTER_AGREES_S
            or abs(row["freezes"] - row["header_freezes"]) > FREEZES_AGREE
        ]
        streams = f"{len(rows)} stream{'s' if len(rows) != 1 else ''}"
        if differing:
            return [f"probes and header-only receivers differ on {len(differing)} of {streams}"]
        return [f"Probes decoded {streams}; header-only receivers agree on all of them."]

    def _assumptions(self) -> tuple[str, ...]:
        counts = np.sum([row["mappings"] for row in self.finished], axis=0, dtype=int)
        known = np.atleast_1d(counts)
        said = [
            f"{count:,} streams: {text}."
            for text, count in zip(MAPPINGS, known.tolist(), strict=False)
            if count
        ]
        if not all(row["stamped"] for row in self.finished):
            said.append(UNSTAMPED)
        probes = [line for line in self._probe_lines() if "differ" not in line]
        return (
            f"Target: {self.target}.", self._servers(), *ASSUMPTIONS, *self.notes, *said, *probes,
            SCORE_NOTE,
        )  # fmt: skip

    def _servers(self) -> str:
        if self.nodes:
            return (
                "Each media node is a server of its own; instead of a cascade, publishers send to "
                "all of them, over their uplink once."
            )
        return "What each media node does is done by the one server that was the target."

    def _tables(self) -> dict[str, pa.Table]:
        samples = pa.concat_tables(self._samples) if self._samples else SAMPLES.empty_table()
        histograms = (
            pa.concat_tables(self._histograms) if self._histograms else HISTOGRAMS.empty_table()
        )
        return {
            "endpoints": endpoints_table(self.scenario, self.population),
            "samples": self._in_order(samples.unify_dictionaries()),
            "nodes": NODES.empty_table(),
            "links": LINKS.empty_table(),
            "events": self._events_table(),
            "calls": self._calls_table(),
            "sessions": self._sessions_table(),
            "interruptions": pa.Table.from_pylist(
                sorted(self._interruptions, key=lambda row: row["time"]), INTERRUPTIONS
            ),
            "histograms": histograms.unify_dictionaries().combine_chunks(),
            "generators": self._generators_table(),
        }

    def _in_order(self, samples: pa.Table) -> pa.Table:
        """Samples ordered by time, then by the endpoints' order."""
        if len(samples) == 0:
            return samples
        place = {site: i for i, site in enumerate(self.population.site)}
        order = np.array([place[site] for site in samples["site"].to_pylist()])
        rows = np.lexsort((order, samples["time"].to_numpy()))
        return samples.take(pa.array(rows)).combine_chunks()

    def _events_table(self) -> pa.Table:
        begin = self.meeting_s or 0.0
        rows = sorted((at - begin, *rest) for at, *rest in self._events)
        columns = zip(*rows, strict=True) if rows else [()] * len(EVENTS)
        arrays = [pa.array(list(c), f.type) for c, f in zip(columns, EVENTS, strict=True)]
        return pa.table(arrays, EVENTS)

    def _calls_table(self) -> pa.Table:
        known = {"time", "site", "time_to_floor"}
        rows = [
            {"time": at, "site": site, "time_to_floor": took}
            | {field.name: None for field in CALLS if field.name not in known}
            for at, site, took in sorted(self._calls)
        ]
        assert set(CALL_BUDGET) <= set(CALLS.names)
        return pa.Table.from_pylist(rows, CALLS)

    def _sessions_table(self) -> pa.Table:
        begin = self.meeting_s or 0.0
        rows = [row | {"time": row["time"] - begin} for row in self._attempts]
        rows.sort(key=lambda row: float(row["time"]))
        columns = {name: [row.get(name) for row in rows] for name in SESSIONS.names}
        return pa.table(
            [pa.array(columns[f.name], _plain(f.type)).cast(f.type) for f in SESSIONS], SESSIONS
        )

    def _generators_table(self) -> pa.Table:
        rows = [
            {
                "time": row["time"],
                "generator": f"clients {row['process']}",
                "endpoints": row["endpoints"],
                "online": row["online"],
                "generator_cpu": row["generator_cpu"],
                "generator_lag": row["generator_lag"],
                "generator_drops": int(row["generator_drops"]),
            }
            for row in self.health
        ]
        return pa.Table.from_pylist(rows, GENERATORS)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _table(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()


def endpoints_table(scenario: Scenario, population: Population) -> pa.Table:
    """The table of endpoints; the delay budget's parts are the simulation's to know."""
    columns: dict[str, Any] = {
        "site": population.site,
        "name": population.name,
        "level": population.level,
        "kind": population.kind,
        "district": population.district,
        "province": [province or None for province in population.province],
        "latitude": population.latitude,
        "longitude": population.longitude,
        "carrier": np.array(list(scenario.carriers))[population.carrier],
        "access": np.array(list(scenario.access))[population.access],
        "node": np.array(list(scenario.nodes))[population.node],
        "downlink_rate": population.down_rate.astype(np.float64),
        "uplink_rate": population.up_rate.astype(np.float64),
        **{f"budget_{part}": [None] * len(population) for part in BUDGET},
    }
    arrays = [
        pa.array(columns[field.name], from_pandas=True).cast(field.type)
        if field.name in columns
        else pa.nulls(len(population), field.type)
        for field in ENDPOINTS
    ]
    return pa.table(arrays, ENDPOINTS)
