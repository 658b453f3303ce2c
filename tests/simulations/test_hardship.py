"""Networks at the edge of what is possible: what is promised happens, and nothing breaks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from results.adaptation import audio_only_endpoints
from results.records import Run
from simulations.conference import simulate
from tests.simulations.networks import CLOSED, deal, make_scenario, merged
from tests.simulations.test_conference import check_run, column

PROFILES = ("libwebrtc", "draft-02")
MINIMUM = 30_000


def play(
    thin: Mapping[str, Any], profile: str = "libwebrtc", *, duration: int = 15, **changes: Any
) -> Run:
    """A meeting in which s1 is on a ``thin`` link, and s2 and the command centre are not."""
    base = {
        "duration": f"{duration}s",
        "endpoints": {
            "rules": [deal("s1", "red", "thin", "south"), deal("s2", "red", "fibre", "south")]
        },
        "access": {"thin": thin},
        "media": {
            "audio": {"dtx": False},
            "congestion_control": {"profile": profile, "minimum": "30kbps"},
        },
    }
    run = simulate(make_scenario(merged(merged(CLOSED, base), changes), endpoints=2), threads=1)
    check_run(run)
    return run


def values(run: Run, name: str, endpoint: int = 0) -> Any:
    """A column of one endpoint, second by second."""
    return column(run, "samples", name).reshape(-1, 3)[:, endpoint]


def layers(run: Run, endpoint: int = 0) -> list[str | None]:
    found: list[str | None] = run.tables["samples"]["layer"].to_pylist()
    return found[endpoint::3]


def steps(*rates: tuple[str, str]) -> list[dict[str, str]]:
    return [{"at": at, "rate": rate} for at, rate in rates]


# ---------------------------------------------------------------- no layer fits


@pytest.mark.parametrize("profile", PROFILES)
def test_where_no_layer_fits_the_link_voices_go_alone(profile: str) -> None:
    # A voice takes 52 kbit/s; the low layer 104 more, or a third of that where it is all there is.
    run = play({"down": {"rate": "80kbps", "buffer": "500ms"}}, profile)
    settled = slice(8, None)
    assert set(layers(run)[8:]) == {None}
    assert (values(run, "frames_rendered")[settled] == 0).all()
    # nobody's picture is frozen that the node does not send
    assert np.isnan(values(run, "freeze_ratio")[settled]).all()
    assert np.isnan(values(run, "video_mos")[settled]).all()
    assert values(run, "audio_residual_loss")[settled].mean() < 0.01
    assert values(run, "audio_mos")[-1] > 2.5
    assert values(run, "packets_received")[settled].mean() >= 49
    # and the report tells of it
    worst = audio_only_endpoints(run)[0]
    assert worst.row["site"] == "s1"
    assert worst.share > 0.5
    assert worst.capacity == 80_000
    # others have what they had
    assert layers(run, 1)[-1] is not None


@pytest.mark.parametrize("profile", PROFILES)
def test_a_publisher_whose_uplink_holds_no_layer_is_heard(profile: str) -> None:
    floor = [{"at": "0s", "site": "s1"}]
    thin = {"up": {"rate": "75kbps", "buffer": "500ms"}, "down": {"rate": "5Mbps"}}
    run = play(thin, profile, meeting={"floor": floor})
    for listener in (1, 2):
        assert (values(run, "audio_residual_loss", listener)[8:] < 0.01).all()
        assert values(run, "audio_mos", listener)[-1] > 3
        assert (values(run, "frames_rendered", listener)[8:] == 0).all()
        assert set(layers(run, listener)[8:]) == {None}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_picture_that_did_not_fit_comes_back_when_it_does(profile: str) -> None:
    """What a voice alone shows of an uplink is too little for a picture."""
    rates = steps(("0s", "3Mbps"), ("5s", "75kbps"), ("12s", "3Mbps"))
    up = {"rate": "3Mbps", "steps": rates, "buffer": "500ms"}
    floor = [{"at": "0s", "site": "s1"}]
    thin = {"up": up, "down": {"rate": "5Mbps"}}
    run = play(thin, profile, duration=40, meeting={"floor": floor})
    seen = values(run, "frames_rendered", 1)
    assert (seen[9:12] == 0).all()
    assert (seen[-5:] >= 20).all()


# ---------------------------------------------------------------- nothing passes for a while


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("side", ["down", "up"])
def test_a_period_without_any_capacity_is_outlived(profile: str, side: str) -> None:
    rates = steps(("0s", "3Mbps"), ("5s", "0bps"), ("9s", "3Mbps"))
    thin = {"up": {"rate": "3Mbps"}, "down": {"rate": "3Mbps"}}
    thin[side] = {"rate": "3Mbps", "steps": rates, "buffer": "300ms"}  # type: ignore[dict-item]
    floor = [{"at": "0s", "site": "s1" if side == "up" else "command-centre"}]
    run = play(thin, profile, duration=40, meeting={"floor": floor})
    listener = 0 if side == "down" else 1
    capacity = values(run, "capacity" if side == "down" else "uplink_capacity")
    assert capacity[[4, 5, 8, 9]].tolist() == [0, 0, 3e6, 3e6]  # at the interval's end
    gone = slice(6, 8)
    assert (values(run, "frames_rendered", listener)[gone] == 0).all()
    # Without loss that is known, or anything to be heard, there is no score; never a good one.
    assert not (values(run, "audio_mos", listener)[gone] > 1).any()
    if side == "down":
        assert (values(run, "packet_loss")[7:9] == 1).all()  # known 2 s later
    # afterwards everyone hears and sees again
    assert (values(run, "audio_residual_loss", listener)[12:] < 0.02).all()
    assert (values(run, "frames_rendered", listener)[-5:] >= 20).all()
    assert layers(run, listener)[-1] is not None


def test_a_link_that_never_carries_anything() -> None:
    nothing = {"rate": "3Mbps", "steps": steps(("0s", "0bps"))}
    run = play({"up": nothing, "down": nothing}, duration=8)
    assert (values(run, "packets_received") == 0).all()
    assert (values(run, "capacity") == 0).all()
    loss = values(run, "packet_loss")
    assert np.isnan(loss[:2]).all()  # not known yet
    assert (loss[2:] == 1).all()
    assert (values(run, "audio_mos")[2:] == 1).all()
    # Its picture is wanted, and stands still, until the estimate, for want of feedback, has no
    # room for it any more.
    frozen, score = values(run, "freeze_ratio"), values(run, "video_mos")
    assert (frozen[1:5] == 1).all()
    assert (score[1:5] == 1).all()
    assert np.isnan(frozen[-1])
    assert np.isnan(score[-1])
    assert np.isnan(values(run, "one_way_delay_mean")).all()
    assert (values(run, "packet_loss", 1)[1:] == 0).all()


# ---------------------------------------------------------------- no feedback

DEAD = {"rate": "1bps"}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_subscriber_whose_feedback_never_comes_back_is_sent_to_as_to_a_poor_link(
    profile: str,
) -> None:
    run = play({"up": DEAD, "down": {"rate": "5Mbps"}}, profile, duration=25)
    estimate = values(run, "estimate")
    assert (np.diff(estimate) <= 0).all()
    assert estimate[-1] == MINIMUM
    # by a fifth each second, once nothing has been heard for 3 s
    falling = estimate[(estimate > MINIMUM) & (estimate < estimate[0])]
    assert falling[1:] / falling[:-1] == pytest.approx(0.8, abs=0.01)
    assert np.isnan(values(run, "round_trip_time")).all()
    assert (values(run, "nack_count") == 0).all() or values(run, "retransmitted").sum() == 0
    # voices go on; of pictures what the estimate allows: nothing
    assert (values(run, "audio_residual_loss") < 0.01).all()
    assert layers(run)[-1] is None
    assert layers(run, 1)[-1] is not None


@pytest.mark.parametrize("profile", PROFILES)
def test_feedback_that_stays_away_for_a_while_costs_a_while(profile: str) -> None:
    up = {"rate": "2Mbps", "steps": steps(("0s", "2Mbps"), ("6s", "0bps"), ("16s", "2Mbps")),
          "buffer": "50ms"}  # fmt: skip
    run = play({"up": up, "down": {"rate": "5Mbps"}}, profile, duration=45)
    estimate = values(run, "estimate")
    assert estimate[15] < 0.4 * estimate[5]
    assert estimate[-1] > 2 * estimate[15]
    assert (values(run, "audio_residual_loss") < 0.01).all()
    assert layers(run)[-1] is not None


@pytest.mark.parametrize("profile", PROFILES)
def test_a_publisher_that_hears_nothing_from_its_node_goes_down_to_its_voice(profile: str) -> None:
    floor = [{"at": "0s", "site": "s1"}]
    thin = {"up": {"rate": "5Mbps"}, "down": DEAD}
    run = play(thin, profile, duration=25, meeting={"floor": floor})
    estimate = values(run, "uplink_estimate")
    assert (np.diff(estimate) <= 0).all()
    assert estimate[-1] == MINIMUM
    assert values(run, "uplink_bitrate")[-1] == pytest.approx(52_000, rel=0.05)
    assert (values(run, "audio_residual_loss", 1) < 0.01).all()
    assert values(run, "frames_rendered", 1)[-1] == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_a_node_that_is_overloaded_delays_and_then_drops(profile: str) -> None:
    slow = {"south": {"cost": {"copy": "8ms"}, "queue": "100ms"}}
    run = play({"down": {"rate": "5Mbps"}, "up": {"rate": "5Mbps"}}, profile, nodes=slow)
    assert run.accounting.lost.keys() <= {"node"}
    dropped = column(run, "nodes", "copies_dropped").sum()
    assert dropped == run.accounting.lost.get("node", 0) > 0
    assert 0.1 < column(run, "nodes", "queue_delay_max").max() < 0.15
