"""Makes the reference's pages from the code: `python -m docs.generate`.

Sphinx calls it before every build, so that the reference says what the code does.
"""

import ast
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from docs import scenario_keys
from docs.markdown import code, one_line, table
from rehearse.main import app
from results import records, store
from results.plots import PLOTS, save_plot
from results.quantities import format_span
from scenarios.library import list_library
from scenarios.loading import load_scenario
from scenarios.metrics import METRICS, SELECTORS
from scenarios.thresholds import OPERATORS
from simulations import simulate
from simulations.trace import PLACES

GENERATED = Path(__file__).parent / "reference" / "generated"
NOTE = "<!-- Made by docs/generate.py from the code: edit that. -->\n"


def generate(folder: Path = GENERATED) -> list[Path]:
    """Write all pages to ``folder``, and name them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, page in PAGES.items():
        path = folder / f"{name}.md"
        text = f"{NOTE}\n{page().rstrip()}\n"
        # What is as it was keeps its time, so that Sphinx reads it once.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


# ---------------------------------------------------------------- commands


def commands_page() -> str:
    """Every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    parts = [
        "# Commands\n",
        f"{app.info.help}\n",
        "stdout carries what was asked for, stderr progress and faults. `rehearse COMMAND --help` "
        "says the same as this page.\n",
        table(
            ("command", "what it does"),
            [
                (f"[`rehearse {name}`](#command-{name})", one_line(command.help))
                for name, command in group.commands.items()
            ],
        ),
    ]
    parts += [_command(name, command) for name, command in group.commands.items()]
    return "\n".join(parts)


def _command(name: str, command: Any) -> str:
    arguments = [_spelling(p) for p in command.params if p.param_type_name == "argument"]
    rows = [
        (
            code(_spelling(parameter)),
            one_line(parameter.help or ""),
            "yes" if parameter.required else "",
        )
        for parameter in command.params
    ]
    return "\n".join(
        [
            f"(command-{name})=",
            f"## rehearse {name}\n",
            f"    rehearse {' '.join([name, '[OPTIONS]', *arguments])}\n",
            f"{one_line(command.help)}\n",
            table(("argument or option", "meaning", "required"), rows),
        ]
    )


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    option = max(parameter.opts, key=len)
    if parameter.is_flag:
        return str(option)
    return f"{option} {parameter.metavar or parameter.name.upper()}"


def exit_codes() -> dict[int, str]:
    """Meanings by exit code, as the command line's own help has them."""
    text = one_line(app.info.epilog or "").removeprefix("Exit codes:").rstrip(".")
    parts = (part.strip().split(" ", 1) for part in text.split(","))
    return {int(number): meaning for number, meaning in parts}


def exit_codes_page() -> str:
    """Every exit code."""
    rows = [(code(number), meaning) for number, meaning in exit_codes().items()]
    return (
        "# Exit codes\n\n" + table(("code", "meaning"), rows) + "\nA run that lacks data for a "
        "threshold is inconclusive, never a pass. What a script may rely on: 0 means that every "
        "threshold which is not advisory held.\n"
    )


# ---------------------------------------------------------------- metrics


