"""Adaptation: what media nodes made of endpoints' links: which layer, and by which estimate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.distribution import Distribution
from results.quantities import format_value
from results.readings import Values, endpoint_groups, endpoints, texts, values
from results.records import Run

AUDIO_ONLY = "audio only"
"""What an endpoint gets that no layer is forwarded to."""
ALL = "all"
"""The group of all endpoints together."""

_AUDIO_ONLY, _NOTHING = -1, -2


@dataclass(frozen=True)
class Layers:
    """The layer of the programme picture by interval and endpoint."""

    names: tuple[str, ...]
    """The scenario's layers, lowest first, then AUDIO_ONLY."""
    codes: NDArray[np.int32]
    """(T, E) place in the scenario's layers; -1: audio only; -2: nothing was meant for it then, as
    for one that has the floor, or there is no sample."""
    known: bool
    """Whether the run tells of layers: one was forwarded to someone, or none to anyone although
    nodes choose layers and pictures were wanted."""

    def shares(self, members: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(names,) shares of the intervals of the endpoints that (E,) ``members`` marks."""
        found = self.codes[:, members]
        # Audio only, -1, comes out last.
        counts = np.bincount(found[found > _NOTHING] % len(self.names), minlength=len(self.names))
        return np.asarray(counts / max(counts.sum(), 1), dtype=np.float64)

    @property
    def audio_only(self) -> NDArray[np.float64]:
        """(E,) share of its intervals in which each endpoint had audio alone."""
        alone = (self.codes == _AUDIO_ONLY).sum(axis=0)
        return np.asarray(alone / np.maximum((self.codes > _NOTHING).sum(axis=0), 1))


def read_layers(run: Run) -> Layers:
    """The layers that endpoints were sent; the command centre is left out."""
    names = [layer.name for layer in run.scenario.media.video.layers]
    grid, found = texts(run, "layer")
    # A name that the scenario does not have is no layer of it.
    place = [names.index(name) if name in names else _AUDIO_ONLY for name in found]
    codes = np.array([*place, _NOTHING, _AUDIO_ONLY], dtype=np.int32)[grid]
    expects = np.isfinite(values(run, "packet_loss").values)
    codes = np.where(expects | (codes >= 0), codes, _NOTHING)
    wanted = np.isfinite(values(run, "freeze_ratio").values) & (codes == _AUDIO_ONLY)
    chosen = run.mode == "simulated" and profile_of(run) is not None
    known = bool((codes >= 0).any() or (chosen and wanted.any()))
    return Layers((*names, AUDIO_ONLY), codes, known)


@dataclass(frozen=True)
class Estimates:
    """Estimates and true capacities of downlinks, bit/s, wherever both are known."""

    estimate: NDArray[np.float64]
    """(N,)."""
    capacity: NDArray[np.float64]
    """(N,)."""
    owner: NDArray[np.int64]
    """(N,) row of the endpoint in the endpoints' table, the command centre left out."""

    def of(self, members: NDArray[np.bool_]) -> "Estimates":
        """Those of the endpoints that (E,) ``members`` marks."""
        own = members[self.owner]
        return Estimates(self.estimate[own], self.capacity[own], self.owner[own])

    @property
    def carrying(self) -> "Estimates":
        """Those of links that carried anything."""
        own = self.capacity > 0
        return Estimates(self.estimate[own], self.capacity[own], self.owner[own])

    @property
    def above(self) -> float | None:
        """The share that is above the capacity; None without any."""
        return float((self.estimate > self.capacity).mean()) if len(self.estimate) else None


def read_estimates(run: Run) -> Estimates:
    """Every endpoint's estimate and capacity at the end of every interval."""
    estimate, capacity = (values(run, name).values for name in ("estimate", "capacity"))
    # A link may carry nothing at the moment: then any estimate is above its capacity.
    known = (estimate > 0) & (capacity >= 0)
    return Estimates(estimate[known], capacity[known], np.nonzero(known)[1])


def groups_of(run: Run, attribute: str) -> Mapping[str, NDArray[np.bool_]]:
    """(E,) which endpoints are in each group, ALL of them first."""
    group, names = endpoint_groups(run, attribute)
    every = {ALL: np.ones(len(group), dtype=bool)}
    return every | {name: group == i for i, name in enumerate(names)}


def profile_of(run: Run) -> str | None:
    """The congestion control's profile that the scenario names; None where it has none."""
    profile = run.scenario.media.congestion_control.profile
    return None if profile == "none" else profile


def describe_adaptation(run: Run) -> dict[str, Any] | None:
    """What a summary tells of congestion control; None where no node estimated anything.

    Returns:
        ``profile``; ``above_capacity`` and ``layers``: shares of endpoint × interval, by
        attribute and group; ``audio_only_endpoints``: how many had audio alone at times.
    """
    estimates, layers = read_estimates(run), read_layers(run)
    if not len(estimates.estimate) and not layers.known:
        return None
    groups = {attribute: groups_of(run, attribute) for attribute in ("access", "carrier")}
    return {
        "profile": profile_of(run),
        "above_capacity": {
            attribute: {name: estimates.of(members).above for name, members in named.items()}
            for attribute, named in groups.items()
        },
        "layers": {
            attribute: {
                name: dict(zip(layers.names, layers.shares(members).tolist(), strict=True))
                for name, members in named.items()
            }
            for attribute, named in groups.items()
        },
        "audio_only_endpoints": int((layers.audio_only > 0).sum()) if layers.known else 0,
    }


@dataclass(frozen=True)
class Deprived:
    """An endpoint that had audio alone at times."""

    row: Mapping[str, Any]
    """Of the endpoints' table."""
    share: float
    """Of its intervals."""
    estimate: float | None
    """Median bit/s in those intervals; None where nothing is known of it."""
    capacity: float | None
    reason: str
    """Why, as far as estimate, capacity and connection tell."""


def audio_only_endpoints(run: Run) -> list[Deprived]:
    """Endpoints that had audio alone at times, those that had it longest first."""
    layers = read_layers(run)
    if not layers.known:
        return []
    shares = layers.audio_only
    alone = layers.codes == _AUDIO_ONLY
    estimates, capacities, connected = (
        values(run, name) for name in ("estimate", "capacity", "connected_ratio")
    )
    rows, found = endpoints(run).to_pylist(), []
    for i in np.lexsort((np.arange(len(shares)), -shares)):
        if shares[i] == 0:
            break
        estimate, capacity, there = (
            _median(each, alone[:, i], i) for each in (estimates, capacities, connected)
        )
        reason = "not connected" if there == 0 else _why_alone(run, estimate, capacity)
        found.append(Deprived(rows[i], float(shares[i]), estimate, capacity, reason))
    return found


def _why_alone(run: Run, estimate: float | None, capacity: float | None) -> str:
    voice, lowest = voice_rate(run), run.scenario.media.video.layers[0].bitrate
    if capacity is not None and capacity < voice:
        return f"not even the voice fits the link: it takes {format_value(voice, 'bit/s')}"
    if estimate is not None and estimate < voice + lowest:
        both = format_value(voice + lowest, "bit/s")
        return f"the lowest layer at its full rate and the voice take {both}"
    return "the lowest layer fits: no picture had come to the node"


def _median(found: Values, rows: NDArray[np.bool_], endpoint: int) -> float | None:
    known = found.values[rows, endpoint]
    return Distribution(np.sort(known[np.isfinite(known)])).percentile(50)


def voice_rate(run: Run) -> float:
    """Bit/s that a voice takes at the IP layer while it talks."""
    audio = run.scenario.media.audio
    payload = max(1, round(audio.bitrate * audio.ptime / 8e9))
    return (payload + run.scenario.media.header) * 8e9 / audio.ptime


@dataclass(frozen=True)
class Voiceless:
    """A link that was at times narrower than a single voice."""

    row: Mapping[str, Any]
    """Of the endpoints' table."""
    direction: str
    """downlink or uplink."""
    share: float
    """Of the intervals in which it had anything to carry."""


def voiceless_links(run: Run) -> list[Voiceless]:
    """Access links that did not hold even the voice at times, the longest first."""
    rows, voice, found = endpoints(run).to_pylist(), voice_rate(run), []
    for direction, capacity, used in (
        ("downlink", "capacity", "packet_loss"),
        ("uplink", "uplink_capacity", "uplink_bitrate"),
    ):
        rates = values(run, capacity).values
        carries = np.isfinite(rates) & np.isfinite(values(run, used).values)
        shares = (carries & (rates < voice)).sum(axis=0) / np.maximum(carries.sum(axis=0), 1)
        found += [
            Voiceless(rows[i], direction, float(shares[i])) for i in np.flatnonzero(shares > 0)
        ]
    return sorted(found, key=lambda each: -each.share)
