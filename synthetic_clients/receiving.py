"""From packets as they reach a socket to what their receiver measures.

`enter` sends packets over the endpoint's virtual link: each gets the time at which it would have
arrived. `deliver` gives the receiver what has arrived by now. `look_round`, every 25 ms, says what
the receiver asks for.
"""

from typing import Any

import numpy as np

from simulations.arrivals import NEVER
from simulations.compiled import inlined, kernel
from simulations.congestion import acknowledge
from simulations.distributions import bucket_of, count
from simulations.frames import wants_key_frame
from simulations.jitter_buffer import NOTHING, insert, play_next, restart
from simulations.links import carry
from simulations.nack import due
from simulations.overuse import NORMAL, OVERUSING
from simulations.receivers import account, measure, measure_jitter
from synthetic_clients.headers import NONE
from synthetic_clients.seeing import see
from synthetic_clients.state import (
    BY_EXTENSION,
    BY_REPORT,
    CROWDED,
    GAP,
    LINKED,
    LINKS_FROM,
    MAIL,
    TAPPED,
    UNMAPPED,
    WINDOW,
)

LATE = 2_000_000_000
"""ns after which a packet that has not come counts as lost (`packet_loss`)."""
JUMP = 5_000_000
REPORTED_JUMP = 50_000_000
"""ns by which capture times may drift from a stream's time stamps before its source is taken to be
another: those of the abs-capture-time extension, and those of sender reports, which servers write
with less care."""
FAR = 3_000
"""A sequence number that lies further ahead begins the stream anew (RFC 3550, A.1, MAX_DROPOUT)."""
BEHIND = 1_000
"""One that lies further behind is no packet of this stream's, unless the next one follows it."""
BEGINS_ANEW = -2
INCREASE = 1.08
DECREASE = 0.85
"""What an estimate is multiplied by: in a second without overuse, and where there is (of the rate
that arrives) (draft-ietf-rmcat-gcc-02, 5.5)."""
_SECOND = 1_000_000_000


@kernel
def enter(state: Any, packets: Any, number: int, settings: Any) -> None:
    """Send ``number`` packets over their endpoints' virtual links.

    Args:
        packets: PACKET, from `headers.parse`.
        settings: (1,) SETTINGS of `synthetic_clients.settings`.
    """
    base = state.clock[LINKS_FROM]
    for p in range(number):
        packet = packets[p]
        view = state.views[packet.stream]
        e = view.endpoint
        endpoint = state.endpoints[e]
        arrival = packet.arrival
        if state.clock[LINKED]:
            now = max(packet.arrival - base, 0)
            arrival = carry(
                state.downlinks[e], state.down_starts, state.down_sizes, state.load_times,
                state.load_shares, now, packet.size,
            )  # fmt: skip
            if arrival < 0:
                view.look = 1
                continue
            arrival += base
        if endpoint.tail - endpoint.head == MAIL:
            state.clock[CROWDED] += 1
            _take(state, e, endpoint, settings[0])
        letter = state.mail[e, endpoint.tail & (MAIL - 1)]
        letter.arrival = arrival
        letter.capture = packet.capture
        letter.stream = packet.stream
        letter.stamp = packet.stamp
        letter.sequence = packet.sequence
        letter.size = packet.size
        letter.marker = packet.marker
        letter.key = packet.key
        endpoint.tail += 1


@kernel
def deliver(state: Any, until: int, settings: Any) -> None:
    """Give all receivers what has arrived before ``until`` (ns)."""
    for e in range(len(state.endpoints)):
        endpoint = state.endpoints[e]
        while endpoint.head < endpoint.tail:
            if state.mail[e, endpoint.head & (MAIL - 1)].arrival >= until:
                break
            _take(state, e, endpoint, settings[0])


@kernel
def _take(state: Any, e: int, endpoint: Any, settings: Any) -> None:
    """Give a receiver its oldest letter."""
    letter = state.mail[e, endpoint.head & (MAIL - 1)]
    endpoint.head += 1
    view = state.views[letter.stream]
    meter = state.meters[e]
    number = _number(view, letter.sequence)
    if state.tapped[e] and state.clock[TAPPED] < len(state.taps):
        tap = state.taps[state.clock[TAPPED]]
        tap.stream = letter.stream
        tap.sequence = letter.sequence
        tap.arrival = letter.arrival
        state.clock[TAPPED] += 1
    meter.packets += 1
    meter.bytes += letter.size
    if endpoint.last_media > 0 and letter.arrival - endpoint.last_media > GAP:
        endpoint.gap_from, endpoint.gap_until = endpoint.last_media, letter.arrival
    endpoint.last_media = max(endpoint.last_media, letter.arrival)
    state.view_bytes[letter.stream] += letter.size
    if number == BEGINS_ANEW:
        begin_anew(state, letter.stream)
        number = _number(view, letter.sequence)
    if number < 0:
        endpoint.strays += 1
        return
    media = _media_time(view, letter.stamp, number)
    again = _is_sent_again(state, view, number)
    if not _note_arrival(state, letter.stream, view, number, letter.arrival, again):
        endpoint.strays += 1
        return
    capture = _capture_time(state, view, media, letter)
    if view.mapping != UNMAPPED:
        encoding = settings.audio_encoding if view.audio else settings.picture_encoding
        delay = max(letter.arrival - capture - encoding, 0)
        measure(meter, state.delays, e, delay, bucket_of(delay))
    acknowledge(state.controllers[e], view.anchor + media, letter.arrival, letter.size, 0)
    if again:
        endpoint.retransmitted += 1
    if state.shown[letter.stream] < 0 and view.audio:
        state.shown[letter.stream] = letter.arrival
    if view.audio:
        _hear(state, e, view, number, media, letter.arrival, settings)
    else:
        see(state, e, letter.stream, view, number, media, letter, settings)


