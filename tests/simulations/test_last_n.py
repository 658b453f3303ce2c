"""Pictures of the last speakers."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.last_n import NOBODY, LastN
from simulations.talking import Change, Spurt, heard_voices
from tests.simulations.test_talking import speakers, spurts_of

END = 90


def on(at: int, speaker: int) -> Change:
    return Change(at, True, speaker, 0)


def off(at: int, speaker: int) -> Change:
    return Change(at, False, speaker, 0)


def test_one_picture_is_who_has_the_floor() -> None:
    pictures = LastN(1)
    assert [pictures.give(endpoint, now) for now, endpoint in enumerate((7, 3, 7, 9))] == [0] * 4
    assert pictures.shown == [9]


def test_the_longest_silent_makes_way() -> None:
    pictures = LastN(3)
    assert [pictures.give(endpoint, now) for now, endpoint in enumerate((7, 3, 5))] == [0, 1, 2]
    assert pictures.give(7, 3) == 0
    assert pictures.give(8, 4) == 1
    assert pictures.give(9, 5) == 2
    assert pictures.shown == [7, 8, 9]


def test_a_speaker_takes_the_picture_at_once_and_then_keeps_it_a_while() -> None:
    pictures = LastN(1)
    pictures.give(99, 0)
    changes = [on(10, 1), off(11, 1), on(12, 2), off(40, 2), on(50, 3)]
    assert list(pictures.follow(changes, 5, END)) == [(10, 1, 0), (15, 2, 0), (50, 3, 0)]


def test_who_speaks_keeps_the_picture() -> None:
    changes = [on(0, 1), on(1, 2), off(30, 1)]
    assert list(LastN(1).follow(changes, 5, END)) == [(0, 1, 0), (30, 2, 0)]


def test_who_has_ceased_before_the_hold_is_over_is_not_shown() -> None:
    changes = [on(0, 1), off(1, 1), on(2, 2), off(4, 2)]
    assert list(LastN(1).follow(changes, 5, END)) == [(0, 1, 0)]


def test_nothing_changes_at_the_end() -> None:
    changes = [on(0, 1), off(1, 1), on(2, 2)]
    assert list(LastN(1).follow(changes, 5, 5)) == [(0, 1, 0)]
    assert list(LastN(1).follow(changes, 5, 6)) == [(0, 1, 0), (5, 2, 0)]
    assert list(LastN(1).follow([], 5, 6)) == []


def instant_by_instant(
    count: int, spurts: Sequence[Spurt], voices: int, hold: int
) -> list[tuple[int, int, int]]:
    """The same by looking at every nanosecond."""
    shown, changed = [NOBODY] * count, [-1000] * count
    last_heard = {NOBODY: -1000}
    heard: list[int] = []
    found = []
    changes = heard_voices(spurts, voices)
    for now in range(END):
        for change in changes:
            if change.at == now and not change.heard:
                heard.remove(change.speaker)
                last_heard[change.speaker] = now
        heard += [change.speaker for change in changes if change.at == now and change.heard]
        for speaker in heard:
            ready = [
                number
                for number in range(count)
                if shown[number] not in heard and now - changed[number] >= hold
            ]
            if speaker not in shown and ready:
                number = min(ready, key=lambda i: (last_heard[shown[i]], i))
                shown[number], changed[number] = speaker, now
                found.append((now, speaker, number))
    return found


@given(speakers, st.integers(1, 4), st.integers(1, 4), st.integers(0, 8))
@settings(max_examples=200)
def test_pictures_follow_the_speakers_instant_by_instant(
    lengths: list[list[int]], count: int, voices: int, hold: int
) -> None:
    spurts = spurts_of(lengths)
    followed = list(LastN(count).follow(heard_voices(spurts, voices), hold, END))
    assert followed == instant_by_instant(count, spurts, voices, hold)
