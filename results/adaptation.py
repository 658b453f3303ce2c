"""Adaptation: what media nodes made of endpoints' links: which layer, and by which estimate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def audio_only_endpoints(run: Run) -> list[Deprived]:
    """Endpoints that had audio alone at times, those that had it longest first."""
    layers = read_layers(run)
    if not layers.known:
        return []
    shares = layers.audio_only
    alone = layers.codes == _AUDIO_ONLY
    estimate, capacity = (values(run, name) for name in ("estimate", "capacity"))
    rows = endpoints(run).to_pylist()
    return [
        Deprived(
            rows[i],
            float(shares[i]),
            _median(estimate, alone[:, i], i),
            _median(capacity, alone[:, i], i),
        )
        for i in np.lexsort((np.arange(len(shares)), -shares))
        if shares[i] > 0
    ]


def _median(found: Values, rows: NDArray[np.bool_], endpoint: int) -> float | None:
    known = found.values[rows, endpoint]
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else None
