"""Packet groups, against plain lists of packets."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.arrivals import GROUPS, LONGEST_BURST, UNENDING_BURST, restart, take
from tests.simulations.reference_delays import MS, Delta, Groups

Packets = list[tuple[int, int]]  # sent, arrival


def grouped(packets: Packets, longest_burst: int = LONGEST_BURST) -> list[Delta]:
    """What the kernel makes of packets."""
    groups: Any = np.zeros(1, GROUPS)[0]
    restart(groups)
    return [
        Delta(
            int(groups["sent_delta"]), int(groups["arrival_delta"]), int(groups["before_arrival"])
        )
        for sent, arrival in packets
        if take(groups, sent, arrival, longest_burst)
    ]


SOME_TIME = st.one_of(st.integers(0, 12 * MS), st.sampled_from([0, MS, 5 * MS, 5 * MS + 1]))


@st.composite
def packets_of(draw: st.DrawFn) -> Packets:
    """Packets through a queue that now and then stalls; some overtake, and some come unordered."""
    sent = arrival = draw(st.integers(0, 2**50))
    packets = []
    for _ in range(draw(st.integers(1, 80))):
        sent += draw(SOME_TIME)
        kind = draw(st.sampled_from(["steady", "late", "burst", "overtaking"]))
        match kind:
            case "steady":
                arrival = max(arrival, sent) + draw(SOME_TIME)
            case "late":
                arrival = max(arrival, sent) + draw(st.integers(0, 150 * MS))
            case "burst":
                arrival += draw(st.integers(0, 6 * MS))
            case "overtaking":
                arrival -= draw(st.integers(0, 10 * MS))
        packets.append((sent, arrival))
    if draw(st.booleans()):
        packets.sort(key=lambda packet: packet[1])
    return packets


@given(packets_of(), st.booleans())
def test_groups(packets: Packets, drafted: bool) -> None:
    plain = Groups(None if drafted else 100 * MS)
    expected = [delta for packet in packets if (delta := plain.take(*packet))]
    assert grouped(packets, UNENDING_BURST if drafted else LONGEST_BURST) == expected


def test_packets_sent_within_5_ms_are_a_group() -> None:
    sent = [0, 3, 5, 6, 9, 11, 12, 20, 31]  # 0–5, 6–11, 12, 20, 31
    arrivals = [50, 54, 58, 62, 66, 70, 80, 90, 101]
    packets = [(s * MS, a * MS) for s, a in zip(sent, arrivals, strict=True)]
    assert grouped(packets) == [
        Delta(6 * MS, 12 * MS, 70 * MS),  # from 5 to 11, and from 58 to 70
        Delta(MS, 10 * MS, 80 * MS),
        Delta(8 * MS, 10 * MS, 90 * MS),
    ]


@pytest.mark.parametrize(("gap", "deltas"), [(5 * MS, 0), (5 * MS + 1, 4)])
def test_what_an_opening_queue_releases_is_one_group(gap: int, deltas: int) -> None:
    """Sent every 10 ms, held back, then released ``gap`` apart."""
    packets = [(10 * MS * i, 200 * MS + gap * i) for i in range(6)]
    assert len(grouped(packets)) == deltas


def test_a_burst_ends_after_100_ms_but_in_the_draft() -> None:
    packets = [(10 * MS * i, 10**9 + 4 * MS * i) for i in range(60)]
    assert len(grouped(packets)) == 1
    assert grouped(packets)[0] == Delta(250 * MS, 100 * MS, 10**9 + 196 * MS)
    assert not grouped(packets, UNENDING_BURST)


def test_after_three_groups_out_of_order_all_starts_anew() -> None:
    late = [(0, 900 * MS), (10 * MS, 901 * MS + 6 * MS), (20 * MS, 30 * MS)]
    after = [(10 * MS * i, 10 * MS * i + 10 * MS) for i in range(3, 12)]
    deltas = grouped([*late, *after])
    # Three groups are lost on noticing, two begin anew.
    assert [delta.at // MS for delta in deltas] == [80, 90, 100, 110]
    assert all(delta.sent == delta.arrival == 10 * MS for delta in deltas)
