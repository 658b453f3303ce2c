"""Sphinx's settings."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs.generate import draw_plots, generate  # noqa: E402  # found by the path above

generate()
draw_plots()

project = "Rehearsal"
copyright = "The Rehearsal contributors"  # Sphinx's name
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Rehearsal"
html_static_path: list[str] = []
html_show_sphinx = False
html_copy_source = False
html_theme_options: dict[str, object] = {"top_of_page_buttons": []}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
