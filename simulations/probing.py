"""Probes: clusters of packets sent faster than the estimate, to see whether more gets through.

libwebrtc's ProbeController and ProbeBitrateEstimator. A sender sends a cluster's packets, five or
more and for 15 ms or more, evenly at the cluster's rate, and marks them with its number.
"""

from typing import Any

import numpy as np

from simulations.acknowledged import UNKNOWN
from simulations.arrivals import MILLISECOND, NEVER
from simulations.compiled import inlined, kernel, seldom

SECOND = 1000 * MILLISECOND
FIRST_STEP, SECOND_STEP = 3, 6
"""Rates of the first two clusters, as multiples of the start rate."""
STEP = 2
"""Of the next, as a multiple of the result."""
ENOUGH = 0.7
"""Share of a cluster's rate above which its result leads to another."""
PATIENCE = SECOND
"""ns that a result is waited for."""
INTERVAL = 5 * SECOND
"""ns between probes of a sender that its application limits, and between those after drops."""
DROP, RECOVERED = 0.66, 0.85
"""A fall of the estimate below this share of it is large; what is then tried when it is over."""
LOWERED, QUIET = 0.95, 2 * SECOND
"""A sender that the estimate limits probes every INTERVAL too, but not within so many ns of a fall
of the estimate below this share of it; and no result leads on to a faster probe: where others share
a link, that would show the link's rate and not what is free. This is the model's own: libwebrtc's
does not probe, and finds what a link has gained at 8 % a second."""
GENTLE_STEP = 1.5
"""Of those probes, as a multiple of the estimate. 15 ms fit between two pictures of another
flow and seem to show room where there is none: what that costs in queueing grows with it."""
DROP_MEMORY = 5 * SECOND
"""ns."""
DOUBT = 0.05
"""No probe for what the estimate is this close to."""
MORE = 1.25
"""A request is one for this much more than the last, not for what varies anyway."""
CLUSTER_TIME = 15 * MILLISECOND
CLUSTER_PACKETS = 5
CLUSTER_PACKET = 1250
"""Least time (ns) and packets of a cluster, and bytes of a packet, to tell how long one lasts."""
REPORTED = 0.8
"""Share of a cluster's packets and bytes that a result takes."""
LONGEST = SECOND
"""ns between a cluster's first and last packet."""
MOST_COMPRESSED = 2.0
"""Rate received over rate sent: what came faster than this was released by a queue."""
SATURATED, UTILIZATION = 0.9, 0.95
"""Received slower than this share of the rate sent, the link is full: take a bit less of it."""

NEW, WAITING, DONE = 0, 1, 2
CLUSTERS = 2
"""Clusters followed at a time."""

CLUSTER = np.dtype(
    [
        ("number", np.int32),
        ("packets", np.int32),  # that have arrived
        ("rate", np.int64),  # bit/s
        ("bytes", np.int64),
        ("first_sent", np.int64),  # ns
        ("last_sent", np.int64),
        ("first_arrival", np.int64),
        ("last_arrival", np.int64),
        ("last_sent_bytes", np.int32),  # of the packet sent last
        ("first_arrival_bytes", np.int32),
    ],
    align=True,
)
"""What has been reported of one cluster."""

PROBING = np.dtype(
    [
        ("result", np.float64),  # bit/s, of the message being read; UNKNOWN: none
        ("state", np.int32),  # NEW, WAITING for a result that leads on, or DONE
        ("waiting", np.int32),  # clusters to be sent
        ("full", np.int64),  # 1: the last result is all that the link carries; 0: it may be more
        ("begun_at", np.int64),  # the last probing, ns
        ("busy_until", np.int64),  # a cluster is being sent, ns
        ("lead_on", np.int64),  # an estimate above it leads to the next cluster, bit/s
        ("estimate", np.int64),  # last known, bit/s
        ("rates", np.int64, (CLUSTERS,)),  # theirs, bit/s
        ("wanted", np.int64),  # that the sender could use, bit/s; 0: any
        ("asked", np.int64),  # of what it wanted, last asked for
        ("limited_since", np.int64),  # by the application, ns; NEVER: it is not
        ("found", np.float64),  # bit/s, the last result that was taken down
        ("found_at", np.int64),  # ns; NEVER: none was
        # last fall of the estimate by a twentieth or more, as drafted the last overuse, ns
        ("lowered_at", np.int64),
        ("dropped_at", np.int64),  # last large fall of the estimate, ns
        ("before_drop", np.int64),  # bit/s
        ("drop_probe_at", np.int64),  # ns
        ("clusters", CLUSTER, (CLUSTERS,)),
    ],
    align=True,
)
"""State of one leg's probing."""


