import pytest

from results.backups import rank_backups
from tests.results.sample_outcomes import FAULT
from tests.results.sample_run import make_run, with_backups


def test_the_dead_dish_comes_first() -> None:
    # make_run: one satellite dish is dead from 30 s of 60 s on.
    first = rank_backups(make_run())[0]
    row = next(
        row for row in make_run().tables["endpoints"].to_pylist() if row["site"] == first.group
    )
    assert row["access"] == "satellite"
    assert first.links == 1
    assert first.per_link == pytest.approx(0.5, abs=0.1)


def test_who_is_interrupted_needs_one_though_no_packet_was_lost() -> None:
    run = make_run()
    rows = run.tables["interruptions"].to_pylist()
    gone = {row["site"] for row in rows if row["back"] is None and row["fault"] == FAULT}
    found = {saving.group: saving.minutes for saving in rank_backups(run, spare=None)}
    assert [found[site] for site in gone] == pytest.approx([25 / 60] * 2, abs=0.01)


def test_groups_share_their_links() -> None:
    by_site, by_access = rank_backups(make_run()), rank_backups(make_run(), "access")
    assert sum(s.minutes for s in by_site) == pytest.approx(sum(s.minutes for s in by_access))
    assert sum(s.links for s in by_site) == sum(s.links for s in by_access)


def test_who_has_the_spare_kind_already_needs_none() -> None:
    found = {saving.group for saving in rank_backups(make_run(), "access", "satellite")}
    assert found == {"fibre", "dsl", "4g"}


def test_who_has_a_backup_already_needs_none() -> None:
    first, *others = rank_backups(make_run())
    found = rank_backups(with_backups(make_run(), {first.group}))
    assert found == others
