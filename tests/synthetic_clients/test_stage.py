from scenarios.loading import load_scenario
from scenarios.meeting import COMMAND_CENTRE
from scenarios.population import populate
from scenarios.units import SECOND
from synthetic_clients.signalling import Floor
from synthetic_clients.stage import LINGER, Part, Scene, Stage, first_parts


def scenes(*overrides: str, name: str = "smoke") -> tuple[list[Scene], tuple[str, ...]]:
    scenario = load_scenario(name, ["endpoints.sample=20", *overrides])
    population = populate(scenario)
    return list(Stage(scenario, population).scenes()), population.site


def test_the_floor_passes_and_who_had_it_lingers() -> None:
    found, sites = scenes("meeting.wall=null")
    assert [scene.at for scene in found] == [0, 20 * SECOND, 23 * SECOND, 40 * SECOND, 43 * SECOND]
    centre, called = len(sites) - 1, sites.index("p79")
    every = ("low", "mid", "high")
    assert [scene.floor.programme for scene in found] == [
        COMMAND_CENTRE, "p79", "p79", COMMAND_CENTRE, COMMAND_CENTRE,
    ]  # fmt: skip
    assert found[0].parts == {centre: Part(True, every)}
    assert found[1].parts == {called: Part(True, every), centre: Part(False, ("low",))}
    assert found[2].parts == {called: Part(True, every)}


def test_the_wall_shows_one_encoding_of_each_and_no_voice() -> None:
    found, sites = scenes()
    first = found[0]
    assert len(first.floor.tiles) == 9
    for tile in first.floor.tiles:
        assert tile is not None
        assert first.parts[sites.index(tile)] == Part(False, ("low",))
    second = next(scene for scene in found if scene.floor.tiles != first.floor.tiles)
    gone = set(first.floor.tiles) - set(second.floor.tiles)
    assert {sites.index(tile) for tile in gone if tile} <= set(second.parts)
    after = next(scene for scene in found if scene.at >= second.at + LINGER)
    assert not {sites.index(tile) for tile in gone if tile} & set(after.parts)


def test_a_call_puts_the_called_and_the_chair_on_the_floor() -> None:
    found, sites = scenes("duration=30s", "meeting.wall=null", name="roll-call")
    call = next(scene for scene in found if scene.called is not None)
    assert call.called is not None
    assert call.floor == Floor(sites[call.called], COMMAND_CENTRE, ())
    assert call.parts[len(sites) - 1].heard
    assert call.parts[call.called] == Part(True, ("low", "mid", "high"))
    release = next(s for s in found if s.at > call.at and s.floor.programme == COMMAND_CENTRE)
    assert release.floor.called is None
    assert release.called is None


def test_first_parts_are_the_earliest() -> None:
    found, sites = scenes("meeting.wall=null")
    assert first_parts(found) == {len(sites) - 1: 0, sites.index("p79"): 20 * SECOND}
