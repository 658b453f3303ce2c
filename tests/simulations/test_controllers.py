"""Controllers: what makes them and what does not."""

import pytest

from simulations.controllers import make_controllers


def test_no_controllers() -> None:
    assert len(make_controllers(0, "draft-02", 300_000, 10_000, 2_000_000)) == 0


@pytest.mark.parametrize(
    ("profile", "rates", "message"),
    [
        ("reno", (1, 1, 1), "profile 'reno' must be one of libwebrtc, draft-02"),
        ("libwebrtc", (5, 10, 20), "0 < minimum <= start <= maximum, not 10, 5, 20"),
        ("libwebrtc", (30, 10, 20), "not 10, 30, 20"),
        ("libwebrtc", (0, 0, 20), "not 0, 0, 20"),
    ],
)
def test_what_makes_no_controller(profile: str, rates: tuple[int, int, int], message: str) -> None:
    start, minimum, maximum = rates
    with pytest.raises(ValueError, match=message):
        make_controllers(1, profile, start, minimum, maximum)
