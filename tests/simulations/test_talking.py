"""Who talks when, and who is heard."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.randomness import entity_keys, stream_key
from simulations.talking import Change, Spurt, heard_voices, talk_spurts

SECOND = 10**9
KEYS = entity_keys(stream_key(1, 0, "test"), [f"s{number}" for number in range(400)])


def test_spurts_lie_between_begin_and_end_and_apart() -> None:
    spurts = talk_spurts(KEYS[0], 5, 3 * SECOND, 600 * SECOND, SECOND, 2 * SECOND)
    assert {spurt.speaker for spurt in spurts} == {5}
    times = [time for spurt in spurts for time in (spurt.begin, spurt.end)]
    assert times == sorted(set(times))
    assert times[0] >= 3 * SECOND
    assert times[-1] <= 600 * SECOND
    assert len(spurts) > 100


def test_spurts_have_the_means_of_p59_and_exponential_lengths() -> None:
    talk, pause = 1_004_000_000, 1_587_000_000
    lengths, gaps = [], []
    for key in KEYS[:20]:
        spurts = talk_spurts(key, 0, 0, 1000 * SECOND, talk, pause)
        lengths += [spurt.end - spurt.begin for spurt in spurts[1:-1]]
        gaps += [after.begin - before.end for before, after in pairwise(spurts)]
    for drawn, mean in ((np.array(lengths), talk), (np.array(gaps), pause)):
        error = 4 / np.sqrt(len(drawn))
        assert drawn.mean() == pytest.approx(mean, rel=error)
        assert drawn.std() == pytest.approx(mean, rel=2 * error)
        assert (drawn > 2 * mean).mean() == pytest.approx(np.exp(-2), abs=error)


def test_the_beginning_is_stationary() -> None:
    """As many talk at once at the very beginning as later."""
    talking = [
        [
            any(spurt.begin <= time < spurt.end for spurt in spurts)
            for time in (0, SECOND // 10, 5 * SECOND)
        ]
        for spurts in (talk_spurts(key, 0, 0, 10 * SECOND, SECOND, 3 * SECOND) for key in KEYS)
    ]
    shares = np.mean(talking, axis=0)
    assert shares == pytest.approx([0.25] * 3, abs=4 * np.sqrt(0.25 * 0.75 / len(KEYS)))


def test_a_longer_stretch_goes_on_as_the_shorter_began() -> None:
    short = talk_spurts(KEYS[1], 0, 0, 60 * SECOND, SECOND, SECOND)
    long = talk_spurts(KEYS[1], 0, 0, 600 * SECOND, SECOND, SECOND)
    assert long[: len(short) - 1] == short[:-1]
    assert talk_spurts(KEYS[2], 0, 0, 60 * SECOND, SECOND, SECOND) != short


def test_who_waits_is_heard_when_there_is_room() -> None:
    spurts = [Spurt(0, 10, 1), Spurt(2, 20, 2), Spurt(4, 16, 3), Spurt(12, 14, 1)]
    assert heard_voices(spurts, 2) == [
        Change(0, True, 1, 0),
        Change(2, True, 2, 1),
        Change(10, False, 1, 0),
        Change(10, True, 3, 0),
        Change(16, False, 3, 0),
        Change(20, False, 2, 1),
    ]


def test_who_would_be_heard_for_no_time_is_not() -> None:
    assert heard_voices([Spurt(0, 9, 1), Spurt(3, 9, 2)], 1) == [
        Change(0, True, 1, 0),
        Change(9, False, 1, 0),
    ]


speakers = st.lists(st.lists(st.integers(1, 6), max_size=10), max_size=6)


def spurts_of(lengths: list[list[int]]) -> list[Spurt]:
    """Speakers' pauses and spurts in turn."""
    spurts = []
    for speaker, turns in enumerate(lengths):
        now = 0
        for pause, talk in zip(turns[::2], turns[1::2], strict=False):
            spurts.append(Spurt(now + pause, now + pause + talk, speaker))
            now += pause + talk
    return spurts


@given(speakers, st.integers(1, 4))
def test_at_every_instant_those_who_began_first_are_heard(
    lengths: list[list[int]], voices: int
) -> None:
    spurts = spurts_of(lengths)
    changes = heard_voices(spurts, voices)
    assert [change.at for change in changes] == sorted(change.at for change in changes)
    voice_of: dict[int, int] = {}
    for now in range(80):
        for change in changes:
            if change.at != now:
                continue
            if change.heard:
                assert change.voice not in voice_of.values()
                voice_of[change.speaker] = change.voice
            else:
                assert voice_of.pop(change.speaker) == change.voice
        talking = sorted(
            (spurt.begin, spurt.speaker) for spurt in spurts if spurt.begin <= now < spurt.end
        )
        assert set(voice_of) == {speaker for _, speaker in talking[:voices]}
        assert all(0 <= voice < voices for voice in voice_of.values())
