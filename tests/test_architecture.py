"""What import-linter cannot see: which modules really load torch, once lazy imports are taken as they run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "torchvision", "umap", "numba", "captum", "streamlit")
LIGHT = [
    "core.channels.files",
    "core.channels.layers",
    "core.channels.overlaps",
    "core.channels.selection",
    "core.neighbours.embedding",
    "core.neighbours.leep",
    "core.neighbours.logme",
    "core.neighbours.prototypes",
    "core.pruning.config",
    "core.pruning.events",
    "core.pruning.footprint",
    "core.pruning.meter",
    "core.pruning.methods",
    "core.pruning.schedule",
    "core.reports.compare",
    "core.reports.records",
    "core.runs.previews",
    "core.runs.queue",
    "core.runs.store",
    "core.tasks.catalogue",
    "core.tasks.data",
    "core.tasks.datasets",
    "core.voting",
    "core.zoo.build",
    "core.zoo.zoo",
]


def loaded_by(code: str) -> list[str]:
    code += f"\nimport sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_what_the_dashboard_reads_through_loads_no_heavy_library() -> None:
    if loaded_by("import " + ", ".join(LIGHT)):
        assert {name: loaded_by(f"import {name}") for name in LIGHT} == {name: [] for name in LIGHT}
