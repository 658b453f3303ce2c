"""What is worst must be what the run was made with: a dead dish, full 4G cells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from results.records import Run
from results.worst import find_worst
from scenarios.meeting import Wall

Row = dict[str, Any]


def changed(run: Run, table: str, change: Callable[[Row], Row]) -> Run:
    """``run`` with every row of ``table`` changed."""
    rows = [change(row) for row in run.tables[table].to_pylist()]
    schema = run.tables[table].schema
    return replace(run, tables={**run.tables, table: pa.Table.from_pylist(rows, schema=schema)})


def endpoints(run: Run, metric: str) -> list[Row]:
    return [row for row in find_worst(run)["endpoints"] if row["metric"] == metric]


def group(run: Run, metric: str, attribute: str) -> Row | None:
    rows = find_worst(run)["groups"]
    return next((r for r in rows if (r["metric"], r["attribute"]) == (metric, attribute)), None)


@pytest.fixture(scope="module")
def dead(run: Run) -> Row:
    """The endpoint whose dish is dead."""
    silent = next(r["site"] for r in run.tables["samples"].to_pylist() if r["packet_loss"] == 1)
    return next(row for row in run.tables["endpoints"].to_pylist() if row["site"] == silent)


def test_the_dead_dish_loses_most(run: Run, dead: Row) -> None:
    worst = endpoints(run, "packet_loss")
    assert len(worst) == 5
    assert [row["value"] for row in worst] == sorted((r["value"] for r in worst), reverse=True)
    assert worst[0]["site"] == dead["site"]
    assert worst[0]["name"] == dead["name"]
    assert worst[0]["value"] == pytest.approx(0.51, abs=0.01)
    assert worst[0]["reason"] == (
        "100% of the losses on the access link itself, nothing arrived in 50% of the intervals"
    )


def test_who_has_the_floor_misses_nothing(run: Run, dead: Row) -> None:
    speaking = changed(
        run,
        "samples",
        lambda row: (
            row | {"packet_loss": None if row["time"] >= 30 else row["packet_loss"]}
            if row["site"] == dead["site"]
            else row
        ),
    )
    assert not any("nothing arrived" in row["reason"] for row in find_worst(speaking)["groups"])


def test_satellite_is_worst_in_every_way(run: Run) -> None:
    for metric in ("packet_loss", "mouth_to_ear_delay", "audio_mos"):
        row = group(run, metric, "access")
        assert row is not None
        assert (row["group"], row["endpoints"]) == ("satellite", 5), metric
    delay = group(run, "mouth_to_ear_delay", "access")
    assert delay is not None
    assert delay["reason"].startswith("access takes ")


def test_scores_are_worst_when_low(run: Run, dead: Row) -> None:
    worst = endpoints(run, "audio_mos")
    assert worst[0]["site"] == dead["site"]
    assert [row["value"] for row in worst] == sorted(row["value"] for row in worst)


def test_losses_before_the_access_link_name_the_link(run: Run) -> None:
    province = "Cà Mau"
    sites = {r["site"] for r in run.tables["endpoints"].to_pylist() if r["province"] == province}
    starved = changed(
        run,
        "samples",
        lambda row: (
            row | {"packet_loss": 0.9, "packets_received": 60, "downlink_packets": 60}
            if row["site"] in sites
            else row
        ),
    )
    row = group(starved, "packet_loss", "province")
    assert row is not None
    assert row["group"] == province
    assert row["reason"].endswith("before the access link")

    drops = {f"aggregation {c} {province} down": 7 for c in ("vnpt", "viettel")}
    drops |= {"aggregation vnpt An Giang down": 99, f"aggregation vnpt {province} up": 99}
    carriers = {row["carrier"] for row in starved.tables["endpoints"].to_pylist()}
    assert carriers == {"vnpt", "viettel"}
    full = changed(
        starved,
        "links",
        lambda row: row | {"packets_dropped": drops.get(row["link"], 0)},
    )
    row = group(full, "packet_loss", "province")
    assert row is not None
    # Other provinces' links and the way up have no part in it.
    assert "most drops at aggregation v" in row["reason"]
    assert f"{province} down" in row["reason"]

    busy = changed(full, "nodes", lambda row: row | {"copies_dropped": 50})
    row = group(busy, "packet_loss", "province")
    assert row is not None
    assert "most drops at node h" in row["reason"]


def test_without_loss_nothing_is_worst_at_it(run: Run) -> None:
    perfect = changed(run, "samples", lambda row: row | {"packet_loss": 0.0})
    assert endpoints(perfect, "packet_loss") == []
    assert group(perfect, "packet_loss", "access") is None
    assert endpoints(perfect, "audio_mos")


def test_an_attribute_that_all_share_has_no_worst_group(run: Run) -> None:
    alike = changed(run, "endpoints", lambda row: row | {"carrier": "vnpt"})
    assert group(alike, "audio_mos", "carrier") is None
    assert group(alike, "audio_mos", "access") is not None


def test_the_command_centre_takes_no_part(run: Run) -> None:
    deaf = changed(
        run,
        "samples",
        lambda row: row | {"packet_loss": 1.0} if row["site"] == "command-centre" else row,
    )
    assert find_worst(deaf) == find_worst(run)


def test_time_without_media_comes_first_among_reasons(run: Run, dead: Row) -> None:
    # Packets that nobody sent are not lost.
    out = changed(
        run,
        "samples",
        lambda row: (
            row | {"interrupted_ratio": 0.43, "freeze_ratio": 0.9, "audio_mos": 1.0}
            if row["site"] == dead["site"]
            else row | {"interrupted_ratio": 0.005}
        ),
    )
    for metric in ("freeze_ratio", "audio_mos"):
        first, second = endpoints(out, metric)[:2]
        assert first["site"] == dead["site"]
        assert first["reason"].startswith("no media for 43% of the time, "), metric
        assert "no media" not in second["reason"]
    # Five endpoints: 43 % of one's time and 0.5 % of the others'.
    row = group(out, "freeze_ratio", "access")
    assert row is not None
    assert row["group"] == "satellite"
    assert row["reason"].startswith("no media for 9% of the time, ")
    older = changed(run, "samples", lambda row: row | {"interrupted_ratio": None})
    assert not any("no media" in row["reason"] for row in endpoints(older, "audio_mos"))


def lossy_uplink(row: Row, publisher: str) -> Row:
    """A sample of a meeting in which one publisher's uplink loses 40 packets in each interval,
    which come to everyone in the end, for they are sent again."""
    lost = 40 if row["site"] == publisher and row["uplink_bitrate"] is not None else 0
    return row | {
        "packet_loss": 0.1, "packets_received": row["packets_expected"], "uplink_lost": lost,
        "downlink_lost": 0, "downlink_dropped_queue": 0, "downlink_dropped_policer": 0,
    }  # fmt: skip


@pytest.mark.parametrize("publisher", ["p79", "command-centre"])
def test_losses_on_a_publishers_uplink_name_it(run: Run, publisher: str) -> None:
    lossy = changed(run, "samples", lambda row: lossy_uplink(row, publisher))
    (name,) = (r["name"] for r in run.tables["endpoints"].to_pylist() if r["site"] == publisher)
    expected = (
        f"100% of the losses before the access link, most on the uplink of {name} ({publisher})"
    )
    others = [row for row in endpoints(lossy, "packet_loss") if row["site"] != publisher]
    assert others
    assert {row["reason"] for row in others} == {expected}
    row = group(lossy, "packet_loss", "carrier")
    assert row is None or row["reason"] == expected


def dropping(copies: int) -> Callable[[Row], Row]:
    return lambda row: row | {"copies_dropped": copies}


def test_what_all_miss_outweighs_what_one_of_many_misses(run: Run) -> None:
    lossy = changed(run, "samples", lambda row: lossy_uplink(row, "p79"))
    # Of 60 endpoints each misses one drop in 61 of a node; the uplink's 40 they all miss.
    for copies, named in ((100, "uplink of "), (3000, "most drops at node h")):
        both = changed(lossy, "nodes", dropping(copies))
        # Its own uplink does not come between the publisher and what it is sent.
        others = [row for row in endpoints(both, "packet_loss") if row["site"] != "p79"]
        assert all(named in row["reason"] for row in others)


def test_who_is_on_the_wall_alone_costs_the_endpoints_nothing(run: Run) -> None:
    lossy = changed(run, "samples", lambda row: lossy_uplink(row, "p79"))
    silent = changed(lossy, "events", lambda row: row | {"subject": "command-centre"})
    meeting = silent.scenario.meeting
    walled = silent.scenario.model_copy(
        update={"meeting": meeting.model_copy(update={"wall": Wall(tiles=4, layer="low")})}
    )
    first = endpoints(replace(silent, scenario=walled), "packet_loss")[0]
    assert first["reason"] == "100% of the losses before the access link"
