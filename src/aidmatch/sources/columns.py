"""The flat columns that spell a record, some of whose fields are records themselves."""

from __future__ import annotations

import dataclasses
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from aidmatch.errors import InputError

__all__ = ["Column", "columns_of", "nested_in", "optional_parts"]


class Column(NamedTuple):
    """One flat column of a record.

    Parameters
    ----------
    field
        The field's name, in the record or in a record nested in it.
    owner
        The field that holds the nested record; None where there is none.
    required
        Whether no record can be made without it.
    """

    field: str
    owner: str | None
    required: bool


@cache
def columns_of(record: type) -> tuple[Column, ...]:
    """List the flat columns of a record, in the order of its fields.

    Parameters
    ----------
    record
        A dataclass, pydantic's or not. A field whose type is a dataclass is spelled by that one's fields.

    Returns
    -------
    The columns.

    Raises
    ------
    InputError
        ``NOT_A_RECORD`` if it nests records two deep, or would have two columns of one name.
    """
    hints = get_type_hints(record)
    found: list[Column] = []
    for field in dataclasses.fields(record):
        nested = nested_in(hints[field.name])
        if nested is None:
            found.append(Column(field.name, None, not _has_default(field)))
            continue
        for part in columns_of(nested):
            if part.owner:
                raise InputError(f"{record.__name__} nests records two deep", code="NOT_A_RECORD")
            found.append(Column(part.field, field.name, part.required and not _has_default(field)))
    if len({column.field for column in found}) < len(found):
        raise InputError(f"{record.__name__} has two columns of one name", code="NOT_A_RECORD")
    return tuple(found)


def optional_parts(record: type) -> tuple[str, ...]:
    """List the fields that hold a nested record or nothing.

    Parameters
    ----------
    record
        A dataclass.

    Returns
    -------
    Names of fields.
    """
    owners = {column.owner for column in columns_of(record)}
    fields = dataclasses.fields(record)
    return tuple(field.name for field in fields if field.name in owners and _has_default(field))


def _has_default(field: dataclasses.Field[Any]) -> bool:
    if isinstance(field.default, FieldInfo):
        return not field.default.is_required()
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def nested_in(hint: Any) -> type | None:
    """Find the record that a field nests.

    Parameters
    ----------
    hint
        The field's type.

    Returns
    -------
    A dataclass; None where the field is a plain one.
    """
    choices = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((kind for kind in choices if isinstance(kind, type) and dataclasses.is_dataclass(kind)), None)
