import pytest
from pydantic import ValidationError

from scenarios.signalling import ServiceTime, Signalling

SERVER = {"label": "S", "latitude": 21, "longitude": 105, "carriers": ["red"]}


@pytest.mark.parametrize(
    ("values", "squared"),
    [
        ({"distribution": "constant"}, 0.0),
        ({"distribution": "exponential"}, 1.0),
        ({"distribution": "lognormal", "variation": 0.5}, 0.25),
    ],
)
def test_how_service_times_vary(values: dict[str, object], squared: float) -> None:
    assert ServiceTime.model_validate(values).squared_variation == squared


def test_a_ping_is_answered_before_the_next() -> None:
    values = {"servers": {"main": SERVER}, "keep_alive": "5s", "keep_alive_timeout": "6s"}
    with pytest.raises(ValidationError, match="must not be longer than keep_alive"):
        Signalling.model_validate(values)


def test_there_is_a_server() -> None:
    with pytest.raises(ValidationError):
        Signalling.model_validate({"servers": {}})
