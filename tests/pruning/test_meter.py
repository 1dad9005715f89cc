"""What a run has spent."""

import pytest

from core.pruning.footprint import footprint
from core.pruning.meter import Meter


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_a_backward_pass_counts_as_two_forward_passes() -> None:
    meter = Meter()
    meter.forward(100, 7)
    meter.training(100, 5)
    meter.training(40, 5)
    assert meter.spent()["macs"] == 700 + 1500 + 600
    assert meter.spent()["iterations"] == 2


def test_a_resumed_run_goes_on_counting_from_what_was_spent() -> None:
    wall, cpu = Clock(), Clock()
    first = Meter(None, wall, cpu)
    wall.now, cpu.now = 53.0, 52.0
    first.training(10, 2)
    spent = first.spent()
    assert spent == {
        "macs": 60, "iterations": 1, "seconds": 3.0, "cpu_seconds": 2.0, "monitoring_macs": 0, "monitoring_seconds": 0
    }  # fmt: skip
    wall.now, cpu.now = 1000.0, 7.0  # another process, later
    second = Meter(spent, wall, cpu)
    wall.now, cpu.now = 1001.0, 7.5
    second.training(10, 2)
    assert second.seconds == 4.0
    after = {"macs": 120, "iterations": 2, "seconds": 4.0, "cpu_seconds": 2.5}
    assert second.spent() == after | {"monitoring_macs": 0, "monitoring_seconds": 0}


def test_the_price_of_looking_is_counted_apart() -> None:
    wall, cpu = Clock(), Clock()
    meter = Meter(None, wall, cpu)
    meter.training(10, 2)
    with meter.monitoring():
        meter.forward(100, 3)
        wall.now += 2
    assert (meter.spent()["macs"], meter.spent()["monitoring_macs"]) == (60, 300)
    assert (meter.spent()["monitoring_seconds"], meter.seconds) == (2.0, 2.0)


def test_what_was_paid_before_the_loop_is_counted_in() -> None:
    wall, cpu = Clock(), Clock()
    meter = Meter({"seconds": 2.0, "cpu_seconds": 1.0}, wall, cpu)
    wall.now += 1
    assert meter.seconds == 3.0 and meter.spent()["cpu_seconds"] == 1.0 and meter.spent()["macs"] == 0


def test_the_final_account_has_energy_with_its_assumptions_and_peak_memory() -> None:
    wall, cpu = Clock(), Clock()
    meter = Meter(None, wall, cpu)
    cpu.now += 3600
    cost = meter.cost()
    assert cost["energy_kwh"] == pytest.approx(footprint(3600).energy_kwh) and cost["co2e_grams"] > 0
    assert "assumption" in cost["assumptions"]
    assert 10 * 2**20 < cost["peak_memory_bytes"] < 2**40
