"""What nodes made of endpoints' links, against the tables."""

from collections import Counter
from dataclasses import replace
from statistics import median_low
from typing import Any

import pyarrow as pa
import pytest

from results.adaptation import (
    ALL,
    AUDIO_ONLY,
    audio_only_endpoints,
    describe_adaptation,
    groups_of,
    profile_of,
    read_estimates,
    read_layers,
    voice_rate,
    voiceless_links,
)
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE
from tests.results.sample_run import make_scenario

Row = dict[str, Any]


def samples(run: Run, **attributes: str) -> list[Row]:
    """Samples of the endpoints that have ``attributes``."""
    wanted = {
        row["site"]
        for row in run.tables["endpoints"].to_pylist()
        if row["site"] != COMMAND_CENTRE and attributes.items() <= row.items()
    }
    return [row for row in run.tables["samples"].to_pylist() if row["site"] in wanted]


def changed(run: Run, **values: object) -> Run:
    """``run`` with the same values in every sample."""
    schema = run.tables["samples"].schema
    rows = [row | values for row in run.tables["samples"].to_pylist()]
    return replace(run, tables={**run.tables, "samples": pa.Table.from_pylist(rows, schema)})


@pytest.mark.parametrize("attributes", [{}, {"access": "4g"}, {"access": "satellite"}])
def test_shares_of_layers_are_those_of_the_samples(run: Run, attributes: dict[str, str]) -> None:
    layers = read_layers(run)
    assert layers.names == ("low", "mid", "high", AUDIO_ONLY)
    group = attributes.get("access", ALL)
    shares = layers.shares(groups_of(run, "access")[group])
    rows = samples(run, **attributes)
    counts = Counter(row["layer"] or AUDIO_ONLY for row in rows)
    assert shares.tolist() == pytest.approx([counts[name] / len(rows) for name in layers.names])
    assert shares.sum() == pytest.approx(1)


def test_for_whom_nothing_is_meant_nothing_is_missing(run: Run) -> None:
    # Who has the floor is sent no picture and no packet: it has no audio alone either.
    quiet = changed(run, layer=None, packet_loss=None)
    layers = read_layers(quiet)
    assert not layers.known
    assert layers.audio_only.tolist() == [0.0] * 60


def test_estimates_are_compared_with_what_the_link_was(run: Run) -> None:
    found = read_estimates(run)
    rows = [row for row in samples(run) if row["estimate"] and row["capacity"]]
    assert len(found.estimate) == len(rows) == 720
    above = sum(row["estimate"] > row["capacity"] for row in rows) / len(rows)
    assert 0 < above < 0.5
    assert found.above == pytest.approx(above)
    own = found.of(groups_of(run, "access")["4g"])
    assert len(own.estimate) == len(samples(run, access="4g"))


def test_an_estimate_of_a_link_that_carries_nothing_is_above_its_capacity(run: Run) -> None:
    dead = read_estimates(changed(run, capacity=0.0))
    assert dead.above == 1.0
    assert len(dead.carrying.estimate) == 0
    assert read_estimates(changed(run, capacity=None)).above is None
    every = read_estimates(run)
    assert len(every.carrying.estimate) == len(every.estimate)


def test_who_had_audio_alone_comes_longest_first(run: Run) -> None:
    found = audio_only_endpoints(run)
    rows = samples(run)
    deprived = {row["site"] for row in rows if row["layer"] is None}
    assert {each.row["site"] for each in found} == deprived
    shares = [each.share for each in found]
    assert shares == sorted(shares, reverse=True)
    worst = [row for row in rows if row["site"] == found[0].row["site"]]
    alone = [row for row in worst if row["layer"] is None]
    assert found[0].share == pytest.approx(len(alone) / len(worst))
    assert found[0].estimate == pytest.approx(median_low(row["estimate"] for row in alone))
    # A median is one of the values, as any percentile is: the lower of the middle two.
    assert len(alone) % 2 == 0
    assert found[0].capacity == pytest.approx(median_low(row["capacity"] for row in alone))


def test_the_summary_tells_shares_by_group(run: Run) -> None:
    found = describe_adaptation(run)
    assert found is not None
    assert found["profile"] == "libwebrtc"
    assert list(found["layers"]["carrier"]) == [ALL, "vnpt", "viettel"]
    assert sum(found["layers"]["access"]["4g"].values()) == pytest.approx(1)
    assert found["above_capacity"]["access"][ALL] == read_estimates(run).above
    assert found["audio_only_endpoints"] == len(audio_only_endpoints(run)) > 0


def test_all_with_audio_alone_is_not_passed_over(run: Run) -> None:
    worst = changed(run, layer=None)
    assert read_layers(worst).known
    assert len(audio_only_endpoints(worst)) == 60
    found = describe_adaptation(worst)
    assert found is not None
    assert found["audio_only_endpoints"] == 60
    # Where nobody was to see a picture, or clients tell of no layers, nothing is missing.
    for silent in (changed(run, layer=None, freeze_ratio=None), replace(worst, mode="live")):
        assert not read_layers(silent).known
        assert audio_only_endpoints(silent) == []


def test_an_open_loop_has_nothing_to_tell(run: Run) -> None:
    media = {"congestion_control": {"profile": "none"}}
    scenario = make_scenario(media={**run.scenario.media.model_dump(), **media})
    open_loop = replace(changed(run, layer=None, estimate=None), scenario=scenario)
    assert profile_of(open_loop) is None
    assert describe_adaptation(open_loop) is None
    assert audio_only_endpoints(open_loop) == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"connected_ratio": 0.0}, "not connected"),
        ({"capacity": 32e3}, "not even the voice fits the link: it takes 52.0 kb/s"),
        ({"estimate": 60e3}, "the lowest layer at its full rate and the voice take 202 kb/s"),
        ({"estimate": 1e6}, "the lowest layer fits: no picture had come to the node"),
    ],
)
def test_why_someone_had_audio_alone(run: Run, values: Row, reason: str) -> None:
    wide = {"connected_ratio": 1.0, "capacity": 1e6, "estimate": 1e6, "layer": None}
    assert {each.reason for each in audio_only_endpoints(changed(run, **wide | values))} == {reason}


def test_links_narrower_than_a_voice_are_found_either_way(run: Run) -> None:
    # 32 kb/s in packets of 20 ms, each with 50 bytes of headers.
    assert voice_rate(run) == 52e3
    narrow = {row["site"] for row in samples(run) if row["capacity"] < 52e3}
    assert {each.row["site"] for each in voiceless_links(run)} == narrow
    assert voiceless_links(changed(run, capacity=52e3)) == []
    down = voiceless_links(changed(run, capacity=51e3))
    assert len(down) == 60
    assert {(each.direction, each.share) for each in down} == {("downlink", 1.0)}
    # An uplink counts while it has anything to send.
    (up,) = voiceless_links(changed(run, capacity=52e3, uplink_capacity=51e3))
    assert (up.row["site"], up.direction, up.share) == ("p79", "uplink", 1.0)
