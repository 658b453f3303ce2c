"""The tab that Locust's web UI gains: what the endpoints measured in the last interval."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from scenarios.metrics import METRICS

Rows = list[dict[str, object]]

_UNITS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "s": ((1, "s"), (1e-3, "ms")),
    "bit/s": ((1e6, "Mbit/s"), (1e3, "kbit/s"), (1, "bit/s")),
    "ratio": ((1e-2, "%"),),
}
"""Units to show values in, the largest first, by the unit that they are kept in."""


def install(web_ui: Any, rows: Callable[[], Rows]) -> None:
    """Add the tab, and what ``rows`` gives to what the page asks for."""
    web_ui.template_args |= {
        "extended_tabs": [{"title": "Media", "key": "media"}],
        "extended_tables": [
            {
                "key": "media",
                "structure": [
                    {"key": "metric", "title": "Last interval, mean over endpoints"},
                    {"key": "value", "title": "Value"},
                ],
            }
        ],
        "extended_csv_files": [],
    }

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def extend(response: Any) -> Any:
        from flask import request  # noqa: PLC0415

        if request.path == "/stats/requests" and response.is_json:
            body = {**response.json, "extended_stats": [{"key": "media", "data": rows()}]}
            response.set_data(json.dumps(body))
        return response


def media_rows(joined: str, played: str, latest: Mapping[str, float]) -> Rows:
    """A row for who is there, one for how far the meeting is, and one for each metric of
    ``latest``, those of the generator last."""
    rows: Rows = [{"metric": "Joined", "value": joined}, {"metric": "Played", "value": played}]
    names = sorted(latest, key=lambda name: (name.startswith("generator"), name))
    return rows + [{"metric": _label(name), "value": _shown(name, latest[name])} for name in names]


def _split(name: str) -> tuple[str, str]:
    """A metric's name, and which aggregate of it: `one_way_delay_p95` is one of packets."""
    base, _, aggregate = name.rpartition("_")
    return (base, aggregate) if base in METRICS and name not in METRICS else (name, "")


def _label(name: str) -> str:
    base, aggregate = _split(name)
    words = base.replace("_", " ").replace("mos", "MOS").replace("cpu", "CPU")
    label = words[0].upper() + words[1:]
    return f"{label}, {aggregate}" if aggregate else label


def _shown(name: str, value: float) -> str:
    base = _split(name)[0]
    unit = METRICS[base].unit if base in METRICS else ""
    scales = _UNITS.get(unit)
    if scales is None:
        return f"{value:.3g}" if unit == "score" else f"{value:,.0f}"
    scale, shown = next((row for row in scales if abs(value) >= row[0]), scales[-1])
    return f"{value / scale:.3g} {shown}"
