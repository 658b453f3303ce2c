import pytest
from pydantic_core import PydanticCustomError

from scenarios.selectors import parse_selection


def attributes(name: str) -> tuple[str, ...]:
    return {"link": ("carrier", "node")}[name]


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("link", {}),
        ("link{}", {}),
        (" link { carrier = Bạc Liêu , node=b} ", {"carrier": "Bạc Liêu", "node": "b"}),
    ],
)
def test_what_is_selected(text: str, selector: dict[str, str]) -> None:
    assert parse_selection(text, "", attributes) == ("link", selector)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("link{", "the form"),
        ("link{carrier}", "must be attribute=value"),
        ("link{carrier=a,carrier=b}", "selects by carrier twice"),
    ],
)
def test_what_is_none(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        parse_selection(text, "the form", attributes)


def test_an_unknown_attribute() -> None:
    with pytest.raises(PydanticCustomError) as error:
        parse_selection("link{carier=a}", "", attributes)
    assert error.value.context == {
        "rule": "must name an attribute that this is selected by",
        "value": "carier",
        "choices": ["carrier", "node"],
    }
