"""What a media node does for one subscriber at every tick: it reads feedback, estimates, chooses
layers, repairs and probes."""

from typing import Any

import numpy as np

from simulations import alr
from simulations.allocation import seat_shown
from simulations.choosing import choose, stands
from simulations.compiled import inlined, kernel, seldom
from simulations.congestion import acknowledge, conclude, next_probe, note_sent, process
from simulations.controllers import CONTROLLER
from simulations.feedback import KEY_FRAME_WANTED, MESSAGES, REQUESTS
from simulations.history import AGAIN, FILLER, entry_slot, find_copy, next_slot, oldest_kept
from simulations.layout import CACHE_LINE
from simulations.legs import LINES, order
from simulations.outs import out_index
from simulations.pacer import pacing_of
from simulations.padding import cluster_of
from simulations.prefetching import prefetch
from simulations.probing import PROBING
from simulations.settings import TICK
from simulations.turns import EVERY_TICK, hurry
from simulations.world import STIRRED, WALL_STIRRED

_CONTROLLER_LINES = (
    dict(CONTROLLER.fields or ())["probing"][1] + dict(PROBING.fields or ())["clusters"][1]
) // CACHE_LINE + 1
"""Behind them stands what only probes and the draft's profile use."""
_RECORDS = 3
"""Subscribers ahead whose records are asked for."""
_COPIES = 32
"""Copies asked for ahead."""

LONGEST_LOOK, SHORTEST_LOOK = 6 * TICK, 2 * TICK
"""ns between looks at a subscriber: where nothing is heard from it, and as feedback comes."""
STIRRED_FOR = 8 * TICK
"""ns for which all whom it concerns are looked after at every tick, after who is heard and seen has
changed."""
SPARE_PACKETS = 2
"""More padding than a probe's bytes: media that takes its place seldom comes out even."""


@kernel
def steer_group(world: Any, g: int, now: int) -> None:
    """Let nodes act for those of the group ``g`` whose turn it is at the tick ``now`` (ns)."""
    first, members, due = world.group_first[g], world.group_members, world.due
    stirred = now <= world.totals[STIRRED] + STIRRED_FOR
    count = 0
    for i in range(first, world.group_first[g + 1]):
        if stirred or world.turns[np.uint64(members[i])].steer <= now:
            due[first + count] = members[i]
            count += 1
    last = first + count - 1
    for i in range(first, first + min(count, _RECORDS)):
        _ask_for_records(world, np.uint64(due[i]))
        _ask_for_controller(world, np.uint64(due[i]))
    for i in range(first, first + count):
        _ask_for_records(world, np.uint64(due[min(i + _RECORDS, last)]))
        _ask_for_copies(world, np.uint64(due[min(i + 1, last)]))
        steer(world, np.int64(due[i]), now)
        _ask_for_controller(world, np.uint64(due[min(i + _RECORDS, last)]))


@kernel
def _ask_for_records(world: Any, endpoint: Any) -> None:
    """Ask for what `steer` reads of an endpoint."""
    for line in range(LINES):
        prefetch(world.legs, endpoint, line)
    prefetch(world.endpoints, endpoint, 0)
    mail = world.mails[endpoint]
    head = np.uint64(mail.head & (MESSAGES - 1))
    prefetch(world.messages, head * np.uint64(world.messages.shape[1]) + endpoint, 0)
    prefetch(world.senders, endpoint, 0)


@kernel
def _ask_for_controller(world: Any, endpoint: Any) -> None:
    """Ask for an endpoint's controller."""
    for line in range(_CONTROLLER_LINES):
        prefetch(world.controllers, endpoint, line)


@kernel
def _ask_for_copies(world: Any, endpoint: Any) -> None:
    """Ask for the copies that the next message of an endpoint reports on, and for those among which
    what it asks for is looked up."""
    mail, sender = world.mails[endpoint], world.senders[endpoint]
    if mail.head == mail.tail:
        return
    message = world.messages[np.uint64(mail.head & (MESSAGES - 1)), endpoint]
    for entry in range(message.first, min(message.last, message.first + _COPIES) + 1, 2):
        prefetch(world.copies, entry_slot(sender, entry), 0)
    if mail.request_head < message.requests:
        for back in range(1, _COPIES, 2):
            prefetch(world.copies, entry_slot(sender, sender.next - back), 0)


@kernel
def steer(world: Any, endpoint: Any, now: int) -> None:
    """Act upon what has reached the node from ``endpoint`` until the tick ``now`` (ns)."""
    rtt = world.controllers[endpoint].rtt
    _steer(world, endpoint, now)
    leg, mail, turn = world.legs[endpoint], world.mails[endpoint], world.turns[endpoint]
    if world.controllers[endpoint].rtt < rtt or rtt == 0:
        hurry(world, endpoint)
    if leg.padding > 0 or world.senders[endpoint].probe > 0 or is_stirred(world, endpoint, now):
        turn.steer = EVERY_TICK
        return
    turn.steer = leg.looked_at + LONGEST_LOOK
    if mail.head < mail.tail:
        message = world.messages[np.uint64(mail.head & (MESSAGES - 1)), endpoint]
        turn.steer = min(turn.steer, message.arrival)


@inlined
def is_stirred(world: Any, endpoint: int, now: int) -> bool:
    """Whether it is not long since there was a change of who ``endpoint`` is to hear and see."""
    since = world.totals[STIRRED]
    if endpoint == len(world.endpoints) - 1:
        since = max(since, world.totals[WALL_STIRRED])
    return bool(now <= since + STIRRED_FOR)


