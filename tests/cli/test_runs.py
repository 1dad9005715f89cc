import csv
import io
import json
import math
import sqlite3
from pathlib import Path

import pytest

from core.pruning.config import RunConfig
from core.pruning.engine import RUN_AGAIN
from core.runs import queue
from core.runs.processes import Worker, this_worker
from core.runs.store import Store
from core.tasks import allowed
from tests.cli.conftest import Run, add_finished
from tests.conftest import Sleepers
from tests.tasks.folders import loose, make


def test_an_empty_store_says_how_to_make_a_run(run: Run) -> None:
    assert run("runs", "--json").document == []
    assert "core prune" in run("runs").out


def test_runs_are_listed_newest_first_and_filtered(run: Run, store: Store) -> None:
    first = add_finished(store, RunConfig("emoji-t00"), 0.7, tags=["demo"])
    second = add_finished(store, RunConfig("emoji-t01", method="taylor"), 0.6)
    waiting = store.create(RunConfig("emoji-t01", keep=0.05, of="params"))

    def listed(*arguments: str) -> list[str]:
        return [one["run"] for one in run("runs", *arguments, "--json").document]

    assert listed() == [waiting, second, first]
    assert listed("--limit", "1") == [waiting]
    assert listed("--task", "emoji-t01") == [waiting, second]
    assert listed("--method", "taylor") == [second]
    assert listed("--tag", "demo") == [first]
    assert listed("--status", "finished") == [second, first]
    table = run("runs").out
    assert "70.0 %" in table and waiting in table
    assert " 20 % " in table and "5 % of the" in table  # of what, where that is not the channels


def test_a_run_whose_worker_died_is_listed_as_lost(run: Run, store: Store) -> None:
    me = this_worker()
    run_id = store.create(RunConfig("emoji-t00"))
    store.claim(Worker(me.machine, me.pid, me.process_started - 3600), run_id)
    (one,) = run("runs", "--status", "lost", "--json").document
    assert (one["run"], one["status"]) == (run_id, "lost")


def test_show_answers_in_the_form_of_prune(run: Run, store: Store) -> None:
    run_id = add_finished(store, RunConfig("emoji-t00", keep=0.25), 0.7, curve=[0.4, 0.6])
    document = run("runs", "show", run_id, "--json").document
    assert document["run"] == run_id and document["task"] == "emoji-t00" and document["method"] == "mvp"
    assert document["requested"]["keep"] == 0.25
    assert document["achieved"] == {"channel_sparsity": 0.75, "params": 450_000, "macs": 2_000_000}
    assert document["dense"] == {"params": 11_000_000, "macs": 37_000_000}
    assert [(point["iteration"], point["accuracy"]) for point in document["curve"]] == [(10, 0.4), (20, 0.6)]
    assert document["test_accuracy"] == 0.7
    assert document["cost"]["seconds"] == 9.5 and document["cost"]["macs"] == 10**9
    for_people = run("runs", "show", run_id).out
    assert "70.0 %" in for_people and "450 k of 11 M" in for_people and "60.0 %" in for_people


UNEVEN = {
    "cat": {"train": 90, "validation": 8, "test": 10, "accuracy": 0.9},
    "dog": {"train": 30, "validation": 4, "test": 5, "accuracy": 0.3},
}


def test_balanced_accuracy_and_classes_are_shown_of_an_imbalanced_task_and_top_five_where_it_is_there(
    run: Run, store: Store
) -> None:
    told = {"test_balanced_accuracy": 0.6, "test_top5_accuracy": 0.987, "classes": UNEVEN}
    uneven = add_finished(store, RunConfig("emoji-t00"), 0.7, curve=[0.4], **told)
    document = run("runs", "show", uneven, "--json").document
    assert (document["imbalance"], document["classes"]) == (3.0, UNEVEN)
    assert (document["test_balanced_accuracy"], document["test_top5_accuracy"]) == (0.6, 0.987)
    assert {"balanced_accuracy", "class_accuracy", "top5_accuracy"} <= set(document["curve"][0])
    for_people = run("runs", "show", uneven).out
    assert "60.0 %" in for_people and "98.7 %" in for_people and "3.0 times" in for_people
    assert any(line.split()[:5] == ["dog", "30", "5", "30.0", "%"] for line in for_people.splitlines())
    assert "98.7 %" in run("runs").out and "60.0 %" in run("compare", uneven).out
    row = run("compare", uneven, "--json").document["runs"][0]
    assert (row["test_balanced_accuracy"], row["test_top5_accuracy"], row["imbalance"]) == (0.6, 0.987, 3.0)


