"""Who joined the hand-made run, who was thrown out, and who came back.

Everybody sets out within the first ten seconds. Signalling refuses some first attempts, and one
endpoint every attempt. At 35 s the media node in Hồ Chí Minh City dies; whom it served notices 5 s
later and connects to the other one, but for two that give up. The dead dish is cut off at 30 s.
Packets know nothing of all that.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.records import CONNECTED, PHASES
from tests.results.sample_packets import BASE_DELAY

FAULT = "hcmc dies"
DIED, NOTICED, REPAIRED = 35.0, 40.0, 50.0
REFUSED = "signalling refused it: its queue is full"
GAVE_UP = "the policy made no further attempt"
CUT_OFF = "its access link carried nothing"

Row = dict[str, Any]


class Outcomes:
    """Rows of the tables of sessions and interruptions, and columns of samples."""

    def __init__(
        self,
        sites: list[dict[str, Any]],
        times: NDArray[np.float64],
        seconds: float,
        dead: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> None:
        self.sessions: list[Row] = []
        self.interruptions: list[Row] = []
        self._rng = rng
        self._edges = (times, np.append(times[1:], times[-1] + seconds))
        up = np.zeros((len(sites), len(times)))
        out = np.zeros((len(sites), len(times)))
        *endpoints, _ = range(len(sites))
        up[-1] = 1.0
        never = next(i for i in endpoints if not dead[i].any())
        lost = [i for i in endpoints if sites[i]["carrier"] == "viettel" and i != never]
        lost = [i for i in lost if not dead[i].any()]
        for i in endpoints:
            since = self._join(sites[i], never=i == never)
            if since is None:
                continue
            spells, gaps = [(since, np.inf)], []
            if dead[i].any():
                begin = float(times[dead[i]][0])
                self._interrupt(sites[i], "", begin, None, CUT_OFF)
                gaps.append((begin, np.inf))
            elif i in lost:
                back = self._come_back(sites[i], gives_up=i in lost[:2])
                spells = [(since, NOTICED)]
                if back is not None:
                    spells.append((back, np.inf))
                gaps.append((DIED, np.inf if back is None else back))
            up[i] = self._shares(spells)
            out[i] = self._shares(gaps)
        self.columns = {"connected_ratio": up, "interrupted_ratio": out}
        self.sessions.sort(key=lambda row: float(row["time"]))
        self.interruptions.sort(key=lambda row: float(row["time"]))

    def _shares(self, spells: list[tuple[float, float]]) -> NDArray[np.float64]:
        """(intervals,) the share of each that lies in ``spells``, which do not overlap."""
        begins, ends = self._edges
        within = [np.clip(np.minimum(e, ends) - np.maximum(b, begins), 0, None) for b, e in spells]
        return np.asarray(sum(within, np.zeros(len(begins))) / (ends - begins))

    def _join(self, site: dict[str, Any], *, never: bool) -> float | None:
        """When the endpoint was connected."""
        rng = self._rng
        begin = float(10 * rng.beta(4, 2))
        refused = 3 if never else int(rng.random() < 0.25)
        for attempt in range(refused):
            row = {"attempt": attempt + 1, "outcome": REFUSED, "duration": 0.4}
            self._add(site, begin, "join", {**row, "dns": 0.02, "tls": 0.08})
            begin += 0.4 + 2.0 * 2**attempt
        return None if never else self._connect(site, begin, "join", refused + 1)

    def _connect(self, site: dict[str, Any], begin: float, kind: str, attempt: int) -> float:
        """When an attempt to connect that comes about is through."""
        rng, base = self._rng, BASE_DELAY[site["access"]]
        trips = (2, 4, 0, 2, 3, 4, 2)
        phases = {p: n * base + rng.exponential(0.02) for p, n in zip(PHASES, trips, strict=True)}
        phases["signalling_wait"] += rng.exponential(0.3)
        taken = sum(phases.values())
        row = {
            **phases,
            "attempt": attempt,
            "outcome": CONNECTED,
            "duration": taken,
            "first_frame": taken + 2 * base + rng.uniform(0.05, 0.3),
            "node": "hanoi" if site["carrier"] == "vnpt" or kind != "join" else "hcmc",
        }
        self._add(site, begin, kind, row)
        return begin + taken

    def _come_back(self, site: dict[str, Any], *, gives_up: bool) -> float | None:
        """When media came again after the node's death."""
        self._add(site, NOTICED, "restart", {"outcome": "no answer", "duration": 1.0, "ice": 1.0})
        if gives_up:
            self._interrupt(site, FAULT, DIED, None, GAVE_UP)
            return None
        begin = NOTICED + 1.0 + float(self._rng.uniform(0, 4))
        back = self._connect(site, begin, "reconnect", 2)
        self._interrupt(site, FAULT, DIED, back, None)
        return back

    def _add(self, site: dict[str, Any], time: float, kind: str, row: Row) -> None:
        common = {"time": time, "site": site["site"], "kind": kind, "attempt": 1, "link": "primary"}
        self.sessions.append({**common, **row})

    def _interrupt(
        self, site: dict[str, Any], fault: str, lost: float, back: float | None, reason: str | None
    ) -> None:
        self.interruptions.append(
            {
                "time": lost,
                "site": site["site"],
                "fault": fault,
                "detected": NOTICED if fault else None,
                "back": back,
                "reason": reason,
            }
        )


EVENTS: list[Row] = [
    {"time": DIED, "kind": "fault", "subject": FAULT, "detail": "node hcmc dies"},
    {"time": NOTICED, "kind": "detect", "subject": FAULT, "detail": "by its clients"},
    {"time": REPAIRED, "kind": "repair", "subject": FAULT, "detail": "node hcmc is back"},
]
"""Of the fault."""
