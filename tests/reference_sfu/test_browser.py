"""A real browser publishes into the server and watches from it: Debian's Chromium, headless."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from benchmarks.plain_peers import give_floor
from reference_sfu.process import ServerProcess, running
from reference_sfu.server import Settings
from tests.programs import need

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-dev-shm-usage", "--disable-extensions",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # Candidates are on loopback alone, and told as they are.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,MediaRouter",
)  # fmt: skip
WAIT_S = 60

JOIN = """
    window.published = await publish(%s);
    await floor({programme: find("site").value});
    find("site").value = "watcher";
    window.watched = await watch();
"""
WATCH = """
    const end = Date.now() + 40_000;
    for (;;) {
        const seen = {};
        for (const [name, connection] of Object.entries({published, watched})) {
            seen[name] = [...(await connection.getStats()).values()];
        }
        const picture = seen.watched.find(s => s.type === "inbound-rtp" && s.framesDecoded > %d);
        const voice = seen.watched.find(
            s => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 50);
        const heard = seen.published.find(
            s => s.type === "remote-inbound-rtp" && s.kind === "video" && s.roundTripTime > 0);
        if ((picture && voice && heard) || Date.now() > end) {
            return seen;
        }
        await new Promise(done => setTimeout(done, 200));
    }
"""


class Browser:
    """Chromium with the server's page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def run(self, script: str) -> Any:
        """What ``script``, the body of an async function, returns; its error fails the test."""
        result = self.driver.execute_async_script(
            "const done = arguments[0];"
            f"(async () => {{{script}}})().then(value => done([value, null]),"
            "error => done([null, String(error)]));"
        )
        value, error = result
        assert error is None, error
        return value


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running(Settings(port=0)) as made:
        yield made


@pytest.fixture
def browser(server: ServerProcess, tmp_path: Path) -> Iterator[Browser]:
    options = Options()
    options.binary_location = need("chromium", "chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, Service(need("chromedriver", "chromium-driver")))
    try:
        driver.set_script_timeout(WAIT_S)
        driver.set_page_load_timeout(WAIT_S)
        driver.get(server.url)
        yield Browser(driver)
    finally:
        driver.quit()
        give_floor(server.url, programme=None)


def of_kind(stats: list[dict[str, Any]], type_: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in stats if each["type"] == type_ and each.get("kind") == kind]


def test_chromium_publishes_and_watches(browser: Browser) -> None:
    browser.run(JOIN % "[{}]")
    seen = browser.run(WATCH % 20)
    [picture] = [
        each for each in of_kind(seen["watched"], "inbound-rtp", "video") if each["packetsReceived"]
    ]
    assert picture["framesDecoded"] > 20
    assert picture["packetsLost"] == 0
    voice = max(
        each["packetsReceived"] for each in of_kind(seen["watched"], "inbound-rtp", "audio")
    )
    assert voice > 50
    # The server's reports let the publisher tell its round trips.
    [remote] = of_kind(seen["published"], "remote-inbound-rtp", "video")
    assert remote["roundTripTime"] < 5
    assert browser.driver.find_elements("css selector", "figure video")


def test_chromium_sends_all_its_encodings(browser: Browser) -> None:
    browser.run(JOIN % "SIMULCAST")
    seen = browser.run(WATCH % 10)
    sent = of_kind(seen["published"], "outbound-rtp", "video")
    assert {each["rid"] for each in sent} == {"low", "middle", "high"}
    decoded = [
        each.get("framesDecoded", 0) for each in of_kind(seen["watched"], "inbound-rtp", "video")
    ]
    assert max(decoded) > 10
    browser.run("await leave();")
