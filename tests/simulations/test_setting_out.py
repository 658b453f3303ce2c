import numpy as np
import pytest

from scenarios.joining import Joining
from scenarios.units import SECOND
from simulations.setting_out import setting_out

N = 10_000
PROVINCES = [*("abcd"[i % 4] for i in range(N)), ""]


def times(**values: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds of all but the command centre, which sets out at once."""
    joining = Joining.model_validate({"begin": "2s", "over": "100s", "last": "40s", **values})
    draws = np.random.default_rng(1).random(N + 1)
    found = setting_out(joining, PROVINCES, draws)
    assert found[-1] == 0
    return np.asarray(found[:-1] / SECOND)


def test_at_once() -> None:
    assert set(times(profile="at-once")) == {2.0}


def test_spread() -> None:
    found = times(profile="spread")
    assert 2 <= found.min() < 2.1
    assert 101.9 < found.max() <= 102
    assert np.median(found) == pytest.approx(52, abs=1.5)


@pytest.mark.parametrize(("late", "share"), [("80%", 0.8), ("100%", 1.0), ("0%", 0.0)])
def test_rush(late: str, share: float) -> None:
    found = times(profile="rush", late=late)
    assert (found > 62).mean() == pytest.approx(share, abs=0.02)
    assert 2 <= found.min() <= found.max() <= 102


def test_by_province() -> None:
    found = times(profile="by-province")
    for turn, province in enumerate("abcd"):
        mine = found[np.array(PROVINCES[:-1]) == province]
        assert 2 + 25 * turn <= mine.min() <= mine.max() <= 2 + 25 * (turn + 1)
