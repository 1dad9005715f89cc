"""The Zoos page under AppTest: which zoos are here, the one that all pages use, what is in the making, the forms."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.backbones.backbone import load_backbone, save_backbone
from core.errors import BadFileError
from core.pruning.config import RunConfig
from core.pruning.engine import BUILD_AGAIN
from core.runs import jobs
from core.runs.jobs import Progress, say
from core.runs.store import Store
from core.workshop import work
from core.workshop.state import COLLAPSED, RECIPE, Order, finish, keep, states
from core.zoo.plan import check
from core.zoo.recipe import parsed, plan_of, read_recipe
from core.zoo.zoo import DEFAULT, Zoo, open_zoo
from dashboard.zoos import recipe_form
from dashboard.zoos.overview import USED
from dashboard.zoos.passing_on import Packed
from dashboard.zoos.recipe_form import EXAMPLE
from tests.conftest import Sleepers
from tests.dashboard.pages import click, follow, linked, page, record_run, use_zoo, ways, words
from tests.dashboard.paper_zoo import seal, write_paper_zoo

OTHER = "emoji-resnet18-simclr-disjoint"  # ships


@pytest.fixture(autouse=True)
def no_process(paper_home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)


def ordered(kind: str = "build", name: str = "mine", **about: object) -> Order:
    """An order that nobody works on."""
    order = Order(f"{kind}-{name}", kind, name, 1.0, about)
    keep(order)
    return order


def table(test: AppTest) -> dict[str, dict[str, object]]:
    return {row["Zoo"]: row for row in test.dataframe[0].value.to_dict("records")}


def test_every_zoo_that_is_here_is_in_the_table_and_the_shipped_one_is_used(paper_home: Path, zoo: Zoo) -> None:
    test = page("zoos")
    assert not test.exception
    rows = table(test)
    assert set(rows) == {DEFAULT, OTHER} and rows[DEFAULT][USED] == "✓" and rows[OTHER][USED] == ""
    accuracies = [zoo.accuracy(task.id) for task in zoo.tasks]
    assert rows[DEFAULT]["Tasks"] == 14 and rows[DEFAULT]["Lowest"] == pytest.approx(100 * min(accuracies))
    assert rows[OTHER]["Weights"] == "self-supervised" and rows[OTHER]["Architecture"] == "resnet18"


def test_a_zoo_whose_backbone_is_another_one_here_says_so_and_starts_no_run(paper_home: Path) -> None:
    """Of no method: one that needs no zoo would prune the other backbone and look as if it were the zoo's."""
    write_paper_zoo(paper_home / "zoos" / "mine", backbone_hash="1" * 64)
    assert "another one has its name" in words(page("zoos", zoo="mine"))
    for method in ("mvp", "magnitude", "dense"):
        test = page("run", zoo="mine", method=method)
        assert "made on another backbone that is also called" in test.error[0].value
        assert "start runs" not in [button.key for button in test.button] and not test.exception
    assert not Store().list()


def test_a_zoo_made_by_an_earlier_engine_says_so_and_a_current_one_does_not(paper_home: Path) -> None:
    assert BUILD_AGAIN in words(page("zoos"))  # the paper zoo names no version
    assert BUILD_AGAIN not in words(page("zoos", zoo=OTHER))


def test_a_chosen_zoo_is_the_one_of_every_page(paper_home: Path) -> None:
    test = page("zoos")
    test.selectbox(key="zoo").select(OTHER).run()
    assert linked(test, "zoo") == OTHER and table(test)[OTHER][USED] == "✓"
    assert "another one has its name" not in words(test)
    for name in ("task_map", "votes", "run"):
        other = page(name, zoo=OTHER)
        assert not other.exception and not other.error
        assert f"Zoo **{OTHER}**" in words(other)
        assert other.selectbox(key="task").value == open_zoo(OTHER).targets[0].id
        assert linked(other, "zoo") == OTHER


def test_a_run_that_is_started_is_of_the_chosen_zoo_and_its_backbone(paper_home: Path) -> None:
    test = page("run", zoo=OTHER, iterations="3")
    click(test, "Start")
    (record,) = Store().list()
    assert (record.config.zoo, record.config.backbone) == (OTHER, open_zoo(OTHER).backbone)


