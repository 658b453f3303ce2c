"""Distances on the globe."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS = 6_371_008.8
"""Mean radius in metres (IUGG)."""


def great_circle(
    latitude: ArrayLike,
    longitude: ArrayLike,
    other_latitude: ArrayLike,
    other_longitude: ArrayLike,
) -> NDArray[np.float64]:
    """Metres between points in degrees, along a sphere (haversine); arguments broadcast."""
    phi, lam, other_phi, other_lam = (
        np.radians(np.asarray(angle, np.float64))
        for angle in (latitude, longitude, other_latitude, other_longitude)
    )
    chord = (
        np.sin((other_phi - phi) / 2) ** 2
        + np.cos(phi) * np.cos(other_phi) * np.sin((other_lam - lam) / 2) ** 2
    )
    # Rounding can carry the chord of antipodes past 1.
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(chord, 1))), np.float64)
