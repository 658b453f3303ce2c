import asyncio

import pytest

from synthetic_clients.signalling import (
    SCHEMES,
    Courier,
    Floor,
    SignallingError,
    TargetError,
    check_target,
    open_signalling,
    slots_of,
    within,
)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_has_an_adapter(scheme: str) -> None:
    target = f"{scheme}://127.0.0.1:8787"
    check_target(target)

    async def main() -> None:
        await open_signalling(target, None).close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://127.0.0.1:8787", "must be one of embedded, whip"),
        ("embeded", "must be one of"),
        ("whip+http://", "must name a host"),
        ("whip+http://:80", "must name a host"),
        ("whip+http://127.0.0.1:99999", "port must be a number"),
        ("janus+ws://127.0.0.1:x", "port must be a number"),
    ],
)
def test_other_targets_are_refused(target: str, reason: str) -> None:
    with pytest.raises(TargetError, match=reason):
        check_target(target)


def test_nobody_sees_themselves_and_slots_follow_the_floor() -> None:
    floor = Floor("a", "b", ("c", None))
    kinds = ["audio", "audio", "video", "video", "video", "video", "video"]
    assert slots_of(floor, kinds, "x") == ["a", "b", "a", "b", "c", None, None]
    assert slots_of(floor, kinds, "a") == [None, "b", None, "b", "c", None, None]
    assert slots_of(Floor("a"), ["audio", "video"], "x") == ["a", "a"]


def test_messages_take_their_time_and_are_sent_again_when_lost() -> None:
    answers = [-1, 1_000_000]

    async def main() -> None:
        courier = Courier(lambda _: answers.pop(0), lambda _: -1, lambda _: None)
        await courier.there(100)
        assert answers == []

    asyncio.run(main())


def test_a_link_that_loses_everything_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_sleep(_: float) -> None:
        pass

    monkeypatch.setattr("asyncio.sleep", no_sleep)

    async def main() -> None:
        courier = Courier(lambda _: -1, lambda _: -1, lambda _: None)
        with pytest.raises(SignallingError, match="lost on the endpoint's link"):
            await courier.back(100)

    asyncio.run(main())


def test_who_does_not_answer_in_time_is_named() -> None:
    async def main() -> None:
        with pytest.raises(SignallingError, match="join: no answer within 0 s"):
            await within(0.01, "join", asyncio.sleep(5))

    asyncio.run(main())
