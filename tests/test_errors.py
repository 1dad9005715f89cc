import pytest

from core.errors import UnknownNameError


@pytest.mark.parametrize(
    "name, known, sentence",
    [
        ("relgion", ["religion", "hands", "religion"], "There is no class 'relgion': did you mean religion?"),
        ("layer", ["layer1", "layer2"], "There is no class 'layer': did you mean layer2 or layer1?"),
        ("x", ["tool", "plant", "tool"], "There is no class 'x': choose one of: plant, tool."),
        ("x", [], "There is no class 'x': there is none yet."),
    ],
)
def test_an_unknown_name_offers_each_known_one_once(name: str, known: list[str], sentence: str) -> None:
    assert str(UnknownNameError("class", name, known)) == sentence


def test_of_many_names_some_are_offered_and_counted_once() -> None:
    known = [f"number-{digit}" for digit in range(20)] * 2
    assert "choose one of 20, among them number-0," in str(UnknownNameError("class", "???", known))


def test_other_names_may_be_meant_but_are_not_counted_as_more_things() -> None:
    known, also = [f"number-{digit}" for digit in range(20)], [f"digit-{digit}" for digit in range(20)]
    assert "choose one of 20, among them number-0," in str(UnknownNameError("class", "???", known, also))
    assert "did you mean digit-7" in str(UnknownNameError("class", "digit-77", known, also))
    assert str(UnknownNameError("class", "x", ["a"], ["alias"])) == "There is no class 'x': choose one of: a."
