"""Which room may know of which: the design's arrows, held by reading every import."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "rehearse": {
        "rehearse",
        "results",
        "scenarios",
        "simulations",
        "synthetic_clients",
        "reference_sfu",
    },
    "simulations": {"simulations", "scenarios", "results.records", "results.histograms"},
    # Links and receivers with what they stand on, estimates of what links carry, quality, the
    # agenda of the meeting; and what befalls endpoints, and how they come back.
    "synthetic_clients": {
        "synthetic_clients",
        "scenarios",
        "results.records",
        "results.histograms",
        *(
            f"simulations.{module}"
            for module in (
                "access",
                "links",
                "rates",
                "addressed",
                "compiled",
                "receivers",
                "residual",
                "frames",
                "freezes",
                "nack",
                "jitter_buffer",
                "distributions",
                "quality",
                "video_quality",
                "congestion",
                "controllers",
                "arrivals",
                "overuse",
                "agenda",
                "strikes",
                "draws",
                "backing_off",
                "placing",
                "setting_out",
            )
        ),
    },
    "results": {"results", "scenarios"},
    "scenarios": {"scenarios"},
    "reference_sfu": {"reference_sfu"},
}
"""What each room may import of ours: rooms, or single modules of one."""

ROOMS = (
    "rehearse",
    "simulations",
    "synthetic_clients",
    "results",
    "scenarios",
    "reference_sfu",
    "docs",
    "tests",
)


def is_of(module: str, parent: str) -> bool:
    return module == parent or module.startswith(f"{parent}.")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import in the file, those within functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            # `from results import records` and `from results.records import Run` mean the same.
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if is_module(inner) else str(node.module)


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def modules(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "runs" not in path.parts)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_its_arrows_point_at(room: str) -> None:
    allowed = MAY_IMPORT[room]
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules(room)
        for line, module in imports(path)
        if any(is_of(module, ours) for ours in ROOMS)
        and not any(is_of(module, parent) for parent in allowed)
    ]
    assert strays == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_every_room_has_modules_that_were_read(room: str) -> None:
    assert [path for path in modules(room) if any(True for _ in imports(path))]


def test_a_stray_import_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "stray.py"
    path.write_text("def f():\n    from results import store\n    import results.verdict\n")
    assert list(imports(path)) == [(2, "results.store"), (3, "results.verdict")]
