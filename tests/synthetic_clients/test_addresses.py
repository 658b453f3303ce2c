import pytest

from synthetic_clients.addresses import local_address


def test_the_address_that_faces_loopback_is_loopback() -> None:
    assert local_address("sfu+http://127.0.0.1:8787") == "127.0.0.1"
    assert local_address("janus+ws://localhost:8188/7") in ("127.0.0.1", "::1")


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(OSError, match=r"."):
        local_address("whip+http://no-such-host.invalid:1")
