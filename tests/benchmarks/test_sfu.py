"""The reference SFU's benchmark measures what it says."""

import pytest

from benchmarks import __main__ as front
from benchmarks import sfu


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sfu, "PACKETS", 3)
    monkeypatch.setattr(sfu, "PUBLISHED", 20)
    monkeypatch.setattr(sfu, "FLOOD", 20)


def test_both_paths_send_to_everyone() -> None:
    found = sfu.hot_path(1, 4)
    assert len(found) == 4
    assert all(each["plain"] > 0 and each["compiled"] > 0 for each in found.values())


def test_the_server_is_measured_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    found = sfu.server(1, 3, 0.5)
    assert found["sites"] == 3
    # 25 packets to each of 3 sites, and what the server reports to them.
    assert 3 * 25 <= found["out_packets"] < 3 * 25 + 20
    assert found["send_drops"] == 0
    hot_path = sfu.hot_path(1, 2)
    for out_us, shown in ((20.0, "50,000"), (0.0, "too short to tell")):
        front.show_sfu({"hot_path": hot_path, "server": found | {"out_us": out_us}})
        row = capsys.readouterr().out.partition("packets sent per second of a core")[2]
        assert row.partition("\n")[0].strip() == shown
