"""Records made quickly: every distinct cell is validated once, and a row is put together from what is known.

Cells repeat from row to row: items, days, categories, places. So each column remembers what its texts are worth, each
nested record is made once for equal cells and shared, and pydantic puts the record together from values that its own
validators of the fields gave, and runs the record's own rules on it. What cannot be made in this way is left to the
validator of the whole record, which also finds the words for what is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic_core import CoreConfig, CoreSchema, SchemaValidator
from pydantic_core.core_schema import any_schema

from aidmatch.sources.columns import columns_of, optional_parts

__all__ = ["EMPTY", "Assembly", "Parts"]

#: What an empty cell is, once it has been looked at.
EMPTY: Final = ""
#: How many texts a column and a nested record remember.
MOST_CELLS: Final = 8_192

#: Gives a field's cell as the record should be asked for it, or `EMPTY`.
Reader = Callable[[str, Any], Any]


class NotQuicklyError(Exception):
    """A row that has to go the long way."""


class Parts:
    """A record's validator taken apart: one for each of its fields, and one that puts valid fields together.

    Parameters
    ----------
    schema
        The record's, as pydantic has it.

    Raises
    ------
    NotQuicklyError
        If the record is of a kind that cannot be taken apart: rules that see cells before they are valid, or that
        look from one field at another.
    """

    def __init__(self, schema: CoreSchema) -> None:
        self.fields: dict[str, Callable[[Any], Any]] = {}
        self.together: Callable[[Any], Any] = SchemaValidator(self._apart(schema, None)).validate_python

    def _apart(self, schema: Any, config: CoreConfig | None) -> Any:
        kind = schema["type"]
        if kind == "dataclass-args":
            fields = []
            for field in schema["fields"]:
                if _looks_around(field["schema"]):
                    raise NotQuicklyError
                self.fields[field["name"]] = SchemaValidator(field["schema"], config).validate_python
                fields.append({**field, "schema": any_schema()})
            return {**schema, "fields": fields}
        if kind == "dataclass" or kind == "function-after":
            return {**schema, "schema": self._apart(schema["schema"], schema.get("config", config))}
        raise NotQuicklyError


def _looks_around(schema: Any) -> bool:
    """Whether a field's validator is told of other fields, or refers to a definition outside it."""
    if isinstance(schema, Mapping):
        if schema.get("type") in ("with-info", "definition-ref", "definitions"):
            return True
        return any(map(_looks_around, schema.values()))
    return isinstance(schema, list | tuple) and any(map(_looks_around, schema))


class _Cells(dict[str, Any]):
    """What the texts of a column are worth."""

    __slots__ = ("_field", "_read", "_unless", "_validate")

    def __init__(self, field: str, read: Reader, validate: Callable[[Any], Any] | None, unless: Any) -> None:
        self._field = field
        self._read = read
        self._validate = validate
        self._unless = unless

    def __missing__(self, cell: str) -> Any:
        value = self.worth(cell)
        if len(self) < MOST_CELLS:
            self[cell] = value
        return value

    def worth(self, cell: Any) -> Any:
        """The value of any cell."""
        cell = self._read(self._field, cell)
        if cell.__class__ is str and cell == EMPTY:
            if self._unless is dataclasses.MISSING:
                raise NotQuicklyError
            return self._unless
        return cell if self._validate is None else self._validate(cell)


