"""What publishers send: paced, numbered, sent again, padded."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulations.pacer import PACING
from simulations.packets import AUDIO, PADDING, PICTURE
from simulations.seats import RESEND_TRACK, padding_track
from simulations.sending import publish
from tests.simulations.networks import CLOSED, Playing, make_scenario, merged

SECOND = 10**9
MS = 1_000_000


class Publisher:
    """s1 has the floor; what it sends is taken from the ring of packets."""

    def __init__(self, **media: Any) -> None:
        changes = merged(CLOSED, {"media": {"audio": {"dtx": False}, **media}})
        self.playing = Playing(make_scenario(changes))
        self.world, self.settings = self.playing.world, self.playing.settings
        self.publishing = self.playing.stage.publishing
        self.publishing.show(0, "s1", 0, 0)
        self.publishing.hear(0, "s1", 0)
        self.index = self.publishing.taken[0].index
        self.seat = self.world.seats[self.index]

    def track(self, place: int) -> Any:
        return self.world.tracks[self.index * self.settings.tracks + place]

    def send(self, until: int) -> NDArray[Any]:
        """All packets sent until then that were not yet, in order."""
        before = int(self.world.totals[0])
        assert publish(self.world, until) == -1
        return self.world.packets[before : int(self.world.totals[0])]


@pytest.mark.parametrize("target", [300_000, 600_000])
def test_pictures_are_paced_and_voices_are_not(target: int) -> None:
    publisher = Publisher()
    publisher.seat["pacing"] = 8e9 / (PACING * target)
    sent = publisher.send(2 * SECOND)
    assert (np.diff(sent["sent"]) >= 0).all()
    voice = sent[sent["media"] == AUDIO]
    assert (np.diff(voice["sent"]) == 20 * MS).all()
    picture = sent[sent["media"] == PICTURE]
    gaps = np.diff(picture["sent"])
    needed = (picture["size"] * 8e9 / (PACING * target))[:-1]
    assert (gaps >= needed - 2).all()
    busy = gaps <= needed + 2
    assert busy.mean() > 0.2  # packets of a frame leave right behind one another
    assert set(picture["layer"].tolist()) == {0, 1}


def test_what_is_sent_is_remembered_by_its_number_and_counted() -> None:
    publisher = Publisher()
    sent = publisher.send(SECOND)
    assert publisher.seat["next"] == len(sent)
    entries = publisher.world.seat_packets[publisher.index, : len(sent)]
    assert entries.tolist() == list(range(len(sent)))
    assert publisher.seat["bytes"] == publisher.seat["recent_bytes"] == sent["size"].sum()
    assert publisher.world.uplinks["packets"][0] == len(sent)
    waiting = publisher.world.edges["tail"] - publisher.world.edges["head"]
    assert waiting.sum() == len(sent)


def test_a_retransmission_is_the_packet_again_but_for_its_sending() -> None:
    publisher = Publisher()
    sent = publisher.send(SECOND)
    first = int(np.flatnonzero(sent["media"] == PICTURE)[5])
    publisher.world.resends[publisher.index, 0] = first
    publisher.seat["resend_tail"] = 1
    publisher.track(RESEND_TRACK)["next"] = SECOND
    again = publisher.send(SECOND + 100 * MS)
    again = again[again["again"] == 1]
    assert len(again) == 1
    changed = {
        name for name in again.dtype.names or () if again[name][0] != sent[name][first]
    }  # fmt: skip
    assert changed <= {"sent", "again", "at_node", "probe"}
    assert SECOND <= again["sent"][0] < SECOND + 50 * MS  # behind what the pacer is busy with
    assert publisher.seat["resend_head"] == 1


def test_media_takes_the_place_of_padding_in_a_probe() -> None:
    publisher = Publisher()
    publisher.send(SECOND)
    size, gap = 20_000, 8000  # ns a byte: 1 Mbit/s
    publisher.seat["padding"], publisher.seat["padding_gap"] = size, gap
    publisher.seat["padding_probe"] = 9
    publisher.track(padding_track(publisher.settings.tracks))["next"] = SECOND
    sent = publisher.send(SECOND + 500 * MS)
    padding, probe = sent[sent["media"] == PADDING], sent[sent["probe"] == 9]
    assert set(padding["size"].tolist()) == {1250}
    assert 5 < len(padding) < len(probe) - 5
    assert size <= probe["size"].sum() < size + 1250
    # Media comes when it comes; padding when all that was sent before it has had its time.
    assert (probe["sent"] >= SECOND).all()
    assert (sent["sent"][sent["probe"] == 0] < SECOND).sum() + len(probe) + (
        sent["sent"] > probe["sent"][-1]
    ).sum() >= len(sent)
    due = SECOND
    for packet in probe:
        assert packet["media"] != PADDING or packet["sent"] == due
        due = max(due, int(packet["sent"])) + int(packet["size"]) * gap


def test_a_frame_that_the_pacer_has_no_time_for_is_not_encoded() -> None:
    publisher = Publisher()
    publisher.seat["pacing"] = 8e9 / 300_000  # the layers ask for 521 kbit/s
    sent = publisher.send(4 * SECOND)
    picture = sent[sent["media"] == PICTURE]
    for layer in (0, 1):
        mine = picture[picture["layer"] == layer]
        frames = np.unique(mine["frame"])
        assert frames.tolist() == list(range(1, len(frames) + 1))
        assert 5 < len(frames) <= 100
        assert (mine["sent"] - mine["captured"]).max() < SECOND
    assert picture["size"].sum() * 8 == pytest.approx(300_000 * 4, rel=0.1)
    assert picture["frame"][picture["layer"] == 1].max() < 90
