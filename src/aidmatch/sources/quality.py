"""What is odd about a record beside the others of its source: flagged, and kept.

Every test is robust (medians, and ranks in a neighbourhood), so that the odd
rows do not hide each other, and takes time in proportion to the rows.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints, numbered
from aidmatch.fields import MAX_COUNT
from aidmatch.report import Fault
from aidmatch.sources.columns import columns_of

__all__ = ["oddities_in"]

#: Records from which on the others say something about one.
_ENOUGH: Final = 10
#: Points: how many times the median distance from the middle, and how many metres at least, are far.
_FAR, _FAR_METRES = 10, 100_000
#: Codes: side of a cell in degrees, records in the nine cells around a record that say something, share that is odd.
_CELL, _IN_CELLS, _ODD_SHARE = 0.1, 50, 0.02
#: Digits of a code that name the county.
_COUNTY: Final = 6
#: Quantities: robust standard deviations of the logarithm and times the median that are too much, and what always is.
_DEVIATIONS, _TIMES, _ALWAYS = 6.0, 100, 10**9
#: Units: an item has one unit, but for a share of rows up to which the others are odd.
_ODD_UNITS: Final = 0.01
#: Households: days between the registrations of what may be one, and households at a place that is one of its own.
_DAYS, _OWN_PLACE = 7, 3
#: The day that a case is recorded on, by the first of these that the record has.
_RECORDED: Final = ("registered_on", "waiting_since")
# of a household, or of how far its case has come, and not of what it asks for
_NOT_WANTS: Final = frozenset({"id", "household_id", "place", "gate", *_RECORDED})

_Fault = Callable[[int, str | None, str, str], Fault]


def oddities_in(
    records: Sequence[Any], lines: Sequence[int], record: type, source: str, header_of: Callable[[str], str | None]
) -> list[Fault]:
    """Find what is odd.

    Parameters
    ----------
    records
        Records of one class.
    lines
        Where each stands.
    record
        Their class.
    source
        Name of the source.
    header_of
        The source's header by field.

    Returns
    -------
    Faults, which quote no value.

    ``ZERO_POINT``
        Latitude and longitude are both 0, as empty fields become.
    ``SWAPPED_POINT``
        The point is far from the others, and would not be with latitude and longitude the other way round.
    ``FAR_POINT``
        The point is far from the others: more than ten times the median distance from their middle, and more than
        100 km. The middle is the median of each coordinate. From ten points on.
    ``CODE_AND_POINT``
        The county of the code (its first six digits) is that of less than 2 % of the records around the point, of fifty
        or more in the nine cells of 0.1 degrees. The code or the point is wrong.
    ``ODD_QUANTITY``
        More than 100 times the median quantity of the item and unit, and more than six robust standard deviations (of
        the logarithm, 1.4826 times the median deviation) above; items of fewer than ten records are taken together by
        unit. And whatever is above 10^9.
    ``ODD_UNIT``
        The item is counted in this unit in 1 % of its records or less, of a hundred or more.
    ``SAME_HOUSEHOLD``
        Two household ids that are likely one household: at the same place (code and point), asking for the same in the
        same quantities and category, and recorded within seven days of each other. Where more than three households
        share the place, as in a village that is one point, they must ask for two things or more. The later in the
        source is flagged. From ten records on.
    """

    def fault(row: int, field: str | None, code: str, message: str) -> Fault:
        return Fault(source, lines[row], None if field is None else header_of(field), code, message)

    flat = {column.field: column.owner for column in columns_of(record)}
    found: list[Fault] = []
    if flat.keys() >= {"lat", "lon"} and flat["lat"] == flat["lon"]:
        places = records if flat["lat"] is None else [getattr(one, flat["lat"]) for one in records]
        # many records may share one place, which is looked at once
        number = numbered(map(id, places))
        distinct = list({id(place): place for place in places}.values())
        pointed = np.array([place is not None and isinstance(place.lat, float) for place in distinct], dtype=np.bool_)
        there = [place for place, has in zip(distinct, pointed.tolist(), strict=True) if has]
        degrees = np.array([[place.lat for place in there], [place.lon for place in there]], dtype=np.float64)
        rows = np.flatnonzero(pointed[number])
        points = degrees.T[(np.cumsum(pointed) - 1)[number[rows]]]
        found += _odd_points(rows, points, fault)
        if flat.get("code", "") == flat["lat"]:
            codes = [None if place is None else place.code for place in distinct]
            found += _odd_codes(rows, points, _counties(codes)[number[rows]], fault)
    wanted = np.zeros(len(records), dtype=np.int64)
    counted = all(flat.get(field, "") is None for field in ("item", "unit", "quantity"))
    # a record from outside may count otherwise
    counts = list(map(attrgetter("quantity"), records)) if counted else []
    if set(map(type, counts)) == {int} and min(counts) >= 1 and max(counts) <= MAX_COUNT:
        item, unit = (numbered([getattr(one, name) for one in records]) for name in ("item", "unit"))
        kinds, kind = np.unique(item * len(records) + unit, return_inverse=True)
        quantity = np.array(counts, dtype=np.int64)
        found += _odd_quantities(*np.divmod(kinds, len(records)), kind, quantity.astype(np.float64), fault)
        wanted = (kind + 1) * 1_000_003 + quantity * 7_919
    if len(records) >= _ENOUGH and flat.get("household_id", "") is None and flat.keys() >= {"code", "lat", "lon"}:
        found += _same_households(records, lines, record, flat["lat"], wanted, fault)
    return found


def _odd_points(rows: Ints, points: Floats, fault: _Fault) -> Iterator[Fault]:
    zero = (points == 0).all(axis=1)
    for row in rows[zero].tolist():
        yield fault(
            row, "lat", "ZERO_POINT", "lat and lon are both 0, which is in the sea; an empty field may be meant"
        )
    rows, points = rows[~zero], points[~zero]
    if len(rows) < _ENOUGH:
        return
    middle = np.median(points, axis=0)
    apart = _metres(points, middle)
    limit = max(_FAR * float(np.median(apart)), _FAR_METRES)
    far = np.flatnonzero(apart > limit)
    swapped = _metres(points[far, ::-1], middle) <= limit
    for at, turned in zip(far.tolist(), swapped.tolist(), strict=True):
        if turned:
            words = "is far from the other points, and would not be with lat and lon the other way round"
            yield fault(int(rows[at]), "lat", "SWAPPED_POINT", words)
        else:
            yield fault(int(rows[at]), "lat", "FAR_POINT", f"is more than {limit / 1000:,.0f} km from the other points")


def _metres(points: Floats, middle: Floats) -> Floats:
    """Metres from a point, on a sphere; some are no points but might have been, the other way round."""
    lat, lon = np.radians(points).T
    north, east = np.radians(middle)
    half = np.sin((lat - north) / 2) ** 2 + np.cos(lat) * np.cos(north) * np.sin((lon - east) / 2) ** 2
    return np.asarray(2 * 6_371_008.8 * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def _counties(codes: Sequence[Any]) -> Ints:
    """Numbers of the counties that codes name; −1 for none."""
    known = [code[:_COUNTY] if isinstance(code, str) and len(code) >= _COUNTY else None for code in codes]
    numbers: dict[str | None, int] = {None: -1}
    return np.array([numbers.setdefault(county, len(numbers) - 1) for county in known], dtype=np.int64)


def _odd_codes(rows: Ints, points: Floats, county: Ints, fault: _Fault) -> Iterator[Fault]:
    known = np.flatnonzero(county >= 0)
    if not known.size:
        return
    county = county[known]
    counties = int(county.max()) + 1
    cell = np.floor(points[known] / _CELL).astype(np.int64) + 4_000  # above 0, with room for a neighbour
    around, alike = np.zeros(len(known), dtype=np.int64), np.zeros(len(known), dtype=np.int64)
    keys, of_cell, in_cell = np.unique(cell[:, 0] * 10_000 + cell[:, 1], return_inverse=True, return_counts=True)
    pairs, of_pair, in_pair = np.unique(keys[of_cell] * counties + county, return_inverse=True, return_counts=True)
    for north in (-10_000, 0, 10_000):
        for east in (-1, 0, 1):
            around += _count(keys, in_cell, keys + north + east)[of_cell]
            alike += _count(pairs, in_pair, pairs + (north + east) * counties)[of_pair]
    odd = (around >= _IN_CELLS) & (alike < _ODD_SHARE * around)
    for at in np.flatnonzero(odd).tolist():
        words = f"names a county that few of the {around[at]:,} records around its point name"
        yield fault(int(rows[known[at]]), "code", "CODE_AND_POINT", words)


def _count(keys: Ints, counts: Ints, wanted: Ints) -> Ints:
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, counts[at], 0)


def _odd_quantities(item_of: Ints, unit_of: Ints, kind: Ints, quantity: Floats, fault: _Fault) -> Iterator[Fault]:
    size = np.bincount(kind, minlength=len(item_of))
    # rare kinds are taken together by unit, whose numbers stand behind those of the kinds
    group = np.where(size < _ENOUGH, len(size) + unit_of, np.arange(len(size)))[kind]
    odd = quantity > _ALWAYS
    order = np.argsort(group, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(some) >= _ENOUGH:
            odd[some] |= _too_large(np.log(quantity[some]))
    for row in np.flatnonzero(odd).tolist():
        yield fault(row, "quantity", "ODD_QUANTITY", "is far more than is usual for the item and its unit")
    of_item = np.bincount(item_of, weights=size, minlength=1)[item_of]
    rare = (of_item >= 1 / _ODD_UNITS) & (size <= _ODD_UNITS * of_item)
    for row in np.flatnonzero(rare[kind]).tolist():
        yield fault(row, "unit", "ODD_UNIT", "is not the unit in which the item is counted elsewhere in the source")


def _too_large(logarithm: Floats) -> Bools:
    above = logarithm - np.median(logarithm)
    spread = 1.4826 * float(np.median(np.abs(above)))
    return np.asarray((above > _DEVIATIONS * spread) & (above > np.log(_TIMES)))


def _same_households(
    records: Sequence[Any], lines: Sequence[int], record: type, owner: str | None, wanted: Ints, fault: _Fault
) -> Iterator[Fault]:
    """Households are told apart by arrays first; few are left whose records have to be compared."""
    names = [field.name for field in dataclasses.fields(record)]
    wants_of = [name for name in names if name not in _NOT_WANTS and name != owner]
    day = next((attrgetter(name) for name in _RECORDED if name in names), lambda _: None)
    household = numbered([one.household_id for one in records])
    # a household is where its first row says
    _, first, size = np.unique(household, return_index=True, return_counts=True)
    places = [records[row] if owner is None else getattr(records[row], owner) for row in first.tolist()]
    place = numbered([None if one is None else (one.code, one.lat, one.lon) for one in places])
    at_place = np.bincount(place, minlength=1)[place]
    wants = np.zeros(len(first), dtype=np.int64)
    np.add.at(wants, household, wanted)
    asked = np.flatnonzero((at_place > 1) & ((at_place <= _OWN_PLACE) | (size > 1)))
    asked = asked[np.lexsort((wants[asked], size[asked], place[asked]))]
    alike = np.ones(len(asked) + 1, dtype=np.bool_)
    alike[1:-1] = np.any([np.diff(column[asked]) != 0 for column in (wants, size, place)], axis=0)
    # those that are like the one before or behind
    some = asked[~(alike[:-1] & alike[1:])]
    by_household = np.argsort(household, kind="stable")
    begins = np.concatenate([[0], np.cumsum(size)])
    together: dict[Any, list[tuple[date | None, int]]] = {}
    for one in some.tolist():
        rows = by_household[begins[one] : begins[one + 1]].tolist()
        # as text, since a record from outside may hold what has no hash
        asks = frozenset(Counter(repr([getattr(records[row], name) for name in wants_of]) for row in rows).items())
        if places[one] is not None and (at_place[one] <= _OWN_PLACE or len(asks) > 1):
            together.setdefault((int(place[one]), asks), []).append((day(records[rows[0]]), rows[0]))
    for same in together.values():
        yield from _close_in_time(same, lines, fault)


def _close_in_time(some: Iterable[tuple[date | None, int]], lines: Sequence[int], fault: _Fault) -> Iterator[Fault]:
    ordered = sorted(some, key=lambda one: (one[0] or date.min, one[1]))
    for (before, one), (after, other) in pairwise(ordered):
        if before is None or after is None or (after - before).days <= _DAYS:
            first, later = sorted((one, other))
            words = f"asks for the same at the same place and time as another household, of line {lines[first]}"
            yield fault(later, "household_id", "SAME_HOUSEHOLD", words)
