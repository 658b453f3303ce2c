"""Congestion control by the sender: Google Congestion Control, for thousands of legs at once.

Every leg has a CONTROLLER (`simulations.controllers`). Its sender reports the packets of each
feedback message (`acknowledge`, `conclude`), lets it act when nothing comes (`process`, every
25 ms), asks whether to probe (`next_probe`) and keeps to ``controller.target``.

Two profiles. 'draft-02' is draft-ietf-rmcat-gcc-02. 'libwebrtc' is its GoogCcNetworkController with
version 1 of the loss-based control and without what clients switch on beside it (congestion window,
network state estimates). All that either knows of the path is transport feedback (there:
packet_feedback_only): RTT and loss are taken from it, not from receiver reports.

What a lost feedback message would have reported is never learnt: those packets count neither as
received nor as lost, as in libwebrtc. Their bytes are missing in the acknowledged bitrate, and the
packet groups before and after them are compared with each other.

Where no feedback comes though packets are sent, or the round trip takes longer than 3 s, the target
falls by a fifth each second down to the minimum (libwebrtc's RttBasedBackoff). The draft has
nothing for this: there the same is done.

Where the application limits what is sent, what arrives says nothing of the link. A sender that has
set ``controller.limited`` then backs off from its estimate: libwebrtc's
WebRTC-Bwe-AlrLimitedBackoff, which browsers leave off and mediasoup, a media node, switches on.

A weakness of both that is theirs: a queue that is full and drops a few packets delays all others
alike. That is no trend; and a loss of 2 to 10 % moves nothing.
"""

from typing import Any

import numpy as np

from simulations import (
    acknowledged,
    arrivals,
    kalman,
    loss_control,
    overuse,
    probing,
    rate_control,
    trendline,
)
from simulations.acknowledged import UNKNOWN
from simulations.arrivals import LONGEST_BURST, MILLISECOND, NEVER, UNENDING_BURST
from simulations.compiled import inlined, kernel, seldom
from simulations.controllers import LIBWEBRTC, forget_delays
from simulations.loss_control import LEAST_PACKETS, REPORT_INTERVAL
from simulations.overuse import NORMAL, OVERUSING, UNDERUSING

SILENCE = 2000 * MILLISECOND
"""After a gap (ns) in the arrivals, delays are measured anew (libwebrtc, kStreamTimeOut)."""
LONGEST_RTT = 3000 * MILLISECOND
BACK_OFF_INTERVAL = 1000 * MILLISECOND
BACK_OFF = 0.8
BACK_OFF_FLOOR = 5_000
"""Round trip (ns) from which the target falls; every so many ns, by which factor, and to which rate
(bit/s), if the minimum is not higher (libwebrtc, RttBasedBackoff)."""
RTT_WEIGHT = 0.3
"""Of a new round trip in the smoothed one (libwebrtc, CallStats)."""
HEAVY_LOSS = 0.1
"""Share of packets lost above which a sender that the estimate limits does not probe: it would give
back at once what the loss-based control takes from here on. Not so once queues have emptied after a
large fall: they lost what they had no room for."""
PAUSE, NODE_PAUSE = 5_000 * MILLISECOND, 15_000 * MILLISECOND
"""ns after overuse in which no padding is sent as drafted, by publishers and by media nodes: a
publisher may have stopped altogether. This is the model's own."""
PROBE_FLOOR = 0.85
"""A probe's result below the rate that arrives counts as this share of that rate."""


@inlined
def acknowledge(controller: Any, sent: int, arrival: int, size: int, probe: int) -> None:
    """Take one packet of a feedback message, in order of sending.

    Where packets overtake each other, their order of arrival does as well: it is libwebrtc's.

    Args:
        sent: ns, by the sender's clock. arrival: ns, by the receiver's; < 0: it was lost.
        size: bytes. probe: the number of its probe cluster; 0: none.
    """
    controller.losses.expected += 1
    if arrival < 0:
        controller.losses.lost += 1
        return
    transit = arrival - sent
    if controller.received == 0 or transit < controller.least_transit:
        controller.least_transit = transit
    controller.received += 1
    controller.last_sent = max(controller.last_sent, sent)
    if arrival - controller.newest > SILENCE:
        forget_delays(controller)
    controller.newest = max(controller.newest, arrival)
    if controller.profile == LIBWEBRTC:
        acknowledged.measure(controller.throughput, sent, arrival, size)
        if arrivals.take(controller.groups, sent, arrival, LONGEST_BURST):
            _judge(controller)
        if probe > 0:
            probing.measure(controller.probing, probe, sent, arrival, size)
    else:
        acknowledged.measure_window(controller.windowed, arrival, size)
        if arrivals.take(controller.groups, sent, arrival, UNENDING_BURST):
            _judge_as_drafted(controller)


