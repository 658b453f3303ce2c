import json
import math
from dataclasses import replace

import pytest

from results.comebacks import HEADINGS, Comeback, comeback_of, pooled
from results.interruptions import percentile, read_interruptions
from results.joining import rate_of, read_sessions, retries
from results.records import TABLES, Run
from tests.results.sample_outcomes import DIED

ONE = Comeback((1.0, 3.0, math.inf), (0.0, 4.0, 2.0))


def test_a_run_s_comeback_is_that_of_its_tables(run: Run) -> None:
    found, expected = comeback_of(run), read_interruptions(run)
    assert list(found.seconds) == sorted(each.seconds for each in expected)
    assert found.rank(50) == percentile(expected, 50)
    assert found.lost == 3
    counts = rate_of(run, retries(read_sessions(run))).counts[int(DIED) :]
    assert list(found.retries) == counts.tolist()  # seconds count from the first fault on
    assert found.peak == counts.max()


def test_where_nothing_happened_there_is_nothing(run: Run) -> None:
    empty = {name: TABLES[name].empty_table() for name in ("sessions", "interruptions", "events")}
    found = comeback_of(replace(run, tables={**run.tables, **empty}))
    assert (found.seconds, found.peak, found.rank(50)) == ((), 0.0, None)


def test_a_table_tells_of_it() -> None:
    cells = dict(zip(HEADINGS, ONE.cells(), strict=True))
    assert cells == {
        "Interruptions": "3",
        "Never back": "1",
        "p50": "3,000 ms",
        "p99": "never",
        "max": "never",
        "Retries": "6",
        "Peak per second": "4",
    }


def test_what_is_kept_comes_back() -> None:
    assert Comeback.from_json(json.loads(json.dumps(ONE.to_json(), allow_nan=False))) == ONE
    with pytest.raises(KeyError):
        Comeback.from_json({"seconds": []})


def test_several_runs_have_all_interruptions_and_mean_retries() -> None:
    other = Comeback((2.0,), (2.0,))
    assert pooled([ONE, other]) == Comeback((1.0, 2.0, 3.0, math.inf), (1.0, 2.0, 1.0))
    assert pooled([ONE]) == ONE
    assert pooled([]) == Comeback((), ())
