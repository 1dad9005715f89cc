"""A backbone file whose record is damaged is left out of every list, whatever is wrong in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from core.backbones.backbone import load_backbone, save_backbone
from core.backbones.coverage import Coverage, weights_words
from core.backbones.listing import FOLDER, about, backbones
from core.cli.backbones import _show
from core.errors import BadFileError
from tests.engine import random_backbone

COVERAGE = Coverage("moco", "MoCo", "resnet18", "", "", 2, 1, 20, 10, ("a",), dropped={"head": 2}).to_dict()
WHOLE = {
    "coverage": COVERAGE, "drawn_at_random": ["a"], "untrained": False, "file": "a.pth", "sha256": "f" * 64,
    "recipe": {"objective": "simclr", "dataset": "emoji", "views": 10},
}  # fmt: skip
EARLIER = {key: value for key, value in COVERAGE.items() if key not in ("params", "params_filled", "constant")}


@pytest.fixture
def saved(home: Path) -> Path:
    path = home / "backbones" / "mine.safetensors"
    made = random_backbone()
    save_backbone(
        path, made.tensors, architecture="resnet18", source="random", mean=[0.5] * 3, std=[0.25] * 3, size=32,
        about=WHOLE,
    )  # fmt: skip
    return path


def change(path: Path, **more: Any) -> None:
    with safe_open(path, framework="pt") as file:
        record = json.loads(file.metadata()["backbone"]) | more
    save_file(load_file(path), path, {"backbone": json.dumps(record)})


def shown(id: str) -> None:
    """Everything that a list or `info` says of a backbone."""
    one = about(id)
    weights_words(one.source, one.about)
    _show(Console(quiet=True), {**load_backbone(id).to_dict(), **one.to_dict()})


WRONG: tuple[dict[str, Any], ...] = (
    {"coverage": {"filled": 1, "wanted": 2}, "drawn_at_random": 5}, {"coverage": {"filled": 1}},
    {"coverage": 3}, {"coverage": {**COVERAGE, "filled": 3}},
    {"coverage": {**COVERAGE, "params_filled": "x"}}, {"coverage": {**COVERAGE, "missing": 5}},
    {"coverage": {**COVERAGE, "dropped": ["a"]}}, {"coverage": {**COVERAGE, "title": None}},
    {"drawn_at_random": 5}, {"drawn_at_random": [5]}, {"untrained": "no"}, {"recipe": "x"},
    {"recipe": {**WHOLE["recipe"], "views": "x"}},  # type: ignore[dict-item]
    {"file": "a.pth", "sha256": 5}, {"weights": 5}, {"licence": []},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_record_that_lists_could_not_show_is_refused(saved: Path, wrong: dict[str, Any]) -> None:
    change(saved, about=WHOLE | wrong)
    for read in (about, load_backbone):
        with pytest.raises(BadFileError, match="mine.safetensors is no backbone file"):
            read("mine")
    assert "mine" not in {one.id for one in backbones()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": 5}, {"mean": [0.5] * 2}, {"mean": ["a"] * 3}, {"std": [0.0] * 3}, {"std": [float("nan")] * 3},
        {"size": 0}, {"size": "x"}, {"about": []}, {"architecture": 5}, {"source": None}, {"hash": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_record_that_a_network_could_not_be_built_from_is_refused(saved: Path, wrong: dict[str, Any]) -> None:
    change(saved, **wrong)
    for read in (about, load_backbone):
        with pytest.raises(BadFileError):
            read("mine")


@pytest.mark.parametrize(
    "fine",
    [
        WHOLE,
        {},
        {"coverage": EARLIER},
        {"coverage": {"filled": 1, "wanted": 2}},
        {"file": "a.pth"},
        {"recipe": {}},
        {"made": {"by": ["hand"]}},
    ],
    ids=len,
)
def test_what_earlier_versions_and_people_wrote_is_read_and_shown(saved: Path, fine: dict[str, Any]) -> None:
    change(saved, about=fine)
    shown("mine")


def test_shipped_backbones_are_read() -> None:
    for file in FOLDER.glob("*.safetensors"):
        shown(file.stem)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*COVERAGE, *WHOLE]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(WHOLE)), st.sampled_from([*COVERAGE, ""]), ANY)
def test_any_change_of_a_record_is_refused_or_shown(saved: Path, key: str, inner: str, value: Any) -> None:
    nested = {**COVERAGE, inner: value} if key == "coverage" and inner else value
    change(saved, about=WHOLE | {key: nested})
    try:
        shown("mine")
    except BadFileError:
        assert "mine" not in {one.id for one in backbones()}
