import pytest

from scenarios.errors import Fault, ScenarioError, nearest, shorten


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Fault("a.yaml", 3, "x.y", "'5'", "must be less", "z"),
            "a.yaml:3: x.y: '5' — must be less; did you mean z?",
        ),
        (Fault("a.yaml", 3, "x.y", None, "is missing"), "a.yaml:3: x.y — is missing"),
        (Fault("a.yaml", None, "", None, "is a folder"), "a.yaml: is a folder"),
        (Fault("--set", None, "", "'a'", "must be PATH=VALUE"), "--set: 'a' — must be PATH=VALUE"),
    ],
)
def test_a_fault_is_one_line(fault: Fault, message: str) -> None:
    assert str(fault) == message


def test_faults_come_once_by_file_and_line() -> None:
    late, early = Fault("b", 9, "k", None, "r"), Fault("b", 2, "k", None, "r")
    other = Fault("a", 1, "k", None, "r")
    error = ScenarioError([late, other, early, late])
    assert error.faults == (early, late, other)
    assert str(error) == "b:2: k — r\nb:9: k — r\na:1: k — r"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 70, f"'{'x' * 59}…'"),
        ("a\nb", "'a\\nb'"),
        (None, "null"),
        (True, "true"),
        ({}, "{}"),
        ({"a": 1, "b": 2}, "a map of 2"),
        ([1], "a list of 1"),
        (5.0, "5.0"),
    ],
)
def test_values_are_shown_short(value: object, shown: str) -> None:
    assert shorten(value) == shown


def test_the_nearest_choice() -> None:
    assert nearest("vnppt", ["viettel", "vnpt"]) == "vnpt"
    assert nearest("VNPT", ["viettel", "vnpt"]) == "vnpt"
    assert nearest("x", ["viettel", "vnpt"]) is None
    assert nearest("x" * 10**6, ["viettel"]) is None
