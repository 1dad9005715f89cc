"""Every example in a `--help`, the README and the docs is run; those that cannot be are listed, with the reason."""

import ast
import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import core
from core.cli.main import main
from core.cli.parser import build_parser
from core.tasks.task import Task
from core.zoo.recipe import plan_of, read_recipe
from tests.examples.documented import PAGES, ROOT, Example, documented, is_ours
from tests.examples.world import QUICK, SLIM, World, copied, make_small, make_world

NETWORK = "downloads from the network"
PYPI = "its checkpoint is a package of PyPI, and a ResNet-50 takes minutes"
BENCHMARK = "measures for minutes to hours"
INSTALL = "installs packages or opens the dashboard"
ELSEWHERE = "tests/examples/test_examples.py runs it"
LARGE = "imports some thousand runs; the same command runs on study.zip"
TRAINING = "trains a backbone for hours"
RESNET_TASKS = " ".join(
    ["--tasks", *(f"emoji-z0{n}" for n in range(10)), "--targets", *(f"emoji-t0{n}" for n in range(4))]
)
ALL = documented()
# Example -> why it is only parsed: its options exist, and the modules and targets that it names.
NOT_RUN = {
    "python -m core backbones add resnet50 --weights IMAGENET1K_V2 --download": NETWORK,
    'core.add_backbone("resnet50", weights="IMAGENET1K_V2", download=True)': NETWORK,
    "python -m core tasks --download cifar10": NETWORK,
    "python -m core runs import benchmarks/study-runs.zip": LARGE,
    "make run": INSTALL,
    "make test": INSTALL,
    "pip install -r requirements.txt": INSTALL,
    "pip install -r requirements-extras.txt": INSTALL,
    ".venv/bin/pip install torch==... torchvision==... --index-url ...": INSTALL,
    "pip download --no-deps imgsim==0.1.2": PYPI,
    "python -m examples.small_zoo_and_vote": ELSEWHERE,
    "python -m core.backbones.pretrain simclr --out FOLDER": TRAINING,
    "python -m benchmarks.architectures": BENCHMARK,
    "python -m benchmarks.budgets": BENCHMARK,
    "python -m benchmarks.choose": BENCHMARK,
    "python -m benchmarks.example_targets": BENCHMARK,
    "python -m benchmarks.speed --rounds 3": BENCHMARK,
    "python -m benchmarks.step": BENCHMARK,
    "python -m benchmarks.dashboard": BENCHMARK,
    "python -m benchmarks.large_zoo --rounds 4": BENCHMARK,
    "python -m benchmarks.latency": BENCHMARK,
    "python -m benchmarks.study": BENCHMARK,
    "python -m benchmarks.study --report docs/study": BENCHMARK,
    "python -m benchmarks.choose --stride 6 --only 'as it is' 'same parameters' 'global, same channels' "
    "'global, same parameters' 'global, same MACs'": BENCHMARK,
    "python -m core backbones add imgsim/imgsim/model.pth --architecture resnet50 "
    "--name imgsim-resnet50 --size 64": PYPI,
    "python -m core zoo build emoji-resnet50-imgsim --backbone imgsim-resnet50 --keep 0.2 --iterations 240 "
    f"--learning-rate 0.005 {RESNET_TASKS}": PYPI,
    "python -m core zoo build emoji-resnet50-magnitude --backbone imgsim-resnet50 --keep 0.2 --iterations 120 "
    f"--learning-rate 0.01 --method magnitude {RESNET_TASKS}": PYPI,
    "python -m core prune emoji-t01 --method mvp --zoo emoji-resnet50-imgsim "
    "--learning-rate 0.02 --seed 0 --threads 1": PYPI,
    "python -m core prune emoji-t01 --method magnitude --backbone imgsim-resnet50 "
    "--learning-rate 0.01 --seed 0 --threads 1": PYPI,
}
RUNS_OF = {("runs", "cancel"): "queued", ("runs", "resume"): "cancelled"}
AFTER = {"--task": SLIM, "--model": "slim.pth", "--kept": "kept.json"}  # "..." behind an option
TASKS = (SLIM, "emoji:sport+flag")


def statements(example: Example) -> Iterator[str]:
    """The statements of a block of Python, without those that are not run."""
    for node in ast.parse(example.text).body:
        text = ast.unparse(node)
        if text not in {ast.unparse(ast.parse(each)) for each in NOT_RUN if each.startswith("core.")}:
            yield text


