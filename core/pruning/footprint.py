"""What computing costs: energy and CO2e, estimated from CPU time."""

import math
from dataclasses import asdict, dataclass

from core.errors import BadValueError

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Assumptions:
    """Everything the estimate rests on. An order of magnitude, not a measurement: no power meter is read."""

    # Assumption: rated power over cores is 5 to 15 W on current laptop, desktop and server CPUs; memory is included.
    watts_per_busy_core: float = 10.0
    # Assumption: no data centre, so no cooling on top; a usual data centre has 1.1 to 1.6.
    power_usage_effectiveness: float = 1.0
    # Source: IEA, Electricity 2025, "Emissions": world average of 2024. CO2 alone, so a lower bound of CO2e.
    # https://www.iea.org/reports/electricity-2025/emissions
    grams_co2e_per_kwh: float = 445.0

    def sentence(self) -> str:
        """The assumptions in one sentence, to stand beside every figure made with them."""
        return (
            f"Estimated from CPU time at {self.watts_per_busy_core:g} W per busy core (assumption), power usage "
            f"effectiveness {self.power_usage_effectiveness:g} (assumption) and {self.grams_co2e_per_kwh:g} g CO2e "
            "per kWh (IEA, Electricity 2025: world average of 2024); nothing was measured."
        )


DEFAULT = Assumptions()


@dataclass(frozen=True)
class Footprint:
    """An energy estimate in kWh, its CO2e in grams, and what both rest on."""

    cpu_seconds: float
    energy_kwh: float
    co2e_grams: float
    assumptions: Assumptions

    def to_dict(self) -> dict[str, object]:
        """{"cpu_seconds", "energy_kwh", "co2e_grams", "assumptions": {...}}."""
        return asdict(self)


def footprint(cpu_seconds: float, assumptions: Assumptions = DEFAULT) -> Footprint:
    """Energy and CO2e of so many CPU seconds (summed over cores). Raises BadValueError for a negative or NaN time."""
    if not (math.isfinite(cpu_seconds) and cpu_seconds >= 0):
        raise BadValueError(f"CPU time must be a finite number of seconds, zero or more, not {cpu_seconds}.")
    watts = assumptions.watts_per_busy_core * assumptions.power_usage_effectiveness
    energy = cpu_seconds * watts / SECONDS_PER_HOUR / 1000
    return Footprint(cpu_seconds, energy, energy * assumptions.grams_co2e_per_kwh, assumptions)