@kernel
def conclude(controller: Any, now: int) -> None:
    """Act upon a feedback message, whose packets have been acknowledged, that came ``now`` (ns)."""
    if controller.received > 0:
        _time_round_trip(controller, now)
    if controller.profile == LIBWEBRTC:
        _conclude(controller, now)
    else:
        _conclude_as_drafted(controller, now)
    controller.received = 0
    controller.recovered = 0


@kernel
def process(controller: Any, now: int) -> None:
    """Do what falls due at the time ``now`` (ns), feedback or not; every 25 ms."""
    if controller.heard_at == NEVER:  # until there is feedback, the first packet stands for it
        controller.heard_at = controller.last_sent
    if controller.profile == LIBWEBRTC:
        _regulate(controller, now)
        _tell_probing(controller, now)
    elif is_silent(controller):
        _back_off(controller, now)


@inlined
def note_sent(controller: Any, now: int) -> None:
    """Packets have been sent up to ``now`` (ns): their feedback is waited for."""
    controller.last_sent = max(controller.last_sent, now)


@inlined
def _lapse_if_idle(controller: Any, now: int) -> None:
    """What feedback said last holds no longer once nothing has been sent for long: it would for
    ever bar the probes that bring other feedback."""
    if controller.last_sent == NEVER or now - controller.last_sent <= SILENCE:
        return
    controller.heard_at = max(controller.heard_at, controller.last_sent)
    controller.round_trip = 0
    controller.detector.usage = NORMAL
    controller.loss = 0.0


@kernel
def next_probe(controller: Any, now: int, wanted: int, application_limited: bool) -> int:
    """The rate (bit/s) at which to send a probe cluster now, 0: none; its number is then ``probe``.

    The sender calls it at every tick in which it is not sending a cluster, and sends each cluster
    at once: five or more packets, 15 ms or more, evenly at the rate. The draft has no probes: its
    senders pad, in clusters at the estimate's rate.

    Args:
        now: ns.
        wanted: rate that it could use, bit/s; 0: any, and as drafted none. Asking for more by a
            quarter or more is a request for a probe, of a sender that the application limits.
        application_limited: it sends less than the target since it has no more to send, or only a
            whole layer more. libwebrtc takes sending less than 65 % of the target for it.
    """
    _lapse_if_idle(controller, now)
    if controller.profile != LIBWEBRTC:
        return _pad(controller, wanted, now) if application_limited else 0
    if not application_limited and controller.probing.limited_since != NEVER:
        controller.throughput.free_at = now
    losing = not application_limited and controller.loss > HEAVY_LOSS
    barred = losing or _is_barred(controller)
    probing.look(controller.probing, wanted, application_limited, controller.maximum, barred, now)
    rate = probing.start_cluster(controller.probing, controller.probe + 1, now)
    if rate > 0:
        controller.probe += 1
    return rate


@seldom
def _pad(controller: Any, wanted: int, now: int) -> int:
    """The rate (bit/s) of a cluster of padding, of a sender that the application limits; 0: none.

    What arrives would else not tell what fits, and the draft's estimate would never rise. Not while
    queues fill or empty, or much is lost, nor soon after overuse: where nothing more than what it
    sends fits, that is mostly left in peace.
    """
    pause = NODE_PAUSE if controller.forwards else PAUSE
    rests = now - controller.probing.lowered_at < pause
    losing = controller.loss > HEAVY_LOSS
    useful = controller.target < min(wanted, controller.maximum)
    if not useful or rests or losing or _is_barred(controller):
        return 0
    # Nobody reads which cluster it is, only that it is another one; there are many in an hour.
    controller.probe = 1 + controller.probe % 2
    return int(controller.target)


@inlined
def is_silent(controller: Any) -> bool:
    """Whether the round trip takes too long, that of packets that are unanswered included."""
    unanswered = controller.last_sent - controller.heard_at if controller.heard_at != NEVER else 0
    return controller.round_trip + max(unanswered, 0) > LONGEST_RTT  # type: ignore[no-any-return]


@inlined
def _judge(controller: Any) -> None:
    """Take the packet group that is complete."""
    groups, trend, detector = controller.groups, controller.trend, controller.detector
    arrival = groups.before_arrival
    scaled = trendline.fit(trend, groups.sent_delta, groups.arrival_delta, arrival)
    before = detector.usage
    if trend.count > 1:
        overuse.detect(detector, scaled, trend.slope, groups.sent_delta, arrival)
    if before == UNDERUSING and detector.usage == NORMAL:
        controller.recovered = 1


