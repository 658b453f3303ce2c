import os
import signal
import threading
import time
from typing import Any

from scenarios.loading import load_scenario
from synthetic_clients.assignment import Assignment
from synthetic_clients.fleet import Fleet, shares


def test_endpoints_are_dealt_evenly_and_nobody_twice() -> None:
    dealt = shares(list(range(10)), 4)
    assert sorted(map(len, dealt)) == [2, 2, 3, 3]
    assert sorted(e for share in dealt for e in share) == list(range(10))
    assert shares([1, 2], 8) == [[1], [2]]
    assert shares([], 3) == [[]]


def test_a_process_that_is_killed_is_gone_and_the_others_stop_when_told() -> None:
    said: list[tuple[int, Any]] = []
    enough = threading.Event()

    def hear(process: int, message: Any, payload: bytes) -> None:
        said.append((process, message["kind"]))
        if [kind for _, kind in said].count("gone") == 2:
            enough.set()

    scenario = load_scenario("smoke", ["endpoints.sample=10"])
    assignment = Assignment(
        scenario, [0, 1], frozenset(), "sfu+http://127.0.0.1:9", None, time.time_ns()
    )
    fleet = Fleet(assignment, 2, hear)
    assert len(fleet) == 2
    os.kill(fleet.pids[0], signal.SIGKILL)
    fleet.stop()
    assert enough.wait(240)
    fleet.close()
    assert (0, "gone") in said
    assert (1, "gone") in said
    fleet.stop()  # tells nobody
