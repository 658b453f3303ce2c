"""Congestion control, against a plain one, and closed in a loop over a plain bottleneck."""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.acknowledged import UNKNOWN
from simulations.congestion import acknowledge, conclude, next_probe, note_sent, process
from simulations.controllers import CONTROLLER, PROFILES, make_controllers
from simulations.overuse import NORMAL, OVERUSING, UNDERUSING
from simulations.rate_control import DECREASE, INCREASE
from tests.simulations.reference_bottleneck import Leg, Packet, Sender, play
from tests.simulations.reference_congestion import Controller
from tests.simulations.reference_delays import MS
from tests.simulations.reference_rates import S

ONE_FLOW = [(0, 1e6), (40, 2.5e6), (60, 0.6e6), (80, 1e6)]
"""RFC 8867, 5.1: seconds and bit/s; until 120 s."""
TWO_FLOWS = [(0, 4e6), (25, 2e6), (50, 3.5e6), (75, 1e6), (100, 2e6)]
"""RFC 8867, 5.2; until 125 s."""
VARIANTS = range(5)
"""Runs a little apart, for statements about the middle one: each run is chaotic."""


class Twin(Leg):
    """A controller with a plain one beside it, which must agree at every step."""

    def __init__(self, profile: str, start: int, minimum: int, maximum: int) -> None:
        super().__init__(profile, start, minimum, maximum)
        self.plain = Controller(profile == "draft-02", start, minimum, maximum)
        self.usages: set[int] = set()
        self.spared = False

    def compare(self) -> None:
        state, plain = self.controller, self.plain
        assert state["target"] == pytest.approx(plain.target, rel=1e-6, abs=2)
        # Of probes' rates, multiples of the target, its last bit would be a part.
        plain.target = plain.probing.estimate = int(state["target"])
        assert state["rtt"] == pytest.approx(plain.rtt, abs=2)
        assert state["loss"] == plain.losses.share
        assert state["state"] == plain.rate.state
        assert state["probe"] == plain.probe
        assert state["rate"]["estimate"] == pytest.approx(plain.rate.estimate, rel=1e-6)
        capacity = plain.rate.capacity.mean
        expected = UNKNOWN if capacity is None else capacity
        assert state["rate"]["capacity"] == pytest.approx(expected, rel=1e-6)
        assert state["rate"]["summit"] == pytest.approx(plain.rate.capacity.summit, rel=1e-6)
        assert state["detector"]["usage"] == plain.detector.usage
        assert state["minimum"] <= state["target"] <= state["maximum"]
        self.usages.add(plain.detector.usage)

    def read(self, packets: list[Packet], now: int) -> None:
        super().read(packets, now)
        for packet in packets:
            arrival = -1 if packet.arrival is None else packet.arrival
            self.plain.acknowledge(packet.sent, arrival, 1200, packet.probe)
        self.plain.conclude(now)
        self.compare()

    def process(self, now: int) -> None:
        super().process(now)
        self.plain.process(now)
        self.compare()

    def next_probe(self, now: int, sending: int, wanted: int, limited: bool) -> int:
        if self.spared:
            self.controller["limited"] = self.plain.limited = now // S % 3 != 0
        rate = super().next_probe(now, sending, wanted, limited)
        assert self.plain.next_probe(now, sending, wanted, limited) == rate
        return rate


@st.composite
def paths(draw: st.DrawFn) -> dict[str, Any]:
    """A path for 8 s: capacities, losses, jitter, feedback that gets lost."""
    seed = draw(st.integers(0, 2**32 - 1))
    rates = st.sampled_from([0.0, 50e3, 200e3, 500e3, 800e3, 1.2e6, 2e6])
    capacity = [(2 * i, draw(rates)) for i in range(4)]
    loss = draw(st.sampled_from([0, 0, 0.01, 0.05, 0.2]))
    deaf = draw(st.sampled_from([0, 0, 0.2, 1.0]))
    jitter = draw(st.integers(1, 12 * MS))

    def uniform(stream: int, at: int) -> float:
        return float(np.random.default_rng([seed, stream, at]).random())

    return {
        "capacity": capacity,
        "is_lost": lambda sent: uniform(0, sent) < loss,
        "hears": lambda now: now < 3 * S or uniform(1, now) >= deaf,
        "jitter": lambda sent: int(uniform(2, sent) * jitter),
    }


