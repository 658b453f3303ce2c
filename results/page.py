"""Pages: HTML that refers to nothing outside itself, in the report's style."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from results.quantities import format_endpoints

HERE = Path(__file__).parent
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def render(template: str, **names: object) -> str:
    """The page that ``template``, a file beside this one, makes of ``names``."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        # The template's name ends in .j2, by which jinja2 would not know it for HTML.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (HERE / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        script=Markup(script),  # noqa: S704 - our own
        script_hash=f"sha256-{digest}",
        marks=MARKS,
        endpoints=format_endpoints,
        **names,
    )
