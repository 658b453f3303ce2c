"""A plot: what it is called, what it shows, how it is drawn and saved."""

import difflib
import io
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from results.plots.style import MUTED, clean, styled, wrap
from results.quantities import format_span, label_of
from results.records import Run

SUFFIXES = (".png", ".svg")
CAPTION_SIZE = 7.5
LONGEST_TITLE = 200


@dataclass(frozen=True)
class Plot:
    """One way to look at a run."""

    name: str
    heading: str
    """Its title, with {metric} where the metric's name goes."""
    description: str
    """What it shows and how to read it: the caption."""
    draw: Callable[..., None]
    """Draws a run: `draw(run, ax)`, or `draw(run, figure)` where `faceted`; and `metric=…` where
    `metrics` are listed."""
    size: tuple[float, float]
    """Width and height in inches."""
    metrics: tuple[str, ...] = ()
    """Metrics that it can show, its own choice first; empty: it shows no metric in particular."""
    faceted: bool = False
    """Whether it draws on a figure rather than on one axes."""

    @property
    def title(self) -> str:
        """The title with its own choice of metric."""
        return self.title_for(self.metrics[0] if self.metrics else None)

    def title_for(self, metric: str | None) -> str:
        """The title of the plot when it shows ``metric``."""
        text = self.heading.format(metric=label_of(metric, inside=True) if metric else "")
        return text[0].upper() + text[1:]

    def figure(self, run: Run, metric: str | None = None, *, titled: bool = True) -> Figure:
        """The plot of ``run`` as a figure; ``titled`` adds title and caption.

        Raises:
            ValueError: the metric is none that the plot shows.
        """
        shown = self.choose_metric(metric)
        options = {"metric": shown} if shown else {}
        with styled():
            figure = Figure(figsize=self.size)
            if titled:
                self._add_titles(figure, run, shown)
            self.draw(run, figure if self.faceted else figure.add_subplot(), **options)
        return figure

    def render(
        self,
        run: Run,
        suffix: str,
        metric: str | None = None,
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
        figure = self.figure(run, metric, titled=titled)
        buffer = io.BytesIO()
        metadata = {"Date": None} if suffix == ".svg" else {}
        with styled():
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

    def _add_titles(self, figure: Figure, run: Run, metric: str | None) -> None:
        scenario = run.scenario
        figure.suptitle(self.title_for(metric), x=0.012, ha="left")
        played = f"{run.mode}, {format_span(run.duration_s)}, seed {scenario.seed}"
        caption = f"{self.description}\n{clean(scenario.title, LONGEST_TITLE)} ({played})."
        caption = wrap(caption, figure.get_figwidth() * 72 * 0.97, CAPTION_SIZE)
        figure.supxlabel(caption, x=0.012, ha="left", fontsize=CAPTION_SIZE, color=MUTED)


def choose(noun: str, name: str, choices: Collection[str]) -> str:
    """``name`` if it is one of ``choices``.

    Raises:
        ValueError: it is none; the message names the nearest.
    """
    if name in choices:
        return name
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"no {noun} is called {name!r}{hint} (there are {', '.join(choices)})")


def write(content: bytes, path: Path) -> None:
    """Put ``content`` at ``path``, whole or not at all."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
