"""What axes hold: lines, bars and legends."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray


def line(ax: Axes, label: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of the line whose label begins with ``label``."""
    (found,) = [each for each in ax.lines if str(each.get_label()).startswith(label)]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def beginning(line: Line2D) -> tuple[float, float]:
    """x and y of a line's first point."""
    return np.asarray(line.get_xdata())[0], np.asarray(line.get_ydata())[0]


def bars(ax: Axes) -> list[Rectangle]:
    """All patches, each of which must be a bar."""
    found = [each for each in ax.patches if isinstance(each, Rectangle)]
    assert len(found) == len(ax.patches)
    return found


def legend(ax: Axes) -> list[str]:
    """The legend's labels."""
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]
