"""Signs in numbers: what they are taken for, and which texts are no words."""

from __future__ import annotations

import pandas as pd
import pytest

from tunesmith.data.sources.number_signs import SIGNED, guess_format, stray_signs


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["1,5"], (",", None, True)),
        (["1.5"], (".", None, True)),
        (["1,234"], (".", ",", False)),
        (["1,234", "1,234,567"], (".", ",", True)),
        (["1.234"], (",", ".", False)),
        (["1.234", "1,5"], (",", ".", True)),
        (["1,234.5", "7"], (".", ",", True)),
        (["1.234,5"], (",", ".", True)),
        (["1'234.5"], (".", "'", True)),
        (["1\u2019234"], (".", "'", True)),
        (["1\u00a0234,5", "2,5"], (",", " ", True)),
        (["12,34,567", "1,234"], (".", ",", True)),
    ],
)
def test_signs_are_taken_for(numbers: list[str], expected: tuple[str, str | None, bool]) -> None:
    assert guess_format(numbers) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "$5",
            "5 \u20ac",
            "USD 1,000",
            "12 %",
            "(5)",
            "5-",
            "<5",
            ">= 5",
            "1 234",
            "-$5",
            "R$ 5",
            "US$5",
            "5 K\u010d",
        ),
        *("5 z\u0142", "5USD", "Rs. 5", "\u20b95", "12,34,567"),
    ],
)
def test_a_number_with_signs_is_one(text: str) -> None:
    assert SIGNED.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        *("5kg", "A5", "10-20", "12:30", "1.10.30", "01.02.2024", "555 1234", "2nd", "5 5", "rs7412", "PHP7", "EURO5"),
        "\u0661",
    ],
)
def test_another_text_is_none(text: str) -> None:
    assert not SIGNED.fullmatch(text)


@pytest.mark.parametrize(
    ("texts", "stray"),
    [
        (["yes", "no", "?"], ["?"]),
        (["yes", "--", "...", "?"], ["--", "...", "?"]),
        (["+", "-"], []),
        (["+", "-", "??"], ["??"]),
        (["ja", "日本"], []),
    ],
)
def test_stray_signs_are_no_words(texts: list[str], stray: list[str]) -> None:
    assert stray_signs(pd.Series(texts)) == stray
