import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from safetensors.numpy import save, save_file

import core
from core.backbones.backbone import save_backbone
from core.errors import BadValueError
from core.numbers import duration
from core.pruning.engine import BUILD_AGAIN, ENGINE
from core.tasks.catalogue import tasks
from core.workshop import work
from core.workshop.state import order_of
from core.zoo.archive import OWNER
from core.zoo.build import Progress
from core.zoo.plan import Plan
from core.zoo.zoo import DEFAULT, SIMILARITIES, Zoo, open_zoo
from tests.cli.conftest import Run
from tests.conftest import Sleepers
from tests.engine import random_backbone

TASKS, TARGETS = 4, 2


def write_part(zoo: Zoo, folder: Path, **changes: Any) -> Path:
    """A zoo of the embedded one's first tasks and targets, whole in itself; `changes` to its zoo.json."""
    about = json.loads((zoo.path / "zoo.json").read_text())
    about["tasks"], about["targets"] = about["tasks"][:TASKS], about["targets"][:TARGETS]
    rows = [*range(TASKS), *range(len(zoo.tasks), len(zoo.tasks) + TARGETS)]
    ids = [list(zoo.rows)[row] for row in rows]
    arrays = {f"similarity/{kind}": zoo.similarity(kind)[1][np.ix_(rows, range(TASKS))] for kind in SIMILARITIES}
    arrays |= {
        f"coordinates/{kind}": np.array([zoo.coordinates(kind)[name] for name in ids])
        for kind in ("umap", "pca", "mds")
    }
    arrays |= {f"prototypes/{name}": zoo.prototypes(row) for name, row in zip(ids, rows, strict=True)}
    content = save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
    (folder / "models").mkdir(parents=True)
    (folder / "arrays.safetensors").write_bytes(content)
    about |= {"id": "part", "hash": hashlib.sha256(content).hexdigest(), **changes}
    (folder / "zoo.json").write_text(json.dumps(about))
    for name in ids[:TASKS]:
        shutil.copy(zoo.path / "models" / f"{name}.safetensors", folder / "models")
    return folder


def test_a_zoo_made_by_an_earlier_engine_says_so(run: Run, tmp_path: Path) -> None:
    old, current = (write_part(open_zoo(), tmp_path / str(engine), engine=engine) for engine in (1, ENGINE))
    assert BUILD_AGAIN in " ".join(run("zoo", "info", str(old)).out.split())
    assert BUILD_AGAIN not in " ".join(run("zoo", "info", str(current)).out.split())
    assert run("zoo", "info", str(old), "--json").document["engine"] == 1


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_part(open_zoo(), tmp_path_factory.mktemp("zoos") / "part")


@pytest.fixture
def part(original: Path, tmp_path: Path) -> Path:
    """The folder of a small whole zoo that a test may damage."""
    return Path(shutil.copytree(original, tmp_path / "part"))


