"""What tests of live clients share."""

import pytest

from scenarios.media import Media
from synthetic_clients.media import Recording, record


@pytest.fixture(scope="session")
def media() -> Media:
    """Small media, quickly encoded."""
    return Media(
        audio={"dtx": False},
        video={
            "frame_rate": 25,
            "key_frame_interval": "1s",
            "layers": [
                {"name": "low", "height": 90, "bitrate": "100kbps"},
                {"name": "high", "height": 180, "bitrate": "300kbps"},
            ],
        },
    )


@pytest.fixture(scope="session")
def recording(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(media, tmp_path_factory.mktemp("media"))
