import resource

import pytest

from synthetic_clients.health import FilesError, Meter, doubts, provide_files

WELL = {"generator_cpu": 0.4, "generator_lag": 0.002, "generator_drops": 0.0}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([WELL] * 10, []),
        ([WELL] * 9 + [WELL | {"generator_cpu": 0.99}], ["a client process used 99% of its core"]),
        ([WELL] * 9 + [WELL | {"generator_lag": 0.4}], ["a client process was late by 400 ms"]),
        ([WELL, WELL | {"generator_drops": 1200.0}], ["1,200 datagrams were dropped"]),
        ([], []),
    ],
)
def test_what_makes_a_generator_suspect(rows: list[dict[str, float]], said: list[str]) -> None:
    found = doubts(rows, len(rows))
    assert len(found) == len(said)
    assert all(a.startswith(b) for a, b in zip(found, said, strict=True))


def test_one_slow_interval_in_forty_is_let_pass() -> None:
    slow = WELL | {"generator_lag": 0.4}
    assert doubts([WELL] * 39 + [slow], 40) == []
    assert len(doubts([WELL] * 37 + [slow] * 3, 40)) == 1


def test_a_meter_counts_from_one_look_to_the_next() -> None:
    dropped = 5
    meter = Meter(lambda: dropped)
    for late in [0.001] * 95 + [0.2] * 5:
        meter.note(late)
    dropped = 12
    row = meter.take()
    assert row["generator_lag"] == 0.001
    assert row["generator_drops"] == 7
    assert row["generator_cpu"] >= 0
    assert meter.take()["generator_lag"] == 0
    assert meter.take()["generator_drops"] == 0


def test_the_limit_of_open_files_is_raised_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    provide_files(100)
    assert raised == []
    provide_files(1000)
    assert raised == [(4064, 4096)]
    with pytest.raises(FilesError, match=r"2,594 endpoints in a process need 10,440 open files"):
        provide_files(2594)