@pytest.fixture(scope="module")
def packed(original: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from core.zoo.archive import pack

    file = tmp_path_factory.mktemp("packed") / "part.zip"
    pack(open_zoo(original), file)
    return file.read_bytes()


def test_info_tells_what_the_embedded_zoo_holds(run: Run) -> None:
    document = run("zoo", "info", "--json").document
    assert [one["id"] for one in document["targets"]] == [task.id for task in tasks("targets")]
    assert document["tasks"] and all(0 < one["validation_accuracy"] <= 1 for one in document["tasks"])
    assert sum(document["groups"].values()) > 0 and document["bytes"] > 0 and 0 < document["keep"] <= 1
    assert document["backbone_hash"] == open_zoo().backbone_hash
    said = run("zoo", "info").out
    assert document["tasks"][0]["id"] in said and document["targets"][0]["id"] in said
    assert "taylor, 240 iterations, learning rate 0.02, seed 0" in said


def test_a_zoo_passed_on_as_a_file_is_the_same_zoo(run: Run, part: Path, tmp_path: Path, home: Path) -> None:
    file = tmp_path / "new" / "part.zip"
    done = run("zoo", "export", str(part), str(file), "--json").document
    assert (done["zoo"], done["file"], done["bytes"]) == ("part", str(file), file.stat().st_size)
    assert (done["backbone"], done["with_backbone"]) == (DEFAULT, False)
    document = run("zoo", "import", str(file), "--json").document
    assert (document["id"], document["path"]) == ("part", str(home / "zoos" / "part"))
    ours, theirs = open_zoo("part"), open_zoo(part)
    for task in theirs.tasks:
        assert ours.selection(task.id) == theirs.selection(task.id)
        assert (ours.path / "models" / f"{task.id}.safetensors").read_bytes() == (
            theirs.path / "models" / f"{task.id}.safetensors"
        ).read_bytes()
    near = run("neighbours", "emoji-t00", "-k", "2", "--zoo", "part", "--json").document
    assert [one["task"] for one in near] == [one.task.id for one in theirs.neighbours(tasks("targets")[0], 2)]


def test_an_import_never_replaces_a_zoo_unasked(run: Run, packed: bytes, tmp_path: Path, home: Path) -> None:
    file = tmp_path / "part.zip"
    file.write_bytes(packed)
    assert run("zoo", "import", str(file)).code == 0
    marker = home / "zoos" / "part" / "mine"
    marker.touch()
    run("zoo", "import", str(file)).refused(1, "here already", "--replace")
    assert marker.exists()
    assert run("zoo", "import", str(file), "--replace").code == 0
    assert not marker.exists()


def zip_with(files: dict[str, bytes]) -> Callable[[bytes], bytes]:
    def change(packed: bytes) -> bytes:
        import io

        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(out, "w") as new:
            for name in dict.fromkeys([*old.namelist(), *files]):
                if files.get(name, b"x") != b"":
                    new.writestr(name, files.get(name) or old.read(name))
        return out.getvalue()

    return change


def flipped(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes(byte ^ 0xFF for byte in packed[middle : middle + 64]) + packed[middle + 64 :]


FOREIGN = save({"weight": np.zeros(3, np.float32)})
FIRST = f"models/{tasks('zoo')[0].id}.safetensors"


@pytest.mark.parametrize(
    "change",
    [
        lambda packed: b"",
        lambda packed: b"no zip at all" * 50,
        lambda packed: packed[: len(packed) // 2],
        flipped,
        zip_with({"../evil.safetensors": b"x"}),
        zip_with({"models/../../evil.safetensors": b"x"}),
        zip_with({"/evil.safetensors": b"x"}),
        zip_with({"run.py": b"print(1)"}),
        zip_with({"zoo.json": b""}),
        zip_with({"zoo.json": b"{"}),
        zip_with({"zoo.json": b"[]"}),
        zip_with({"arrays.safetensors": b""}),
        zip_with({"arrays.safetensors": FOREIGN}),
        zip_with({FIRST: b""}),
        zip_with({FIRST: b"cut off"}),
        zip_with({FIRST: FOREIGN}),
    ],
)
def test_a_damaged_or_foreign_zoo_file_is_refused_and_nothing_comes_of_it(
    run: Run, packed: bytes, tmp_path: Path, home: Path, change: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "part.zip"
    file.write_bytes(change(packed))
    run("zoo", "import", str(file), "--json").refused(1)
    assert [path.name for path in (home / "zoos").glob("*")] == []
    assert list(tmp_path.rglob("evil*")) == [] and file.exists()


def test_a_zoo_of_another_backbone_is_refused_by_import_and_prune(run: Run, tmp_path: Path, home: Path) -> None:
    foreign = write_part(open_zoo(), tmp_path / "foreign", backbone_hash="0" * 64)
    run("zoo", "export", str(foreign), str(tmp_path / "foreign.zip")).refused(1, "another backbone")
    run("prune", "emoji-t00", "--zoo", str(foreign), "-k", "2").refused(1, "made on another backbone", "000000000000")
    run("votes", "emoji-t00", "--zoo", str(foreign), "-k", "2").refused(1, "another backbone")
    assert not (tmp_path / "foreign.zip").exists()
    assert run("runs", "--json").document == []


def test_a_model_of_another_zoo_smuggled_in_is_refused(run: Run, part: Path, tmp_path: Path) -> None:
    models = sorted((part / "models").iterdir())
    save_file({"weight": np.zeros(3, np.float32)}, models[0])
    run("zoo", "export", str(part), str(tmp_path / "x.zip")).refused(1, models[0].name)
    models[0].write_bytes(models[1].read_bytes()[:-100])
    run("zoo", "export", str(part), str(tmp_path / "x.zip")).refused(1, models[0].name)
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("verb", ["neighbours", "votes", "prune"])
def test_more_neighbours_than_the_zoo_has_is_wrong_usage(run: Run, part: Path, verb: str) -> None:
    run(verb, "emoji-t00", "--zoo", str(part), "-k", str(TASKS + 1)).refused(2, f"{TASKS} tasks")
    assert run("runs", "--json").document == []


@pytest.mark.parametrize("verb", ["neighbours", "votes", "prune"])
def test_a_zoo_task_with_the_same_classes_is_none_of_the_k(run: Run, part: Path, verb: str) -> None:
    equal = f"emoji:{'+'.join(reversed(tasks('zoo')[0].classes))}"
    run(verb, equal, "--zoo", str(part), "-k", str(TASKS)).refused(2, f"{TASKS - 1} tasks")


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (("info", "nope"), 1, ("no zoo 'nope'",)),
        (("export", "nope", "x.zip"), 1, ("no zoo 'nope'",)),
        (("import", "nope.zip"), 1, ("no file", "nope.zip")),
        (("remove", "nope"), 1, ("no zoo 'nope'",)),
        (("remove", DEFAULT), 1, ("ships with the project",)),
        (("build", "new"), 2, ("--tasks", "--setting")),
        (("build", "new", "--from", "no.yaml"), 1, ("no.yaml", "cannot be read")),
        (("build", "new", "--from", "no.yaml", "--tasks", "emoji"), 2, ("Say once",)),
        (("add", "nope", "--run", "x"), 1, ("no zoo 'nope'",)),
        (("add", DEFAULT), 2, ("--model", "--run")),
        (("add", DEFAULT, "--run", "x", "--model", "y"), 2, ("--model", "--run")),
        (("add", DEFAULT, "--run", "x"), 1, ("no run 'x'",)),
        (("add", DEFAULT, "--model", "nope.pth", "--task", "emoji:tool+plant"), 1, ("nope.pth",)),
        (("merge", "new", "nope"), 1, ("no zoo 'nope'",)),
        (("merge", DEFAULT, DEFAULT), 1, ("ships with the project", "choose another name")),
        (("build", "../new", "--setting", "emoji"), 2, ("id",)),
        (("build", "new", "--setting", "emojo"), 1, ("emojo", "emoji")),
        (("build", "new", "--tasks", "emoji-z99"), 1, ("emoji-z99",)),
        (("build", "new", "--tasks", "emoji-z00", "emoji-z00"), 2, ("twice",)),
        (("build", "new", "--tasks", "emoji-z00", "--without", "emoji-z00"), 2, ("at least one task",)),
        (
            ("build", "new", "--tasks", "emoji-z00", "--without", "emoji-z01"),
            1,
            ("leave out", "did you mean emoji-z00?"),
        ),
        (("build", "new", "--tasks", "emoji-z00", "--method", "mvp"), 2, ("mvp", "taylor")),
        (("build", "new", "--tasks", "emoji-z00", "--method", "same-mask"), 2, ("same-mask",)),
        (("build", "new", "--tasks", "emoji-z00", "--iterations", "2"), 2, ("at least 3 iterations",)),
        (("build", "new", "--tasks", "emoji-z00", "--backbone", "nope"), 1, ("no backbone 'nope'",)),
    ],
)
def test_wrong_zoo_commands_are_one_sentence(
    run: Run, home: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    run("zoo", *arguments).refused(code, *words)
    assert not (home / "zoos" / "new").exists()


def test_a_build_never_replaces_a_zoo_unasked(run: Run, part: Path, home: Path) -> None:
    shutil.copytree(part, home / "zoos" / "part")
    before = {path: path.read_bytes() for path in (home / "zoos").rglob("*") if path.is_file()}
    run("zoo", "build", "part", "--tasks", "emoji:tool+plant").refused(1, "A zoo part already exists", "--replace")
    assert {path: path.read_bytes() for path in (home / "zoos").rglob("*") if path.is_file()} == before


def test_a_zoo_that_a_page_has_a_process_build_is_left_to_it(
    run: Run, home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)
    work.build({"zoo": "mine", "tasks": ["emoji:tool+plant"]})
    command = ("zoo", "build", "mine", "--tasks", "emoji:heart+flag")
    run(*command).refused(1, "The zoo mine is being built on the Zoos page", "cancel that there first")
    with pytest.raises(BadValueError, match="is being built on the Zoos page"):
        core.build_zoo("mine", [core.task("emoji:heart+flag")])
    assert [path.name for path in (home / "zoos" / "mine").iterdir()] == [OWNER]


@pytest.mark.parametrize("surface", ["command line", "Python"])
def test_a_build_takes_the_folder_of_a_cancelled_order_over(
    run: Run, home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch, surface: str
) -> None:
    def build_model(folder: Path, *_: object) -> None:
        (folder / "models" / "hours.safetensors").write_bytes(b"hours of work")
        raise BadValueError("Stopped.")

    monkeypatch.setattr(work, "_spawn", sleepers)
    monkeypatch.setattr("core.zoo.build.build_model", build_model)
    id = work.build({"zoo": "mine", "tasks": ["emoji:tool+plant"]})
    work.cancel(id)
    begun = core.build_zoo("mine", [core.task("emoji:tool+plant")])
    work.go_on(id)  # before the first step of what was asked for meanwhile
    with pytest.raises(BadValueError, match="is being built on the Zoos page"):
        next(begun)
    work.cancel(id)
    if surface == "Python":
        with pytest.raises(BadValueError, match="Stopped"):
            list(core.build_zoo("mine", [core.task("emoji:tool+plant")]))
    else:
        run("zoo", "build", "mine", "--tasks", "emoji:tool+plant").refused(1, "Stopped")
    assert work.made_by(order_of(id)) == 0
    with pytest.raises(BadValueError, match="is half built in"):
        work.go_on(id)
    work.forget(id)
    assert (home / "zoos" / "mine" / "models" / "hours.safetensors").read_bytes() == b"hours of work"


def test_an_option_that_is_given_twice_adds_to_what_was_given(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []

    def build_zoo(folder: Path, plan: Plan, *_: object) -> Iterator[Progress]:
        plans.append(plan)
        raise BadValueError("Stopped.")

    monkeypatch.setattr("core.zoo.build.build_zoo", build_zoo)
    command = "zoo build mine --tasks emoji:tool+plant emoji:heart+flag --tasks emoji:sport+time --without"
    run(*command.split(), "emoji:tool+plant", "--without", "emoji:heart+flag").refused(1, "Stopped")
    assert [task.id for task in plans[0].tasks] == ["emoji:sport+time"]


@pytest.mark.slow
def test_neighbours_of_a_task_nobody_named_before_are_computed(run: Run, part: Path) -> None:
    new = ("--dataset", "emoji", "--classes", "tool,plant,heart", "--zoo", str(part))
    found = run("neighbours", *new, "-k", "4", "--json").document
    similarities = [one["similarity"] for one in found]
    assert len(found) == 4 and similarities == sorted(similarities, reverse=True)
    assert run("neighbours", *new, "-k", "2", "--json").document == found[:2]


def test_the_zoos_that_are_here_are_listed(run: Run, part: Path, home: Path) -> None:
    (home / "zoos" / "broken").mkdir(parents=True)
    (home / "zoos" / "broken" / "zoo.json").write_text("{")
    shutil.copytree(part, home / "zoos" / "part")
    document = run("zoo", "list", "--json").document
    found = {one["id"]: one for one in document["zoos"]}
    assert {"part", DEFAULT} <= set(found) and found["part"]["tasks"] == TASKS and not found["part"]["shipped"]
    assert 0 < found["part"]["lowest_accuracy"] <= found["part"]["mean_accuracy"] <= 1
    assert "damaged" in document["broken"]["broken"]
    assert "part" in run("zoo", "list").out


def test_a_zoo_is_removed(run: Run, part: Path, home: Path) -> None:
    shutil.copytree(part, home / "zoos" / "part")
    assert run("zoo", "remove", "part", "--json").document == {"zoo": "part", "status": "removed"}
    assert not (home / "zoos" / "part").exists()
    run("zoo", "remove", "part").refused(1, "no zoo 'part'")


def test_a_zoo_has_one_cpu_time_of_its_models_and_similarities_wherever_it_is_told(run: Run, home: Path) -> None:
    cost = open_zoo().about["cost"]
    spent = cost["cpu_seconds"] + cost["similarity_cpu_seconds"]
    (listed,) = (one for one in run("zoo", "list", "--json").document["zoos"] if one["id"] == DEFAULT)
    assert listed["cpu_seconds"] == run("zoo", "info", "--json").document["cpu_seconds"] == pytest.approx(spent)
    said = duration(spent)
    assert said in run("zoo", "list").out and f"made in {said} of CPU time" in " ".join(run("zoo", "info").out.split())


RECIPE = """\
zoo: mine
tasks:
  - emoji:tool+plant
  - {dataset: emoji, classes: [heart, flag]}
  - emoji:sport+time
  - emoji:hand+arrow
method: magnitude
keep: 0.4
iterations: 2
"""


@pytest.mark.slow
def test_a_zoo_is_built_looked_into_pruned_with_extended_and_merged(run: Run, tmp_path: Path) -> None:
    named = [f"emoji:{a}+{b}" for a, b in (("tool", "plant"), ("heart", "flag"), ("sport", "time"), ("hand", "arrow"))]
    (tmp_path / "tasks.yaml").write_text(RECIPE)
    changed = ("--keep", "0.5", "--targets", "emoji:tool+heart", "--threads", "1")
    said = run("zoo", "build", "--from", str(tmp_path / "tasks.yaml"), *changed, "--json")
    assert said.code == 0, said.err
    assert (said.document["id"], said.document["keep"]) == ("mine", 0.5)
    assert [one["id"] for one in said.document["tasks"]] == named
    near = run("neighbours", "emoji:tool+heart", "--zoo", "mine", "-k", "4", "--json").document
    assert {one["task"] for one in near} == set(named)
    pruned = run(
        "prune", "emoji:tool+heart", "--zoo", "mine", "-k", "2", "--iterations", "2", "--threads", "1", "--json"
    )
    assert pruned.code == 0, pruned.err
    assert pruned.document["config"]["zoo"] == "mine"
    more = run("zoo", "add", "mine", "--run", pruned.document["run"], "--json")
    assert more.code == 0, more.err
    assert [one["id"] for one in more.document["tasks"]] == [*named, "emoji:tool+heart"] and not more.document[
        "targets"
    ]
    run("zoo", "add", "mine", "--run", pruned.document["run"]).refused(1, "--replace")
    run("zoo", "build", "--from", str(tmp_path / "tasks.yaml"), *changed).refused(1, "already exists", "--replace")
    assert len(open_zoo("mine").tasks) == 5
    merged = run("zoo", "merge", "ours", "mine", "mine", "--json").document
    assert len(merged["tasks"]) == 5 and len(merged["left_out"]) == 5


@pytest.mark.slow
def test_a_zoo_on_a_backbone_of_ones_own_works_like_any_other(
    run: Run, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = random_backbone()
    save_backbone(
        tmp_path / "own.safetensors", own.tensors, architecture=own.architecture, source="random",
        mean=list(own.mean), std=list(own.std), size=own.size, about={},
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    named = ("emoji:tool+plant", "emoji:heart+flag", "emoji:sport+time")
    quick = ("--method", "magnitude", "--keep", "0.9", "--iterations", "0", "--threads", "1")
    said = run("zoo", "build", "mine", "--tasks", *named, "--backbone", "own.safetensors", *quick, "--json")
    assert said.code == 0, said.err
    assert said.document["backbone"] == "own" and (home / "backbones" / "own.safetensors").is_file()
    (tmp_path / "own.safetensors").unlink()
    found = {one["name"]: one["state"] for one in run("doctor", "--json").document["checks"]}
    assert (found["zoo mine"], found["backbone own"]) == ("ok", "ok")
    unseen = ("emoji:hand+arrow", "--zoo", "mine", "-k", "2", "--json")
    assert len(run("neighbours", *unseen).document) == 2
    assert run("votes", *unseen).document["groups"]
    pruned = run("prune", *unseen, "--iterations", "1", "--threads", "1")
    assert pruned.code == 0, pruned.err
    assert pruned.document["config"]["backbone"] == "own"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a Unix signal to a process group")
def test_ctrl_c_stops_a_build_with_workers_within_seconds(run: Run, home: Path, tmp_path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell's children are born deaf to Ctrl-C
    command = [sys.executable, "-m", "core", "zoo", "build", "mine", "--setting", "emoji", "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--iterations", "100000", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while len(busy := psutil.Process(process.pid).children(recursive=True)) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(15)  # into their work
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "") and "give the same command again" in err
    assert len(err.strip().splitlines()) == 1, err
    assert not psutil.wait_procs(busy, timeout=5)[1]
