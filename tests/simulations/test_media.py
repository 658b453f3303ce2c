"""Media sources: bitrates, packets, frames and pauses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scenarios.media import Media
from simulations.media import NOISE_BYTES, REPAYMENT, TRACK, earliest
from simulations.packets import AUDIO, PACKET, PICTURE
from simulations.rates import FOREVER
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import emitted
from tests.simulations.networks import Playing, make_scenario

SECOND = 10**9
MS = 1_000_000
HEADER = 50
VOICE, LOW = 0, 2
"""Places of a seat's tracks."""
LAYERS = [
    {"name": "low", "height": 180, "bitrate": "150kbps"},
    {"name": "high", "height": 720, "bitrate": "1200kbps"},
]


def make_media(audio: dict[str, Any] | None = None, video: dict[str, Any] | None = None) -> Media:
    return Media.model_validate(
        {
            "audio": audio or {},
            "video": {"layers": LAYERS, **(video or {})},
            "congestion_control": {"profile": "none"},
        }
    )


def make_tracks(media: Media, seed: int = 1, now: int = 0) -> NDArray[Any]:
    """The voice and both layers of a speaker."""
    changes = {"media": media.model_dump(exclude_unset=True)}
    playing = Playing(make_scenario(changes, endpoints=6, seed=seed))
    publishing = playing.stage.publishing
    publishing.show(5, "here", now, 0)
    publishing.hear(5, "here", now)
    first = publishing.taken[5].index * int(playing.settings.tracks)
    return playing.world.tracks[[first + VOICE, first + LOW, first + LOW + 1]]


def packets_of(track: Any, until: int) -> NDArray[Any]:
    """All packets of a track sent before ``until``."""
    found = []
    while track["next"] < until:
        chunk = np.zeros(5000, PACKET)
        emitted(track, chunk)
        found.append(chunk)
    packets = np.concatenate(found)
    return packets[packets["sent"] < until]


@pytest.mark.parametrize(("layer", "bitrate"), [(0, 150_000), (1, 1_200_000)])
def test_a_layers_mean_bitrate_is_the_scenarios_key_frames_included(
    layer: int, bitrate: int
) -> None:
    media = make_media()
    frames = 10 * 250  # ten intervals between key frames
    means = []
    for seed in SEEDS:
        packets = packets_of(make_tracks(media, seed)[1 + layer], 101 * SECOND)
        payload = packets["size"] - media.header
        means.append(payload[packets["frame"] <= frames].sum() * 8 / (frames / 25))
    check_mean(means, bitrate, within=0.005)


def test_key_frames_come_at_their_interval_and_are_as_much_larger_as_asked_for() -> None:
    media = make_media(video={"size_spread": 0, "key_frame_interval": "2s", "key_frame_ratio": 4})
    packets = packets_of(make_tracks(media)[2], 20 * SECOND)
    sizes = np.bincount(packets["frame"], packets["size"] - media.header)[1:-1]
    keys = np.zeros(len(sizes), bool)
    keys[::50] = True
    assert sizes[keys].min() > 3.95 * sizes[~keys].max()
    # one size each, but for the bytes that cutting into equal packets adds
    assert np.ptp(sizes[keys]) == 0
    assert sizes[keys][0] == pytest.approx(4 * sizes[~keys][0], rel=0.005)


@given(
    payload=st.integers(100, 1500),
    pacing=st.floats(1, 20),
    rate=st.integers(1, 120),
    layer=st.integers(0, 1),
    seed=st.integers(0, 99),
    now=st.integers(0, 10**12),
)
def test_a_picture_is_frames_of_packets(
    payload: int, pacing: float, rate: int, layer: int, seed: int, now: int
) -> None:
    media = make_media(video={"payload": f"{payload}B", "pacing": pacing, "frame_rate": rate})
    packets = packets_of(make_tracks(media, seed, now)[1 + layer], now + 3 * SECOND)
    period, delay = round(1e9 / rate), media.video.encode_delay
    assert (packets["size"] > media.header).all()
    assert (packets["size"] <= payload + media.header).all()
    assert packets["sequence"].tolist() == list(range(len(packets)))
    assert (packets["media"] == PICTURE).all()
    assert (packets["layer"] == layer).all()
    # Frames follow one another, each whole, each captured at its own instant.
    frames, first, counts = np.unique(packets["frame"], return_index=True, return_counts=True)
    assert frames.tolist() == list(range(1, len(frames) + 1))
    assert (np.diff(packets["frame"]) >= 0).all()
    assert (counts[:-1] == packets["frame_packets"][first][:-1]).all()
    assert (packets["captured"] == now + (packets["frame"].astype(np.int64) - 1) * period).all()
    assert (packets["sent"] >= packets["captured"] + delay).all()
    # Within a frame, packets leave at a multiple of the layer's bitrate.
    gaps = np.diff(packets["sent"])
    wanted = packets["size"] * (8e9 / (media.video.layers[layer].bitrate * pacing))
    same = np.diff(packets["frame"]) == 0
    assert (np.abs(gaps[same] - wanted[:-1][same]) <= 1).all()
    assert (gaps[~same] >= wanted[:-1][~same] - 1).all()


