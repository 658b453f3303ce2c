"""Pictures: packets that may come in any order become frames, and frames are shown."""

from typing import Any

from simulations.compiled import kernel
from simulations.distributions import count
from simulations.frames import assemble, hear, show_next
from simulations.nack import clear_to
from simulations.nack import note as note_missing
from simulations.receivers import measure_jitter
from synthetic_clients.headers import NONE
from synthetic_clients.state import UNMAPPED, WINDOW


@kernel
def see(
    state: Any, e: int, v: int, view: Any, number: int, media: int, letter: Any, settings: Any
) -> None:
    """Give a picture's packet to its frame, and show what can be shown."""
    k = view.place
    screen, frames = state.screens[k], state.frames[k]
    arrival = letter.arrival
    measure_jitter(state.pictures[k], view.ssrc, arrival - media)
    if note_missing(state.nacks[k], state.missing[k], number, letter.key):
        screen.lost_reference = 1
    hear(screen, letter.key, arrival)
    pieces = state.pieces[k]
    piece = pieces[number & (WINDOW - 1)]
    piece.number = number
    piece.media = media
    piece.marker = letter.marker
    piece.key = letter.key
    piece.used = 0
    keyed = _complete(screen, frames, pieces, number, view)
    if pieces[(number - 1) & (WINDOW - 1)].number == number - 1:
        keyed |= _complete(screen, frames, pieces, number - 1, view)
    if keyed and state.keyed[v] < 0:
        state.keyed[v] = arrival
    while True:
        before = screen.next
        captured = show_next(screen, frames, arrival)
        if captured < 0:
            break
        _settle_skip(screen, pieces, before)
        view.look = 1 if state.nacks[k].count > 0 else 0
        clear_to(state.nacks[k], state.missing[k], screen.next)
        if state.shown[v] < 0:
            state.shown[v] = arrival
        if view.mapping != UNMAPPED:
            seen = max(arrival - captured, 0) + settings.picture_output
            state.meters[e].frames += 1
            state.meters[e].seen_sum += seen
            count(state.frame_delays, e, seen)


@kernel
def _complete(screen: Any, frames: Any, pieces: Any, number: int, view: Any) -> int:
    """If all packets of the frame that ``number`` belongs to have come, let it be assembled; 1 if
    it is a key frame.

    A frame's packets have one time stamp and consecutive numbers; the last has the marker bit. So a
    frame is whole if there is no hole from what ends the frame before to what ends it.
    """
    mask = WINDOW - 1
    here = pieces[number & mask]
    if here.used:
        return 0
    last = number
    while not pieces[last & mask].marker:
        after = pieces[(last + 1) & mask]
        if after.number != last + 1:
            return 0
        if after.media != here.media:
            break
        last += 1
        if last - number > WINDOW // 2:
            return 0
    first = number
    while first > view.first:
        before = pieces[(first - 1) & mask]
        if before.number != first - 1:
            return 0
        if before.media != here.media or before.marker:
            break
        first -= 1
        if number - first > WINDOW // 2:
            return 0
    key = 0
    for n in range(first, last + 1):
        key |= pieces[n & mask].key
        pieces[n & mask].used = 1
    for n in range(first, last + 1):
        assemble(screen, frames, n, n - first, last - first + 1, key, here.media + view.anchor)
    return key


@kernel
def _settle_skip(screen: Any, pieces: Any, before: int) -> None:
    """What was passed over before the frame just shown: packets that came, of frames that were
    never whole, are not missing, and their frames are dropped."""
    first = screen.next - 1
    while first > before and pieces[(first - 1) & (WINDOW - 1)].number == first - 1:
        if (
            pieces[(first - 1) & (WINDOW - 1)].media
            != pieces[(screen.next - 1) & (WINDOW - 1)].media
        ):
            break
        first -= 1
    last_media = NONE
    for n in range(max(before, first - WINDOW), first):
        piece = pieces[n & (WINDOW - 1)]
        if piece.number == n and not piece.used:
            screen.packets_missing -= 1
            screen.frames_dropped += piece.media != last_media
            last_media = piece.media
