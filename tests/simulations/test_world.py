"""Counts restart with every interval; all other state goes on."""

from typing import Any

import numpy as np

from simulations.world import restart_counts
from tests.simulations.networks import Playing, make_scenario
from tests.simulations.test_conference import WILD

SECOND = 10**9


def test_counts_restart_and_packets_take_no_notice() -> None:
    scenario = make_scenario(WILD, endpoints=8)
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
        "meters": ("packets", "bytes", "delay_sum", "audio_packets", "frames"),
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


def test_streams_expect_each_packet_in_one_interval() -> None:
    scenario = make_scenario({"media": {"audio": {"dtx": False}}})
    whole, parts = Playing(scenario), Playing(scenario)
    whole.advance(2 * SECOND)
    expected: Any = 0
    received: Any = 0
    frames: Any = 0
    for second in range(1, 11):
        streams = parts.advance(second * SECOND // 5).streams
        expected += streams["expected_before"] + streams["highest"] + 1 - streams["base"]
        frames += streams["frames_before"] + streams["frame"] + 1 - streams["frame_base"]
        received += streams["received"]
        restart_counts(parts.engine.world)
    streams = whole.engine.world.streams
    total = streams["expected_before"] + streams["highest"] + 1 - streams["base"]
    np.testing.assert_array_equal(expected, total)
    np.testing.assert_array_equal(received, streams["received"])
    total = streams["frames_before"] + streams["frame"] + 1 - streams["frame_base"]
    np.testing.assert_array_equal(frames, total)
