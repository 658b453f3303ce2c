"""What Prometheus reads, by its own parser."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.plain_peers import Offered
from reference_sfu.media import MediaServer
from reference_sfu.metrics import Exposition


def test_all_counts_are_there_and_can_be_parsed() -> None:
    async def play() -> str:
        server = MediaServer("127.0.0.1")
        try:
            server.join("x", Offered().text("00"), publishes=True)
            server.socket.traffic.sent = 7
            server.counters.add(server.counters.datagrams, 'a "reason"\\', 3)
            server.counters.add(server.counters.feedback, "PLIs")
            server.draining = True
            return Exposition(server).text().decode()
        finally:
            await server.close()

    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(asyncio.run(play()))
        for sample in family.samples
    }
    assert samples["sfu_datagrams_sent_total",] == 7
    assert samples["sfu_dropped_total", 'a "reason"\\'] == 3
    assert samples["sfu_feedback_total", "PLIs"] == 1
    assert samples["sfu_sessions", "new", "publisher"] == 1
    assert samples["sfu_sessions", "connected", "subscriber"] == 0
    assert samples["sfu_draining",] == 1
    assert samples["process_resident_memory_bytes",] > 0
    assert {name for name, *_ in samples} >= {
        "sfu_datagrams_received_total", "sfu_received_bytes_total", "sfu_sent_bytes_total",
        "sfu_send_drops_total", "sfu_send_errors_total", "sfu_receive_drops_total",
        "sfu_packets_published_total", "sfu_slot_switches_total", "process_cpu_seconds_total",
    }  # fmt: skip