def metrics_page() -> str:
    """Every metric with its definition, and the thresholds' grammar."""
    rows = [
        (
            code(metric.name),
            metric.unit,
            metric.subject,
            metric.population,
            "higher" if metric.higher_is_better else "lower",
            metric.definition,
        )
        for metric in METRICS.values()
    ]
    selectors = [(subject, ", ".join(map(code, names))) for subject, names in SELECTORS.items()]
    in_histograms = ", ".join(code(m.name) for m in METRICS.values() if m.from_histogram)
    operators = ", ".join(map(code, OPERATORS))
    return "\n".join(
        [
            "# Metrics\n",
            "Names follow the W3C's webrtc-stats where it has one. Stored values are in SI base "
            "units; a ratio of 0.01 is shown as 1 %. 'Taken over' says what one value is: "
            "percentiles and means are over these.\n",
            table(("metric", "unit", "of", "taken over", "better", "definition"), rows),
            f"Kept as histograms of single packets or frames: {in_histograms}. Their percentiles "
            "are within 1 % of the exact value.\n",
            "What explains them is no metric but a column of [samples](run-folder.md): `layer`, "
            "`estimate` and `capacity` of each endpoint, `nack_count`, `pli_count`, "
            "`retransmitted` and `fec_recovered`. A call's parts are columns of `calls`.\n",
            "## Selectors\n",
            "A threshold on a metric can select by these attributes of its subject, as in "
            "`packet_loss{access=4g,carrier=vnpt}`. The command centre is in no figure unless it "
            "is selected with `level=command-centre`.\n",
            table(("metric of", "attributes"), selectors),
            "## Aggregations and operators\n",
            f"`p(N)` with N from 0 to 100, `mean`, `min`, `max`, `count`; {operators}. The value "
            "carries the metric's unit: a duration for seconds, a share for ratios, a bit rate "
            "for bit/s; scores and counts are plain numbers.\n",
        ]
    )


# ---------------------------------------------------------------- run folders


def run_folder_page() -> str:
    """The files of a run folder, and every column of its tables."""
    files = [
        (store.MANIFEST, "How the run came about: command, seed, versions, commit, machine, cost."),
        (store.SCENARIO, "The scenario with every default written out: it loads again as it is."),
        *((f"{name}.parquet", _first(_docstrings()[name.upper()])) for name in records.TABLES),
        (store.TRACE, "The traced endpoint's packets, where `--trace-packets` asked for them."),
        (store.SUMMARY, "Verdict, thresholds and metrics: what `--json` prints."),
        (store.REPORT, "The report: one file that opens offline."),
    ]
    parts = [
        "# Run folders\n",
        f"A run is written to `{store.RUNS}/SCENARIO/RUN-ID` below the current directory, or to "
        "the folder that `--out` names. It appears whole under its final name or not at all. "
        "Tables of endpoints that the library does not have are copied beside the scenario.\n",
        table(("file", "content"), [(code(name), text) for name, text in files]),
        "Times are seconds from the meeting's start, and a row of an interval carries its "
        "beginning. Values are in SI base units; one that there is no data for is null.\n",
    ]
    for name, schema in records.TABLES.items():
        comments = _comments(name.upper())
        rows = [(code(f.name), _arrow(f.type), comments.get(f.name, "")) for f in schema]
        parts += [
            f"## {name}.parquet\n",
            f"{_docstrings()[name.upper()]}\n",
            table(("column", "type", "content"), rows),
        ]
    parts += [f"## {store.TRACE}\n", _TRACE, table(("column", "content"), _trace_columns())]
    return "\n".join(parts)


_PASSED = {
    "sent": "its publisher sent it",
    "uplink": "it reached the far end of the publisher's access link",
    "aggregation up": "it left the publisher's provincial aggregation",
    "backbone up": "it left the carrier's backbone towards the media node",
    "peering up": "it left the peering towards the media node",
    "node in": "it arrived at the publisher's media node",
    "cascade": "it left the link between the media nodes",
    "node out": "its copy left the receiver's media node",
    "peering": "it left the peering towards the receiver's carrier",
    "backbone": "it left the carrier's backbone towards the provinces",
    "aggregation": "it left the receiver's provincial aggregation",
    "arrival": "it arrived at the receiver",
}
"""What a packet has passed at each of PLACES."""

_TRACE = "One row a packet that the endpoint sent or was sent, in order of sending.\n"


def _trace_columns() -> list[tuple[str, str]]:
    own = {
        "direction": "`sent` or `received` by the endpoint",
        "media": "`audio`, `video`, `screen`, or `padding` of a probe",
        "source": "number of the stream, as RTP's SSRC",
        "sequence": "sequence number within the stream",
        "size": "bytes at the IP layer",
    }
    places = {place.replace(" ", "_"): f"time (s) at which {_PASSED[place]}" for place in PLACES}
    last = {"lost_at": "the place where it was lost; null where it was not"}
    return [(code(name), text) for name, text in {**own, **places, **last}.items()]


