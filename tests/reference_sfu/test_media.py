"""The media server over loopback, with plain peers: joining, forwarding, feedback, bad peers."""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from benchmarks.plain_peers import OPUS, RTX, VP8, Offered, PlainPeer, call, give_floor
from reference_sfu import media, peers, rtcp, rtp, stun
from reference_sfu.dtls import Certificate
from reference_sfu.process import ServerProcess, running
from reference_sfu.room import Room
from reference_sfu.server import Settings, serving
from tests.flood import flood

KEY, DELTA = b"\x90\x80\x80\x05\x00key", b"\x90\x80\x80\x05\x01delta"
CAPTURE = bytes(range(8))
WAIT_S = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running(Settings(port=0)) as made:
        yield made


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate()


Join = Callable[..., PlainPeer]


@pytest.fixture
def join(server: ServerProcess, certificate: Certificate) -> Iterator[Join]:
    """Peers that leave when the test ends."""
    with ExitStack() as stack:

        def make(path: str, offered: Offered | None = None, **changes: object) -> PlainPeer:
            peer = PlainPeer(certificate, offered or Offered(**changes))  # type: ignore[arg-type]
            stack.enter_context(peer)
            peer.join(server.url, path)
            stack.callback(peer.leave)
            return peer

        yield make
    give_floor(server.url, programme=None, called=None, tiles=[])


def metric(server: ServerProcess, name: str) -> float:
    _, _, text = call("GET", f"{server.url}/metrics")
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def dropped(server: ServerProcess, reason: str) -> float:
    return metric(server, f'sfu_dropped_total{{reason="{reason}"}}')


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, though not for ever."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def packet(
    ssrc: int, payload_type: int, sequence: int, payload: bytes = b"voice",
    elements: dict[int, bytes] | None = None,
) -> bytes:  # fmt: skip
    extension = rtp.write_extensions(elements or {})
    first = 0x80 | bool(extension) << 4
    header = struct.pack("!BBHII", first, payload_type, sequence, 960 * sequence, ssrc)
    return header + extension + payload


def test_a_voice_and_a_picture_reach_their_slots(server: ServerProcess, join: Join) -> None:
    publisher = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(OPUS, OPUS, VP8, VP8), direction="recvonly")
    publisher.send(packet(1, 111, 7, b"voice", {3: CAPTURE}))
    heard = rtp.parse(watcher.receive())
    assert (heard.payload_type, heard.payload, heard.ssrc) == (111, b"voice", watcher.ssrcs[0])
    assert heard.extensions[3] == CAPTURE
    assert heard.extensions[1] == b"0"
    assert 2 in heard.extensions  # abs-send-time
    publisher.send(packet(2, 96, 9, KEY))
    seen = rtp.parse(watcher.receive())
    assert (seen.payload_type, seen.payload, seen.ssrc) == (96, KEY, watcher.ssrcs[2])
    assert seen.extensions[1] == b"2"


def test_a_called_site_is_heard_in_its_slot_and_nobody_hears_himself(
    server: ServerProcess, join: Join
) -> None:
    hanoi, camau = join("whip/hanoi"), join("whip/camau")
    ears = [
        join(f"whep/{site}", sections=(OPUS, OPUS), direction="recvonly", rtx=False)
        for site in ("hanoi", "camau", "hue")
    ]
    give_floor(server.url, programme="hanoi", called="camau")
    for sequence in (1, 2):
        hanoi.send(packet(1, 111, sequence, b"hanoi"))
        camau.send(packet(1, 111, sequence, b"camau"))
    heard = [
        {(rtp.parse(ear.receive()).payload) for _ in range(4 if i == 2 else 2)}
        for i, ear in enumerate(ears)
    ]
    assert heard == [{b"camau"}, {b"hanoi"}, {b"hanoi", b"camau"}]


def test_a_subscriber_makes_the_publisher_send_a_key_frame(
    server: ServerProcess, join: Join
) -> None:
    publisher = join("whip/hanoi")
    publisher.send(packet(2, 96, 1, DELTA))
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(VP8,), direction="recvonly")
    asked = next_item(publisher, rtcp.PictureLoss)
    assert asked == rtcp.PictureLoss(2)
    publisher.send(packet(2, 96, 2, KEY))
    assert rtp.parse(watcher.receive()).payload == KEY
    watcher.report(rtcp.receiver_report(5, []) + rtcp.picture_loss(5, watcher.ssrcs[0]))
    assert next_item(publisher, rtcp.PictureLoss) == rtcp.PictureLoss(2)