def test_frames_without_haste_leave_on_the_beat() -> None:
    media = make_media(video={"key_frame_ratio": 1, "size_spread": 0})
    packets = packets_of(make_tracks(media)[1], 4 * SECOND)
    starts = packets["sent"][np.unique(packets["frame"], return_index=True)[1]]
    assert (starts == 40 * MS + np.arange(len(starts)) * 40 * MS).all()


def test_a_constant_voice() -> None:
    media = make_media({"dtx": False})
    packets = packets_of(make_tracks(media, now=7)[0], 10 * SECOND)
    assert (packets["sent"] == 7 + 26_500_000 + np.arange(len(packets)) * 20 * MS).all()
    assert (packets["captured"] == packets["sent"] - 26_500_000).all()
    assert (packets["size"] == 80 + 50).all()
    assert packets["sequence"].tolist() == list(range(len(packets)))
    assert (packets["frame_packets"] == 1).all()
    assert (packets["media"] == AUDIO).all()
    assert (packets["publisher"] == 5).all()


def test_a_voice_talks_and_pauses_as_p59_says() -> None:
    talk, pause = 1.004, 1.587
    media = make_media()
    shares, spurts = [], []
    for seed in SEEDS:
        packets = packets_of(make_tracks(media, seed)[0], 3000 * SECOND)
        talking = packets["size"] == 130
        assert set(packets["size"][~talking].tolist()) == {NOISE_BYTES + 50}
        shares.append(talking.sum() * 0.020 / 3000)
        begins = talking[1:] & ~talking[:-1]
        spurts.append(begins.sum() / 3000)
    check_mean(shares, talk / (talk + pause), within=0.03)
    # Turns that fall between two packets are not seen.
    seen = np.exp(-0.01 / talk - 0.01 / pause)
    check_mean(np.array(spurts) / seen, 1 / (talk + pause), within=0.03)


def test_a_pause_has_comfort_noise_at_its_interval() -> None:
    packets = packets_of(make_tracks(make_media())[0], 300 * SECOND)
    talking = packets["size"] == 130
    gaps = np.diff(packets["sent"])
    assert (gaps[talking[:-1]] == 20 * MS).all()
    assert (gaps % (20 * MS) == 0).all()
    assert gaps.max() == 400 * MS
    noise = ~talking[:-1] & ~talking[1:]
    assert (gaps[noise] == 400 * MS).mean() > 0.99  # shorter only where a spurt fell in between


def test_the_earliest_track_is_the_first_of_equals() -> None:
    tracks = np.zeros(6, TRACK)
    tracks["next"] = [9, 4, 4, FOREVER, 1, 3]
    assert earliest(tracks, 0, 4) == 1
    assert earliest(tracks, 2, 2) == 2
    assert earliest(tracks, 0, 6) == 4


def test_packets_of_a_frame_count_up_and_key_frames_are_marked() -> None:
    media = make_media(video={"key_frame_interval": "1s"})
    packets = packets_of(make_tracks(media)[2], 5 * SECOND)
    first = np.flatnonzero(np.diff(packets["frame"], prepend=0))
    assert (packets["index"] == np.arange(len(packets)) - first[packets["frame"] - 1]).all()
    assert (packets["key"] == (packets["frame"] % 25 == 1)).all()


def test_a_key_frame_out_of_turn_is_made_up_for_by_smaller_frames() -> None:
    media = make_media(video={"size_spread": 0, "key_frame_interval": "20s"})
    tracks = make_tracks(media)
    before, sizes = one_by_one(tracks[2:], 1000)
    tracks["key_wanted"] = 1
    packets, sizes = one_by_one(tracks[2:], 1000)
    keys = np.flatnonzero(packets["key"])
    key = int(packets["frame"][keys[0]])
    assert set(packets["frame"][keys].tolist()) == {key}  # once, and as soon as a frame begins
    assert key - int(before["frame"][-1]) == 1
    usual = 1_200_000 / 8 / 25 * 500 / (499 + 5)
    assert sizes[key] == pytest.approx(5 * usual, rel=0.01)
    # four frames' worth too much, paid back by a quarter of each frame
    assert sizes[key + 1 : key + 17] == pytest.approx((1 - REPAYMENT) * usual, rel=0.01)
    assert sizes[key + 17 : key + 40] == pytest.approx(usual, rel=0.01)


def one_by_one(tracks: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The next ``count`` packets of a track, and the payload of frames by their number."""
    packets = np.zeros(count, PACKET)
    emitted(tracks[0], packets)
    return packets, np.bincount(packets["frame"], packets["size"] - HEADER)
