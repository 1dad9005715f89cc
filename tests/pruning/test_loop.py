"""The pruning loop over every method: what it says, what it leaves, and that it can be interrupted anywhere."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
import pytest
import torch

from core.channels.files import PrunedModel, load_pruned, save_pruned
from core.channels.groups import parameters_and_macs
from core.channels.rebuild import rebuild
from core.channels.selection import Selection, kept_count
from core.errors import BadValueError, DivergedError, MetaVoteError
from core.pruning import loop
from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Checkpoint, Evaluation, Event, Finished, PhaseChanged, Pruned, Slimmed, Step
from core.pruning.ground import GLANCE_MOST
from core.pruning.images import normalised
from core.pruning.methods import METHODS
from core.runs.checkpoints import read_checkpoint, write_checkpoint
from core.tasks.data import TaskData
from core.tasks.images import Examples, fingerprint
from tests.engine import SIZE, config, drawn, network, random_backbone, run_of, small_task, voters

E = TypeVar("E")
ITERATIONS = 4
VARIANTS: dict[str, dict[str, object]] = {
    **{method: {} for method in METHODS},
    "mvp, pretrained weights": {"weights": "pretrained", "weighting": "score"},
    "mvp, reinitialised weights": {"weights": "reinitialised"},
    "magnitude, neighbours' weights": {"weights": "neighbours"},
    "taylor-oneshot, neighbours' weights": {"weights": "neighbours"},
    "taylor, neighbours' weights": {"weights": "neighbours"},
    "mvp, dynamic": {"dynamic": True, "k": 1},
    "taylor, balanced batches": {"sampling": "balanced"},
    "mvp, sampled": {"sample": 1.0, "weighting": "similarity"},
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def asked(variant: str, **changes: object) -> RunConfig:
    task, _ = small_task()
    return config(variant.partition(",")[0], task, **{"iterations": ITERATIONS, **VARIANTS[variant], **changes})


@cache
def recorded(variant: str) -> tuple[Event, ...]:
    """A whole run, with a checkpoint after every iteration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "CHECKPOINT_EVERY", 1)
        return tuple(run_of(asked(variant), *small_task()))


