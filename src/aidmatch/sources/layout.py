"""How the cells of a row make up a record, by the caller's maps of columns, values and constants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from aidmatch.errors import InputError, SourceError
from aidmatch.sources.aliases import folded, headers_of
from aidmatch.sources.assembly import EMPTY, Assembly, NotQuicklyError, Parts
from aidmatch.sources.columns import columns_of, optional_parts
from aidmatch.sources.faults import flaw_of
from aidmatch.sources.spelling import SCALED, SpellingError, Units, id_as_it_is, spellings_of

__all__ = ["Flaw", "Layout", "Made"]

#: Rows of more different shapes than this go the long way.
_MOST_SHAPES = 256


class Flaw(NamedTuple):
    """What is wrong with a row, before its place is known.

    Parameters
    ----------
    column
        The source's header; None where the whole row is at fault.
    code, message
        As of a `Fault`.
    """

    column: str | None
    code: str
    message: str


class Made(NamedTuple):
    """What rows make.

    Parameters
    ----------
    records
        One for each row; None where there can be none.
    remarks
        By position, for rows of which there is something to say: everything that is wrong, and what is worth knowing.
    """

    records: list[Any]
    remarks: dict[int, tuple[Sequence[Flaw], Sequence[Flaw]]]


@cache
def _adapter_of(record: type) -> TypeAdapter[Any]:
    return TypeAdapter(record)


@cache
def _parts_of(record: type) -> Parts | None:
    try:
        return Parts(_adapter_of(record).core_schema)
    except NotQuicklyError:
        return None


class _Shape(NamedTuple):
    """What the headers of a row mean."""

    headers: dict[str, Any]  # by field
    flaws: list[Flaw]
    assembly: Assembly | None


class Layout:
    """The columns of one source, laid out as one kind of record.

    Parameters
    ----------
    record
        A dataclass.
    columns
        By field: the source's header, where the two differ.
    values
        By field: what this library calls a value, by what the source calls it. The source's are compared as text,
        without the space around them; a value that is not listed stays as it is.
    constants
        By field: the value in every row, where the source has no such column.
    ignore
        Headers of columns that are not wanted.
    aliases
        By field: further headers under which it is recognised.
    units
        By their unit: ours, and how many of ours one of theirs is.

    Raises
    ------
    InputError
        ``NOT_A_RECORD``; ``UNKNOWN_FIELD``; ``DUPLICATE_COLUMN`` if two fields are read from one header;
        ``CONSTANT_AND_COLUMN`` if a field with a constant is in another map, too; ``BAD_UNITS``.
    """

    def __init__(
        self,
        record: type,
        columns: Mapping[str, str],
        values: Mapping[str, Mapping[Any, Any]],
        constants: Mapping[str, Any],
        ignore: Iterable[str],
        aliases: Mapping[str, Iterable[str]],
        units: Mapping[str, Any],
    ) -> None:
        if not (isinstance(record, type) and is_dataclass(record)):
            raise InputError("a record is a dataclass, such as Need", code="NOT_A_RECORD")
        self._kind = record
        self._record = record.__name__
        self._mapped = frozenset(columns)
        self._constants = frozenset(constants)
        self._by_field = {column.field: column for column in columns_of(record)}
        options = (("columns", columns), ("values", values), ("constants", constants), ("aliases", aliases))
        for option, by_field in options:
            self._check_fields(option, by_field)
        both = constants.keys() & (columns.keys() | values.keys() | aliases.keys())
        if both:
            raise InputError(f"{min(both)!r} has a constant, so it has no column", code="CONSTANT_AND_COLUMN")
        self._headers = {field: columns.get(field, field) for field in self._by_field if field not in constants}
        self._explicit: dict[Any, str] = {header: field for field, header in self._headers.items()}
        self._ignored = frozenset(ignore)
        for header in sorted(self._ignored & self._explicit.keys()):
            raise InputError(f"ignore= names {header!r}, which is a column of {self._record}", code="UNKNOWN_FIELD")
        if len(self._explicit) < len(self._headers):
            raise InputError("two fields would be read from one header", code="DUPLICATE_COLUMN")
        self._recognised = self._recognise(str(getattr(record, "table", self._record)), aliases)
        self._strangers: dict[Any, Flaw] = {}  # a suggestion takes longer than a row, and may be due for every row
        self._shapes: dict[tuple[Any, ...], _Shape] = {}
        self._translations = {
            field: {_text(theirs): ours for theirs, ours in translation.items()}
            for field, translation in values.items()
        }
        self._spellings = spellings_of(record)
        self._ids = {field for field, one in self._spellings.items() if one is id_as_it_is} - self._translations.keys()
        self._readers = {field: self._reader(field) for field in self._by_field}
        self._units = Units(units)
        if units and not self._by_field.keys() >= {"unit", "quantity"}:
            raise InputError(f"units= is given, but {self._record} has no unit and quantity", code="UNKNOWN_FIELD")
        self._given: dict[str | None, dict[str, Any]] = {None: {}}
        self._filled: dict[str, Any] = {}
        for field, column in self._by_field.items():
            part = self._given.setdefault(column.owner, {})
            if not _is_empty(constants.get(field)):
                part[field] = self._filled[field] = self._constant(field, constants[field])
        optional = optional_parts(record)
        self._owners = [(owner, owner in optional) for owner in self._given if owner is not None]
        self._validate = _adapter_of(record).validator.validate_python

    def check(self, source: str, always: Iterable[str], ever: Iterable[str]) -> None:
        """Refuse a source whose columns are not the record's.

        Parameters
        ----------
        source
            Its name, for the message.
        always, ever
            Headers that every row has, and that some row has.

        Raises
        ------
        SourceError
            ``CONSTANT_AND_COLUMN``, ``UNKNOWN_COLUMN`` or ``MISSING_COLUMN``, naming every such column.
        """
        always, present = list(always), frozenset(ever)
        unmapped = [self._headers[field] for field in sorted(self._mapped) if self._headers[field] not in present]
        if unmapped:
            near = get_close_matches(unmapped[0], map(str, present), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(map(str, present)))}"
            raise SourceError(
                f"{source} has no column {', '.join(map(repr, unmapped))}, which columns= names ({hint})",
                code="MISSING_COLUMN",
            )
        if len(present) == 1 and (separator := next((c for c in ";\t|" if c in str(next(iter(present)))), None)):
            raise SourceError(
                f"{source} has one column only; its cells seem to stand between {separator!r}, not commas: say "
                f"CsvFile(path, delimiter={separator!r})",
                code="MISSING_COLUMN",
            )
        shape = self._shape(tuple(always))
        strange = shape.flaws
        for code in ("CONSTANT_AND_COLUMN", "DUPLICATE_COLUMN", "UNKNOWN_COLUMN"):
            named = [f"{flaw.column!r} {flaw.message}" for flaw in strange if flaw.code == code]
            if named:
                known = ", ".join(self._headers.values())
                hint = "" if code == "CONSTANT_AND_COLUMN" else ". Columns not wanted go into ignore=[…]"
                raise SourceError(f"{source}: {'; '.join(named)}. Known columns: {known}{hint}", code=code)
        found = {self._field_of(header) for header in present}
        absent = [field for field in self._headers if field not in found and self._by_field[field].required]
        if absent:
            named = [repr(self._headers[field]) for field in absent]
            hint = "columns={field: header} reads a field from a column of another name"
            if "approval" in absent:
                hint = "approval is never assumed; if every row is approved, say constants={'approval': 'approved'}"
            raise SourceError(f"{source} has no column {', '.join(named)} ({hint})", code="MISSING_COLUMN")

    def maker(self, headers: Sequence[Any], *, text: bool = False) -> Callable[[Sequence[Sequence[Any]]], Made]:
        """Give what makes records of the cells of rows that have the same headers.

        Parameters
        ----------
        headers
            One for each cell of every row.
        text
            Whether all cells are text.

        Returns
        -------
        Takes the cells of rows, one row at least. It raises `InputError` (``BAD_CONSTANT``) if a constant is wrong,
        which is no row's fault.
        """
        shape = self._shape(tuple(headers))
        assembly = shape.assembly

        def make(rows: Sequence[Sequence[Any]]) -> Made:
            if assembly is not None:
                try:
                    return Made(assembly.make_all(rows, text=text), {})
                except Exception:  # noqa: BLE001, S110  # one by one, they say which
                    pass
                if len(rows) > 1:
                    one_by_one = [make((cells,)) for cells in rows]
                    remarks = {at: one.remarks[0] for at, one in enumerate(one_by_one) if one.remarks}
                    return Made([one.records[0] for one in one_by_one], remarks)
            made = [self._make(shape, dict(zip(headers, cells, strict=True))) for cells in rows]
            remarks = {at: (flaws, flags) for at, (_, flaws, flags) in enumerate(made) if flaws or flags}
            return Made([one for one, _, _ in made], remarks)

        return make

    def _make(self, shape: _Shape, cells: Mapping[str, Any]) -> tuple[Any, list[Flaw], list[Flaw]]:
        flaws = shape.flaws.copy()
        flags: list[Flaw] = []
        fields: dict[str, Any] = {}
        spoilt: set[str] = set()
        for field, header in shape.headers.items():
            try:
                cell = self._readers[field](cells[header])
            except SpellingError as error:
                flaws.append(Flaw(str(header), error.code, error.message))
                spoilt.add(field)
            except (TypeError, ValueError, ArithmeticError) as error:  # objects that only look like a number
                flaws.append(Flaw(str(header), "NOT_VALID", f"has a cell that raises {type(error).__name__}"))
                spoilt.add(field)
            else:
                if not (isinstance(cell, str) and cell == EMPTY):
                    fields[field] = cell
        if self._units:
            fields = {**self._filled, **fields}
            header = None if "unit" not in shape.headers else str(shape.headers["unit"])
            try:
                converted = self._units.convert(fields)
            except SpellingError as error:
                flaws.append(Flaw(header, error.code, error.message))
                spoilt.update(SCALED)
            else:
                if converted:
                    flags.append(Flaw(header, "UNIT_CONVERTED", f"was {converted[0]} and is read as {converted[1]}"))
        parts = {owner: given.copy() for owner, given in self._given.items()}
        for field, cell in fields.items():
            parts[self._by_field[field].owner][field] = cell
        content = parts[None]
        for owner, optional in self._owners:
            part = parts[owner]
            if part or not optional:
                content[str(owner)] = part
        try:
            return self._validate(content), flaws, flags
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                if not self._follows(one["loc"], spoilt):
                    flaws.append(self._flaw(shape, one["loc"], one["type"], one["msg"], one.get("ctx", {})))
        except (TypeError, ValueError, ArithmeticError) as error:  # objects that only look like a date or a number
            flaws.append(Flaw(None, "NOT_VALID", f"has a cell that raises {type(error).__name__}"))
        return None, flaws, flags

    def header_of(self, field: str) -> str | None:
        """Give the header a field is read from.

        Parameters
        ----------
        field
            One of the record's flat fields.

        Returns
        -------
        The header; None if the field has a constant.
        """
        return self._headers.get(field)

    def _reader(self, field: str) -> Callable[[Any], Any]:
        """Give what gives a field's cells in the words of the record, or `EMPTY`."""
        translation = self._translations.get(field)
        spelling = self._spellings.get(field, _as_it_is)

        def read(cell: Any) -> Any:
            if isinstance(cell, str):
                if not cell or cell.isspace():
                    return EMPTY
            elif cell is None:
                return EMPTY
            return spelling(cell)

        if translation is None:
            return read

        def translate(cell: Any) -> Any:
            text = _text(cell)
            parts = [part.strip() for part in re.split("[;；、]", text)]
            if text not in translation and len(parts) > 1 and all(part in translation for part in parts):
                return read([translation[part] for part in parts])
            return read(translation.get(text, cell))

        return translate

    def _constant(self, field: str, value: Any) -> Any:
        spelling = self._spellings.get(field)
        try:
            return value if spelling is None else spelling(value)
        except SpellingError as error:
            raise InputError(f"the constant of {field!r} {error.message}", code="BAD_CONSTANT") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            words = f"the constant of {field!r} raises {type(error).__name__}"
            raise InputError(words, code="BAD_CONSTANT") from None

    def _recognise(self, table: str, aliases: Mapping[str, Iterable[str]]) -> dict[str, str]:
        recognised = headers_of(table, self._by_field)
        given: dict[str, str] = {}
        for field, headers in aliases.items():
            if isinstance(headers, str):
                raise InputError(f"aliases= should give {field!r} a list of headers", code="BAD_ALIASES")
            for header in headers:
                if given.setdefault(folded(header), field) != field:
                    raise InputError(f"aliases= reads {header!r} as two fields", code="DUPLICATE_COLUMN")
        return recognised | given

    def _field_of(self, header: Any) -> str | None:
        """The field a header is read as; None if it is not wanted, or none of the record's."""
        if header in self._ignored:
            return None
        field = self._explicit.get(header)
        if field is None:
            field = self._recognised.get(folded(header))
            if field in self._mapped or field in self._constants:
                return None
        return field

    def _shape(self, keys: tuple[Any, ...]) -> _Shape:
        shape = self._shapes.get(keys)
        if shape is None:
            shape = self._new_shape(keys)
            if len(self._shapes) < _MOST_SHAPES:
                self._shapes[keys] = shape
        return shape

    def _new_shape(self, keys: tuple[Any, ...]) -> _Shape:
        fields = [self._field_of(header) for header in keys]
        headers: dict[str, Any] = {}
        flaws: list[Flaw] = []
        for field, header in zip(fields, keys, strict=True):
            if field is None:
                if header not in self._ignored:
                    flaws.append(self._strange(header))
            elif field in headers:
                words = f"is read as {field}, and so is {headers[field]!r}; columns= says which counts"
                flaws.append(Flaw(str(header), "DUPLICATE_COLUMN", words))
            else:
                headers[field] = header
        self._headers.update(headers)
        parts = _parts_of(self._kind)
        assembly = None
        if parts is not None and not flaws and not self._units:
            with suppress(Exception):  # the long way names what is wrong with a constant
                assembly = Assembly(self._kind, parts, fields, self._readers.__getitem__, self._ids, self._filled)
        return _Shape(headers, flaws, assembly)

    def _follows(self, place: tuple[int | str, ...], spoilt: set[str]) -> bool:
        """Whether an error only says that a field is missing which was left out because it is spoilt."""
        if not spoilt:
            return False
        field = next((str(part) for part in place[:2] if part in self._by_field), None)
        owners = {self._by_field[one].owner for one in spoilt}
        return not place or field in spoilt or (field is None and place[0] in owners)

    def _flaw(
        self, shape: _Shape, place: tuple[int | str, ...], kind: str, message: str, facts: Mapping[str, Any]
    ) -> Flaw:
        field = next((str(part) for part in place[:2] if part in self._by_field), None)
        code, words = flaw_of(kind, message, facts, field)
        if field in self._constants:
            raise InputError(f"the constant of {field!r} {words}", code="BAD_CONSTANT")
        header = None if field is None else shape.headers.get(field, self._headers[field])
        return Flaw(None if header is None else str(header), code, words)

    def _strange(self, header: Any) -> Flaw:
        """Say why a header is none of the record's."""
        flaw = self._strangers.get(header)
        if flaw is None:
            field = header if header in self._by_field else self._recognised.get(folded(header))
            if field in self._constants:
                flaw = Flaw(str(header), "CONSTANT_AND_COLUMN", "has a constant, too")
            elif field in self._mapped:
                read_from = self._headers[str(field)]
                flaw = Flaw(str(header), "UNKNOWN_COLUMN", f"is not read, for columns= names {read_from!r} instead")
            else:
                hint = self._hint(header, self._headers.values())
                flaw = Flaw(str(header), "UNKNOWN_COLUMN", f"is no column of {self._record}{hint}")
            self._strangers[header] = flaw
        return flaw

    def _hint(self, name: Any, known: Iterable[str]) -> str:
        spelled = [
            field for field, column in self._by_field.items() if column.owner is not None and column.owner == name
        ]
        if spelled:
            return f" (it is spelled by {', '.join(spelled)})"
        near = get_close_matches(str(name).casefold(), known, n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""

    def _check_fields(self, option: str, by_field: Mapping[str, Any]) -> None:
        for name in by_field:
            if name not in self._by_field:
                hint = self._hint(name, self._by_field)
                raise InputError(
                    f"{option}= names {name!r}, which is no column of {self._record}{hint}", code="UNKNOWN_FIELD"
                )


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _as_it_is(cell: Any) -> Any:
    return cell
