"""Every method hits every kind of budget on a real network, says so, and its model is of that size."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from core.channels.budget import TOLERANCE
from core.channels.groups import parameters_and_macs
from core.channels.rebuild import rebuild
from core.channels.selection import Selection
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.pruning.events import Event, Finished, Pruned, Slimmed
from core.pruning.loop import prune_events
from core.pruning.methods import METHODS
from tests.engine import SIZE, config, random_backbone, run_of, small_task, voters

BUDGETS: dict[str, dict[str, object]] = {
    "parameters": {"keep": 0.05, "of": "params"},
    "MACs, global": {"keep": 0.1, "of": "macs", "allocation": "global"},
    "channels, global, wide multiples": {"allocation": "global", "least_width": 16, "multiple": 8},
}
PRUNING = [name for name, method in METHODS.items() if method.removes and name != "same-mask"]
MORE = {"mvp, dynamic": {"dynamic": True}, "mvp, sampled": {"sample": 1.0}, "mvp, score": {"weighting": "score"}}
each_way = pytest.mark.parametrize("budget", BUDGETS)
every_method = pytest.mark.parametrize("variant", [*PRUNING, *MORE])


def asked(variant: str, budget: str) -> RunConfig:
    method, options = variant.split(",")[0], MORE.get(variant, {})
    short = METHODS[method].when == "before training" and "dynamic" not in variant
    return config(method, small_task()[0], **{"iterations": 0 if short else 4, **BUDGETS[budget], **options})


@cache
def recorded(variant: str, budget: str) -> list[Event]:
    return run_of(asked(variant, budget), *small_task())


def finished(events: list[Event]) -> Finished:
    return next(event for event in events if isinstance(event, Finished))


@each_way
@every_method
def test_the_budget_is_hit_and_what_was_reached_stands_beside_what_was_asked(variant: str, budget: str) -> None:
    events, given = recorded(variant, budget), asked(variant, budget)
    end = finished(events)
    model = next(event.model for event in events if isinstance(event, Slimmed))
    assert (end.achieved["params"], end.achieved["macs"]) == parameters_and_macs(rebuild(model), SIZE)
    shares = {of: end.achieved[of] / end.dense[of] for of in ("params", "macs")}
    share = shares.get(given.of, end.achieved["keep"])
    assert end.achieved["share"] == pytest.approx(share)
    assert (
        end.achieved["deviation"] == pytest.approx(share / given.keep - 1) and abs(share / given.keep - 1) <= TOLERANCE
    )
    assert end.requested == {
        "keep": given.keep, "of": given.of, "allocation": given.allocation, "least_width": given.least_width,
        "multiple": given.multiple, "iterations": given.iterations,
    }  # fmt: skip
    assert model.origin["requested"] == end.requested and model.origin["achieved"] == end.achieved
    for group, kept in model.selection.counts.items():
        size = model.selection.sizes[group]
        assert kept >= given.least_width and (kept % given.multiple == 0 or kept == size)


@each_way
@every_method
def test_rounds_narrow_and_say_the_share_of_channels_they_left(variant: str, budget: str) -> None:
    model = next(event.model for event in recorded(variant, budget) if isinstance(event, Slimmed))
    rounds = [Selection(entry["kept"], entry["sizes"]) for entry in model.rounds]
    assert rounds[-1] == model.selection
    for wide, narrow in pairwise(rounds):
        assert all(set(narrow.kept[group]) <= set(wide.kept[group]) for group in wide.groups)
    assert [entry["keep"] for entry in model.rounds] == [one.keep_ratio() for one in rounds]
    assert model.selection_at(model.selection.keep_ratio()) == model.selection


@pytest.mark.parametrize("variant", ["magnitude", "mvp", "taylor"])
def test_global_treats_groups_unlike_and_uniform_alike(variant: str) -> None:
    def ratios(budget: str) -> list[float]:
        last = [event for event in recorded(variant, budget) if isinstance(event, Pruned)][-1]
        return [last.kept[group] / last.sizes[group] for group in last.sizes]

    assert np.std(ratios("parameters")) < 0.01 < np.std(ratios("MACs, global"))


def test_neighbours_of_unequal_widths_vote_too() -> None:
    task, data = small_task()
    made = next(e.model for e in recorded("magnitude", "MACs, global") if isinstance(e, Slimmed))
    asked_for = config("mvp", task, keep=made.selection.keep_ratio(), iterations=0, k=1, allocation="global")
    events = prune_events(asked_for, task, data, random_backbone(), ((made, -0.1), *voters()))
    got = next(event.model for event in events if isinstance(event, Slimmed))
    assert got.selection == made.selection  # one voter: it keeps what that voter kept, group by group


@pytest.mark.parametrize("method", ["mvp", "taylor"])
@pytest.mark.parametrize("allocation", ["uniform", "global"])
def test_what_cannot_be_hit_is_refused_before_any_event(method: str, allocation: str) -> None:
    asked_for = config(method, small_task()[0], keep=0.02, multiple=8, allocation=allocation)
    with pytest.raises(BadValueError, match=r"Keeping 2 % of the channels cannot be met .* or allow other widths"):
        next(prune_events(asked_for, *small_task(), random_backbone(), voters()))


def test_the_unpruned_network_and_a_kept_mask_have_no_budget_to_miss() -> None:
    for method in ("dense", "same-mask"):
        end = finished(run_of(config(method, small_task()[0], iterations=0, keep=0.013), *small_task()))
        assert "deviation" not in end.achieved


def test_settings_of_a_budget_survive_json_and_are_usual_where_they_are_not_told() -> None:
    given = asked("mvp", "channels, global, wide multiples")
    assert RunConfig.from_dict(given.to_dict()) == given
    old = {
        name: value
        for name, value in given.to_dict().items()
        if name not in ("of", "allocation", "least_width", "multiple")
    }
    assert RunConfig.from_dict(old).budget.by_groups
    assert RunConfig("t", keep=0.05, of="params", allocation="global").label().count("5 % of parameters · global") == 1