def of(kind: type[E], events: Sequence[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def model_of(events: Sequence[Event]) -> PrunedModel:
    return of(Slimmed, events)[0].model


def said(events: Sequence[Event]) -> list[object]:
    """Events as plain data without times and memory, which differ between equal runs."""
    out = []
    for event in events:
        if not isinstance(event, Checkpoint | Slimmed):
            data = event.to_dict() | {"seconds": 0}
            if "cost" in data:
                data["cost"] = {key: data["cost"][key] for key in ("macs", "iterations")}
            out.append(data)
    return out


def assert_same(a: PrunedModel, b: PrunedModel) -> None:
    assert a.selection == b.selection and a.rounds == b.rounds
    for mine, others in ((a.tensors, b.tensors), (a.importance, b.importance)):
        assert set(mine) == set(others)
        for name, value in mine.items():
            assert np.array_equal(value, others[name]), name


every_variant = pytest.mark.parametrize("variant", list(VARIANTS))


@every_variant
def test_events_come_in_order_and_the_slim_model_right_before_the_end(variant: str) -> None:
    events = recorded(variant)
    assert isinstance(events[0], PhaseChanged) and events[0].phase == "selecting"
    assert isinstance(events[-1], Finished) and isinstance(events[-2], Slimmed)
    assert isinstance(events[-3], PhaseChanged) and events[-3].phase == "testing"
    assert [step.iteration for step in of(Step, events)] == list(range(1, ITERATIONS + 1))
    evaluations = [e.iteration for e in of(Evaluation, events)]
    assert evaluations[0] == 0 and evaluations[-1] == ITERATIONS
    assert [c.iteration for c in of(Checkpoint, events)] == list(range(1, ITERATIONS))
    recorded_at = [event.iteration for event in events if not isinstance(event, Slimmed)]
    assert recorded_at == sorted(recorded_at)
    seconds = [event.seconds for event in events if not isinstance(event, Checkpoint | Slimmed)]
    assert seconds == sorted(seconds) and seconds[0] >= 0
    for each in of(Evaluation, events):
        assert 0 <= each.accuracy <= 1 and np.isfinite(each.loss)
        assert each.class_accuracy is not None and each.balanced_accuracy == np.mean(each.class_accuracy)
        assert each.top5_accuracy is None


@every_variant
def test_channels_fall_to_exactly_what_was_asked_for_in_every_group(variant: str) -> None:
    events, sizes = recorded(variant), dict(model_of(recorded(variant)).selection.sizes)
    keep = 0.2 if METHODS[asked(variant).method].removes else 1.0
    selection = model_of(events).selection
    assert {g: len(kept) for g, kept in selection.kept.items()} == {g: kept_count(keep, n) for g, n in sizes.items()}
    rounds = of(Pruned, events)
    if keep == 1.0:
        assert rounds == [] and model_of(events).rounds == ()
        return
    assert rounds[-1].kept == {g: len(kept) for g, kept in selection.kept.items()} and rounds[-1].sizes == sizes
    assert rounds[-1].channel_sparsity == pytest.approx(selection.channel_sparsity)
    for before, after in pairwise(rounds):
        assert all(after.kept[g] <= before.kept[g] for g in sizes) and after.params < before.params
    nested = [Selection(entry["kept"], entry["sizes"]) for entry in model_of(events).rounds]
    assert nested[-1] == selection and len(nested) == len(rounds)
    for wide, narrow in pairwise(nested):
        assert all(set(narrow.kept[g]) <= set(wide.kept[g]) for g in sizes)


@every_variant
def test_what_was_achieved_is_measured_on_the_model_that_comes_out(variant: str) -> None:
    events = recorded(variant)
    finished, model = of(Finished, events)[0], rebuild(model_of(events))
    achieved = parameters_and_macs(model, SIZE)
    assert (finished.achieved["params"], finished.achieved["macs"]) == achieved
    assert finished.achieved["keep"] == model_of(events).selection.keep_ratio()
    dense, _ = network("resnet18", 3)
    assert (finished.dense["params"], finished.dense["macs"]) == parameters_and_macs(dense, SIZE)
    assert finished.requested["iterations"] == ITERATIONS
    if METHODS[asked(variant).method].removes:
        assert finished.requested["keep"] == 0.2 and achieved[0] < 0.06 * finished.dense["params"]
    else:
        assert finished.requested["keep"] == 1.0 and achieved[0] == finished.dense["params"]
    assert finished.cost["iterations"] == ITERATIONS and finished.cost["macs"] > 0


@every_variant
def test_a_run_resumed_from_any_checkpoint_file_ends_bit_identical(variant: str, tmp_path: Path) -> None:
    whole = recorded(variant)
    for checkpoint in of(Checkpoint, whole):
        write_checkpoint(tmp_path / "checkpoint", checkpoint, seq=0)
        restored, _ = read_checkpoint(tmp_path / "checkpoint")
        rest = run_of(asked(variant), *small_task(), checkpoint=restored)
        place = whole.index(checkpoint)
        assert said(rest) == said(whole[place + 1 :])
        assert_same(model_of(rest), model_of(whole))


@pytest.mark.parametrize("variant", ["mvp", "taylor", "activation", "mvp, sampled"])
def test_the_same_config_gives_the_same_bits(variant: str) -> None:
    again = run_of(asked(variant), *small_task())
    assert said(again) == said(recorded(variant))
    assert_same(model_of(again), model_of(recorded(variant)))


def test_another_seed_gives_another_run() -> None:
    again = run_of(asked("random", seed=1), *small_task())
    assert model_of(again).selection != model_of(recorded("random")).selection
    assert [s.loss for s in of(Step, again)] != [s.loss for s in of(Step, recorded("random"))]


@every_variant
def test_the_saved_file_rebuilds_to_a_network_with_the_same_outputs(variant: str, tmp_path: Path) -> None:
    events = recorded(variant)
    model = model_of(events)
    save_pruned(model, tmp_path / "model.safetensors")
    restored = load_pruned(tmp_path / "model.safetensors")
    _, data = small_task()
    backbone = random_backbone()
    images, labels = normalised(data.test, backbone.mean, backbone.std)
    with torch.no_grad():
        expected, got = rebuild(model)(images), rebuild(restored)(images)
    assert torch.equal(expected, got)
    accuracy = float((got.argmax(1) == labels).double().mean())
    assert accuracy == pytest.approx(of(Finished, events)[0].test_accuracy)
    assert restored.origin["validation_accuracy"] == of(Evaluation, events)[-1].accuracy
    assert RunConfig.from_dict(restored.origin["config"]) == asked(variant)
    assert restored.classes == small_task()[0].classes and restored.backbone_hash == backbone.hash


def test_the_end_tells_the_test_accuracy_class_by_class_and_how_many_images_each_has() -> None:
    task, data = small_task()
    finished, backbone = of(Finished, recorded("mvp"))[0], random_backbone()
    images, labels = normalised(data.test, backbone.mean, backbone.std)
    with torch.no_grad():
        right = rebuild(model_of(recorded("mvp")))(images).argmax(1) == labels
    recalls = [float(right[labels == label].double().mean()) for label in range(len(task.classes))]
    assert finished.classes is not None and list(finished.classes) == list(task.classes)
    assert [one["accuracy"] for one in finished.classes.values()] == pytest.approx(recalls)
    assert finished.test_balanced_accuracy == pytest.approx(np.mean(recalls))
    for split, examples in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        assert [one[split] for one in finished.classes.values()] == np.bincount(examples.labels).tolist()


def test_the_end_records_what_has_to_be_equal_for_two_results_to_be_comparable() -> None:
    _, data = small_task()
    finished, backbone = of(Finished, recorded("mvp"))[0], random_backbone()
    expected = {
        "backbone_hash": backbone.hash, "image_size": SIZE,
        "data": fingerprint((data.train, data.validation, data.test)),
        "normalisation": [list(backbone.mean), list(backbone.std)],
    }  # fmt: skip
    assert (finished.engine, finished.inputs) == (ENGINE, expected)
    assert model_of(recorded("mvp")).origin["engine"] == ENGINE
    fewer = Examples(data.test.images[1:], data.test.labels[1:])
    assert fingerprint((data.train, data.validation, fewer)) != expected["data"]


def test_balanced_batches_learn_from_other_images_and_natural_ones_are_the_default() -> None:
    natural, balanced = (recorded(variant) for variant in ("taylor", "taylor, balanced batches"))
    assert asked("taylor").sampling == "natural"
    assert [s.loss for s in of(Step, natural)] != [s.loss for s in of(Step, balanced)]


class Watched(TaskData):
    """Writes down when its test split is looked at."""

    looked: ClassVar[list[int]] = []

    @property
    def test(self) -> Examples:
        self.looked.append(1)
        return super().test


@pytest.mark.parametrize("variant", ["mvp", "taylor-oneshot"])
def test_the_test_split_is_touched_once_and_only_at_the_end(variant: str) -> None:
    task, data = small_task()
    Watched.looked.clear()
    watched = Watched(task, data.images)
    for event in loop.prune_events(asked(variant), task, watched, random_backbone(), voters()):
        assert len(Watched.looked) == isinstance(event, Slimmed | Finished)
    assert len(Watched.looked) == 1


@pytest.mark.parametrize("method", ["mvp", "magnitude", "dense"])
def test_no_iterations_at_all_give_a_model_whose_head_was_made_without_training(method: str) -> None:
    task, data = small_task()
    events = run_of(config(method, task, iterations=0), task, data)
    assert of(Step, events) == [] and [e.iteration for e in of(Evaluation, events)] == [0]
    assert of(Finished, events)[0].cost["iterations"] == 0
    assert np.abs(model_of(events).tensors["fc.weight"]).sum() > 0


@pytest.mark.parametrize("method", ["taylor", "taylor-oneshot", "activation"])
def test_a_method_that_has_to_look_first_refuses_no_iterations_before_any_event(method: str) -> None:
    task, data = small_task()
    with pytest.raises(BadValueError, match="give it"):
        next(loop.prune_events(config(method, task, iterations=0), task, data, random_backbone()))


def test_one_shot_with_one_iteration_scores_prunes_and_says_how_good_the_slim_model_is() -> None:
    task, data = small_task()
    events = run_of(config("taylor-oneshot", task, iterations=1), task, data)
    assert of(Step, events)[0].learning_rate == 0.0
    assert isinstance(events[-4], Evaluation) and events[-4].iteration == 1
    assert of(Pruned, events)[-1].channel_sparsity > 0.75


def test_scoring_does_not_change_the_weights() -> None:
    checkpoint = of(Checkpoint, recorded("taylor-oneshot"))[0]
    assert checkpoint.iteration == 1  # all of the scoring
    for name, value in random_backbone().tensors.items():
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(checkpoint.state[f"model/{name}"], value), name


def test_a_checkpoint_does_not_change_while_the_run_goes_on() -> None:
    for checkpoint in of(Checkpoint, recorded("taylor")):
        assert all(entry["iteration"] <= checkpoint.iteration for entry in checkpoint.about["rounds"])
        rounds = [e for e in of(Pruned, recorded("taylor")) if e.iteration < checkpoint.iteration]
        assert len(checkpoint.about["rounds"]) == len(rounds)


def test_the_cost_is_every_forward_and_backward_pass() -> None:
    _, data = small_task()
    finished = of(Finished, recorded("magnitude"))[0]
    train, held, test = len(data.train), len(data.validation), len(data.test)
    looks = len(of(Evaluation, recorded("magnitude")))
    spent = 2 * train + 3 * 16 * ITERATIONS + train  # BatchNorm and head; training; BatchNorm once more at the end
    assert finished.cost["macs"] == spent * finished.achieved["macs"]
    watching = looks * held + (looks - 2) * min(train, GLANCE_MOST) + test
    assert finished.cost["monitoring_macs"] == watching * finished.achieved["macs"]


def test_scoring_by_activation_pays_for_its_extra_forward_passes() -> None:
    dense = of(Finished, recorded("activation"))[0].dense["macs"]
    difference = (
        of(Finished, recorded("activation"))[0].cost["macs"] - of(Finished, recorded("taylor-oneshot"))[0].cost["macs"]
    )
    assert difference == 16 * dense


def test_what_was_spent_before_the_loop_is_counted_in() -> None:
    task, data = small_task()
    run = run_of(config("magnitude", task, iterations=0), task, data, spent={"seconds": 1000.0, "cpu_seconds": 500.0})
    assert all(event.seconds >= 1000 for event in run if not isinstance(event, Slimmed))
    assert of(Finished, run)[0].cost["cpu_seconds"] > 500


def test_the_k_nearest_vote_and_with_all_everybody_does() -> None:
    task, data = small_task()
    first = voters()[0][0].selection

    def counted(**changes: object) -> float:
        run = run_of(config("mvp", task, iterations=0, **changes), task, data)
        return max(float(values.max()) for values in model_of(run).importance.values())

    alone = run_of(config("mvp", task, iterations=0, k=1), task, data)
    assert model_of(alone).selection == first
    assert counted(k=1) == 1 and counted(k=2) == 2
    assert counted(k=1, neighbours="all") == 2 and counted(k=None, neighbours="all") == 2


def test_a_single_voters_weights_are_inherited_whole_and_its_head_is_not() -> None:
    task, data = small_task()
    model = voters()[0][0]
    got = model_of(run_of(config("mvp", task, iterations=0, k=1), task, data))
    convolutions = [name for name in got.tensors if "conv" in name or "downsample.0" in name]
    assert len(convolutions) == 20
    assert all(np.array_equal(got.tensors[name], model.tensors[name]) for name in convolutions)
    assert got.tensors["fc.weight"].shape[0] == 3 and model.tensors["fc.weight"].shape[0] == 2


def test_pretrained_weights_start_every_entry_at_the_backbones() -> None:
    task, data = small_task()
    got = model_of(run_of(config("mvp", task, iterations=0, weights="pretrained"), task, data))
    kept = list(got.selection.kept["conv1"])
    assert np.array_equal(got.tensors["conv1.weight"], random_backbone().tensors["conv1.weight"].numpy()[kept])


@pytest.mark.parametrize("method", ["magnitude", "random", "bn-scale", "taylor-oneshot", "same-mask"])
def test_neighbours_weights_leave_the_mask_of_a_method_as_it_was(method: str) -> None:
    task, data = small_task()
    own, lent = (
        run_of(config(method, task, iterations=1, weights=source), task, data)
        for source in ("pretrained", "neighbours")
    )
    assert model_of(own).selection == model_of(lent).selection
    assert not np.array_equal(model_of(own).tensors["conv1.weight"], model_of(lent).tensors["conv1.weight"])


def test_reinitialised_weights_are_neither_the_neighbours_nor_the_backbones() -> None:
    task, data = small_task()
    starts = [
        model_of(run_of(config("mvp", task, iterations=0, weights=source, seed=seed), task, data))
        for source, seed in (("neighbours", 0), ("pretrained", 0), ("reinitialised", 0), ("reinitialised", 1))
    ]
    assert all(start.selection == starts[0].selection for start in starts)
    weights = [start.tensors["layer1.0.conv1.weight"] for start in starts]
    assert not any(np.array_equal(a, b) for i, a in enumerate(weights) for b in weights[:i])
    again = model_of(run_of(config("mvp", task, iterations=0, weights="reinitialised"), task, data))
    assert np.array_equal(again.tensors["layer1.0.conv1.weight"], weights[2])


def test_the_mask_of_another_run_is_kept_as_it_is() -> None:
    task, data = small_task()
    assert model_of(run_of(config("same-mask", task), task, data)).selection == voters()[0][0].selection


def test_looking_at_a_run_costs_the_run_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    task, data = small_task()
    often, seldom = [], []
    for found, every in ((often, True), (seldom, False)):
        with monkeypatch.context() as patch:
            patch.setattr(
                "core.pruning.schedule.Schedule.evaluate_at", lambda self, i, every=every: every or i == self.iterations
            )
            found += run_of(config("mvp", task), task, data)
    a, b = (of(Finished, found)[0] for found in (often, seldom))
    assert len(of(Evaluation, often)) > len(of(Evaluation, seldom))
    assert a.cost["macs"] == b.cost["macs"] and a.cost["monitoring_macs"] > b.cost["monitoring_macs"]
    assert a.test_accuracy == b.test_accuracy
    assert_same(model_of(often), model_of(seldom))


def test_neighbours_of_another_architecture_are_refused_before_training() -> None:
    task, data = small_task()
    foreign = replace(voters()[0][0], selection=drawn({"features.0": 64}, 0.5), importance={}, rounds=())
    with pytest.raises(MetaVoteError):
        list(loop.prune_events(config("mvp", task, k=1), task, data, random_backbone(), [(foreign, 0.0)]))


def test_training_learns_something() -> None:
    """On training images, after more iterations: a loop that never steps would pass everything above."""
    task, data = small_task()
    losses = [s.loss for s in of(Step, run_of(config("magnitude", task, iterations=40, keep=0.5), task, data))]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_a_run_that_diverges_fails_in_a_sentence_instead_of_finishing(monkeypatch: pytest.MonkeyPatch) -> None:
    learn = loop.Pruning.train_step

    def astray(self: loop.Pruning) -> Step:
        step = learn(self)
        with torch.no_grad():
            next(self.model.parameters()).fill_(torch.inf)
        return step

    monkeypatch.setattr(loop.Pruning, "train_step", astray)
    with pytest.raises(DivergedError, match=r"diverged: .* after \d+ iterations; lower its learning rate, ") as said:
        run_of(asked("taylor"), *small_task())
    assert said.value.cost["macs"] > 0
