"""Site tables: who takes part and where they are, as CSV files beside the scenario.

A table's faults come all together, each with its own line.
"""

import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from scenarios.endpoints import ATTRIBUTES
from scenarios.errors import Fault, nearest, shorten
from scenarios.meeting import COMMAND_CENTRE
from scenarios.reading import read_text

LIBRARY = Path(str(files("scenarios"))) / "library"
"""The library's folder."""
LARGEST_TABLE = 16 * 2**20
"""Bytes of the largest table that is read."""
MOST_ROWS = 100_000
LONGEST_CELL = 200

PLACES = ("province", "seat_latitude", "seat_longitude")
"""Columns of the table of places."""

Row = Mapping[str, str]


def find_table(name: str, folders: Iterable[Path]) -> Path | None:
    """The first file called ``name`` in ``folders``, then in the library."""
    candidates = (folder / name for folder in (*folders, LIBRARY))
    return next((path for path in candidates if path.exists()), None)


def table_names(folders: Iterable[Path]) -> list[str]:
    """CSV files in ``folders`` and in the library."""
    return sorted({path.name for folder in (*folders, LIBRARY) for path in folder.glob("*.csv")})


def read_sites(path: Path, label: str) -> tuple[tuple[Row, ...], list[Fault]]:
    """The endpoint table's rows, and what is wrong with it; ``label`` names it in faults."""
    rows, faults = [], []
    first_lines: dict[str, int] = {}

    def fault(line: int, column: str, value: str, rule: str) -> None:
        faults.append(Fault(label, line, column, shorten(value), rule))

    for line, row in _records(path, label, ATTRIBUTES, faults):
        site = row["site"]
        for column in ("site", "name", "level", "province"):
            if not row[column]:
                fault(line, column, "", "must not be empty")
        for column, value in row.items():
            # Selectors such as packet_loss{site=p79} are split at these signs.
            if (column != "name" and set(value) & set("{},=")) or len(value) > LONGEST_CELL:
                fault(line, column, value, f"at most {LONGEST_CELL} characters, none of {{ }} , =")
        if site == COMMAND_CENTRE:
            fault(line, "site", site, "is the command centre's own site")
        if row["level"] == COMMAND_CENTRE:
            fault(line, "level", COMMAND_CENTRE, "is the command centre's own level")
        if site and first_lines.setdefault(site, line) != line:
            fault(line, "site", site, f"each site once; line {first_lines[site]} has it already")
        rows.append(row)
        if len(rows) > MOST_ROWS:
            fault(line, "site", site, f"at most {MOST_ROWS:,} rows are read")
            break
    if not rows and not faults:
        faults.append(Fault(label, 1, "", None, "must have at least one row below the columns"))
    return tuple(rows), faults


def read_places(path: Path, label: str) -> tuple[dict[str, tuple[float, float]], list[Fault]]:
    """Latitude and longitude by province, and what is wrong with the table."""
    places: dict[str, tuple[float, float]] = {}
    faults: list[Fault] = []
    for line, row in _records(path, label, PLACES, faults):
        point = []
        for column, limit in (("seat_latitude", 90), ("seat_longitude", 180)):
            rule = f"must be degrees from -{limit} to {limit}"
            try:
                degrees = float(row[column])
            except ValueError:
                degrees = float("nan")
            if not -limit <= degrees <= limit:
                faults.append(Fault(label, line, column, shorten(row[column]), rule))
            point.append(degrees)
        province = row["province"]
        if not province or province in places:
            rule = "each province once" if province else "must not be empty"
            faults.append(Fault(label, line, "province", shorten(province), rule))
        places[province] = (point[0], point[1])
    return places, faults


def check_provinces(
    rows: Sequence[Row], places: Mapping[str, tuple[float, float]], label: str
) -> list[Fault]:
    """Provinces of the endpoint table that the table of places does not know, each once."""
    missing: dict[str, int] = {}
    for row in rows:
        if row["province"] and row["province"] not in places:
            missing[row["province"]] = missing.get(row["province"], 0) + 1
    return [
        Fault(
            label,
            None,
            "province",
            shorten(province),
            f"must be in the table of places ({count} endpoints are there)",
            nearest(province, places),
        )
        for province, count in missing.items()
    ]


def write_sites(rows: Iterable[Row]) -> str:
    """The endpoint table with ``rows``, as CSV text."""
    return _write(ATTRIBUTES, ([row[column] for column in ATTRIBUTES] for row in rows))


def write_places(places: Mapping[str, tuple[float, float]]) -> str:
    """The table of places, as CSV text."""
    return _write(PLACES, ([name, repr(lat), repr(lon)] for name, (lat, lon) in places.items()))


def _write(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _records(
    path: Path, label: str, columns: Sequence[str], faults: list[Fault]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each row that has all the ``columns``; appends to ``faults``."""
    text, fault = read_text(path, label, LARGEST_TABLE)
    if fault is not None:
        faults.append(fault)
        return
    reader = csv.reader(StringIO(unicodedata.normalize("NFC", text), newline=""), strict=True)
    try:
        yield from _rows(reader, label, columns, faults.append)
    except csv.Error as error:
        faults.append(Fault(label, reader.line_num, "", None, f"is not CSV: {error}"))


def _rows(
    reader: Any,
    label: str,
    columns: Sequence[str],
    report: Callable[[Fault], None],
) -> Iterator[tuple[int, dict[str, str]]]:
    header = [cell.strip() for cell in next(reader, [])]
    missing = [column for column in columns if column not in header]
    for column in missing:
        rule = f"a column is missing; the table must have {', '.join(columns)}"
        report(Fault(label, 1, column, None, rule, nearest(column, set(header) - set(columns))))
    for column in sorted({column for column in header if header.count(column) > 1}):
        report(Fault(label, 1, column, None, "each column once"))
    if missing:
        return
    places = [header.index(column) for column in columns]
    line = reader.line_num
    for cells in reader:
        begin, line = line + 1, reader.line_num
        if not cells:
            continue
        if len(cells) != len(header):
            rule = f"{len(cells)} cells, but the first line names {len(header)} columns"
            report(Fault(label, begin, "", shorten(",".join(cells)), rule))
            continue
        yield (
            begin,
            {column: cells[place].strip() for column, place in zip(columns, places, strict=True)},
        )
