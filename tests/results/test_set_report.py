import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from results.quantities import format_interval
from results.replications import Replications, summarize_replications
from results.set_report import render_set_report
from results.sets import describe_replications
from tests.results.sample_sets import DELAY, LOSS, TYPICAL, make_set


class Page(HTMLParser):
    """What a page shows and refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [v or "" for k, v in attrs if k in ("href", "src", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def render(found: Replications) -> str:
    return render_set_report(found, summarize_replications(found), describe_replications(found))


def test_a_report_has_verdict_values_and_intervals() -> None:
    page = Page(render(make_set(lambda i: {**TYPICAL, DELAY: 0.24 + 0.002 * i})))
    assert "? Inconclusive" in page.texts
    assert "1 of 4 thresholds cannot be decided in 10 replications, with 95% confidence." in (
        page.texts
    )
    assert "245 … 253 ms" in page.texts
    assert "5 of 10" in page.texts
    assert all(each.startswith("#") for each in page.references)


def test_one_endpoint_is_singular() -> None:
    found = make_set(lambda _: TYPICAL)
    measured = tuple(replace(each, endpoints=1) for each in found.measured)
    text = render(replace(found, measured=measured))
    assert "10 replications of 1 endpoint, 60 s" in text


def test_titles_are_text() -> None:
    found = make_set(lambda _: TYPICAL)
    bad = found.scenario.model_copy(update={"title": "<script>alert(1)</script>"})
    text = render(make_set(lambda _: TYPICAL, scenario=bad))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize("value", [None, math.inf])
def test_nothing_and_never_have_no_interval(value: float | None) -> None:
    text = render(make_set(lambda _: {**TYPICAL, LOSS: value, DELAY: value}))
    assert "no interval" in text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        (None, "no interval"),
        ((0.135, 0.142), "135 … 142 ms"),
        ((0.1, 0.1), "100 ms"),
        ((9.0, 12.0), "9,000 ms … 12.0 s"),
    ],
)
def test_intervals_as_one_would_say_them(ends: tuple[float, float] | None, text: str) -> None:
    assert format_interval(ends, "s") == text
