import pytest

from results.backups import rank_backups
from tests.results.sample_run import make_run


def test_the_dead_dish_comes_first() -> None:
    # make_run: one satellite dish is dead from 30 s of 60 s on.
    first = rank_backups(make_run())[0]
    row = next(
        row for row in make_run().tables["endpoints"].to_pylist() if row["site"] == first.group
    )
    assert row["access"] == "satellite"
    assert first.links == 1
    assert first.per_link == pytest.approx(0.5, abs=0.1)


def test_groups_share_their_links() -> None:
    by_site, by_access = rank_backups(make_run()), rank_backups(make_run(), "access")
    assert sum(s.minutes for s in by_site) == pytest.approx(sum(s.minutes for s in by_access))
    assert sum(s.links for s in by_site) == sum(s.links for s in by_access)


def test_who_has_the_spare_kind_already_needs_none() -> None:
    assert {saving.group for saving in rank_backups(make_run(), "access", "satellite")} <= {"4g"}
