"""Which `--set` has led to a fault that stands in a file."""

from collections.abc import Iterable, Sequence

from scenarios.causes import blame_overrides, source_labels
from scenarios.documents import Node, Source, wrap
from scenarios.errors import Fault


def fault(key: str, path: str = "a.yaml", rule: str = "must be so") -> Fault:
    return Fault(path, 3, key, "5", rule)


class Rules:
    """Faults by the overrides that they need, all of them."""

    def __init__(self, *needs: tuple[Fault, Iterable[str]]) -> None:
        self.needs = needs
        self.asked: list[Sequence[str]] = []

    def faults(self, overrides: Sequence[str]) -> list[Fault]:
        self.asked.append(overrides)
        return [found for found, needed in self.needs if set(needed) <= set(overrides)]

    def blame(self, *overrides: str) -> list[str]:
        found = self.faults(overrides)
        return [str(one) for one in blame_overrides(found, {"a.yaml"}, overrides, self.faults)]


def test_the_override_whose_absence_heals_is_the_cause() -> None:
    rules = Rules((fault("own"), ()), (fault("one"), ["x.y=1"]), (fault("two"), ["z=[1, 2]"]))
    assert rules.blame("x.y=1", "z=[1, 2]", "w=3") == [
        "a.yaml:3: own: 5 — must be so",
        "--set: x.y: 1 — leads to a.yaml:3: one: 5 — must be so",
        "--set: z: a list of 2 — leads to a.yaml:3: two: 5 — must be so",
    ]


def test_of_several_that_it_needs_the_last_is_the_cause() -> None:
    rules = Rules((fault("both"), ["x=1", "y=2"]))
    assert rules.blame("x=1", "y=2", "z=3") == [
        "--set: y: 2 — leads to a.yaml:3: both: 5 — must be so"
    ]


def test_where_each_alone_suffices_the_last_is_the_cause() -> None:
    either = fault("either")
    rules = Rules((either, ["x=1"]), (either, ["y=2"]))
    found = [either]
    assert [
        str(one) for one in blame_overrides(found, {"a.yaml"}, ["x=1", "y=2"], rules.faults)
    ] == ["--set: y: 2 — leads to a.yaml:3: either: 5 — must be so"]


def test_a_fault_that_only_changes_its_words_is_the_file_s_own() -> None:
    rules = Rules((fault("own", rule="at most 9"), ["x=1"]))
    own = [fault("own", rule="at most 6")]
    found = blame_overrides(rules.faults(["x=1"]), {"a.yaml"}, ["x=1"], lambda _: own)
    assert [str(one) for one in found] == ["a.yaml:3: own: 5 — at most 9"]


def test_faults_elsewhere_stay_as_they_are() -> None:
    rules = Rules((fault("x", path="--set"), ["x=1"]), (fault("site", path="sites.csv"), ["x=1"]))
    assert rules.blame("x=1") == ["--set:3: x: 5 — must be so", "sites.csv:3: site: 5 — must be so"]
    assert rules.asked == [("x=1",)]  # nothing to find out


def test_what_sets_nothing_causes_nothing() -> None:
    rules = Rules((fault("own"), ()))
    assert rules.blame("nonsense", "x=[1") == ["a.yaml:3: own: 5 — must be so"]
    assert len(rules.asked) == 1


def test_labels_are_those_of_all_values() -> None:
    tree = wrap({"a": [1, {"b": 2}]}, Source("one"))
    assert source_labels(tree) == {"one"}
    mixed = Node({"a": tree, "c": wrap(5, Source("two"))}, Source("one"), None)
    assert source_labels(mixed) == {"one", "two"}
