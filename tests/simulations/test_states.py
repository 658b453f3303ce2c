import pytest

from simulations.states import TAKING_PART, TRANSITIONS, State, follow


def test_every_state_has_its_row_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    reached, edge = {State.AWAY}, {State.AWAY}
    while edge := {s for state in edge for s in TRANSITIONS[state]} - reached:
        reached |= edge
    assert reached == set(State)


def test_nobody_is_stuck_but_who_is_gone() -> None:
    stuck = {state for state, following in TRANSITIONS.items() if not following}
    assert stuck == {State.GONE}


def test_power_can_go_in_every_state() -> None:
    for state in set(State) - {State.OFF, State.GONE}:
        assert State.OFF in TRANSITIONS[state]


def test_what_takes_part_can_only_be_lost_by_notice_or_power() -> None:
    for state in TAKING_PART:
        assert TRANSITIONS[state] - TAKING_PART == {State.LOST, State.OFF}


def test_a_wrong_step_is_refused() -> None:
    assert follow(State.LOST, State.RESTARTING) is State.RESTARTING
    with pytest.raises(ValueError, match="CONNECTED can't follow BACKING_OFF"):
        follow(State.BACKING_OFF, State.CONNECTED)
