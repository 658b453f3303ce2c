"""Viewing: packets of a frame that come in a row count as if each had come by itself."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.population import populate
from simulations.build import build
from simulations.freezes import begin
from simulations.history import AGAIN, FILLER, FIRST, entry_slot
from simulations.packets import AUDIO, PADDING, PICTURE
from simulations.reception import play
from simulations.topology import plan
from simulations.world import World
from tests.simulations.networks import CLOSED, Playing, kept_copies, make_scenario
from tests.simulations.test_turns import compare, differing, scenario_of

MS = 1_000_000
SECOND = 10**9
APART = 300_000
"""ns: packets of 1,200 bytes come at least 4 ms apart over links of up to 2 Mbit/s."""
ME = 0
VOICE_SLOT, PICTURE_SLOT = 0, 1

FRAMES = st.lists(
    st.tuples(
        st.integers(1, 6),  # packets
        st.sampled_from([False, False, False, True]),  # a key frame
        st.sampled_from([7, 7, 7, 8]),  # source
    ),
    min_size=1, max_size=8,
)  # fmt: skip
FATES = st.lists(
    st.tuples(
        st.sampled_from(["comes"] * 12 + ["lost", "again", "voice between", "padding between"]),
        st.sampled_from([1, 1, 20_000, 2 * MS, 40 * MS, 1200 * MS]),  # ns after the one before
        st.sampled_from([25 * MS] * 6 + [900 * MS, 2500 * MS]),  # ns since it left the node
    ),
    min_size=48, max_size=48,
)  # fmt: skip


class Arrivals:
    """What arrives at one endpoint: a row of letters, and the histories that they point into."""

    def __init__(self, frames: Any, fates: Any) -> None:
        scenario = make_scenario(CLOSED, endpoints=1)
        population = populate(scenario)
        self.world: World = build(scenario, population, plan(scenario, population))
        assert int(self.world.settings[0]["voices"]) == PICTURE_SLOT
        begin(self.world.screens["freezes"][self.picture], 0)
        self.now, self.number, self.voice, self.times = SECOND, 0, 0, list[int]()
        fate = iter(fates)
        for f, (packets, key, source) in enumerate(frames):
            for index in range(packets):
                self._send(next(fate), f, index, packets, key, source)

    @property
    def picture(self) -> int:
        return int(self.world.endpoints["first_picture"][ME])

    def _send(
        self, fate: Any, frame: int, index: int, packets: int, key: bool, source: int
    ) -> None:
        what, gap, delay = fate
        common = {"source": source, "frame": frame, "frame_packets": packets, "index": index,
                  "key": key, "media": PICTURE, "captured": frame * 40 * MS}  # fmt: skip
        if what.endswith("between"):
            voice = what.startswith("voice")
            self._write(
                1, delay, VOICE_SLOT, FIRST if voice else FILLER, self.voice,
                source=3, frame_packets=1, media=AUDIO if voice else PADDING,
                captured=self.voice * 20 * MS,
            )  # fmt: skip
            self.voice += voice
        kind = AGAIN if what == "again" else FIRST
        self._write(gap, delay, PICTURE_SLOT, kind, self.number, lost=what == "lost", **common)
        self.number += 1

    def _write(
        self, gap: int, delay: int, slot: int, kind: int, number: int, *, lost: bool = False,
        **packet: Any,
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
        world.copies[int(entry_slot(sender, entry))] = copy
        if not lost:
            letter = world.crossing[0, len(self.times)]
            letter["time"], letter["left"], letter["packet"] = self.now, self.now - MS, index
            letter["entry"], letter["bucket"] = entry, 100 + entry % 7
            self.times.append(self.now)

    def play(self, stops: list[int]) -> World:
        taken = 0
        for stop in stops:
            taken = play(self.world, np.uint64(ME), 0, taken, len(self.times), stop)
        assert taken == len(self.times)
        return self.world


@given(FRAMES, FATES)
@settings(max_examples=150, deadline=None)
def test_letters_taken_at_once_count_as_if_taken_one_by_one(frames: Any, fates: Any) -> None:
    one = Arrivals(frames, fates)
    at_once = one.play([one.now + 1])
    other = Arrivals(frames, fates)
    one_by_one = other.play([time + 1 for time in other.times])
    for name in ("screens", "frames", "nacks", "missing", "pictures", "voices", "voice_buffers",
                 "meters", "legs", "endpoints", "presences", "copies", "delays",
                 "frame_delays", "audio_delays"):  # fmt: skip
        assert not differing(getattr(at_once, name), getattr(one_by_one, name), name)


@pytest.mark.parametrize("seed", [1, 2])
def test_packets_that_come_in_a_row_count_as_if_each_came_alone(seed: int) -> None:
    scenario = scenario_of(seed)
    together, alone = Playing(scenario), Playing(scenario)
    together.advance(6 * SECOND)
    alone.advance(6 * SECOND, list(range(APART, 6 * SECOND, APART)))
    compare(together.world, alone.world)
    assert (together.world.screens["frames_rendered"] > 20).sum() > 5
    assert together.world.pictures["lost"].sum() > 20  # not all of them came in a row


def test_many_packets_of_pictures_follow_the_one_before_them() -> None:
    playing = Playing(scenario_of(1))
    world = playing.advance(6 * SECOND)
    copies = kept_copies(world, playing.index("s3"))
    pictures = copies[copies["slot"] >= playing.settings.voices]
    follows = (np.diff(pictures["number"]) == 1) & (pictures["kind"][1:] == FIRST)
    frames = world.packets["frame"][pictures["packet"]]
    assert (follows & (np.diff(frames) == 0)).mean() > 0.3
