import pytest

from scenarios.documents import Node, Source, wrap
from scenarios.overrides import apply_overrides, cut_short

ROOT = wrap(
    {
        "duration": "10min",
        "endpoints": {"table": "t.csv", "rules": [{"carrier": "red"}, {"carrier": "blue"}]},
        "thresholds": {"packet_loss{access=4g}": ["mean < 1%"]},
        "meeting": {"floor": [{"at": "0s"}, {"at": "5min"}]},
    },
    Source("f.yaml"),
)


def apply(*overrides: str) -> Node:
    root, faults = apply_overrides(ROOT, overrides)
    assert not faults
    return root


def at(root: Node, *path: str | int) -> object:
    for key in path:
        child = root.child(key)
        assert child is not None, key
        root = child
    return root.plain()


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("endpoints.scale=10", ("endpoints", "scale"), 10),
        ("endpoints.rules.1.carrier=green", ("endpoints", "rules", 1, "carrier"), "green"),
        ("endpoints.rules=[{carrier: x}]", ("endpoints", "rules"), [{"carrier": "x"}]),
        ("title='5'", ("title",), "5"),
        ("cascade.capacity=2Gbps", ("cascade", "capacity"), "2Gbps"),
        (
            "thresholds.packet_loss{access=4g}=mean < 2%",
            ("thresholds", "packet_loss{access=4g}"),
            "mean < 2%",
        ),
        (
            'thresholds."packet_loss{access=4g}".0=mean < 3%',
            ("thresholds", "packet_loss{access=4g}", 0),
            "mean < 3%",
        ),
    ],
)
def test_a_value_is_set(override: str, path: tuple[str | int, ...], value: object) -> None:
    assert at(apply(override), *path) == value


def test_the_rest_stays() -> None:
    changed = apply("endpoints.rules.1.carrier=green")
    assert at(changed, "endpoints", "rules", 0) == {"carrier": "red"}
    assert at(changed, "endpoints", "table") == "t.csv"
    assert at(ROOT, "endpoints", "rules", 1) == {"carrier": "blue"}


def test_later_overrides_see_earlier_ones() -> None:
    assert at(apply("a.b=1", "a.b=2", "a.c=3"), "a") == {"b": 2, "c": 3}


def test_null_takes_a_key_away() -> None:
    assert at(apply("thresholds.packet_loss{access=4g}=null"), "thresholds") == {}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("endpoints", "--set: 'endpoints' — must be PATH=VALUE, as in endpoints.scale=10"),
        (
            "duration.minutes=5",
            "--set: duration.minutes: 5 — leads through duration, which is '10min': no map and "
            "no list; did you mean duration?",
        ),
        (
            "endpoints.rules.2.carrier=x",
            "--set: endpoints.rules.2.carrier: 'x' — endpoints.rules is a list: its items are "
            "numbered 0 to 1, and '2' is none of them",
        ),
        (
            "endpoints.rules.first=x",
            "--set: endpoints.rules.first: 'x' — endpoints.rules is a list: its items are "
            "numbered 0 to 1, and 'first' is none of them",
        ),
        (
            "title=[1",
            "--set: title — is not YAML: expected ',' or ']', but got '<stream end>'",
        ),
        ("title={a: 1, a: 2}", "--set: title — each key once; line None has it already"),
    ],
)
def test_what_cannot_be_set(override: str, message: str) -> None:
    root, faults = apply_overrides(ROOT, [override, "endpoints.scale=3"])
    assert [str(fault) for fault in faults] == [message]
    assert at(root, "endpoints", "scale") == 3


def test_a_shortened_meeting_loses_the_turns_after_its_end() -> None:
    assert at(cut_short(apply("duration=5min")), "meeting", "floor") == [{"at": "0s"}]
    assert at(cut_short(apply("duration=301s")), "meeting", "floor") == [
        {"at": "0s"},
        {"at": "5min"},
    ]


@pytest.mark.parametrize("override", ["duration=x", "meeting=5", "meeting.floor=5", "title=x"])
def test_only_an_override_of_the_duration_cuts(override: str) -> None:
    root = apply(override)
    assert cut_short(root) is root
