"""Floor control."""

from typing import Any

import pytest

from reference_sfu.floor import MAX_TILES, Floor, FloorError

BOTH = Floor("hanoi", "camau", ("a", None, "hanoi"))


@pytest.mark.parametrize(
    ("floor", "slots", "own", "heard"),
    [
        (BOTH, 2, "x", ["hanoi", "camau"]),
        (BOTH, 2, "hanoi", [None, "camau"]),
        (BOTH, 2, "camau", ["hanoi", None]),
        (BOTH, 1, "x", ["hanoi"]),
        (BOTH, 1, "hanoi", ["camau"]),
        (BOTH, 1, "camau", ["hanoi"]),
        (BOTH, 0, "x", []),
        (BOTH, 4, "x", ["hanoi", "camau", None, None]),
        (Floor("hanoi", "hanoi"), 2, "x", ["hanoi", None]),
        (Floor(None, "camau"), 1, "x", ["camau"]),
        (Floor(), 2, "x", [None, None]),
    ],
)
def test_voices(floor: Floor, slots: int, own: str, heard: list[str | None]) -> None:
    assert floor.voices(slots, own) == heard


@pytest.mark.parametrize(
    ("slots", "own", "seen"),
    [
        (5, "x", ["hanoi", "camau", "a", None, "hanoi"]),
        (5, "hanoi", [None, "camau", "a", None, None]),
        (1, "x", ["hanoi"]),
        (7, "x", ["hanoi", "camau", "a", None, "hanoi", None, None]),
    ],
)
def test_pictures(slots: int, own: str, seen: list[str | None]) -> None:
    assert BOTH.pictures(slots, own) == seen


def test_parts_are_changed_one_by_one() -> None:
    floor = Floor().updated({"programme": "hanoi"}).updated({"tiles": ["a", None]})
    assert floor == Floor("hanoi", None, ("a", None))
    assert floor.updated({"programme": None}).programme is None
    assert Floor().updated(floor.as_json()) == floor


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ([], "a floor is an object"),
        ("programme", "a floor is an object"),
        ({"program": "x"}, "'program' must be one of programme, called, tiles"),
        ({"programme": 5}, r"programme\(=5\)"),
        ({"called": "a/b"}, r"called\(='a/b'\)"),
        ({"called": "x" * 65}, "called"),
        ({"tiles": "abc"}, "tiles must be a list"),
        ({"tiles": ["a"] * (MAX_TILES + 1)}, f"at most {MAX_TILES}"),
        ({"tiles": ["a", {}]}, r"tiles\[1\]"),
    ],
)
def test_what_is_no_floor_is_refused(change: Any, why: str) -> None:
    with pytest.raises(FloorError, match=why):
        Floor().updated(change)
