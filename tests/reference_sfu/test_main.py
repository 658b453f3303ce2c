"""`python -m reference_sfu`."""

import signal
import socket

import pytest

from reference_sfu.__main__ import main
from reference_sfu.process import start
from reference_sfu.server import Settings


def test_all_faults_are_told_and_the_code_is_that_of_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--host", "x", "--port", "-1"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "--host x: must be an IP address",
        "--port -1: must be 0 to 65535",
    ]
    with pytest.raises(SystemExit) as ending:
        main(["--port", "x"])
    assert ending.value.code == 2


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    error = capsys.readouterr().err
    assert error.startswith("127.0.0.1: ")
    assert "Traceback" not in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    server = start(Settings(port=0))
    server.process.send_signal(number)
    assert server.process.wait(20) == 0
    assert server.stop() == 0
