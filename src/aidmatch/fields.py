"""The field types of records: what a count, a date and an id may be, once and for every record."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from numbers import Integral
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

__all__ = [
    "CONFIG",
    "MAX_COUNT",
    "WHOLE",
    "Areas",
    "Count",
    "Day",
    "Distinct",
    "Id",
    "Kilometres",
    "ListedNames",
    "Names",
    "Ordered",
    "Positive",
    "Text",
    "are_plain_ids",
]

#: Values never appear in validation errors, since any of them may be personal.
CONFIG: Final = ConfigDict(extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

#: Counts above this are refused; sums of counts are checked where they are made.
MAX_COUNT: Final = 2**62

_EXACT_FLOAT: Final = 2**53
# A citizen's id number carries the date of birth in its digits 7–14 (GB 11643-1999); a mainland mobile number
# has eleven digits and begins with 13–19.
# Country codes, separators and full-width digits hide neither.
_CITIZEN_ID = re.compile(r"(?<!\d)\d{6}(18|19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")
_MOBILE = re.compile(r"(?<!\d)(?:00)?(?:86)?1[3-9]\d{9}(?!\d)")
_BETWEEN = re.compile("[;；、]")
_SEPARATORS = re.compile(r"(?<=\d)[-\s._/()]+(?=\d)")


def _id(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise PydanticCustomError("BAD_ID", "an id is text or an integer; a float may have lost digits")
    # NumPy's integers are no int
    return str(int(value)) if isinstance(value, Integral) else value


def are_plain_ids(texts: Sequence[str]) -> bool:
    """Whether texts are ids as they stand: a few ASCII letters and digits, too few for a mobile number.

    Parameters
    ----------
    texts
        One at least. Those that are none of these may be ids all the same; `Id` says.
    """
    together = "".join(texts)
    return all(texts) and max(map(len, texts)) < 11 and together.isascii() and together.isalnum()


def _not_personal(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("BAD_ID", "an id has no line breaks or control characters")
    if len(value) < 11 and value.isascii():  # a mobile number has eleven digits
        return value
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", value))
    if _CITIZEN_ID.search(plain) or _MOBILE.search(plain):
        raise PydanticCustomError(
            "PERSONAL_ID", "looks like a citizen's id or a mobile number; ids appear in files, so use one of your own"
        )
    return value


def _count(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("NOT_AN_INTEGER", "should be a whole number")
    if isinstance(value, float) and not abs(value) <= _EXACT_FLOAT:
        raise PydanticCustomError("INEXACT", "a float this large may have lost digits; give an integer")
    return value


def _day(value: Any) -> Any:
    # pydantic would take numbers, in whatever form, for seconds since 1970
    if not isinstance(value, date) and not (isinstance(value, str) and "-" in value.strip()[1:]):
        raise PydanticCustomError("NOT_A_DATE", "should be a calendar date, YYYY-MM-DD")
    return value


def _names(value: Any) -> Any:
    parts = _BETWEEN.split(value) if isinstance(value, str) else value
    if isinstance(parts, list | tuple | set | frozenset) and all(isinstance(part, str) for part in parts):
        return tuple(sorted({part.strip() for part in parts} - {""}))
    return parts


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("BAD_TEXT", "has line breaks or control characters")
    return value


def _in_order(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        raise PydanticCustomError("NO_ORDER", "a set has no order; give a list")
    return tuple(value) if isinstance(value, list) else value


def _once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise PydanticCustomError("TWICE", "names something twice")
    return value


# limits stand next to the type they limit, where pydantic checks them fastest
Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_not_personal), BeforeValidator(_id)]
Text = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
#: For integers: no booleans, and no floats that may have lost digits.
WHOLE = BeforeValidator(_count)
Count = Annotated[int, Field(ge=0, le=MAX_COUNT), WHOLE]
Positive = Annotated[int, Field(ge=1, le=MAX_COUNT), WHOLE]
Day = Annotated[date, BeforeValidator(_day)]
Kilometres = Annotated[float, Field(ge=0, le=20_100, allow_inf_nan=False)]
#: A set of short names, kept sorted; in a cell they stand between semicolons or Chinese enumeration commas.
Names = Annotated[tuple[Text, ...], BeforeValidator(_names)]
#: Beginnings of administrative codes.
Areas = Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9]{2,12}$")], ...], BeforeValidator(_names)]
#: Names whose order matters, each once; `Ordered` has one at least.
Distinct = Annotated[tuple[Text, ...], BeforeValidator(_in_order), AfterValidator(_once)]
Ordered = Annotated[Distinct, Field(min_length=1)]
#: Turns text between semicolons into sorted names, for tuples of literals.
ListedNames = BeforeValidator(_names)
