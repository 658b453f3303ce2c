import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.documents import Source, core_scalar, parse_document, read_document
from scenarios.errors import ScenarioError

SOURCE = Source("f.yaml")


def parsed(text: str) -> object:
    root = parse_document(text, SOURCE)
    return root.plain() if root is not None else None


def fault_of(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse_document(text, SOURCE)
    return str(caught.value)


def test_values_know_their_lines() -> None:
    root = parse_document("a: 1\n\nb:\n  - x\n  - {c: 2,\n     d: 3}\n", SOURCE)
    assert root is not None
    b = root.child("b")
    assert b is not None
    assert b.line == 3
    item = b.child(1)
    assert item is not None
    assert [item.line, item.child("c").line, item.child("d").line] == [5, 5, 6]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None),
        ("", None),
        ("true", True),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("12", 12),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.INF", float("-inf")),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2021-01-01", "2021-01-01"),
        ("20ms", "20ms"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = core_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quotes_make_text() -> None:
    assert parsed("{a: '5', b: \"true\", c: !!str 5}") == {"a": "5", "b": "true", "c": "5"}


def test_aliases_stand_for_what_they_name() -> None:
    assert parsed("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


def test_letters_are_composed() -> None:
    assert parsed("Ca\u0300 Mau: 1") == {"Cà Mau": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "f.yaml:3: a — each key once; line 1 has it already",
        ),
        (
            "x:\n  - y: 1\n    y: 2\n",
            "f.yaml:3: x.0.y — each key once; line 2 has it already",
        ),
        ("a: 1\n5: 2\n", "f.yaml:2: 5 — a key must be text; quotes make it so"),
        ("? [a]\n: 1\n", "f.yaml:1: a list of 1 — a key must be text; quotes make it so"),
        (
            "a: !!python/object:os.system x\n",
            "f.yaml:1: a: 'tag:yaml.org,2002:python/object:os.system' — tags have no place in a "
            "scenario",
        ),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: must be one document; a second begins here"),
        ("a: &x [*x]\n", "f.yaml:1: a.0: *x — must not contain itself"),
        ("a: *nowhere\n", "f.yaml:1: a: *nowhere — must name an anchor above it"),
        (
            "a: [1\nb: 2\n",
            "f.yaml:2: is not YAML: expected ',' or ']', but got ':'",
        ),
        ("a: b: c\n", "f.yaml:1: is not YAML: mapping values are not allowed here"),
        (
            f"a: {'7' * 5000}\n",
            f"f.yaml:1: a: '{'7' * 59}…' — a number has at most 40 characters",
        ),
        (
            "[" * 5000,
            "f.yaml:1: at most 40 maps and lists inside one another",
        ),
        (
            "a: 1\n" + "".join(f"{' ' * i}k:\n" for i in range(100)),
            "f.yaml:42: at most 40 maps and lists inside one another",
        ),
    ],
)
def test_what_has_no_place_in_a_scenario(text: str, message: str) -> None:
    assert fault_of(text) == message


def test_several_faults_come_at_once() -> None:
    assert fault_of("a: 1\na: 2\n5: 1\nb: !x 1\n").count("\n") == 2


def test_billion_laughs_are_not_laughed() -> None:
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
    )
    assert fault_of(laughs) == "f.yaml:4: at most 100,000 values, aliases expanded"


def test_aliases_cannot_nest_without_end() -> None:
    nested = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100))
    assert fault_of(nested).endswith("at most 40 maps and lists inside one another")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.yaml:1: is empty; it must be a scenario"),
        (b"# nothing\n", "f.yaml:1: is empty; it must be a scenario"),
        (b"- a\n", "f.yaml:1: a list of 1 — must be a map of keys, as in 'duration: 30min'"),
        (b"text\n", "f.yaml:1: 'text' — must be a map of keys, as in 'duration: 30min'"),
        (b"a: 1\nb: \xff\xfe\n", "f.yaml:2: byte 0xff — must be UTF-8 text"),
        ("a: é\n".encode("latin-1"), "f.yaml:1: byte 0xe9 — must be UTF-8 text"),
        ("a: é\n".encode("utf-16"), "f.yaml:1: byte 0xff — must be UTF-8 text"),
        (b"a: 1\n\nb: \x00\n", "f.yaml:3: '\\x00' — must be text without control characters"),
        (b"a: \x1b[31m\n", "f.yaml:1: '\\x1b' — must be text without control characters"),
    ],
)
def test_files_that_hold_no_scenario(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        read_document(path, SOURCE)
    assert str(caught.value) == message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path, SOURCE).plain() == {"a": 1}


def test_a_large_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(ScenarioError) as caught:
        read_document(path, SOURCE)
    assert str(caught.value) == "f.yaml: is 200.0 MiB; at most 1 MiB are read"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"^f\.yaml: is a folder; it must be a file$"):
        read_document(tmp_path, SOURCE)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ScenarioError, match=r"^f\.yaml: must be an ordinary file$"):
        read_document(path, SOURCE)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"^f\.yaml: cannot be read: No such file"):
        read_document(tmp_path / "f.yaml", SOURCE)


@given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"#%?@\\ \n\t0"), max_size=80))
@settings(max_examples=300)
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        parse_document(text, SOURCE)
    except ScenarioError as error:
        assert all(fault.rule for fault in error.faults)  # noqa: PT017
