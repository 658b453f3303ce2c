"""When each endpoint sets out to join."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios.joining import Joining


def setting_out(
    joining: Joining, provinces: Sequence[str], draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(n,) ns from the meeting's start at which each endpoint sets out, the command centre, last of
    all, first.

    Args:
        provinces: (n,) of each endpoint; in this order they take their turns.
        draws: (n,) uniform in (0, 1).
    """
    n = len(draws)
    if joining.profile == "at-once":
        offsets = np.zeros(n)
    elif joining.profile == "spread":
        offsets = draws * joining.over
    elif joining.profile == "rush":
        early = draws < 1 - joining.late
        before = joining.over - joining.last
        with np.errstate(divide="ignore", invalid="ignore"):
            first = draws / (1 - joining.late) * before
            then = before + (draws - (1 - joining.late)) / joining.late * joining.last
        offsets = np.where(early, first, then)
    else:
        turn = {province: k for k, province in enumerate(dict.fromkeys(provinces[:-1]))}
        turns = np.array([turn.get(province, 0) for province in provinces])
        offsets = (turns + draws) / max(len(turn), 1) * joining.over
    times = joining.begin + np.rint(offsets).astype(np.int64)
    times[-1] = 0
    return times
