"""Records in memory: those that threads write stand in cache lines of their own."""

from typing import Any

import numpy as np
import pytest

from simulations.history import COPY
from simulations.layout import CACHE_LINE, unshared, zeros


@pytest.mark.parametrize("fields", [1, 7, 8, 9, 30])
def test_no_two_records_meet_in_a_cache_line(fields: int) -> None:
    kind = unshared([(f"f{number}", np.int64) for number in range(fields)])
    used = 8 * fields
    # Wherever the array begins, the last byte of one record and the next one's first are apart.
    assert kind.itemsize - used >= CACHE_LINE
    assert kind.itemsize % CACHE_LINE == 0


def test_fields_keep_their_names_types_and_values() -> None:
    kind = unshared([("a", np.int32), ("b", np.float64), ("c", [("d", np.int16)])])
    records = np.zeros(3, kind)
    records["a"], records["b"] = [1, 2, 3], [0.5, 1.5, 2.5]
    records["c"]["d"] = 7
    assert kind.names == ("a", "b", "c")
    assert [records[1][name].item() for name in "ab"] == [2, 1.5]
    assert records["c"]["d"].tolist() == [7, 7, 7]


@pytest.mark.parametrize("shape", [1, 3, 100_000, (7, 5)])
@pytest.mark.parametrize("kind", [COPY, np.dtype(np.uint32)])
def test_zeros_begin_with_a_cache_line(shape: int | tuple[int, ...], kind: np.dtype[Any]) -> None:
    arrays = [zeros(shape, kind) for _ in range(5)]
    for array in arrays:
        assert array.ctypes.data % CACHE_LINE == 0
        assert (array.dtype, array.shape) == (kind, np.zeros(shape).shape)
        assert array.flags.c_contiguous
        assert not array.view(np.uint8).any()
    arrays[0][:] = np.ones(1, kind)
    assert not arrays[1].view(np.uint8).any()  # each is memory of its own
