import os
from pathlib import Path

import pytest

from scenarios.errors import ScenarioError
from scenarios.inheritance import library_names
from scenarios.loading import load_scenario, parse_scenario, short_name
from tests.scenarios.small import SCENARIO, line_of, write_small

Change = tuple[str, str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults_of(*changes: Change, overrides: tuple[str, ...] = ()) -> list[str]:
    """Messages for the small scenario with ``changes``, in the current directory."""
    write_small(Path(), *changes)
    with pytest.raises(ScenarioError) as caught:
        load_scenario("small.yaml", overrides)
    return str(caught.value).splitlines()


def test_a_file_loads(folder: Path) -> None:
    write_small(folder)
    scenario = load_scenario("small.yaml", ["endpoints.scale=2"], seed=7)
    assert (scenario.name, scenario.seed, scenario.endpoints.scale) == ("small", 7, 2)
    assert scenario.duration == 60 * 10**9
    assert scenario.endpoints.rows is not None
    assert len(scenario.endpoints.rows) == 6
    assert scenario.endpoints.coordinates == {
        "Cà Mau": (9.177, 105.15),
        "Bạc Liêu": (9.285, 105.724),
    }


CASES: list[tuple[Change, str, str]] = [
    (
        ("title: Two provinces", "titel: Two provinces\ntitle: x"),
        "titel",
        "titel — is no key here; did you mean title?",
    ),
    (
        ("carrier: red\n      access", "carrier: rde\n      access"),
        "carrier: rde",
        "endpoints.rules.0.carrier: 'rde' — must name a carrier of this scenario; "
        "did you mean red?",
    ),
    (
        ("mobile: 50%}", "mobil: 50%}"),
        "mobil: 50%",
        "endpoints.rules.0.access.mobil: 'mobil' — must name an access profile of this scenario; "
        "did you mean mobile?",
    ),
    (
        ("mobile: 50%}", "mobile: 40%}"),
        "mobile: 40%",
        "endpoints.rules.0.access: a map of 2 — shares must add up to 100%",
    ),
    (
        ("down: {rate: 5Mbps}", "down: {rate: -5Mbps}"),
        "-5Mbps",
        "access.mobile.down.rate: '-5Mbps' — must be more than 0",
    ),
    (
        ("delay: 40ms", "delay: 20"),
        "delay: 20",
        "access.mobile.delay: 20 — a duration is a number with a unit (ns, us, µs, ms, s, min, h)",
    ),
    (
        ("delay: 40ms", "delay: {p5: 9ms, p50: 8ms, p95: 7ms}"),
        "p5: 9ms",
        "access.mobile.delay: a map of 3 — must satisfy p5 ≤ p50 ≤ p95",
    ),
    (
        ("delay: 40ms", "delay: {p5: 9ms, p50: 10ms}"),
        "p5: 9ms",
        "access.mobile.delay.p95 — is missing",
    ),
    (
        (", up: {rate: 1Mbps}", ""),
        "label: Mobile",
        "access.mobile.up — is missing",
    ),
    (
        ("table: sites.csv", "table: site.csv"),
        "site.csv",
        "endpoints.table: 'site.csv' — there is no such file beside the scenario or in the "
        "library; did you mean sites.csv?",
    ),
    (
        (
            "- carrier: red\n      access",
            "- access: fibre\n    - when: {level: province}\n      carrier: red\n      access",
        ),
        "rules:",
        "endpoints.rules: 'c1 and 3 more' — every endpoint needs a rule that gives it its carrier",
    ),
    (
        ("site: c1", "site: comand-centre"),
        "site: comand-centre",
        "meeting.floor.1.site: 'comand-centre' — must name a site of the endpoint table, "
        "or command-centre; did you mean command-centre?",
    ),
    (
        ("at: 20s", "at: 60s"),
        "at: 60s",
        "meeting.floor.1.at: '1min' — must lie before the meeting's end at 1min",
    ),
    (
        ("name: low, height: 180", "name: Low, height: 180"),
        "name: Low",
        "media.video.layers.0.name: 'Low' — must be a short name: up to 40 of a-z, 0-9, - and _, "
        "a letter or digit first",
    ),
    (
        ("height: 180", "height: 180.5"),
        "180.5",
        "media.video.layers.0.height: 180.5 — must be a whole number",
    ),
    (
        ("latitude: 10.8", "latitude: 108"),
        "latitude: 108",
        "nodes.south.latitude: 108 — must be 90 or less",
    ),
    (
        ("latitude: 10.8", "latitude: .nan"),
        "latitude: .nan",
        "nodes.south.latitude: nan — must be a finite number",
    ),
    (
        ("latitude: 10.8", "latitude: north"),
        "latitude: north",
        "nodes.south.latitude: 'north' — must be a number",
    ),
    (
        ("label: Red", "label: 5"),
        "label: 5",
        "carriers.red.label: 5 — must be text; quotes make it so",
    ),
    (
        ("media:\n", "media:\n  audio: {dtx: maybe}\n"),
        "maybe",
        "media.audio.dtx: 'maybe' — must be true or false",
    ),
    (
        ("media:\n", "media:\n  audio: {codec: mp3}\n"),
        "mp3",
        "media.audio.codec: 'mp3' — must be one of 'opus' or 'g711'",
    ),
    (
        ("backbone: {capacity: 1Gbps}", "backbone: 1Gbps"),
        "backbone",
        "carriers.red.backbone: '1Gbps' — must be a map of keys",
    ),
    (
        ("carriers: [red], nic: 10Gbps}\n  south", "carriers: [], nic: 10Gbps}\n  south"),
        "carriers: []",
        "nodes.north.carriers: [] — must not be empty",
    ),
    (
        ("packet_loss{access=mobile}", "packet_los{access=mobile}"),
        "packet_los{",
        "thresholds.packet_los{access=mobile}: 'packet_los' — must name a metric; "
        "did you mean packet_loss?",
    ),
    (
        ("packet_loss{access=mobile}", "packet_loss{acess=mobile}"),
        "packet_loss",
        "thresholds.packet_loss{acess=mobile}: 'acess' — must name an attribute that this "
        "is selected by; did you mean access?",
    ),
    (
        ("packet_loss{access=mobile}", "packet_loss{access=moble}"),
        "packet_loss",
        "thresholds.packet_loss{access=moble}: 'moble' — must name an access profile of this "
        "scenario; did you mean mobile?",
    ),
    (
        ("mean < 1%", "mean < 1"),
        "mean < 1",
        "thresholds.packet_loss{access=mobile}: 'mean < 1' — a share is a number with a unit (%)",
    ),
    (
        ("mean < 1%", "{check: mean < 1%, during: 9s..3s}"),
        "during",
        "thresholds.packet_loss{access=mobile}.during: '9s..3s' — must begin before it ends, "
        "at 0s or later",
    ),
    (
        ("mean < 1%", "{check: mean < 1%, during: 6s..14s}"),
        "during",
        "thresholds.packet_loss{access=mobile}.during: '6s..14s' — must hold a whole sampling "
        "interval, 5s",
    ),
    (
        ("duration: 1min", "duration: 1min\nseed: true"),
        "seed: true",
        "seed: true — must be a whole number",
    ),
    (
        ("latitude: 10.8", "latitude: true"),
        "latitude: true",
        "nodes.south.latitude: true — must be a number",
    ),
    (
        ("table: sites.csv", "table: sites.csv\n  sample: false"),
        "sample: false",
        "endpoints.sample: false — must be a whole number",
    ),
    (
        ("table: sites.csv", "table: sites.csv\n  only: {province: Bạc Lieu}"),
        "only:",
        "endpoints.only.province: 'Bạc Lieu' — must be a province of the table; "
        "did you mean Bạc Liêu?",
    ),
    (
        ("table: sites.csv", "table: sites.csv\n  only: {province: Bạc Liêu}"),
        "only:",
        "endpoints.only — must take c1, which the meeting names",
    ),
    (
        (
            "up: {rate: 1Mbps}",
            "up: {rate: 1Mbps, steps: [{at: 5s, rate: 0bps}, {at: 5s, rate: 1bps}]}",
        ),
        "up: {rate: 1Mbps",
        "access.mobile.up.steps: a list of 2 — steps must follow one another in time",
    ),
    (
        ("media:\n", "media:\n  congestion_control: {profile: bbr}\n"),
        "bbr",
        "media.congestion_control.profile: 'bbr' — must be one of 'libwebrtc', 'draft-02' or "
        "'none'",
    ),
    (
        ("bitrate: 150kbps}", "bitrate: 150kbps, min_bitrate: 1Mbps}"),
        "min_bitrate",
        "media.video.layers.0.min_bitrate: '1Mbps' — must not exceed bitrate, 150kbps",
    ),
    (
        ("meeting:\n", "meeting:\n  roll_call: {begin: 30s, every: 5s}\n"),
        "every: 5s",
        "meeting.roll_call.hold: '8s' — must not be longer than every, 5s",
    ),
    (
        ("meeting:\n", "meeting:\n  roll_call: {begin: 1min}\n"),
        "begin: 1min",
        "meeting.roll_call.begin: '1min' — must lie before the meeting's end at 1min",
    ),
    (
        ("meeting:\n", "meeting:\n  discussion: {begin: 30s, end: 61s, speakers: 2}\n"),
        "end: 61s",
        "meeting.discussion.end: '61s' — must not lie after the meeting's end at 1min",
    ),
    (
        ("meeting:\n", "meeting:\n  roll_call: {begin: 10s, end: 30s}\n"),
        "at: 20s",
        "meeting.floor.1.at: '20s' — must not lie within the roll call, in which the command "
        "centre leads",
    ),
    (
        ("meeting:\n", "meeting:\n  screen: [{at: 1s, site: c1}]\n"),
        "screen:",
        "meeting.screen: a list of 1 — needs media.screen, which says what a shared screen sends; "
        "{} takes the defaults",
    ),
    (
        ("meeting:\n", "meeting:\n  roll_call: {begin: 30s, sites: [c9]}\n"),
        "sites: [c9]",
        "meeting.roll_call.sites.0: 'c9' — must name a site of the endpoint table, or "
        "command-centre; there are c1, c2, c3, c4, command-centre, p1, p2",
    ),
]


@pytest.mark.parametrize(("change", "part", "message"), CASES, ids=[case[0][1] for case in CASES])
def test_a_fault_is_explained(folder: Path, change: Change, part: str, message: str) -> None:
    found = faults_of(change)
    line = line_of(Path("small.yaml").read_text(encoding="utf-8"), part)
    assert found == [f"small.yaml:{line}: {message}"]


def test_a_missing_key_points_at_its_parent(folder: Path) -> None:
    found = faults_of(("    backbone: {capacity: 1Gbps}\n", ""))
    line = line_of(SCENARIO, "  red:")
    assert found == [f"small.yaml:{line}: carriers.red.backbone — is missing"]


def test_all_faults_come_at_once_and_by_line(folder: Path) -> None:
    found = faults_of(
        ("title: Two provinces", "titel: Two provinces"),
        ("duration: 1min", "duration: 60"),
        ("carrier: red\n      access", "carrier: rde\n      access"),
        ("delay: 40ms", "delay: 40"),
        ("delay: 2ms", "delay: 2"),
        ("site: c1", "site: c11"),
        ("mean < 1%", "p95 < 1%"),
    )
    assert [line.split(" ")[1] for line in found] == [
        "title",
        "titel",
        "duration:",
        "endpoints.rules.0.carrier:",
        "access.fibre.delay:",
        "access.mobile.delay:",
        "meeting.floor.1.site:",
        "thresholds.packet_loss{access=mobile}:",
    ]


def test_contradictions_come_with_the_other_faults(folder: Path) -> None:
    found = faults_of(("at: 20s", "at: 2min"), ("delay: 40ms", "delay: 40"))
    assert len(found) == 2
    assert found[1].endswith("must lie before the meeting's end at 1min")


def test_faults_of_tables_come_with_the_other_faults(folder: Path) -> None:
    write_small(folder, ("delay: 40ms", "delay: 40"))
    sites = folder / "sites.csv"
    sites.write_text(sites.read_text(encoding="utf-8") + "c1,Again,commune,xã,,Cà Mau\n", "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario("small.yaml")
    table, scenario = str(caught.value).splitlines()
    assert table == "sites.csv:8: site: 'c1' — each site once; line 3 has it already"
    assert scenario.startswith("small.yaml:19: access.mobile.delay: 40 — ")


def test_a_province_needs_a_place(folder: Path) -> None:
    write_small(folder)
    places = folder / "places.csv"
    places.write_text(places.read_text(encoding="utf-8").replace("Cà Mau", "Ca Mau"), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario("small.yaml")
    assert str(caught.value) == (
        "sites.csv: province: 'Cà Mau' — must be in the table of places (4 endpoints are there); "
        "did you mean Ca Mau?"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "endpoint.scale=10",
            "--set: endpoint — is no key here; did you mean endpoints?",
        ),
        ("endpoints.scale=ten", "--set: endpoints.scale: 'ten' — must be a whole number"),
        ("endpoints.scale=0", "--set: endpoints.scale: 0 — must be 1 or more"),
        (
            "endpoints.sample=7",
            "--set: endpoints.sample: 7 — must not exceed the table's 6 rows",
        ),
        (
            "carriers.red.backbone.capacity=-1Gbps",
            "--set: carriers.red.backbone.capacity: '-1Gbps' — must be more than 0",
        ),
    ],
)
def test_an_override_is_at_fault_under_its_own_name(
    folder: Path, override: str, message: str
) -> None:
    assert faults_of(overrides=(override,)) == [message]


@pytest.mark.parametrize(
    ("overrides", "cause", "leads_to"),
    [
        (
            ["interval=30s"],
            "interval: '30s'",
            "thresholds.packet_loss.during: '5s..15s' — must hold a whole sampling interval, 30s",
        ),
        (
            ["title=x", "duration=4s"],
            "duration: '4s'",
            "interval: '5s' — must not be longer than the meeting, 4s",
        ),
        (
            ["endpoints.sample=2", "seed=4"],
            "endpoints.sample: 2",
            "meeting.wall.tiles: 3 — must not exceed the 2 endpoints",
        ),
        (
            ["access.mobile=null"],
            "access.mobile: null",
            "endpoints.rules.0.access.mobile: 'mobile' — must name an access profile of this "
            "scenario; there are fibre",
        ),
        (
            ["endpoints.table=other.csv"],
            "endpoints.table: 'other.csv'",
            "meeting.floor.1.site: 'c1' — must name a site of the endpoint table, or "
            "command-centre; there are c7, c8, c9, command-centre",
        ),
    ],
)
def test_an_override_is_at_fault_for_what_it_does_to_a_file(
    folder: Path, overrides: tuple[str, ...], cause: str, leads_to: str
) -> None:
    rows = [f"c{number},Xã,commune,xã,,Cà Mau\n" for number in (7, 8, 9)]
    text = "".join(["site,name,level,kind,district,province\n", *rows])
    (folder / "other.csv").write_text(text, encoding="utf-8")
    changes = (
        (
            "packet_loss{access=mobile}: mean < 1%",
            "packet_loss: {check: mean < 1%, during: 5s..15s}",
        ),
        ("meeting:\n", "meeting:\n  wall: {tiles: 3, layer: low}\n"),
    )
    (found,) = faults_of(*changes, overrides=overrides)
    start, place, rule = found.partition(" — leads to small.yaml:")
    assert (start, rule.partition(": ")[2]) == (f"--set: {cause}", leads_to)
    assert place


def test_what_is_wrong_anyway_is_not_an_override_s_fault(folder: Path) -> None:
    found = faults_of(
        ("at: 20s", "at: 61s"), ("delay: 40ms", "delay: 40"), overrides=("interval=30s",)
    )
    assert [line.split(": ")[0] for line in found] == ["small.yaml:19", "small.yaml:31"]


def test_a_shortened_meeting_loses_what_comes_after(folder: Path) -> None:
    write_small(
        folder,
        ("media:\n", "media:\n  screen: {}\n"),
        (
            "meeting:\n",
            "meeting:\n  roll_call: {begin: 25s, end: 35s}\n  discussion: {begin: 40s, speakers: 2}"
            "\n  screen: [{at: 1s, until: 30s, site: c2}, {at: 31s, site: c3}]\n",
        ),
    )
    meeting = load_scenario("small.yaml", ["duration=28s"]).meeting
    assert meeting.roll_call is not None
    assert meeting.roll_call.end == 28 * 10**9
    assert meeting.discussion is None
    assert [(share.site, share.until) for share in meeting.screen] == [("c2", 28 * 10**9)]


def test_one_bad_threshold_does_not_hide_the_others(folder: Path) -> None:
    found = faults_of(
        (
            "  packet_loss{access=mobile}: mean < 1%\n",
            "  packet_loss{access=mobile}:\n    - {check: mean < 1%, advisry: true}\n"
            "    - mean < 5\n  jiter: max < 1s\n  jitter: {check: max < 1s, during: 1s..2s}\n",
        )
    )
    assert [line.partition(": ")[2] for line in found] == [
        "thresholds.packet_loss{access=mobile}.0.advisry — is no key here; did you mean advisory?",
        "thresholds.packet_loss{access=mobile}.1: 'mean < 5' — a share is a number with a unit (%)",
        "thresholds.jiter: 'jiter' — must name a metric; did you mean jitter?",
        "thresholds.jitter.during: '1s..2s' — must hold a whole sampling interval, 5s",
    ]


def test_overrides_and_the_file_are_at_fault_together(folder: Path) -> None:
    found = faults_of(("delay: 40ms", "delay: 40"), overrides=("a", "endpoints.scale=x"))
    assert [line.split(": ")[0] for line in found] == ["--set", "--set", "small.yaml:19"]


def test_a_seed_is_at_fault_under_its_own_name(folder: Path) -> None:
    write_small(folder)
    with pytest.raises(ScenarioError, match=r"^--seed: seed: -1 — must be 0 or more$"):
        load_scenario("small.yaml", seed=-1)


def test_a_shortened_meeting_needs_no_other_floor(folder: Path) -> None:
    write_small(folder)
    scenario = load_scenario("small.yaml", ["duration=10s"])
    assert [turn.site for turn in scenario.meeting.floor] == ["command-centre"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "smok",
            f"smok: must be a scenario of the library ({', '.join(library_names())}) "
            "or a file; did you mean smoke?",
        ),
        ("none/such.yaml", "none/such.yaml: there is no such file"),
        ("such.yaml", "such.yaml: there is no such file"),
    ],
)
def test_a_scenario_must_be_there(folder: Path, name: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(name)
    assert str(caught.value) == message


def test_messages_name_library_files_without_their_folders() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("smoke", ["carriers=null"])
    assert str(caught.value) == (
        "--set: carriers: null — leads to library/smoke.yaml:2: carriers — is missing"
    )


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("my briefing", "my-briefing"),
        ("Cà Mau – Đợt 2", "ca-mau-dot-2"),
        ("_x", "x"),
        ("会议", "scenario"),
        ("a" * 60, "a" * 40),
    ],
)
def test_a_file_s_name_becomes_a_scenario_s(stem: str, name: str) -> None:
    assert short_name(stem) == name


def test_python_users_describe_as_files_do(folder: Path) -> None:
    scenario = parse_scenario(
        {"extends": "smoke", "duration": "30s", "meeting": {"floor": None}}, name="mine"
    )
    assert (scenario.name, scenario.duration) == ("mine", 30 * 10**9)
    with pytest.raises(ScenarioError, match=r"^mine: duraton — is no key here; did you mean dur"):
        parse_scenario({"extends": "smoke", "duraton": "30s"}, name="mine")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(folder: Path) -> None:
    write_small(folder).chmod(0)
    with pytest.raises(ScenarioError, match=r"^small\.yaml: cannot be read: Permission denied$"):
        load_scenario("small.yaml")