def test_a_zoo_that_is_not_here_falls_back_with_a_word(paper_home: Path) -> None:
    test = page("task_map", zoo="gone")
    assert "There is no zoo 'gone'" in words(test) and "zoo" not in test.query_params


@pytest.mark.parametrize(
    "step, way",
    [("Open the task map", "New target"), ("Inspect the votes", "Open the task map"),
     ("Start pruning", "Open the task map")],
)  # fmt: skip
def test_a_zoo_without_a_target_says_how_to_get_one(paper_home: Path, tmp_path: Path, step: str, way: str) -> None:
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, targets=0))
    test = follow(page("start"), step)
    assert not test.exception and not test.error
    assert "has no target yet" in words(test) and way in {*ways(test), *(button.label for button in test.button)}


def test_a_zoo_is_built_as_the_form_says(paper_home: Path) -> None:
    test = page("zoos", dataset="emoji", drawn="6", each="3", held="2", share="0.4", steps="30", how="magnitude")
    assert "Predicted: **about" in words(test)
    test.text_input(key="name of new zoo").input("six").run()
    click(test, "Build")
    (order,) = [one.order for one in states()]
    plan, workers = plan_of(read_recipe(order.folder / RECIPE))
    assert (plan.id, plan.keep, plan.iterations, plan.method, workers) == ("six", 0.4, 30, "magnitude", 1)
    assert len(plan.tasks) == 6 and len(plan.targets) == 2 and all(len(task.classes) == 3 for task in plan.tasks)
    assert "Building six" in next(bar.proto.text for bar in test.get("progress"))


LISTED = b"zoo: shop\niterations: 30\ntasks: [emoji:tool+plant]\ntargets: [emoji:heart+sport]\nkeep: 0.3\nmultiple: 8\n"


def test_a_zoo_is_built_as_a_file_says(paper_home: Path) -> None:
    test = page("zoos", **{"from": "file"})
    assert "Build" not in [button.label for button in test.button]
    test.file_uploader(key="recipe").set_value(("shop.yaml", LISTED, "application/yaml")).run()
    assert not test.error and "Predicted: **about" in words(test)
    test.text_input(key="name of listed zoo").input("corner").run()
    click(test, "Build")
    (order,) = [one.order for one in states()]
    plan, _ = plan_of(read_recipe(order.folder / RECIPE))
    assert (plan.id, plan.keep, plan.iterations, plan.multiple) == ("corner", 0.3, 30, 8)
    assert [task.id for task in (*plan.tasks, *plan.targets)] == ["emoji:tool+plant", "emoji:heart+sport"]


@pytest.mark.parametrize(
    "name, free",
    [("my tasks.yaml", "my-tasks"), ("tâche (1).yml", "t-che-1"), ("---.yaml", "zoo"), ("mine.yaml", "mine-2")],
)
def test_a_file_of_any_name_suggests_one_that_a_zoo_can_have(paper_home: Path, name: str, free: str) -> None:
    (paper_home / "zoos" / "mine").mkdir()
    test = page("zoos", **{"from": "file"})
    test.file_uploader(key="recipe").set_value((name, b"tasks: [emoji:tool+plant]\n", "application/yaml")).run()
    assert test.text_input(key="name of listed zoo").placeholder == free
    test.text_input(key="name of listed zoo").input("no name").run()
    click(test, "Build")
    assert "A zoo's name is made of" in words(test) and "recipe.yaml" not in words(test) and states() == []
    test.text_input(key="name of listed zoo").input("").run()
    click(test, "Build")
    assert [one.order.name for one in states()] == [free]


def test_what_a_file_says_of_the_budget_counts_in_the_forecast(
    paper_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, object]] = []
    monkeypatch.setattr(recipe_form, "predicted", lambda *args: given.append(args[2]) or True)
    test = page("zoos", **{"from": "file"})
    content = b"tasks: [emoji:tool+plant]\nof: macs\nallocation: global\nleast_width: 2\nmultiple: 8\nkeep: 0.3\n"
    test.file_uploader(key="recipe").set_value(("a.yaml", content, "application/yaml")).run()
    budget = {"keep": 0.3, "of": "macs", "allocation": "global", "least_width": 2, "multiple": 8}
    assert given and given[-1].items() >= budget.items()


