import json
import math
import subprocess
import sys

import pytest

from core.errors import BadValueError
from core.pruning.events import (
    KINDS,
    PHASES,
    Evaluation,
    Finished,
    PhaseChanged,
    Pruned,
    RecordedEvent,
    Step,
    event_from_dict,
)

EXAMPLES: list[RecordedEvent] = [
    PhaseChanged("warming up", 0, 0.1),
    Step(1, 1.5, 0.02, 0.2),
    Evaluation(10, 0.75, 0.9, 1.0),
    Evaluation(20, 0.8, 0.7, 2.0, 0.7, (0.9, 0.5, None), 0.95),
    Pruned(0, {"layer1": 13}, {"layer1": 64}, 0.8, 440_000, 21_000_000, 0.1),
    Finished(
        0, 0.7, {}, {}, {}, {}, 1.0, 0.6, None, {"cat": {"train": 9, "validation": 2, "test": 3, "accuracy": 0.6}}
    ),
    Finished(60, 0.74, {"seconds": 16.0}, {"keep": 0.2}, {"params": 440_000}, {"params": 11_000_000}, 16.0),
]


def test_there_is_an_example_of_every_kind() -> None:
    assert {event.kind for event in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: f"{event.kind} {event.iteration}")
def test_an_event_survives_json(event: RecordedEvent) -> None:
    data = json.loads(json.dumps(event.to_dict(), allow_nan=False))
    assert data["kind"] == event.kind
    assert event_from_dict(data) == event


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_none_in_json_and_nan_again_after(loss: float) -> None:
    event = event_from_dict(json.loads(json.dumps(Step(1, loss, 0.02, 0.2).to_dict(), allow_nan=False)))
    assert isinstance(event, Step) and math.isnan(event.loss)


def test_numbers_that_are_none_inside_a_cost_become_none_too() -> None:
    assert Finished(0, 0.5, {"watts": [math.nan]}, {}, {}, {}, 1.0).to_dict()["cost"] == {"watts": [None]}


@pytest.mark.parametrize("kind", ["nonesuch", "checkpoint", "slimmed", None, ["step"]])
def test_an_unknown_kind_is_refused(kind: object) -> None:
    with pytest.raises(BadValueError, match="no kind of event"):
        event_from_dict({"kind": kind})


def test_a_missing_or_a_surplus_field_is_refused_by_name() -> None:
    whole = Step(1, 1.5, 0.02, 0.2).to_dict()
    with pytest.raises(BadValueError, match="loss"):
        event_from_dict({name: value for name, value in whole.items() if name != "loss"})
    with pytest.raises(BadValueError, match="colour"):
        event_from_dict(whole | {"colour": "red"})


def test_an_event_written_before_a_figure_was_recorded_still_loads() -> None:
    old = {"kind": "evaluation", "iteration": 10, "accuracy": 0.75, "loss": 0.9, "seconds": 1.0}
    assert event_from_dict(old) == Evaluation(10, 0.75, 0.9, 1.0)
    end = Finished(60, 0.74, {}, {}, {}, {}, 16.0)
    whole = end.to_dict()
    newer = ("test_balanced_accuracy", "test_top5_accuracy", "classes")
    assert event_from_dict({name: value for name, value in whole.items() if name not in newer}) == end


def test_only_agreed_phases_exist() -> None:
    assert all(PhaseChanged(phase, 0, 0.0).phase == phase for phase in PHASES)  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="no phase 'resting'"):
        PhaseChanged("resting", 0, 0.0)  # type: ignore[arg-type]


def test_config_events_methods_and_the_store_load_without_torch() -> None:
    modules = "core.pruning.config, core.pruning.events, core.pruning.methods, core.runs.queue, core.runs.status"
    check = f"import sys, {modules}; print(sorted({{'torch', 'umap', 'captum'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
