"""Viewing: packets of a frame that come in a row count as if each had come by itself."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.population import populate
from simulations.build import build
from simulations.frames import restart
from simulations.freezes import begin
from simulations.history import AGAIN, FILLER, FIRST, entry_slot
from simulations.nack import OLDEST
from simulations.packets import AUDIO, PADDING, PICTURE
from simulations.reception import play
from simulations.topology import plan
from simulations.world import World
from tests.simulations.hard_times import compare, differing, hard_times
from tests.simulations.networks import CLOSED, Playing, kept_copies, make_scenario, merged

MS = 1_000_000
SECOND = 10**9
APART = 300_000
"""ns: packets of 1,200 bytes come at least 4 ms apart over links of up to 2 Mbit/s."""
LONGEST = "2min"
"""No sample is taken meanwhile: all gaps in what comes must find room."""
ME = 0
ONE, OTHER = 1, 2
"""The pictures' streams, behind one voice's."""

FRAMES = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from([False, False, False, True])),  # packets, key
    min_size=1, max_size=8,
)  # fmt: skip
FATES = st.lists(
    st.tuples(
        st.sampled_from(
            ["comes"] * 14
            + ["lost", "lost", "repairs the last", "repairs the last"]
            + ["lost before the node", "again", "in the other picture", "after a voice"]
            + ["after padding", "after another source's first"]
        ),
        st.sampled_from([1, 1, 20_000, 2 * MS, 40 * MS, 1200 * MS]),  # ns after the one before
        st.one_of(st.integers(5 * MS, 60 * MS), st.just(2500 * MS)),  # ns since it left the node
    ),
    min_size=48, max_size=48,
)  # fmt: skip


class Arrivals:
    """What arrives at one endpoint: a row of letters, and the histories that they point into."""

    def __init__(
        self, frames: Any, fates: Any, *, first: int, restart: int, forgotten: int
    ) -> None:
        """
        Args:
            first: number that both pictures' streams begin with. If it is not 0, one that lies as
                far behind as any may is still missing.
            restart: letters after which the node sends the first picture again.
            forgotten: of the first copies, those that the history keeps no longer.
        """
        changes = {"meeting": {"pictures": 2}, "duration": LONGEST, "interval": LONGEST}
        scenario = make_scenario(merged(CLOSED, changes), endpoints=1)
        population = populate(scenario)
        self.world: World = build(scenario, population, plan(scenario, population))
        settings = self.world.settings[0]
        assert (settings["voices"], settings["pictures"]) == (ONE, OTHER)
        self.k = int(self.world.endpoints["first_picture"][ME])
        begin(self.world.screens["freezes"][self.k], 0)
        if first > 0:
            self.world.nacks["next"][self.k], self.world.nacks["count"][self.k] = first, 1
            self.world.missing["number"][self.k, 0] = first - OLDEST + 1
            self.world.pictures["number"][self.k] = first - 1
        self.now, self.number, self.voice, self.times = SECOND, first, 0, list[int]()
        self.restart, self.lost = restart, list[Any]()
        fate = iter(fates)
        for frame, (packets, key) in enumerate(frames):
            for index in range(packets):
                self._send(next(fate), frame, index, packets, key)
        if forgotten > 0:
            sender = self.world.senders[ME]
            sender["next"] = sender["mask"] + 1 + forgotten

    def _send(self, fate: Any, frame: int, index: int, packets: int, key: bool) -> None:
        what, gap, delay = fate
        packet = {"frame": frame, "frame_packets": packets, "index": index, "key": key,
                  "media": PICTURE, "captured": frame * 40 * MS, "source": 7}  # fmt: skip
        small = {"frame_packets": 1, "captured": self.voice * 20 * MS, "source": 3}
        if what == "after a voice":
            self._write(1, delay, 0, FIRST, self.voice, small | {"media": AUDIO})
            self.voice += 1
        elif what == "after padding":
            self._write(1, delay, 0, FILLER, 0, small | {"media": PADDING})
        elif what == "repairs the last" and self.lost:
            number, lost = self.lost.pop()
            self._write(1, delay, ONE, AGAIN, number, lost)
        elif what == "after another source's first":
            begins = packet | {"source": 8, "frame": 99, "index": 0, "key": True}
            self._write(1, delay, ONE, FIRST, self.number, begins)
            self.number += 1
        elif what == "lost":
            self.lost.append((self.number, packet))
        slot = OTHER if what == "in the other picture" else ONE
        if what != "lost before the node":
            kind = AGAIN if what == "again" else FIRST
            self._write(gap, delay, slot, kind, self.number, packet, lost=what == "lost")
        self.number += 1

    def _write(
        self, gap: int, delay: int, slot: int, kind: int, number: int, packet: dict[str, int], *,
        lost: bool = False,
    ) -> None:  # fmt: skip
        world, sender = self.world, self.world.senders[ME]
        entry = int(sender["next"])
        sender["next"] += 1
        self.now += gap
        index = entry + 1
        for name, value in packet.items():
            world.packets[name][index] = value
        world.packets["size"][index], world.packets["sent"][index] = 700 + entry, self.now - delay
        copy = world.copies[int(entry_slot(sender, entry))]
        copy["sent"], copy["packet"], copy["number"] = self.now - delay, index, number
        copy["slot"], copy["kind"] = slot, kind
        if not lost:
            letter = world.crossing[0, len(self.times)]
            letter["time"], letter["left"], letter["packet"] = self.now, self.now - MS, index
            letter["entry"], letter["bucket"] = entry, 100 + entry % 7
            self.times.append(self.now)

    def play(self, *, one_by_one: bool) -> World:
        """Let the receiver take them all."""
        world, count, taken = self.world, len(self.times), 0
        for i, time in enumerate(self.times):
            if one_by_one or i + 1 in (self.restart, count):
                taken = play(world, np.uint64(ME), 0, taken, count, time + 1)
                assert taken == i + 1
            if i + 1 == self.restart:
                restart(world.screens[self.k], world.frames[:, self.k], time)
        return world


@given(
    FRAMES, FATES, st.sampled_from([0, 0, 20_000]), st.integers(0, 12), st.sampled_from([0, 0, 4])
)
@settings(max_examples=250, deadline=None)
def test_letters_taken_at_once_count_as_if_taken_one_by_one(
    frames: Any, fates: Any, first: int, restart: int, forgotten: int
) -> None:
    at_once, one_by_one = (
        Arrivals(frames, fates, first=first, restart=restart, forgotten=forgotten).play(
            one_by_one=alone
        )
        for alone in (False, True)
    )
    for name in ("screens", "frames", "nacks", "missing", "pictures", "voices", "voice_buffers",
                 "meters", "legs", "endpoints", "presences", "copies", "delays",
                 "frame_delays", "audio_delays"):  # fmt: skip
        assert not differing(getattr(at_once, name), getattr(one_by_one, name), name)


@pytest.mark.parametrize("seed", [1, 2])
def test_packets_that_come_in_a_row_count_as_if_each_came_alone(seed: int) -> None:
    scenario = hard_times(seed)
    together, alone = Playing(scenario), Playing(scenario)
    together.advance(6 * SECOND)
    alone.advance(6 * SECOND, list(range(APART, 6 * SECOND, APART)))
    compare(together.world, alone.world)
    assert (together.world.screens["frames_rendered"] > 20).sum() > 5
    assert together.world.pictures["lost"].sum() > 20  # not all of them came in a row


def test_many_packets_of_pictures_follow_the_one_before_them() -> None:
    playing = Playing(hard_times(1))
    world = playing.advance(6 * SECOND)
    copies = kept_copies(world, playing.index("s3"))
    pictures = copies[copies["slot"] >= playing.settings.voices]
    follows = (np.diff(pictures["number"]) == 1) & (pictures["kind"][1:] == FIRST)
    frames = world.packets["frame"][pictures["packet"]]
    assert (follows & (np.diff(frames) == 0)).mean() > 0.3
