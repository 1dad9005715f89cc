"""How numbers are written: one way each, wherever they stand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import numbers


@pytest.mark.parametrize(
    "shown, text",
    [
        (numbers.percent(0.2), "20 %"),
        (numbers.percent(-0.015, 1), "−1.5 %"),
        (numbers.percent(-0.0001, 1), "0.0 %"),
        (numbers.ratio(0.125), "12.5 %"),
        (numbers.ratio(0.07), "7 %"),
        (numbers.points(0.0142), "+1.4"),
        (numbers.points(-0.15), "−15.0"),
        (numbers.deviation(0.0062), "+0.6 %"),
        (numbers.deviation(-0.0001), "+0.0 %"),
        (numbers.decimal(-1.234), "−1.23"),
        (numbers.count(1234567), "1,234,567"),
        (numbers.counted(1, "run"), "1 run"),
        (numbers.counted(1200, "run"), "1,200 runs"),
        (numbers.counted(3, "class", "classes"), "3 classes"),
        (numbers.short(448_000), "448 k"),
        (numbers.short(4_480), "4.48 k"),
        (numbers.short(11_180_000), "11.2 M"),
        (numbers.short(11_000_000), "11 M"),
        (numbers.short(999_600), "1 M"),
        (numbers.short(12), "12"),
        (numbers.short(0), "0"),
        (numbers.megabytes(43_900_000), "43.9 MB"),
        (numbers.duration(7.6), "8 s"),
        (numbers.duration(7.6, 1), "7.6 s"),
        (numbers.duration(59.97, 1), "1 min 0 s"),
        (numbers.duration(59.7, 1), "59.7 s"),
        (numbers.duration(59.7), "1 min 0 s"),
        (numbers.duration(125, 1), "2 min 5 s"),
        (numbers.duration(4320), "1 h 12 min"),
        (numbers.milliseconds(0.00412), "4.12 ms"),
        (numbers.milliseconds(0.4123), "412 ms"),
        (numbers.milliseconds(2.5), "2,500 ms"),
        (numbers.times(4.06), "4.1 ×"),
        (numbers.ago(20), "just now"),
        (numbers.ago(750), "12 min ago"),
        (numbers.ago(200_000), "2 days ago"),
        (numbers.energy(0.00042), "0.42 Wh"),
        (numbers.mass(0.0032), "3.20 mg"),
        (numbers.mass(0.42), "0.42 g"),
        (numbers.mass(1300), "1.30 kg"),
    ],
)
def test_numbers_read_well(shown: str, text: str) -> None:
    assert shown == text


@given(st.integers(0, 10**14))
def test_a_short_number_is_right_to_three_digits_and_never_longer_than_that(number: int) -> None:
    figure, _, unit = numbers.short(number).partition(" ")
    value = float(figure) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[unit]
    assert math.isclose(value, number, rel_tol=0.00501, abs_tol=0)
    assert float(figure) < 1000 and len(figure.replace(".", "")) <= 4


@given(st.floats(-1e6, 1e6))
def test_a_zero_has_no_minus_and_a_minus_is_a_true_one(value: float) -> None:
    for text in (numbers.percent(value), numbers.points(value), numbers.deviation(value), numbers.decimal(value)):
        assert "-" not in text
        assert any(digit in text for digit in "123456789") or numbers.MINUS not in text