@seldom
def _judge_as_drafted(controller: Any) -> None:
    """Take the packet group that is complete."""
    groups, state = controller.groups, controller.kalman
    scaled = kalman.track(state, groups.sent_delta, groups.arrival_delta)
    if state.count > 1:
        overuse.detect_as_drafted(
            controller.detector, scaled, state.estimate, groups.sent_delta, groups.before_arrival
        )


@inlined
def _time_round_trip(controller: Any, now: int) -> None:
    """The round trip, without what packets waited for the feedback message."""
    round_trip = max(now - controller.newest + controller.least_transit, 1)
    controller.round_trip = round_trip
    controller.heard_at = now
    if controller.rtt == 0:
        controller.rtt = round_trip
    else:
        controller.rtt += np.int64(RTT_WEIGHT * (round_trip - controller.rtt))


@kernel
def _conclude(controller: Any, now: int) -> None:
    losses, rate = controller.losses, controller.rate
    if loss_control.report(losses, REPORT_INTERVAL, LEAST_PACKETS, now):
        controller.loss = losses.share
        _regulate(controller, now)
    if controller.received == 0:
        return
    arrived, found = controller.throughput.rate, controller.probing.result
    controller.probing.result = UNKNOWN
    probed = found
    if probed >= 0.0 and arrived >= 0.0:
        probed = max(probed, min(rate.estimate, PROBE_FLOOR * arrived))
    if probed >= 0.0 and controller.forwards:
        probing.find(controller.probing, probed, now)
    usage, minimum = controller.detector.usage, float(controller.minimum)
    if usage == OVERUSING and probing.has_found(controller.probing, now):
        arrived = max(arrived, controller.probing.found)
    elif usage == OVERUSING and controller.limited:
        arrived = max(arrived, rate.estimate)
    rate_control.control(rate, usage, arrived, probed, controller.rtt, minimum, now)
    controller.state = rate.state
    if probed >= 0.0 and usage != OVERUSING:  # it holds at once
        full = controller.probing.full == 1 and probed == found
        rate_control.learn_capacity(rate, probed, full)
        controller.throughput.free_at = now  # what is sent, and arrives, changes with it
        loss_control.forget(losses)
        _aim(controller, rate.estimate, rate.estimate)
    else:
        _aim(controller, float(controller.target), rate.estimate)
    _tell_probing(controller, now)
    if controller.recovered:
        probing.recover(controller.probing, controller.maximum, now)


@seldom
def _conclude_as_drafted(controller: Any, now: int) -> None:
    losses, rate = controller.losses, controller.rate
    if loss_control.report(losses, 0, 1, now):
        controller.loss = losses.share
        loss_control.regulate_as_drafted(losses, controller.target)
    if controller.received > 0:
        usage, minimum = controller.detector.usage, float(controller.minimum)
        if usage == OVERUSING:
            controller.probing.lowered_at = now
        arrived = acknowledged.window_rate(controller.windowed)
        rate_control.control_as_drafted(rate, usage, arrived, controller.rtt, minimum, now)
        controller.state = rate.state
    _aim(controller, losses.limit, rate.estimate)


@kernel
def _regulate(controller: Any, now: int) -> None:
    """Let losses, or silence, move the target."""
    if is_silent(controller):
        _back_off(controller, now)
        return
    delay_based = controller.rate.estimate
    allowed = loss_control.regulate(
        controller.losses, controller.target, delay_based, controller.rtt, now
    )
    _aim(controller, allowed, delay_based)


@seldom
def _back_off(controller: Any, now: int) -> None:
    losses = controller.losses
    if now - losses.decreased_at < BACK_OFF_INTERVAL or controller.target <= BACK_OFF_FLOOR:
        return
    losses.decreased_at = now
    losses.limit = max(BACK_OFF * controller.target, BACK_OFF_FLOOR)
    _aim(controller, losses.limit, losses.limit)


@inlined
def _aim(controller: Any, rate: float, limit: float) -> None:
    """Set the target to ``rate`` (bit/s), within its limits."""
    most = min(limit, controller.maximum)
    controller.target = np.int64(max(min(rate, most), controller.minimum))


@inlined
def _tell_probing(controller: Any, now: int) -> None:
    barred = _is_barred(controller)
    probing.note(controller.probing, controller.target, controller.maximum, barred, now)


@inlined
def _is_barred(controller: Any) -> bool:
    """No probes while queues fill or empty, or the round trip takes too long."""
    return controller.detector.usage != NORMAL or is_silent(controller)
