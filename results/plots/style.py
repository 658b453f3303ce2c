"""What plots have in common: colours, names, ticks, and the sentence where data is missing."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from results.quantities import Scale, format_number, scale_for
from results.records import Run
from scenarios.metrics import Unit

STYLE_SHEET = Path(__file__).parent.parent / "plots.mplstyle"

INK = "#1b2530"
MUTED = "#5c6873"
GRID = "#d8dee4"
SURFACE = "#fdfdfd"
BLUE = "#0072b2"
RED = "#b5391f"
ORANGE = "#d55e00"
THEMED = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    SURFACE: "surface",
    # Data, but too dark for a dark page.
    BLUE: "blue",
    RED: "red",
    "#882255": "wine",
    "#332288": "indigo",
}
"""Names of the colours that a page with a dark theme sets anew; the first four are in the style
sheet too."""

# Okabe and Ito (2008), without black, which is ink, and yellow, which no white page shows.
_ACCESS = (BLUE, "#e69f00", "#d55e00", "#cc79a7", "#009e73", "#56b4e9")
# Other hues than access kinds have: teal, wine, sand, indigo (Tol, 2021, muted scheme).
_CARRIERS = ("#44aa99", "#882255", "#999933", "#332288")
LINE_STYLES: Sequence[str | tuple[int, tuple[float, ...]]] = (
    "-",
    (0, (5, 1.5)),
    (0, (3, 1, 1, 1)),
    (0, (1.2, 1.2)),
    (0, (7, 1.5, 1.5, 1.5)),
    (0, (5, 1, 1, 1, 1, 1)),
)
"""A second difference beside colour, for those who see none and for print."""

LONGEST_LABEL = 40
LONGEST_KEY = 20
"""Of a label that shares its line with others: in a legend, above a panel."""
HINTING = 1.1
"""How much wider than its outlines a small text may come out on a screen."""


@contextmanager
def styled() -> Iterator[None]:
    """The style sheet on top of matplotlib's defaults, whatever the user's own settings are."""
    with mpl.rc_context(mpl.rcParamsDefault):
        mpl.rcParams.update(mpl.rc_params_from_file(STYLE_SHEET, use_default_template=False))
        yield


def settle_layout(figure: Figure) -> None:
    """Put axes where they go beside their texts, as a draw would do first: for who has to know."""
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        engine.execute(figure)


def colours(run: Run, attribute: str) -> dict[str, str]:
    """A colour for each of the scenario's access kinds or carriers, in every plot the same."""
    names, palette = {
        "access": (list(run.scenario.access), _ACCESS),
        "carrier": (list(run.scenario.carriers), _CARRIERS),
    }[attribute]
    return {name: palette[i % len(palette)] for i, name in enumerate(names)}


def label_for(run: Run, attribute: str, value: str) -> str:
    """How a value of ``attribute`` is written: the scenario's label for it, where it has one.

    Plots clean it first; a page can take it as it is.
    """
    scenario = run.scenario
    kinds = {name: profile.label for name, profile in scenario.access.items()}
    labels = {
        "access": kinds,
        "backup": {**kinds, "": "none"},
        "carrier": {name: carrier.label for name, carrier in scenario.carriers.items()},
    }
    return labels.get(attribute, {}).get(value, value)


def clean(text: str, longest: int = LONGEST_LABEL) -> str:
    """``text`` as a label: composed letters, one line, no control characters, not too long."""
    composed = unicodedata.normalize("NFC", text)
    line = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in composed)
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def text_width(text: str, size: float) -> float:
    """Width of ``text`` in points, before any hinting."""
    font = get_font(findfont("DejaVu Sans"))
    font.set_size(size, 72)
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64  # FreeType counts in 64ths


def wrap(text: str, width: float, size: float) -> str:
    """``text`` in lines of at most ``width`` points.

    Artists can wrap themselves, but take a dollar sign for mathematics when they do.
    """
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, size) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def say_no_data(ax: Axes, sentence: str) -> None:
    """Leave ``ax`` empty but for a sentence that says why."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center", color=MUTED)


def value_axis(ax: Axes, which: str, unit: Unit, values: NDArray[np.float64]) -> Scale:
    """The scale for an axis that shows ``values``, all of them in one unit."""
    finite = values[np.isfinite(values)]
    scale = scale_for(unit, float(np.abs(finite).max()) if len(finite) else 0.0)
    axis = getattr(ax, f"{which}axis")
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    return scale


def plain(value: float) -> str:
    """A tick's number: no exponent, no needless zeros."""
    if value == 0:
        return "0"
    text = format_number(value, 3 if abs(value) < 1000 else 4)
    return text.rstrip("0").rstrip(".") if "." in text else text


def log_axis(ax: Axes, which: str, subs: Sequence[float] = (1.0, 2.0, 5.0)) -> None:
    """Make an axis logarithmic with plain numbers at ``subs`` times each power of ten."""
    getattr(ax, f"set_{which}scale")("log")
    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def time_axis(ax: Axes, duration_s: float) -> float:
    """Make ``ax``'s x axis the meeting's time; returns the factor from seconds to its unit."""
    factor, unit = (1 / 60, "min") if duration_s >= 300 else (1.0, "s")
    ax.set_xlim(0, duration_s * factor)
    ax.set_xlabel(f"Time in the meeting ({unit})")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10], integer=True))
    return factor


def held(times: NDArray[np.float64], length: float | None, run: Run) -> NDArray[np.float64]:
    """(2T,) beginning and end of each stretch, for all of which its value holds.

    A stretch lasts for ``length`` seconds; None: until the next one begins.
    """
    ends = np.append(times[1:], run.duration_s) if length is None else times + length
    return np.column_stack([times, np.minimum(ends, run.duration_s)]).ravel()


def axis_title(name: str, scale: Scale) -> str:
    """A name with its unit."""
    return f"{name} ({scale.symbol})" if scale.symbol else name