def _arrow(kind: Any) -> str:
    text = str(kind)
    return "text" if "string" in text else text


def _source() -> str:
    return inspect.getsource(records)


def _docstrings() -> Mapping[str, str]:
    """What stands below each of the module's constants."""
    return dict(_strings_below(ast.parse(_source()).body))


def _strings_below(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, following in itertools.pairwise(body):
        match statement, following:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)


def _comments(constant: str) -> dict[str, str]:
    """Comments behind the columns of a schema, and the definitions of those that are metrics."""
    found = {}
    for statement in ast.parse(_source()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) if name == constant:
                lines = _source().splitlines()[statement.lineno - 1 : statement.end_lineno]
                for line in lines:
                    if match := re.search(r"\"(\w+)\".*?#\s*(.+)", line):
                        found[match[1]] = match[2]
                    elif match := re.search(r"f\"(\w+?_)\{(\w+)\}\".*?#\s*(.+)", line):
                        parts = getattr(records, match[2].upper(), records.BUDGET)
                        found |= {f"{match[1]}{part}": match[3] for part in parts}
    for name, metric in METRICS.items():
        found.setdefault(name, f"{metric.unit}; see [](metrics.md)")
    return {"time": "s from the meeting's start"} | found


def _first(text: str) -> str:
    return one_line(text.split("\n\n", maxsplit=1)[0])


# ---------------------------------------------------------------- library and plots


def library_page() -> str:
    """Every scenario of the library with what it assumes."""
    entries = list_library()
    rows = [
        (
            f"[`{entry.name}`](#scenario-{entry.name})",
            f"{entry.endpoints:,}",
            format_span(entry.duration_s),
            entry.title,
        )
        for entry in entries
    ]
    parts = ["# Library\n", table(("scenario", "endpoints", "length", "what it rehearses"), rows)]
    for entry in entries:
        scenario = load_scenario(entry.name)
        checks = [
            f"- `{target}`: `{threshold.check}`"
            + (f" during `{threshold.during}`" if threshold.during else "")
            + (" (advisory)" if threshold.advisory else "")
            for target, thresholds in scenario.thresholds.items()
            for threshold in thresholds
        ]
        parts += [
            f"(scenario-{entry.name})=",
            f"## {entry.name}\n",
            f"{entry.title}.\n",
            scenario.description,
            "Thresholds:\n",
            "\n".join(checks) + "\n",
        ]
    return "\n".join(parts)


def draw_plots(folder: Path = GENERATED / "plots") -> None:
    """Draw each plot of the scenario `smoke`, for the plots' page: a few seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    run = simulate(load_scenario("smoke"))
    for name in PLOTS:
        save_plot(run, name, folder / f"{name}.png")


def plots_page() -> str:
    """Every plot and the metrics that it can show."""
    rows = [
        (
            code(plot.name),
            plot.title,
            plot.description,
            ", ".join(map(code, plot.metrics)) or "—",
        )
        for plot in PLOTS.values()
    ]
    return "\n".join(
        [
            "# Plots\n",
            "`rehearse plot RUN NAME` draws one; `--metric` chooses among the metrics in the last "
            "column, of which the first is the plot's own choice.\n",
            table(("plot", "title", "what it shows", "metrics"), rows),
            "Each of them, drawn of the scenario `smoke`:\n",
            *(f"![{plot.title}](plots/{plot.name}.png)\n" for plot in PLOTS.values()),
        ]
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "commands": commands_page,
    "exit-codes": exit_codes_page,
    "scenario": scenario_keys.page,
    "metrics": metrics_page,
    "plots": plots_page,
    "run-folder": run_folder_page,
    "library": library_page,
}
"""Pages by name."""


if __name__ == "__main__":
    for written in generate():
        sys.stdout.write(f"{written}\n")
