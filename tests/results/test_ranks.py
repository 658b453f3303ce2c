import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.ranks import order


@given(st.integers(1, 5000), st.integers(0, 1000))
def test_it_is_the_first_place_that_covers_the_rank(count: int, tenths: int) -> None:
    place = order(tenths / 10, count)
    assert 1 <= place <= count
    assert place * 1000 >= tenths * count
    assert place == 1 or (place - 1) * 1000 < tenths * count


@given(st.lists(st.integers(1, 10**10), min_size=1), st.sampled_from([0, 5, 29, 50.5, 99.9, 100]))
def test_many_counts_are_as_one(counts: list[int], rank: float) -> None:
    found = order(rank, np.array(counts, dtype=np.int64))
    assert found.tolist() == [order(rank, count) for count in counts]


@pytest.mark.parametrize(
    ("rank", "count", "place"),
    [("99.9", 1000, 999), (99.9, 1000, 999), (7, 100, 7), (0, 9, 1), (100, 9, 9), (50, 1, 1)],
)
def test_ranks_are_taken_as_they_are_written(rank: float | str, count: int, place: int) -> None:
    assert order(rank, count) == place