class _Nested(dict[tuple[Any, ...], Any]):
    """Nested records by the cells that spell them."""

    __slots__ = ("_fields", "_given", "_unless", "_validate")

    def __init__(
        self, fields: Sequence[str], given: Mapping[str, Any], validate: Callable[[Any], Any], unless: Any
    ) -> None:
        self._fields = fields
        self._given = given
        self._validate = validate
        self._unless = unless

    def __missing__(self, cells: tuple[Any, ...]) -> Any:
        part = {field: cell for field, cell in zip(self._fields, cells, strict=True) if cell != EMPTY}
        part.update(self._given)
        if part:
            value = self._validate(part)
        elif self._unless is dataclasses.MISSING:
            raise NotQuicklyError
        else:
            value = self._unless
        # 1, 1.0 and True are one key, but not one value
        if len(self) < MOST_CELLS and all(cell.__class__ is str for cell in cells):
            self[cells] = value
        return value

    def of(self, cells: tuple[Any, ...]) -> Any:
        """The record of some cells."""
        return self[cells] if all(cell.__class__ is str for cell in cells) else self.__missing__(cells)


class Assembly:
    """How rows of one layout become records quickly.

    Parameters
    ----------
    record
        A dataclass.
    parts
        Its validator, taken apart.
    fields
        The flat field of each cell of a row; None for a cell that is not wanted.
    read
        Gives cells as the record should be asked for them.
    constants
        By flat field, none of them empty.

    Raises
    ------
    NotQuicklyError
        If the record has a default that is made anew for every record.
    Exception
        Whatever pydantic says of a constant.
    """

    def __init__(
        self, record: type, parts: Parts, fields: Sequence[str | None], read: Reader, constants: Mapping[str, Any]
    ) -> None:
        if any(field.default_factory is not dataclasses.MISSING for field in dataclasses.fields(record)):
            raise NotQuicklyError
        defaults = {field.name: field.default for field in dataclasses.fields(record)}
        owners = {column.field: column.owner for column in columns_of(record)}
        optional = optional_parts(record)
        given: dict[str | None, dict[str, Any]] = {owner: {} for owner in owners.values()}
        for field, value in constants.items():
            given[owners[field]][field] = value
        self._together = parts.together
        self._columns: list[_Cells] = []
        self._names: list[str] = []
        at: dict[str, list[tuple[int, str]]] = {owner: [] for owner in owners.values() if owner is not None}
        wanted = [field is not None for field in fields]
        self._wanted = wanted if not all(wanted) else None
        for number, field in enumerate(field for field in fields if field is not None):
            owner = owners[field]
            if owner is None:
                self._columns.append(_Cells(field, read, parts.fields[field], defaults[field]))
                self._names.append(field)
            else:
                self._columns.append(_Cells(field, read, None, EMPTY))
                self._names.append(f"{owner}.{field}")
                at[owner].append((number, field))
        self._nested = [
            (
                owner,
                tuple(number for number, _ in cells),
                _Nested(
                    [field for _, field in cells],
                    given[owner],
                    parts.fields[owner],
                    defaults[owner] if owner in optional else dataclasses.MISSING,
                ),
            )
            for owner, cells in at.items()
        ]
        self._plain = tuple(number for number, name in enumerate(self._names) if "." not in name)
        self._plain_names = tuple(self._names[number] for number in self._plain)
        self._rest = {
            field.name: field.default
            for field in dataclasses.fields(record)
            if field.default is not dataclasses.MISSING and field.name not in at
        }
        self._rest |= {field: parts.fields[field](value) for field, value in given.get(None, {}).items()}

    def make(self, cells: Sequence[Any]) -> Any:
        """Make a record.

        Parameters
        ----------
        cells
            A row's, one for each of `fields`.

        Returns
        -------
        The record.

        Raises
        ------
        Exception
            If it cannot be made in this way; what is raised says nothing about why.
        """
        if self._wanted is not None:
            cells = [cell for cell, wanted in zip(cells, self._wanted, strict=True) if wanted]
        values = [
            column[cell] if cell.__class__ is str else column.worth(cell)
            for column, cell in zip(self._columns, cells, strict=True)
        ]
        content = self._rest.copy()
        content.update(zip(self._plain_names, map(values.__getitem__, self._plain), strict=True))
        for owner, numbers, nested in self._nested:
            content[owner] = nested.of(tuple(map(values.__getitem__, numbers)))
        return self._together(content)
