from results.records import INTERRUPTIONS, PHASES, SESSIONS
from scenarios.units import SECOND
from simulations.occasions import interruptions_table, sessions_table
from simulations.sessions import NEVER, Interruption, Session

SITES, NODES = ["a", "b"], ["north", "south"]


def test_attempts_in_time() -> None:
    done = Session(3 * SECOND, 1, "join", 2, node=1, backup=True, outcome="connected")
    done.duration, done.first_frame = SECOND, 5 * SECOND
    done.phases = {phase: k * SECOND for k, phase in enumerate(PHASES)}
    early = Session(2 * SECOND, 0, "restart", 1, outcome="no power", duration=NEVER)
    table = sessions_table([done, early], SITES, NODES)
    assert table.schema == SESSIONS
    first, second = table.to_pylist()
    assert (first["site"], first["node"], first["duration"], first["dns"]) == (
        "a",
        None,
        None,
        None,
    )
    assert (second["site"], second["node"], second["link"]) == ("b", "south", "backup")
    assert (second["duration"], second["first_frame"]) == (1.0, 2.0)
    assert [second[phase] for phase in PHASES] == list(range(len(PHASES)))


def test_interruptions_in_time() -> None:
    rows = [
        Interruption(1, "f", 9 * SECOND, back=NEVER, cause="why"),
        Interruption(0, "f", 5 * SECOND, detected=6 * SECOND, back=8 * SECOND),
    ]
    table = interruptions_table(rows, SITES)
    assert table.schema == INTERRUPTIONS
    found = [tuple(row.values()) for row in table.to_pylist()]
    assert found == [(5.0, "a", "f", 6.0, 8.0, None), (9.0, "b", "f", None, None, "why")]


def test_none_at_all() -> None:
    assert sessions_table([], SITES, NODES).num_rows == 0
    assert interruptions_table([], SITES).schema == INTERRUPTIONS
