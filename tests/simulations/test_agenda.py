"""A meeting as moves in time."""

import itertools
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.documents import Source, parse_document
from scenarios.loading import load_scenario, parse_scenario
from scenarios.population import Population, populate
from scenarios.scenario import Scenario
from simulations.agenda import NONE, Move, agenda
from tests.scenarios.small import PLACES, SCENARIO

SECOND = 10**9
CENTRE = "command-centre"
PROVINCES = ("Cà Mau", "Bạc Liêu")

_folders: list[TemporaryDirectory[str]] = []


@cache
def tables(endpoints: int) -> Path:
    """A folder with a table of sites s1, s2, … in two provinces by turns."""
    _folders.append(TemporaryDirectory())
    folder = Path(_folders[-1].name)
    rows = [
        f"s{number},Xã {number},commune,xã,,{PROVINCES[(number - 1) % 2]}"
        for number in range(1, endpoints + 1)
    ]
    head = "site,name,level,kind,district,province"
    (folder / "sites.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    (folder / "places.csv").write_text(PLACES, encoding="utf-8")
    return folder


@cache
def base() -> Mapping[str, Any]:
    document = parse_document(SCENARIO, Source("small"))
    assert document is not None
    content: dict[str, Any] = document.plain()
    content["media"]["screen"] = {}
    return content


class Played:
    """The agenda of a meeting of a minute, with sites in place of indices."""

    def __init__(self, endpoints: int = 6, seed: int = 1, replication: int = 0, **meeting: Any):
        content = {**base(), "meeting": meeting, "seed": seed}
        self.scenario: Scenario = parse_scenario(content, folder=tables(endpoints))
        self.population: Population = populate(self.scenario, replication)
        self.moves: list[Move] = agenda(self.scenario, self.population, replication)

    def of(self, *kinds: str) -> list[tuple[float, str, str, int]]:
        """Moves of the ``kinds``, all unless said: seconds, kind, site, tile."""
        return [
            (move.at / SECOND, move.kind, self.population.site[move.endpoint], move.tile)
            for move in self.moves
            if not kinds or move.kind in kinds
        ]

    def tiles(self, seconds: float) -> list[str]:
        """Who is on the wall at a time."""
        shown: dict[int, str] = {}
        for at, _, site, tile in self.of("tile"):
            if at <= seconds:
                shown[tile] = site
        return [shown[tile] for tile in sorted(shown)]


def turns(*floor: tuple[str, str]) -> list[dict[str, str]]:
    return [{"at": at, "site": site} for at, site in floor]


# ---------------------------------------------------------------- floor


def test_the_floor_goes_from_turn_to_turn() -> None:
    played = Played(floor=turns(("0s", CENTRE), ("1500ms", "s3"), ("4s", CENTRE)))
    assert played.of() == [
        (0, "floor", CENTRE, 0), (1.5, "floor", "s3", 0), (4, "floor", CENTRE, 0)
    ]  # fmt: skip


def test_with_more_pictures_who_spoke_before_stays_in_view() -> None:
    floor = turns(("0s", CENTRE), ("1s", "s1"), ("2s", "s2"), ("3s", CENTRE), ("4s", "s3"))
    assert [tile for *_, tile in Played(floor=floor, pictures=2).of()] == [0, 1, 0, 1, 0]
    assert [tile for *_, tile in Played(floor=floor, pictures=9).of()] == [0, 1, 2, 0, 3]


# ---------------------------------------------------------------- roll call


def test_the_chair_calls_one_after_another() -> None:
    call = {"begin": "10s", "end": "31s", "every": "10s", "hold": "4s", "order": "table"}
    assert Played(roll_call=call).of() == [
        (0, "floor", CENTRE, 0),
        (10, "call", "s1", 0), (14, "release", "s1", 0),
        (20, "call", "s2", 0), (24, "release", "s2", 0),
        (30, "call", "s3", 0), (31, "release", "s3", 0),
    ]  # fmt: skip


def test_the_floor_is_the_command_centre_s_when_the_roll_call_begins() -> None:
    floor = turns(("0s", "s5"), ("50s", "s6"))
    played = Played(floor=floor, roll_call={"begin": "20s", "end": "40s", "order": "table"})
    assert played.of("floor") == [
        (0, "floor", "s5", 0), (20, "floor", CENTRE, 0), (50, "floor", "s6", 0)
    ]  # fmt: skip
    assert Played(floor=turns(("0s", "s5")), roll_call={}).of("floor") == [(0, "floor", CENTRE, 0)]


def test_a_hold_as_long_as_the_gap_lets_go_first() -> None:
    played = Played(roll_call={"every": "20s", "hold": "20s", "order": "table"})
    assert [kind for _, kind, *_ in played.of()] == [
        "floor", "call", "release", "call", "release", "call"
    ]  # fmt: skip


def test_two_pictures_keep_the_chair_in_view() -> None:
    played = Played(pictures=2, roll_call={"order": "table"})
    assert {tile for *_, tile in played.of("floor", "release")} == {0}
    assert {tile for *_, tile in played.of("call")} == {1}


def test_once_all_were_called_it_begins_anew() -> None:
    sites = ["s4", "s2"]
    played = Played(roll_call={"sites": sites, "order": "table"})
    assert [site for _, _, site, _ in played.of("call")] == sites * 3


def test_provinces_take_turns() -> None:
    # s1, s3, s5 and s7 lie in one province, s2, s4 and s6 in the other
    sites = ["s1", "s3", "s5", "s7", "s2", "s4", "s6"]
    call = {"every": "5s", "hold": "1s", "order": "province", "sites": sites}
    played = Played(7, roll_call=call)
    called = [site for _, _, site, _ in played.of("call")]
    assert called[:7] == ["s1", "s2", "s3", "s4", "s5", "s6", "s7"]


def test_the_national_roll_call_reaches_every_kind_of_link_and_every_province() -> None:
    scenario = load_scenario("roll-call")
    population = populate(scenario)
    called = [move.endpoint for move in agenda(scenario, population) if move.kind == "call"]
    assert len(called) == len(set(called)) == 180
    links = Counter(list(scenario.access)[population.access[e]] for e in called)
    everyone = Counter(list(scenario.access)[link] for link in population.access)
    assert (links["leo"], links["geo"]) == (everyone["leo"], everyone["geo"])
    assert min(links["fibre"], links["dsl"], links["4g"]) >= 50
    assert len({population.province[e] for e in called[:60]}) == 19


# ---------------------------------------------------------------- discussion


def test_speakers_are_heard_and_seen() -> None:
    wanted = {"begin": "5s", "end": "50s", "speakers": 4, "voices": 2}
    played = Played(discussion=wanted, pictures=3)
    assert played.of("floor") == [(0, "floor", CENTRE, 0), (50, "floor", CENTRE, 0)]
    speakers = {site for _, _, site, _ in played.of("voice on")}
    assert len(speakers) == 4
    assert {site for _, _, site, _ in played.of("picture")} <= speakers
    heard: dict[str, int] = {}
    for at, kind, site, voice in played.of("voice on", "voice off"):
        assert 5 <= at <= 50
        if kind == "voice on":
            assert voice not in heard.values()
            heard[site] = voice
        else:
            assert heard.pop(site) == voice
        assert len(heard) <= 2
    assert not heard
    shown: dict[int, float] = {}
    for at, _, _, tile in played.of("picture"):
        assert at - shown.get(tile, -10) >= 2
        shown[tile] = at


def test_the_named_speak_and_nobody_else() -> None:
    played = Played(discussion={"sites": ["s2", "s5"]})
    assert {site for _, _, site, _ in played.of("voice on", "picture")} == {"s2", "s5"}
    assert played.of("floor") == [(0, "floor", CENTRE, 0)]


def test_a_turn_at_the_end_of_a_discussion_is_not_taken_back() -> None:
    floor = turns(("0s", CENTRE), ("30s", "s1"))
    played = Played(floor=floor, discussion={"end": "30s", "speakers": 2})
    assert played.of("floor") == [(0, "floor", CENTRE, 0), (30, "floor", "s1", 0)]


def test_seed_and_replication_draw_anew() -> None:
    def talk(**how: Any) -> list[tuple[float, str, str, int]]:
        return Played(discussion={"speakers": 3}, **how).of("voice on")

    assert talk() == talk()
    assert talk() != talk(seed=2)
    assert talk() != talk(replication=1)


# ---------------------------------------------------------------- screens


def test_screens_are_shared_one_after_another() -> None:
    screen = [
        {"at": "1s", "until": "20s", "site": "s3"},
        {"at": "20s", "site": CENTRE},
    ]
    assert Played(screen=screen).of("screen on", "screen off") == [
        (1, "screen on", "s3", NONE), (20, "screen off", "s3", NONE),
        (20, "screen on", CENTRE, NONE),
    ]  # fmt: skip


# ---------------------------------------------------------------- wall


def wall(tiles: int, dwell: str = "6s", **more: Any) -> dict[str, Any]:
    return {"tiles": tiles, "dwell": dwell, "layer": "low", **more}


def test_the_wall_begins_full_and_then_changes_tile_by_tile() -> None:
    played = Played(wall=wall(3))
    assert [played.tiles(t) for t in (0, 1.9, 2, 4, 6, 8)] == [
        ["s1", "s2", "s3"], ["s1", "s2", "s3"], ["s4", "s2", "s3"], ["s4", "s5", "s3"],
        ["s4", "s5", "s6"], ["s1", "s5", "s6"],
    ]  # fmt: skip


def test_everyone_is_shown_for_the_dwell_time() -> None:
    played = Played(wall=wall(3))
    before: dict[int, float] = {}
    lasted = []
    for at, _, _, tile in played.of("tile"):
        if tile in before:
            lasted.append(at - before[tile])
        before[tile] = at
    # those of the beginning leave one by one
    assert lasted[:3] == [2, 4, 6]
    assert set(lasted[3:]) == {6}


def test_who_has_the_floor_is_passed_over() -> None:
    floor = turns(("0s", CENTRE), ("1s", "s5"))
    played = Played(floor=floor, wall=wall(3))
    assert {site for at, _, site, _ in played.of("tile")} == {"s1", "s2", "s3", "s4", "s6"}


def test_who_is_called_or_speaks_is_passed_over() -> None:
    call = {"every": "10s", "hold": "10s", "sites": ["s4"]}
    shown = {site for _, _, site, _ in Played(roll_call=call, wall=wall(2)).of("tile")}
    assert shown == {"s1", "s2", "s3", "s5", "s6"}
    speech = {"sites": ["s1", "s2"], "pause": "100ms", "talk": "1h"}
    shown = {
        site
        for at, _, site, _ in Played(discussion=speech, pictures=2, wall=wall(2)).of("tile")
        if at > 6
    }
    assert shown == {"s3", "s4", "s5", "s6"}


def test_who_was_passed_over_waits_for_the_next_round() -> None:
    floor = turns(("0s", CENTRE), ("1s", "s5"), ("5s", CENTRE))
    played = Played(floor=floor, wall=wall(3))
    assert [site for _, _, site, _ in played.of("tile")][3:9] == [
        "s4",
        "s6",
        "s1",
        "s2",
        "s3",
        "s4",
    ]


def test_who_has_been_called_comes_back_to_the_wall() -> None:
    call = {"every": "50s", "hold": "5s", "sites": ["s4"]}
    shown = [
        site
        for at, _, site, _ in Played(roll_call=call, wall=wall(2, "2s")).of("tile")
        if 5 < at < 50
    ]
    assert set(shown) == {"s1", "s2", "s3", "s4", "s5", "s6"}


def test_wall_and_roll_call_draw_for_themselves() -> None:
    call = {"every": "1s", "hold": "500ms"}
    called = [site for _, _, site, _ in Played(12, roll_call=call).of("call")][:12]
    shown = [site for _, _, site, _ in Played(12, wall=wall(1, "1s", order="spread")).of("tile")]
    assert shown[:12] != called
    assert sorted(shown[:12]) == sorted(called) == sorted(f"s{number}" for number in range(1, 13))


def test_a_wall_for_everyone_shows_everyone_and_rests() -> None:
    played = Played(2, floor=turns(("0s", "s1")), wall=wall(2, "2s"))
    assert played.of("tile") == [(0, "tile", "s1", 0), (0, "tile", "s2", 1)]


def test_a_wall_that_nearly_everyone_is_on_shows_the_speaker_rather_than_a_gap() -> None:
    floor = turns(("0s", "s1"), ("1s", "s2"))
    for time in range(60):
        assert len(set(Played(4, floor=floor, pictures=2, wall=wall(3)).tiles(time))) == 3


def test_nobody_is_on_two_tiles() -> None:
    played = Played(5, roll_call={"every": "1s", "hold": "900ms"}, wall=wall(4, "1s"))
    for time in range(0, 600):
        assert len(set(played.tiles(time / 10))) == 4


def test_the_national_wall_shows_everyone_province_by_turns() -> None:
    scenario = load_scenario("command-centre-wall")
    population = populate(scenario)
    shown = [move.endpoint for move in agenda(scenario, population) if move.kind == "tile"]
    assert len(set(shown)) == 2594
    assert len({population.province[e] for e in shown[:19]}) == 19


def endless(others: list[str], tiles: int, dwell: int, floor: str) -> list[list[str]]:
    """The wall second by second, with a floor that never changes: everyone in turn, but not who
    has the floor unless the wall holds all."""
    step = dwell // tiles
    candidates = itertools.cycle(others)
    shown = [""] * tiles
    seconds: list[list[str]] = []
    for turn in itertools.count():
        site = next(candidates)
        if site == floor and len(others) > tiles:
            site = next(candidates)
        now = max(0, turn - tiles + 1) * step
        while len(seconds) * SECOND < now:
            seconds.append(list(shown))
        if len(seconds) >= 60:
            return seconds[:60]
        shown[turn % tiles] = site
    raise AssertionError


@given(st.data(), st.integers(1, 9), st.integers(1, 20))
def test_the_wall_goes_round(data: st.DataObject, endpoints: int, dwell: int) -> None:
    tiles = data.draw(st.integers(1, endpoints))
    others = [f"s{number}" for number in range(1, endpoints + 1)]
    floor = data.draw(st.sampled_from([*others, CENTRE]))
    played = Played(endpoints, floor=turns(("0s", floor)), wall=wall(tiles, f"{dwell}s"))
    expected = endless(others, tiles, dwell * SECOND, floor)
    assert [played.tiles(second) for second in range(60)] == expected


# ---------------------------------------------------------------- all together


def everything(**how: Any) -> Played:
    return Played(
        8,
        floor=turns(("0s", "s1"), ("2s", CENTRE), ("50s", "s2")),
        roll_call={"begin": "5s", "end": "20s", "every": "3s", "hold": "2s"},
        discussion={"begin": "25s", "end": "45s", "speakers": 5},
        pictures=3,
        screen=[{"at": "10s", "until": "30s", "site": "s8"}],
        wall=wall(4, order="spread"),
        **how,
    )


def test_moves_come_in_time_and_before_the_end() -> None:
    moves = everything().moves
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert moves[-1].at < 60 * SECOND
    assert {move.kind for move in moves} == {
        "screen off", "voice off", "release", "floor", "call", "voice on", "picture",
        "screen on", "tile",
    }  # fmt: skip


def test_the_same_meeting_has_the_same_agenda() -> None:
    assert everything().moves == everything().moves
    assert everything().moves != everything(seed=3).moves


def test_nobody_is_in_two_pictures() -> None:
    shown: dict[int, str] = {}
    for _, kind, site, tile in everything().of("floor", "call", "release", "picture"):
        shown[tile] = CENTRE if kind == "release" else site
        assert len(set(shown.values())) == len(shown)


@pytest.mark.parametrize(
    "name", ["rfc8867-variable-capacity", "rfc8867-variable-capacity-two-flows"]
)
def test_the_flows_of_rfc_8867_are_there_from_the_beginning(name: str) -> None:
    scenario = load_scenario(name)
    population = populate(scenario)
    moves = [(m.at, m.kind, population.site[m.endpoint]) for m in agenda(scenario, population)]
    expected = [(0, "floor", "flow-1"), (0, "tile", "flow-2")]
    assert moves == expected[: len(population) - 1]
