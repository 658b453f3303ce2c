"""Availability, second by second in plain Python, and on rows made for the case."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from results.availability import (
    USABLE_MOS,
    describe_availability,
    read_availability,
    read_presence,
)
from results.joining import read_joinings
from results.readings import endpoint_groups
from results.records import TABLES, Run
from results.report_outcomes import availability_section
from scenarios.faults import Incident
from scenarios.joining import Joining
from tests.results.test_adaptation import changed, samples

Row = dict[str, Any]


def without_outcomes(run: Run) -> Run:
    empty = {n: TABLES[n].empty_table() for n in ("sessions", "interruptions", "events")}
    return replace(run, tables={**run.tables, **empty})


CASES: list[tuple[str, Row, float | None]] = [
    ("all is well", {"audio_mos": 4.0, "connected_ratio": 1.0, "interrupted_ratio": 0.0}, 1.0),
    ("just usable", {"audio_mos": 2.59, "connected_ratio": 1.0, "interrupted_ratio": 0.0}, 1.0),
    ("too bad", {"audio_mos": 2.5, "connected_ratio": 1.0, "interrupted_ratio": 0.0}, 0.0),
    ("half gone", {"audio_mos": 4.0, "connected_ratio": 0.5, "interrupted_ratio": 0.0}, 0.5),
    ("interrupted", {"audio_mos": 4.0, "connected_ratio": 1.0, "interrupted_ratio": 0.25}, 0.75),
    ("both at once", {"audio_mos": 4.0, "connected_ratio": 0.5, "interrupted_ratio": 0.5}, 0.5),
    ("silence", {"audio_mos": None, "connected_ratio": 1.0, "interrupted_ratio": 0.0}, None),
    ("not there", {"audio_mos": None, "connected_ratio": 0.0, "interrupted_ratio": 0.0}, 0.0),
    ("an older run", {"audio_mos": 4.0, "connected_ratio": None, "interrupted_ratio": None}, 1.0),
]


@pytest.mark.parametrize(("values", "share"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_usable(run: Run, values: Row, share: float | None) -> None:
    found = read_availability(changed(without_outcomes(run), **values)).share()
    assert found is None if share is None else found == pytest.approx(share)


def test_time_counts_from_setting_out(run: Run) -> None:
    well = changed(run, audio_mos=4.0, connected_ratio=1.0, interrupted_ratio=0.0)
    found = read_availability(well)
    begins = {timing.endpoint["site"]: timing.time for timing in read_joinings(run)}
    sites = [row["site"] for row in run.tables["endpoints"].to_pylist()[:-1]]
    assert found.wanted == pytest.approx([60 - begins[site] for site in sites], rel=1e-6)


def test_shares_are_those_of_the_samples(run: Run) -> None:
    found = describe_availability(run)
    assert found is not None
    begins = {timing.endpoint["site"]: timing.time for timing in read_joinings(run)}
    for carrier in ("vnpt", "viettel"):
        wanted = usable = 0.0
        for row in samples(run, carrier=carrier):
            since = min(max(row["time"] + 5 - begins[row["site"]], 0), 5)
            there = min(row["connected_ratio"], 1 - row["interrupted_ratio"]) * 5
            wanted += since
            usable += min(there, since) if row["audio_mos"] >= USABLE_MOS else 0
        assert found["carrier"][carrier] == pytest.approx(usable / wanted, rel=1e-5)
    assert found["carrier"]["viettel"] < found["overall"] < found["carrier"]["vnpt"]


def test_presence_is_the_mean_over_endpoints(run: Run) -> None:
    group, names = endpoint_groups(run, "carrier")
    members = group == names.index("viettel")
    found = read_presence(run, members)
    rows = [row for row in samples(run, carrier="viettel") if row["time"] == 40]
    assert found.count == len(rows) == int(members.sum())
    assert found.connected[8] == pytest.approx(np.mean([row["connected_ratio"] for row in rows]))
    media = [min(row["connected_ratio"], 1 - row["interrupted_ratio"]) for row in rows]
    assert found.with_media[8] == pytest.approx(np.mean(media))
    nobody = read_presence(run, np.zeros(60, dtype=bool))
    assert np.isnan(nobody.connected).all()


def test_faults_and_joining_ask_for_it_even_if_nothing_came_of_them(run: Run) -> None:
    calm = without_outcomes(run)
    struck = replace(calm, tables={**calm.tables, "events": run.tables["events"]})
    fault = Incident.model_validate(
        {"kind": "cut", "of": "backbone{carrier=viettel}", "at": "1s", "for": "1s"}
    )
    stricken = replace(calm, scenario=calm.scenario.model_copy(update={"faults": (fault,)}))
    joined = replace(calm, scenario=calm.scenario.model_copy(update={"joining": Joining()}))
    everyone = read_availability(calm).share()
    # Whoever has not set out yet wants nothing.
    for each, share in ((struck, everyone), (stricken, everyone), (joined, None)):
        told = describe_availability(each)
        assert told is not None
        assert told["overall"] == share
        assert availability_section(each) is not None


def test_where_nobody_joins_and_all_is_well_there_is_nothing_to_tell(run: Run) -> None:
    assert describe_availability(without_outcomes(run)) is None
