import itertools

from synthetic_clients.descriptions import RID, Slot
from synthetic_clients.outlets import HISTORY, Outlet
from tests.synthetic_clients.test_publishing import FakeWire

SLOTS = [Slot("0", "audio", 111, None), Slot("1", "video", 96, None)]


def outlet(**wire: bool) -> Outlet:
    return Outlet(FakeWire(**wire), SLOTS, [5, 6])  # type: ignore[arg-type]


def test_packets_are_numbered_by_stream_and_kept() -> None:
    found = outlet()
    packets = [found.packet("video", "", b"x", 0, 0, True) for _ in range(HISTORY + 1)]
    numbers = [int.from_bytes(packet[2:4], "big") for packet in packets if packet]
    assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)} == {1}
    assert found.kept(6, numbers[-2:]) == packets[-2:]
    assert found.kept(6, numbers[:1]) == [None]
    assert found.kept(5, numbers[-1:]) == ()  # a voice is not sent again


def test_nothing_goes_out_over_a_session_that_is_gone() -> None:
    assert outlet(connected=False).packet("audio", "", b"x", 0, 0, False) is None


def test_encodings_are_streams_of_their_own_with_their_names() -> None:
    video = Slot("1", "video", 96, None, {RID: 3}, encodings=("low", "high"))
    found = Outlet(FakeWire(), [SLOTS[0], video], [5, 6])  # type: ignore[arg-type]
    low, high = (found.packet("video", name, b"x", 0, 0, True) for name in ("low", "high"))
    assert low is not None
    assert high is not None
    assert low[8:12] != high[8:12]
    assert low[16:20] == b"\x32low"
    assert high[16:21] == b"\x33high"
    assert found.encoding_of(6) == "low"
    assert found.encoding_of(5) == ""
    assert found.encoding_of(7) is None
    assert found.kept(6, [int.from_bytes(low[2:4], "big")]) == [low]
