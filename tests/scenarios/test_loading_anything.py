"""Loading: whatever comes loads, or is refused with a message."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios.errors import ScenarioError
from scenarios.loading import load_scenario, parse_scenario
from scenarios.tables import LIBRARY

SMOKE = (LIBRARY / "national-briefing.yaml").read_text(encoding="utf-8").splitlines()
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["20ms", "-1s", "5Mbps", "50%", "smoke", "1e999s", "p(95) < 1s"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
lazily = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def load_or_refuse(path: Path) -> None:
    try:
        load_scenario(path)
    except ScenarioError as error:
        assert str(error)  # noqa: PT017


@given(st.binary(max_size=200))
@lazily
def test_any_bytes_load_or_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    load_or_refuse(path)


@given(st.data())
@lazily
def test_any_mutation_of_lines_loads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    lines = list(SMOKE)
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        cut = data.draw(st.integers(0, len(line)))
        inserted = data.draw(st.text(alphabet="x0-:{}[],&*!% \n'\"", max_size=3))
        lines[index] = line[:cut] + inserted + line[cut + data.draw(st.integers(0, 4)) :]
    path = tmp_path / "mutant.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    load_or_refuse(path)


@given(st.data())
@lazily
def test_any_value_anywhere_loads_or_is_refused(data: st.DataObject) -> None:
    tree = load_scenario("smoke").model_dump(mode="json", by_alias=True, exclude_none=True)
    place = tree
    while True:
        key = data.draw(
            st.sampled_from(list(place) if isinstance(place, dict) else range(len(place)))
        )
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(values)
    try:
        parse_scenario(tree)
    except ScenarioError as error:
        assert str(error)  # noqa: PT017
