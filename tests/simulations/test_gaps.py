"""What is to blame for gaps in media."""

from scenarios.units import SECOND
from simulations.gaps import Gap, explain
from simulations.sessions import NEVER, Interruption

SITES = ["a", "b", "speaker"]


def _explain(gaps: list[Gap], losses: list[Interruption]) -> list[tuple[object, ...]]:
    """Endpoint, fault, beginning, detection and end (s), and cause of each interruption."""
    return [
        (
            SITES[row.endpoint], row.fault,
            *(t / SECOND if t != NEVER else None for t in (row.lost, row.detected, row.back)),
            row.cause,
        )
        for row in explain(gaps, losses, SITES)
    ]  # fmt: skip


def _gap(endpoint: int, begin: float, end: float | None) -> Gap:
    return Gap(endpoint, round(begin * SECOND), NEVER if end is None else round(end * SECOND), 2)


def _loss(
    endpoint: int, begin: float, end: float | None, detected: float | None = None, cause: str = ""
) -> Interruption:
    lost, known, back = (NEVER if t is None else round(t * SECOND) for t in (begin, detected, end))
    return Interruption(endpoint, f"fault {endpoint}", lost, known, back, cause)


def test_the_endpoint_s_own_loss_comes_before_the_speaker_s() -> None:
    losses = [_loss(2, 9, 20), _loss(0, 10, 14, 12)]
    found = _explain([_gap(0, 9.9, 13.5), _gap(1, 9, 18)], losses)
    # the first picture after its own loss came later than the first packet
    assert found == [("a", "fault 0", 9.9, 12, 14, ""), ("b", "fault 2", 9, None, 18, "")]


def test_what_no_loss_explains_has_no_fault() -> None:
    losses = [_loss(0, 1, 5), _loss(0, 14, 15), _loss(1, 7, 9), _loss(2, 1, 5), _loss(2, 14, 15)]
    assert _explain([_gap(0, 6, 13)], losses) == [("a", "", 6, None, 13, "")]


def test_what_goes_on_at_the_end_has_a_reason() -> None:
    own, theirs = _loss(0, 10, None, 11, "no power"), _loss(2, 10, None, None, "gone")
    gaps = [_gap(0, 9, None), _gap(1, 9, None)]
    assert [row[-1] for row in _explain(gaps, [own, theirs])] == [
        "no power", "speaker is not heard: gone",
    ]  # fmt: skip
    # its own way is whole again, and yet nothing comes
    back = _loss(1, 10, 12)
    assert _explain([gaps[1]], [back, theirs])[0][-1] == "speaker is not heard: gone"
    assert _explain([gaps[1]], [back]) == [
        ("b", "fault 1", 9, None, None, "no media gets through to it")
    ]


def test_a_late_picture_does_not_outlast_the_next_gap() -> None:
    gaps = [_gap(0, 9, 11), _gap(0, 12, 15)]
    found = _explain(gaps, [_loss(0, 10, 16)])
    assert [row[4] for row in found] == [12, 16]
