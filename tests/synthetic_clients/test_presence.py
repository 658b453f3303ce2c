import numpy as np
import pytest

from synthetic_clients.presence import Gap, Presence
from tests.synthetic_clients.rtp import SECOND, receiver


def presence() -> tuple[Presence, np.void]:
    state = receiver()
    found = Presence(state)
    found.due[0] = True
    found.come(0, 0)
    found.restart(0)
    return found, state.endpoints[0]


def closed(place: np.void, begin: float, end: float) -> None:
    """Media came again after a gap: what `receiving` notes."""
    place["gap_from"], place["gap_until"] = begin * SECOND, end * SECOND
    place["last_media"] = end * SECOND


def test_a_gap_is_counted_once_whether_it_is_open_or_over() -> None:
    found, place = presence()
    place["last_media"] = 2 * SECOND
    assert list(found.look(2 * SECOND)) == []
    assert list(found.look(5 * SECOND)) == []  # open: 3 s
    assert [gap.begin for gap in found.open_gaps(5 * SECOND)] == [2 * SECOND]
    assert found.take(0, 5 * SECOND)["interrupted_ratio"][0] == pytest.approx(0.6)
    closed(place, 2, 6)
    assert list(found.look(6 * SECOND)) == [Gap(0, 2 * SECOND, 6 * SECOND)]
    assert found.take(5 * SECOND, 10 * SECOND)["interrupted_ratio"][0] == pytest.approx(0.2)
    assert list(found.open_gaps(6 * SECOND)) == []


def test_nobody_misses_what_is_not_to_be_seen_or_heard() -> None:
    found, place = presence()
    found.due[0] = False
    place["last_media"] = SECOND
    assert list(found.look(5 * SECOND)) == []
    found.due[0] = True
    assert list(found.look(5 * SECOND)) == []
    closed(place, 1, 5.5)  # it was due for half a second of that
    assert list(found.look(6 * SECOND)) == []
    assert found.take(0, 6 * SECOND)["interrupted_ratio"][0] == 0


def test_time_connected_is_a_share_of_the_interval() -> None:
    found, _ = presence()
    found.go(0, SECOND)
    found.come(0, 3 * SECOND)
    assert found.take(0, 4 * SECOND)["connected_ratio"][0] == pytest.approx(0.5)
    assert found.take(4 * SECOND, 8 * SECOND)["connected_ratio"][0] == pytest.approx(1)