def test_nothing_is_said_of_classes_where_they_are_even_or_were_not_recorded(run: Run, store: Store) -> None:
    even = {name: one | {"train": 30} for name, one in UNEVEN.items()}
    for more in ({"test_balanced_accuracy": 0.6, "classes": even}, {}):
        out = run("runs", "show", add_finished(store, RunConfig("emoji-t00"), 0.7, **more)).out
        assert "balanced" not in out and "dog" not in out and "top-5" not in out


def test_a_run_made_by_an_earlier_engine_says_so(run: Run, store: Store) -> None:
    old = add_finished(store, RunConfig("emoji-t00"), 0.7, engine=1)
    assert RUN_AGAIN in " ".join(run("runs", "show", old).out.split())
    assert run("runs", "show", old, "--json").document["engine"] == 1
    assert RUN_AGAIN not in " ".join(run("runs", "show", add_finished(store, RunConfig("emoji-t00"), 0.7)).out.split())


def test_a_run_that_has_not_finished_is_shown_with_what_is_known(run: Run, store: Store) -> None:
    run_id = store.create(RunConfig("emoji-t00"))
    document = run("runs", "--json", "show", run_id).document
    assert (document["status"], document["test_accuracy"], document["curve"]) == ("queued", None, [])
    assert document["requested"]["iterations"] == 60
    assert run_id in run("runs", "show", run_id).out


def test_cancel_and_delete_a_run_that_waits(run: Run, store: Store) -> None:
    run_id = store.create(RunConfig("emoji-t00"))
    assert run("runs", "cancel", run_id, "--json").document == {"run": run_id, "status": "cancelled"}
    assert run("runs", "delete", run_id).code == 0
    run("runs", "show", run_id).refused(1, run_id)


@pytest.mark.parametrize("action", ["show", "cancel", "resume", "delete"])
def test_an_unknown_run_is_refused_with_the_nearest_known(run: Run, store: Store, action: str) -> None:
    run_id = store.create(RunConfig("emoji-t00"))
    run("runs", action, run_id + "x").refused(1, "did you mean", run_id)
    assert store.get(run_id).status == "queued"


def test_resuming_a_run_here_lets_its_worker_read_its_folder(
    run: Run, store: Store, home: Path, tmp_path: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "detached", sleepers)
    path = make(tmp_path / "pets", loose("cat", "dog"))
    run_id = store.create(RunConfig(task=f"folder:{path}"))
    store.request_cancel(run_id)
    assert run("runs", "resume", run_id, "--json").document == {"run": run_id, "status": "queued"}
    assert json.loads((home / allowed.FILE).read_text()) == [str(path)]


def test_a_finished_run_cannot_be_resumed(run: Run, store: Store) -> None:
    run_id = add_finished(store, RunConfig("emoji-t00"), 0.7)
    run("runs", "resume", run_id).refused(1, "finished")


def test_compare_tables_summary_and_paired_difference(run: Run, store: Store) -> None:
    for seed, (mvp, random) in enumerate([(0.7, 0.5), (0.8, 0.7)]):
        add_finished(store, RunConfig("emoji-t00", seed=seed), mvp, curve=[0.1, 0.66], tags=["x"])
        add_finished(store, RunConfig("emoji-t00", method="random", seed=seed), random, tags=["x"])
    document = run("compare", "--all", "--json").document
    assert [one["test_accuracy"] for one in document["runs"]] == [0.7, 0.5, 0.8, 0.7]
    assert document["runs"][0]["validation_accuracy"] == 0.66
    control = next(one for one in document["summary"] if one["variant"] == "random")
    assert (control["n"], control["pairs"], control["baseline"]) == (2, 2, "mvp")
    assert control["difference"] == pytest.approx(-0.15) and control["difference_se"] == pytest.approx(0.05)
    assert run("compare", "--tag", "x", "--format", "json").document == document
    table = run("compare", "--all").out
    assert "−15.0" in table and "75.0 %" in table and "differences to mvp" in table


