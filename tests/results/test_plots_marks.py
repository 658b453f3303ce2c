"""Marks of events: which there are, and what they say."""

from dataclasses import replace
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.plots.marks import MOST_MARKS, mark_events
from results.plots.style import styled
from results.records import EVENTS, Run
from tests.results.axes import beginning


@pytest.fixture
def ax() -> Axes:
    ax = Figure(figsize=(7.5, 4)).add_subplot()
    ax.set_xlim(0, 60)
    return ax


def with_events(run: Run, rows: list[tuple[float, str, str, str]]) -> Run:
    columns: dict[str, list[Any]] = {
        name: list(values)
        for name, values in zip(EVENTS.names, zip(*rows, strict=True), strict=True)
    }
    table = EVENTS.empty_table().from_pydict(columns, schema=EVENTS)
    return replace(run, tables={**run.tables, "events": table})


def test_floor_turns_are_names_and_the_rest_tells_what_it_is(run: Run, ax: Axes) -> None:
    assert mark_events(ax, run, 1.0) == [
        "Hà Nội",
        "Thành phố Hồ Chí Minh",
        "load 4g: others take 60%",
        "fault hcmc dies: node hcmc dies",
        "Hà Nội",
    ]  # there is no room for the repair's, nor is its detection marked
    assert [beginning(line)[0] for line in ax.lines] == [0, 20, 30, 35, 40, 50]


def test_times_follow_the_axis(run: Run, ax: Axes) -> None:
    mark_events(ax, run, 1 / 60)
    assert [beginning(line)[0] for line in ax.lines] == pytest.approx(
        [0, 1 / 3, 1 / 2, 7 / 12, 2 / 3, 5 / 6]
    )


def test_a_process_is_not_marked(run: Run, ax: Axes) -> None:
    many = [(i / 2, "path", "c26242", "") for i in range(MOST_MARKS + 1)]
    assert mark_events(ax, with_events(run, [*many, (9.0, "fault", "hcmc", "down")]), 1.0) == [
        "fault hcmc: down"
    ]
    assert len(ax.lines) == 1


def test_switches_to_a_second_link_are_not_marked(run: Run, ax: Axes) -> None:
    rows = [(9.0, "fault", "backbone", "cut"), (20.0, "link", "c26242", "backup")]
    assert mark_events(ax, with_events(run, rows), 1.0) == ["fault backbone: cut"]
    assert [beginning(line)[0] for line in ax.lines] == [9]


def test_labels_of_faults_tell_what_is_struck(run: Run, ax: Axes) -> None:
    name = "cut backbone{carrier=viettel}"
    rows = [(9.0, "fault", name, "cut"), (20.0, "repair", name, "cut")]
    expected = [f"fault {name}: cut", f"repair {name}: cut"]
    assert mark_events(ax, with_events(run, rows), 1.0) == expected
    load = (9.0, "load", "4g", "others take more than a half of it")
    assert mark_events(ax, with_events(run, [load]), 1.0) == ["load 4g: others take more…"]


def test_where_there_is_no_room_a_line_stands_alone(run: Run, ax: Axes) -> None:
    rows = [(float(i), "floor", "p79", "") for i in range(50)]
    with styled():
        labels = mark_events(ax, with_events(run, rows), 1.0)
    assert 3 < len(labels) < 25
    assert len(ax.lines) == 50


def test_events_beyond_the_meeting_are_left_out(run: Run, ax: Axes) -> None:
    assert mark_events(ax, with_events(run, [(61.0, "floor", "p79", "")]), 1.0) == []
    assert not ax.lines


def test_labels_fit_the_width_that_the_layout_leaves(run: Run) -> None:
    many = with_events(run, [(float(i), "floor", "p79", "") for i in range(50)])
    counts = []
    for tick in ("1", "a long label of a tick that takes half of the width"):
        with styled():
            ax = Figure(figsize=(7.5, 4)).add_subplot()
            ax.set_xlim(0, 60)
            ax.set_yticks([0.0], [tick])
            counts.append(len(mark_events(ax, many, 1.0)))
    wide, narrow = counts
    assert narrow < wide
