from types import SimpleNamespace

from synthetic_clients.state import LINKED
from synthetic_clients.tally import Tally
from tests.synthetic_clients.rtp import receiver


def test_every_packet_is_somewhere() -> None:
    state = receiver()
    state.clock[LINKED] = 1
    tally = Tally(state)
    state.endpoints[0]["tail"] = 2  # came in before the meeting
    tally.begin()
    state.downlinks[0]["packets"], state.downlinks[0]["cut"] = 10, 3
    state.meters[0]["packets"] = 8
    state.endpoints[0]["head"] = 1
    tally.take([SimpleNamespace(packets=5)])  # type: ignore[list-item]
    said = tally.said()
    assert said["entered"] == 12
    assert said["delivered"] + said["in_flight"] + said["lost"]["access cut down"] == 12
    assert said["published"] == 5
