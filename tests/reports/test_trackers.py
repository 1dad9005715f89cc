"""Runs handed to TensorBoard and MLflow, read back with their own libraries."""

import os
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadValueError, MetaVoteError, MissingDataError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Step
from core.reports import trackers
from core.reports.trackers import export_to
from core.runs.store import Store
from tests.cli.conftest import add_finished


@pytest.fixture
def store(home: Path) -> Store:
    return Store(f"sqlite:///{home / 'runs.db'}")


@pytest.fixture
def run_id(store: Store) -> str:
    run_id = add_finished(store, RunConfig("emoji-t00", seed=3), 0.7, curve=(0.4, 0.6))
    store.append(run_id, [Step(1, 1.5, 0.01, 0.1), Step(2, float("nan"), 0.02, 0.2)])
    store.set_notes(run_id, "a note")
    store.set_tags(run_id, ("good", "gôod: a/../b"))
    return run_id


def test_tensorboard_reads_the_curves_the_settings_and_the_results(store: Store, run_id: str, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG, parse_session_start_info_plugin_data

    for _ in range(2):  # a second time replaces the first
        assert export_to("tensorboard", store, [store.get(run_id)], str(tmp_path)) == ([run_id], [])
    read = accumulator.EventAccumulator(str(tmp_path / run_id))
    read.Reload()
    accuracy = read.Scalars("validation/accuracy")
    assert [(one.step, round(one.value, 4)) for one in accuracy] == [(10, 0.4), (20, 0.6)]
    started = store.get(run_id).started
    assert started is not None and accuracy[1].wall_time == pytest.approx(started + 2, abs=0.01)
    assert [one.step for one in read.Scalars("train/loss")] == [1]  # a loss that is no number is left out
    assert len(read.Scalars("train/learning_rate")) == 2
    assert read.Scalars("size/params")[-1].value == 450_000
    assert read.Scalars("result/test_accuracy")[-1].value == pytest.approx(0.7)
    plugin = read.SummaryMetadata(SESSION_START_INFO_TAG).plugin_data.content
    params = parse_session_start_info_plugin_data(plugin).hparams
    assert params["method"].string_value == "mvp" and params["seed"].number_value == 3


def test_a_folder_for_tensorboard_that_could_not_be_written_whole_leaves_the_earlier_one(
    store: Store, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = pytest.importorskip("torch.utils.tensorboard.writer")
    export_to("tensorboard", store, [store.get(run_id)], str(tmp_path))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    taken: list[str] = []

    def take_three(self: Any, name: str, *told: Any) -> None:
        taken.append(name)
        if len(taken) > 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer.SummaryWriter, "add_scalar", take_three)
    with pytest.raises(MetaVoteError, match="No space left on device"):
        export_to("tensorboard", store, [store.get(run_id)], str(tmp_path))
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


def runs_in_mlflow(uri: str, run_id: str) -> Any:
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(trackers.EXPERIMENT)
    return client.search_runs([experiment.experiment_id], f"attributes.run_name = '{run_id}'")


@pytest.mark.slow
def test_mlflow_reads_the_curves_the_settings_the_results_and_takes_a_run_once(
    store: Store, run_id: str, uri: str
) -> None:
    mlflow = pytest.importorskip("mlflow")
    assert export_to("mlflow", store, [store.get(run_id)], uri) == ([run_id], [])
    assert export_to("mlflow", store, [store.get(run_id)], uri) == ([], [run_id])
    client = mlflow.MlflowClient(tracking_uri=uri)
    (found,) = runs_in_mlflow(uri, run_id)
    assert found.info.run_name == run_id and found.info.status == "FINISHED"
    assert found.data.params["method"] == "mvp" and found.data.params["seed"] == "3"
    tags = found.data.tags
    assert tags["metavote.tags"] == "good, gôod: a/../b" and tags["mlflow.note.content"] == "a note"
    assert tags["metavote.run"] == run_id and "metavote.half" not in tags
    assert found.data.metrics["result/test_accuracy"] == pytest.approx(0.7)
    history = client.get_metric_history(found.info.run_id, "validation/accuracy")
    assert [(one.step, one.value) for one in history] == [(10, 0.4), (20, 0.6)]
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.slow
@pytest.mark.parametrize("line_is_dead", [False, True])
def test_a_run_that_mlflow_has_only_half_of_is_cleared_away_and_handed_over_again(
    store: Store, run_id: str, uri: str, monkeypatch: pytest.MonkeyPatch, line_is_dead: bool
) -> None:
    mlflow = pytest.importorskip("mlflow")

    def broken(self: Any, *told: Any, **more: Any) -> None:
        raise ConnectionError("the line is dead")

    with monkeypatch.context() as broken_line:
        broken_line.setattr(mlflow.MlflowClient, "set_terminated", broken)
        if line_is_dead:
            broken_line.setattr(mlflow.MlflowClient, "delete_run", broken)
        with pytest.raises(MetaVoteError, match="took not all runs .the line is dead."):
            export_to("mlflow", store, [store.get(run_id)], uri)
    assert len(runs_in_mlflow(uri, run_id)) == line_is_dead  # what could not be deleted is there still
    assert export_to("mlflow", store, [store.get(run_id)], uri) == ([run_id], [])
    (found,) = runs_in_mlflow(uri, run_id)
    assert found.info.status == "FINISHED"
    assert export_to("mlflow", store, [store.get(run_id)], uri) == ([], [run_id])


def test_new_numbers_of_an_evaluation_go_along() -> None:
    event = Evaluation(10, 0.5, 1.0, 2.0)
    names = {one.name for one in trackers.scalars_of([event], began=0.0)}
    assert {"validation/accuracy", "validation/loss"} <= names
    assert not names & {"validation/iteration", "validation/seconds", "validation/kind"}


def test_what_cannot_be_handed_over_is_refused(
    store: Store, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = store.get(store.create(RunConfig("emoji-t00")))
    with pytest.raises(UnknownNameError, match="wandb"):
        export_to("wandb", store, [], str(tmp_path))
    with pytest.raises(BadValueError, match="has not ended"):
        export_to("tensorboard", store, [waiting], str(tmp_path))
    (tmp_path / "file").write_text("x")
    with pytest.raises(MetaVoteError, match="choose another place"):
        export_to("tensorboard", store, [store.get(run_id)], str(tmp_path / "file" / "logs"))
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    with pytest.raises(MissingDataError, match="pip install tensorboard"):
        export_to("tensorboard", store, [store.get(run_id)], str(tmp_path))
    with pytest.raises(MissingDataError, match="pip install mlflow-skinny alembic"):
        export_to("mlflow", store, [store.get(run_id)], "sqlite:///x.db")