def next_item(peer: PlainPeer, kind: type) -> rtcp.Item:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        for item in rtcp.read(peer.receive(rtcp=True)):
            if isinstance(item, kind):
                return item
    raise AssertionError(f"no {kind.__name__} came")


@pytest.mark.parametrize("rtx", [True, False])
def test_a_nack_is_answered(server: ServerProcess, join: Join, rtx: bool) -> None:
    publisher = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(VP8,), direction="recvonly", rtx=rtx)
    publisher.send(packet(2, 96, 1, KEY))
    sent = rtp.parse(watcher.receive())
    watcher.report(rtcp.receiver_report(5, []) + rtcp.lost(5, watcher.ssrcs[0], [sent.sequence]))
    if rtx:
        again = rtp.parse(watcher.receive())
        assert (again.payload_type, again.ssrc) == (RTX, watcher.ssrcs[1])
        assert again.payload == sent.sequence.to_bytes(2, "big") + KEY
    else:
        # libsrtp takes it for a replay, as it is the very same packet.
        watcher.socket.settimeout(WAIT_S)
        while not 128 <= (data := watcher.socket.recv(2048))[0] < 192 or 192 <= data[1] <= 223:
            pass
        assert int.from_bytes(data[2:4], "big") == sent.sequence


def test_missing_pictures_are_asked_for_and_passed_on_when_they_come(
    server: ServerProcess, join: Join
) -> None:
    publisher = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(VP8,), direction="recvonly")
    publisher.send(packet(2, 96, 1, KEY))
    publisher.send(packet(2, 96, 3, DELTA))
    assert next_item(publisher, rtcp.Lost) == rtcp.Lost(2, [2])
    publisher.send(packet(9, RTX, 100, b"\x00\x02" + DELTA))
    numbers = [rtp.parse(watcher.receive()).sequence for _ in range(3)]
    assert numbers == [numbers[0], numbers[0] + 2, numbers[0] + 1]


def test_sender_reports_tell_when_a_voice_was_captured(server: ServerProcess, join: Join) -> None:
    publisher = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(OPUS,), direction="recvonly")
    publisher.send(packet(1, 111, 1))
    captured_ns = time.time_ns() - 300_000_000
    report = rtcp.SenderReport(1, rtcp.ntp_time(captured_ns), 960, 1, 5)
    publisher.report(rtcp.sender_report(report))
    heard = rtp.parse(watcher.receive())
    point = next_item(watcher, rtcp.SenderReport)
    while not isinstance(point, rtcp.SenderReport) or point.ntp == 0:
        point = next_item(watcher, rtcp.SenderReport)
    behind = (point.rtp - heard.timestamp) / 48_000
    measured_ns = rtcp.unix_time(point.ntp) - round(behind * 1e9)
    assert abs(measured_ns - captured_ns) < 1_000_000


def test_receivers_reports_reach_nobody_but_the_server(server: ServerProcess, join: Join) -> None:
    publisher = join("whip/hanoi")
    for sequence in (1, 2, 4):
        publisher.send(packet(1, 111, sequence))
    block = next_item(publisher, rtcp.ReportBlock)
    assert isinstance(block, rtcp.ReportBlock)
    assert (block.ssrc, block.lost) == (1, 1)


def test_an_encoding_is_chosen_by_the_estimate(server: ServerProcess, join: Join) -> None:
    publisher = join("whip/hanoi", sections=(VP8,), rids=("low", "high"))
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(VP8,), direction="recvonly")
    watcher.report(rtcp.receiver_report(5, []) + rtcp.estimate(5, 100_000, [watcher.ssrcs[0]]))
    got: list[bytes] = []
    watcher.socket.setblocking(False)
    end = time.monotonic() + WAIT_S
    sequence = 0
    while time.monotonic() < end and not (got and got[-1].endswith(b"low") and len(got) > 60):
        sequence += 1
        for ssrc, rid, size in ((2, b"low", 100), (3, b"high", 1000)):
            payload = KEY + bytes(size) + rid
            publisher.send(packet(ssrc, 96, sequence, payload, {4: rid}))
        time.sleep(0.02)
        while True:
            try:
                got.append(rtp.parse(watcher.receive(timeout=0.001)).payload)
            except (TimeoutError, BlockingIOError):
                break
    assert got[-1].endswith(b"low")