@pytest.mark.parametrize(
    "content, sentence",
    [(b"tasks: [emoji:tool+plant]\nkept: 0.2\n", "shop.yaml, line 2"), (b"\xff\xfe", "is no text in UTF-8"),
     (b"iterations: 1\ntasks: [emoji:tool+plant]\n", "at least 3 iterations")],
)  # fmt: skip
def test_a_file_that_cannot_be_built_is_a_sentence_and_no_build(
    paper_home: Path, content: bytes, sentence: str
) -> None:
    test = page("zoos", **{"from": "file"})
    test.file_uploader(key="recipe").set_value(("shop.yaml", content, "application/yaml")).run()
    assert sentence in words(test)
    assert all(button.disabled for button in test.button if button.label == "Build")


def test_the_file_that_the_page_shows_can_be_built() -> None:
    plan, workers = plan_of(parsed(EXAMPLE.encode(), "example.yaml")[0])
    check(plan, workers)
    assert len(plan.tasks) == 12 and len(plan.targets) == 3


def test_a_draw_that_cannot_be_is_a_sentence_and_no_build(paper_home: Path) -> None:
    test = page("zoos", dataset="fashion-mnist", drawn="121", each="3", held="0")
    assert "only 120 more tasks" in words(test)
    assert next(button for button in test.button if button.label == "Build").disabled


def test_too_few_iterations_are_a_sentence_and_no_build(paper_home: Path) -> None:
    test = page("zoos", steps="1")
    assert "at least 3 iterations" in words(test)
    assert next(button for button in test.button if button.label == "Build").disabled


def test_a_name_that_is_taken_is_refused_where_it_was_typed(paper_home: Path) -> None:
    test = page("zoos")
    test.text_input(key="name of new zoo").input(OTHER).run()
    click(test, "Build")
    assert "is here already, or in the making: choose another name" in words(test) and states() == []


def test_what_is_in_the_making_says_how_far_it_is_and_can_be_cancelled(paper_home: Path) -> None:
    order = ordered()
    work.go_on(order.id)
    say(order.folder, Progress(3, 10, 100.0, 130.0, doing="emoji:a+b: 91.0% of its validation images are right"))
    test = page("zoos")
    (bar,) = test.get("progress")
    assert "3 of 10 models" in bar.proto.text and "left" in bar.proto.text and bar.proto.value == 30
    click(test, "Cancel")
    assert "was cancelled. 3 of 10 models are made and are kept" in words(test)
    click(test, "Go on")
    assert states()[0].status == "working"


def test_what_failed_shows_its_reason_and_log_and_is_tried_again_or_removed(paper_home: Path) -> None:
    order = ordered("import", "mine")
    say(order.folder, Progress(error="mine.zip is not a whole zoo file: export it again."))
    (order.folder / jobs.LOG).write_text("one\ntwo")
    test = page("zoos")
    assert "is not a whole zoo file" in words(test) and test.code[0].value == "one\ntwo"
    assert {"Try again", "Remove"} <= {button.label for button in test.button}
    click(test, "Remove")
    assert states() == []


def test_a_lost_build_goes_on(paper_home: Path) -> None:
    order = ordered()
    say(order.folder, Progress(2, 10, 1.0, 2.0))
    test = page("zoos")
    assert "has no process any more" in words(test) and "2 of 10 models" in words(test)
    click(test, "Go on")
    assert states()[0].status == "working"


def test_what_failed_or_was_cancelled_says_how_many_models_go_with_it_before_they_do(paper_home: Path) -> None:
    order = ordered()
    work.go_on(order.id)
    folder = paper_home / "zoos" / "mine" / "models"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.safetensors").touch()
    jobs.stop(order.folder)
    say(order.folder, Progress(2, 10, 1.0, 2.0, error="The disk is full: free some space."))
    test = page("zoos")
    assert "did not work. The disk is full: free some space. 2 of 10 models are made and are kept" in words(test)
    assert "Its **2 pruned models** go with it, for good." in words(test)
    assert "Remove" not in [button.label for button in test.button] and folder.is_dir()
    click(test, "Remove 2 pruned models")
    assert states() == [] and not folder.exists()


