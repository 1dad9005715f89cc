"""Checks of a run's record, field by field: on import and on every read."""

from collections.abc import Mapping
from typing import Any

from core.errors import BadValueError
from core.pruning.events import Finished, event_from_dict
from core.pruning.sound import lacking, wrong_field
from core.runs.record import ENDED, FINISHED, STORED
from core.schema import (
    Fields,
    first_wrong,
    is_name,
    is_text,
    is_time,
    is_whole,
    listed,
    one_of,
    or_none,
    shortened,
)

# The fields that a record has in a file, too; those of its worker are the store's alone.
_FIELDS: Fields = {
    "status": one_of(STORED), "created": is_time, "started": or_none(is_time), "ended": or_none(is_time),
    "error": or_none(is_text), "tags": listed(is_name), "notes": is_text,
}  # fmt: skip
_OF_A_WORKER: Fields = {
    "machine": or_none(is_name), "pid": or_none(is_whole), "process_started": or_none(is_time),
    "heartbeat": or_none(is_time), "attempt": is_whole,
}  # fmt: skip


def check_record(about: Mapping[str, Any]) -> None:
    """Raise BadValueError for a record with a field that cannot have its value; `about` is all but id and config.

    Fields of a result that are not there were not recorded.
    """
    if (wrong := first_wrong(about, _FIELDS, _OF_A_WORKER)) is not None:
        raise BadValueError(f"The field '{wrong}' of a run cannot be {shortened(about.get(wrong))}.")
    result = about["result"]
    if not isinstance(result, dict | None):
        raise BadValueError(f"The result of a run is an object, not {shortened(result)}.")
    if result and result.get("kind", Finished.kind) != Finished.kind:
        raise BadValueError(f"The field 'kind' of a run's result is '{Finished.kind}'.")
    if result and "test_accuracy" not in result:
        raise BadValueError("The result of a run has no test accuracy.")
    if result and (wrong := wrong_field(Finished.kind, result)) is not None:
        raise BadValueError(f"The field '{wrong}' of a run's result cannot have that value.")


def check_whole(about: Mapping[str, Any]) -> None:
    """The same for a record that was passed on, which has ended, and if it has finished, has a whole result."""
    check_record(about)
    if about["status"] not in ENDED:
        raise BadValueError(f"Its status is {about['status']}, but a file holds ended runs only.")
    if about["result"] is None and about["status"] == FINISHED:
        raise BadValueError("It has finished, but has no result.")
    if about["result"] is not None:
        check_event({**about["result"], "kind": Finished.kind})


def check_event(data: Mapping[str, Any]) -> None:
    """Raise BadValueError for what is no event, or an end that does not say how large the networks are."""
    event = event_from_dict(data)
    if isinstance(event, Finished) and (missing := lacking(data)) is not None:
        raise BadValueError(f"The field '{missing}' of a '{Finished.kind}' event is missing.")
