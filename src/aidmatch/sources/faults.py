"""What a cell that cannot be used is called: stable codes for pydantic's errors, in words that never quote the cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["flaw_of"]

_A_NUMBER: Final = ("NOT_A_NUMBER", "should be a number")
_AN_INTEGER: Final = ("NOT_AN_INTEGER", "should be a whole number")
_A_DATE: Final = ("NOT_A_DATE", "should be a calendar date, YYYY-MM-DD")
_A_BOOLEAN: Final = ("NOT_A_BOOLEAN", "should be true or false, yes or no, 1 or 0")
_TEXT: Final = ("NOT_TEXT", "should be text")
_TOO_LONG: Final = ("TOO_LONG", "should have at most {max_length} characters")

#: Code and message by pydantic's error type; braces stand for what the type says of the field, never of the cell.
_FLAWS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("MISSING", "should not be empty"),
    "int_type": _AN_INTEGER,
    "int_parsing": _AN_INTEGER,
    "int_from_float": _AN_INTEGER,
    "int_parsing_size": ("OUT_OF_RANGE", "should have fewer digits"),
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "finite_number": _A_NUMBER,
    "date_type": _A_DATE,
    "date_parsing": _A_DATE,
    "date_from_datetime_parsing": _A_DATE,
    "date_from_datetime_inexact": ("NOT_A_DATE", "should be a calendar date without a time of day"),
    "bool_type": _A_BOOLEAN,
    "bool_parsing": _A_BOOLEAN,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_long": _TOO_LONG,
    "too_long": _TOO_LONG,
    "string_pattern_mismatch": ("BAD_FORMAT", "should match {pattern}"),
    "literal_error": ("NOT_ALLOWED", "should be {expected}"),
    "greater_than": ("OUT_OF_RANGE", "should be greater than {gt}"),
    "greater_than_equal": ("OUT_OF_RANGE", "should be at least {ge}"),
    "less_than": ("OUT_OF_RANGE", "should be less than {lt}"),
    "less_than_equal": ("OUT_OF_RANGE", "should be at most {le}"),
    "tuple_type": ("NOT_A_LIST", "should be names with semicolons between them, or a list of names"),
}


def flaw_of(kind: str, message: str, facts: Mapping[str, Any], field: str | None) -> tuple[str, str]:
    """Name what is wrong with a cell.

    Parameters
    ----------
    kind, message, facts
        The type, the message and the context of one of pydantic's errors. An upper-case type is one of this library's
        own (or of a record from outside that follows it): its message is taken as it is, for it quotes no value.
    field
        The record's field; None for a row as a whole.

    Returns
    -------
    A stable code, and what is expected.
    """
    if kind.isupper():
        return kind, message
    code, words = _FLAWS.get(kind, ("NOT_VALID", f"is not valid ({kind})"))
    words = words.format_map(facts)
    if code == "OUT_OF_RANGE" and field == "lat":
        words += " (are lat and lon swapped?)"
    return code, words
