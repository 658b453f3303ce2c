import io

import pytest

from synthetic_clients import pipes


def test_messages_come_out_as_they_went_in() -> None:
    stream = io.BytesIO(pipes.pack({"kind": "a"}, b"\x00\n") + pipes.pack({"site": "Cà Mau"}))
    assert pipes.read(stream) == ({"kind": "a"}, b"\x00\n")
    assert pipes.read(stream) == ({"site": "Cà Mau"}, b"")
    assert pipes.read(stream) is None


def test_a_message_that_was_cut_short_is_the_end() -> None:
    whole = pipes.pack({"kind": "a"}, b"payload")
    for length in range(len(whole)):
        assert pipes.read(io.BytesIO(whole[:length])) is None


def test_what_is_no_message_is_not_waited_for() -> None:
    with pytest.raises(ValueError, match="too long"):
        pipes.unpack_head(b"\xff" * pipes.HEAD)
