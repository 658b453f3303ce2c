import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.geography import EARTH_RADIUS, great_circle

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def test_quarter_of_the_equator() -> None:
    assert great_circle(0, 0, 0, 90) == pytest.approx(np.pi / 2 * EARTH_RADIUS)


def test_hanoi_is_1145_km_from_ho_chi_minh_city() -> None:
    assert great_circle(21.03, 105.84, 10.78, 106.70) == pytest.approx(1_143_000, rel=0.003)


def test_arguments_broadcast() -> None:
    assert great_circle(np.zeros((3, 1)), 0, [0, 1], [0, 1]).shape == (3, 2)


@given(latitudes, longitudes, latitudes, longitudes)
def test_agrees_with_the_angle_between_vectors(a: float, b: float, c: float, d: float) -> None:
    def point(latitude: float, longitude: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        phi, lam = np.radians([latitude, longitude])
        return np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])

    one, other = point(a, b), point(c, d)
    angle = np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)
    assert great_circle(a, b, c, d) == pytest.approx(EARTH_RADIUS * angle, abs=0.5)
    assert great_circle(a, b, c, d) == great_circle(c, d, a, b)
