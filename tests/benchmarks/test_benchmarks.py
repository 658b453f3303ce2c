"""The benchmarks run, and what they compare is the same."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as front
from benchmarks import briefing, levels, twenty_links
from scenarios.loading import load_scenario


@pytest.mark.parametrize("threads", [1, 2])
def test_everyone_gives_the_same_departures(threads: int) -> None:
    workload = twenty_links.make_workload(300)
    engine = twenty_links.EngineLinks(workload, threads)
    for _ in range(2):  # rewound, it plays the same again
        engine.rewind()
        engine.play()
        departures = engine.departures()
        assert (departures == twenty_links.kernel_departures(workload)).all()
    assert (departures == twenty_links.simpy_departures(workload)).all()
    np.testing.assert_allclose(twenty_links.ns_departures(workload), departures, rtol=0, atol=1)
    waits = departures - workload.arrivals - workload.sizes * 80
    assert waits.min() == 0
    assert waits.mean() > 10_000  # there is a queue to speak of


def test_departures_that_differ_are_no_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twenty_links, "PACKETS", 50)
    monkeypatch.setattr(
        twenty_links, "make_workload", lambda make=twenty_links.make_workload: make(50)
    )
    late = twenty_links.ns_departures
    monkeypatch.setattr(twenty_links, "ns_departures", lambda workload: late(workload) + 2)
    with pytest.raises(AssertionError, match="differ"):
        twenty_links.run(1)


def test_wider_links_are_as_much_wider_as_asked_for() -> None:
    base = load_scenario("national-briefing")
    wide = load_scenario("national-briefing", briefing.wider(10))
    for name, carrier in base.carriers.items():
        other = wide.carriers[name]
        for link in ("backbone", "aggregation", "peering"):
            assert getattr(other, link).capacity == 10 * getattr(carrier, link).capacity
        for province, shared in carrier.provinces.items():
            assert other.provinces[province].capacity == 10 * shared.capacity
    assert wide.cascade.capacity == 10 * base.cascade.capacity
    for name, node in base.nodes.items():
        assert wide.nodes[name].nic == 10 * node.nic
        for part, cost in dict(node.cost).items():
            assert 10 * getattr(wide.nodes[name].cost, part) == cost


def test_levels_are_timed_and_the_packets_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "SCENARIO", "smoke")
    monkeypatch.setattr(levels, "SECONDS", 5)
    found = levels.run(1)
    assert {*levels.NAMES.values(), levels.SEATS} < set(found)
    assert sum(found.values()) == pytest.approx(2 * found["all"])
    assert all(seconds >= 0 for seconds in found.values())


def test_figures_go_to_a_file_and_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make = twenty_links.make_workload
    monkeypatch.setattr(twenty_links, "make_workload", lambda: make(50))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bench", "twenty-links", "--repetitions", "1"])
    front.main()
    figures = json.loads(Path("bench-results.json").read_text(encoding="utf-8"))
    assert figures["twenty-links"]["packet_hops"] == 1000
    assert figures["twenty-links"]["times_simpy"]["SimPy"] == 1
    assert figures["machine"]["cores"] >= 1
    shown = capsys.readouterr().out
    assert "times SimPy" in shown
    assert "ns.py" in shown
