"""How platforms spell what a field asks for: numbers, codes, days, yes and no, names of values, units.

Only spelling is changed, and only where one thing can be meant. What is said otherwise stays as it is, for the record
to refuse. Ids and names are never changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from aidmatch.errors import InputError
from aidmatch.fields import Areas, Id
from aidmatch.place import AreaCode
from aidmatch.sources.aliases import VALUES, folded
from aidmatch.sources.columns import columns_of, nested_in

__all__ = ["SCALED", "Spelling", "SpellingError", "Units", "id_as_it_is", "spellings_of"]

#: Takes a cell that is not empty, and gives it in the spelling the record asks for.
Spelling = Callable[[Any], Any]

#: Fields that count in the record's ``unit``.
SCALED: Final = ("quantity", "min_quantity", "pack_size", "min_lot")

_LOST: Final = (
    "LOST_DIGITS",
    "may have lost digits: a spreadsheet keeps fifteen of a number; format the column as text and enter it again",
)
_FIFTEEN: Final = 10**15
# a mantissa, E, a sign and at least two digits: as spreadsheets write large numbers, not as anybody writes an id
_SCIENTIFIC = re.compile(r"[+-]?\d(?:\.\d+)?E\+\d{2,3}", re.IGNORECASE)
#: Digits of a number beyond which it is out of every range.
_DIGITS: Final = 30
_DECIMAL = re.compile(rf"[+-]?\d{{1,{_DIGITS}}}(?:\.\d{{0,{_DIGITS}}})?")
_WHOLE = re.compile(r"(\d+)\.0+")
_MIDNIGHT: Final = r"(?:[T ]\s*0?0:00(?::00(?:\.0+)?)?)?"
_DAY = re.compile(
    r"(?P<y>\d{4})(?:"
    r"(?P<mark>[-/.])(?P<m>\d{1,2})(?P=mark)(?P<d>\d{1,2})"
    r"|年(?P<cm>\d{1,2})月(?P<cd>\d{1,2})日?"
    r"|(?P<pm>\d{2})(?P<pd>\d{2}))" + _MIDNIGHT
)
_YEAR_LAST = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})(?:[T ].*)?")
_YES_NO: Final = {"是": True, "√": True, "✓": True, "否": False, "×": False, "✗": False}
#: Spellings of one unit; no quantity changes.
_UNITS: Final = {
    folded(spelling): unit
    for unit, spellings in {
        "kg": ("公斤", "千克", "kilogram", "kilograms", "kgs"),
        "g": ("克", "gram", "grams"),
        "斤": ("市斤",),
        "t": ("吨", "tonne", "tonnes"),
        "l": ("升", "litre", "litres", "liter", "liters"),
        "ml": ("毫升",),
    }.items()
    for spelling in (unit, *spellings)
}


class SpellingError(Exception):
    """A cell that cannot be what its field asks for."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Units:
    """Units as the caller wants them counted.

    Parameters
    ----------
    given
        By their unit: ours, and how many of ours one of theirs is, an integer or a `Fraction`.

    Raises
    ------
    InputError
        ``BAD_UNITS`` if a factor is neither, or not above zero.
    """

    def __init__(self, given: Mapping[str, tuple[str, int | Fraction]]) -> None:
        self._by_unit: dict[str, tuple[str, Fraction]] = {}
        for theirs, pair in given.items():
            good = isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)
            if not (good and isinstance(pair[1], int | Fraction) and not isinstance(pair[1], bool) and pair[1] > 0):
                raise InputError(
                    f"units= should give {theirs!r} as (our unit, an integer or a Fraction above 0)", code="BAD_UNITS"
                )
            self._by_unit[_unit(theirs)] = (_unit(pair[0]), Fraction(pair[1]))

    def __bool__(self) -> bool:
        return bool(self._by_unit)

    def convert(self, fields: dict[str, Any]) -> tuple[str, str] | None:
        """Convert the fields of one row, in place, if its unit is to be converted.

        Parameters
        ----------
        fields
            Cells by field, none of them empty.

        Returns
        -------
        Their unit and ours; None if the row stays as it is.

        Raises
        ------
        SpellingError
            ``UNIT_NOT_EXACT``, if a quantity would not be whole.
        """
        theirs = fields.get("unit")
        ours, factor = self._by_unit.get(theirs, (theirs, Fraction(1))) if isinstance(theirs, str) else (theirs, 1)
        if theirs == ours:
            return None
        for field in SCALED:
            quantity = _fraction(fields.get(field))
            if quantity is None:  # none, or no number: the record will say so
                continue
            if (quantity * factor).denominator != 1:
                raise SpellingError("UNIT_NOT_EXACT", f"is no whole number of {ours}")
            fields[field] = int(quantity * factor)
        fields["unit"] = ours
        return str(theirs), str(ours)


