"""How the cells of a row make up a record, by the caller's maps of columns, values and constants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from aidmatch.errors import InputError, SourceError
from aidmatch.sources.columns import columns_of, optional_parts
from aidmatch.sources.faults import flaw_of

__all__ = ["Flaw", "Layout"]


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


@cache
def _adapter_of(record: type) -> TypeAdapter[Any]:
    return TypeAdapter(record)


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

    Raises
    ------
    InputError
        ``NOT_A_RECORD``; ``UNKNOWN_FIELD``; ``DUPLICATE_COLUMN`` if two fields are read from one header;
        ``CONSTANT_AND_COLUMN`` if a field with a constant is in another map, too.
    """

    def __init__(
        self,
        record: type,
        columns: Mapping[str, str],
        values: Mapping[str, Mapping[Any, Any]],
        constants: Mapping[str, Any],
        ignore: Iterable[str],
    ) -> None:
        if not (isinstance(record, type) and is_dataclass(record)):
            raise InputError("a record is a dataclass, such as Need", code="NOT_A_RECORD")
        self._record = record.__name__
        self._mapped = frozenset(columns)
        self._constants = frozenset(constants)
        self._by_field = {column.field: column for column in columns_of(record)}
        for option, by_field in (("columns", columns), ("values", values), ("constants", constants)):
            self._check_fields(option, by_field)
        both = constants.keys() & (columns.keys() | values.keys())
        if both:
            raise InputError(f"{min(both)!r} has a constant, so it has no column", code="CONSTANT_AND_COLUMN")
        self._headers = {field: columns.get(field, field) for field in self._by_field if field not in constants}
        self._slots: dict[Any, tuple[str | None, str]] = {
            header: (self._by_field[field].owner, field) for field, header in self._headers.items()
        }
        self._ignored = frozenset(ignore)
        for header in sorted(self._ignored & self._slots.keys()):
            raise InputError(f"ignore= names {header!r}, which is a column of {self._record}", code="UNKNOWN_FIELD")
        self._strangers: dict[Any, Flaw] = {}  # a suggestion takes longer than a row, and may be due for every row
        if len(self._slots) < len(self._headers):
            raise InputError("two fields would be read from one header", code="DUPLICATE_COLUMN")
        self._translations = {
            self._headers[field]: {_text(theirs): ours for theirs, ours in translation.items()}
            for field, translation in values.items()
        }
        self._given: dict[str | None, dict[str, Any]] = {None: {}}
        for field, column in self._by_field.items():
            part = self._given.setdefault(column.owner, {})
            if not _is_empty(constants.get(field)):
                part[field] = constants[field]
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
        present = frozenset(ever)
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
                f"{source} has one column only; its cells seem to stand between {separator!r}, not commas",
                code="MISSING_COLUMN",
            )
        strange = [self._strange(h) for h in always if h not in self._slots and h not in self._ignored]
        for code in ("CONSTANT_AND_COLUMN", "UNKNOWN_COLUMN"):
            named = [f"{flaw.column!r} {flaw.message}" for flaw in strange if flaw.code == code]
            if named:
                known = ", ".join(self._headers.values())
                hint = "" if code == "CONSTANT_AND_COLUMN" else ". Columns not wanted go into ignore=[…]"
                raise SourceError(f"{source}: {'; '.join(named)}. Known columns: {known}{hint}", code=code)
        absent = [
            field for field, header in self._headers.items() if header not in present and self._by_field[field].required
        ]
        if absent:
            named = [repr(self._headers[field]) for field in absent]
            hint = "columns={field: header} reads a field from a column of another name"
            if "approval" in absent:
                hint = "approval is never assumed; if every row is approved, say constants={'approval': 'approved'}"
            raise SourceError(f"{source} has no column {', '.join(named)} ({hint})", code="MISSING_COLUMN")

    def make(self, cells: Mapping[str, Any]) -> tuple[Any, list[Flaw]]:
        """Make a record of the cells of one row.

        Parameters
        ----------
        cells
            By header.

        Returns
        -------
        The record (None if there can be none), and everything that is wrong with the row.

        Raises
        ------
        InputError
            ``BAD_CONSTANT`` if a constant is wrong, which is no row's fault.
        """
        if self._translations:
            cells = {header: self._translated(header, cell) for header, cell in cells.items()}
        parts = {owner: given.copy() for owner, given in self._given.items()}
        flaws: list[Flaw] = []
        slots = self._slots
        for header, cell in cells.items():
            slot = slots.get(header)
            if slot is None:
                if header not in self._ignored:
                    flaws.append(self._strange(header))
            elif (cell and not cell.isspace()) if isinstance(cell, str) else cell is not None:
                owner, field = slot
                parts[owner][field] = cell
        content = parts[None]
        for owner, optional in self._owners:
            part = parts[owner]
            if part or not optional:
                content[owner] = part
        try:
            return self._validate(content), flaws
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            flaws += [self._flaw(one["loc"], one["type"], one["msg"], one.get("ctx", {})) for one in found]
        except (TypeError, ValueError, ArithmeticError) as error:  # objects that only look like a date or a number
            flaws.append(Flaw(None, "NOT_VALID", f"has a cell that raises {type(error).__name__}"))
        return None, flaws

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

    def _translated(self, header: str, cell: Any) -> Any:
        translation = self._translations.get(header)
        if translation is None:
            return cell
        text = _text(cell)
        parts = [part.strip() for part in re.split("[;；、]", text)]
        if text not in translation and len(parts) > 1 and all(part in translation for part in parts):
            return [translation[part] for part in parts]
        return translation.get(text, cell)

    def _flaw(self, place: tuple[int | str, ...], kind: str, message: str, facts: Mapping[str, Any]) -> Flaw:
        field = next((str(part) for part in place[:2] if part in self._by_field), None)
        code, words = flaw_of(kind, message, facts, field)
        if field in self._constants:
            raise InputError(f"the constant of {field!r} {words}", code="BAD_CONSTANT")
        return Flaw(None if field is None else self._headers[field], code, words)

    def _strange(self, header: Any) -> Flaw:
        """Say why a header is none of the record's."""
        flaw = self._strangers.get(header)
        if flaw is None:
            if header in self._constants:
                flaw = Flaw(str(header), "CONSTANT_AND_COLUMN", "has a constant, too")
            elif header in self._mapped:
                read_from = self._headers[header]
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
