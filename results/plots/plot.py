"""A plot: what it is called, what it shows, how it is drawn and saved."""

import difflib
import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pyarrow.compute as pc
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from results.plots.style import MUTED, clean, label_for, settle_layout, styled, wrap
from results.quantities import format_endpoints, format_span, label_of
from results.records import Run

CANVASES: Mapping[str, type[FigureCanvasBase]] = {
    ".png": FigureCanvasAgg,
    ".svg": FigureCanvasSVG,
}
SUFFIXES = tuple(CANVASES)
CAPTION_SIZE = 7.5
LONGEST_TITLE = 200
BOLD = 1.15
"""How much wider than others bold letters are."""


@dataclass(frozen=True)
class Plot:
    """One way to look at a run."""

    name: str
    heading: str
    """Its title, with {metric} where the metric's name goes."""
    description: str
    """What it shows and how to read it: the caption."""
    draw: Callable[..., None]
    """Draws a run: `draw(run, ax)`, or `draw(run, figure)` where `faceted`; with `metric=…` where
    `metrics` are listed, with `site=…` where it shows one site."""
    size: tuple[float, float]
    """Width and height in inches."""
    metrics: tuple[str, ...] = ()
    """Metrics that it can show, its own choice first; empty: it shows no metric in particular."""
    faceted: bool = False
    """Whether it draws on a figure rather than on one axes."""
    note: Callable[[Run, str | None], str] | None = None
    """What the caption says beyond the description, of this run and metric."""
    pick_site: Callable[[Run], str] | None = None
    """Its own choice of a site; None: it shows no site in particular."""

    @property
    def title(self) -> str:
        """The title with its own choice of metric."""
        return self.title_for(self.metrics[0] if self.metrics else None)

    def title_for(self, metric: str | None) -> str:
        """The title of the plot when it shows ``metric``."""
        text = self.heading.format(metric=label_of(metric, inside=True) if metric else "")
        return text[0].upper() + text[1:]

    def headline(self, run: Run, metric: str | None = None, site: str | None = None) -> str:
        """The title, with the site that it shows.

        Raises:
            ValueError: as for ``figure``.
        """
        title, shown = self.title_for(self.choose_metric(metric)), self.choose_site(run, site)
        return f"{title}: {describe_site(run, shown)}" if shown else title

    def caption(self, run: Run, metric: str | None = None) -> str:
        """What the plot of ``run`` shows and how to read it.

        Raises:
            ValueError: as for ``figure``.
        """
        note = self.note(run, self.choose_metric(metric)) if self.note else ""
        return f"{self.description} {note}".rstrip()

    def figure(
        self,
        run: Run,
        metric: str | None = None,
        site: str | None = None,
        *,
        titled: bool = True,
    ) -> Figure:
        """The plot of ``run`` as a figure; ``titled`` adds title and caption.

        Raises:
            ValueError: the metric is none that the plot shows, or the site is none of the run.
        """
        chosen = {"metric": self.choose_metric(metric), "site": self.choose_site(run, site)}
        options = {name: value for name, value in chosen.items() if value is not None}
        with styled():
            figure = Figure(figsize=self.size)
            if titled:
                self._add_titles(figure, run, **chosen)
            self.draw(run, figure if self.faceted else figure.add_subplot(), **options)
        return figure

    def render(
        self,
        run: Run,
        suffix: str,
        metric: str | None = None,
        site: str | None = None,
        *,
        titled: bool = True,
        salt: str = "",
    ) -> bytes:
        """The plot as a PNG or SVG file: the same bytes for the same run.

        ``salt`` sets identifiers in an SVG apart from those of others in the same page.

        Raises:
            ValueError: as for ``figure``, or the suffix is neither of the two.
        """
        if suffix not in SUFFIXES:
            raise ValueError(f"a plot is saved as {' or '.join(SUFFIXES)}, not as {suffix!r}")
        figure = self.figure(run, metric, site, titled=titled)
        buffer = io.BytesIO()
        metadata = {"Date": None} if suffix == ".svg" else {}
        with styled():
            CANVASES[suffix](figure)
            figure.dpi = mpl.rcParams["savefig.dpi"]
            settle_layout(figure)
            # With an engine it would be drawn once more, for the layout alone.
            mpl.rcParams["figure.constrained_layout.use"] = False
            figure.set_layout_engine(None)
            mpl.rcParams["svg.hashsalt"] = f"rehearsal {self.name} {salt}"
            figure.savefig(buffer, format=suffix[1:], metadata=metadata, transparent=not titled)
        return buffer.getvalue()

    def choose_metric(self, metric: str | None) -> str | None:
        """``metric``, or the plot's own choice; None where it shows no metric in particular.

        Raises:
            ValueError: the metric is none that the plot shows.
        """
        if metric is None:
            return self.metrics[0] if self.metrics else None
        if not self.metrics:
            raise ValueError(f"plot {self.name} shows no metric that could be chosen")
        return choose(f"metric of plot {self.name}", metric, self.metrics)

    def choose_site(self, run: Run, site: str | None) -> str | None:
        """``site``, or the plot's own choice; None where it shows no site in particular.

        Raises:
            ValueError: there is no such site in the run, or the plot shows none in particular.
        """
        if self.pick_site is None:
            if site is None:
                return None
            raise ValueError(f"plot {self.name} shows no site that could be chosen")
        if site is None:
            return self.pick_site(run)
        sites = run.tables["endpoints"]["site"].to_pylist()
        if site not in sites:
            raise ValueError(f"no site of the run is called {site!r}{_near(site, sites)}")
        return site

    def _add_titles(self, figure: Figure, run: Run, metric: str | None, site: str | None) -> None:
        scenario = run.scenario
        title = clean(self.headline(run, metric, site), LONGEST_TITLE)
        size = FontProperties(size=mpl.rcParams["figure.titlesize"]).get_size_in_points()
        title = wrap(title, figure.get_figwidth() * 72 * 0.97 / BOLD, size)
        figure.suptitle(title, x=0.012, ha="left")
        # The title may tell of more endpoints than this run was of.
        number = format_endpoints(run.endpoints)
        played = f"{run.mode}, {number}, {format_span(run.duration_s)}, seed {scenario.seed}"
        caption = f"{self.caption(run, metric)}\n{clean(scenario.title, LONGEST_TITLE)} ({played})."
        caption = wrap(caption, figure.get_figwidth() * 72 * 0.97, CAPTION_SIZE)
        figure.supxlabel(caption, x=0.012, ha="left", fontsize=CAPTION_SIZE, color=MUTED)


def choose(noun: str, name: str, choices: Collection[str]) -> str:
    """``name`` if it is one of ``choices``.

    Raises:
        ValueError: it is none; the message names the nearest.
    """
    if name in choices:
        return name
    there = ", ".join(choices)
    raise ValueError(f"no {noun} is called {name!r}{_near(name, choices)} (there are {there})")


def describe_site(run: Run, site: str) -> str:
    """A site's name with its province and its links: `Xã Tân Ân (c26740), Cà Mau, 4G, VNPT`."""
    table = run.tables["endpoints"]
    (row,) = table.filter(pc.equal(table["site"], site)).to_pylist()
    links = [label_for(run, key, row[key]) for key in ("access", "carrier") if row[key]]
    parts = [f"{row['name'] or site} ({site})", row["province"], *links]
    return ", ".join(part for part in parts if part)


def _near(name: str, choices: Collection[str]) -> str:
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def write(content: bytes, path: Path) -> None:
    """Put ``content`` at ``path``, whole or not at all."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        error.filename, error.filename2 = str(path), None  # the draft is nobody's business
        raise