def _fraction(cell: Any) -> Fraction | None:
    """What a cell is as a number; None if it is none, or has so many digits that nobody means it."""
    if isinstance(cell, str):
        return Fraction(cell.strip()) if _DECIMAL.fullmatch(cell.strip()) else None
    if isinstance(cell, Decimal) and not (cell.is_finite() and abs(cell.adjusted()) <= _DIGITS):
        return None
    try:
        return Fraction(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def spellings_of(record: type) -> dict[str, Spelling]:
    """Give the spelling of every flat field that has one.

    Parameters
    ----------
    record
        A dataclass.

    Returns
    -------
    By field. A field that takes what it is given is not there.
    """
    plain, hints = get_type_hints(record), get_type_hints(record, include_extras=True)
    found: dict[str, Spelling] = {}
    for column in columns_of(record):
        hint = hints[column.field] if column.owner is None else _hint_in(nested_in(plain[column.owner]), column.field)
        spelling = _spelling(column.field, hint)
        if spelling is not None:
            found[column.field] = spelling
    return found


def _hint_in(nested: type | None, field: str) -> Any:
    return None if nested is None else get_type_hints(nested, include_extras=True)[field]


def _spelling(field: str, hint: Any) -> Spelling | None:
    while get_origin(hint) in (Union, UnionType):
        hint = next(choice for choice in get_args(hint) if choice is not NoneType)
    if hint == Id:
        return id_as_it_is
    if hint == AreaCode:
        return _code
    if hint == Areas or field in ("category", "only_categories", "windows"):
        return _plain
    if field == "unit":
        return _unit
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        return _choices(field, get_args(hint), several=False)
    if get_origin(hint) is tuple and get_origin(get_args(hint)[0]) is Literal:
        return _choices(field, get_args(get_args(hint)[0]), several=True)
    return {int: _integer, float: _number, date: _day, bool: _yes_no}.get(hint)


def _plain(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return (cell if cell.isascii() else unicodedata.normalize("NFKC", cell)).strip()


def _exact(cell: Any) -> Any:
    """An integer of a whole number that has all its digits."""
    if not isinstance(cell, Decimal) or not cell.is_finite():
        return cell
    if cell.adjusted() > _DIGITS:
        raise SpellingError("OUT_OF_RANGE", "should have fewer digits")
    if cell.adjusted() < -_DIGITS:
        raise SpellingError("NOT_AN_INTEGER", "should be a whole number")
    return int(cell) if cell == cell.to_integral_value() else cell


def id_as_it_is(cell: Any) -> Any:
    """Give an id as it is, unless a spreadsheet has taken digits from it.

    Parameters
    ----------
    cell
        A cell that is not empty.

    Returns
    -------
    The cell; an integer of a whole `Decimal`.

    Raises
    ------
    SpellingError
        ``LOST_DIGITS`` if it is a float of sixteen digits or more, or in scientific notation (which has a plus);
        ``OUT_OF_RANGE`` or ``NOT_AN_INTEGER`` if it is a `Decimal` of more than thirty digits before or behind the
        point.
    """
    if isinstance(cell, float) and abs(cell) >= _FIFTEEN:
        raise SpellingError(*_LOST)
    if isinstance(cell, str):
        if "+" in cell and _SCIENTIFIC.fullmatch(cell.strip()):
            raise SpellingError(*_LOST)
        return cell
    return _exact(cell)


def _code(cell: Any) -> Any:
    cell = id_as_it_is(_plain(cell))
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, Integral) and not isinstance(cell, bool):
        return str(int(cell))  # NumPy's integers are no int
    whole = _WHOLE.fullmatch(cell) if isinstance(cell, str) else None
    return whole[1] if whole else cell


def _integer(cell: Any) -> Any:
    cell = _plain(cell)
    if isinstance(cell, str) and _SCIENTIFIC.fullmatch(cell):
        raise SpellingError(*_LOST)
    return _exact(cell)


def _number(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else _plain(cell)


def _day(cell: Any) -> Any:
    if isinstance(cell, Integral) and not isinstance(cell, bool) and 1000_00_00 < int(cell) <= 9999_12_31:
        cell = str(int(cell))
    if not isinstance(cell, str):
        return cell
    text = _plain(cell)
    found = _DAY.fullmatch(text)
    if found:
        month = found["m"] or found["cm"] or found["pm"]
        day = found["d"] or found["cd"] or found["pd"]
        return f"{found['y']}-{int(month):02}-{int(day):02}"
    if _YEAR_LAST.fullmatch(text):
        raise SpellingError("AMBIGUOUS_DATE", "does not say which is the day and which the month; write YYYY-MM-DD")
    return text


def _yes_no(cell: Any) -> Any:
    text = _plain(cell)
    return _YES_NO.get(text, text) if isinstance(text, str) else cell


def _unit(cell: Any) -> Any:
    text = _plain(cell)
    return _UNITS.get(folded(text), text) if isinstance(text, str) else cell


def _choices(field: str, allowed: tuple[Any, ...], *, several: bool) -> Spelling:
    ours = {folded(one): one for one in allowed}
    ours |= {folded(theirs): one for theirs, one in VALUES.get(field, {}).items() if one in allowed}

    def choose(cell: Any) -> Any:
        if not isinstance(cell, str):
            return cell
        if not several:
            return ours.get(folded(cell), cell)
        parts = re.split("[;；、]", cell)
        return [ours.get(folded(part), part) for part in parts]

    return choose