def of_kind(kind: str) -> list[Any]:
    found = [one for one in ALL if one.kind == kind and one.id not in NOT_RUN]
    return [pytest.param(one, id=f"{one.place}: {one.id}"[:100]) for one in found]


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(first_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world of this test's own, its folder the one that we are in."""
    mine = copied(first_world, tmp_path)
    make_small(monkeypatch, mine.home)
    monkeypatch.chdir(mine.work)
    return mine


def bound(words: list[str], world: World) -> list[str]:
    """An example's words with real things for its placeholders, and as few iterations as may be."""
    runs = iter([getattr(world, RUNS_OF[tuple(words[:2])])] if tuple(words[:2]) in RUNS_OF else world.finished)
    tasks = iter(TASKS)
    found: list[str] = []
    for word in words:
        if word == "RUN":
            found.append(next(runs))
        elif word == "TASK":
            found.append(next(tasks))
        elif word == "...":
            found += [AFTER[found[-1]]] if found[-1] in AFTER else []
        elif not word.startswith(("[RUN", "...]")):
            found.append(placed(word, world))
    if words[0] == "prune":
        found = [word for place, word in enumerate(found) if "--iterations" not in found[max(0, place - 1) : place + 1]]
        found += ["--iterations", str(QUICK), "--threads", "1"]
    return found


def placed(word: str, world: World) -> str:
    names = {"ID": "my-backbone", "NAME": "emoji", "FOLDER": "given", "zoo-a": "my-zoo", "zoo-b": "your-zoo"}
    return names.get(word, word.replace("/path/to/images", str(world.work / "images")))


def make_room(words: list[str], world: World) -> None:
    """Remove what the example is about to make."""
    if words[:2] in (["zoo", "build"], ["zoo", "import"]):
        for id in ("my-zoo", "fashion"):
            shutil.rmtree(world.home / "zoos" / id)
    if words[:2] == ["backbones", "add"]:
        (world.home / "backbones" / "my-moco.safetensors").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("example", of_kind("command"))
def test_a_command_does_what_its_page_shows(example: Example, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert is_ours(example), f"no way to run this: list it in NOT_RUN, with the reason: {example.id}"
    words = bound(example.words[3:], world)
    make_room(words, world)
    code = main(words)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert said.out


@pytest.mark.slow
@pytest.mark.parametrize("example", of_kind("python"))
def test_a_block_of_python_runs(example: Example, world: World) -> None:
    text = re.sub(r"\biterations=\d+", f"iterations={QUICK}, threads=1", "\n".join(statements(example)))
    (world.home / "backbones" / "my-moco.safetensors").unlink()
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.AdaptiveAvgPool2d(1),
                                 torch.nn.Flatten(), torch.nn.Linear(8, 3))  # fmt: skip
    names = {
        "core": core,
        "torch": torch,
        "module": module,
        "task": core.task(SLIM),
        "images": torch.zeros(2, 3, 32, 32),
    }
    Path("exported.safetensors").replace("slim.safetensors")
    exec(compile(text, example.place, "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize("example", of_kind("yaml"))
def test_a_recipe_is_read(example: Example, world: World) -> None:
    text = f"zoo: one\ntasks:\n  - {example.text}\n" if example.text.startswith("{") else example.text
    Path("recipe.yaml").write_text(text.replace("/path/to/images", str(world.work / "images")))
    plan, _ = plan_of(read_recipe(Path("recipe.yaml")))
    assert plan.id and all(isinstance(task, Task) for task in plan.tasks) and plan.tasks


def test_what_is_not_run_stands_somewhere_and_names_what_is_there() -> None:
    every = {one.id for one in ALL} | {line for one in ALL if one.kind == "python" for line in one.text.splitlines()}
    assert set(NOT_RUN) <= every
    assert all(NOT_RUN.values())


@pytest.mark.parametrize("command", NOT_RUN)
def test_what_is_not_run_has_options_that_exist(command: str) -> None:
    words = shlex.split(command)
    if command.startswith("python -m core "):
        build_parser().parse_args(words[3:])
        assert all((ROOT / word).exists() for word in words if word.startswith("benchmarks/"))
    elif command.startswith("python -m "):
        found = importlib.util.find_spec(words[2])
        assert found is not None and found.origin is not None
        folder = Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)
        source = "".join(file.read_text() for file in ([folder] if folder.is_file() else folder.glob("*.py")))
        assert all(f'"{word}"' in source for word in words if word.startswith("--"))
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif "-r" in words:
        assert (ROOT / words[-1]).is_file()
    else:
        assert words[0] in ("pip", ".venv/bin/pip") or command.startswith("core.")


def test_every_verb_has_an_example_and_every_mention_of_a_command_is_found() -> None:
    verbs = {" ".join(word for word in one.words[3:5] if word.isalpha()) for one in ALL if is_ours(one)}
    assert {"tasks", "neighbours", "prune", "doctor", "latency RUN", "zoo build", "zoo merge", "backbones add"} <= verbs
    found = [one for one in ALL if one.kind == "command"]
    assert len(found) > 100 and len([one for one in ALL if one.kind == "python"]) >= 8
    for page in PAGES:
        text = " ".join(page.read_text().replace("\\\n", " ").split())
        for name in re.findall(r"python -m core (\w+(?: \w+)?)", text):
            words = name.split()
            assert any(
                one.words[3 : 3 + len(words)] == words or one.words[3:4] == words[:1] for one in found if is_ours(one)
            )
