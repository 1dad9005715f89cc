import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.channels.files import load_pruned
from core.cli.parser import build_parser
from core.cli.pruning import checked_config
from core.errors import BadValueError
from core.paths import ASSETS
from core.pruning.config import RunConfig
from core.pruning.events import Checkpoint
from core.runs.execute import events_of
from core.runs.store import Store
from core.zoo.zoo import DEFAULT
from tests.cli.conftest import Run
from tests.tasks.folders import loose, make

QUICK = ("--method", "magnitude", "--iterations", "2", "--threads", "1")


def write_images(folder: Path, count: int = 6, first: int = 0) -> None:
    folder.mkdir(parents=True)
    for index in range(first, first + count):
        pixels = np.random.default_rng(index).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")


@pytest.mark.slow
def test_prune_answers_with_the_agreed_document_and_stores_the_run(run: Run, store: Store) -> None:
    said = run("prune", "emoji-t00", *QUICK, "--keep", "0.25", "--seed", "3", "--tag", "demo", "--json")
    assert said.code == 0, said.err
    document = said.document
    assert (document["task"], document["method"]) == ("emoji-t00", "magnitude")
    assert document["requested"]["keep"] == 0.25
    assert {"channel_sparsity", "params", "macs"} <= set(document["achieved"])
    assert document["achieved"]["channel_sparsity"] == pytest.approx(0.75, abs=0.02)
    assert 0 < document["achieved"]["params"] < document["dense"]["params"]
    assert 0 < document["achieved"]["macs"] < document["dense"]["macs"]
    assert document["curve"] and {"iteration", "accuracy"} <= set(document["curve"][0])
    assert 0 <= document["test_accuracy"] <= 1
    assert {"seconds", "iterations", "macs", "cpu_seconds", "energy_kwh", "assumptions"} <= set(document["cost"])
    assert document["cost"]["iterations"] == 2
    (listed,) = run("runs", "--tag", "demo", "--json").document
    assert (listed["run"], listed["status"]) == (document["run"], "finished")
    assert run("runs", "show", document["run"], "--json").document == document


@pytest.mark.slow
def test_a_budget_of_parameters_is_hit_and_told_beside_what_was_asked(run: Run) -> None:
    budget = ("--keep", "0.05", "--of", "params", "--allocation", "global", "--least-width", "4", "--multiple", "8")
    document = run("prune", "emoji-t00", *QUICK, *budget, "--json").document
    asked = {"keep": 0.05, "of": "params", "allocation": "global", "least_width": 4, "multiple": 8, "iterations": 2}
    assert document["requested"] == asked
    share = document["achieved"]["params"] / document["dense"]["params"]
    assert document["achieved"]["share"] == share and abs(share / 0.05 - 1) <= 0.02
    shown = run("runs", "show", document["run"]).out
    assert "5 % of the parameters, global, at least 4 wide, in multiples of 8" in shown and "reached" in shown


def test_a_budget_that_cannot_be_hit_is_refused_before_a_run_is_made(run: Run, store: Store) -> None:
    run("prune", "emoji-t00", "--keep", "0.02", "--multiple", "8").refused(
        2, "2 % of the channels", "nearest is 3.333 %"
    )
    run("prune", "emoji-t00", "--of", "bytes").refused(2, "channels", "params")
    assert store.list() == []


@pytest.mark.slow
def test_a_task_nobody_named_before_is_pruned_and_its_model_exported(run: Run, tmp_path: Path) -> None:
    # "face-hand" is a Unicode subgroup within the class face-neutral
    said = run("prune", "--dataset", "emoji", "--classes", "tool, plant,face-hand", *QUICK, "--json")
    assert said.document["task"] == "emoji:tool+plant+face-neutral"
    target = tmp_path / "model.safetensors"
    done = run("export", said.document["run"], "--to", "safetensors", str(target), "--json").document
    assert done["classes"] == ["tool", "plant", "face-neutral"] and done["bytes"] == target.stat().st_size
    assert load_pruned(target).selection.channel_sparsity == said.document["achieved"]["channel_sparsity"]


