"""The server's counts for Prometheus, in its text format."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from reference_sfu.media import MediaServer
from reference_sfu.peers import State


class _Counts(Collector):
    def __init__(self, server: MediaServer) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        server = self._server
        traffic, forwarding = server.socket.traffic, server.room.forwarding
        for name, text, value in (
            ("datagrams_received", "Datagrams read from the socket.", traffic.received),
            ("received_bytes", "Bytes of UDP payload read.", traffic.received_bytes),
            ("datagrams_sent", "Datagrams that the system took.", traffic.sent),
            ("sent_bytes", "Bytes of UDP payload sent.", traffic.sent_bytes),
            ("send_drops", "Datagrams that the system had no room for.", traffic.send_drops),
            ("send_errors", "Datagrams that could not be sent.", traffic.send_errors),
            (
                "receive_drops",
                "Datagrams that the socket's buffer had no room for.",
                server.socket.receive_drops,
            ),
            ("packets_published", "RTP packets taken from publishers.", forwarding.packets),
            ("slot_switches", "Slots that switched to another stream.", forwarding.switches),
        ):
            yield CounterMetricFamily(f"sfu_{name}", text, value)
        dropped = {
            **server.counters.datagrams,
            "stray RTP": forwarding.strays,
            "malformed RTP": forwarding.malformed,
            "too long": forwarding.too_long,
        }
        yield _by("dropped", "Datagrams dropped, by reason.", "reason", dropped)
        yield _by("feedback", "RTCP messages, by kind.", "kind", server.counters.feedback)
        yield _by(
            "sessions_ended", "Sessions ended, by reason.", "reason", server.counters.sessions
        )
        yield self._sessions()
        yield GaugeMetricFamily(
            "sfu_draining", "Whether new sessions are refused.", int(server.draining)
        )

    def _sessions(self) -> Metric:
        sessions = GaugeMetricFamily("sfu_sessions", "Sessions.", labels=("kind", "state"))
        counts = {(kind, state): 0 for kind in ("publisher", "subscriber") for state in State}
        for session in self._server.sessions.values():
            kind = "publisher" if session.slots is None else "subscriber"
            counts[kind, session.peer.state] += 1
        for (kind, state), number in counts.items():
            if state is not State.CLOSED:
                sessions.add_metric((kind, state.name.lower()), number)
        return sessions


def _by(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"sfu_{name}", text, labels=(label,))
    for key, number in sorted(counts.items()):
        family.add_metric((key,), number)
    return family


class Exposition:
    """What `/metrics` serves: the server's counts and the process's CPU time and memory."""

    def __init__(self, server: MediaServer) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Counts(server))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics now."""
        return generate_latest(self._registry)
