import numpy as np
import pytest

from scenarios.recovery import Recovery
from scenarios.units import SECOND
from simulations.backing_off import backing_off


def recovery(**values: object) -> Recovery:
    return Recovery.model_validate(values)


def test_livekit_s_list_has_jitter_from_the_third_attempt_on() -> None:
    livekit = recovery(policy="livekit")
    least = [backing_off(livekit, n, 0.0) / SECOND for n in range(1, 12)]
    most = [backing_off(livekit, n, 1.0) / SECOND for n in range(1, 12)]
    assert least == [0, 0.3, 1.2, 2.7, 4.8, 7, 7, 7, 7, 7, 15]
    assert most == [0, 0.3, 2.2, 3.7, 5.8, 8, 8, 8, 8, 8, 45]  # then the person joins anew
    assert backing_off(livekit, 12, 0.5) == 0  # and the list begins again


def test_jitsi_s_page_waits_ten_to_thirty_seconds() -> None:
    jitsi = recovery(policy="jitsi")
    assert backing_off(jitsi, 1, 0.0) == 10 * SECOND
    assert backing_off(jitsi, 1, 1.0) == 30 * SECOND


def test_full_jitter_is_uniform_below_a_doubling_bound() -> None:
    jitter = recovery(policy="full-jitter", base="1s", cap="10s")
    bounds = [backing_off(jitter, n, 1.0) / SECOND for n in range(1, 7)]
    assert bounds == [1, 2, 4, 8, 10, 10]
    assert backing_off(jitter, 3, 0.25) == SECOND
    assert backing_off(jitter, 10**6, 1.0) == 10 * SECOND


@pytest.mark.parametrize(("jitter", "spread"), [("none", 0.0), ("full", 1.0)])
def test_jitter_flattens_the_herd(jitter: str, spread: float) -> None:
    policy = recovery(policy="full-jitter", base="10s", jitter=jitter)
    draws = np.random.default_rng(1).random(1000)
    delays = np.array([backing_off(policy, 1, float(u)) for u in draws]) / SECOND
    assert np.ptp(delays) == pytest.approx(10 * spread, abs=0.1)