@kernel
def _steer(world: Any, endpoint: int, now: int) -> None:
    leg, mail = world.legs[endpoint], world.mails[endpoint]
    controller = world.controllers[endpoint]
    world.ordered[endpoint] = 0
    if world.endpoints[endpoint].served < 0:
        return
    heard = mail.head < mail.tail and (
        world.messages[np.uint64(mail.head & (MESSAGES - 1)), endpoint].arrival <= now
    )
    passed = now - leg.looked_at
    look = passed >= LONGEST_LOOK or (heard and passed >= SHORTEST_LOOK)
    if look:
        _look(world, endpoint, now)
        process(controller, now)
    while mail.head < mail.tail:
        message = world.messages[np.uint64(mail.head & (MESSAGES - 1)), endpoint]
        if message.arrival > now:
            break
        mail.head += 1
        if message.last >= message.first:
            _learn(world, endpoint, message.first, message.last)
            conclude(controller, now)
        while mail.request_head < message.requests:
            _answer(world, endpoint, mail.request_head, now)
            mail.request_head += 1
    if heard or look or is_stirred(world, endpoint, now):
        if not stands(world, endpoint, now):
            choose(world, endpoint, now)
        _probe(world, endpoint, now)
        world.senders[endpoint].pacing = pacing_of(controller.target)
    _pad(world, endpoint, now)


@kernel
def _look(world: Any, endpoint: int, now: int) -> None:
    """How much was sent since the last look; what repair may take."""
    leg, sent = world.legs[endpoint], world.senders[endpoint].bytes
    controller = world.controllers[endpoint]
    passed = max(now - leg.looked_at, 1) * 1e-9
    alr.spend(leg, controller.target, sent - leg.bytes_before, passed)
    controller.limited = leg.limited
    if sent > leg.bytes_before:
        note_sent(controller, now)
    leg.bytes_before, leg.looked_at = sent, now
    share = controller.target * world.settings[0].repair_share / 8.0
    leg.repair = min(leg.repair + share * passed, max(share, 2.0 * world.settings[0].payload))


@kernel
def _learn(world: Any, endpoint: int, first: int, last: int) -> None:
    """Give the controller what a feedback message reports."""
    sender, controller, copies = world.senders[endpoint], world.controllers[endpoint], world.copies
    first = max(first, oldest_kept(sender))
    place = entry_slot(sender, first - 1)
    for entry in range(first, last + 1):
        place = next_slot(sender, place, entry)
        copy = copies[place]
        arrival = copy.arrival if copy.arrival > 0 else -1
        acknowledge(controller, copy.sent, arrival, copy.size, copy.probe)


@seldom
def _answer(world: Any, endpoint: int, position: int, now: int) -> None:
    """Do what a subscriber asks for: send a packet again, or ask the publisher for a key frame."""
    wanted = world.requests[endpoint, np.uint64(position & (REQUESTS - 1))]
    settings, leg = world.settings[0], world.legs[endpoint]
    if wanted.kind == KEY_FRAME_WANTED:
        seat = seat_shown(world, wanted.slot, endpoint)
        out = world.outs[out_index(settings, len(world.endpoints), wanted.slot, endpoint)]
        if seat >= 0 and out.wanted >= 0:
            column = settings.layers if wanted.slot == settings.screen_slot else out.wanted
            world.key_wanted[seat, column] = 1
        return
    sender, controller = world.senders[endpoint], world.controllers[endpoint]
    entry = find_copy(sender, world.copies, wanted.slot, wanted.number, now - settings.cache)
    if entry < 0 or world.ordered[endpoint] >= world.orders.shape[1]:
        return
    copy = world.copies[entry_slot(sender, entry)]
    if copy.kind == AGAIN and copy.sent + controller.rtt > now:
        return  # it is still on its way
    if leg.repair < copy.size:
        return
    leg.repair -= copy.size
    gap = copy.size * sender.pacing
    time = min(now + world.ordered[endpoint] * gap, now + TICK - 1)
    order(
        world.ordered, world.orders, endpoint, time, copy.packet, copy.number, copy.slot, AGAIN, 0
    )


@inlined
def _probe(world: Any, endpoint: int, now: int) -> None:
    """Decide on probing."""
    settings, leg, controller = world.settings[0], world.legs[endpoint], world.controllers[endpoint]
    if not settings.probing or leg.padding != 0:
        return
    rate = next_probe(controller, now, max(int(leg.useful), 1), True)
    if rate > 0:
        sender, size = world.senders[endpoint], settings.payload + settings.header
        sender.probe_bytes, sender.probe_gap = cluster_of(rate, size)
        sender.probe, sender.probe_at = controller.probe, now
        leg.padding = sender.probe_bytes + SPARE_PACKETS * size
        leg.padding_at = now


@kernel
def _pad(world: Any, endpoint: int, now: int) -> None:
    """Order padding for the coming tick, as much as the running probe takes if nothing else comes.
    What does come takes its place, see `simulations.fanout`."""
    leg, settings, sender = world.legs[endpoint], world.settings[0], world.senders[endpoint]
    if leg.padding <= 0:
        sender.probe = 0  # all has been sent
    size = settings.payload + settings.header
    while (
        sender.probe > 0
        and leg.padding > 0
        and leg.padding_at < now + TICK
        and world.ordered[endpoint] < world.orders.shape[1]
    ):
        order(
            world.ordered, world.orders, endpoint, max(leg.padding_at, now),
            settings.packet_mask + 1, 0, 0, FILLER, sender.probe,
        )  # fmt: skip
        leg.padding_at += size * sender.probe_gap
        leg.padding -= size
    if sender.probe == 0:
        leg.padding = 0
