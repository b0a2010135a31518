"""Texts among numbers, and numbers with signs that a format does not know: refused in a line that names the sign."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.sources.cells import APOSTROPHES, BLANKS, MINUS, CellFormat, alike
from tunesmith.errors import UserError, list_names

NUM_SHOWN = 5
EDIT = "make plain numbers of them in the file"
# Unicode's currency signs, also with a country's letters (US$, R$); codes of ISO 4217; abbreviations. rs7412 is a name.
_CURRENCY = (
    r"\b[A-Z]{1,3}\$|[$¢-¥\u0e3f\u20a0-\u20cf]"
    r"|(?<![A-Z])(?:AED|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|MXN|MYR|NGN|NOK|NZD"
    r"|PHP|PKR|PLN|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR)\b"
    r"|Fr\.|kr\.?|Kč|zł|R[sp]\."
)
_BEFORE = rf"(?:{_CURRENCY}|[-+(<>≤≥=~≈±{MINUS}]|[{BLANKS}])*"
_AFTER = rf"(?:{_CURRENCY}|[-+)%‰°*{MINUS}]|[{BLANKS}])*"
_GROUPED = (
    rf"\d{{1,3}}(?P<group>[.,_{APOSTROPHES}{BLANKS}])\d{{3}}(?:(?P=group)\d{{3}})*(?:[.,]\d+)?"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"
)
_NUMBER = rf"{_GROUPED}|\d+[.,]\d*|[.,]?\d+"
# A number with signs before and after it. Units made of letters are none: 4WD or 3rd is a category.
SIGNED = re.compile(rf"(?P<before>{_BEFORE})(?P<number>{_NUMBER})(?P<after>{_AFTER})", re.ASCII | re.IGNORECASE)

_WITH_UNIT = re.compile(rf"[-+{MINUS}]?(?:{_NUMBER})[{BLANKS}]*(?P<unit>[^\W\d_][^\d]*)")
_SIGN_OF_BOUND = rf"[<>≤≥=~≈±*°]|[+*°-][{BLANKS}]*$"
BOUND = re.compile(rf"(?=.*(?:{_SIGN_OF_BOUND}))[<>≤≥=~≈±+*°-]*[{BLANKS}]*\d+(?:\.\d*)?[{BLANKS}]*[+*°-]*")


@dataclass(frozen=True)
class _Texts:
    """The different texts of a column: numbers, numbers with signs (SIGNED's matches), and others."""

    numbers: list[str]
    signed: dict[str, re.Match[str]]
    others: list[str]


def check_texts(column: Any, form: CellFormat, *ways_out: str) -> None:
    """Raise UserError if most cells of a column of texts are numbers, of which some have signs or others are no number.

    What would be left out as missing then may be the column's largest values. ways_out: what else can be typed.
    """
    known = column.dropna()
    texts = _sort(known.unique(), form)
    signed, others = (known.isin(list(found)).sum() for found in (texts.signed, texts.others))
    if others >= len(known) / 2 or not signed + others:
        return
    if signed:
        text, ways = _describe_signs(texts.signed, f"{signed} of {len(known)} rows", form)
    else:
        text, ways = _describe_others(texts.others, f"{others} of {len(known)} rows")
    raise UserError(f"data.path: column {column.name} has numbers{text}; {', '.join([*ways, *ways_out])}")


def stray_signs(column: Any) -> list[str]:
    """Return the texts of a column that are no word: without letter or digit, while others have some; or made of ?."""
    texts = list(map(str, column.dropna().unique()))
    signs = [text for text in texts if not re.search(r"[^\W_]", text)]
    return [text for text in signs if len(signs) < len(texts) or not text.strip("?")]


def unit(texts: Sequence[Any]) -> str | None:
    """Return what all texts have behind a number, such as km; None if they are others."""
    matches = [_WITH_UNIT.fullmatch(str(text)) for text in texts]
    units = {match["unit"] if match else None for match in matches}
    return units.pop() if len(units) == 1 else None


def override(key: str, names: Sequence[Any]) -> str:
    """Return an override that sets a key to a list of texts, quoted for a shell and for Hydra."""
    texts = ",".join(_quoted(name) for name in names[:NUM_SHOWN])
    return _typed(f"{key}=[{texts}]")


def _sort(texts: Sequence[Any], form: CellFormat) -> _Texts:
    found = _Texts([], {}, [])
    for text in map(str, texts):
        match = SIGNED.fullmatch(text)
        if form.number(text) is not None:
            found.numbers.append(text)
        elif match:
            found.signed[text] = match
        else:
            found.others.append(text)
    if not found.numbers:  # <30 and >30 alone are classes or categories
        bounds = list(filter(BOUND.fullmatch, found.signed))
        found.others.extend(bounds)
        for text in bounds:
            del found.signed[text]
    return found


def _describe_others(texts: list[str], where: str) -> tuple[str, list[str]]:
    """Return what is wrong, and what can be done; texts with digits may be values, so they are never left out."""
    with_digits = [text for text in texts if re.search(r"\d", text)]
    if with_digits:
        return f", but {list_names(map(repr, with_digits))} too, of texts in {where}", [EDIT]
    ways = [f"{override('na_values', texts)} reads them as missing"]
    return f", but {list_names(map(repr, texts))} in {where}", ways


def _describe_signs(signed: dict[str, re.Match[str]], where: str, form: CellFormat) -> tuple[str, list[str]]:
    """Return what is wrong, and what can be done."""
    example = max(signed, key=len)
    numbers = [match["number"] for match in signed.values()]
    affixes = _signs(" ".join(map(_affixes, signed.values())))
    decimal, thousands, is_clear = guess_format(numbers)
    wanted = {"decimal": (decimal, form.decimal), "thousands": (thousands, form.thousands)}
    new = {key: sign for key, (sign, given) in wanted.items() if sign and sign != given}
    unknown = [sign for sign in new.values() if any(set(alike(sign)) & set(number) for number in numbers)]
    found = list_names(map(repr, [*affixes, *unknown] or ["+"]))
    ways = [EDIT]
    if new and not affixes:
        ways = [f"{' '.join(_typed(f'{key}={_quoted(sign)}') for key, sign in new.items())} reads them"]
        if not is_clear:
            ways.append(f"{_typed(f'decimal={_quoted(thousands)}')} if {example!r} has decimals")
    return f" with {found} in {where}, such as {example!r}", ways


def _affixes(match: re.Match[str]) -> str:
    """Return what stands around a number, a plus or minus before it excepted."""
    before = match["before"].strip(BLANKS)
    return ("" if before in ("+", "-", MINUS) else before) + " " + match["after"]


def _signs(text: str) -> list[str]:
    """Return the different signs and currencies of a text, blanks left out."""
    return list(dict.fromkeys(re.findall(rf"{_CURRENCY}|[^\s{BLANKS}]", text, re.IGNORECASE)))


def guess_format(numbers: Sequence[str]) -> tuple[str, str | None, bool]:
    """Return decimal and thousands sign of numbers, and whether no other reading is possible.

    Of two different signs the last one stands before the decimals; a sign before groups of three digits alone stands
    between thousands, which is not clear if no number has it twice.
    """
    both = [re.sub(r"\d", "", number) for number in numbers]
    last = {signs[-1] for signs in both if len(set(signs)) > 1}
    if last:
        decimal = next(iter(last))
        return decimal, _plain(next(signs[0] for signs in both if len(set(signs)) > 1)), True
    used = {sign for signs in both for sign in signs}
    if used - {".", ","}:
        return "," if "," in used else ".", _plain(min(used - {".", ","})), True
    for sign in sorted(used):
        grouped = [number for number in numbers if sign in number]
        if all(
            re.fullmatch(rf"\d{{1,3}}(?:{re.escape(sign)}\d{{2,3}})*{re.escape(sign)}\d{{3}}", each) for each in grouped
        ):
            is_clear = len(used) > 1 or any(number.count(sign) > 1 for number in grouped)
            return ("." if sign == "," else ","), sign, is_clear
    return ("," if "," in used else "."), None, True


def _plain(sign: str) -> str:
    """Return the sign of those written alike that has a key on a keyboard."""
    return alike(sign)[0]


def _quoted(text: Any) -> str:
    return "'" + str(text).replace("'", "\\'") + "'"


def _typed(override: str) -> str:
    """Return an override below data, quoted for a shell."""
    return '"data.' + re.sub(r'(["$`])', r"\\\1", override) + '"'
