"""The hand-made run is what it says it is; the other tests lean on it."""

import numpy as np
import pyarrow.compute as pc

from results.records import TABLES, Run
from tests.results.sample_run import make_run


def test_every_table_has_its_schema(run: Run) -> None:
    for name, schema in TABLES.items():
        assert run.tables[name].schema.equals(schema), name
        run.tables[name].validate(full=True)


def test_packets_are_accounted_for(run: Run) -> None:
    assert run.accounting.balanced
    assert run.accounting.sent > 400_000


def test_histograms_count_the_packets_of_the_samples(run: Run) -> None:
    histograms = run.tables["histograms"]
    delays = histograms.filter(pc.equal(histograms["metric"], "one_way_delay"))
    assert pc.sum(delays["count"]).as_py() == run.accounting.delivered


def test_same_seed_same_run(run: Run) -> None:
    again, other = make_run(), make_run(seed=8)
    assert all(again.tables[name].equals(run.tables[name]) for name in TABLES)
    assert not np.array_equal(other.tables["samples"]["jitter"], run.tables["samples"]["jitter"])
