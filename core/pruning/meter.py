"""What a run has spent so far: MACs, iterations, wall and CPU seconds, peak memory. Survives a resume."""

import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

from core.pruning.footprint import footprint

BACKWARD = 2  # a backward pass costs about two forward passes


class Meter:
    """Counts up from what an interrupted run had already spent."""

    def __init__(
        self,
        spent: Mapping[str, float] | None = None,
        wall: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        start = dict(spent or {})
        self.macs = int(start.get("macs", 0))
        self.iterations = int(start.get("iterations", 0))
        self._wall, self._cpu = wall, cpu
        self._wall_start = wall() - start.get("seconds", 0.0)
        self._cpu_start = cpu() - start.get("cpu_seconds", 0.0)

    @property
    def seconds(self) -> float:
        """Wall seconds spent, over all sittings."""
        return self._wall() - self._wall_start

    def forward(self, macs: int, images: int) -> None:
        """Count a forward pass."""
        self.macs += macs * images

    def training(self, macs: int, images: int) -> None:
        """Count one iteration: forward and backward pass."""
        self.macs += macs * images * (1 + BACKWARD)
        self.iterations += 1

    def spent(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        cpu = self._cpu() - self._cpu_start
        return {"macs": self.macs, "iterations": self.iterations, "seconds": self.seconds, "cpu_seconds": cpu}

    def cost(self) -> dict[str, Any]:
        """The final account, with the energy estimate and what it assumes."""
        spent = self.spent()
        estimate = footprint(spent["cpu_seconds"])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {
            **spent, "peak_memory_bytes": peak, "energy_kwh": estimate.energy_kwh, "co2e_grams": estimate.co2e_grams,
            "assumptions": estimate.assumptions.sentence(),
        }  # fmt: skip
