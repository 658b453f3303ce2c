"""The reference, made from the code, holds everything that is public."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer

from docs.generate import GENERATED, PAGES, exit_codes, generate
from docs.scenario_keys import describe, keys, records
from rehearse.endings import INTERRUPTED, WRONG
from rehearse.main import app
from results.plots import PLOTS
from results.records import TABLES
from results.verdict import EXIT_CODES
from scenarios.library import list_library
from scenarios.metrics import METRICS, SELECTORS
from scenarios.scenario import Scenario
from scenarios.schema import scenario_schema
from scenarios.units import PositiveDuration
from simulations.trace import PLACES
from tests.docs.pages import DOCS


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    paths = generate(tmp_path_factory.mktemp("generated"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def first_cells(page: str) -> set[str]:
    """What stands as code in the first column of the page's tables."""
    return set(re.findall(r"^\| \[?`([^`]+)`", page, re.MULTILINE))


def test_every_command_and_every_option_is_there(pages: Mapping[str, str]) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    page = pages["commands"]
    assert set(commands) == set(re.findall(r"^## rehearse (\S+)", page, re.MULTILINE))
    for name, command in commands.items():
        section = page.partition(f"## rehearse {name}\n")[2].partition("\n## ")[0]
        shown = {cell.split()[0] for cell in first_cells(section)}
        for parameter in command.params:
            assert shown & {*parameter.opts, parameter.metavar}, f"{name}: {parameter.name}"
            assert parameter.help, f"{name} {parameter.name} says nothing of itself"


def test_every_exit_code_is_there(pages: Mapping[str, str]) -> None:
    assert set(exit_codes()) == {*EXIT_CODES.values(), WRONG, INTERRUPTED, 1}
    assert first_cells(pages["exit-codes"]) == {str(code) for code in exit_codes()}


def test_every_metric_and_every_selector_is_there(pages: Mapping[str, str]) -> None:
    cells = first_cells(pages["metrics"])
    assert set(METRICS) <= cells
    for metric in METRICS.values():
        assert metric.definition in pages["metrics"]
    for names in SELECTORS.values():
        assert ", ".join(f"`{name}`" for name in names) in pages["metrics"]


def test_every_scenario_key_is_there_with_its_meaning(pages: Mapping[str, str]) -> None:
    page = pages["scenario"]
    for record in records():
        section = page.partition(f"(keys-{record.__name__.lower()})=")[2].partition("\n(keys-")[0]
        fields = {info.alias or name for name, info in record.model_fields.items()}
        assert first_cells(section) == fields, record.__name__
    # The schema is made by pydantic, and so a second opinion on what records there are.
    schema = scenario_schema()
    known = {name for name in schema["$defs"] if "properties" in schema["$defs"][name]}
    assert {record.__name__ for record in records()} >= known
    assert len(keys()) == len(set(keys()))


def test_types_are_said_in_words_with_units_and_bounds() -> None:
    fields = Scenario.model_fields
    assert describe(PositiveDuration) == "duration; more than 0"
    assert describe(fields["seed"].annotation) == "whole number"
    assert "| `interval` | duration; 100ms to 1h | `5s` |" in PAGES["scenario"]()
    assert "| `sample` | whole number; 1 or more | none |" in PAGES["scenario"]()
    assert "| `buffer` | data size or duration | `20ms` |" in PAGES["scenario"]()


def test_every_table_and_every_column_is_there(pages: Mapping[str, str]) -> None:
    page = pages["run-folder"]
    for name, schema in TABLES.items():
        section = page.partition(f"## {name}.parquet\n")[2].partition("\n## ")[0]
        assert first_cells(section) == set(schema.names)
    trace = page.partition("## packets.parquet\n")[2]
    assert {place.replace(" ", "_") for place in PLACES} < first_cells(trace)


def test_comments_of_columns_are_read_from_the_source(pages: Mapping[str, str]) -> None:
    assert "| `lost_at` |" in pages["run-folder"]
    assert (
        "| `packets_expected` | int32 | first transmissions addressed to it |"
        in pages["run-folder"]
    )
    assert "| `budget_uplink` | float | mean over audio packets, s |" in pages["run-folder"]


def test_every_scenario_of_the_library_and_every_plot_is_there(pages: Mapping[str, str]) -> None:
    assert first_cells(pages["library"]) == {entry.name for entry in list_library()}
    assert first_cells(pages["plots"]) == set(PLOTS)


def test_every_generated_page_is_in_the_table_of_contents() -> None:
    text = (DOCS / "reference" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"^generated/(\S+)$", text, re.MULTILINE) == list(PAGES)
    assert GENERATED.relative_to(DOCS) == Path("reference/generated")


def test_a_page_that_says_the_same_is_not_written_again(tmp_path: Path) -> None:
    first = {path: path.stat().st_mtime_ns for path in generate(tmp_path)}
    assert {path: path.stat().st_mtime_ns for path in generate(tmp_path)} == first