@pytest.mark.slow
def test_a_folder_of_images_is_a_data_set(run: Run, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write_images(tmp_path / "pets" / name)
    assert run("prune", f"folder:{tmp_path / 'pets'}", *QUICK, "--json").document["cost"]["iterations"] == 2


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("emoji-t99",), ("no task 'emoji-t99'", "did you mean")),
        (("imagenet:a+b",), ("no data set 'imagenet'",)),
        (("emoji:tool+tol",), ("class 'tol'", "tool")),
        (("emoji:tool+tool",), ("listed twice",)),
        (("emoji:tool",), ("at least two classes",)),
        (("--dataset", "emoji", "--classes", "tool,tol"), ("class 'tol'", "tool")),
        (("--dataset", "emojo", "--classes", "a,b"), ("no data set 'emojo'", "emoji")),
        (("folder:does-not-exist",), ("does-not-exist", "check its name")),
        (("emoji-t00", "--method", "mvp", "--zoo", "nope"), ("no zoo 'nope'",)),
        (("emoji-t00", "--method", "magnitude", "--zoo", "nope"), ("no zoo 'nope'",)),
        (
            ("emoji-t00", "--method", "magnitude", "--zoo", DEFAULT, "--backbone", "emoji-resnet18-supervised"),
            ("was made on the",),
        ),
        (("emoji-t00", "--backbone", "resnet999"), ("no backbone 'resnet999'",)),
        (("emoji-t00", "--method", "mvp", "--chosen", "emoji-z99"), ("no zoo task that may vote 'emoji-z99'",)),
        (("emoji-t00", "--method", "same-mask", "--mask-of", "nothing"), ("no run 'nothing'",)),
    ],
)
def test_what_is_not_there_is_one_sentence(run: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    run("prune", *QUICK, *arguments).refused(1, *words)
    assert run("runs", "--json").document == []


def test_the_mask_of_a_run_that_has_not_finished_is_wrong_usage(run: Run, store: Store) -> None:
    waiting = store.create(RunConfig("emoji-t00"))
    run("prune", "emoji-t00", "--method", "same-mask", "--mask-of", waiting).refused(2, waiting, "not finished")


def config_of(*arguments: str) -> RunConfig:
    return checked_config(build_parser().parse_args(["prune", "emoji-t00", *arguments]))


def test_chosen_zoo_tasks_vote_in_place_of_the_nearest(run: Run) -> None:
    config = config_of("--chosen", "emoji-z03, emoji-z17")
    assert (config.neighbours, config.chosen, config.k) == ("chosen", ("emoji-z03", "emoji-z17"), 2)
    assert config_of().weights == "neighbours" and config_of("--method", "taylor").weights == "pretrained"


def test_paths_are_stored_so_that_they_hold_from_any_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ASSETS)
    name = f"{DEFAULT}.safetensors"
    config = config_of("--zoo", f"./zoo/{DEFAULT}", "--backbone", f"backbones/{name}")
    assert (config.zoo, config.backbone) == (str(ASSETS / "zoo" / DEFAULT), str(ASSETS / "backbones" / name))
    assert config_of("--zoo", f"zoo/{DEFAULT}").backbone == DEFAULT


