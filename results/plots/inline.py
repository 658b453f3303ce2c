"""Plots inside a page: SVG that takes on the page's colours, or a PNG where an SVG would be big."""

import base64
import re

from results.plots.plot import Plot
from results.plots.style import THEMED
from results.records import Run

LARGEST_SVG = 500_000
"""Bytes beyond which a plot goes in as a PNG."""

_HEAD = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
# A style element inside an inline SVG would hold for the whole page.
_STYLE = re.compile(r"<defs>\s*<style\b.*?</style>\s*</defs>\s*", re.DOTALL)
_NAMESPACES = re.compile(r'\sxmlns(?::\w+)?="[^"]*"')
_SIZE = re.compile(r'(<svg\b[^>]*?)\swidth="[^"]*"\sheight="[^"]*"')
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_REFERENCE = re.compile(r'(\bid="|url\(#|href="#)')


def inline_plot(
    plot: Plot, run: Run, key: str, metric: str | None = None, site: str | None = None
) -> str:
    """The plot as markup for an HTML page, without title or caption.

    ``key`` is a word that no other plot of the page has: it keeps their identifiers apart. Colours
    that follow the page's theme (THEMED) become its CSS variables: --ink, --grid, …
    """
    svg = plot.render(run, ".svg", metric, site, titled=False, salt=key).decode()
    if len(svg) > LARGEST_SVG:
        png = base64.b64encode(plot.render(run, ".png", metric, site, titled=False)).decode()
        return f'<img class="plot" alt="" src="data:image/png;base64,{png}">'
    svg = _HEAD.sub("", svg)
    svg = _STYLE.sub("", _METADATA.sub("", svg))
    svg = _SIZE.sub(r'\1 class="plot" role="img"', svg, count=1)
    return _TAG.sub(lambda tag: _adapt(tag[0], key), svg)


def _adapt(tag: str, key: str) -> str:
    """A tag with the page's colours and identifiers of its own; text between tags is left alone."""
    tag = _REFERENCE.sub(rf"\g<1>{key}-", _NAMESPACES.sub("", tag))
    for colour, name in THEMED.items():
        tag = tag.replace(colour, f"var(--{name})")
    return tag
