import sys
import time
from pathlib import Path

import pytest

from synthetic_clients.server import Server, ServerError

SCRIPT = """
import json, socket, sys, time
port = int(sys.argv[sys.argv.index("--port") + 1])
sock = socket.create_server(("127.0.0.1", port))
print(json.dumps({"url": f"http://127.0.0.1:{sock.getsockname()[1]}"}), flush=True)
time.sleep(60)
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    path = tmp_path / "server.py"
    path.write_text(SCRIPT)
    return [sys.executable, str(path), "--port", "0"]


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_server_is_killed_and_started_again_where_it_was(command: list[str]) -> None:
    server = Server(command)
    try:
        url = server.start()
        assert server.alive
        first = server.pid
        server.act("kill")
        while server.alive:
            time.sleep(0.01)
        server.act("restart")
        assert server.url == url
        assert server.alive
        assert server.pid != first
    finally:
        server.close()
    assert not server.alive
    server.close()


def test_a_server_is_held_and_goes_on(command: list[str]) -> None:
    server = Server(command)
    try:
        server.start()
        assert server.pid is not None
        server.act("stop")
        time.sleep(0.05)
        assert state_of(server.pid) == "T"
        assert server.alive
        server.act("continue")
        time.sleep(0.05)
        assert state_of(server.pid) == "S"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "it ended with exit code 3"),
        ("print('hello', flush=True); import time; time.sleep(60)", "did not say its URL"),
        ("import time; time.sleep(60)", "it was never ready"),
    ],
)
def test_a_server_that_does_not_come_up_is_told(
    monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    monkeypatch.setattr("synthetic_clients.server.READY_S", 1.0)
    server = Server([sys.executable, "-c", code])
    with pytest.raises(ServerError, match=reason):
        server.start()
    assert not server.alive
