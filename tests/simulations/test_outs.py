"""Forwarding: what a receiver's stream is sent, and how it is renumbered."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.layout import CACHE_LINE, zeros
from simulations.outs import OUT, begin, is_ahead, number_of, out_index, takes_picture
from simulations.packets import PACKET
from simulations.settings import SETTINGS
from tests.simulations.loops import record

LOW, HIGH, OTHER = 10, 11, 20
"""Sources: two layers of one publisher, and another's."""


def new_out(**fields: Any) -> Any:
    return record(OUT, **{"source": -1, "highest": -1, "wanted": 0, "layer": -1, **fields})


def packet(source: int, sequence: int, *, key: bool = False, index: int = 0, **more: Any) -> Any:
    layer = 1 if source == HIGH else 0
    fields = {"source": source, "sequence": sequence, "key": key, "index": index, "layer": layer}
    return record(PACKET, **{**fields, **more})


@given(st.lists(st.tuples(st.sampled_from([LOW, HIGH, OTHER]), st.integers(0, 5))))
def test_numbers_are_contiguous_whoever_is_shown(turns: Sequence[tuple[int, int]]) -> None:
    out, next_of, numbers = new_out(), {LOW: 100, HIGH: 7, OTHER: 0}, []
    for source, count in turns:
        begin(out, packet(source, next_of[source]))
        for _ in range(count):
            numbers.append(number_of(out, packet(source, next_of[source])))
            next_of[source] += 1
        next_of[source] += 3  # sent while another was forwarded
    assert numbers == list(range(len(numbers)))


def test_what_is_lost_before_the_node_leaves_a_gap_and_what_comes_late_fills_it() -> None:
    out = new_out()
    begin(out, packet(LOW, 50))
    numbers = [number_of(out, packet(LOW, sequence)) for sequence in (50, 53, 51, 54)]
    assert numbers == [0, 3, 1, 4]
    begin(out, packet(OTHER, 9))
    assert number_of(out, packet(OTHER, 9)) == 5
    # what was sent before the source began belongs to no number of it
    assert number_of(out, packet(OTHER, 8)) < out["first"]


def test_a_packet_is_ahead_where_one_before_it_has_not_come() -> None:
    out, found = new_out(), []
    begin(out, packet(LOW, 50))
    for sequence in (50, 53, 51, 54, 56):
        found.append(is_ahead(out, packet(LOW, sequence)))
        number_of(out, packet(LOW, sequence))
    assert found == [False, True, False, False, True]


@pytest.mark.parametrize(
    ("out", "coming", "meant", "taken"),
    [
        ({"source": LOW}, packet(LOW, 5), True, True),
        ({"source": LOW}, packet(LOW, 5), False, True),  # until the next one is there
        ({}, packet(LOW, 5, key=True), True, True),
        ({}, packet(LOW, 5), True, False),  # only a key frame can be decoded
        ({}, packet(LOW, 5, key=True, index=1), True, False),  # from its beginning on
        ({}, packet(LOW, 5, key=True, again=1), True, False),
        ({}, packet(LOW, 5, key=True), False, False),
        ({"source": LOW, "wanted": 1}, packet(HIGH, 5, key=True), True, True),
        ({"source": LOW, "wanted": 1}, packet(LOW, 5), True, True),
        ({"source": HIGH, "wanted": 1}, packet(LOW, 5, key=True), True, False),
        ({"wanted": -1}, packet(LOW, 5, key=True), True, False),  # no room for any layer
    ],
)
def test_a_change_waits_for_a_key_frame(
    out: dict[str, Any], coming: Any, meant: bool, taken: bool
) -> None:
    stream = new_out(**out)
    assert takes_picture(stream, coming, meant) == taken
    if taken:
        assert stream["source"] == coming["source"]


def test_every_stream_of_every_endpoint_has_its_place_and_tiles_are_the_centres() -> None:
    settings, endpoints, tiles = record(SETTINGS, voices=2, pictures=3), 4, 3
    places = [int(out_index(settings, endpoints, s, e)) for s in range(5) for e in range(endpoints)]
    places += [int(out_index(settings, endpoints, 5 + t, endpoints - 1)) for t in range(tiles)]
    assert sorted(places) == list(range(5 * endpoints + tiles))


def test_neighbours_share_no_cache_line() -> None:
    outs = zeros(3, OUT)
    begins = [out.ctypes.data for out in np.split(outs, 3)]
    lines = [{begin // CACHE_LINE, (begin + OUT.itemsize - 1) // CACHE_LINE} for begin in begins]
    assert [len(each) for each in lines] == [1, 1, 1]
    assert len(set.union(*lines)) == 3