# ---------------------------------------------------------------- bad peers


def raw(server: ServerProcess, data: bytes, number: int = 1) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(number):
        made.sendto(data, ("127.0.0.1", server.settings.udp_port))
    return made


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "garbage"),
        (b"\x50" * 100, "garbage"),
        (b"\xff" * 1500, "garbage"),
        (b"\x00\x01" + bytes(30), "malformed STUN"),
        (b"\x80\x60" + bytes(30), "unknown address"),
        (b"\x80\xc9" + bytes(30), "unknown address"),
        (b"\x16\xfe\xfd" + bytes(30), "unknown address"),
        (stun.build(stun.BINDING_SUCCESS, bytes(12), {}, b"x"), "unexpected STUN"),
        (
            stun.build(stun.BINDING_REQUEST, bytes(12), {stun.USERNAME: b"no:body"}, b"x"),
            "STUN for no session",
        ),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), "STUN without integrity"),
    ],
)
def test_a_strangers_datagrams_are_counted_and_not_answered(
    server: ServerProcess, data: bytes, reason: str
) -> None:
    before = dropped(server, reason)
    with raw(server, data, 3) as stranger:
        until(lambda: dropped(server, reason) == before + 3)
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)


def test_a_check_with_a_wrong_password_is_counted(server: ServerProcess, join: Join) -> None:
    peer = join("whip/hanoi")
    before = dropped(server, "STUN with wrong integrity")
    peer.socket.sendto(peer.check(password="a guess"), peer.server)  # noqa: S106
    until(lambda: dropped(server, "STUN with wrong integrity") == before + 1)
    peer.socket.sendto(peer.check(controlled=True), peer.server)
    assert stun.parse(peer.socket.recv(2048)).kind == stun.BINDING_ERROR


def test_replayed_forged_and_stray_packets_are_counted_and_not_forwarded(
    server: ServerProcess, join: Join
) -> None:
    publisher = join("whip/hanoi", ssrcs=(1, 2))
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(OPUS,), direction="recvonly")
    reasons = (
        "replayed SRTP",
        "forged SRTP",
        "stray RTP",
        "malformed RTCP",
        "RTP from a subscriber",
    )
    before = {reason: dropped(server, reason) for reason in reasons}
    whole = publisher.outbound.rtp(packet(1, 111, 1))
    publisher.socket.sendto(whole, publisher.server)
    publisher.socket.sendto(whole, publisher.server)
    publisher.socket.sendto(whole[:-1] + bytes((whole[-1] ^ 1,)), publisher.server)
    publisher.socket.sendto(b"\x80\x6f" + bytes(40), publisher.server)
    publisher.send(packet(77, 111, 2))  # an SSRC that was not announced
    publisher.send(packet(1, 50, 2))
    publisher.report(b"\x81\xc9\x00\x01" + bytes(4))
    watcher.send(packet(1, 111, 1))
    publisher.send(packet(1, 111, 3, b"last"))
    assert [rtp.parse(watcher.receive()).payload for _ in range(2)] == [b"voice", b"last"]
    until(
        lambda: (
            {reason: dropped(server, reason) - before[reason] for reason in reasons}
            == dict(zip(reasons, (2, 1, 2, 1, 1), strict=True))
        )
    )


def test_another_certificate_than_announced_ends_the_session(
    server: ServerProcess, certificate: Certificate
) -> None:
    name = 'sfu_sessions_ended_total{reason="handshake failed"}'
    before = metric(server, name)
    with PlainPeer(certificate, Offered()) as peer:
        peer.signal(server.url, "whip/hanoi")
        peer.certificate = Certificate()
        peer.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            peer.connect()
    assert metric(server, name) == before + 1


def test_half_open_sessions_are_bounded_and_make_room(certificate: Certificate) -> None:
    with running(Settings(port=0, max_sessions=3)) as small:
        offer = Offered().text(certificate.fingerprint).encode()
        header = {"Content-Type": "application/sdp"}
        answers = [call("POST", f"{small.url}/whip/s{i}", offer, header) for i in range(5)]
        assert [status for status, _, _ in answers] == [201, 201, 201, 503, 503]
        assert answers[3][1]["Retry-After"] == "5"
        assert call("DELETE", f"{small.url}{answers[0][1]['Location']}")[0] == 200
        assert call("POST", f"{small.url}/whip/s9", offer, header)[0] == 201


