"""Records made quickly: every distinct cell is validated once, and a row is put together from what is known.

Cells repeat from row to row: items, days, categories, places. So each column remembers what its texts are worth, each
nested record is made once for equal cells and shared, and the record is put together from values that pydantic's own
validators of the fields gave, and has to pass the record's own rules. Some rows at a time are turned into columns, for
a column is looked up faster than cells are one by one. What cannot be made in this way is left to the
validator of the whole record, which also finds the words for what is wrong.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from inspect import ismemberdescriptor
from itertools import repeat
from typing import Any, Final

from pydantic_core import CoreSchema, SchemaValidator

from aidmatch.fields import are_plain_ids
from aidmatch.sources.columns import columns_of, optional_parts

__all__ = ["EMPTY", "Assembly", "Parts"]

#: What an empty cell is, once it has been looked at.
EMPTY: Final = ""
#: How many texts a column and a nested record remember.
MOST_CELLS: Final = 8_192
#: Settings of a record that are nothing but those of its fields, or say only what is written of an error.
_SETTINGS: Final = frozenset(
    {
        "title",
        "allow_inf_nan",
        "coerce_numbers_to_str",
        "extra_fields_behavior",
        "hide_input_in_errors",
        "str_max_length",
        "str_min_length",
        "str_strip_whitespace",
        "str_to_lower",
        "str_to_upper",
    }
)

#: Gives a cell as the record should be asked for it, or `EMPTY`.
Reader = Callable[[Any], Any]


class NotQuicklyError(Exception):
    """A row that has to go the long way."""


class Parts:
    """A record's validator taken apart: one for each of its fields, and the rules of the record as a whole.

    Parameters
    ----------
    schema
        The record's, as pydantic has it.

    Attributes
    ----------
    record
        Its class.
    fields
        Takes a cell and gives the field's value, or raises what pydantic raises.
    defaults
        What each field is where nothing is said; ``dataclasses.MISSING`` where something must be.
    nested
        The parts of fields that are records themselves, as far as they can be taken apart.

    Raises
    ------
    NotQuicklyError
        If the record is of a kind that cannot be taken apart: rules that see cells before they are valid, or that
        look from one field at another; fields with other names or with defaults that are made anew; settings of the
        record as a whole that are not known here; or it is made in a way of its own.
    """

    def __init__(self, schema: CoreSchema) -> None:
        self.fields: dict[str, Callable[[Any], Any]] = {}
        self.defaults: dict[str, Any] = {}
        self.nested: dict[str, Parts] = {}
        self._setters: dict[str, Callable[[Any, Any], None]] = {}
        self._rules: list[Callable[[Any], Any]] = []
        self.record: type = object
        self._take_apart(schema)

    def together(self, columns: Iterable[tuple[str, Iterable[Any]]], count: int) -> list[Any]:
        """Put records together from valid fields, as pydantic does it: fields are set, then the rules are asked.

        Parameters
        ----------
        columns
            Every field's name and its values, one for each record.
        count
            How many records.

        Raises
        ------
        Exception
            What a validator or a rule raises.
        """
        records: list[Any] = [*map(object.__new__, repeat(self.record, count))]
        for name, values in columns:
            deque(map(self._setters[name], records, values), maxlen=0)
        for rule in self._rules:
            records = [*map(rule, records)]
        return records

    def _take_apart(self, schema: Any) -> None:
        after = []
        while schema["type"] == "function-after" and schema["function"]["type"] == "no-info":
            after.append(schema["function"]["function"])
            schema = schema["schema"]
        inner = schema.get("schema", {})
        if schema["type"] != "dataclass" or schema.get("post_init") or inner.get("type") != "dataclass-args":
            raise NotQuicklyError
        if not (schema.get("config") or {}).keys() <= _SETTINGS or schema.get("strict"):
            raise NotQuicklyError
        self.record = schema["cls"]
        self._rules = after[::-1]
        own_way = any("__new__" in vars(kind) for kind in self.record.__mro__[:-1])
        if own_way or any(_looks_around(field["schema"]) for field in inner["fields"]):
            raise NotQuicklyError
        for field in inner["fields"]:
            if field.get("init_only") or not field.get("init", True) or "validation_alias" in field:
                raise NotQuicklyError
            self.defaults[field["name"]] = _default_of(field["schema"])
            self._setters[field["name"]] = _setter(self.record, field["name"])
            self.fields[field["name"]] = SchemaValidator(field["schema"], schema.get("config")).validate_python
            with suppress(NotQuicklyError):
                self.nested[field["name"]] = Parts(_of_value(field["schema"]))


def _default_of(schema: Any) -> Any:
    """A field's default, which every record may share."""
    if schema["type"] != "default":
        return dataclasses.MISSING
    if "default" not in schema or schema.get("validate_default") or schema.get("copy_default"):
        raise NotQuicklyError
    return schema["default"]


