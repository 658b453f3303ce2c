"""The rollout in simulated time: crews travel, install, test, repair and come again.

A SimPy process a crew. Crews of a carrier begin in provinces in proportion to the work there; each
takes the next site of its district, else of its province, else goes to the nearest province with
work left. Times are drawn by site and visit, so that rollouts with other crews draw the same.
"""

import math
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray
from scipy.special import ndtri

from scenarios.geography import great_circle
from scenarios.population import Population
from scenarios.randomness import entity_keys, stream_key, uniforms
from scenarios.rollout import Lasting, Rollout, Work
from scenarios.units import SECOND

DAY = 24 * 3600 * SECOND
LONGEST = 30
"""Days after which a rollout is given up."""
MOST_VISITS = 6
"""Visits of a site whose times are drawn apart; later ones take the last one's."""

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Connected:
    """How a rollout went."""

    done: NDArray[np.int64]
    """(endpoints,) nanoseconds from the first morning until each was accepted; -1: never."""
    visits: NDArray[np.int64]
    """(endpoints,) visits that each took."""
    busy: Mapping[str, NDArray[np.int64]]
    """By carrier, (days,) nanoseconds that crews travelled and worked."""
    waited: Mapping[str, NDArray[np.int64]]
    """By carrier, (days,) nanoseconds that crews waited for material."""

    def finished(self) -> float:
        """Days until the last endpoint was accepted; infinite if one never was."""
        return math.inf if (self.done < 0).any() else float(self.done.max()) / DAY


def roll_out(
    plan: Rollout,
    population: Population,
    carriers: tuple[str, ...],
    kinds: tuple[str, ...],
    *,
    seed: int,
    replication: int,
    only: str | None = None,
) -> Connected:
    """Connect the ``population`` (without the command centre) as ``plan`` has it.

    Args:
        carriers, kinds: names of carriers and access links, in the order of the population's
            indices.
        seed, replication: roots of all randomness.
        only: this carrier's endpoints alone; the others' are never connected.
    """
    env = simpy.Environment(initial_time=0)
    draws = _Draws(population.site[:-1], seed, replication)
    state = _State(len(population) - 1)
    for index, carrier in enumerate(carriers):
        mine = np.flatnonzero(population.carrier[:-1] == index)
        if len(mine) and only in (None, carrier):
            field = _Field(env, plan, population, mine, kinds, draws, state, carrier)
            field.start(plan.crews[carrier])
    env.run(until=LONGEST * DAY)
    return Connected(state.done, state.visits, state.busy, state.waited)


class _State:
    """What is written down as it happens."""

    def __init__(self, endpoints: int) -> None:
        self.done = np.full(endpoints, -1, np.int64)
        self.visits = np.zeros(endpoints, np.int64)
        self.busy: dict[str, NDArray[np.int64]] = {}
        self.waited: dict[str, NDArray[np.int64]] = {}


class _Draws:
    """Random numbers by site and visit."""

    def __init__(self, sites: tuple[str, ...], seed: int, replication: int) -> None:
        def draw(what: str) -> NDArray[np.float64]:
            keys = entity_keys(stream_key(seed, replication, f"rollout {what}"), sites)
            return uniforms(keys[:, None], np.arange(MOST_VISITS)[None, :])

        # Lists: single numbers are read one by one.
        self._shares = {what: draw(what).tolist() for what in ("fault", "revisit")}
        self._normal = {
            what: ndtri(draw(what)).tolist()
            for what in ("install", "test", "retest", "repair", "travel")
        }

    def share(self, what: str, site: int, visit: int) -> float:
        """Uniform between 0 and 1."""
        return float(self._shares[what][site][min(visit, MOST_VISITS - 1)])

    def time(self, what: str, lasting: Lasting, site: int, visit: int) -> int:
        """Log-normal, ns."""
        z = self._normal[what][site][min(visit, MOST_VISITS - 1)]
        return round(lasting.median * math.exp(lasting.spread * z))


