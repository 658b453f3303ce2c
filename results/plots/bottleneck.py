"""The bottleneck on publishers' way up: what it carries, and what each of them takes and sends."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from results.adaptation import voice_rate
from results.plots.style import (
    BLUE,
    LONGEST_KEY,
    MUTED,
    ORANGE,
    axis_title,
    clean,
    held,
    say_no_data,
    time_axis,
    value_axis,
)
from results.quantities import scale_for
from results.readings import endpoints, values
from results.records import Run
from scenarios.links import SharedLink

MOST = 4
"""Flows that are drawn."""
COLOURS = ("#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Of flows that share the link: neither is the colour of what they come to together."""
PALE = 0.45
"""Opacity of the rate where the estimate has the same colour."""
LEGEND = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "alignment": "left"}


@dataclass(frozen=True)
class Flow:
    """What an endpoint publishes, bit/s; NaN while it does not."""

    estimate: NDArray[np.float64]
    """(T,) its own, of the rate to its node, at each interval's end."""
    sent: NDArray[np.float64]
    """(T,) media sent, over each interval."""


@dataclass(frozen=True)
class Bottleneck:
    """The narrowest link on a publisher's way up, and who crosses it."""

    times: NDArray[np.float64]
    """(T,) beginnings of intervals, seconds."""
    capacity: NDArray[np.float64]
    """(T,) bit/s at each interval's end, without what others take of it on average."""
    flows: Mapping[str, Flow]
    """By the endpoints' names, those that publish longest first."""

    @property
    def together(self) -> Flow:
        """The sum of all flows."""
        every = self.flows.values()
        return Flow(
            _sum([flow.estimate for flow in every]),
            _sum([flow.sent for flow in every]),
        )


def _sum(rates: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    silent = np.isnan(rates).all(axis=0)
    return np.where(silent, np.nan, np.nansum(rates, axis=0))


def longest_publisher(run: Run) -> str:
    """The endpoint that publishes longest; the first of all where none does."""
    sent = values(run, "uplink_bitrate")
    return sent.sites[int(np.isfinite(sent.values).sum(axis=0).argmax())]


def read_bottleneck(run: Run, site: str) -> Bottleneck | None:
    """The narrower of an endpoint's uplink and its carrier's link in its province, as the scenario
    has it; None where the endpoint has published nothing or is the command centre."""
    sent, estimates, uplinks = (
        values(run, name) for name in ("uplink_bitrate", "uplink_estimate", "uplink_capacity")
    )
    published = np.isfinite(sent.values).sum(axis=0)
    if site not in sent.sites or not published[own := sent.sites.index(site)]:
        return None
    rows = endpoints(run).to_pylist()
    carrier, province = rows[own]["carrier"], rows[own]["province"]
    network = run.scenario.carriers[carrier]
    ends = np.minimum(sent.times + run.scenario.interval / 1e9, run.duration_s)
    shared = _capacity_left(network.provinces.get(province, network.aggregation), ends)
    capacity, crossing = uplinks.values[:, own], [own]
    if np.nanmean(shared) < np.nanmean(capacity):
        capacity = shared
        crossing = [
            i for i in np.argsort(-published, kind="stable")
            if published[i] and (rows[i]["carrier"], rows[i]["province"]) == (carrier, province)
        ]  # fmt: skip
    flows = {
        rows[i]["name"] or sent.sites[i]: Flow(estimates.values[:, i], sent.values[:, i])
        for i in crossing
    }
    return Bottleneck(sent.times, capacity, flows)


def _capacity_left(link: SharedLink, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bit/s of ``link`` that its background leaves at ``times``, s."""
    rates = [(0, link.capacity), *((step.at, step.rate) for step in link.steps)]
    loads = [(step.at, step.share) for step in link.background.load]
    rate, load = (_held_at(steps, times) for steps in (rates, loads))
    return rate * (1 - load)


def _held_at(
    steps: list[tuple[int, int]] | list[tuple[int, float]], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    begins, found = (np.array(column, np.float64) for column in zip(*steps, strict=True))
    # A step at 25 s holds from there on, whatever becomes of 24.8 + 0.2.
    place = begins.searchsorted(np.rint(times * 1e9), side="right") - 1
    return np.asarray(found[place])


def limits_anyone(run: Run) -> bool:
    """Whether the plot's own choice is a bottleneck: it does not carry all at their full rates."""
    found = read_bottleneck(run, longest_publisher(run))
    if found is None or not np.isfinite(found.together.estimate).any():
        return False
    media = run.scenario.media
    full = voice_rate(run) + sum(layer.bitrate for layer in media.video.layers)
    return bool(np.nanmin(found.capacity) < full * len(found.flows))


def draw(run: Run, figure: Figure | SubFigure, site: str) -> None:
    """Capacity, estimate and rate: of all flows together, and below of each where there are
    several."""
    found = read_bottleneck(run, site)
    if found is None:
        say_no_data(figure.add_subplot(), "No media was published by this endpoint in this run.")
        return
    several = len(found.flows) > 1
    panels = figure.subplots(1 + several, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    together = found.together
    every = np.concatenate([found.capacity, together.estimate, together.sent])
    _draw_flows(panels[0], run, found, every, {"": together})
    panels[0].set_title("All flows together" if several else clean(next(iter(found.flows))))
    if several:
        shown = dict(list(found.flows.items())[:MOST])
        _draw_flows(panels[1], run, found, every, shown)
        left = len(found.flows) - len(shown)
        panels[1].set_title("Flow by flow" + (f" (and {left} more, not drawn)" if left else ""))
    panels[0].set_xlabel("")
    time_axis(panels[-1], run.duration_s)
    panels[0].set_ylim(0, np.nanmax(every) * scale_for("bit/s", np.nanmax(every)).factor * 1.08)


def _draw_flows(
    ax: Axes,
    run: Run,
    found: Bottleneck,
    every: NDArray[np.float64],
    flows: Mapping[str, Flow],
) -> None:
    """Lines of ``flows`` by name, of one without a name in the colours of all together."""
    factor, scale = time_axis(ax, run.duration_s), value_axis(ax, "y", "bit/s", every)
    length = run.scenario.interval / 1e9
    # Estimate and capacity are of an interval's end, the rate is of all of it.
    ends = np.minimum(found.times + length, run.duration_s) * factor
    ax.plot(
        ends, found.capacity * scale.factor, color=MUTED, linewidth=2.4, alpha=0.55,
        label="capacity", drawstyle="steps-post",
    )  # fmt: skip
    x = held(found.times, length, run) * factor
    for own, (name, flow) in zip(COLOURS, flows.items(), strict=False):
        label = f"{clean(name, LONGEST_KEY)}: " if name else ""
        sent, estimate, alpha = (own, own, PALE) if name else (BLUE, ORANGE, 1.0)
        ax.plot(
            x, np.repeat(flow.sent, 2) * scale.factor, color=sent, linewidth=0.9, alpha=alpha,
            label=f"{label}sent",
        )  # fmt: skip
        ax.plot(
            ends, flow.estimate * scale.factor, color=estimate, linewidth=1.4,
            label=f"{label}estimate",
        )  # fmt: skip
    ax.set_ylabel(axis_title("Rate", scale))
    ax.grid(visible=True, axis="y")
    ax.legend(**LEGEND)
