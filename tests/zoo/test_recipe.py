"""A zoo as a YAML: what it may say, and that everything else is one sentence with its line."""

from pathlib import Path

import pytest

from core.errors import BadFileError, BadValueError
from core.tasks.catalogue import task
from core.zoo.recipe import plan_of, read_recipe, write_recipe

WHOLE = """\
zoo: mine
backbone: emoji-resnet18-simclr
method: magnitude
keep: 0.3
iterations: 20
seed: 7
threads: 2
workers: 2
learning_rate: 0.05
sampling: balanced
skip_unreadable: true
tasks:
  - emoji:tool+plant
  - {dataset: emoji, classes: [heart, flag]}
  - {dataset: emoji, classes: [animal-*, tool]}
  - "emoji: animal-* + plant"
targets:
  - emoji:tool+heart
draw:
  dataset: fashion-mnist
  tasks: 4
  classes: 3
  targets: 2
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "tasks.yaml"
    file.write_text(text)
    return file


def test_a_recipe_says_all_that_a_plan_holds(tmp_path: Path) -> None:
    plan, workers = plan_of(read_recipe(written(tmp_path, WHOLE)))
    assert (plan.id, plan.backbone, plan.method, plan.keep) == ("mine", "emoji-resnet18-simclr", "magnitude", 0.3)
    assert (plan.iterations, plan.seed, plan.threads, plan.learning_rate, workers) == (20, 7, 2, 0.05, 2)
    assert plan.config(plan.tasks[0]).sampling == "balanced" and plan.config(plan.tasks[0]).skip_unreadable
    assert plan.tasks[:2] == (task("emoji:tool+plant"), task("emoji:heart+flag")) and len(plan.tasks) == 8
    animals = "animal-mammal+animal-bird+animal-marine"
    assert [one.id for one in plan.tasks[2:4]] == [f"emoji:{animals}+tool", f"emoji:{animals}+plant"]
    assert plan.targets[0] == task("emoji:tool+heart") and len(plan.targets) == 3
    assert {one.dataset for one in (*plan.tasks[4:], *plan.targets[1:])} == {"fashion-mnist"}


def test_what_a_recipe_leaves_out_is_as_usual(tmp_path: Path) -> None:
    plan, workers = plan_of(read_recipe(written(tmp_path, "tasks: [emoji:tool+plant]")))
    assert (plan.id, plan.method, plan.keep, plan.iterations, workers) == ("", "taylor", 0.2, 240, 1)


def test_tasks_may_be_left_out_of_those_that_are_listed_and_drawn(tmp_path: Path) -> None:
    whole, _ = plan_of(read_recipe(written(tmp_path, WHOLE)))
    gone = [whole.tasks[0].id, whole.tasks[-1].id]
    text = f"{WHOLE}without:\n" + "".join(f"  - '{id}'\n" for id in gone)
    plan, _ = plan_of(read_recipe(written(tmp_path, text)))
    assert plan.tasks == whole.tasks[1:-1] and plan.targets == whole.targets
    with pytest.raises(BadValueError, match="line 24: There is no task of the zoo to leave out 'emoji:tool"):
        read_recipe(written(tmp_path, f"{WHOLE}without: [emoji:tool+heart]\n"))
    with pytest.raises(BadValueError, match="must be a list"):
        read_recipe(written(tmp_path, f"{WHOLE}without: emoji:tool+plant\n"))


def test_classes_may_be_patterns(tmp_path: Path) -> None:
    plan, _ = plan_of(read_recipe(written(tmp_path, 'tasks:\n  - {dataset: emoji, classes: ["animal-*", tool]}')))
    assert plan.tasks[0].classes[-1] == "tool" and {"animal-bird", "animal-mammal"} < set(plan.tasks[0].classes)


def test_several_draws_share_no_task(tmp_path: Path) -> None:
    text = "draw:" + 2 * "\n  - {dataset: fashion-mnist, tasks: 60, classes: 3}"
    plan, _ = plan_of(read_recipe(written(tmp_path, text)))
    assert len({frozenset(one.classes) for one in plan.tasks}) == 120


def test_a_task_that_is_left_out_may_be_a_target(tmp_path: Path) -> None:
    text = "tasks: [emoji:tool+plant, emoji:heart+flag]\ntargets: [emoji:heart+flag]\nwithout: [emoji:heart+flag]"
    recipe = read_recipe(written(tmp_path, text))
    assert [[task.id for task in some] for some in (recipe.tasks, recipe.targets)] == [
        ["emoji:tool+plant"], ["emoji:heart+flag"]
    ]  # fmt: skip


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    document = {"zoo": "mine", "keep": 0.3, "draw": {"dataset": "emoji", "tasks": 3, "classes": 4, "targets": 1}}
    write_recipe(tmp_path / "new" / "recipe.yaml", document)
    plan, _ = plan_of(read_recipe(tmp_path / "new" / "recipe.yaml"))
    assert (plan.id, plan.keep, len(plan.tasks), len(plan.targets)) == ("mine", 0.3, 3, 1)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "line 1: a zoo is written as keys"),
        ("- a\n- b", "line 1: a zoo is written as keys"),
        ("keep: 0.2", "names no tasks"),
        ("tasks: emoji", "line 1: 'tasks' must be a list"),
        ("tasks: [emoji:tool+plant]\n\nkeeps: 7", "line 3: There is no key 'keeps': did you mean keep"),
        ("tasks: [emoji:tool+plant]\nkeep: 7", "line 2: Keep ratio must be above 0"),
        ("tasks: [emoji:tool+plant]\nkeep: 0.2\nkeep: 0.3", "line 3: 'keep' stands here twice"),
        ("tasks: [emoji:tool+plant]\niterations: 2.5", "line 2: The number of training iterations"),
        ("tasks: [emoji:tool+plant]\niterations: yes", "line 2: The number of training iterations"),
        ("tasks: [emoji:tool+plant]\nseed: -1", "line 2: The seed"),
        ("tasks: [emoji:tool+plant]\nworkers: 0", "line 2: The number of worker processes"),
        ("tasks: [emoji:tool+plant]\nmethod: mvp", "line 2: There is no method to build a zoo with 'mvp'"),
        ("tasks: [emoji:tool+plant]\nzoo: ../x", "line 2: A zoo's name"),
        ("tasks:\n  - emoji:tool+plant\n  - emoji:tool+plont", "line 3: There is no emoji class 'plont'"),
        ("tasks:\n  - emoji:tool+plant\n  - classes: [tool, plant]", "line 3: a task needs a dataset"),
        ("tasks:\n  - {dataset: emoji, classes: tool}", "line 2: classes must be a list of names"),
        ("tasks:\n  - {dataset: emoji, classes: [tool, no]}", "line 2: .*needs quotes"),
        ("tasks:\n  - {dataset: emoji, klasses: [tool]}", "line 2: There is no key 'klasses': did you mean classes"),
        ("tasks:\n  - {dataset: emoji, classes: [tool]}", "line 2: A task needs at least two classes"),
        ("draw: {dataset: fashion-mnist, tasks: 3}", "line 1: a draw needs classes"),
        ("draw:\n  dataset: fashion-mnist\n  tasks: 499\n  classes: 3", "line 1: .*only 120 more tasks"),
        ("draw:\n  - {dataset: emoji, tasks: 2, classes: 2, disjoint: perhaps}", "line 2: A draw is disjoint or not"),
        ("tasks:\n  - a\n bad: [", "line 3: this is no YAML"),
        ("tasks: &x [a]\ntargets: *x", "refers to its own parts"),
        ("tasks: !!python/object/apply:os.getcwd []", "this is no YAML"),
        ("tasks: [a]\n---\ntasks: [b]", "this is no YAML"),
        ("tasks: " + 3000 * "[" + 3000 * "]", ": its brackets or dashes are nested too deep"),
        ("tasks: [emoji:tool+plant]\nworkers: 5000", "line 2: The number of worker processes must be .* not 5000"),
        (
            "tasks:\n  - emoji:tool+plant\n  - emoji:heart+flag\n  - emoji:tool+plant",
            "line 4: emoji:tool\\+plant stands on line 2 already",
        ),
        (
            "tasks: [emoji:tool+plant]\ntargets:\n  - {dataset: emoji, classes: [tool, plant]}",
            "line 3: emoji:tool\\+plant stands on line 1 already",
        ),
        (
            "tasks:\n  - emoji:tool+plant\n  - emoji:plant+tool",
            "line 3: emoji:plant\\+tool stands on line 2 already, as emoji:tool\\+plant",
        ),
        ("draw: {dataset: emoji, tasks: 1000000, classes: 3}", "line 1: A draw has at most 500 tasks, not 1000000"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadValueError, match=f"^tasks.yaml.*{words}") as said:
        read_recipe(written(tmp_path, text))
    assert "\n" not in str(said.value) and str(said.value).endswith((".", "?", "yaml", "images"))


def test_a_file_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="cannot be read"):
        read_recipe(tmp_path / "nothing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFileError, match="UTF-8"):
        read_recipe(tmp_path / "binary.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(BadFileError, match="larger"):
        read_recipe(tmp_path / "large.yaml")
