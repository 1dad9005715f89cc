"""A latency as it is kept: it survives JSON, and what is no whole measurement never passes for one."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from core.errors import BadFileError
from core.runs.latency import Batch, Latency, Timing

FOUND = Latency(
    "desk", "a processor", "2.14", 1, 32, "channels-last", 40, 2, 0.1, 5.0,
    (Batch(1, 12, Timing(0.004, 0.003, 0.005), Timing(0.001, 0.0009, 0.0011), 4.0),),
)  # fmt: skip


def test_quartiles_far_apart_say_that_the_machine_was_busy() -> None:
    assert replace(FOUND, batches=(replace(FOUND.batches[0], dense=Timing(1.0, 0.9, 1.1)),)).steady
    assert not replace(FOUND, batches=(replace(FOUND.batches[0], slim=Timing(1.0, 0.7, 1.4)),)).steady


def test_what_was_measured_survives_json() -> None:
    assert Latency.from_dict(json.loads(json.dumps(FOUND.to_dict()))) == FOUND


@pytest.mark.parametrize(
    "harm",
    [
        {"batches": []},
        {"batches": None},
        {"slim_macs": 0},
        {"dense_macs": "many"},
        {"threads": 0},
        {"image": True},
        {"machine": 7},
        {"load": float("nan")},
        {"measured": None},
        {"colour": "blue"},
    ],
)
def test_what_is_no_whole_measurement_is_refused(harm: dict[str, Any]) -> None:
    with pytest.raises(BadFileError, match="measure it anew"):
        Latency.from_dict(FOUND.to_dict() | harm)


@pytest.mark.parametrize("name", [field.name for field in fields(Latency)])
def test_a_measurement_that_lacks_something_is_refused(name: str) -> None:
    told = FOUND.to_dict()
    del told[name]
    with pytest.raises(BadFileError, match="measure it anew"):
        Latency.from_dict(told)


@pytest.mark.parametrize(
    "harm",
    [
        {"batch": 0},
        {"rounds": 1.5},
        {"speed_up": float("inf")},
        {"speed_up": -1},
        {"slim": {"median": "fast", "low": 0.1, "high": 0.2}},
        {"slim": {"median": 0.3, "low": 0.1, "high": 0.2}},
        {"dense": {"median": 0.0, "low": 0.0, "high": 0.2}},
        {"dense": {"median": 0.1}},
        {"dense": None},
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(harm: dict[str, Any]) -> None:
    told = FOUND.to_dict()
    with pytest.raises(BadFileError, match="measure it anew"):
        Latency.from_dict(told | {"batches": [told["batches"][0] | harm]})


def test_a_batch_size_measured_twice_is_refused() -> None:
    told = FOUND.to_dict()
    with pytest.raises(BadFileError, match="measure it anew"):
        Latency.from_dict(told | {"batches": 2 * told["batches"]})
