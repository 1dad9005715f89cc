"""The checklist says what is there, by the runs alone."""

import pytest

from core.pruning.config import RunConfig
from core.reports.checklist import MISSING, NOT_KNOWN, NOT_NEEDED, PARTLY, STATES, THERE, Check, checklist
from core.runs.record import RunRecord

RESULT = {"achieved": {"params": 4, "macs": 5}, "dense": {"params": 100, "macs": 90}}


def run(status: str = "finished", **settings: object) -> RunRecord:
    config = RunConfig(**({"task": "emoji-t00", "iterations": 20} | settings))  # type: ignore[arg-type]
    return RunRecord("run", config, status, 0.0, result=RESULT if status == "finished" else None)


def state(found: list[Check], asked: str) -> str:
    return next(check.state for check in found if check.asked.startswith(asked))


FULL = [
    run(method=method, seed=seed)
    for seed in (0, 1, 2)
    for method in ("mvp", "dense", "random", "magnitude", "taylor-oneshot", "taylor")
]


def test_controls_at_the_same_budget_are_there() -> None:
    found = checklist(FULL)
    asked = (
        "Random",
        "Magnitude",
        "Taylor, one",
        "Taylor, it",
        "The unpruned",
        "At least 3",
        "The same it",
        "Every run",
    )
    assert {name: state(found, name) for name in asked} == dict.fromkeys(asked, THERE)


def test_controls_of_the_vote_are_asked_for_where_there_is_a_vote() -> None:
    assert state(checklist(FULL), "Votes of random") == MISSING
    controls = [
        run(neighbours="random"),
        run(neighbours="farthest"),
        run(neighbours="all"),
        run(k=1),
        run(weights="pretrained"),
    ]
    found = checklist([run(), *controls])
    asked = ("Votes of random", "Votes of the far", "Votes of the whole", "The nearest", "The same mask")
    assert {name: state(found, name) for name in asked} == dict.fromkeys(asked, THERE)
    assert not [check for check in checklist([run(method="random")]) if check.asked.startswith("Votes")]


def test_a_control_at_another_budget_or_on_some_tasks_is_there_partly() -> None:
    assert state(checklist([run(), run(method="random", iterations=60)]), "Random") == PARTLY
    assert state(checklist([run(), run(task="emoji-t01"), run(method="random")]), "Random") == PARTLY
    assert state(checklist([run(keep=0.1), run(keep=0.2), run(method="dense")]), "The unpruned") == THERE


def test_unfinished_runs_are_no_evidence() -> None:
    found = checklist([run(), run("failed", method="random")])
    assert state(found, "Random") == MISSING
    assert state(found, "Every run") == PARTLY


@pytest.mark.parametrize("seeds, said", [((0,), MISSING), ((0, 1), PARTLY), ((0, 1, 2), THERE)])
def test_seeds_are_counted_per_setting(seeds: tuple[int, ...], said: str) -> None:
    assert state(checklist([run(seed=seed) for seed in seeds]), "At least 3 seeds") == said


def test_five_keep_ratios_of_every_method_make_a_trade_off() -> None:
    curve = [run(keep=keep) for keep in (0.5, 0.25, 0.125, 0.06, 0.03)]
    assert state(checklist(curve), "A trade-off") == THERE
    assert state(checklist([*curve, run(method="random")]), "A trade-off") == PARTLY


def test_ranking_before_fine_tuning_is_told() -> None:
    assert state(checklist([run(iterations=0)]), "Ranked") == PARTLY


@pytest.mark.parametrize(
    "classes, said",
    [({"emoji-t00": 10}, NOT_NEEDED), ({"emoji-t00": 11}, MISSING), ({"emoji-t00": 100}, MISSING), ({}, NOT_KNOWN)],
)
def test_top_five_is_asked_for_where_classes_are_many(classes: dict[str, int], said: str) -> None:
    assert state(checklist([run()], classes), "Top-5") == said


def test_top_five_is_there_where_every_run_with_many_classes_recorded_it() -> None:
    told = {**RESULT, "test_top5_accuracy": 0.9, "classes": {f"c{n}": {} for n in range(11)}}
    new, old = RunRecord("new", run().config, "finished", 0.0, result=told), run()
    assert state(checklist([new]), "Top-5") == THERE
    assert state(checklist([new, old], {"emoji-t00": 11}), "Top-5") == PARTLY
    assert state(checklist([new, old], {}), "Top-5") == NOT_KNOWN


@pytest.mark.parametrize("equal, said", [(None, NOT_KNOWN), (set(), THERE), ({"emoji-t00"}, MISSING)])
def test_a_target_that_is_in_the_zoo_is_told(equal: set[str] | None, said: str) -> None:
    assert state(checklist([run()], equal_to_zoo=equal), "No zoo task") == said


def test_without_any_finished_run_nothing_is_claimed() -> None:
    found = checklist([run("failed")])
    assert {check.state for check in found} <= set(STATES)
    assert state(found, "At least 3") == state(found, "Random") == state(found, "Parameters and MACs") == MISSING


def ended(deviation: float, **settings: object) -> RunRecord:
    config = RunConfig("emoji-t00", iterations=20, **settings)  # type: ignore[arg-type]
    achieved = {**RESULT["achieved"], "share": config.keep * (1 + deviation)}
    return RunRecord("run", config, "finished", 0.0, result={**RESULT, "achieved": achieved})


@pytest.mark.parametrize(
    "runs, said, seen",
    [
        ([ended(0.001), ended(-0.019, of="macs")], THERE, "2 of 2 runs; the farthest is 1.9 % off"),
        ([ended(0.001), ended(0.05)], PARTLY, "1 of 2 runs; the farthest is 5.0 % off"),
        ([ended(-0.5)], MISSING, "0 of 1 run"),
        ([run(method="dense")], NOT_NEEDED, "keep ratio"),
    ],
)
def test_what_was_reached_is_held_against_what_was_asked_for(runs: list[RunRecord], said: str, seen: str) -> None:
    check = next(one for one in checklist(runs) if one.asked.startswith("What was reached"))
    assert check.state == said and seen in check.seen


def test_the_same_keep_ratio_of_something_else_is_not_the_same() -> None:
    assert state(checklist([run(), run(method="random", of="params")]), "The same keep") == MISSING
    assert state(checklist([run(), run(method="random", of="params")]), "Random") == PARTLY
    assert state(checklist([run(of="params"), run(method="random", of="params")]), "Random") == THERE


def test_global_pruning_is_there_where_each_method_did_both() -> None:
    both = [run(method="random", allocation=how) for how in ("uniform", "global")]
    assert state(checklist(both), "Global") == THERE
    assert state(checklist([*both, run()]), "Global") == PARTLY
    assert state(checklist([run(), run(method="random", allocation="global")]), "Global") == PARTLY
    assert state(checklist([run(), run(method="random")]), "Global") == MISSING
