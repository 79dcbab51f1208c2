"""Records made quickly: every distinct cell is validated once, and a row is put together from what is known.

Cells repeat from row to row: items, days, categories, places. So each column remembers what its texts are worth, each
nested record is made once for equal cells and shared, and pydantic puts the record together from values that its own
validators of the fields gave, and runs the record's own rules on it. What cannot be made in this way is left to the
validator of the whole record, which also finds the words for what is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import getitem, itemgetter
from typing import Any, Final

from pydantic_core import CoreConfig, CoreSchema, SchemaValidator
from pydantic_core.core_schema import any_schema

from aidmatch.fields import is_plain_id
from aidmatch.sources.columns import columns_of, optional_parts

__all__ = ["EMPTY", "Assembly", "Parts"]

#: What an empty cell is, once it has been looked at.
EMPTY: Final = ""
#: How many texts a column and a nested record remember.
MOST_CELLS: Final = 8_192

#: Gives a cell as the record should be asked for it, or `EMPTY`.
Reader = Callable[[Any], Any]


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

    __slots__ = ("_read", "_unless", "_validate")

    def __init__(self, read: Reader, validate: Callable[[Any], Any], unless: Any) -> None:
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
        cell = self._read(cell)
        if cell.__class__ is str and not cell:
            if self._unless is dataclasses.MISSING:
                raise NotQuicklyError
            return self._unless
        return self._validate(cell)


class _Ids(dict[str, Any]):
    """What the texts of a column of ids are worth: seldom the same twice, so that none is remembered."""

    __slots__ = ("_validate", "worth")

    def __init__(self, cells: _Cells, validate: Callable[[Any], Any]) -> None:
        self.worth = cells.worth
        self._validate = validate

    def __missing__(self, cell: str) -> Any:
        if is_plain_id(cell):
            return cell
        # an empty id is none to the validator; one with a plus may be in scientific notation
        return self.worth(cell) if "+" in cell else self._validate(cell)


class _Nested(dict[tuple[str, ...], Any]):
    """Nested records by the texts that spell them."""

    __slots__ = ("_given", "_reads", "_unless", "_validate")

    def __init__(
        self,
        reads: Sequence[tuple[str, Reader]],
        given: Mapping[str, Any],
        validate: Callable[[Any], Any],
        unless: Any,
    ) -> None:
        self._reads = reads
        self._given = given
        self._validate = validate
        self._unless = unless

    def __missing__(self, cells: tuple[str, ...]) -> Any:
        value = self.worth(cells)
        if len(self) < MOST_CELLS:
            self[cells] = value
        return value

    def worth(self, cells: tuple[Any, ...]) -> Any:
        """The record that any cells spell."""
        part = dict(self._given)
        for (field, read), cell in zip(self._reads, cells, strict=True):
            cell = read(cell)
            if not (cell.__class__ is str and not cell):
                part[field] = cell
        if part:
            return self._validate(part)
        if self._unless is dataclasses.MISSING:
            raise NotQuicklyError
        return self._unless


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
    reader
        Gives, for a flat field, what gives its cells as the record should be asked for them.
    ids
        Flat fields whose texts are ids, in the record's own spelling.
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
        self,
        record: type,
        parts: Parts,
        fields: Sequence[str | None],
        reader: Callable[[str], Reader],
        ids: Collection[str],
        constants: Mapping[str, Any],
    ) -> None:
        defaults = {field.name: field.default for field in dataclasses.fields(record)}
        if any(field.default_factory is not dataclasses.MISSING for field in dataclasses.fields(record)):
            raise NotQuicklyError
        owners = {column.field: column.owner for column in columns_of(record)}
        optional = optional_parts(record)
        given: dict[str | None, dict[str, Any]] = {owner: {} for owner in owners.values()}
        for constant, value in constants.items():
            given[owners[constant]][constant] = value
        at: dict[str | None, list[tuple[int, str]]] = {owner: [] for owner in given}
        for position, field in enumerate(fields):
            if field is not None:
                at[owners[field]].append((position, field))
        plain = at.pop(None, [])
        self._together = parts.together
        self._names = tuple(field for _, field in plain)
        self._plain = _picker([position for position, _ in plain])
        self._columns: list[_Cells | _Ids] = []
        for _, field in plain:
            cells = _Cells(reader(field), parts.fields[field], defaults[field])
            is_id = field in ids and defaults[field] is dataclasses.MISSING
            self._columns.append(_Ids(cells, parts.fields[field]) if is_id else cells)
        self._nested: list[tuple[str, Callable[[Sequence[Any]], tuple[Any, ...]], _Nested]] = []
        for nested_field, places in at.items():
            unless = defaults[str(nested_field)] if nested_field in optional else dataclasses.MISSING
            reads = [(field, reader(field)) for _, field in places]
            nested = _Nested(reads, given[nested_field], parts.fields[str(nested_field)], unless)
            self._nested.append((str(nested_field), _picker([position for position, _ in places]), nested))
        self._rest = {
            name: value
            for name, value in defaults.items()
            if value is not dataclasses.MISSING and name not in self._names and name not in at
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
        if all(cell.__class__ is str for cell in cells):
            return self.make_of_text(cells)
        content = self._rest.copy()
        content.update(
            (name, column.worth(cell))
            for name, column, cell in zip(self._names, self._columns, self._plain(cells), strict=True)
        )
        for owner, pick, nested in self._nested:
            content[owner] = nested.worth(pick(cells))
        return self._together(content)

    def make_of_text(self, cells: Sequence[str]) -> Any:
        """Make a record as `make` does, of cells that are all text."""
        content = dict(zip(self._names, map(getitem, self._columns, self._plain(cells)), strict=True))
        if self._rest:
            content.update(self._rest)
        for owner, pick, nested in self._nested:
            content[owner] = nested[pick(cells)]
        return self._together(content)


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda cells: tuple(cells[position] for position in positions)
