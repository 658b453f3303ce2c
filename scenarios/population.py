"""The population: every endpoint that is played, with what the rules and profiles dealt it.

Each endpoint draws for itself, by its site's name: adding, sampling or copying endpoints leaves
the others as they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from scenarios.endpoints import Endpoints
from scenarios.errors import Fault, ScenarioError
from scenarios.geography import great_circle
from scenarios.links import DelayQuantiles, RateQuantiles
from scenarios.meeting import COMMAND_CENTRE
from scenarios.randomness import entity_keys, mix_keys, name_hashes, stream_key, uniforms
from scenarios.scenario import Scenario
from scenarios.tables import Row, find_table, read_places, read_sites

Words = tuple[str, ...]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class Population:
    """One entry per played endpoint in every field, the command centre last."""

    site: Words
    name: Words
    level: Words
    kind: Words
    district: Words
    province: Words
    """Empty for the command centre, which belongs to no province's aggregation."""
    latitude: NDArray[np.float64]
    """Degrees; an endpoint lies at its province's seat."""
    longitude: NDArray[np.float64]
    carrier: Indices
    """Index into the scenario's carriers, in their order."""
    access: Indices
    """Index into the scenario's access profiles."""
    node: Indices
    """Index into the scenario's media nodes."""
    down_rate: NDArray[np.int64]
    """Nominal bits per second towards the endpoint."""
    up_rate: NDArray[np.int64]
    """Nominal bits per second from the endpoint."""
    delay: NDArray[np.int64]
    """Nanoseconds across the access link without queueing, each direction."""
    layer: Indices
    """Index of the simulcast layer that fits the downlink; -1: none fits, audio only."""
    keys: NDArray[np.uint64]
    """Root of each endpoint's own randomness."""

    def __len__(self) -> int:
        return len(self.site)


def populate(scenario: Scenario, replication: int = 0) -> Population:
    """All endpoints of ``scenario``, dealt and drawn.

    A poor link is poor both ways: an endpoint's two rates come from one draw. Its delay comes from
    another, as the two are uncorrelated in ERRANT's sample of 4G (docs/background/sources.md).

    Raises:
        ScenarioError: the tables cannot be read. A loaded scenario brings them along.
    """
    table, places = _tables(scenario.endpoints)
    rows = sample_rows(
        scenario.endpoints.take(table), scenario.endpoints.sample, named_sites(scenario)
    )
    scale = scenario.endpoints.scale
    copies = [""] + [f".{number}" for number in range(2, scale + 1)]
    sites = (*(row["site"] + copy for copy in copies for row in rows), COMMAND_CENTRE)
    hashes = name_hashes(sites)

    def draw(component: str) -> NDArray[np.float64]:
        return uniforms(mix_keys(stream_key(scenario.seed, replication, component), hashes))

    def column(attribute: str, centre: str) -> Words:
        return (*([row[attribute] for row in rows] * scale), centre)

    centre = scenario.command_centre
    points = np.array([places[row["province"]] for row in rows] * scale, np.float64).reshape(-1, 2)
    latitude = np.append(points[:, 0], centre.latitude)
    longitude = np.append(points[:, 1], centre.longitude)

    def dealt(what: str, names: Iterable[str]) -> Indices:
        return _deal(scenario, rows, what, tuple(names), draw(f"deal {what}"))

    carrier = dealt("carrier", scenario.carriers)
    access = dealt("access", scenario.access)
    node = dealt("node", scenario.nodes)
    closest = _nearest_node(scenario, latitude, longitude)
    node = np.where(node < 0, closest, node)

    rate, delay = draw("access rate"), draw("access delay")
    profiles = tuple(scenario.access.values())
    down_rate = _by_profile(access, rate, [profile.down.rate for profile in profiles])
    return Population(
        site=sites,
        name=column("name", centre.name),
        level=column("level", COMMAND_CENTRE),
        kind=column("kind", ""),
        district=column("district", ""),
        province=column("province", ""),
        latitude=latitude,
        longitude=longitude,
        carrier=carrier,
        access=access,
        node=node,
        down_rate=down_rate,
        up_rate=_by_profile(access, rate, [profile.up.rate for profile in profiles]),
        delay=_by_profile(access, delay, [profile.delay for profile in profiles]),
        layer=_layers(scenario, access, down_rate),
        keys=entity_keys(stream_key(scenario.seed, replication, "endpoint"), sites),
    )


def named_sites(scenario: Scenario) -> frozenset[str]:
    """Sites that the meeting names: no sample leaves them out."""
    return scenario.meeting.sites


