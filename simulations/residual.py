"""Residual loss: what listeners and viewers are left without, interval by interval.

Jitter buffers and frames give a packet up when a later one comes. Where none comes for long, that
would be an interval or more too late, and each dead one look as good as if nothing had been sent:
so once sound, or the picture, has stopped, packets count as soon as they are known to be lost.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.jitter_buffer import MUTE

Counts = NDArray[Any]


class Residual:
    """The residual loss of streams; what has been counted in one interval is not in another."""

    def __init__(self) -> None:
        self._unheard: Counts = np.zeros(1, np.int64)
        self._unseen: Counts = np.zeros(1, np.int64)
        """Packets of each stream that have been counted before they were given up."""

    def audio(self, buffers: NDArray[Any], lost: Counts, now: int) -> Counts:
        """(voices,) packets that were not played, from themselves or from a copy.

        Args:
            buffers: BUFFER, with counts since the last interval.
            lost: packets, since then.
            now: the interval's end, ns on the clock of arrivals.
        """
        silent = (buffers["waiting"] == 0) & (buffers["position"] + buffers["delay"] < now - MUTE)
        concealed, recovered = buffers["concealed"], buffers["recovered"]
        counted, self._unheard = _count(
            self._unheard, concealed, np.where(silent, lost - recovered, 0)
        )
        return counted

    def video(self, screens: NDArray[Any], lost: Counts) -> Counts:
        """(pictures,) packets that were missing when their frames were to be shown.

        Args:
            screens: PICTURE, with counts since the last interval.
            lost: packets, repaired or not, since then.
        """
        still = screens["frames_rendered"] == 0
        counted, self._unseen = _count(
            self._unseen, screens["packets_missing"], np.where(still, lost, 0)
        )
        return counted


def _count(ahead: Counts, given_up: Counts, lost: Counts) -> tuple[Counts, Counts]:
    """What is to be counted of packets ``given_up``, but for those that were counted ``ahead``; at
    least those ``lost``. And what has been counted ahead then."""
    known = np.minimum(given_up, ahead)
    early = np.maximum(lost - (given_up - known), 0)
    return given_up - known + early, ahead - known + early
