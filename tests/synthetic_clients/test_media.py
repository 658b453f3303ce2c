from pathlib import Path
from typing import Any

import av
import pytest

from scenarios.media import Media
from synthetic_clients.media import Recording, record


def decoded(codec: str, frames: Any) -> int:
    context: Any = av.CodecContext.create(codec, "r")
    return sum(len(context.decode(av.Packet(frame))) for frame in frames)


def test_the_voice_is_opus_of_the_bitrate_asked_for(media: Media, recording: Recording) -> None:
    assert decoded("opus", recording.voice) >= len(recording.voice) - 1
    size = sum(map(len, recording.voice)) / len(recording.voice)
    assert size * 8 / 0.020 == pytest.approx(media.audio.bitrate, rel=0.1)
    assert len(recording.noise) <= size


def test_pictures_are_vp8_that_begins_with_its_only_key_frame(
    media: Media, recording: Recording
) -> None:
    for layer in media.video.layers:
        frames = recording.pictures[layer.name]
        assert [frame[0] & 1 for frame in frames] == [0] + [1] * (len(frames) - 1)
        assert decoded("vp8", frames) == len(frames) == 25
        assert decoded("vp8", [*frames, *frames]) == 50  # it can begin anew
    low, high = (sum(map(len, recording.pictures[layer.name])) for layer in media.video.layers)
    assert high > 1.5 * low


def test_what_was_encoded_once_is_kept(
    media: Media, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthetic_clients.media._make", lambda _: recording)
    assert record(media, tmp_path) == recording
    monkeypatch.setattr("synthetic_clients.media._make", lambda _: pytest.fail("made again"))
    assert record(media, tmp_path) == recording


def test_a_damaged_recording_is_made_again(
    media: Media, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthetic_clients.media._make", lambda _: recording)
    record(media, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")
    assert record(media, tmp_path) == recording
    assert record(media, tmp_path) == recording
