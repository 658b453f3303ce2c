import pytest
from pydantic import TypeAdapter, ValidationError

from scenarios.metrics import METRICS
from scenarios.record import Context
from scenarios.thresholds import Expression, Target, Thresholds, Window

ADAPTER: TypeAdapter[object] = TypeAdapter(Thresholds)
CONTEXT = Context(names={"access": ("fibre", "4g"), "kind": ("backbone",)})


def rules(thresholds: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(thresholds, context=CONTEXT)
    (error,) = caught.value.errors()
    return [problem.rule for problem in error["ctx"]["problems"]]


def test_a_target_is_a_metric_and_selectors() -> None:
    target = Target.parse("packet_loss{access=4g, province=Bà Rịa - Vũng Tàu}")
    assert target.metric is METRICS["packet_loss"]
    assert target.selector == {"access": "4g", "province": "Bà Rịa - Vũng Tàu"}
    assert Target.parse("jitter{}").selector == {}


@pytest.mark.parametrize(
    ("text", "metric", "expected"),
    [
        ("p(95) < 400ms", "one_way_delay", Expression("p95", "<", 0.4)),
        ("p(99.9)<=1s", "one_way_delay", Expression("p99.9", "<=", 1.0)),
        ("max < 1s", "one_way_delay", Expression("max", "<", 1.0)),
        ("mean >= 0.5%", "packet_loss", Expression("mean", ">=", 0.005)),
        ("min > 3.6", "audio_mos", Expression("min", ">", 3.6)),
        ("max < 12Gbps", "node_egress", Expression("max", "<", 12e9)),
        ("count > 5", "packet_loss", Expression("count", ">", 5.0)),
    ],
)
def test_expressions(text: str, metric: str, expected: Expression) -> None:
    assert Expression.parse(text, METRICS[metric]) == expected


def test_an_expression_holds_or_not() -> None:
    below = Expression("max", "<", 1.0)
    assert below.holds(0.9)
    assert not below.holds(1.0)
    assert Expression("max", "<=", 1.0).holds(1.0)
    assert Expression("min", ">=", 1.0).holds(1.0)
    assert not Expression("min", ">", 1.0).holds(1.0)


@pytest.mark.parametrize(
    ("thresholds", "rule"),
    [
        (
            {"packet loss": "max < 1%"},
            "must be a metric with selectors, as in packet_loss{access=4g}",
        ),
        ({"packet_loss{access}": "max < 1%"}, "selector 'access' must be attribute=value"),
        ({"packet_loss{access=4g,access=4g}": "max < 1%"}, "selects by access twice"),
        ({"packet_loss": "p(101) < 1%"}, "p(N) takes N from 0 to 100"),
        (
            {"packet_loss": "max < 400ms"},
            "a share is a number with a unit (%); 'ms' is none of them",
        ),
        ({"audio_mos": "min > nan"}, "audio_mos is compared with a number without a unit"),
        ({"packet_loss": "count > 5%"}, "a count is compared with a number without a unit"),
        ({"link_utilization{kind=backbon}": "max < 1%"}, "must name a kind of shared link"),
    ],
)
def test_what_is_no_threshold(thresholds: object, rule: str) -> None:
    assert rules(thresholds) == [rule]


def test_all_faults_come_at_once() -> None:
    assert len(rules({"a": "max < 1%", "jitter": ["x", "max < 1s", "max < 5"]})) == 3


@pytest.mark.parametrize("text", ["5", "1s..", "2s..1s", "1s..1s", "-1s..2s", "1..2"])
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|duration|time"):
        Window.parse(text)


def test_a_window_is_two_times() -> None:
    assert Window.parse("9min .. 11min") == Window(540 * 10**9, 660 * 10**9)
