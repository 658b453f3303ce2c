"""A real Janus in a network namespace of its own: it gathers no candidates on loopback."""

import contextlib
import itertools
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ADMIN_SECRET = "for-the-tests"  # noqa: S105
_numbers = itertools.count()


@dataclass(frozen=True)
class Janus:
    address: str
    pid: int

    @property
    def websocket(self) -> str:
        return f"janus+ws://{self.address}:8188"

    @property
    def http(self) -> str:
        return f"janus+http://{self.address}:8088/janus"

    @property
    def admin(self) -> str:
        return f"http://{self.address}:7088/admin"


def can_namespaces() -> bool:
    """Whether namespaces can be made here."""
    if shutil.which("ip") is None or os.getuid() != 0:
        return False
    name = f"rehearse-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode == 0:
        subprocess.run(["ip", "netns", "del", name], check=True)
    return made.returncode == 0


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def running_janus() -> Iterator[Janus]:
    """Start Janus; its namespace, and all in it, are gone afterwards."""
    number = (os.getpid() * 7 + next(_numbers)) % 16_000
    name, near, far = f"rehearse-{number}", f"rhn{number}", f"rhf{number}"
    base = f"10.{200 + number // 4096}.{number // 16 % 256}.{number % 16 * 16}"
    prefix, last = base.rsplit(".", 1)
    here, there = f"{prefix}.{int(last) + 1}", f"{prefix}.{int(last) + 2}"
    _ip("netns", "add", name)
    folder = Path(tempfile.mkdtemp())
    process: subprocess.Popen[bytes] | None = None
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _ip("addr", "add", f"{here}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", name, "addr", "add", f"{there}/30", "dev", far)
        _ip("-n", name, "link", "set", far, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _configure(folder)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", name, "janus", "-F", str(folder), "-C",
                 str(folder / "janus.jcfg")],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        _await_port(there, 8188, folder / "log")
        yield Janus(there, process.pid)
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        subprocess.run(["ip", "netns", "del", name], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> None:
    library = f"/usr/lib/{platform.machine()}-linux-gnu/janus"
    (folder / "janus.jcfg").write_text(
        f"""general: {{
    configs_folder = "{folder}"
    plugins_folder = "{library}/plugins"
    transports_folder = "{library}/transports"
    events_folder = "{library}/events"
    loggers_folder = "{library}/loggers"
    debug_level = 3
    admin_secret = "{ADMIN_SECRET}"
}}
plugins: {{ disable = "libjanus_duktape.so,libjanus_lua.so,libjanus_sip.so,libjanus_nosip.so" }}
transports: {{
    disable = "libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so"
}}
"""
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        'general: { json = "indented"; ws = true; ws_port = 8188 }\nadmin: { admin_ws = false }\n'
    )
    (folder / "janus.transport.http.jcfg").write_text(
        'general: { json = "indented"; base_path = "/janus"; http = true; port = 8088 }\n'
        'admin: { admin_base_path = "/admin"; admin_http = true; admin_port = 7088 }\n'
    )
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")


def _await_port(host: str, port: int, log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Janus did not start:\n{log.read_text(errors='replace')[-2000:]}")