SENDERS = st.fixed_dictionaries(
    {
        "application": st.sampled_from([None, None, 100_000, 400_000]),
        "wanted": st.sampled_from([0, 150_000, 1_000_000]),
        "asks": st.booleans(),
    }
)


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=100)
@given(path=paths(), sender=SENDERS, start=st.integers(50_000, 1_000_000))
def test_as_plain(profile: str, path: dict[str, Any], sender: Any, start: int) -> None:
    play([Sender(Twin(profile, start, 20_000, 2_500_000), **sender)], until=8, **path)


@settings(max_examples=50)
@given(path=paths(), start=st.integers(50_000, 1_000_000))
def test_as_plain_where_the_application_limits(path: dict[str, Any], start: int) -> None:
    leg = Twin("libwebrtc", start, 20_000, 2_500_000)
    leg.spared = True
    leg.controller["forwards"] = leg.plain.forwards = True
    play([Sender(leg, application=200_000, wanted=600_000, asks=True)], until=8, **path)


@pytest.mark.parametrize(("limited", "left"), [(0, 0.85 * 480_000), (1, 0.85 * 2_000_000)])
def test_what_arrives_of_a_limited_application_says_nothing(limited: int, left: float) -> None:
    leg = Leg(start=2_000_000)
    end = now = feed(leg, S, 20, lambda _sent: 50 * MS, every=20 * MS)
    leg.controller["limited"] = limited
    leg.controller["rate"]["estimate"] = 2_000_000
    for _ in range(100):  # it is not lowered again within a round trip
        now = feed(leg, now, 1, lambda sent: 50 * MS + (sent - end) // 4, every=20 * MS)
        if leg.controller["rate"]["estimate"] < 2_000_000:
            break
    assert leg.controller["detector"]["usage"] == OVERUSING
    assert 0.7 * left < leg.controller["rate"]["estimate"] < 1.05 * left


def test_overuse_that_lasts_lowers_a_limited_application_to_what_arrives_and_no_further() -> None:
    leg = Leg(start=1_000_000)
    end = now = feed(leg, S, 20, lambda _sent: 50 * MS)
    leg.controller["limited"] = 1
    leg.controller["rate"]["estimate"] = 1_000_000
    for _ in range(60):  # of the 960 kbit/s that are sent, 4/5 arrive
        now = feed(leg, now, 1, lambda sent: 50 * MS + (sent - end) // 4)
    assert leg.controller["detector"]["usage"] == OVERUSING
    assert leg.controller["rate"]["estimate"] == pytest.approx(0.85 * 0.8 * 960_000, rel=0.05)


@pytest.mark.parametrize(
    ("ago", "holds"),
    [
        (500 * MS, True),
        (5 * S, False),  # the path may be another one by now
    ],
)
def test_what_a_node_s_probe_has_just_found_is_what_its_path_carries(ago: int, holds: bool) -> None:
    """Its padding filled the queue, and is over: what arrives beside it is what others sent."""
    leg = Leg(start=1_000_000)
    end = now = feed(leg, S, 20, lambda _sent: 50 * MS, every=20 * MS)
    probing = leg.controller["probing"]
    leg.controller["rate"]["estimate"] = 1_000_000
    lowered = []
    for _ in range(60):  # of the 480 kbit/s that are sent, 4/5 arrive
        probing["found"], probing["found_at"] = 900_000, now - ago
        before = float(leg.controller["rate"]["estimate"])
        now = feed(leg, now, 1, lambda sent: 50 * MS + (sent - end) // 4, every=20 * MS)
        if leg.controller["rate"]["estimate"] < before:
            lowered.append(float(leg.controller["rate"]["estimate"]))
    assert leg.controller["detector"]["usage"] == OVERUSING
    if holds:
        assert lowered == [0.85 * 900_000]  # once, however long queues fill
    else:
        assert lowered[-1] < 0.85 * 480_000


@pytest.mark.parametrize("forwards", [0, 1])
def test_only_a_node_takes_down_what_its_probes_find(forwards: int) -> None:
    """Publishers go by what arrives, as browsers do."""
    leg = Leg(start=300_000)
    leg.controller["forwards"] = forwards
    play([Sender(leg, application=100_000, wanted=2_000_000)], [(0, 1e6)], 8)
    assert leg.controller["probe"] > 0
    assert (leg.controller["probing"]["found"] > 0) == bool(forwards)


@pytest.mark.parametrize("profile", PROFILES)
def test_as_plain_through_all_states(profile: str) -> None:
    leg = Twin(profile, 300_000, 20_000, 2_500_000)
    generator = np.random.default_rng(1)
    jitters = generator.integers(0, MS, 100_000).tolist()
    play([Sender(leg)], [(0, 2e6), (12, 0.6e6)], 30, jitter=lambda _sent: jitters.pop())
    assert leg.usages == {NORMAL, OVERUSING, UNDERUSING}


def middle(
    measured: Callable[[int], Sequence[float]], variants: Sequence[int] = VARIANTS
) -> list[float]:
    """Of each figure the middle one of the variants'."""
    return [median(figures) for figures in zip(*map(measured, variants), strict=True)]


def one_flow(profile: str, variant: int, asks: bool = False) -> Sender:
    sender = Sender(Leg(profile, 300_000 + 7_001 * variant), 3 * MS * variant, asks=asks)
    play([sender], ONE_FLOW, 120)
    return sender


def reactions(sender: Sender) -> list[float]:
    """Seconds: to 90 % of 1 and 2.5 Mbit/s, down to 0.6, and to 90 % of 1 again."""
    return [
        sender.reaches(0.9e6, 0), sender.reaches(2.25e6, 40), sender.falls(0.6e6, 60),
        sender.reaches(0.9e6, 80),
    ]  # fmt: skip


def test_one_flow_on_a_variable_path() -> None:
    """RFC 8867, 5.1."""

    def measured(variant: int) -> list[float]:
        sender = one_flow("libwebrtc", variant)
        settled = [(5, 40), (45, 60), (67, 80), (85, 120)]
        queueing = max(float(np.percentile(sender.queueing(*span), 95)) for span in settled)
        return [*reactions(sender), queueing, sender.carried(5, 40), sender.carried(67, 80)]

    first, rise, fall, return_, queueing, low, lower = middle(measured)
    assert first < 1  # by probes
    assert rise < 10  # by a probe that comes every 5 s, and by 8 % a second
    assert fall < 2
    assert return_ < 10
    assert queueing < 100
    assert low > 0.8e6
    assert lower > 0.45e6


def test_a_flow_that_asks_for_more_is_up_within_seconds() -> None:
    """RFC 8867, 5.1, with the probes of a sender that its application limits: every 5 s."""
    times = middle(lambda variant: reactions(one_flow("libwebrtc", variant, asks=True)))
    for time, most in zip(times, (1, 6, 2, 6), strict=True):
        assert time < most


def test_one_flow_on_a_variable_path_as_drafted() -> None:
    first, rise, fall, return_ = middle(lambda variant: reactions(one_flow("draft-02", variant)))
    assert math.log(0.9 / 0.3) / math.log(1.08) - 5 < first < 16  # there are no probes
    assert rise < 20
    assert fall < 2
    assert return_ < 10


@pytest.mark.parametrize("profile", PROFILES)
def test_two_flows_share(profile: str) -> None:
    """RFC 8867, 5.2; a fairness ratio within 1/3 and 3 (RFC 8868)."""
    spans = [(5, 25), (30, 50), (55, 75), (80, 100), (105, 125)]

    def measured(variant: int) -> list[float]:
        flows = [Sender(Leg(profile), begin=137 * MS * variant * i) for i in range(2)]
        play(flows, TWO_FLOWS, 125)
        rates = [[flow.carried(*span) for flow in flows] for span in spans]
        queueing = [np.percentile(flows[0].queueing(*span), 95) for span in spans]
        return [
            *(max(pair) / min(pair) for pair in rates),
            *(sum(pair) / capacity for pair, (_, capacity) in zip(rates, TWO_FLOWS, strict=True)),
            *map(float, queueing),
        ]

    figures = middle(measured)
    assert max(figures[:5]) < 3
    assert min(figures[5:10]) > (0.7 if profile == "libwebrtc" else 0.5)
    if profile == "libwebrtc":
        assert max(figures[10:]) < 100


def test_a_flow_that_comes_late_finds_room() -> None:
    """RFC 8867, 5.4, with two: the flow that has been there comes back to less than it had."""

    def measured(variant: int) -> list[float]:
        flows = [Sender(Leg(), begin=i * (40 * S + 137 * MS * variant)) for i in range(2)]
        play(flows, [(0, 2e6)], 100)
        first, late = (flow.carried(60, 100) for flow in flows)
        return [first / late, (first + late) / 2e6]

    ratio, share = middle(measured)
    assert 1 / 3 < ratio < 2
    assert share > 0.9


@pytest.mark.parametrize(
    ("profile", "asks", "back"),
    [("libwebrtc", False, 45), ("libwebrtc", True, 3), ("draft-02", False, 15)],
)
def test_while_nothing_gets_through_the_target_falls_and_it_comes_back(
    profile: str, asks: bool, back: float
) -> None:
    sender = Sender(Leg(profile, minimum=50_000), asks=asks)
    play([sender], [(0, 1e6), (20, 0), (40, 1e6)], 100)
    assert sender.target_at(20) > 0.7e6
    assert sender.target_at(30) == pytest.approx(0.8**7 * sender.target_at(22), rel=0.25)
    assert sender.target_at(39.9) == 50_000
    assert sender.reaches(0.8e6, 40) < back


@pytest.mark.parametrize("profile", PROFILES)
def test_without_feedback_the_target_falls_to_the_floor(profile: str) -> None:
    sender = Sender(Leg(profile, minimum=10_000))
    play([sender], [(0, 1e6)], 60, hears=lambda now: now < 20 * S)
    before = sender.target_at(20.1)  # the last message has come
    assert sender.target_at(22.5) >= 0.9 * before
    assert 0.7 * before < sender.target_at(23.5) < 0.9 * before
    assert sender.target_at(50) == 10_000


@pytest.mark.parametrize("profile", PROFILES)
def test_without_any_feedback_from_the_beginning_too(profile: str) -> None:
    sender = Sender(Leg(profile))
    play([sender], [(0, 1e6)], 30, hears=lambda _now: False)
    assert sender.target_at(2.9) == 300_000
    assert sender.target_at(29) == 10_000


@pytest.mark.parametrize("profile", PROFILES)
def test_a_sender_that_is_silent_waits_for_no_feedback(profile: str) -> None:
    leg = Leg(profile)
    sender = Sender(leg)
    play([sender], [(0, 1e6)], 10)
    before = leg.target
    for now in range(10 * S, 60 * S, 25 * MS):
        leg.process(now)
        leg.next_probe(now, 0, 0, False)
    assert leg.target >= 0.9 * before


@pytest.mark.parametrize("profile", PROFILES)
def test_what_was_said_last_lapses_once_nothing_is_sent_for_long(profile: str) -> None:
    """Else it would bar the probes that bring other feedback, for ever."""
    leg = make_controllers(1, profile, 300_000, 10_000, 8_000_000)[0]
    note_sent(leg, 10 * S)
    leg["heard_at"], leg["round_trip"], leg["loss"] = 6 * S, 5 * S, 0.7
    leg["detector"]["usage"] = OVERUSING
    said = ("heard_at", "round_trip", "loss")
    next_probe(leg, 12 * S, 0, False)
    assert ([leg[name] for name in said], leg["detector"]["usage"]) == (
        [6 * S, 5 * S, 0.7],
        OVERUSING,
    )
    next_probe(leg, 12 * S + 1, 0, False)
    assert ([leg[name] for name in said], leg["detector"]["usage"]) == ([10 * S, 0, 0.0], NORMAL)


@pytest.mark.parametrize("profile", PROFILES)
def test_when_all_is_reported_lost_the_target_falls_to_the_floor(profile: str) -> None:
    leg = Leg(profile)
    for now in range(0, 60 * S, 100 * MS):
        leg.read([Packet(now + i * 10 * MS, None, 0) for i in range(10)], now + 150 * MS)
        for tick in range(4):
            leg.process(now + 150 * MS + tick * 25 * MS)
    assert leg.target == 10_000
    assert leg.controller["loss"] == 1.0
    assert leg.controller["rtt"] == 0


def test_a_fifth_lost_lowers_and_a_twentieth_does_not() -> None:
    def after(share: float) -> int:
        sender, generator = Sender(Leg()), np.random.default_rng(1)
        play([sender], [(0, 5e6)], 60, is_lost=lambda _sent: bool(generator.random() < share))
        return sender.target_at(59)

    assert after(0.05) > 300_000
    # Its periodic probes raise it now and then: it is not at the floor.
    assert after(0.2) < 300_000


@pytest.mark.parametrize("profile", PROFILES)
def test_the_target_does_not_run_away_from_a_sender_with_little_to_send(profile: str) -> None:
    sender = Sender(Leg(profile), application=200_000, wanted=220_000)
    play([sender], [(0, 5e6)], 120)
    assert max(target for _, target in sender.targets) <= 500_000
    assert sender.target_at(119) >= 300_000


def test_probes_find_the_capacity_at_once() -> None:
    sender = Sender(Leg(), asks=True)
    play([sender], [(0, 6e6)], 8)
    assert sender.reaches(1.5e6, 0) < 0.5
    assert sender.reaches(4.5e6, 0) < 2
    drafted = Sender(Leg("draft-02"), asks=True)
    play([drafted], [(0, 6e6)], 8)
    assert not drafted.probes
    assert drafted.target_at(7.9) < 0.6e6


def test_a_request_for_a_layer_more_is_answered_within_a_second_or_two() -> None:
    sender = Sender(Leg(), application=200_000, wanted=220_000, asks=True)

    def hears(now: int) -> bool:
        if now >= 20 * S:
            sender.wanted = 2_000_000
        return True

    play([sender], [(0, 5e6)], 30, hears=hears)
    assert sender.target_at(19.9) <= 500_000
    assert sender.reaches(2e6, 20) < 2


@pytest.mark.parametrize(("forwards", "pause"), [(0, 5 * S), (1, 15 * S)])
def test_as_drafted_who_is_limited_pads_at_the_estimate_but_not_soon_after_overuse(
    forwards: int, pause: int
) -> None:
    leg = make_controllers(1, "draft-02", 300_000, 10_000, 500_000)[0]
    leg["forwards"] = forwards
    leg["probing"]["lowered_at"] = 10 * S
    rates = [next_probe(leg, 10 * S + after, 400_000, True) for after in (0, pause - 1, pause)]
    assert rates == [0, 0, 300_000]
    now = 10 * S + pause
    assert next_probe(leg, now, 400_000, False) == 0  # the estimate limits it: it has enough
    assert next_probe(leg, now, 300_000, True) == 0  # it wants no more
    leg["loss"] = 0.2
    assert next_probe(leg, now, 400_000, True) == 0
    leg["loss"], leg["target"] = 0.0, 500_000
    assert next_probe(leg, now, 4_000_000, True) == 0  # the estimate may not rise
    leg["target"] = 300_000
    numbers = []
    for _ in range(4):
        next_probe(leg, now, 400_000, True)
        numbers.append(int(leg["probe"]))
    assert numbers == [2, 1, 2, 1]  # however many there are, they fit into packets' records


def test_a_probe_that_fills_the_link_tells_what_it_carries() -> None:
    """Rate control is then near convergence."""
    for capacity, fills in ((1.5e6, True), (100e6, False)):
        sender = Sender(Leg(), asks=True)
        play([sender], [(0, capacity)], 0.7)
        rate = sender.leg.controller["rate"]
        assert (rate["capacity"] >= 0) == fills
        if fills:
            assert rate["capacity"] * 1e3 == pytest.approx(0.95 * capacity, rel=0.05)


def test_the_acknowledged_share_of_a_probe_ends_at_the_links_capacity() -> None:
    sender = Sender(Leg(), asks=True)
    play([sender], [(0, 1.5e6)], 3)
    assert 0.8 * 1.5e6 < sender.target_at(1) < 1.05 * 1.5e6


def feed(
    leg: Leg, begin: int, messages: int, transit: Callable[[int], int], every: int = 10 * MS
) -> int:
    """Feedback messages of packets, one every 10 ms or so; when the next one begins."""
    for message in range(messages):
        now = begin + message * 100 * MS
        packets = [
            Packet(sent, sent + transit(sent), 0) for sent in range(now, now + 100 * MS, every)
        ]
        leg.read(packets, now + 200 * MS)
    return begin + messages * 100 * MS


@pytest.mark.parametrize("profile", PROFILES)
def test_a_growing_delay_is_overuse_and_lowers(profile: str) -> None:
    leg = Leg(profile, start=2_000_000)
    end = feed(leg, S, 20, lambda _sent: 50 * MS)
    assert leg.controller["state"] == INCREASE
    messages, now = 0, end
    while leg.controller["detector"]["usage"] != OVERUSING:
        now = feed(leg, now, 1, lambda sent: 50 * MS + (sent - end) // 4)
        messages += 1
        assert messages < 10
    assert leg.controller["state"] == DECREASE
    # Ten packets of 1200 bytes in 100 ms, and in the growing delay a fifth less.
    assert 0.85 * 0.75 * 960_000 < leg.target < 0.85 * 1.05 * 960_000


def test_after_two_silent_seconds_delays_are_measured_anew() -> None:
    leg = Leg()
    end = feed(leg, S, 20, lambda _sent: 50 * MS)
    feed(leg, end + 3 * S, 20, lambda _sent: 400 * MS)  # a new, longer path
    assert leg.controller["detector"]["usage"] == NORMAL
    assert leg.controller["detector"]["threshold"] < 12.5
    assert leg.controller["trend"]["accumulated"] == 0


def test_round_trips() -> None:
    leg = Leg()
    # Sent at 1 s, there 60 ms later; the feedback waits until a second one has come.
    packets = [Packet(S, S + 60 * MS, 0), Packet(S + 30 * MS, S + 95 * MS, 0)]
    leg.read(packets, S + 130 * MS)
    assert leg.controller["rtt"] == 95 * MS  # 60 there, 35 back
    leg.read([Packet(2 * S, 2 * S + 160 * MS, 0)], 2 * S + 195 * MS)
    assert leg.controller["rtt"] == 95 * MS + 0.3 * 100 * MS


@pytest.mark.parametrize("profile", PROFILES)
def test_lost_messages_count_as_nothing(profile: str) -> None:
    """What they covered is neither received nor lost."""
    leg = Leg(profile)
    end = S
    for _ in range(20):
        feed(leg, end, 1, lambda _sent: 50 * MS)
        end += 200 * MS  # every other message
    assert leg.controller["loss"] == 0
    assert leg.controller["detector"]["usage"] == NORMAL


TIMES = st.integers(0, 2**55)


@given(
    st.sampled_from(PROFILES),
    st.lists(
        st.one_of(
            st.tuples(
                st.just(acknowledge), TIMES, st.integers(-1, 2**55), st.integers(0, 65_535),
                st.integers(0, 5),
            ),
            st.tuples(st.just(conclude), TIMES),
            st.tuples(st.just(process), TIMES),
            st.tuples(st.just(note_sent), TIMES),
            st.tuples(
                st.just(next_probe), TIMES, st.integers(0, 2**40), st.booleans(),
            ),
        ),
        max_size=60,
    ),
)  # fmt: skip
def test_nothing_breaks_it(profile: str, calls: list[Any]) -> None:
    leg = make_controllers(1, profile, 300_000, 10_000, 8_000_000)[0]
    for function, *arguments in calls:
        function(leg, *arguments)
        assert 10_000 <= leg["target"] <= 8_000_000
        assert leg["rtt"] >= 0
        for part in ("rate", "trend", "kalman", "throughput", "detector", "losses", "probing"):
            for field in leg[part].dtype.names:
                if leg[part][field].dtype.kind == "f":
                    assert np.isfinite(leg[part][field]).all()


def test_controllers_are_apart_and_small() -> None:
    assert CONTROLLER.itemsize < 1600
    controllers = make_controllers(3, "libwebrtc", 300_000, 10_000, 2_000_000)
    before = controllers.copy()
    acknowledge(controllers[1], S, S + 50 * MS, 1200, 0)
    conclude(controllers[1], S + 120 * MS)
    assert (controllers[[0, 2]] == before[[0, 2]]).all()
    assert controllers[1] != before[1]
    assert list(controllers["target"]) == [300_000] * 3