@inlined
def begin(probing: Any, start: int) -> None:
    """Start from the estimate ``start`` (bit/s)."""
    probing.result = UNKNOWN
    probing.state = NEW
    probing.begun_at = NEVER
    probing.busy_until = NEVER
    probing.lead_on = -NEVER
    probing.estimate = start
    probing.limited_since = NEVER
    probing.found_at = NEVER
    probing.lowered_at = NEVER
    probing.dropped_at = NEVER
    probing.drop_probe_at = NEVER


@inlined
def measure(probing: Any, number: int, sent: int, arrival: int, size: int) -> None:
    """Take a packet of cluster ``number`` that has arrived; ``probing.result`` is what it shows."""
    cluster = probing.clusters[np.uint64(number % CLUSTERS)]
    if cluster.number == number:
        _measure(probing, cluster, sent, arrival, size)


@seldom
def _measure(probing: Any, cluster: Any, sent: int, arrival: int, size: int) -> None:
    if cluster.packets == 0 or sent < cluster.first_sent:
        cluster.first_sent = sent
    if cluster.packets == 0 or sent > cluster.last_sent:
        cluster.last_sent = sent
        cluster.last_sent_bytes = size
    if cluster.packets == 0 or arrival < cluster.first_arrival:
        cluster.first_arrival = arrival
        cluster.first_arrival_bytes = size
    if cluster.packets == 0 or arrival > cluster.last_arrival:
        cluster.last_arrival = arrival
    cluster.packets += 1
    cluster.bytes += size
    least_bytes = REPORTED * cluster.rate * (CLUSTER_TIME * 1e-9) / 8.0
    if cluster.packets < REPORTED * CLUSTER_PACKETS or cluster.bytes < least_bytes:
        return
    sending = cluster.last_sent - cluster.first_sent
    receiving = cluster.last_arrival - cluster.first_arrival
    if sending <= 0 or sending > LONGEST or receiving <= 0 or receiving > LONGEST:
        return
    # The last packet was not yet sent at the interval's end, the first one not received in it.
    sent_rate = (cluster.bytes - cluster.last_sent_bytes) * 8e9 / sending
    received_rate = (cluster.bytes - cluster.first_arrival_bytes) * 8e9 / receiving
    if received_rate > MOST_COMPRESSED * sent_rate:
        return
    if received_rate < SATURATED * sent_rate:
        probing.result = UTILIZATION * received_rate
        probing.full = 1
    else:
        probing.full = 0
        probing.result = min(sent_rate, received_rate)


@inlined
def find(probing: Any, result: float, now: int) -> None:
    """Take down a result (bit/s), now (ns)."""
    probing.found = result
    probing.found_at = now


@inlined
def has_found(probing: Any, now: int) -> bool:
    """Whether a result was taken down lately."""
    return bool(probing.found_at != NEVER and now - probing.found_at < PATIENCE)


@kernel
def note(probing: Any, estimate: int, maximum: int, barred: bool, now: int) -> None:
    """Take the estimate (bit/s) after a change; a result that got through leads to the next probe.

    Args:
        maximum: bit/s. barred: no probes now, the path is full. now: ns.
    """
    if estimate < LOWERED * probing.estimate:
        probing.lowered_at = now
    if estimate < DROP * probing.estimate:
        probing.dropped_at = now
        probing.before_drop = probing.estimate
    probing.estimate = estimate
    if probing.state == WAITING and estimate > probing.lead_on:
        _probe(probing, STEP * estimate, 0, True, maximum, barred, now)