class _Field:
    """One carrier's work: its sites, its crews, its material."""

    def __init__(
        self,
        env: simpy.Environment,
        plan: Rollout,
        population: Population,
        mine: NDArray[np.int64],
        kinds: tuple[str, ...],
        draws: _Draws,
        state: _State,
        carrier: str,
    ) -> None:
        self._env, self._plan, self._people = env, plan, population
        self._kinds, self._draws, self._state = kinds, draws, state
        self._busy = state.busy.setdefault(carrier, np.zeros(LONGEST, np.int64))
        self._waited = state.waited.setdefault(carrier, np.zeros(LONGEST, np.int64))
        self._left: dict[str, dict[str, list[int]]] = {}
        """Sites to be visited, by province and district."""
        self._news = env.event()
        """Comes about when a site is to be visited again."""
        for site in reversed(mine.tolist()):
            self._put(site)
        used = {kinds[population.access[site]] for site in mine.tolist()}
        self._kits = {kind: simpy.Container(env) for kind in sorted(used)}
        self._open = len(mine)
        places = dict(zip(population.province[:-1], range(len(population) - 1), strict=True))
        seats = [(population.latitude[i], population.longitude[i]) for i in places.values()]
        latitude, longitude = np.array(seats).T
        apart = great_circle(latitude[:, None], longitude[:, None], latitude, longitude)
        self._metres = {
            here: dict(zip(places, row, strict=True))
            for here, row in zip(places, apart.tolist(), strict=True)
        }

    def start(self, crews: int) -> None:
        """Send ``crews`` out, in proportion to the provinces' work."""
        work = Counter({p: sum(map(len, d.values())) for p, d in self._left.items()})
        total = sum(work.values())
        exact = {province: crews * count / total for province, count in work.items()}
        dealt = {province: math.floor(share) for province, share in exact.items()}
        short = sorted(exact, key=lambda p: (dealt[p] - exact[p], p))[: crews - sum(dealt.values())]
        for province in short:
            dealt[province] += 1
        self._env.process(self._mornings())
        for province, count in sorted(dealt.items()):
            for number in range(count):
                self._env.process(self._crew(province, number))

    def _put(self, site: int) -> None:
        province, district = self._people.province[site], self._people.district[site]
        self._left.setdefault(province, {}).setdefault(district, []).append(site)

    def _mornings(self) -> Process:
        while self._open:
            for kind, kits in self._kits.items():
                kits.put(self._plan.work[kind].kits_per_day)
            yield self._env.timeout(DAY)

    def _crew(self, province: str, number: int) -> Process:
        districts = sorted(self._left.get(province, {}))
        district = districts[number % len(districts)] if districts else ""
        visited = False
        while self._open:
            site = self._take(province, district)
            now = self._env.now % DAY
            if site is None:
                yield self._news | self._env.timeout(DAY - now)
                continue
            work = self._plan.work[self._kinds[self._people.access[site]]]
            there = self._people.province[site], self._people.district[site]
            travel = self._travel((province, district), there, site) if visited else 0
            if now > 0 and now + travel + work.install.median + work.test.median > self._plan.shift:
                self._put(site)
                yield self._env.timeout(DAY - now)
                continue
            province, district, visited = *there, True
            yield from self._spend(travel, self._busy)
            yield from self._visit(site, work)

    def _visit(self, site: int, work: Work) -> Process:
        visit = int(self._state.visits[site])
        self._state.visits[site] += 1
        if visit == 0:
            asked = int(self._env.now)
            yield self._kits[self._kinds[self._people.access[site]]].get(1)
            self._waited[asked // DAY] += int(self._env.now) - asked
        draws = self._draws
        yield from self._spend(draws.time("install", work.install, site, visit), self._busy)
        yield from self._spend(draws.time("test", work.test, site, visit), self._busy)
        if draws.share("fault", site, visit) < work.fault:
            if draws.share("revisit", site, visit) < work.revisit:
                self._env.process(self._come_again(site))
                return
            yield from self._spend(draws.time("repair", work.repair, site, visit), self._busy)
            yield from self._spend(draws.time("retest", work.test, site, visit), self._busy)
        self._state.done[site] = self._env.now
        self._open -= 1

    def _come_again(self, site: int) -> Process:
        yield self._env.timeout(self._plan.revisit_after)
        self._put(site)
        news, self._news = self._news, self._env.event()
        news.succeed()

    def _spend(self, time: int, account: NDArray[np.int64]) -> Process:
        account[min(int(self._env.now) // DAY, LONGEST - 1)] += time
        yield self._env.timeout(time)

    def _take(self, province: str, district: str) -> int | None:
        """The next site for a crew that is there; None where no work is left for today."""
        if not self._left:
            return None
        if province not in self._left:
            away = self._metres[province]
            province = min(self._left, key=lambda p: (away[p], p))
        districts = self._left[province]
        if district not in districts:
            district = max(districts, key=lambda d: (len(districts[d]), d))
        sites = districts[district]
        site = sites.pop()
        if not sites:
            del districts[district]
        if not districts:
            del self._left[province]
        return site

    def _travel(self, here: tuple[str, str], there: tuple[str, str], site: int) -> int:
        travel, visit = self._plan.travel, int(self._state.visits[site])
        if here == there:
            return self._draws.time("travel", travel.within_district, site, visit)
        time = self._draws.time("travel", travel.within_province, site, visit)
        if here[0] != there[0]:
            metres = self._metres[here[0]][there[0]]
            time += round(metres * travel.detour / (travel.speed / 3.6) * SECOND)
        return time
