"""The command sfu."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rehearse.conftest import Rehearse

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "rehearse.main", "sfu", "--port", "0", "--token", "t"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        assert ready["pid"] == running.pid
        host, port = ready["url"].removeprefix("http://").split(":")
        socket.create_connection((host, int(port)), timeout=20).close()
        running.send_signal(number)
        out, errors = running.communicate(timeout=20)
    assert (running.returncode, out, errors) == (0, "", "rehearse sfu: stopped\n")


def test_all_faults_are_told_at_once(rehearse: Rehearse) -> None:
    ending = rehearse("sfu", "--host", "x", "--max-sessions", "0")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err == "--host x: must be an IP address\n--max-sessions 0: must be 1 or more\n"


def test_a_port_that_is_taken_is_told(rehearse: Rehearse) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ending = rehearse("sfu", "--port", port)
    assert ending.code == 2
    assert ending.err.startswith(f"rehearse sfu: 127.0.0.1 port {port}: ")