def test_a_build_whose_tasks_collapsed_goes_on_without_them(paper_home: Path) -> None:
    work.build({"zoo": "mine", "tasks": ["emoji:tool+plant", "emoji:heart+flag", "emoji:sport+time"]})
    (one,) = states()
    jobs.stop(one.order.folder)
    say(one.order.folder, Progress(1, 3, 1.0, 2.0, error="2 tasks collapsed in pruning."))
    assert "Go on without" not in str([button.label for button in page("zoos").button])
    (one.order.folder / COLLAPSED).write_text('["emoji:heart+flag", "emoji:sport+time"]')
    test = page("zoos")
    assert "2 tasks collapsed in pruning." in words(test) and "1 of 3 models" not in words(test)  # which it says itself
    assert "Try again" not in [button.label for button in test.button]  # the same models would collapse again
    click(test, "Go on without these 2 tasks")
    assert not test.exception and states()[0].status == "working"
    plan, _ = plan_of(read_recipe(one.order.folder / RECIPE))
    assert [task.id for task in plan.tasks] == ["emoji:tool+plant"]


def test_a_build_all_of_whose_tasks_collapsed_is_only_removed(paper_home: Path) -> None:
    work.build({"zoo": "mine", "tasks": ["emoji:tool+plant"]})
    (one,) = states()
    jobs.stop(one.order.folder)
    say(one.order.folder, Progress(0, 1, 1.0, 2.0, error="A task collapsed in pruning."))
    (one.order.folder / COLLAPSED).write_text("[]")
    labels = [button.label for button in page("zoos").button]
    assert "Remove" in labels and "Try again" not in labels and "Go on" not in str(labels)


def test_a_build_under_a_name_that_is_half_built_elsewhere_is_refused(paper_home: Path) -> None:
    (paper_home / "zoos" / "theirs" / "models").mkdir(parents=True)
    test = page("zoos")
    test.text_input(key="name of new zoo").input("theirs").run()
    click(test, "Build")
    assert "A zoo theirs is half built in" in words(test) and states() == []


def test_what_is_done_says_what_came_of_it_and_is_used(paper_home: Path) -> None:
    finish(ordered("merge", "both"), {"zoo": OTHER, "left_out": 2, "renamed": 1})
    test = page("zoos")
    assert f"**{OTHER}** is merged" in words(test) and "2 models were left out" in words(test)
    click(test, "Use it")
    assert linked(test, "zoo") == OTHER and states() == []


def test_zoos_are_merged_by_the_form(paper_home: Path) -> None:
    test = page("zoos", do="merge")
    click(test, "Merge")
    assert "letters, digits, dots and dashes" in words(test)
    test.text_input(key="name of merged zoo").input("both")
    test.multiselect(key="zoos to merge").set_value([DEFAULT, OTHER])
    click(test, "Merge")
    (one,) = states()
    assert (one.order.name, list(one.order.about["zoos"])) == ("both", [DEFAULT, OTHER])


def test_zoos_of_different_backbones_cannot_be_chosen_for_a_merge(paper_home: Path) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "foreign", zoo_tasks=3)
    about = json.loads((folder / "zoo.json").read_text())
    (folder / "zoo.json").write_text(json.dumps(about | {"backbone": "somebody-elses"}))
    test = page("zoos", do="merge")
    test.multiselect(key="zoos to merge").set_value(["foreign", OTHER]).run()
    assert "cannot vote together" in words(test)
    assert next(button for button in test.button if button.label == "Merge").disabled


def test_a_zoo_that_cannot_be_read_is_named(paper_home: Path) -> None:
    (paper_home / "zoos" / "broken").mkdir()
    (paper_home / "zoos" / "broken" / "zoo.json").write_text("{")
    assert "**broken** cannot be used" in words(page("zoos"))


def test_a_zoo_of_ones_own_is_removed_and_the_shipped_one_used_from_then_on(paper_home: Path) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "mine", zoo_tasks=3)
    test = page("zoos", zoo="mine")
    assert any("with its pruned models and held-out targets" in one.value for one in test.markdown)
    click(test, "Remove mine")
    assert not test.exception and not test.error and not folder.exists()
    assert "mine" not in table(test) and table(test)[DEFAULT][USED] == "✓"
    assert "Remove mine" not in [button.label for button in test.button]


