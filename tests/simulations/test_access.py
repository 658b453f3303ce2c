"""Access links: what each record says is what the endpoint's profile said."""

import math

import pytest

from simulations.rates import FOREVER
from tests.simulations.networks import Playing, deal, make_scenario
from tests.simulations.test_conference import WILD_ACCESS

RULES = [
    deal("s1", "red", "thin", "north"), deal("s2", "blue", "fibre", "south"),
    {"carrier": "red", "access": "fibre"},
]  # fmt: skip


def test_links_are_what_profiles_say() -> None:
    thin = {
        **WILD_ACCESS,
        "down": {"rate": "2Mbps", "buffer": "100ms", "packets": 7,
                 "policer": {"rate": "400kbps", "burst": "3000B"}},
        "up": {"rate": "1Mbps", "buffer": "9kB"},
    }  # fmt: skip
    world = Playing(
        make_scenario({"endpoints": {"rules": RULES}, "access": {"thin": thin}})
    ).engine.world
    down, up = world.downlinks[0], world.uplinks[0]
    assert (down["queue"]["limit_bytes"], down["queue"]["limit_packets"]) == (25_000, 7)
    assert (up["queue"]["limit_bytes"], up["queue"]["limit_packets"]) == (9000, 500)
    assert (down["rate"]["nominal"], up["rate"]["nominal"]) == (2e6, 1e6)
    assert (down["policer"]["rate"], down["policer"]["tokens"]) == (400_000, 24_000)
    assert up["policer"]["rate"] == 0
    for link in (down, up):
        assert link["delay"] == 7_000_000
        loss, jitter, rate, path = (link[part] for part in ("loss", "jitter", "rate", "path"))
        assert (loss["to_bad"], loss["to_good"], loss["loss_in_bad"]) == (0.02, 0.3, 0.6)
        assert (jitter["median"], jitter["step"]) == (3e6, 20_000_000)
        assert jitter["decay"] == pytest.approx(math.exp(-20 / 200))
        assert rate["decay"] == pytest.approx(math.exp(-100 / 300))
        assert (rate["spread"], rate["hole_every"], rate["hole_length"]) == (0.6, 7e8, 9e7)
        assert (path["every"], path["loss"], path["loss_time"]) == (4e8, 0.4, 5e7)
        assert path["log_p95"] == pytest.approx(math.log(20e6))
        load = world.load_times[rate["load"]], world.load_shares[rate["load"]]
        assert load[0].tolist() == [0, 700_000_000, FOREVER]
        assert load[1].tolist() == [0.1, 0.5, 0.5]
    plain = world.downlinks[1]
    for part in ("loss", "jitter", "path", "policer"):
        ours = plain[part].copy()
        for name in ours.dtype.names:
            if "key" not in name:
                assert ours[name] == 0, (part, name)


def test_every_process_of_every_link_draws_from_a_stream_of_its_own() -> None:
    world = Playing(make_scenario(endpoints=12)).engine.world
    keys = []
    for links in (world.uplinks, world.downlinks):
        for part, names in (
            ("rate", ("key", "hole_key")), ("loss", ("state_key", "loss_key")),
            ("jitter", ("key",)), ("path", ("loss_key",)),
        ):  # fmt: skip
            keys += [key for name in names for key in links[part][name].tolist()]
    keys += world.stations["key"].tolist() + world.uplinks["path"]["key"].tolist()
    assert len(set(keys)) == len(keys)
    # but a path is one path, both ways
    assert (world.uplinks["path"]["key"] == world.downlinks["path"]["key"]).all()