def test_a_folder_with_one_class_or_no_images_or_a_broken_one_is_refused(run: Run, tmp_path: Path) -> None:
    empty, single, broken = tmp_path / "empty", tmp_path / "single", tmp_path / "broken"
    (empty / "cat").mkdir(parents=True)
    run("prune", f"folder:{empty}", *QUICK).refused(1, "no images")
    write_images(single / "cat")
    run("prune", f"folder:{single}", *QUICK).refused(1, "only one class")
    for name in ("cat", "dog"):
        write_images(broken / name)
    (broken / "dog" / "0.png").write_bytes(b"\x89PNG\r\n but no more")
    run("prune", f"folder:{broken}", *QUICK, "--json").refused(1, "0.png", "cannot be read")
    assert run("runs", "--json").document == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_detach_only_queues_and_a_background_worker_does_the_work(run: Run, store: Store) -> None:
    said = run("prune", "emoji-t00", *QUICK, "--detach", "--json")
    assert said.document["status"] in ("queued", "running")
    deadline = time.monotonic() + 300
    while store.get(said.document["run"]).status != "finished" and time.monotonic() < deadline:
        time.sleep(0.5)
    assert store.get(said.document["run"]).status == "finished"
    if (worker := store.get(said.document["run"]).pid) is not None:
        os.kill(worker, signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ctrl_c_leaves_a_run_that_resumes_to_the_same_result(run: Run, store: Store) -> None:
    command = [sys.executable, "-m", "core", "prune", "emoji-t00", *QUICK[:2], "--iterations", "60", "--threads", "1"]
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if (known := store.list()) and store.checkpoint_path(known[0].id).exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, ""), err
    (record,) = store.list()
    assert record.status == "cancelled"
    assert f"python -m core runs resume {record.id}" in err and len(err.strip().splitlines()) == 1

    store.requeue(record.id)
    resumed = subprocess.run(
        [sys.executable, "-m", "core.runs.worker", record.id], capture_output=True, text=True, timeout=300
    )
    assert resumed.returncode == 0, resumed.stderr
    whole = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=300)
    accuracies = [point["accuracy"] for point in json.loads(whole.stdout)["curve"]]
    shown = run("runs", "show", record.id, "--json").document
    assert [point["accuracy"] for point in shown["curve"]] == accuracies
    one, other = (load_pruned(store.model_path(name)) for name in (record.id, json.loads(whole.stdout)["run"]))
    assert all(np.array_equal(other.tensors[name], value) for name, value in one.tensors.items())


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with an image in two classes, and one that cannot be read."""
    path = make(tmp_path, loose("cat", "dog", images=8))
    (path / "dog" / "7.png").write_bytes(b"no image")
    shutil.copy(path / "cat/1.png", path / "dog/0.png")
    return path


def test_unreadable_images_stop_a_run_before_it_is_made_unless_they_are_skipped_and_recorded(
    run: Run, odd: Path
) -> None:
    command = ("prune", f"folder:{odd}", *QUICK, "--json")
    run(*command).refused(1, "dog/7.png cannot be read (not an image)", "--skip-unreadable")
    assert run("runs", "--json").document == []
    said = run(*command, "--skip-unreadable")
    assert said.document["config"]["skip_unreadable"] is True
    assert said.document["skipped"] == {"count": 1, "files": [{"file": "dog/7.png", "reason": "not an image"}]}
    assert "1 image is in more than one class, such as cat/1.png = dog/0.png." in said.err
    assert "1 image cannot be read and is left out: dog/7.png (not an image)." in said.err
    shown = run("runs", "show", said.document["run"]).out
    assert "images skipped" in shown and "1 unreadable" in shown


def test_a_queued_run_and_one_that_is_resumed_skip_the_same_images(run: Run, store: Store, odd: Path) -> None:
    command = ["prune", f"folder:{odd}", *QUICK, "--iterations", "24", "--skip-unreadable"]
    config = checked_config(build_parser().parse_args(command))
    id = store.create(config)
    assert store.get(id).config.skip_unreadable
    events = list(events_of(store.get(id).config))
    kept = next(event for event in events if isinstance(event, Checkpoint))
    resumed = list(events_of(store.get(id).config, kept))
    assert events[-1].inputs == resumed[-1].inputs and events[-1].inputs["skipped"]["count"] == 1


def test_a_config_from_before_images_could_be_skipped_is_read(run: Run) -> None:
    old = {name: value for name, value in RunConfig("emoji-t00").to_dict().items() if name != "skip_unreadable"}
    assert RunConfig.from_dict(old) == RunConfig("emoji-t00")
    with pytest.raises(BadValueError, match="skip_unreadable must be true or false, not 1"):
        RunConfig("emoji-t00", skip_unreadable=1)


@pytest.mark.slow
def test_a_zoo_skips_unreadable_images_in_all_that_it_measures(
    run: Run, odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, name in enumerate(("eel", "fox")):
        write_images(odd / name, 8, first=8 * n)
    monkeypatch.setattr("core.zoo.build.collapsed", lambda *_: False)
    monkeypatch.setattr("core.zoo.describe.LAYOUTS", ("pca", "mds"))
    tasks = [f"folder:{odd}:cat+dog", f"folder:{odd}:dog+eel", f"folder:{odd}:eel+fox", f"folder:{odd}:cat+fox"]
    build = ("zoo", "build", "mine", "--tasks", *tasks, "--iterations", "4", "--method", "magnitude", "--json")
    run(*build).refused(1, "dog/7.png cannot be read", "--skip-unreadable")
    said = run(*build, "--skip-unreadable")
    assert said.code == 0 and said.err.count("in more than one class") == 1
    assert run("neighbours", f"folder:{odd}:dog+fox", "--zoo", "mine", "-k", "2").code == 1
    near = run("neighbours", f"folder:{odd}:dog+fox", "--zoo", "mine", "-k", "2", "--skip-unreadable", "--json")
    assert len(near.document) == 2
