"""Compiled loops around the kernels' parts, so that tests can ask for a million of each."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from simulations.compiled import array_kernel
from simulations.delays import is_lost_on_path, jitter_at, path_delay_at
from simulations.distributions import bucket_of, count
from simulations.links import carry
from simulations.media import emit
from simulations.policers import conforms
from simulations.randomness import exponential, normal_quantile, standard_normal, uniform
from simulations.rates import FOREVER, refresh, transmit
from simulations.receivers import account, measure, measure_jitter
from simulations.stations import serve

NO_LOAD = (np.array([[0, FOREVER]]), np.array([[0.0, 0.0]]))
"""Load profiles: one, of an idle link."""


def record(kind: DTypeLike, **fields: Any) -> Any:
    """One record, all zeros but ``fields``; a field of a nested record goes by outer__inner."""
    made = np.zeros(1, kind)
    for name, value in fields.items():
        place = made
        *outer, inner = name.split("__")
        for part in outer:
            place = place[part]
        place[inner] = value
    return made[0]


def profiles(*loads: list[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Load profiles from lists of (ns, share)."""
    width = 1 + max(map(len, loads))
    times = np.full((len(loads), width), FOREVER, np.int64)
    shares = np.zeros((len(loads), width))
    for row, load in enumerate(loads):
        times[row, : len(load)] = [at for at, _ in load]
        shares[row, : len(load)] = [share for _, share in load]
        shares[row, len(load) :] = load[-1][1]
    return times, shares


@array_kernel
def uniforms(key: Any, draws: int) -> Any:
    drawn = np.empty(draws)
    for i in range(draws):
        drawn[i] = uniform(key, i)
    return drawn


@array_kernel
def exponentials(key: Any, draws: int, mean: float) -> Any:
    drawn = np.empty(draws)
    for i in range(draws):
        drawn[i] = exponential(key, i, mean)
    return drawn


@array_kernel
def normals(key: Any, draws: int) -> Any:
    drawn = np.empty(draws)
    for i in range(draws):
        drawn[i] = standard_normal(key, i)
    return drawn


@array_kernel
def quantiles(probabilities: Any) -> Any:
    values = np.empty(len(probabilities))
    for i in range(len(probabilities)):
        values[i] = normal_quantile(probabilities[i])
    return values


@array_kernel
def transmissions(rate: Any, load_times: Any, load_shares: Any, starts: Any, sizes: Any) -> Any:
    """Ends of transmissions that begin at ``starts``."""
    ends = np.empty(len(starts), np.int64)
    for i in range(len(starts)):
        ends[i] = transmit(rate, load_times, load_shares, starts[i], sizes[i])
    return ends


@array_kernel
def rates(rate: Any, load_times: Any, load_shares: Any, times: Any) -> Any:
    """(n, 2): the rate at ``times``, and until when it holds."""
    values = np.empty((len(times), 2), np.int64)
    for i in range(len(times)):
        refresh(rate, load_times, load_shares, times[i])
        values[i, 0] = rate.current
        values[i, 1] = rate.until
    return values


@array_kernel
def jitters(jitter: Any, times: Any) -> Any:
    delays = np.empty(len(times), np.int64)
    for i in range(len(times)):
        delays[i] = jitter_at(jitter, times[i])
    return delays


@array_kernel
def path_delays(path: Any, times: Any) -> Any:
    delays = np.empty(len(times), np.int64)
    for i in range(len(times)):
        delays[i] = path_delay_at(path, times[i])
    return delays


@array_kernel
def path_losses(path: Any, times: Any) -> Any:
    lost = np.empty(len(times), np.bool_)
    for i in range(len(times)):
        path_delay_at(path, times[i])
        lost[i] = is_lost_on_path(path, times[i])
    return lost


@array_kernel
def policed(policer: Any, times: Any, sizes: Any) -> Any:
    """Whether each packet conforms."""
    passed = np.empty(len(times), np.bool_)
    for i in range(len(times)):
        passed[i] = conforms(policer, times[i], sizes[i])
    return passed


@array_kernel
def carried(
    link: Any, starts: Any, line: Any, load_times: Any, load_shares: Any, times: Any, sizes: Any
) -> Any:
    """When packets that enter the link at ``times`` arrive, or how they are lost."""
    arrivals = np.empty(len(times), np.int64)
    for i in range(len(times)):
        arrivals[i] = carry(link, starts, line, load_times, load_shares, times[i], sizes[i])
    return arrivals


@array_kernel
def emitted(track: Any, packets: Any) -> None:
    """Fill ``packets`` with what the track sends next."""
    for i in range(len(packets)):
        emit(track, packets[i])


@array_kernel
def accounted(stream: Any, numbers: Any, arrived: Any) -> None:
    """Account for first transmissions, in the order in which the node sent them."""
    for i in range(len(numbers)):
        account(stream, numbers[i], arrived[i])


@array_kernel
def measured(meter: Any, histograms: Any, delays: Any) -> None:
    for i in range(len(delays)):
        measure(meter, histograms, 0, delays[i], bucket_of(delays[i]))


@array_kernel
def jittered(stream: Any, sources: Any, transits: Any) -> None:
    for i in range(len(transits)):
        measure_jitter(stream, sources[i], transits[i])


@array_kernel
def counted(histograms: Any, values: Any) -> None:
    for i in range(len(values)):
        count(histograms, 0, values[i])


@array_kernel
def served(station: Any, shared: Any, times: Any, size: int) -> Any:
    """Departures of packets of one size from a shared link."""
    departures = np.empty(len(times), np.int64)
    for i in range(len(times)):
        departures[i] = serve(station, shared, times[i], size)
    return departures
