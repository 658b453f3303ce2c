"""The rate of an access link in time: fades, holes and the load of others, piecewise constant."""

import math
from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.processes import PROCESS, advance
from simulations.queues import transmission
from simulations.randomness import exponential

FOREVER = np.iinfo(np.int64).max
LIFETIME = 30_000_000_000
"""A packet whose transmission takes longer than this (ns) is given up, and lost there."""
STALLED = -1

RATE = np.dtype(
    [
        ("current", np.int64),  # bit/s, holds until `until`
        ("until", np.int64),  # ns
        # load of others: a row of the table of load profiles
        ("load", np.int32),
        ("load_step", np.int32),
        ("nominal", np.float64),  # bit/s
        ("taken", np.float64),  # share of it that a fault takes
        # Transmissions look ahead: both may be of a time to come.
        ("since", np.int64),  # from when on `current` holds, ns
        ("before", np.int64),  # bit/s, held until then
        *PROCESS,  # of the fading; without it, step is 0
        ("spread", np.float64),
        # holes: an alternating renewal process
        ("hole_every", np.float64),  # mean ns between beginnings; 0: none
        ("hole_length", np.float64),  # mean ns
        ("hole_begin", np.int64),
        ("hole_end", np.int64),
        ("hole_key", np.uint64),
        ("hole_index", np.int64),
    ],
    align=True,
)
"""State of one link's rate."""


@inlined
def refresh(rate: Any, load_times: Any, load_shares: Any, now: int) -> None:
    """Bring ``rate.current`` and ``rate.until`` to the time ``now``, which never goes back.

    Args:
        load_times: (profiles, steps) ns at which a profile's share changes, ending with FOREVER.
        load_shares: (profiles, steps) share of the rate that others take from then on; negative:
            the rate itself, in bit/s, whatever it was.
    """
    until = FOREVER
    value = rate.nominal
    fade = 1.0
    if rate.step > 0:
        advance(rate, now)
        fade = math.exp(rate.spread * rate.state - 0.5 * rate.spread * rate.spread)
        until = rate.step_end
    while load_times[rate.load, rate.load_step + 1] <= now:
        rate.load_step += 1
    share = load_shares[rate.load, rate.load_step]
    value = fade * (value * (1.0 - share) if share >= 0.0 else -share)
    if rate.taken > 0.0:
        value = np.rint(value * (1.0 - rate.taken))
    until = min(until, load_times[rate.load, rate.load_step + 1])
    if rate.hole_every > 0.0:
        while rate.hole_end <= now:
            gap = max(rate.hole_every - rate.hole_length, 1.0)
            begin = exponential(rate.hole_key, 2 * rate.hole_index, gap)
            length = exponential(rate.hole_key, 2 * rate.hole_index + 1, rate.hole_length)
            rate.hole_begin = rate.hole_end + np.int64(begin) + 1
            rate.hole_end = rate.hole_begin + np.int64(length) + 1
            rate.hole_index += 1
        if rate.hole_begin <= now:
            value = 0.0
            until = min(until, rate.hole_end)
        else:
            until = min(until, rate.hole_begin)
    rate.before = rate.current
    rate.since = now
    rate.current = np.int64(value)
    rate.until = until


@inlined
def transmit(rate: Any, load_times: Any, load_shares: Any, start: int, size: int) -> int:
    """When a transmission of ``size`` bytes begun at ``start`` ends (ns), or STALLED.

    Starts never go back. STALLED where it would take longer than LIFETIME: the link is busy with it
    for that long, and free again then.
    """
    if start < rate.until and rate.current > 0:
        end = start + transmission(size, rate.current)
        if end <= rate.until and end - start <= LIFETIME:
            return end
    return _transmit_in_pieces(rate, load_times, load_shares, start, size)


@seldom
def _transmit_in_pieces(rate: Any, load_times: Any, load_shares: Any, start: int, size: int) -> int:
    if start >= rate.until:
        refresh(rate, load_times, load_shares, start)
        end = start + transmission(size, max(rate.current, 1))
        if rate.current > 0 and end <= rate.until and end - start <= LIFETIME:
            return end  # whole at one rate: to the nearest nanosecond, as ever
    now = start
    left = 8.0 * size  # bits
    while True:
        if now >= rate.until:
            refresh(rate, load_times, load_shares, now)
        if rate.current > 0:
            need = np.int64(math.ceil(left * 1e9 / rate.current))
            if rate.until - now >= need:
                end = int(now + need)
                return end if end - start <= LIFETIME else STALLED
            left -= rate.current * ((rate.until - now) * 1e-9)
        if rate.until - start > LIFETIME:
            return STALLED
        now = rate.until
