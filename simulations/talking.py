"""Talking: who speaks when in a discussion, and who of them is heard.

Talk spurts and pauses have exponential lengths (ITU-T P.59), every speaker's own. A conference
hears only so many at once, the loudest as a rule. Loudness is not modelled: here it is those who
began first.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from scenarios.randomness import uniforms

_DRAWN_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Spurt:
    """``speaker`` talks from ``begin`` to ``end`` (ns)."""

    begin: int
    end: int
    speaker: int


@dataclass(frozen=True, slots=True)
class Change:
    """At ``at`` (ns), ``speaker`` begins or ceases to be heard, as the voice of this number."""

    at: int
    heard: bool
    speaker: int
    voice: int


def talk_spurts(
    key: np.uint64, speaker: int, begin: int, end: int, talk: int, pause: int
) -> list[Spurt]:
    """The spurts of one speaker between ``begin`` and ``end``, in time.

    The speaker is found in the stationary state: talking with probability talk/(talk + pause).

    Args:
        key: of the speaker's random numbers.
        talk, pause: means (ns).
    """
    spurts = []
    talking = float(uniforms(key)) * (talk + pause) < talk
    now, drawn = begin, 1
    while now < end:
        for draw in uniforms(key, np.arange(drawn, drawn + _DRAWN_AT_ONCE)):
            until = now + 1 + int(-math.log(draw) * (talk if talking else pause))
            if talking:
                spurts.append(Spurt(now, min(until, end), speaker))
            talking, now = not talking, until
            if now >= end:
                break
        drawn += _DRAWN_AT_ONCE
    return spurts


def heard_voices(spurts: Collection[Spurt], voices: int) -> list[Change]:
    """Who is heard of all who talk, at most ``voices`` at once: those whose spurts began first.

    Who waits is heard as soon as there is room, in the midst of the spurt. Of spurts that begin in
    the same nanosecond the first speaker's comes first. Speakers do not overlap themselves.

    Returns:
        The changes, in time; those who cease before those who begin.
    """
    marks = [(spurt.end, False, spurt.speaker) for spurt in spurts]
    marks += [(spurt.begin, True, spurt.speaker) for spurt in spurts]
    changes: list[Change] = []
    talking: dict[int, None] = {}
    voice_of: dict[int, int] = {}
    for at, together in groupby(sorted(marks), key=lambda mark: mark[0]):
        for _, begins, speaker in together:
            if begins:
                talking[speaker] = None
                continue
            del talking[speaker]
            if speaker in voice_of:
                changes.append(Change(at, False, speaker, voice_of.pop(speaker)))
        waiting = (speaker for speaker in talking if speaker not in voice_of)
        for speaker in list(islice(waiting, voices - len(voice_of))):
            voice_of[speaker] = _lowest_free(voice_of.values(), voices)
            changes.append(Change(at, True, speaker, voice_of[speaker]))
    return changes


def _lowest_free(taken: Iterable[int], voices: int) -> int:
    used = set(taken)
    return next(number for number in range(voices) if number not in used)
