"""Results carry the version of what pruning computes."""

import pytest

from core.pruning.engine import ENGINE, engine_of, is_outdated
from core.pruning.events import Finished, event_from_dict


@pytest.mark.parametrize("record", [{}, {"engine": None}, {"engine": "2"}, {"engine": True}, {"engine": 1}])
def test_a_result_without_a_version_is_of_the_first(record: dict[str, object]) -> None:
    assert engine_of(record) == 1 and is_outdated(record)


def test_a_result_of_todays_engine_is_not_outdated() -> None:
    assert engine_of({"engine": ENGINE}) == ENGINE and not is_outdated({"engine": ENGINE})


def test_the_end_of_a_run_made_before_versions_still_opens_and_is_of_the_first() -> None:
    told = {
        "iteration": 4,
        "test_accuracy": 0.5,
        "cost": {},
        "requested": {},
        "achieved": {},
        "dense": {},
        "seconds": 1.0,
    }
    event = event_from_dict({"kind": "finished", **told})
    assert isinstance(event, Finished) and (event.engine, event.inputs) == (1, None)
