"""The server as a process of its own."""

import socket

import pytest

from benchmarks.plain_peers import call
from reference_sfu import process
from reference_sfu.process import StartError, running, start
from reference_sfu.server import Settings


def test_it_is_stopped_killed_and_started_again_on_its_ports() -> None:
    first = start(Settings(port=0, token="secret"))  # noqa: S106
    try:
        assert first.is_running
        assert call("GET", f"{first.url}/floor")[0] == 401
        bearer = {"Authorization": "Bearer secret"}
        assert call("GET", f"{first.url}/floor", None, bearer)[0] == 200
    finally:
        first.kill()
    assert not first.is_running
    second = first.restart()
    try:
        assert (second.url, second.settings) == (first.url, first.settings)
        assert second.pid != first.pid
        assert call("GET", f"{second.url}/health")[0] == 200
    finally:
        assert second.stop() == 0


def test_it_lives_as_long_as_the_block_or_shorter() -> None:
    with running() as server:
        assert server.is_running
    assert not server.is_running
    with running() as server:
        server.kill()


def test_why_it_did_not_start_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match="in use"):
            start(Settings(port=port))
    with pytest.raises(StartError, match="--host x: must be an IP address"):
        start(Settings(host="x"))


def test_one_that_says_nothing_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_S", 0.0)
    with pytest.raises(StartError, match="it said: nothing"):
        start()