def test_a_zoo_that_a_run_waits_for_is_not_removed(paper_home: Path) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "mine", zoo_tasks=3)
    run = Store().create(RunConfig("emoji-t01", zoo="mine"))
    test = click(page("zoos", zoo="mine"), "Remove mine")
    assert run in test.error[0].value and (folder / "zoo.json").is_file() and table(test)["mine"][USED] == "✓"


def test_a_shipped_zoo_has_no_button_that_removes_it(paper_home: Path) -> None:
    assert not [one for one in page("zoos", zoo=OTHER).button if one.label.startswith("Remove")]


def test_a_zoo_that_cannot_be_read_can_be_removed(paper_home: Path) -> None:
    (paper_home / "zoos" / "broken").mkdir()
    (paper_home / "zoos" / "broken" / "zoo.json").write_text("{")
    test = click(page("zoos"), "Remove broken")
    assert not test.error and "broken" not in words(test) and not (paper_home / "zoos" / "broken").exists()


def test_a_run_of_a_removed_zoo_is_still_shown(paper_home: Path) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "mine", zoo_tasks=14)
    run = record_run(Store(), config=RunConfig("emoji-t01", iterations=4, zoo="mine"))
    click(page("zoos", zoo="mine"), "Remove mine")
    assert not folder.exists()
    for name in ("run", "compare"):
        test = page(name, **{"run" if name == "run" else "runs": run})
        assert not test.exception and not test.error


@pytest.mark.parametrize("name", ["run", "votes", "task_map"])
def test_a_page_that_is_open_on_a_zoo_as_it_goes_says_so_and_starts_nothing(paper_home: Path, name: str) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "mine", zoo_tasks=14, seed=3)
    test = page(name, zoo="mine", task="emoji-t02")
    shutil.rmtree(folder)
    if name == "run":
        click(test, "Start")
    else:
        test.run()
    assert not test.exception and "The zoo mine was removed" in words(test)
    assert not Store().list() and "zoo" not in test.query_params
    assert "no longer here" not in words(test.run())


def test_a_built_zoo_that_was_removed_since_cannot_be_used(paper_home: Path) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "mine", zoo_tasks=3)
    finish(ordered(), {"zoo": "mine"})
    test = page("zoos", zoo=OTHER)
    assert "Use it" in [button.label for button in test.button]
    shutil.rmtree(folder)
    click(test, "Use it")
    assert not test.exception and linked(test, "zoo") == OTHER and len(states()) == 1
    assert "Use it" not in [button.label for button in test.button]


def test_a_damaged_zoo_that_is_to_be_downloaded_is_told_in_a_sentence(paper_home: Path) -> None:
    folder = write_paper_zoo(paper_home / "zoos" / "mine", zoo_tasks=3)
    seal(folder)
    press = lambda: page("zoos", zoo="mine").get("download_button")[0].click().run()  # noqa: E731
    assert not press().error
    model = folder / "models" / "emoji-z01.safetensors"
    model.write_bytes(model.read_bytes()[:-9])
    test = press()
    assert "emoji-z01" in test.error[0].value and not test.exception
    (folder / "arrays.safetensors").unlink()
    assert "has no readable arrays.safetensors" in press().error[0].value


