import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.keys import format_path, split_assignment

keys = st.text(st.characters(exclude_characters="\"'", exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("endpoints.scale=10", ("endpoints", "scale"), "10"),
        ("a.0.b=x=y", ("a", "0", "b"), "x=y"),
        (
            "thresholds.packet_loss{access=4g}=mean < 1%",
            ("thresholds", "packet_loss{access=4g}"),
            "mean < 1%",
        ),
        ('"odd.key".b=1', ("odd.key", "b"), "1"),
        ("'a=b'=1", ("a=b",), "1"),
        ("a=", ("a",), ""),
    ],
)
def test_assignments(text: str, path: tuple[str, ...], value: str) -> None:
    assert split_assignment(text) == (path, value)


@pytest.mark.parametrize("text", ["", "a", "=1", "a.=1", ".a=1", "a..b=1", "a.b", '"a=1', "{a=1"])
def test_what_is_no_assignment(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be PATH=VALUE, as in endpoints\.scale=10$"):
        split_assignment(text)


@given(st.lists(keys, min_size=1, max_size=4))
def test_paths_read_as_they_are_written(path: list[str]) -> None:
    assert split_assignment(f"{format_path(path)}=1") == (tuple(path), "1")
