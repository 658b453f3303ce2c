"""Every plot: that it draws and says so where there is nothing, and how it is saved."""

import csv
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.font_manager as fonts
import pyarrow as pa
import pytest
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import scenarios
from results.plots import PLOTS, save_plot
from results.plots.plot import SUFFIXES
from results.plots.style import LONGEST_LABEL, clean, colours, styled
from results.records import TABLES, Run
from scenarios.meeting import COMMAND_CENTRE
from tests.results.sample_run import make_run, make_scenario

CASES = [(name, metric) for name, plot in PLOTS.items() for metric in plot.metrics or (None,)]
LIBRARY = Path(scenarios.__file__).parent / "library"


def texts(svg: bytes) -> list[str]:
    nodes = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own
    return ["".join(node.itertext()) for node in nodes]


def written(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def drawn_texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Bbox]]:
    """What is written on ``figure`` and where, ticks beyond the axes' limits left out."""
    found = []
    draw = Text.draw

    def record(text: Text, renderer: RendererBase) -> None:
        if text.get_visible() and text.get_text().strip():
            found.append((text.get_text(), text.get_window_extent(renderer)))
        draw(text, renderer)

    with styled():
        canvas = FigureCanvasAgg(figure)
        monkeypatch.setattr(Text, "draw", record)
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib has no type for it
    return found


@pytest.fixture(scope="module")
def empty(run: Run) -> Run:
    """Endpoints that received nothing, on links that nobody measured."""
    endpoints = run.tables["endpoints"]
    for index, field in enumerate(endpoints.schema):
        if field.name.startswith("budget_"):
            nulls = [None] * len(endpoints)
            endpoints = endpoints.set_column(index, field, pa.array(nulls, field.type))
    tables = {name: schema.empty_table() for name, schema in TABLES.items()}
    return replace(run, tables={**tables, "endpoints": endpoints})


@pytest.fixture(scope="module")
def crowded() -> Run:
    """A run in which the floor changes hands every 3 s, between sites with the longest names."""
    sites = ["p77", "p79", "p87", "command-centre"]
    floor = [{"at": f"{3 * i}s", "site": sites[i % 4]} for i in range(20)]
    floor[0]["site"] = "command-centre"
    return make_run(make_scenario(meeting={"floor": floor}))


@pytest.mark.parametrize(("name", "metric"), CASES)
def test_each_plot_draws_each_of_its_metrics(run: Run, name: str, metric: str | None) -> None:
    plot = PLOTS[name]
    found = written(plot.figure(run, metric))
    title = clean(plot.headline(run, metric), 200)
    assert title in " ".join(" ".join(found).split())
    assert not [text for text in found if text.startswith("No ")]


@pytest.mark.parametrize(("name", "metric"), CASES)
def test_a_run_without_data_is_a_sentence(empty: Run, name: str, metric: str | None) -> None:
    found = written(PLOTS[name].figure(empty, metric))
    assert [text for text in found if text.startswith("No ") and text.endswith("in this run.")]