@seldom
def recover(probing: Any, maximum: int, now: int) -> None:
    """Queues have emptied: after a large drop, see what the link carries now.

    Of any sender, as by libwebrtc's WebRTC-BweRapidRecoveryExperiment, which browsers leave off:
    those that the application does not limit would find out by sending, at 8 % a second.
    """
    if probing.state != DONE:
        return
    tried = int(RECOVERED * probing.before_drop)
    if (
        (1.0 - DOUBT) * tried > probing.estimate
        and now - probing.dropped_at < DROP_MEMORY
        and now - probing.drop_probe_at > INTERVAL
    ):
        probing.drop_probe_at = now
        _probe(probing, tried, 0, False, maximum, False, now)


@kernel
def look(probing: Any, wanted: int, limited: bool, maximum: int, barred: bool, now: int) -> None:
    """See whether it is time for a probe.

    Args:
        wanted: that the sender could use, bit/s; 0: any. limited: by the application.
        maximum, barred, now: as in `note`.
    """
    estimate = probing.estimate
    probing.wanted = wanted
    if not limited:
        probing.limited_since = NEVER
    elif probing.limited_since == NEVER:
        probing.limited_since = now
    if probing.state == NEW:
        _probe(probing, FIRST_STEP * estimate, SECOND_STEP * estimate, True, maximum, barred, now)
        return
    if probing.state == WAITING and now - probing.begun_at > PATIENCE:
        probing.state = DONE
        probing.lead_on = -NEVER
    if wanted <= estimate or MORE * wanted < probing.asked:  # nothing to ask for, or much less
        probing.asked = wanted
    if probing.state != DONE or now - probing.begun_at < PATIENCE:
        return
    if limited and wanted > MORE * probing.asked and not barred and not _has_failed(probing, now):
        probing.asked = wanted
        first, second = min(wanted, STEP * estimate), STEP * min(wanted, estimate)
        _probe(probing, first, second, True, maximum, barred, now)
    elif now - max(probing.limited_since, probing.begun_at) >= INTERVAL and (
        limited or now - probing.lowered_at >= QUIET
    ):
        first = STEP * estimate if limited else int(GENTLE_STEP * estimate)
        _probe(probing, first, 0, limited, maximum, barred, now)


@inlined
def _has_failed(probing: Any, now: int) -> bool:
    """Whether less than what was last asked for was found lately: it is in vain to ask for more."""
    lately = probing.found_at != NEVER and now - probing.found_at < INTERVAL
    return bool(lately and probing.found < (1.0 - DOUBT) * probing.asked)


@kernel
def _probe(
    probing: Any, first: int, second: int, leads_on: bool, maximum: int, barred: bool, now: int
) -> None:
    """Plan one cluster or two (bit/s; 0: none), within what the sender may and could use."""
    if barred:
        return
    most = maximum
    if probing.wanted > 0:
        most = min(most, 2 * probing.wanted)
    if probing.estimate >= most:  # there is nothing to be learnt; the first probes can wait
        if probing.state == WAITING:
            probing.state = DONE
        return
    probing.begun_at = now
    probing.state = DONE
    probing.lead_on = -NEVER
    probing.waiting = 0
    for rate in (first, second):
        if rate > 0 and (probing.waiting == 0 or rate > probing.rates[0]):
            probing.rates[probing.waiting] = min(rate, most)
            probing.waiting += 1
            if rate >= most:
                return
    if leads_on:
        probing.state = WAITING
        probing.lead_on = np.int64(ENOUGH * probing.rates[probing.waiting - 1])


@seldom
def start_cluster(probing: Any, number: int, now: int) -> int:
    """Begin the next planned cluster as ``number``; its rate (bit/s), or 0: there is none now."""
    if probing.waiting == 0 or now < probing.busy_until:
        return 0
    rate = probing.rates[0]
    probing.rates[0] = probing.rates[1]
    probing.waiting -= 1
    packets = CLUSTER_PACKETS * CLUSTER_PACKET * 8_000_000_000 // max(rate, 1)
    probing.busy_until = now + max(CLUSTER_TIME, packets)
    cluster = probing.clusters[np.uint64(number % CLUSTERS)]
    cluster.number = number
    cluster.rate = rate
    cluster.packets = 0
    cluster.bytes = 0
    return rate  # type: ignore[no-any-return]
