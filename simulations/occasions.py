"""Tables of attempts to connect, and of interruptions."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from results.records import INTERRUPTIONS, PHASES, SESSIONS
from scenarios.population import Population
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.control_plane import ControlPlane
from simulations.gaps import Gap, explain
from simulations.sessions import NEVER, Interruption, Session


def occasions(
    plane: ControlPlane | None, gaps: Iterable[Gap], scenario: Scenario, population: Population
) -> Mapping[str, pa.Table]:
    """Both tables of a run."""
    sessions = plane.sessions if plane is not None else ()
    losses = plane.interruptions if plane is not None else ()
    found = explain(gaps, losses, population.site)
    return {
        "sessions": sessions_table(sessions, population.site, list(scenario.nodes)),
        "interruptions": interruptions_table(found, population.site),
    }


def sessions_table(
    sessions: Iterable[Session], sites: Sequence[str], nodes: Sequence[str]
) -> pa.Table:
    """Attempts, in time."""
    rows = [
        (
            session.time / SECOND,
            sites[session.endpoint],
            session.kind,
            session.attempt,
            nodes[session.node] if session.node != NEVER else None,
            "backup" if session.backup else "primary",
            session.outcome,
            session.duration / SECOND if session.duration != NEVER else None,
            (session.first_frame - session.time) / SECOND if session.first_frame != NEVER else None,
            *(session.phases[p] / SECOND if p in session.phases else None for p in PHASES),
        )
        for session in sorted(sessions, key=lambda row: (row.time, row.endpoint))
    ]
    return _table(rows, SESSIONS)


def interruptions_table(interruptions: Iterable[Interruption], sites: Sequence[str]) -> pa.Table:
    """Interruptions, in time."""
    rows = [
        (
            row.lost / SECOND,
            sites[row.endpoint],
            row.fault,
            row.detected / SECOND if row.detected != NEVER else None,
            row.back / SECOND if row.back != NEVER else None,
            row.cause or None,
        )
        for row in sorted(interruptions, key=lambda row: (row.lost, row.endpoint))
    ]
    return _table(rows, INTERRUPTIONS)


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema)
