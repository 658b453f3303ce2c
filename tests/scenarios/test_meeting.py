"""The meeting's own rules: what its stretches must be to one another."""

from typing import Any

import pytest
from pydantic import ValidationError

from scenarios.meeting import Meeting, Wall

Problems = list[tuple[tuple[str | int, ...], object, str]]


def meeting(**content: Any) -> Meeting:
    return Meeting.model_validate(content)


def problems(**content: Any) -> Problems:
    with pytest.raises(ValidationError) as caught:
        meeting(**content)
    return [
        ((*error["loc"], *problem.path), problem.value, problem.rule)
        for error in caught.value.errors()
        for problem in error["ctx"]["problems"]
    ]


def turns(*times: str) -> list[dict[str, str]]:
    return [{"at": time, "site": f"s{number}"} for number, time in enumerate(times)]


OVERLAP = "a roll call and a discussion must not overlap"
ONE_SCREEN = "one screen at a time: must not lie before the end of the one before"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"roll_call": {"begin": "9s", "end": "9s"}},
            [(("roll_call", "end"), "9s", "must lie after begin, 9s")],
        ),
        (
            {"roll_call": {"every": "5s", "hold": "6s"}},
            [(("roll_call", "hold"), "6s", "must not be longer than every, 5s")],
        ),
        (
            {
                "roll_call": {"begin": "1min"},
                "discussion": {"end": "61s", "speakers": 2},
            },
            [(("roll_call", "begin"), "1min", OVERLAP)],
        ),
        (
            {"roll_call": {}, "discussion": {"begin": "1min", "speakers": 2}},
            [(("discussion", "begin"), "1min", OVERLAP)],
        ),
        (
            {"screen": [{"at": "2s", "until": "1s", "site": "a"}]},
            [(("screen", 0, "until"), "1s", "must lie after at, 2s")],
        ),
        (
            {"screen": [{"at": "1s", "site": "a"}, {"at": "2s", "site": "b"}]},
            [(("screen", 1, "at"), "2s", ONE_SCREEN)],
        ),
        (
            {
                "floor": turns("0s", "10s", "20s", "30s", "40s"),
                "roll_call": {"begin": "10s", "end": "30s"},
                "discussion": {"begin": "30s", "sites": ["a"]},
            },
            [
                (
                    ("floor", index, "at"),
                    time,
                    f"must not lie within the {noun}, in which the command centre leads",
                )
                for index, time, noun in ((2, "20s", "roll call"), (4, "40s", "discussion"))
            ],
        ),
    ],
)
def test_what_contradicts_itself_is_refused(content: dict[str, Any], expected: Problems) -> None:
    assert problems(**content) == expected


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ({"discussion": {}}, "must name either a number of speakers or their sites"),
        (
            {"discussion": {"speakers": 2, "sites": ["a"]}},
            "must name either a number of speakers or their sites",
        ),
        ({"discussion": {"sites": ["a", "a"]}}, "sites must be named once each"),
        ({"roll_call": {"sites": ["command-centre"]}}, "must name endpoints: the command centre"),
        ({"roll_call": {"order": "random"}}, "'table', 'province' or 'spread'"),
        ({"pictures": 0}, "greater than or equal to 1"),
        ({"pictures": 10}, "less than or equal to 9"),
    ],
)
def test_what_cannot_be_played_is_refused(content: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        meeting(**content)
    assert rule in str(caught.value)


def test_stretches_may_touch() -> None:
    assert meeting(
        floor=turns("0s", "10s", "20s", "40s"),
        roll_call={"begin": "10s", "end": "20s"},
        discussion={"begin": "20s", "end": "40s", "speakers": 3},
        screen=[
            {"at": "1s", "until": "2s", "site": "a"},
            {"at": "2s", "site": "command-centre"},
        ],
    )


def test_a_meeting_names_endpoints() -> None:
    named = meeting(
        floor=[{"at": "0s", "site": "command-centre"}, {"at": "9s", "site": "a"}],
        roll_call={"begin": "10s", "end": "20s", "sites": ["b", "c"]},
        discussion={"begin": "20s", "sites": ["c", "d"]},
        screen=[{"at": "1s", "site": "e"}],
    )
    assert named.sites == {"a", "b", "c", "d", "e"}
    assert meeting().sites == frozenset()


def test_a_wall_changes_tile_by_tile() -> None:
    wall = Wall.model_validate({"tiles": 3, "dwell": "6s", "layer": "low"})
    assert wall.step == 2 * 10**9
    assert [wall.changes(seconds * 10**9) for seconds in (1, 2, 3, 60)] == [3, 3, 4, 32]