def test_a_zoo_is_packed_once_for_the_browser_and_the_page(
    paper_home: Path, zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def check(zoo: Zoo) -> None:
        looked.append(zoo.id)
        time.sleep(0.05)
        if len(looked) > 1:
            raise BadFileError("It is damaged.")

    monkeypatch.setattr("core.zoo.archive.check", check)
    content = Packed(zoo, False).content
    with ThreadPoolExecutor(4) as pool:
        (first, *others) = pool.map(lambda _: content(), range(4))
    assert first.startswith(b"PK") and others == [first] * 3 and len(looked) == 1
    damaged = Packed(zoo, False).content
    for _ in range(2):
        with pytest.raises(BadFileError, match="damaged"):
            damaged()
    assert len(looked) == 2


@pytest.mark.parametrize("section", ["import", "merge", "backbone"])
def test_every_form_is_drawn(paper_home: Path, section: str) -> None:
    test = page("zoos", do=section)
    assert not test.exception and linked(test, "do") == section


def test_every_backbone_is_told_in_a_line_that_folds(paper_home: Path) -> None:
    told = "\n".join(one.value for one in page("zoos", do="backbone").markdown)
    assert "**emoji-resnet18-simclr**: resnet18, self-supervised weights, images of 32 × 32 pixels, " in told
    assert "MB, shipped" in told


def test_another_zoo_keeps_what_was_chosen_last(paper_home: Path) -> None:
    test = page("task_map", zoo=OTHER, k="3")
    test.slider(key="k").set_value(7).run()
    there = follow(follow(test, "Choose another"), "Open its map")
    assert not there.exception and linked(there, "k") == "7" and linked(there, "zoo") == OTHER


@pytest.mark.parametrize(
    "key, typed, told", [("drawn", 501, "1 to 500"), ("each", 48, "2 to 20"), ("steps", -1, "0 to 5,000")]
)
def test_a_number_that_cannot_be_stays_with_a_sentence_and_no_build(
    paper_home: Path, key: str, typed: int, told: str
) -> None:
    test = page("zoos")
    test.number_input(key=key).set_value(typed).run()
    assert not test.exception and test.number_input(key=key).value == typed
    assert any(told in error.value for error in test.error)
    assert next(button for button in test.button if button.label == "Build").disabled


def own_backbone(home: Path, name: str = "mine") -> Path:
    """The embedded backbone under a name of the user's own, as if three quarters of it had been filled."""
    made, file = load_backbone(), home / "backbones" / f"{name}.safetensors"
    coverage = {"filled": 75, "wanted": 100, "params": 1000, "params_filled": 812}
    save_backbone(
        file, made.tensors, architecture="resnet18", source="supervised", mean=list(made.mean), std=list(made.std),
        size=32, about={"coverage": coverage, "drawn_at_random": ["a"] * 25},
    )  # fmt: skip
    return file


def test_a_backbone_says_how_much_of_it_was_filled(paper_home: Path) -> None:
    own_backbone(paper_home)
    said = "supervised weights (75 of 100 entries and 81.2 % of the parameters filled, 25 entries drawn at random)"
    assert said in words(page("zoos", do="backbone"))


def test_a_backbone_of_ones_own_is_removed_and_one_that_ships_has_no_button_for_it(paper_home: Path) -> None:
    file = own_backbone(paper_home)
    test = page("zoos", do="backbone")
    assert [one.label for one in test.button if "backbone for good" in str(one.key)] == ["Remove mine"]
    click(test, "Remove mine")
    assert not test.exception and not test.error and not file.exists() and "**mine**" not in words(test)


def test_a_backbone_that_a_run_needs_or_that_is_gone_is_not_removed(paper_home: Path) -> None:
    file = own_backbone(paper_home)
    run = Store().create(RunConfig("emoji-t01", "magnitude", backbone="mine", zoo=None))
    test = click(page("zoos", do="backbone"), "Remove mine")
    assert run in test.error[0].value and file.exists()
    file.unlink()  # removed on another page
    test = click(test, "Remove mine")
    assert "There is no backbone 'mine'" in test.error[0].value and not test.exception


def test_a_damaged_backbone_is_named_and_can_be_removed(paper_home: Path) -> None:
    file = own_backbone(paper_home)
    file.write_bytes(b"nothing")
    test = page("zoos", do="backbone")
    assert "The file of **mine** is damaged" in words(test)
    click(test, "Remove mine")
    assert not file.exists() and not test.error


def test_a_build_form_that_is_open_on_a_removed_backbone_says_so_and_builds_nothing(paper_home: Path) -> None:
    file = own_backbone(paper_home)
    test = page("zoos", do="build", backbone="mine")
    assert test.selectbox(key="backbone").value == "mine"
    file.unlink()
    click(test, "Build")
    assert not test.exception and "The backbone mine was removed" in words(test) and not states()
    assert "backbone" not in test.query_params and "no longer here" not in words(test.run())
