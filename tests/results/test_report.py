"""The report: one file that needs nothing else, trusts no string, and says first what matters."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from results.adaptation import audio_only_endpoints
from results.calls import read_calls, unanswered
from results.manifest import describe
from results.plots import PLOTS, inline
from results.quantities import format_clock, format_value
from results.records import TABLES, Accounting, Cost, Run
from results.report import FIGURES, render_report, split_blocks, write_report
from results.report_rows import GROUP_TITLES, group_table, threshold_row
from results.summary import summarize
from results.timings import median_parts
from tests.results.sample_run import make_run, make_scenario

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What a browser would see: elements, identifiers, addresses, and the text of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        self.rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action", "srcset", "data"):
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "script" in self.open or "style" in self.open:
            return
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def summary(run: Run) -> dict[str, Any]:
    return summarize(run)


@pytest.fixture(scope="module")
def html(run: Run, summary: dict[str, Any]) -> str:
    return render_report(run, summary, describe(run))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("results.report.FIGURES", ())


def test_the_page_is_whole_and_its_names_are_unique(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_it_refers_to_nothing_outside_itself(html: str, page: Page) -> None:
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "://" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    # Every reference inside the page has its target there.
    wanted = {a[1:] for a in page.addresses if a.startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert len(wanted) > 20
    assert wanted <= set(page.ids)


def test_the_verdict_comes_first_with_what_failed(page: Page) -> None:
    begin = " ".join(page.text.split())[:700]
    order = [
        "A run made by hand",
        "✗ Fail",
        "2 of 7 thresholds failed.",
        "Mouth-to-ear delay (access=4g) during 30s..45s: p95 is 459 ms, must be p(95) < 250ms",
        "Packet loss (level=commune): mean is 1.54 %, must be mean < 1%",
        "(advisory: does not count)",
    ]
    places = [begin.index(words) for words in order]
    assert places == sorted(places)


def test_thresholds_are_marked_with_value_and_margin(page: Page) -> None:
    rows = [row for row in page.rows if row and row[0][:1] in "✓✗?"]
    assert [
        "✗ fail", "Mouth-to-ear delay access=4g · during 30s..45s", "p(95) < 250ms", "459 ms",
        "−84 %",
    ] in rows  # fmt: skip
    assert ["✓ pass", "Node egress", "max < 1Gbps", "28.8 Mb/s", "+97 %"] in rows
    assert [row[0] for row in rows].count("✗ fail (advisory)") == 1
    assert len(rows) == 8


@pytest.mark.parametrize(
    ("expression", "value", "margin"),
    [
        ("p(95) < 400ms", 0.3, "+25 %"),
        ("p(95) < 400ms", 0.398, "+0.5 %"),
        ("p(95) < 400ms", 0.8, "−100 %"),
        ("p(5) > 100ms", 0.15, "+50 %"),
        ("p(5) >= 100ms", 0.05, "−50 %"),
        ("max < 0s", 0.05, ""),
        ("max < 1s", None, ""),
    ],
)
def test_the_margin_is_positive_inside_the_bound(
    expression: str, value: float | None, margin: str
) -> None:
    row = {"metric": "jitter", "expression": expression, "value": value, "verdict": "pass"}
    assert threshold_row(row).margin_shown == margin


def test_each_group_has_its_row_and_the_worst_is_marked(html: str, page: Page, run: Run) -> None:
    for title in GROUP_TITLES.values():
        assert f"<h3>{title}</h3>" in html
    heads = {row[0]: row for row in page.rows if len(row) == 13}
    assert {"Cà Mau", "VNPT", "Viettel", "4G", "Satellite", "commune"} <= set(heads)
    summary = summarize(run)["groups"]["province"]
    losses = {name: entry["packet_loss"]["mean"] for name, entry in summary.items()}
    worst = max(losses, key=losses.__getitem__)
    cell = re.search(rf'<td class="n worst" data-value="{losses[worst]}">([^<]*)</td>', html)
    assert cell is not None
    assert cell[1] == heads[worst][5]


def test_where_most_are_alike_none_is_worst(run: Run) -> None:
    def worst(*losses: float | None) -> list[bool]:
        names = ["Cà Mau", "Bạc Liêu", "An Giang", "Long An"][: len(losses)]
        entries = {
            name: {"packet_loss": {"mean": loss}} for name, loss in zip(names, losses, strict=True)
        }
        summary = {"groups": {"province": entries}, "group_sizes": {"province": {}}}
        rows = group_table(run, summary, "province")["rows"]
        return [row["cells"][3]["worst"] for row in rows]

    assert worst(0.01, 0.02, 0.03) == [False, False, True]
    assert worst(0.0100001, 0.01, 0.01, 0.002) == [False] * 4
    assert worst(0.01, 0.01, 0.02, 0.02) == [False, False, True, True]
    assert worst(0.01) == [False]
    assert worst(None, None) == [False, False]


def test_every_plot_is_there_with_its_caption(html: str) -> None:
    assert {name for name, _ in FIGURES} == set(PLOTS)
    assert html.count('<svg class="plot"') + html.count('<img class="plot"') >= len(FIGURES) - 1
    assert "not the provinces&#39; borders" in html


def test_big_plots_go_in_as_pictures(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "LARGEST_SVG", 1000)
    markup = inline.inline_plot(PLOTS["delay-cdf"], run, "key")
    assert markup.startswith('<img class="plot" alt="" src="data:image/png;base64,iVBOR')


def test_inlined_plots_take_the_pages_colours(run: Run) -> None:
    markup = inline.inline_plot(PLOTS["delay-cdf"], run, "key")
    assert markup.startswith("<svg")
    assert "var(--ink)" in markup
    assert "#1b2530" not in markup
    assert "<style" not in markup
    assert set(re.findall(r'\bid="([^"]{4})', markup)) == {"key-"}


def test_names_that_look_like_colours_stay_names(run: Run) -> None:
    label = "url(#a) #1b2530"
    access = dict(run.scenario.access)
    access["4g"] = access["4g"].model_copy(update={"label": label})
    odd = replace(run, scenario=run.scenario.model_copy(update={"access": access}))
    markup = inline.inline_plot(PLOTS["delay-cdf"], odd, "key")
    assert f"{label}: median" in markup.replace("&quot;", '"')


def test_nothing_from_a_users_file_becomes_markup(run: Run) -> None:
    scenario = run.scenario
    label = {"label": ATTACK}
    scenario = scenario.model_copy(
        update={
            "title": ATTACK,
            "description": ATTACK,
            "access": {k: v.model_copy(update=label) for k, v in scenario.access.items()},
            "carriers": {k: v.model_copy(update=label) for k, v in scenario.carriers.items()},
            "command_centre": scenario.command_centre.model_copy(update={"name": ATTACK}),
        }
    )
    tables = dict(run.tables)
    endpoints = tables["endpoints"]
    for column in ("name", "province"):
        index = endpoints.schema.get_field_index(column)
        field = endpoints.schema.field(column)
        values = [value and f"{value} {ATTACK}" for value in endpoints[column].to_pylist()]
        endpoints = endpoints.set_column(index, field, pa.array(values, field.type))
    events = tables["events"]
    index = events.schema.get_field_index("detail")
    field = events.schema.field("detail")
    tables["events"] = events.set_column(index, field, pa.array([ATTACK] * len(events), field.type))
    tables["endpoints"] = endpoints
    odd = replace(
        run,
        scenario=scenario,
        tables=tables,
        assumptions=(ATTACK,),
        command=("rehearse", ATTACK),
        accounting=replace(run.accounting, lost={ATTACK: 6606}),
    )
    manifest = {"commit": ATTACK, "versions": {ATTACK: ATTACK}, "machine": {"cpu": ATTACK}}
    page = Page(render_report(odd, summarize(odd), manifest))
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert page.handlers == []
    assert page.open == []
    assert page.text.count("<script>alert(1)</script>") > 10


@pytest.mark.usefixtures("without_plots")
def test_the_script_is_the_only_one_allowed(html: str) -> None:
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", html)
    assert "unsafe-inline'; script-src" not in html.replace("img-src data:; ", "; ")


def test_a_description_keeps_its_paragraphs_and_lists() -> None:
    assert split_blocks("One\ntwo.\n\nThree:\n- a\n  b\n- c\n\nFour") == [
        ("p", ["One two."]),
        ("p", ["Three:"]),
        ("ul", ["a b", "c"]),
        ("p", ["Four"]),
    ]
    assert split_blocks("") == []


def test_packets_are_accounted_for(page: Page, run: Run) -> None:
    accounting = run.accounting
    text = " ".join(page.text.split())
    assert (
        f"{accounting.sent:,} sent = {accounting.delivered:,} delivered + "
        f"{sum(accounting.lost.values()):,} lost + {accounting.in_flight:,} in flight" in text
    )
    assert "✓ all accounted for" in text
    rows = {row[0]: row for row in page.rows if len(row) == 3}
    assert rows["Lost: downlink queue"][1] == f"{accounting.lost['downlink queue']:,}"


@pytest.mark.usefixtures("without_plots")
def test_a_run_that_does_not_add_up_says_so(run: Run) -> None:
    odd = replace(run, accounting=Accounting(100, 90, 0, {"downlink": 5}))
    assert "this does not add up" in render_report(odd, summarize(odd))


def test_the_run_can_be_made_again_from_what_is_told(page: Page, run: Run) -> None:
    text = " ".join(page.text.split())
    assert "rehearse simulate hand-made" in text
    assert "hand-made, seed 7" in text
    assert "40.0 × real time" in text
    assert "238 MiB" in text
    assert "numpy" in text


def test_calls_are_told_by_access_link_with_their_parts(page: Page, run: Run) -> None:
    calls = read_calls(run)
    text = " ".join(page.text.split())
    assert f"{len(calls)} calls, 1 never answered." in text
    rows = {row[0]: row for row in page.rows if len(row) == 11}
    assert rows["Access link"][1:6] == ["Calls", "Never answered", "p50", "p95", "p99"]
    assert rows["Access link"][6:] == ["Signalling", "Key frame", "Uplink", "Fan-out", "Playout"]
    satellites = [c for c in calls if c.endpoint["access"] == "satellite"]
    assert rows["Satellite"][1:3] == [str(len(satellites)), "1"]
    assert rows["Satellite"][4:6] == ["never", "never"]
    medians = median_parts(calls)
    assert medians is not None
    assert rows["All"][6:] == [format_value(part, "s") for part in medians[:-1]]
    ((silent, why),) = unanswered(run)
    assert f"1: {why}." in text
    (told,) = (row for row in page.rows if row[1:] == [format_clock(silent.time), why])
    assert told[0].startswith(f"{silent.endpoint['name']} {silent.endpoint['site']} · ")


def test_who_had_audio_alone_is_told_with_estimate_and_capacity(page: Page, run: Run) -> None:
    deprived = audio_only_endpoints(run)
    text = " ".join(page.text.split())
    assert f"{len(deprived)} endpoints were sent no picture" in text
    # A dead node forwards none either, whatever it took the link for.
    assert "no picture had reached the node, or there was no connection to it." in text
    found = [row for row in page.rows if row[0].startswith(deprived[0].row["name"])]
    expected = [
        format_value(deprived[0].share, "ratio"),
        format_value(deprived[0].estimate, "bit/s"),
        format_value(deprived[0].capacity, "bit/s"),
        deprived[0].reason,
    ]
    assert expected in [row[1:] for row in found]


@pytest.mark.usefixtures("without_plots")
def test_where_not_even_the_voice_fits_is_told_among_the_limits(run: Run) -> None:
    site = audio_only_endpoints(run)[0].row

    def told(capacity: float) -> str:
        rows = [
            row | {"capacity": capacity if row["site"] == site["site"] else 1e6}
            for row in run.tables["samples"].to_pylist()
        ]
        schema = run.tables["samples"].schema
        thin = replace(run, tables={**run.tables, "samples": pa.Table.from_pylist(rows, schema)})
        return " ".join(Page(render_report(thin, summarize(thin))).text.split())

    assert "ot even the voice" not in told(60e3)
    text = told(32e3)
    assert (
        "Not even the voice, 52.0 kb/s while it talks, fitted these links at the end of some "
        f"intervals: {site['name']} ({site['site']}, downlink, 100 % of its intervals)." in text
    )
    assert "not even the voice fits the link: it takes 52.0 kb/s" in text


@pytest.mark.usefixtures("without_plots")
def test_one_endpoint_is_singular(run: Run) -> None:
    summary = summarize(run)
    worst = {
        "endpoints": [],
        "groups": [row | {"endpoints": 1} for row in summary["worst"]["groups"]],
    }
    joining = summary["joining"] | {"count": 1}
    page = Page(render_report(run, summary | {"endpoints": 1, "worst": worst, "joining": joining}))
    text = " ".join(page.text.split())
    assert "1 endpoint, 60 s, simulated" in text
    assert "p99 of 1 endpoint; " in text
    assert any("access · 1 endpoint" in row[0] for row in page.rows if row)
    assert "access · 1 endpoints" not in text


@pytest.mark.usefixtures("without_plots")
def test_nobody_called_and_nobody_deprived_is_said_too(run: Run) -> None:
    layers = pa.array(["high"] * len(run.tables["samples"])).dictionary_encode()
    samples = run.tables["samples"]
    index = samples.schema.get_field_index("layer")
    field = samples.schema.field("layer")
    samples = samples.set_column(index, field, layers.cast(field.type))
    calls = TABLES["calls"].empty_table()
    fine = replace(run, tables={**run.tables, "samples": samples, "calls": calls})
    page = Page(render_report(fine, summarize(fine)))
    assert "Nobody: every endpoint was being sent a picture" in " ".join(page.text.split())
    assert "floor" not in page.ids


def test_the_congestion_controls_profile_is_named(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "congestion control: Google Congestion Control, profile libwebrtc" in text


@pytest.mark.usefixtures("without_plots")
def test_a_threshold_that_was_never_met_says_never() -> None:
    run = make_run(make_scenario(thresholds={"time_to_floor": ["max < 9s"]}))
    page = Page(render_report(run, summarize(run)))
    assert "max is never, must be max < 9s" in " ".join(page.text.split())
    assert ["✗ fail", "Time to floor", "max < 9s", "never", ""] in page.rows


@pytest.mark.usefixtures("without_plots")
def test_no_thresholds_no_worst_no_cost() -> None:
    """What may be missing is said, not left blank."""
    run = make_run(make_scenario(thresholds={}))
    tables = {name: schema.empty_table() for name, schema in TABLES.items()}
    tables["endpoints"] = run.tables["endpoints"]
    run = replace(run, tables=tables, cost=Cost(0.0, 0, 0, 0), accounting=Accounting(0, 0, 0, {}))
    page = Page(render_report(run, summarize(run)))
    text = " ".join(page.text.split())
    assert "? Inconclusive" in text
    assert "The scenario has no thresholds, so there is nothing to pass." in text
    assert "no data" in text
    assert "nan" not in text.lower().split()
    assert "None" not in text


def test_a_run_without_data_has_a_whole_report(run: Run) -> None:
    tables = {name: schema.empty_table() for name, schema in TABLES.items()}
    empty = replace(run, tables={**tables, "endpoints": run.tables["endpoints"]})
    page = Page(render_report(empty, summarize(empty)))
    assert page.open == []
    assert "was measured in this run." in page.text


@pytest.mark.usefixtures("without_plots")
def test_it_is_written_whole_or_not_at_all(
    run: Run, summary: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("before", encoding="utf-8")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            write_report(run, summary, path)
    assert path.read_text(encoding="utf-8") == "before"
    write_report(run, summary, path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.usefixtures("without_plots")
def test_where_it_cannot_be_written_its_own_name_is_told(
    run: Run, summary: dict[str, Any], tmp_path: Path
) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "report.html"):
        with pytest.raises(OSError, match="directory") as error:
            write_report(run, summary, path)
        assert error.value.filename == str(path)
        assert error.value.filename2 is None
    assert list(tmp_path.iterdir()) == []


def test_the_same_run_gives_the_same_page(run: Run, summary: dict[str, Any], html: str) -> None:
    assert render_report(run, summary, describe(run)) == html


def test_it_stays_small(html: str) -> None:
    assert len(html.encode()) < 1_000_000