@pytest.mark.parametrize("name", PLOTS)
def test_no_two_texts_overlap(
    run: Run, crowded: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (run, crowded):
        found = drawn_texts(PLOTS[name].figure(each), monkeypatch)
        assert len(found) > 10
        page = Bbox.from_bounds(0, 0, *(PLOTS[name].size[i] * 100 for i in range(2)))
        for i, (text, box) in enumerate(found):
            assert page.x0 - 1 <= box.x0, f"{text!r} leaves the page"
            assert box.x1 <= page.x1 + 1, f"{text!r} leaves the page"
            for other, another in found[:i]:
                # A pixel of the boxes' empty margins is no overlap.
                inner = Bbox.from_extents(box.x0 + 1, box.y0 + 1, box.x1 - 1, box.y1 - 1)
                assert not inner.overlaps(another), f"{text!r} lies on {other!r}"


@pytest.mark.parametrize("name", PLOTS)
def test_svg_is_the_same_every_time_and_undated(run: Run, name: str) -> None:
    first, second = (PLOTS[name].render(run, ".svg") for _ in range(2))
    assert first == second
    assert b"<dc:date>" not in first


def test_a_users_own_settings_change_nothing(run: Run) -> None:
    expected = PLOTS["delay-cdf"].render(run, ".svg")
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert PLOTS["delay-cdf"].render(run, ".svg") == expected


def test_titles_name_the_metric() -> None:
    assert PLOTS["delay-over-time"].title == "One-way delay over the meeting"
    assert PLOTS["province-map"].title_for("audio_mos") == "Audio MOS by province, on the map"
    assert PLOTS["delay-budget"].title == "Where the delay comes from"


def test_captions_tell_of_how_many_endpoints_the_run_was(run: Run) -> None:
    # The scenario's title may name more than were played.
    of_some = replace(run, scenario=make_scenario(title="Calls 180 of 2,594 endpoints"))
    played = "Calls 180 of 2,594 endpoints (simulated, 60 endpoints, 60 s, seed 7)."
    assert any(text.endswith(played) for text in texts(PLOTS["layers"].render(of_some, ".svg")))
    alone = [row["site"] in ("p79", COMMAND_CENTRE) for row in run.tables["endpoints"].to_pylist()]
    one = run.tables["endpoints"].filter(pa.array(alone))
    small = replace(run, tables={**run.tables, "endpoints": one})
    figure = PLOTS["layers"].figure(small)
    assert any("(simulated, 1 endpoint, 60 s, seed 7)." in text for text in written(figure))


def test_svg_holds_names_as_text(run: Run) -> None:
    found = texts(PLOTS["province-heatmap"].render(run, ".svg"))
    assert any(text.startswith("Bà Rịa - Vũng Tàu (") for text in found)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_plot_is_laid_out_and_drawn_once(
    run: Run, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = PLOTS["delay-cdf"].figure(run)
    figure.draw_without_rendering()
    (laid_out,) = figure.axes
    drawn = list[Axes]()
    draw = Axes.draw

    def note(ax: Axes, renderer: RendererBase) -> None:
        drawn.append(ax)
        draw(ax, renderer)

    monkeypatch.setattr(Axes, "draw", note)
    PLOTS["delay-cdf"].render(run, suffix)
    (ax,) = drawn
    assert ax.get_position().bounds == pytest.approx(laid_out.get_position().bounds, abs=0.02)


def test_png_has_the_size_that_the_plot_asks_for(run: Run, tmp_path: Path) -> None:
    save_plot(run, "delay-cdf", tmp_path / "plot.PNG")
    height, width, _ = imread(tmp_path / "plot.PNG", format="png").shape
    assert (width, height) == tuple(160 * side for side in PLOTS["delay-cdf"].size)
    assert [path.name for path in tmp_path.iterdir()] == ["plot.PNG"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ("delay-cfd", "a.png", None),
            "no plot is called 'delay-cfd'; did you mean delay-cdf? (there are freezes, ",
        ),
        (("delay-cdf", "a.pdf", None), "a plot is saved as .png or .svg, not as '.pdf'"),
        (("delay-cdf", "a", None), "a plot is saved as .png or .svg, not as ''"),
        (
            ("province-map", "a.png", "packet_los"),
            "no metric of plot province-map is called 'packet_los'; did you mean packet_loss?",
        ),
        (("delay-budget", "a.svg", "jitter"), "plot delay-budget shows no metric"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    run: Run, tmp_path: Path, asked: tuple[str, str, str | None], message: str
) -> None:
    name, file, metric = asked
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        save_plot(run, name, tmp_path / file, metric)
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_leaves_nothing(run: Run, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_plot(run, "delay-cdf", tmp_path / "no" / "plot.png")


def _names() -> Iterator[str]:
    for file, column in (
        ("southern_provinces.csv", "province"),
        ("southern_endpoints.csv", "province"),
        ("southern_endpoints.csv", "name"),
        ("southern_endpoints.csv", "district"),
    ):
        with (LIBRARY / file).open(encoding="utf-8") as lines:
            yield from (row[column] for row in csv.DictReader(lines))


def test_the_font_has_every_letter_of_every_site() -> None:
    with styled():
        path = fonts.findfont(fonts.FontProperties(family=mpl.rcParams["font.family"]))
    assert Path(path).name == "DejaVuSans.ttf"
    glyphs = fonts.get_font(path).get_charmap()
    letters = {letter for name in _names() for letter in clean(name)}
    assert "ữ" in letters
    assert not [letter for letter in letters if ord(letter) not in glyphs]


def test_labels_are_one_short_line_of_composed_letters() -> None:
    assert clean(unicodedata.normalize("NFD", "Cà Mau")) == "Cà Mau"
    assert clean("a\n\x00 b\t\u202ec") == "a b c"
    assert clean("x" * 99) == "x" * (LONGEST_LABEL - 1) + "…"


def test_a_dollar_in_a_name_is_no_formula(run: Run) -> None:
    odd = r"$\frac{1}$ & <b>"
    scenario = run.scenario.model_copy(update={"title": odd})
    found = texts(PLOTS["delay-over-time"].render(replace(run, scenario=scenario), ".svg"))
    assert any(odd in text for text in found)


def test_kinds_and_carriers_have_colours_of_their_own(run: Run) -> None:
    both = [*colours(run, "access").values(), *colours(run, "carrier").values()]
    assert len(set(both)) == len(both) == 6