@inlined
def _number(view: Any, sequence: int) -> int:
    """The extended number of a packet (RFC 3550, A.1); −1: it is too old."""
    if view.highest == 0:
        view.highest = view.first = view.resolved = 65_536 + sequence
        return 65_536 + sequence
    ahead = (sequence - view.highest) & 0xFFFF
    if ahead < FAR:
        view.stray = -1
        return view.highest + ahead  # type: ignore[no-any-return]
    behind = 65_536 - ahead
    if behind < BEHIND:
        return view.highest - behind if view.highest - behind >= view.first else -1
    if sequence == view.stray:  # the second in a row: the sender has begun anew
        return BEGINS_ANEW
    view.stray = (sequence + 1) & 0xFFFF
    return -1


@kernel
def begin_anew(state: Any, v: int) -> None:
    """What comes next of the stream ``v`` has nothing to do with what came before."""
    view = state.views[v]
    _resolve(state, v, view, view.highest + 1, 0)
    view.highest = view.received = view.expected_before = view.received_before = 0
    view.mapping = UNMAPPED
    view.stray = view.coming = -1
    view.report_arrival = 0
    k = view.place
    if view.audio:
        state.voices[k].source = state.voices[k].number = -1
        restart(state.buffers[k], state.slots[k])
        state.buffers[k].clock = state.buffers[k].waiting = 0
        return
    state.pictures[k].source = state.pictures[k].number = -1
    state.nacks[k].next = state.nacks[k].count = state.nacks[k].key_from = 0
    screen = state.screens[k]
    screen.started = screen.decoding = screen.lost_reference = 0
    screen.head = screen.tail = screen.keys = 0
    state.freeze_totals[k] = -screen.freezes.freeze_count
    view.look = 1


@inlined
def _media_time(view: Any, stamp: int, number: int) -> int:
    """ns of media time that a time stamp stands for."""
    if view.received == 0:
        view.stamp = stamp + (1 << 32)
    step = (stamp - view.stamp) & 0xFFFFFFFF
    extended = view.stamp + (step if step < (1 << 31) else step - (1 << 32))
    if number >= view.highest:
        view.stamp = extended
    return np.int64(
        extended // view.clock * _SECOND + extended % view.clock * _SECOND // view.clock
    )  # type: ignore[return-value]


@inlined
def _is_sent_again(state: Any, view: Any, number: int) -> bool:
    """Whether we asked for ``number``: then it is taken for a retransmission."""
    if view.audio:
        return False
    nack = state.nacks[view.place]
    missing = state.missing[view.place]
    if nack.count == 0 or number < missing[0].number or number > missing[nack.count - 1].number:
        return False
    for i in range(nack.count):
        if missing[i].number == number:
            return bool(missing[i].tries > 0)
    return False


@kernel
def _note_arrival(state: Any, v: int, view: Any, number: int, arrival: int, again: bool) -> bool:
    """Remember that ``number`` came; False: it had come before, or nobody remembers."""
    seen = state.seen[v]
    slot = number & (WINDOW - 1)
    if number > view.highest:
        first = max(view.highest + 1, number - WINDOW + 1)
        _resolve(state, v, view, number - WINDOW + 1, arrival)
        for lost in range(first, number):
            seen[lost & (WINDOW - 1)] = -max(arrival, 1)
        view.highest = number
    elif view.received > 0:
        if number <= view.highest - WINDOW or seen[slot] > 0:
            return False
        if not view.audio and state.pieces[view.place, slot].number == number:
            return False
        if again:  # it came, but its first transmission did not: that stays missing
            view.received += 1
            return True
    seen[slot] = max(arrival, 1)
    view.received += 1
    return True


@kernel
def _resolve(state: Any, v: int, view: Any, until: int, now: int) -> None:
    """Account for numbers in order, as far as it is known what became of them; those before
    ``until`` in any case."""
    stream = state.voices[view.place] if view.audio else state.pictures[view.place]
    seen = state.seen[v]
    while view.resolved <= view.highest and view.received > 0:
        came = seen[view.resolved & (WINDOW - 1)]
        if came <= 0 and view.resolved >= until and now + came < LATE:
            break
        if stream.number < 0:
            stream.number = view.resolved - 1
        account(stream, view.resolved, came > 0)
        view.resolved += 1


