"""Whether the gate can be trusted: false alarms where nothing changed, regressions it catches.

Real runs of the library's `smoke`, shortened. Two pools of draws are played, the second with its
voice played out later, so that the p95 of the mouth-to-ear delay is a tenth longer; comparisons
take sets of draws from them.
"""

from dataclasses import replace
from typing import Any

import joblib
import numpy as np

from rehearse.replications import play_replications
from results.comparison import MARGIN
from results.figures import Figure
from results.gate import judge_release
from results.replications import Replications, summarize_replications
from scenarios.loading import load_scenario
from scenarios.units import DURATION, format_quantity

COMPARISONS = 200
DRAWS = 120
"""In each pool."""
EACH = 10
"""Replications on each side of a comparison."""
P95 = Figure("mouth_to_ear_delay", "", "", "p95")
SHORT = ("duration=21s", "endpoints.sample=12", "interval=1s")


def run(_: int) -> dict[str, Any]:
    """Shares of comparisons in which the gate failed."""
    scenario = load_scenario("smoke", SHORT)
    processes = joblib.cpu_count()
    plain = play_replications(scenario, DRAWS, processes=processes)
    typical = plain.estimate(P95).value or 0.0
    later = int(scenario.media.audio.playout_delay + 0.1 * typical * 1e9)
    slower = load_scenario(
        "smoke", (*SHORT, f"media.audio.playout_delay={format_quantity(later, DURATION)}")
    )
    slow = play_replications(slower, DRAWS, processes=processes)
    grown = (slow.estimate(P95).value or 0.0) / typical - 1
    rng = np.random.default_rng(1)
    false, caught, noticed = 0, 0, 0
    for _ in range(COMPARISONS):
        chosen = rng.permutation(DRAWS)[: 2 * EACH]
        before, other = chosen[:EACH], chosen[EACH:]
        false += failed(take(plain, before), take(plain, other))
        caught += failed(take(plain, before), take(slow, before))
        noticed += failed(take(plain, before), take(slow, other))
    return {
        "comparisons": COMPARISONS,
        "replications": EACH,
        "p95_s": typical,
        "p95_grown_by": grown,
        "false_alarms": false / COMPARISONS,
        "caught_in_pairs": caught / COMPARISONS,
        "caught_unpaired": noticed / COMPARISONS,
    }


def take(pool: Replications, draws: Any) -> Replications:
    """The set of these ``draws`` of a ``pool``."""
    return replace(pool, measured=tuple(pool.measured[int(i)] for i in draws))


def failed(before: Replications, after: Replications) -> bool:
    """Whether the gate finds that a figure became worse."""
    gate = judge_release(summarize_replications(after), after, before, margin=MARGIN)
    return any(check.kind == "regression" and check.verdict == "fail" for check in gate.checks)
