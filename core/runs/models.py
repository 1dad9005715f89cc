"""The pruned model of a finished run, with the curve that led to it. Torch-free."""

from dataclasses import replace

from core.channels.files import PrunedModel, load_pruned
from core.errors import BadValueError
from core.pruning.events import Evaluation
from core.runs.record import FINISHED
from core.runs.store import Store


def model_of(run_id: str, store: Store | None = None) -> PrunedModel:
    """Raises UnknownNameError, BadFileError; BadValueError for a run that has not finished."""
    store = store or Store()
    record = store.get(run_id)
    if record.status != FINISHED:
        raise BadValueError(f"Run {run_id} has no model, as it has not finished: name one that has.")
    model = load_pruned(store.model_path(run_id))
    seen = [event for _, event in store.events(run_id) if isinstance(event, Evaluation)]
    curve = [{"iteration": event.iteration, "accuracy": round(event.accuracy, 4)} for event in seen]
    return replace(model, origin={**model.origin, **({"curve": curve} if curve else {})})