def sample_rows(rows: Sequence[Row], size: int | None, named: frozenset[str]) -> tuple[Row, ...]:
    """``size`` rows in the table's order: the ``named`` ones, the rest spread evenly.

    All rows where no size is given or the table has no more.
    """
    if size is None or size >= len(rows):
        return tuple(rows)
    others = [index for index, row in enumerate(rows) if row["site"] not in named]
    taken = {index for index, row in enumerate(rows) if row["site"] in named}
    wanted = max(size - len(taken), 0)
    taken.update(others[(2 * number + 1) * len(others) // (2 * wanted)] for number in range(wanted))
    return tuple(rows[index] for index in sorted(taken))


def draw_quantiles(
    quantiles: RateQuantiles | DelayQuantiles, draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Values at uniform ``draws`` of the distribution through p5, p50 and p95.

    ln(value) is piecewise linear over the standard normal's quantile, a log-normal with two
    sides; beyond the outer percentiles the slopes go on, to a third of p5 and three times p95.
    Where p5 or p50 is 0 there is no logarithm, and the value itself is piecewise linear.
    """
    points = np.array([quantiles.p5, quantiles.p50, quantiles.p95], np.float64)
    if points[0] == points[2]:
        return np.full(draws.shape, quantiles.p5, np.int64)
    positive = bool(points[0] > 0)
    heights = np.log(points) if positive else points
    # Draws at 0 or 1 would be infinite; 9 deviations are beyond what a double can draw.
    z = np.clip(scipy.special.ndtri(draws), -9, 9) / scipy.special.ndtri(0.95)
    slopes = np.where(z < 0, heights[1] - heights[0], heights[2] - heights[1])
    values = heights[1] + slopes * z
    values = np.exp(np.minimum(values, np.log(points[2] * 3))) if positive else values
    rounded: NDArray[np.int64] = np.rint(np.clip(values, points[0] / 3, points[2] * 3)).astype(
        np.int64
    )
    return rounded


# ---------------------------------------------------------------- parts


def _tables(endpoints: Endpoints) -> tuple[Sequence[Row], Mapping[str, tuple[float, float]]]:
    """The tables that the scenario brings along; for one built by hand, from files."""
    if endpoints.rows is not None and endpoints.coordinates is not None:
        return endpoints.rows, endpoints.coordinates
    faults = []
    rows: Sequence[Row] = ()
    places: Mapping[str, tuple[float, float]] = {}
    for key, name in (("table", endpoints.table), ("places", endpoints.places)):
        path = find_table(name, [Path()])
        if path is None:
            faults.append(Fault(name, None, f"endpoints.{key}", None, "no such file"))
        elif key == "table":
            rows, found = read_sites(path, name)
            faults += found
        else:
            places, found = read_places(path, name)
            faults += found
    if faults:
        raise ScenarioError(faults)
    return rows, places


def _deal(
    scenario: Scenario, rows: Sequence[Row], what: str, names: Words, draws: NDArray[np.float64]
) -> Indices:
    """Index of what each endpoint draws from the first rule that deals it; -1 without one."""
    dealing = [
        (rule, shares)
        for rule in scenario.endpoints.rules
        if (shares := cast(Mapping[str, float] | None, getattr(rule, what))) is not None
    ]
    first = [
        next((index for index, (rule, _) in enumerate(dealing) if rule.when.matches(row)), -1)
        for row in rows
    ]
    rule_of = np.append(np.tile(np.array(first, np.int32), scenario.endpoints.scale), -1)
    dealt = np.full(len(draws), -1, np.int32)
    for index, (_, shares) in enumerate(dealing):
        mine = rule_of == index
        steps = np.cumsum(list(shares.values()))[:-1]
        choices = np.array([names.index(name) for name in shares], np.int32)
        dealt[mine] = choices[np.searchsorted(steps, draws[mine], side="right")]
    dealt[-1] = names.index(getattr(scenario.command_centre, what))
    return dealt


def _nearest_node(
    scenario: Scenario, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> Indices:
    nodes = scenario.nodes.values()
    distances = great_circle(
        latitude[:, None],
        longitude[:, None],
        [node.latitude for node in nodes],
        [node.longitude for node in nodes],
    )
    closest: Indices = np.argmin(distances, axis=1).astype(np.int32)
    return closest


def _by_profile(
    access: Indices,
    draws: NDArray[np.float64],
    quantiles: Sequence[RateQuantiles | DelayQuantiles],
) -> NDArray[np.int64]:
    values = np.zeros(len(draws), np.int64)
    for index, distribution in enumerate(quantiles):
        mine = access == index
        values[mine] = draw_quantiles(distribution, draws[mine])
    return values


def _layers(scenario: Scenario, access: Indices, down_rate: NDArray[np.int64]) -> Indices:
    """The highest layer within the headroom of what the busiest time leaves of the downlink."""
    video = scenario.media.video
    left = [1 - max(step.share for step in profile.load) for profile in scenario.access.values()]
    budget = video.headroom * down_rate * np.array(left)[access]
    bitrates = [layer.bitrate for layer in video.layers]
    fitting: Indices = (np.searchsorted(bitrates, budget, side="right") - 1).astype(np.int32)
    return fitting
