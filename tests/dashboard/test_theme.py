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


@pytest.mark.parametrize(
    "shown, text",
    [
        (theme.percent(0.2), "20 %"),
        (theme.percent(-0.015, 1), "−1.5 %"),
        (theme.decimal(-1.234), "−1.23"),
        (theme.count(1234567), "1,234,567"),
        (theme.short(448_000), "448 k"),
        (theme.short(11_180_000), "11.2 M"),
        (theme.short(999_999), "1.0 M"),
        (theme.short(12), "12"),
        (theme.duration(7.6), "8 s"),
        (theme.duration(125), "2 min 5 s"),
        (theme.duration(4320), "1 h 12 min"),
        (theme.ago(20), "just now"),
        (theme.ago(750), "12 min ago"),
        (theme.ago(200_000), "2 days ago"),
        (theme.energy(0.00042), "0.42 Wh"),
        (theme.mass(0.0032), "3.20 mg"),
        (theme.mass(0.42), "0.42 g"),
        (theme.mass(1300), "1.30 kg"),
    ],
)
def test_numbers_read_well(shown: str, text: str) -> None:
    assert shown == text
