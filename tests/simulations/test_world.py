"""Counts restart with every interval; all other state goes on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from simulations.frames import PICTURE_COUNTS
from simulations.jitter_buffer import BUFFER_COUNTS
from simulations.legs import LEG_COUNTS
from simulations.nack import NACK_COUNTS
from simulations.receivers import STREAM_COUNTS
from simulations.world import TOGETHER, interleaved, restart_counts
from tests.simulations.networks import CLOSED, Playing, make_scenario, merged
from tests.simulations.test_conference import WILD, WILD_ACCESS

SECOND = 10**9


@pytest.mark.parametrize("loop", [{}, CLOSED], ids=["open", "closed"])
def test_counts_restart_and_packets_take_no_notice(loop: Mapping[str, Any]) -> None:
    scenario = make_scenario(merged(WILD, loop), endpoints=8)
    whole, halves = Playing(scenario), Playing(scenario)
    whole.advance(2 * SECOND)
    halves.advance(SECOND)
    first = {
        name: getattr(halves.engine.world, name).copy()
        for name in ("stations", "nodes", "uplinks", "downlinks", "meters")
    }
    restart_counts(halves.engine.world)
    halves.advance(2 * SECOND)
    counts = {
        "stations": ("packets", "dropped", "bytes", "burst_served", "delay_sum"),
        "nodes": ("packets", "cascaded", "copies", "dropped", "bytes"),
        "uplinks": ("packets", "dropped_policer", "dropped_queue", "lost", "bytes"),
        "downlinks": ("packets", "dropped_policer", "dropped_queue", "lost", "bytes"),
        "meters": ("packets", "bytes", "delay_sum", "played", "frames"),
    }
    for table, names in counts.items():
        all_of_it, second = (getattr(p.engine.world, table) for p in (whole, halves))
        for name in names:
            np.testing.assert_array_equal(all_of_it[name], first[table][name] + second[name])
        assert first[table][names[0]].sum() > 0
    for table, name in (("stations", "delay_max"), ("nodes", "delay_max"), ("meters", "delay_max")):
        all_of_it, second = (getattr(p.engine.world, table) for p in (whole, halves))
        np.testing.assert_array_equal(all_of_it[name], np.maximum(first[table][name], second[name]))
    for name in ("queue", "work", "burst_at"):
        np.testing.assert_array_equal(
            whole.engine.world.stations[name], halves.engine.world.stations[name]
        )


def test_every_count_of_receivers_belongs_to_one_interval() -> None:
    thin = {"down": {"rate": "300kbps", "buffer": "100ms"}, "loss": WILD_ACCESS["loss"]}
    rules = [{"carrier": "red", "access": "thin", "node": "south"}]
    changes = merged(CLOSED, {"access": {"thin": thin}, "endpoints": {"rules": rules}})
    scenario = make_scenario(changes, seed=5)
    whole, parts = Playing(scenario), Playing(scenario)
    counts = {
        "voices": STREAM_COUNTS,
        "pictures": STREAM_COUNTS,
        "voice_buffers": BUFFER_COUNTS,
        "screens": PICTURE_COUNTS,
        "nacks": NACK_COUNTS,
        "legs": LEG_COUNTS,
        "seats": ("bytes", "delay_sum", "delay_packets"),
    }
    whole.advance(2 * SECOND)
    sums: dict[tuple[str, str], Any] = {}
    for fifth in range(1, 11):
        world = parts.advance(fifth * SECOND // 5)
        for table, names in counts.items():
            for name in names:
                counted = getattr(world, table)[name].copy()
                sums[table, name] = sums.get((table, name), 0) + counted
        restart_counts(world)
    for (table, name), total in sums.items():
        np.testing.assert_array_equal(total, getattr(whole.world, table)[name], f"{table} {name}")
    for table in dict.fromkeys(of for of, _ in sums):
        assert any(np.sum(total) > 0 for (of, _), total in sums.items() if of == table), table


@pytest.mark.parametrize("endpoints", [1, 3, 7])
def test_rows_among_each_other_share_no_place(endpoints: int) -> None:
    rows = [[int(interleaved(endpoints, e, i)) for i in range(12)] for e in range(endpoints)]
    assert sorted(place for row in rows for place in row) == list(range(12 * endpoints))
    assert all(np.diff(row[:TOGETHER]).tolist() == [1] * (TOGETHER - 1) for row in rows)
