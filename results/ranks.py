"""Percentile ranks: which of the values in ascending order a percentile is, by one rule for all.

A percentile is one of the values, never something between two of them: the smallest that at least
``rank`` percent of the values do not exceed (the nearest-rank definition).
"""

from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Count = TypeVar("_Count", int, NDArray[np.int64])


def order(rank: float | str, count: _Count) -> _Count:
    """The place, from 1 on, of the percentile ``rank`` among ``count`` values: ⌈rank · n / 100⌉.

    Args:
        rank: 0 to 100, taken as it is written: 99.9 of 1,000 values is the 999th, though 99.9 as
            a binary fraction is a little more.
        count: how many values there are, 1 or more; or an array of such numbers.

    Raises:
        ValueError: the rank is no number.
    """
    share = Fraction(str(rank)) / 100
    place = -(-count * share.numerator // share.denominator)
    return np.maximum(place, 1) if isinstance(place, np.ndarray) else max(place, 1)
