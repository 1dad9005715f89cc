import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadValueError, MetaVoteError, UnknownNameError
from core.pruning.config import NEIGHBOURS, SAMPLINGS, SIMILARITIES, WEIGHTINGS, WEIGHTS, RunConfig
from core.pruning.methods import METHODS
from core.voting import check_k

configs = st.builds(
    RunConfig,
    task=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip),
    method=st.sampled_from([name for name in METHODS if name != "same-mask"]),
    keep=st.floats(0, 1, exclude_min=True),
    iterations=st.integers(0, 100_000),
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 1000),
    similarity=st.sampled_from(SIMILARITIES),
    neighbours=st.sampled_from([name for name in NEIGHBOURS if name != "chosen"]),
    weighting=st.sampled_from(WEIGHTINGS),
    weights=st.sampled_from([None, *WEIGHTS]),
    threads=st.integers(1, 64),
    sampling=st.sampled_from(SAMPLINGS),
)


@given(configs)
def test_a_config_survives_json(config: RunConfig) -> None:
    again = RunConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert hash(again) == hash(config)


def test_neighbours_chosen_by_hand_vote_and_no_others() -> None:
    config = RunConfig("t", chosen=["b", "a"])  # type: ignore[arg-type]  # a list, as from JSON
    assert (config.neighbours, config.chosen, config.k) == ("chosen", ("b", "a"), 2)
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    for wrong in ({"neighbours": "chosen"}, {"chosen": ("a",), "neighbours": "random"}, {"chosen": ("a", "a")}):
        with pytest.raises(BadValueError):
            RunConfig("t", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("chosen", [5, None, True, 0.5, {"a": 1}, [["a"]], [5], [None], [""]])
def test_neighbours_chosen_by_hand_are_a_list_of_ids(chosen: object) -> None:
    with pytest.raises(BadValueError, match="chosen must be a list of zoo task ids|by hand are ids of zoo tasks"):
        RunConfig.from_dict({"task": "t", "chosen": chosen})


def test_a_mask_is_named_for_the_method_that_keeps_it_and_for_no_other() -> None:
    config = RunConfig("t", method="same-mask", mask_of="taylor-t-1234")
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(BadValueError, match="mask"):
        RunConfig("t", method="same-mask")
    with pytest.raises(BadValueError, match="mask"):
        RunConfig("t", mask_of="taylor-t-1234")


@pytest.mark.parametrize("method", [name for name in METHODS if name != "same-mask"])
def test_weights_are_the_methods_usual_ones_unless_asked_for(method: str) -> None:
    usual = "neighbours" if METHODS[method].needs_zoo else "pretrained"
    assert RunConfig("t", method=method).weights == usual
    assert RunConfig("t", method=method, weights="neighbours").needs_zoo


def test_the_whole_zoo_has_no_k() -> None:
    assert RunConfig("t", neighbours="all", k=7).k is None


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunConfig("emoji-t03").keep = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    "setting, value, words",
    [
        ("task", "", "needs a task"),
        ("keep", 0, "above 0"),
        ("keep", 1.5, "at most 1"),
        ("keep", math.nan, "nan"),
        ("keep", "0.2", "0.2"),
        ("iterations", -1, "from 0 to 100,000"),
        ("iterations", 100_001, "from 0 to 100,000"),
        ("iterations", 60.5, "60.5"),
        ("iterations", True, "whole number"),
        ("k", 0, "from 1 to 1,000,000"),
        ("seed", -1, "seed"),
        ("threads", 0, "threads"),
        ("batch", 1, "batch"),
        ("learning_rate", 0, "learning rate"),
        ("learning_rate", math.inf, "learning rate"),
    ],
)
def test_a_bad_value_is_refused_by_name(setting: str, value: Any, words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        RunConfig(**{"task": "emoji-t03", setting: value})


@pytest.mark.parametrize("setting", ["method", "similarity", "neighbours", "weighting", "weights", "sampling"])
@pytest.mark.parametrize("value", ["nonesuch", 5, ["mvp"]])
def test_an_unknown_name_is_refused_with_the_known_ones(setting: str, value: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"choose one of|did you mean"):
        RunConfig(**{"task": "emoji-t03", setting: value})


def test_a_misspelt_method_is_guessed() -> None:
    with pytest.raises(UnknownNameError, match="did you mean magnitude"):
        RunConfig("emoji-t03", method="magnitud")


def test_a_label_tells_of_balanced_batches_and_says_nothing_of_the_usual_ones() -> None:
    assert "balanced batches" in RunConfig("emoji-t03", sampling="balanced").label()
    assert "batches" not in RunConfig("emoji-t03").label()


def test_no_iterations_means_no_fine_tuning_and_is_allowed() -> None:
    assert RunConfig("emoji-t03", iterations=0).iterations == 0


def test_numbers_of_numpy_become_plain_ones() -> None:
    config = RunConfig("emoji-t03", keep=np.float32(0.5), seed=np.int64(3))  # type: ignore[arg-type]
    assert type(config.keep) is float and type(config.seed) is int


def test_k_may_be_left_out_where_no_neighbours_are_ranked() -> None:
    assert RunConfig("emoji-t03", method="magnitude", k=None).k is None
    assert RunConfig("emoji-t03", neighbours="all", k=None).k is None
    with pytest.raises(BadValueError, match="needs K"):
        RunConfig("emoji-t03", k=None)


def test_k_larger_than_the_zoo_is_refused_where_the_zoo_is_known() -> None:
    check_k(48, 48)
    with pytest.raises(BadValueError, match="from 1 to 48"):
        check_k(49, 48)


def test_a_setting_that_does_not_exist_is_not_ignored() -> None:
    with pytest.raises(BadValueError, match="'keeep'"):
        RunConfig.from_dict({"task": "emoji-t03", "keeep": 0.2})
    with pytest.raises(BadValueError, match="needs a task"):
        RunConfig.from_dict({"keep": 0.2})


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_every_method_is_described_and_labels_its_runs(method: Any) -> None:
    mask_of = "some-run" if method.name == "same-mask" else None
    label = RunConfig("emoji-t03", method=method.name, mask_of=mask_of).label()
    assert label.startswith(method.title)
    assert ("keep 20 %" in label) is method.removes
    assert method.help.endswith(".") and METHODS[method.name] is method


def test_a_bad_value_is_an_error_that_users_can_meet() -> None:
    assert issubclass(BadValueError, MetaVoteError)
