"""The coordinate system that a source's points are in: declared once, held against what the rows say, converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from aidmatch.coordinates import SYSTEMS, system_named, to_wgs84
from aidmatch.errors import InputError
from aidmatch.report import Fault
from aidmatch.sources.columns import columns_of

__all__ = ["ABSENT", "Converted", "Locating"]

#: Stands for the cell of a row that has no such column.
ABSENT: Final = object()

#: What a column that names the system of each row is called, in maps and, unless mapped, in the source.
_FIELD: Final = "coordinates"


class Converted(NamedTuple):
    """Records whose points are WGS-84.

    Parameters
    ----------
    records, lines
        Those that could be converted, and where each stands.
    refused
        A fault for each that could not.
    points
        How many points were moved.
    """

    records: list[Any]
    lines: list[int]
    refused: list[Fault]
    points: int


class Locating:
    """What one source says of the system of its points.

    Parameters
    ----------
    record
        The class of its records.
    coordinates
        The declared system; None if there is no declaration, which is read as WGS-84.
    columns, values
        The caller's maps. They may name a column of the source that says the system of each row, as ``coordinates``.

    Raises
    ------
    InputError
        ``UNKNOWN_COORDINATES``; ``NO_COORDINATES`` if a system is declared for records that have no points.
    """

    def __init__(
        self,
        record: type,
        coordinates: str | None,
        columns: Mapping[str, str],
        values: Mapping[str, Mapping[Any, Any]],
    ) -> None:
        self.system = None if coordinates is None else system_named(coordinates)
        is_record = isinstance(record, type) and is_dataclass(record)  # what is none is refused with the layout
        flat = {column.field: column.owner for column in columns_of(record)} if is_record else {}
        self._located = "lat" in flat and "lon" in flat and flat["lat"] == flat["lon"]
        self._owner = flat.get("lat")
        if self.system is not None and is_record and not self._located:
            raise InputError(f"a {record.__name__} has no lat and lon to be in {self.system}", code="NO_COORDINATES")
        own = self._located and _FIELD not in flat
        self._mapped = own and _FIELD in columns
        #: the header of the column that says each row's system, and the headers that are read here: it, or none
        self.header = columns.get(_FIELD, _FIELD)
        self.headers = (self.header,) if own else ()
        self._names = {str(theirs).strip(): ours for theirs, ours in values.get(_FIELD, {}).items()} if own else {}
        #: the maps without the column of this module
        self.columns = {field: header for field, header in columns.items() if not (own and field == _FIELD)}
        self.values = {field: names for field, names in values.items() if not (own and field == _FIELD)}

    def contradiction(self, said: Any, source: str, line: int) -> Fault | None:
        """Say what a row says against the declaration.

        Parameters
        ----------
        said
            The row's cell under `header`, or `ABSENT`.
        source, line
            Where the row stands.

        Returns
        -------
        ``MIXED_COORDINATES`` if it names another system, ``UNKNOWN_COORDINATES`` if it names none that there is,
        ``MISSING`` if it lacks a column that the caller's map names.
        """
        if not self.headers:
            return None
        if said is ABSENT:
            words = "should say which system the point is in"
            return Fault(source, line, self.header, "MISSING", words) if self._mapped else None
        text = "" if said is None else str(said).strip()
        system = self.system or SYSTEMS[0]
        try:
            if not text or system_named(self._names.get(text, text)) == system:
                return None
        except InputError:
            words = f"is none of {', '.join(SYSTEMS)}"
            return Fault(source, line, self.header, "UNKNOWN_COORDINATES", words)
        declared = f"is read as {system}" if self.system else f"declares none, which is {system}"
        words = (
            f"names another system, but the source {declared}; read rows of each system with coordinates= of its own"
        )
        return Fault(source, line, self.header, "MIXED_COORDINATES", words)

    def converted(
        self, records: list[Any], lines: list[int], source: str, header_of: Callable[[str], str | None]
    ) -> Converted:
        """Convert the points of records to WGS-84.

        Parameters
        ----------
        records, lines
            Records, and where each stands.
        source
            Name of the source.
        header_of
            The source's header by field.

        Returns
        -------
        The records with points in WGS-84, and those without as they are. A point outside of where its system is
        defined is refused: ``OUTSIDE_COORDINATES``.
        """
        if self.system in (None, SYSTEMS[0]):
            return Converted(records, lines, [], 0)
        parts: Sequence[Any] = records if self._owner is None else [getattr(one, self._owner) for one in records]
        rows = [row for row, part in enumerate(parts) if part is not None and part.lat is not None]
        lat, lon = (np.array([getattr(parts[row], axis) for row in rows], dtype=np.float64) for axis in ("lat", "lon"))
        moved = to_wgs84(lat, lon, self.system or "")
        kept = list(records)
        outside: dict[int, Fault] = {}
        words = f"is outside of where {self.system} is defined (are lat and lon swapped?)"
        for row, north, east in zip(rows, moved[0].tolist(), moved[1].tolist(), strict=True):
            if north != north:
                outside[row] = Fault(source, lines[row], header_of("lat"), "OUTSIDE_COORDINATES", words)
            else:
                part = replace(parts[row], lat=north, lon=east)
                kept[row] = part if self._owner is None else replace(records[row], **{self._owner: part})
        if not outside:
            return Converted(kept, lines, [], len(rows))
        inside = [row for row in range(len(kept)) if row not in outside]
        return Converted(
            [kept[row] for row in inside],
            [lines[row] for row in inside],
            list(outside.values()),
            len(rows) - len(outside),
        )