def test_a_flood_of_garbage_is_survived(server: ServerProcess, join: Join) -> None:
    publisher = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(OPUS,), direction="recvonly")
    memory = metric(server, "process_resident_memory_bytes")
    assert flood("127.0.0.1", server.settings.udp_port, 2, 100_000) > 1000
    until(lambda: metric(server, "sfu_datagrams_received_total") > 1_000)
    sequence = 0
    watcher.socket.settimeout(0.1)
    heard = b""
    while not heard and sequence < 100:
        sequence += 1
        publisher.send(packet(1, 111, sequence))
        try:
            heard = watcher.receive(timeout=0.1)
        except TimeoutError:
            continue
    assert rtp.parse(heard).payload == b"voice"
    assert metric(server, "process_resident_memory_bytes") < memory + 20e6


def test_a_peer_that_moves_gets_its_media_where_it_is(server: ServerProcess, join: Join) -> None:
    publisher = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(OPUS,), direction="recvonly")
    publisher.send(packet(1, 111, 1))
    watcher.receive()
    before, watcher.socket = watcher.socket, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    before.close()
    watcher.socket.settimeout(WAIT_S)
    watcher.socket.sendto(watcher.check(), watcher.server)
    assert stun.parse(watcher.socket.recv(2048)).kind == stun.BINDING_SUCCESS
    publisher.send(packet(1, 111, 2, b"moved"))
    assert rtp.parse(watcher.receive()).payload == b"moved"


def test_who_publishes_again_takes_its_own_place(server: ServerProcess, join: Join) -> None:
    first = join("whip/hanoi")
    give_floor(server.url, programme="hanoi")
    watcher = join("whep/camau", sections=(OPUS,), direction="recvonly")
    first.send(packet(1, 111, 1, b"first"))
    assert rtp.parse(watcher.receive()).payload == b"first"
    second = join("whip/hanoi")
    until(lambda: call("DELETE", first.location)[0] == 404)
    second.send(packet(5, 111, 900, b"second"))
    assert rtp.parse(watcher.receive()).payload == b"second"
    assert metric(server, 'sfu_sessions_ended_total{reason="replaced"}') >= 1


def test_a_goodbye_ends_the_session_and_the_servers_end_is_told(
    server: ServerProcess, join: Join
) -> None:
    first, second = join("whip/hanoi"), join("whip/hue")
    first.connection.shutdown()
    first.flush()
    until(lambda: call("DELETE", first.location)[0] == 404)
    second.leave()
    second.socket.settimeout(WAIT_S)
    while (data := second.socket.recv(2048))[0] != 21:  # a DTLS alert
        pass
    assert data


def test_a_defect_is_told_once_and_ends_nothing(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Room, "take", fail)

    async def play() -> None:
        async with serving(Settings(port=0)) as (made, url):
            with PlainPeer(certificate, Offered()) as peer:
                await asyncio.to_thread(peer.join, url, "whip/x")
                for sequence in range(3):
                    peer.send(packet(1, 111, sequence))
                for _ in range(500):
                    if made.counters.datagrams.get("defect") == 3:
                        break
                    await asyncio.sleep(0.02)
                assert made.counters.datagrams == {"defect": 3}
                assert len(made.sessions) == 1

    asyncio.run(play())
    assert [record.message.partition(";")[0] for record in caplog.records] == ["a defect"]


def test_who_never_joins_and_who_falls_silent_is_let_go(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "JOIN_NS", 400_000_000)
    monkeypatch.setattr(peers, "CONSENT_NS", 2_000_000_000)

    async def play() -> dict[str, int]:
        async with serving(Settings(port=0)) as (made, url):
            with (
                PlainPeer(certificate, Offered()) as absent,
                PlainPeer(certificate, Offered()) as mute,
            ):
                await asyncio.to_thread(absent.signal, url, "whip/absent")
                await asyncio.to_thread(mute.join, url, "whip/mute")
                for _ in range(500):
                    if not made.sessions:
                        break
                    await asyncio.sleep(0.02)
                return dict(made.counters.sessions)

    ended = asyncio.run(play())
    assert ended == {"never joined": 1, "consent expired": 1}