@inlined
def _capture_time(state: Any, view: Any, media: int, letter: Any) -> int:
    """When a packet was captured (ns), as far as that is known; see `VIEW`."""
    if letter.capture != NONE:
        view.mapping = BY_EXTENSION
        view.map_media = media
        view.map_capture = letter.capture
    if view.mapping == UNMAPPED:
        if view.received == 1:
            view.anchor = letter.arrival - media
        return view.anchor + media  # type: ignore[no-any-return]
    capture = view.map_capture + media - view.map_media
    jump = JUMP if view.mapping == BY_EXTENSION else REPORTED_JUMP
    if abs(capture - media - view.anchor) > jump:
        view.anchor = capture - media
        if view.audio:
            restart(state.buffers[view.place], state.slots[view.place])
    return capture  # type: ignore[no-any-return]


@kernel
def _hear(
    state: Any, e: int, view: Any, number: int, media: int, arrival: int, settings: Any
) -> None:
    """Give a voice's packet to its jitter buffer."""
    k = view.place
    measure_jitter(state.voices[k], view.ssrc, arrival - media)
    _play(state, e, view, arrival, settings)
    insert(
        state.buffers[k], state.slots[k], number, media + view.anchor, arrival, settings.ptime,
        settings.fec,
    )  # fmt: skip


@inlined
def _play(state: Any, e: int, view: Any, until: int, settings: Any) -> None:
    """Let a voice's jitter buffer play what it plays up to ``until``."""
    k = view.place
    meter = state.meters[e]
    while True:
        delay = play_next(state.buffers[k], state.slots[k], until)
        if delay == NOTHING:
            break
        if delay >= 0 and view.mapping != UNMAPPED:
            heard = delay + settings.audio_output
            meter.played += 1
            meter.heard_sum += heard
            count(state.audio_delays, e, heard)


@kernel
def look_round(
    state: Any, now: int, settings: Any, numbers: Any, requests: Any, keys: Any
) -> tuple[int, int]:
    """Bring everything up to ``now`` (ns), and say what receivers ask for.

    Args:
        numbers: int32 array to work with.
        requests: (r, 2) int64, filled with (view, number) of packets to ask for again.
        keys: (k,) int64, filled with views that need a key frame.

    Returns:
        How many requests and keys there are.
    """
    asked = wanted = 0
    for v in range(len(state.views)):
        view = state.views[v]
        e = view.endpoint
        endpoint = state.endpoints[e]
        if view.received == 0 or not endpoint.online:
            continue
        _resolve(state, v, view, 0, now)
        if view.audio:
            _play(state, e, view, now, settings)
            continue
        k = view.place
        nack, screen = state.nacks[k], state.screens[k]
        if settings.nack:
            room = len(requests) - asked
            found = due(nack, state.missing[k], now, endpoint.round_trip, numbers, room)
            for i in range(found):
                requests[asked, 0] = v
                requests[asked, 1] = numbers[i]
                asked += 1
            endpoint.nack_count += found
        if nack.gave_up:
            nack.gave_up = 0
            screen.lost_reference = 1
        if wanted < len(keys) and wants_key_frame(screen, now, endpoint.round_trip):
            keys[wanted] = v
            wanted += 1
            endpoint.pli_count += 1
        if not screen.decoding or screen.lost_reference or nack.count > 0:
            view.look = 1
    return asked, wanted


@kernel
def estimate(state: Any, now: int) -> None:
    """Bring the estimates of what downlinks carry up to ``now`` (ns)."""
    for e in range(len(state.endpoints)):
        endpoint, controller = state.endpoints[e], state.controllers[e]
        if endpoint.estimated_at == 0 or controller.newest == NEVER:
            endpoint.estimated_at = now
            continue
        passed = min(now - endpoint.estimated_at, _SECOND)
        endpoint.estimated_at = now
        arriving = controller.throughput.rate
        if controller.detector.usage == OVERUSING and arriving > 0.0:
            endpoint.estimate = min(endpoint.estimate, DECREASE * arriving)
        elif controller.detector.usage == NORMAL and controller.received > 0:
            endpoint.estimate *= INCREASE ** (passed / _SECOND)
        controller.received = 0
        endpoint.estimate = max(
            min(endpoint.estimate, np.float64(controller.maximum)), np.float64(controller.minimum)
        )


@kernel
def map_report(
    state: Any, v: int, ntp: int, stamp: int, middle: int, arrival: int, settings: Any
) -> None:
    """Take a sender report of the stream ``v``: the time stamp ``stamp`` was sent at ``ntp`` (ns on
    the run's clock). Servers write their own reports, so this is when the server had the packet."""
    view = state.views[v]
    view.report_middle = middle
    view.report_arrival = max(arrival, 1)
    if view.mapping == BY_EXTENSION or view.received == 0:
        return
    step = (stamp - view.stamp) & 0xFFFFFFFF
    extended = view.stamp + (step if step < (1 << 31) else step - (1 << 32))
    view.map_media = (
        extended // view.clock * _SECOND + extended % view.clock * _SECOND // view.clock
    )
    view.map_capture = ntp - (settings.audio_encoding if view.audio else settings.picture_encoding)
    view.mapping = BY_REPORT