def _setter(record: type, name: str) -> Callable[[Any, Any], None]:
    """Give what sets a field, frozen or not: its slot, which is quickest, or what the dataclasses module uses."""
    slot = getattr(record, name, None)
    if ismemberdescriptor(slot):
        setter: Callable[[Any, Any], None] = slot.__set__
        return setter
    return lambda one, value: object.__setattr__(one, name, value)


def _of_value(schema: Any) -> Any:
    """A field's schema without its default, and without what lets None pass."""
    while schema["type"] in ("default", "nullable"):
        schema = schema["schema"]
    return schema


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

    def all(self, cells: Sequence[str]) -> Iterable[Any]:
        """The values of a column of texts."""
        return map(self.__getitem__, cells)

    def worth(self, cell: Any) -> Any:
        """The value of any cell."""
        cell = self._read(cell)
        if cell.__class__ is str and not cell:
            if self._unless is dataclasses.MISSING:
                raise NotQuicklyError
            return self._unless
        return self._validate(cell)


class _Ids(_Cells):
    """What the texts of a column of ids are worth: seldom the same twice, so that none is remembered."""

    __slots__ = ()

    def __missing__(self, cell: str) -> Any:
        # an empty id is none to the validator; one with a plus may be in scientific notation
        return self.worth(cell) if "+" in cell else self._validate(cell)

    def all(self, cells: Sequence[str]) -> Iterable[Any]:
        return cells if are_plain_ids(cells) else map(self.__getitem__, cells)


class _Nested(dict[tuple[str, ...], Any]):
    """Nested records by the texts that spell them."""

    __slots__ = ("_given", "_quick", "_reads", "_unless", "_validate")

    def __init__(
        self,
        reads: Sequence[tuple[str, Reader]],
        given: Mapping[str, Any],
        validate: Callable[[Any], Any],
        unless: Any,
        quick: Assembly | None,
    ) -> None:
        self._reads = reads
        self._given = given
        self._validate = validate
        self._unless = unless
        self._quick = quick

    def all(self, columns: Sequence[Sequence[str]], count: int) -> Iterable[Any]:
        """The records that rows of texts spell."""
        rows = list(zip(*columns, strict=True)) if columns else [()] * count
        if self._quick is None or len(self) < MOST_CELLS:
            return map(self.__getitem__, rows)
        # there are too many to remember, as where every household has a place of its own; its rows may be neighbours
        some = list(dict.fromkeys(rows))
        return map(dict(zip(some, self._quick.make_all(some, text=True), strict=True)).__getitem__, rows)

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
        If a field has neither a column nor a constant nor a default.
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
        defaults = parts.defaults
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
        self._parts = parts
        self._columns: list[tuple[int, _Cells]] = []
        for position, field in plain:
            is_id = field in ids and defaults[field] is dataclasses.MISSING
            kind = _Ids if is_id else _Cells
            self._columns.append((position, kind(reader(field), parts.fields[field], defaults[field])))
        self._nested: list[tuple[list[int], _Nested]] = []
        for nested_field, places in at.items():
            name, quick = str(nested_field), None
            unless = defaults[name] if name in optional else dataclasses.MISSING
            if unless is dataclasses.MISSING and places and name in parts.nested:
                some, own = [field for _, field in places], parts.nested[name]
                with suppress(Exception):  # in the end, one by one says what is wrong
                    quick = Assembly(own.record, own, some, reader, (), given[name])
            reads = [(field, reader(field)) for _, field in places]
            nested = _Nested(reads, given[name], parts.fields[name], unless, quick)
            self._nested.append(([position for position, _ in places], nested))
        self._names = (*(field for _, field in plain), *map(str, at))
        rest = {
            name: value
            for name, value in defaults.items()
            if value is not dataclasses.MISSING and name not in self._names
        }
        rest |= {field: parts.fields[field](value) for field, value in given.get(None, {}).items()}
        self._rest = [(name, repeat(value)) for name, value in rest.items()]
        if {*self._names, *rest} != parts.fields.keys():
            raise NotQuicklyError

    def make_all(self, rows: Sequence[Sequence[Any]], *, text: bool) -> list[Any]:
        """Make records.

        Parameters
        ----------
        rows
            The cells of each, one for each of `fields`; one row at least.
        text
            Whether it is known that all cells are text.

        Returns
        -------
        A record for each.

        Raises
        ------
        Exception
            If one of them cannot be made in this way; what is raised says nothing about which.
        """
        cells = tuple(zip(*rows, strict=True))
        known = [text or all(cell.__class__ is str for cell in column) for column in cells]
        values = [
            column.all(cells[position]) if known[position] else map(column.worth, cells[position])
            for position, column in self._columns
        ]
        for positions, nested in self._nested:
            spelt = [cells[position] for position in positions]
            if all(known[position] for position in positions):
                values.append(nested.all(spelt, len(rows)))
            else:
                values.append(map(nested.worth, zip(*spelt, strict=True)))
        return self._together(values, len(rows))

    def _together(self, values: Sequence[Iterable[Any]], count: int) -> list[Any]:
        return self._parts.together([*zip(self._names, values, strict=True), *self._rest], count)
