"""The records of media, meeting, network and endpoints, and what they are to one another."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from scenarios.consistency import MOST_ENDPOINTS, Pieces, contradictions
from scenarios.endpoints import Endpoints, Rule, When
from scenarios.errors import ScenarioError
from scenarios.loading import load_scenario
from scenarios.media import Audio, CongestionControl, Layer, Screen, Video
from scenarios.meeting import Meeting
from scenarios.network import MediaNode
from scenarios.scenario import Scenario
from tests.scenarios.small import write_small

LAYER = {"name": "low", "height": 180, "bitrate": "150kbps"}
NODE = {"label": "N", "latitude": 1, "longitude": 2, "nic": "1Gbps"}


@pytest.mark.parametrize(
    ("record", "content", "rule"),
    [
        (Audio, {"ptime": "1ms"}, "must be between 2.5ms and 120ms"),
        (Audio, {"bitrate": "1Mbps"}, "packets of 2500 bytes; a packet must have 1 to 1400"),
        (Audio, {"bitrate": "10bps"}, "packets of 0 bytes"),
        (Video, {"layers": [LAYER, LAYER]}, "layers must be listed by rising bitrate"),
        (
            Video,
            {"layers": [LAYER, LAYER | {"bitrate": "1Mbps"}]},
            "layers must have different names",
        ),
        (
            Video,
            {"layers": [LAYER | {"min_bitrate": "151kbps"}]},
            "must not exceed bitrate, 150kbps",
        ),
        (Screen, {"bitrate": "1Mbps", "min_bitrate": "2Mbps"}, "must not exceed bitrate, 1Mbps"),
        (Audio, {"robustness": 0}, "greater than or equal to 1"),
        (CongestionControl, {"minimum": "400kbps"}, "must satisfy minimum ≤ start ≤ maximum"),
        (CongestionControl, {"start": "20Mbps"}, "must satisfy minimum ≤ start ≤ maximum"),
        (CongestionControl, {"feedback": "20ms"}, "must be between 25ms and 1s"),
        (Meeting, {"floor": []}, "at least 1 item"),
        (Meeting, {"floor": [{"at": "1s", "site": "a"}]}, "turns must start at 0s"),
        (
            Meeting,
            {"floor": [{"at": "0s", "site": "a"}, {"at": "0s", "site": "b"}]},
            "follow one another in time",
        ),
        (MediaNode, NODE | {"carriers": ["a", "a"]}, "carriers must be named once each"),
        (Rule, {"when": {"level": "x"}}, "must deal out a carrier, an access profile or a node"),
        (Rule, {"carrier": {"a": "50%", "b": "49%"}}, "shares must add up to 100%"),
        (Rule, {"carrier": {}}, "shares must add up to 100%"),
        (
            Endpoints,
            {"table": "a.csv", "places": "a.csv", "rules": [{"carrier": "a"}]},
            "table and places must be files of different names",
        ),
    ],
)
def test_what_cannot_be_played_is_refused(
    record: type[BaseModel], content: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        record.model_validate(content)
    assert rule in str(caught.value)


def test_a_rule_takes_one_value_or_several() -> None:
    when = When.model_validate({"level": ["province", "district"], "kind": "tỉnh"})
    row = {"level": "province", "kind": "tỉnh"}
    assert when.matches(row)
    assert not when.matches(row | {"level": "commune"})
    assert not when.matches(row | {"kind": "xã"})
    assert When().matches(row)


def test_thirds_add_up() -> None:
    rule = Rule.model_validate({"carrier": {"a": "33.3333333333%", "b": "66.6666666667%"}})
    assert rule.carrier is not None


def test_a_scenario_is_frozen(tmp_path: Path) -> None:
    scenario = load_scenario(write_small(tmp_path))
    with pytest.raises(ValidationError, match="frozen"):
        scenario.seed = 5  # type: ignore[misc]


def pieces(tmp_path: Path, *overrides: str) -> Pieces:
    scenario = load_scenario(write_small(tmp_path), overrides)
    return Pieces(
        scenario.duration, scenario.interval, scenario.endpoints, scenario.media, scenario.meeting
    )


def test_sound_pieces_do_not_contradict_one_another(tmp_path: Path) -> None:
    assert contradictions(pieces(tmp_path)) == []
    assert contradictions(Pieces()) == []


@pytest.mark.parametrize(
    ("data", "path", "rule"),
    [
        ({"interval": "61s"}, ("interval",), "must not be longer than the meeting, 1min"),
        (
            {"meeting": {"wall": {"tiles": 7, "layer": "low"}}},
            ("meeting", "wall", "tiles"),
            "must not exceed the 6 endpoints",
        ),
        (
            {"meeting": {"discussion": {"begin": "20s", "speakers": 7}}},
            ("meeting", "discussion", "speakers"),
            "must not exceed the 6 endpoints",
        ),
        (
            {
                "duration": "24h",
                "endpoints": {"scale": 100},
                "meeting": {"wall": {"tiles": 400, "layer": "low", "dwell": "1s"}},
            },
            ("meeting", "wall", "dwell"),
            "makes 34,560,399 changes; at most 1,000,000 can be played",
        ),
        (
            {"endpoints": {"only": {"province": "Bạc Liêu", "site": "c1"}}},
            ("endpoints", "only"),
            "takes no endpoint of the table",
        ),
        (
            {"endpoints": {"only": {"kind": ["xã", "phường"]}, "sample": 5}},
            ("endpoints", "sample"),
            "must not exceed the table's 4 endpoints that only takes",
        ),
        (
            {
                "media": {"screen": {}},
                "meeting": {"screen": [{"at": "59s", "until": "70s", "site": "c2"}]},
            },
            ("meeting", "screen", 0, "until"),
            "must not lie after the meeting's end at 1min",
        ),
        (
            {
                "endpoints": {"sample": 1},
                "meeting": {
                    "floor": [
                        {"at": "0s", "site": "c1"},
                        {"at": "1s", "site": "c2"},
                    ]
                },
            },
            ("endpoints", "sample"),
            "must have room for the 2 sites that the meeting names",
        ),
    ],
)
def test_contradictions(
    tmp_path: Path, data: dict[str, Any], path: tuple[str, ...], rule: str
) -> None:
    base = load_scenario(write_small(tmp_path))
    content = base.model_dump(mode="json", by_alias=True, exclude_none=True)
    for key, value in data.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(content, context=_context(base))
    (error,) = caught.value.errors()
    (problem,) = error["ctx"]["problems"]
    assert (problem.path, problem.rule) == (path, rule)


@pytest.mark.parametrize(
    ("window", "interval", "holds"),
    [
        ("5s..10s", "5s", True),
        ("6s..14s", "5s", False),  # 8 s, but no interval lies in it whole
        ("6s..15s", "5s", True),
        ("5s..9s", "5s", False),
        ("56s..58s", "9s", False),
        ("54s..60s", "9s", True),  # the last interval, cut short by the end
        ("55s..60s", "9s", False),
        ("2min..3min", "9s", True),  # beyond the end: without data, and so inconclusive
        ("2min..121s", "9s", False),
    ],
)
def test_a_window_holds_a_whole_interval(
    tmp_path: Path, window: str, interval: str, *, holds: bool
) -> None:
    overrides = [
        f"interval={interval}",
        f"thresholds={{jitter: {{check: max < 1s, during: {window}}}}}",
    ]
    if holds:
        assert load_scenario(write_small(tmp_path), overrides).thresholds
        return
    with pytest.raises(ScenarioError, match=f"must hold a whole sampling interval, {interval}$"):
        load_scenario(write_small(tmp_path), overrides)


def test_a_layer_s_least_bitrate_is_a_third_unless_said() -> None:
    assert Layer.model_validate(LAYER).least_bitrate == 50_000
    assert Layer.model_validate(LAYER | {"min_bitrate": "150kbps"}).least_bitrate == 150_000
    assert Screen().least_bitrate == 333_333
    assert Screen.model_validate({"min_bitrate": "200kbps"}).least_bitrate == 200_000


def test_only_opus_corrects_errors() -> None:
    assert [
        Audio.model_validate(content).corrects
        for content in ({}, {"fec": False}, {"codec": "g711", "bitrate": "64kbps"})
    ] == [True, False, False]


def test_keys_that_are_new_change_no_scenario_that_was_there(tmp_path: Path) -> None:
    scenario = load_scenario(write_small(tmp_path))
    assert scenario.meeting.sites == {"c1"}
    assert (scenario.meeting.pictures, scenario.meeting.screen) == (1, ())
    assert scenario.media.congestion_control.profile == "libwebrtc"
    assert scenario.nodes["north"].key_frame_spacing == 500_000_000
    assert scenario.nodes["north"].cost.join == 200_000


def _context(scenario: Scenario) -> object:
    from scenarios.record import Context  # noqa: PLC0415

    return Context(rows=scenario.endpoints.rows, places=scenario.endpoints.coordinates)


def test_copies_must_not_take_another_s_name(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    sites = tmp_path / "sites.csv"
    sites.write_text(sites.read_text("utf-8") + "c1.2,Two,commune,xã,,Cà Mau\n", "utf-8")
    assert load_scenario(path).endpoints.scale == 1
    with pytest.raises(Exception, match=r"copies of c1 would be named as the table's c1\.2"):
        load_scenario(path, ["endpoints.scale=2"])


def test_a_meeting_has_an_end_to_its_size() -> None:
    briefing = load_scenario("national-briefing")
    large = briefing.endpoints.model_copy(update={"scale": MOST_ENDPOINTS // 2594 + 1})
    (problem,) = contradictions(Pieces(endpoints=large))
    assert problem.path == ("endpoints", "scale")
