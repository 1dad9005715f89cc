import pytest

from core.pruning.config import NEIGHBOURS, SIMILARITIES, WEIGHTS
from core.pruning.events import PHASES
from core.pruning.methods import METHODS
from core.runs.record import LOST, STORED
from core.voting import WEIGHTINGS
from core.zoo.zoo import LAYOUTS
from dashboard import theme


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [theme.BLUE, theme.GREEN, theme.PINK, theme.VERMILION, theme.GREY])
@pytest.mark.parametrize("background", ["#FFFFFF", "#0E1117"])
def test_marks_stand_out_from_both_backgrounds(colour: str, background: str) -> None:
    assert contrast(colour, background) >= 2.99


@pytest.mark.parametrize(
    "labels, known",
    [
        (theme.METHOD_STYLES, METHODS),
        (theme.STATUSES, (*STORED, LOST)),
        (theme.SIMILARITIES, SIMILARITIES),
        (theme.SIMILARITY_HELP, SIMILARITIES),
        (theme.NEIGHBOUR_CHOICES, NEIGHBOURS),
        (theme.WEIGHTINGS, WEIGHTINGS),
        (theme.WEIGHTS, WEIGHTS),
        (theme.LAYOUTS, LAYOUTS),
        (theme.PHASES, PHASES),
    ],
)
def test_everything_has_a_label(labels: dict, known) -> None:
    assert set(labels) == set(known)


def test_methods_differ_in_more_than_colour() -> None:
    assert len({(style.colour, style.symbol) for style in theme.METHOD_STYLES.values()}) == len(METHODS)
    assert len({style.symbol for style in theme.METHOD_STYLES.values()}) == len(METHODS)