def test_compare_shows_what_tells_runs_apart_and_says_once_what_all_share(run: Run, store: Store) -> None:
    first = add_finished(store, RunConfig("emoji-t00"), 0.7)
    second = add_finished(store, RunConfig("emoji-t00", seed=1), 0.6)
    for arguments in ((), ("--format", "markdown")):
        shown = run("compare", first, second, *arguments).out
        assert "all: status finished, task emoji-t00, variant mvp, keep 20 %, iterations 60" in shown
        table = shown.split("Finished runs by")[0]
        assert "emoji-t00" not in table.replace(first, "").replace(second, "").split("\n", 1)[1]
        assert "seed" in table and "off" not in table and " of " not in table
    budget = RunConfig("emoji-t00", keep=0.05, of="params", allocation="global", multiple=8)
    third = add_finished(store, budget, 0.5)
    assert [one["variant"] for one in run("compare", first, third, "--json").document["runs"]] == [
        "mvp", "mvp of=params allocation=global multiple=8"
    ]  # fmt: skip
    shown = run("compare", first, third).out
    assert " 20 % " in shown and "5 % of the parameters" in shown and "=channels" not in shown


def test_one_run_or_none_is_said_to_be_one_or_none(run: Run, store: Store, tmp_path: Path) -> None:
    run_id = add_finished(store, RunConfig("emoji-t00"), 0.7)
    assert "status finished" not in run("compare", run_id).out  # nothing is shared by one alone
    assert ": 1 run, 0.0 MB" in run("runs", "export", str(tmp_path / "runs.zip")).out
    assert run("runs", "import", str(tmp_path / "runs.zip")).out.startswith("0 runs added; 1 was there already")


def test_compare_takes_runs_by_name_in_that_order(run: Run, store: Store) -> None:
    first = add_finished(store, RunConfig("emoji-t00"), 0.7)
    second = add_finished(store, RunConfig("emoji-t00", k=3), 0.6)
    document = run("compare", second, first, second, "--json").document
    assert [(one["run"], one["variant"]) for one in document["runs"]] == [(second, "mvp k=3"), (first, "mvp k=5")]
    run("compare", first, second, "--baseline", "mvp").refused(2, "'mvp k=3' or 'mvp k=5'")
    run("compare", first, second, "--baseline", "tailor").refused(1, "tailor")
    run("compare", first, "nope").refused(1, "nope")


def test_compare_writes_csv_and_markdown(run: Run, store: Store) -> None:
    run_id = add_finished(store, RunConfig("emoji-t00"), 1 / 3)
    (read,) = csv.DictReader(io.StringIO(run("compare", run_id, "--format", "csv").out))
    assert (read["run"], float(read["test_accuracy"])) == (run_id, 1 / 3)
    (read,) = csv.DictReader(io.StringIO(run("compare", run_id, "--format", "csv", "--summary").out))
    assert float(read["mean"]) == 1 / 3
    markdown = run("compare", run_id, "--format", "markdown").out
    assert "| run |" in markdown and "33.3 %" in markdown


@pytest.mark.parametrize("verb", ["runs", "compare"])
def test_an_unknown_task_to_choose_runs_by_is_wrong_usage(run: Run, verb: str) -> None:
    run(verb, "--task", "emoji-t77").refused(2, "There is no task 'emoji-t77'", "did you mean")


def test_runs_on_a_folder_that_has_gone_are_still_found(run: Run, store: Store) -> None:
    run_id = add_finished(store, RunConfig("folder:/nowhere/images"), 0.7)
    assert run_id in run("compare", "--task", "folder:/nowhere/images").out


def test_compare_of_nothing_says_how_to_make_a_run(run: Run) -> None:
    assert run("compare", "--all", "--json").document == {"runs": [], "summary": [], "pay_off": [], "notices": []}
    for nothing in (("--all",), ("--task", "emoji-t00")):
        done = run("compare", *nothing)
        assert done.code == 0 and done.out.startswith("There are no such runs") and "variant" not in done.out


