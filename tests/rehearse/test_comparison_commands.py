import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from results.manifest import SCHEMA_VERSION
from results.replications import Replications
from results.sets import write_replications
from tests.rehearse.conftest import Rehearse
from tests.results.sample_sets import DELAY, LOSS, TYPICAL, make_set

OURS = """\
extends: smoke
name: hand-made
thresholds:
  mouth_to_ear_delay:
    - p(95) < 250ms
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of replications: as they were, slower, too slow, of another scenario."""
    root = tmp_path_factory.mktemp("sets")
    usual = make_set(lambda _: TYPICAL)
    sets: dict[str, Replications] = {
        "usual": usual,
        "same": usual,
        "slower": make_set(lambda _: {**TYPICAL, DELAY: 0.2}),
        "too-slow": make_set(lambda _: {**TYPICAL, DELAY: 0.3}),
        "unsure": make_set(lambda i: {**TYPICAL, LOSS: 0.006 + 0.001 * i}),
        "other": replace(usual, scenario=usual.scenario.model_copy(update={"name": "other"})),
    }
    for name, each in sets.items():
        write_replications(each, root / name)
    return root


@pytest.mark.parametrize(
    ("run", "baseline", "code", "first"),
    [
        ("usual", None, 0, "✓ PASS  hand-made. 4 of 4 thresholds passed."),
        ("too-slow", None, 99, "✗ FAIL  hand-made. 1 of 4 thresholds failed."),
        ("unsure", None, 98, "? INCONCLUSIVE  hand-made. 1 of 4 thresholds undecided."),
        ("same", "usual", 0, "✓ PASS"),
        ("slower", "usual", 99, "✗ FAIL  hand-made. 1 of 4 figures became worse."),
        ("usual", "slower", 0, "✓ PASS"),
    ],
)
def test_gates(
    rehearse: Rehearse, folders: Path, run: str, baseline: str | None, code: int, first: str
) -> None:
    options = ["--baseline", folders / baseline] if baseline else []
    ending = rehearse("gate", folders / run, *options)
    assert (ending.code, ending.err) == (code, "")
    assert ending.out.startswith(first)


def test_a_gate_writes_what_pipelines_read(rehearse: Rehearse, folders: Path) -> None:
    Path("ours.yaml").write_text(OURS, encoding="utf-8")
    ending = rehearse(
        "gate", folders / "too-slow", "--baseline", folders / "usual", "--scenario", "ours.yaml",
        "--junit", "junit.xml", "--markdown", "gate.md", "--code-quality", "quality.json",
        "--annotations", "--json",
    )  # fmt: skip
    assert ending.code == 99
    assert json.loads(ending.out)["verdict"] == "fail"
    assert ending.err.splitlines()[0].startswith("::error file=ours.yaml,line=5,title=mouth")
    case = next(ET.parse("junit.xml").iter("testcase"))  # noqa: S314  # our own
    assert (case.get("file"), case.get("line")) == ("ours.yaml", "5")
    assert Path("gate.md").read_text().startswith("## ✗ Fail: hand-made")
    assert json.loads(Path("quality.json").read_text())[0]["location"]["path"] == "ours.yaml"


def test_without_its_file_a_threshold_stands_in_the_run(rehearse: Rehearse, folders: Path) -> None:
    ending = rehearse("gate", folders / "too-slow", "--annotations")
    scenario = folders / "too-slow" / "scenario.yaml"
    line = ending.err.partition("line=")[2].partition(",")[0]
    assert f"file={scenario}".replace(":", "%3A") in ending.err
    assert "p(95) < 250ms" in scenario.read_text().splitlines()[int(line) - 1]


def test_github_gets_annotations_unasked(
    rehearse: Rehearse, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert rehearse("gate", folders / "too-slow").err.startswith("::error ")
    assert rehearse("gate", folders / "too-slow", "--no-annotations").err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{usual}", "--baseline", "{other}"], "is of the scenario other, and"),
        (["{usual}", "--baseline", "{usual}/.."], "holds runs of several scenarios"),
        (["{usual}", "--baseline", "nowhere"], "nowhere: there is no such folder."),
        (["nowhere"], "nowhere: there is no such folder."),
        (["{usual}", "--margin", "5"], "--margin: '5' — a share is a number with a unit"),
        (["{usual}", "--margin", "150%"], "--margin: '150%' — must be at least 0 %"),
        (["{usual}", "--scenario", "no.yaml"], "--scenario: 'no.yaml' — there is no such file"),
        (["{usual}", "--junit", "no/dir/x.xml"], "no/dir/x.xml: No such file or directory"),
    ],
)
def test_gates_that_cannot_be(
    rehearse: Rehearse, folders: Path, arguments: list[str], message: str
) -> None:
    words = [word.format(usual=folders / "usual", other=folders / "other") for word in arguments]
    ending = rehearse("gate", *words)
    assert (ending.code, ending.out) == (2, "")
    assert message in ending.err


def test_a_baseline_of_another_version_is_refused(
    rehearse: Rehearse, folders: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for path in (folders / "usual").iterdir():
        (old / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 1}))
    ending = rehearse("gate", folders / "usual", "--baseline", old)
    assert ending.code == 2
    assert f"schema_version is 1, and this program reads {SCHEMA_VERSION}" in ending.err


def test_comparing(rehearse: Rehearse, folders: Path) -> None:
    ending = rehearse("compare", folders / "usual", folders / "slower")
    assert (ending.code, ending.err) == (0, "")
    lines = ending.out.splitlines()
    assert lines[0] == "hand-made: 10 and 10 replications, 10 pairs"
    assert "  1 worse, 0 better, 0 can't tell, 4 same, of 5 figures" in lines
    assert lines[-1] == (
        "  worse       mouth_to_ear_delay p(95)  150 ms → 200 ms, +33.3% (+33.3% … +33.3%)"
    )


def test_comparing_other_scenarios_warns(rehearse: Rehearse, folders: Path) -> None:
    ending = rehearse("compare", folders / "usual", folders / "other")
    assert ending.code == 0
    assert "! The scenarios differ: hand-made and other." in ending.out


def test_a_comparison_as_data_page_and_plot(rehearse: Rehearse, folders: Path) -> None:
    arguments = ("compare", folders / "usual", folders / "slower", "--metric", "mouth_to_ear_delay")
    content: dict[str, Any] = json.loads(rehearse(*arguments, "--json", "--out", "x.html").out)
    assert [row["standing"] for row in content["changes"]] == ["worse", "same"]
    page = Path("x.html").read_text(encoding="utf-8")
    assert "+33.3%" in page
    assert "://" not in page
    rehearse(*arguments, "--out", "x.png")
    assert Path("x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "jiter"], "did you mean jitter?"),
        (["--out", "x.pdf"], "--out: 'x.pdf' — must end in .html, .png or .svg"),
    ],
)
def test_comparisons_that_cannot_be(
    rehearse: Rehearse, folders: Path, options: list[str], message: str
) -> None:
    ending = rehearse("compare", folders / "usual", folders / "same", *options)
    assert (ending.code, ending.out) == (2, "")
    assert message in ending.err
