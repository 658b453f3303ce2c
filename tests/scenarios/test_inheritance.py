from pathlib import Path

import pytest

from scenarios.documents import Node, Source, wrap
from scenarios.errors import ScenarioError
from scenarios.inheritance import library_names, merge, read_with_parents

SOURCE = Source("x")


def merged(below: object, above: object) -> object:
    return merge(wrap(below, SOURCE), wrap(above, SOURCE)).plain()


def read(path: Path) -> Node:
    return read_with_parents(path, path.name)


def fault_of(path: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("below", "above", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": "20%"}, {"a": "20%"}),
        ({"a": "20%"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({}, {"a": None}, {"a": None}),
    ],
)
def test_maps_merge_and_all_else_replaces(below: object, above: object, result: object) -> None:
    assert merged(below, above) == result


def test_values_keep_their_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("title: Base\na:\n  b: 1\n  c: 2\n")
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\n\na: {c: 3}\n")
    a = read(child).child("a")
    assert a is not None
    b, c = a.child("b"), a.child("c")
    assert b is not None
    assert c is not None
    assert (b.source.label, b.line, b.value) == ("base.yaml", 3, 1)
    assert (c.source.label, c.line, c.value) == ("child.yaml", 3, 3)


def test_a_name_is_not_inherited(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("name: base\ntitle: Base\n")
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\n")
    assert read(child).plain() == {"title": "Base"}


def test_paths_are_seen_from_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "base.yaml").write_text("title: Base\n")
    (tmp_path / "deep" / "middle.yaml").write_text("extends: ../base.yaml\n")
    top = tmp_path / "top.yaml"
    top.write_text("extends: deep/middle.yaml\n")
    assert read(top).plain() == {"title": "Base"}


def test_a_loop_is_refused(tmp_path: Path) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"# {name}\nextends: {parent}.yaml\n")
    assert fault_of(tmp_path / "a.yaml") == (
        "c.yaml:2: extends: 'a.yaml' — scenarios must not extend one another in a loop: "
        "a → b → c → a"
    )


def test_a_file_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("extends: ./a.yaml\n")
    assert fault_of(path).endswith("in a loop: a → a")


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    for number in range(13):
        (tmp_path / f"s{number}.yaml").write_text(f"extends: s{number + 1}.yaml\n")
    assert fault_of(tmp_path / "s0.yaml").endswith("at most 10 scenarios may extend one another")


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        (
            "smok",
            "a.yaml:1: extends: 'smok' — must name a scenario of the library or a file, as seen "
            "from this one; did you mean smoke?",
        ),
        (
            "bsae.yaml",
            "a.yaml:1: extends: 'bsae.yaml' — must name a scenario of the library or a file, as "
            "seen from this one; did you mean base.yaml?",
        ),
        (
            "[smoke]",
            "a.yaml:1: extends: a list of 1 — must name one scenario of the library or one file",
        ),
        ("5", "a.yaml:1: extends: 5 — must name one scenario of the library or one file"),
    ],
)
def test_a_parent_must_be_there(tmp_path: Path, extends: str, message: str) -> None:
    (tmp_path / "base.yaml").write_text("title: Base\n")
    path = tmp_path / "a.yaml"
    path.write_text(f"extends: {extends}\n")
    assert fault_of(path) == message


def test_a_fault_in_a_parent_names_the_parent(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("title: [\n")
    path = tmp_path / "a.yaml"
    path.write_text("extends: base.yaml\n")
    assert fault_of(path).startswith("base.yaml:2: is not YAML: ")


def test_the_library_has_its_scenarios() -> None:
    assert {"national-briefing", "rural-evening", "smoke"} <= set(library_names())
