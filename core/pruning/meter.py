"""What a run has spent so far: MACs, iterations, wall and CPU seconds, peak memory. Survives a resume.

Looking at a run (the validation curve) is accounted apart from the run's own work: a longer curve makes no method
dearer. Seconds between a run's last checkpoint and a kill are lost to the account.
"""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
        self.monitoring_macs = int(start.get("monitoring_macs", 0))
        self.monitoring_seconds = float(start.get("monitoring_seconds", 0.0))
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

    @contextmanager
    def monitoring(self) -> Iterator[None]:
        """What is counted while this is open is the price of looking, not of pruning."""
        macs, began = self.macs, self._wall()
        yield
        self.monitoring_macs += self.macs - macs
        self.monitoring_seconds += self._wall() - began
        self.macs = macs

    def training(self, macs: int, images: int) -> None:
        """Count one iteration: forward and backward pass."""
        self.macs += macs * images * (1 + BACKWARD)
        self.iterations += 1

    def added(self, earlier: Mapping[str, float]) -> dict[str, float]:
        """What earlier sittings spent, and this one so far."""
        return {name: value + earlier.get(name, 0) for name, value in self.spent().items()}

    def spent(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        cpu = self._cpu() - self._cpu_start
        return {
            "macs": self.macs, "iterations": self.iterations, "seconds": self.seconds, "cpu_seconds": cpu,
            "monitoring_macs": self.monitoring_macs, "monitoring_seconds": self.monitoring_seconds,
        }  # fmt: skip

    def cost(self) -> dict[str, Any]:
        """The final account, with the energy estimate and what it assumes; all seconds, those of monitoring included.

        peak_memory_bytes is the process's, which is the run's own where a process works on one run.
        """
        spent = self.spent()
        estimate = footprint(spent["cpu_seconds"])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {
            **spent, "peak_memory_bytes": peak, "energy_kwh": estimate.energy_kwh, "co2e_grams": estimate.co2e_grams,
            "assumptions": estimate.assumptions.sentence(),
        }  # fmt: skip
