from pathlib import Path

import pytest

from scenarios.places import Place, threshold_places

OURS = """\
extends: parent.yaml
title: Ours
thresholds:
  mouth_to_ear_delay:
    - p(95) < 250ms
    - {check: p(99) < 400ms, advisory: true}
  jitter: p(99) < 30ms
"""
PARENT = """\
# A comment.
extends: smoke
thresholds:
  packet_loss: mean < 1%
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int], Place]:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/ours.yaml").write_text(OURS, encoding="utf-8")
    Path("in/parent.yaml").write_text(PARENT, encoding="utf-8")
    return dict(threshold_places(Path("in/ours.yaml")))


def test_thresholds_stand_on_their_lines(places: dict[tuple[str, int], Place]) -> None:
    assert places["mouth_to_ear_delay", 0] == Place("in/ours.yaml", 5)
    assert places["mouth_to_ear_delay", 1] == Place("in/ours.yaml", 6)
    assert places["jitter", 0] == Place("in/ours.yaml", 7)


def test_inherited_thresholds_stand_in_the_parent(places: dict[tuple[str, int], Place]) -> None:
    assert places["packet_loss", 0] == Place("in/parent.yaml", 4)


def test_the_librarys_stand_where_it_is_extended(places: dict[tuple[str, int], Place]) -> None:
    assert places["mouth_to_ear_delay{access=fibre}", 0] == Place("in/ours.yaml", 1)


@pytest.mark.parametrize("text", ["", "{", "title: none", "thresholds: 7"])
def test_what_cannot_be_read_has_no_places(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    assert threshold_places(path) == {}
    assert threshold_places("no-such-scenario") == {}