def test_compare_says_after_how_many_tasks_the_zoo_is_paid_for(run: Run, store: Store) -> None:
    add_finished(store, RunConfig("emoji-t00", iterations=20), 0.75, cpu_seconds=10)
    add_finished(store, RunConfig("emoji-t00", method="taylor", iterations=240), 0.70, cpu_seconds=40)
    add_finished(store, RunConfig("emoji-t00", method="dense"), 0.80, cpu_seconds=90)
    (only,) = run("compare", "--all", "--json").document["pay_off"]
    cost = run("zoo", "info", "--json").document["cpu_seconds"]  # its similarities are paid for as well
    assert (only["variant"], only["against"], only["against_iterations"]) == ("mvp", "taylor", 240)
    assert only["tasks"] == math.ceil(cost / 30) and only["difference"] == pytest.approx(0.05)
    assert f"{only['tasks']} tasks" in run("compare", "--all").out


def test_the_pay_off_is_shown_against_the_longest_and_best_alone_and_says_what_is_left_out(
    run: Run, store: Store
) -> None:
    add_finished(store, RunConfig("emoji-t00", iterations=20), 0.75, cpu_seconds=10)
    for method, iterations, accuracy in (("taylor", 240, 0.7), ("taylor", 60, 0.6), ("random", 20, 0.3)):
        add_finished(store, RunConfig("emoji-t00", method=method, iterations=iterations), accuracy, cpu_seconds=40)
    assert len(run("compare", "--all", "--json").document["pay_off"]) == 3
    for shape in ("table", "markdown"):
        shown = run("compare", "--all", "--format", shape).out
        assert shown.count(" tasks ") == 2, shown  # a heading of the summary, and one line
        assert "Left out: 2 comparisons" in shown and "--json has all" in shown


def test_export_of_a_run_without_a_model_says_what_to_do(run: Run, store: Store, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    waiting = store.create(RunConfig("emoji-t00"))
    run("export", waiting, "--to", "safetensors", str(target)).refused(1, "queued", "when it has")
    finished = add_finished(store, RunConfig("emoji-t00"), 0.7)
    run("export", finished, "--to", "safetensors", str(target)).refused(1, "gone")
    run("export", "nope", "--to", "safetensors", str(target)).refused(1, "nope")
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\0\0\0\0\0\0\0{}      ", b"\xff" * 64])
def test_export_of_a_damaged_model_is_refused_and_leaves_no_file(
    run: Run, store: Store, tmp_path: Path, content: bytes
) -> None:
    run_id = add_finished(store, RunConfig("emoji-t00"), 0.7)
    store.model_path(run_id).parent.mkdir(parents=True)
    store.model_path(run_id).write_bytes(content)
    run("export", run_id, "--to", "safetensors", str(tmp_path / "out.safetensors")).refused(1, "model.safetensors")
    assert list(tmp_path.glob("*out*")) == []
    assert store.model_path(run_id).read_bytes() == content


def test_a_store_that_is_no_database_is_one_sentence(run: Run, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "runs.db").write_bytes(b"something else entirely" * 100)
    run("runs").refused(1, "runs.db")
    run("compare", "--all", "--json").refused(1, "runs.db")
    assert (home / "runs.db").read_bytes().startswith(b"something")


def test_a_read_only_store_can_be_looked_into_but_not_added_to(
    run: Run, store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = add_finished(store, RunConfig("emoji-t00"), 0.7)
    store.close()
    with sqlite3.connect(home / "runs.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    monkeypatch.setenv("METAVOTE_STORE", f"sqlite:///file:{home / 'runs.db'}?mode=ro&uri=true")
    assert run("runs", "--json").document[0]["run"] == run_id
    run("prune", "emoji-t00", "--method", "magnitude").refused(1, "read-only")
    run("prune", "emoji-t00", "--method", "magnitude", "--detach", "--json").refused(1, "read-only")
    run("runs", "delete", run_id).refused(1, "read-only")
    assert [one["run"] for one in run("runs", "--json").document] == [run_id]
