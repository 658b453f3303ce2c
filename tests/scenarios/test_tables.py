from pathlib import Path

import pytest

from scenarios.endpoints import ATTRIBUTES
from scenarios.tables import (
    LIBRARY,
    find_table,
    read_places,
    read_sites,
    write_places,
    write_sites,
)
from tests.scenarios.small import PLACES, SITES


def sites(folder: Path, text: str) -> list[str]:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return [str(fault) for fault in read_sites(path, "t.csv")[1]]


def test_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(SITES, encoding="utf-8-sig", newline="\r\n")
    rows, faults = read_sites(path, "t.csv")
    assert not faults
    assert len(rows) == 6
    assert rows[1] == dict(
        zip(
            ATTRIBUTES,
            ("c1", "Phường 1", "commune", "phường", "Thành phố Cà Mau", "Cà Mau"),
            strict=True,
        )
    )


def test_the_library_s_table_is_the_briefing_s() -> None:
    rows, faults = read_sites(LIBRARY / "southern_endpoints.csv", "t")
    places, more = read_places(LIBRARY / "southern_provinces.csv", "p")
    assert not faults
    assert not more
    assert len(rows) == 2594
    assert {row["province"] for row in rows} == set(places)
    assert len(places) == 19


HEAD = "site,name,level,kind,district,province\n"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["t.csv:1: site — a column is missing; the table must have site, name, level, kind, "
              "district, province"] + ["…"] * 5),
        (HEAD, ["t.csv:1: must have at least one row below the columns"]),
        (
            "site,name,level,kind,distrikt,province\na,b,c,d,e,f\n",
            ["t.csv:1: district — a column is missing; the table must have site, name, level, "
             "kind, district, province; did you mean distrikt?"],
        ),
        (
            "site,site,name,level,kind,district,province\na,b,c,d,e,f,g\n",
            ["t.csv:1: site — each column once"],
        ),
        (
            HEAD + "a,A,commune,xã,,P\n\nb,B,commune,xã,,P\na,C,commune,xã,,P\n",
            ["t.csv:5: site: 'a' — each site once; line 2 has it already"],
        ),
        (
            HEAD + ",A,,xã,,P\n",
            ["t.csv:2: site: '' — must not be empty", "t.csv:2: level: '' — must not be empty"],
        ),
        (
            HEAD + "a,A,commune\n",
            ["t.csv:2: 'a,A,commune' — 3 cells, but the first line names 6 columns"],
        ),
        (
            HEAD + '"a\nb",A,commune,xã,,P\nc,C,commune,"x{",,P\n',
            ["t.csv:4: kind: 'x{' — at most 200 characters, none of { } , ="],
        ),
        (
            HEAD + "command-centre,A,commune,xã,,P\n",
            ["t.csv:2: site: 'command-centre' — is the command centre's own site"],
        ),
        (
            HEAD + "a,A,command-centre,xã,,P\n",
            ["t.csv:2: level: 'command-centre' — is the command centre's own level"],
        ),
        (HEAD + 'a,"A"x,commune,xã,,P\n', ["t.csv:2: is not CSV: ',' expected after '\"'"]),
    ],
)  # fmt: skip
def test_faults_of_the_endpoint_table(tmp_path: Path, text: str, messages: list[str]) -> None:
    found = sites(tmp_path, text)
    assert len(found) == len(messages)
    assert all(one == other for one, other in zip(found, messages, strict=True) if other != "…")


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ("Cần Thơ,north,105", ["seat_latitude: 'north' — must be degrees from -90 to 90"]),
        ("Cần Thơ,9,205", ["seat_longitude: '205' — must be degrees from -180 to 180"]),
        ("Cần Thơ,nan,105", ["seat_latitude: 'nan' — must be degrees from -90 to 90"]),
        ("Bạc Liêu,9,105", ["province: 'Bạc Liêu' — each province once"]),
        (",9,105", ["province: '' — must not be empty"]),
    ],
)
def test_faults_of_the_table_of_places(tmp_path: Path, row: str, messages: list[str]) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f"{PLACES}{row}\n", encoding="utf-8")
    _, faults = read_places(path, "p.csv")
    assert [str(fault) for fault in faults] == [f"p.csv:4: {message}" for message in messages]


def test_a_table_that_is_no_text_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(HEAD.encode() + "a,Phường,commune,xã,,P\n".encode("utf-16-le"))
    assert [fault.line for fault in read_sites(path, "t.csv")[1]] == [2]
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    assert [str(fault) for fault in read_sites(path, "t.csv")[1]] == [
        "t.csv: is 200.0 MiB; at most 16 MiB are read"
    ]


def test_tables_are_looked_for_in_turn(tmp_path: Path) -> None:
    name = "southern_endpoints.csv"
    assert find_table(name, [tmp_path]) == LIBRARY / name
    (tmp_path / name).touch()
    assert find_table(name, [tmp_path]) == tmp_path / name
    assert find_table("none.csv", [tmp_path]) is None


def test_tables_read_as_they_are_written(tmp_path: Path) -> None:
    rows, _ = read_sites(LIBRARY / "southern_endpoints.csv", "t")
    places, _ = read_places(LIBRARY / "southern_provinces.csv", "p")
    (tmp_path / "t.csv").write_text(write_sites(rows), encoding="utf-8")
    (tmp_path / "p.csv").write_text(write_places(places), encoding="utf-8")
    assert read_sites(tmp_path / "t.csv", "t") == (rows, [])
    assert read_places(tmp_path / "p.csv", "p") == (places, [])
