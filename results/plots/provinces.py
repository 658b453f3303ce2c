"""Readings of provinces: a metric by province, over time or over the whole meeting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from matplotlib.colorbar import Colorbar
from matplotlib.colors import AsinhNorm, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from results.plots.style import clean, plain
from results.quantities import label_of, unit_of
from results.readings import (
    DELAYS,
    VALUES,
    delays,
    endpoint_groups,
    endpoints,
    floats,
    values,
)
from results.records import Run
from scenarios.metrics import METRICS, Unit

PROVINCE_METRICS = (*DELAYS, *VALUES)
RANK = 95.0

SEVERITY = LinearSegmentedColormap.from_list(
    # One hue path from pale to dark, even in lightness: reads the same in grey and to all eyes.
    "severity",
    ["#f6f1dc", "#f2cf8f", "#ec9f5c", "#d96a46", "#b03a48", "#741f4b", "#36123b"],
)
"""From good (pale) to bad (dark)."""

NARROWEST: Mapping[Unit, float] = {
    "s": 0.01,
    "ratio": 0.002,
    "bit/s": 1e5,
    "score": 0.5,
    "count": 0.1,
}
"""The least that a colour scale spans, in SI units."""
KNEE = 1e-3
"""Where a compressed scale of shares turns from linear to logarithmic."""


@dataclass(frozen=True)
class ProvinceReading:
    """A metric by province."""

    provinces: tuple[str, ...]
    latitudes: NDArray[np.float64]
    """(P,) of the seats, degrees."""
    longitudes: NDArray[np.float64]
    times: NDArray[np.float64]
    over_time: NDArray[np.float64]
    """(P, T), in SI units."""
    overall: NDArray[np.float64]
    """(P,), in SI units."""
    labels: tuple[str, ...]
    """Names with the number of endpoints."""
    statistic: str
    """What the values are, as in `p95 over received packets`."""


def read_provinces(run: Run, metric: str) -> ProvinceReading:
    """``metric`` by province: p95 over packets for delays, the mean for what is sampled."""
    group, names = endpoint_groups(run, "province")
    table = endpoints(run)
    latitude, longitude = _seats(table, group, len(names))
    if metric in DELAYS:
        counted = delays(run, metric, "province")
        times, over_time = counted.times, counted.percentiles(RANK)[:, :, 0]
        whole = counted.over_time().percentiles(RANK)
        overall = whole[:, 0, 0] if whole.shape[1] else np.full(len(names), np.nan)
        statistic = f"p{RANK:g} over {METRICS[metric].population}"
    else:
        sampled = values(run, metric)
        times, over_time = sampled.times, sampled.means(group, len(names))
        overall = sampled.whole().means(np.tile(group, len(times)), len(names))[:, 0]
        statistic = "mean over endpoints"
    labels = with_counts(names, group, names)
    return ProvinceReading(
        tuple(names), latitude, longitude, times, over_time, overall, labels, statistic
    )


def with_counts(
    shown: Sequence[str], group: NDArray[np.int64], names: Sequence[str]
) -> tuple[str, ...]:
    """``shown`` as labels with how many endpoints have each: `Cà Mau (103)`.

    Args:
        group: (E,) place in ``names`` of each endpoint's.
    """
    sizes = dict(zip(names, np.bincount(group[group >= 0], minlength=len(names)), strict=True))
    return tuple(f"{clean(name)} ({sizes[name]:,})" for name in shown)


def norm_for(metric: str, found: NDArray[np.float64]) -> Normalize:
    """How values become colours: linear, unless they span more than a decade.

    ``found`` and the norm are in SI units. Shares begin at 0, and no range is so narrow that
    colours tell apart what nobody would.
    """
    finite = found[np.isfinite(found)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    unit = unit_of(metric)
    if unit == "ratio":
        if high > 10 * max(float(np.median(finite)) if len(finite) else 0.0, KNEE):
            return AsinhNorm(linear_width=KNEE, vmin=0, vmax=high)
        return Normalize(0, max(high, NARROWEST[unit]))
    if low > 0 and high / low > 5:
        return LogNorm(low, high)
    lack = max(NARROWEST[unit] - (high - low), 0.0)
    # Toward the good end: with too little to tell, all is pale.
    return (
        Normalize(low - lack, high)
        if METRICS[metric].higher_is_better
        else Normalize(low, high + lack)
    )


def colour_map(metric: str) -> LinearSegmentedColormap:
    """Dark is bad, whichever end that is."""
    return SEVERITY.reversed() if METRICS[metric].higher_is_better else SEVERITY


def bar_ticks(bar: Colorbar, which: str, factor: float) -> None:
    """Plain numbers, in the unit that ``factor`` leads to, on a colour bar."""
    bar.outline.set_visible(False)
    axis = getattr(bar.ax, f"{which}axis")
    if isinstance(bar.norm, LogNorm):
        low, high = sorted(bar.ax.get_xlim() if which == "x" else bar.ax.get_ylim())
        within_decade = high < 10 * low
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if within_decade else (1, 2, 5)))
    if isinstance(bar.norm, AsinhNorm):
        shares = (0, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1)
        axis.set_major_locator(FixedLocator([x for x in shares if x <= (bar.norm.vmax or 0)]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value * factor)))


def title_of(metric: str, statistic: str) -> str:
    """The colour bar's name, without a unit."""
    return f"{label_of(metric)}, {statistic}"


def _seats(
    table: pa.Table, group: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes: of the province's own endpoint, else the median of all in it."""
    seat = np.array([level == "province" for level in table["level"].to_pylist()], dtype=bool)
    latitudes, longitudes = np.empty(groups), np.empty(groups)
    for i in range(groups):
        own = group == i
        rows = own & seat if (own & seat).any() else own
        latitudes[i] = np.median(floats(table, "latitude")[rows])
        longitudes[i] = np.median(floats(table, "longitude")[rows])
    return latitudes, longitudes
