"""The retransmission cache."""

import pytest

from reference_sfu.history import History
from reference_sfu.rtp import Packet


def packet(sequence: int) -> Packet:
    return Packet(96, sequence, 0, 1, b"")


def test_the_last_packets_are_found_and_no_others() -> None:
    history = History(8)
    for number in range(65_530, 65_550):
        assert history.keep(packet(number & 0xFFFF), number)
    for number in range(65_530, 65_550):
        found = history.find(number & 0xFFFF)
        if number < 65_542:
            assert found is None
        else:
            assert found is not None
            assert (found[0].sequence, found[1]) == (number & 0xFFFF, number)


def test_a_packet_is_kept_once() -> None:
    history = History(8)
    assert history.keep(packet(3), 1)
    assert not history.keep(packet(3), 2)
    found = history.find(3)
    assert found is not None
    assert found[1] == 1
    assert history.keep(packet(11), 3)


@pytest.mark.parametrize("size", [0, -4, 3, 1 << 16])
def test_sizes_at_which_the_ring_would_not_close_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"{size}"):
        History(size)
