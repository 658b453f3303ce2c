"""The HTTP interface, as a client of WHIP and WHEP sees it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.plain_peers import Offered, call
from reference_sfu.api import MAX_BODY_BYTES
from reference_sfu.process import ServerProcess, running
from reference_sfu.server import Settings

TOKEN = "a-token"  # noqa: S105  # the tests' own
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SDP = {"Content-Type": "application/sdp", **BEARER}
OFFER = Offered().text("00:11").encode()


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running(Settings(port=0, token=TOKEN)) as made:
        yield made


def test_an_offer_is_answered_with_a_resource_that_can_be_deleted(server: ServerProcess) -> None:
    status, headers, text = call("POST", f"{server.url}/whip/ha-noi.1", OFFER, SDP)
    assert status == 201
    assert headers["Content-Type"].startswith("application/sdp")
    assert text.startswith("v=0\r\n")
    assert headers["ETag"].startswith('"')
    location = headers["Location"]
    assert location.startswith("/whip/ha-noi.1/")
    for wrong in (
        location.replace("whip", "whep"),
        location.replace("ha-noi.1", "x"),
        location[:-1],
    ):
        assert call("DELETE", f"{server.url}{wrong}", None, BEARER)[0] == 404
    assert call("PATCH", f"{server.url}{location}", b"", BEARER)[0] == 405
    assert call("DELETE", f"{server.url}{location}", None, BEARER)[0] == 200
    assert call("DELETE", f"{server.url}{location}", None, BEARER)[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "detail"),
    [
        ("whip/x", b"hello", SDP, 422, "1 to 128 media sections"),
        ("whip/x", b"m=audio", SDP, 400, "not SDP"),
        ("whip/x", b"\xff\xfe", SDP, 400, "UTF-8"),
        ("whip/x", OFFER.replace(b"sendonly", b"recvonly"), SDP, 422, "no sendonly section"),
        ("whep/x", OFFER, SDP, 422, "no recvonly section"),
        ("whip/x", OFFER, {**SDP, "Content-Type": "text/plain"}, 415, "application/sdp"),
        ("whip/x", b"v" * (MAX_BODY_BYTES + 1), SDP, 413, "exceeded"),
        ("whip/a%2Fb", OFFER, SDP, 404, "Not Found"),
        ("whip/" + "x" * 65, OFFER, SDP, 404, "Not Found"),
        ("whip/", OFFER, SDP, 404, "Not Found"),
        ("nowhere", OFFER, SDP, 404, "Not Found"),
        ("floor", OFFER, SDP, 405, "Not Allowed"),
    ],
)
def test_what_cannot_be_served_says_why(
    server: ServerProcess, path: str, body: bytes, headers: dict[str, str], status: int, detail: str
) -> None:
    found, answered, text = call("POST", f"{server.url}/{path}", body, headers)
    problem = json.loads(text)
    assert (found, problem["status"]) == (status, status)
    assert answered["Content-Type"].startswith("application/problem+json")
    assert detail in problem["detail"]


@pytest.mark.parametrize(
    "header", [None, "", TOKEN, f"Bearer {TOKEN}x", "Bearer ", f"bearer  {TOKEN}", "Bearer \xe9"]
)
def test_nothing_is_told_without_the_token(server: ServerProcess, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("GET", "floor"), ("PUT", "floor"), ("GET", "metrics"), ("POST", "drain"),
        ("POST", "whip/x"), ("POST", "whep/x"), ("DELETE", "whip/x/y"), ("GET", "nowhere"),
    ):  # fmt: skip
        status, answered, _ = call(method, f"{server.url}/{path}", b"{}", headers)
        assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
    status, _, text = call("GET", f"{server.url}/health", None, headers)
    assert (status, json.loads(text)) == (200, {"status": "ok"})


def test_the_floor_is_given_in_parts(server: ServerProcess) -> None:
    url = f"{server.url}/floor"
    for change, then in (
        ({"programme": "hanoi"}, {"programme": "hanoi", "called": None, "tiles": []}),
        ({"tiles": ["a", None]}, {"programme": "hanoi", "called": None, "tiles": ["a", None]}),
        ({"programme": None, "tiles": []}, {"programme": None, "called": None, "tiles": []}),
    ):
        status, _, text = call("PUT", url, json.dumps(change).encode(), BEARER)
        assert (status, json.loads(text)) == (200, then)
        assert json.loads(call("GET", url, None, BEARER)[2]) == then


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"{", "JSON"), (b"\xff", "JSON"), (b"[" * 100_000, "JSON"), (b"[]", "a floor is an object"),
     (b'{"programme": "a b"}', "programme"), (b'{"programm": "a"}', "'programm'")],
)  # fmt: skip
def test_what_is_no_floor_is_refused(server: ServerProcess, body: bytes, detail: str) -> None:
    status, _, text = call("PUT", f"{server.url}/floor", body, BEARER)
    assert status == 400
    assert detail in json.loads(text)["detail"]


def test_a_page_of_another_origin_may_call(server: ServerProcess) -> None:
    asks = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    status, headers, _ = call("OPTIONS", f"{server.url}/whip/x", None, asks)
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    for path, given in (("health", {}), ("floor", {}), ("nowhere", BEARER)):
        _, headers, _ = call("GET", f"{server.url}/{path}", None, given)
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in headers["Access-Control-Expose-Headers"]


def test_metrics_are_for_prometheus(server: ServerProcess) -> None:
    status, headers, text = call("GET", f"{server.url}/metrics", None, BEARER)
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE sfu_datagrams_sent_total counter" in text


def test_the_page_is_there_for_people(server: ServerProcess) -> None:
    status, headers, text = call("GET", f"{server.url}/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    page = Path(__file__).parents[2] / "reference_sfu" / "page.html"
    assert text == page.read_text(encoding="utf-8")


def test_a_draining_server_takes_no_more_sessions() -> None:
    with running(Settings(port=0)) as made:
        headers = {"Content-Type": "application/sdp"}
        assert call("POST", f"{made.url}/whip/x", OFFER, headers)[0] == 201
        status, _, text = call("POST", f"{made.url}/drain")
        assert (status, json.loads(text)) == (200, {"status": "draining", "sessions": 1})
        assert json.loads(call("GET", f"{made.url}/health")[2]) == {"status": "draining"}
        status, answered, text = call("POST", f"{made.url}/whip/x", OFFER, headers)
        assert (status, answered["Retry-After"]) == (503, "5")
        assert "draining" in json.loads(text)["detail"]
