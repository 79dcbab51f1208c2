"""Bad rows among good ones, appended on purpose and counted; the package's own text lists the kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from aidmatch.synthetic.draws import AS_OF, Streams
from aidmatch.synthetic.tables import Table

__all__ = ["DIRT_SHARE", "soiled"]

#: Rows appended for each kind of dirt, as a share of the clean rows.
DIRT_SHARE: Final = 0.002

_Change = Callable[[dict[str, Any], int], dict[str, Any]]
_NOT_APPROVED: Final = ("applied", "surveyed", "appraised", "published", "rejected")


def _dirt(owner: str, day: str, **own: _Change) -> Mapping[str, _Change]:
    """What each kind of dirt writes over a copy of a row, given that row and its number among its kind."""
    return {
        "repeated_row": lambda row, number: row,
        "duplicate_id": lambda row, number: row | {"quantity": row["quantity"] + 1},
        "absurd_quantity": lambda row, number: {"quantity": 10**14},
        "no_quantity": lambda row, number: {"quantity": 0},
        "wrong_unit": lambda row, number: {"unit": "kilogram"},
        "swapped_coordinates": lambda row, number: {"lat": row["lon"], "lon": row["lat"]},
        "wrong_area_code": lambda row, number: {"code": "650102001001"},
        "damaged_area_code": lambda row, number: {"code": "3.71501E+11"},
        # nobody was born on this day
        "personal_id": lambda row, number: {owner: f"37150119900230{number:04d}"},
        "empty_cell": lambda row, number: {"item": None},
        "bad_date": lambda row, number: {day: "2017-02-30"},
        **own,
    }


_DIRT: Final = {
    "needs": _dirt(
        "household_id",
        "registered_on",
        duplicate_household=lambda row, number: {"household_id": row["household_id"]},
        unapproved=lambda row, number: {"approval": _NOT_APPROVED[number % len(_NOT_APPROVED)]},
        notice_running=lambda row, number: {"notice_ended_on": AS_OF + timedelta(1 + number % 7)},
        objected=lambda row, number: {"objected": True},
    ),
    "donations": _dirt(
        "donor_id", "expires_on", expired=lambda row, number: {"expires_on": AS_OF - timedelta(1 + number % 30)}
    ),
}


def soiled(tables: Mapping[str, Table], streams: Streams) -> tuple[dict[str, Table], dict[str, tuple[int, ...]]]:
    """Append dirty rows to the needs and the donations.

    Parameters
    ----------
    tables
        The clean tables.
    streams
        To draw from.

    Returns
    -------
    The tables with dirty rows after the clean ones, and the numbers of these by table and kind.
    """
    dirty: dict[str, Table] = {}
    numbers: dict[str, tuple[int, ...]] = {}
    for name, table in tables.items():
        dirty[name], found = _soiled(table, _DIRT[name], streams(f"{name} dirt"))
        numbers |= {f"{name}.{kind}": rows for kind, rows in found.items()}
    return dirty, numbers


def _soiled(table: Table, changes: Mapping[str, _Change], draw: Generator) -> tuple[Table, dict[str, tuple[int, ...]]]:
    """The table with dirty rows appended, and their numbers by kind."""
    each = max(1, round(len(table) * DIRT_SHARE))
    # no row is copied twice, unless the table is too small for that
    picked = np.resize(draw.permutation(len(table)), each * len(changes))
    copies = Table({header: column[picked] for header, column in table.columns.items()}).rows()
    appended: list[tuple[Any, ...]] = []
    found: dict[str, tuple[int, ...]] = {}
    for kind, change in changes.items():
        first = len(table) + len(appended) + 1
        found[kind] = tuple(range(first, first + each))
        for number, line in enumerate(found[kind]):
            row = next(copies)
            fresh = {header: f"{row[header][0]}{line:06d}" for header in list(row)[:2]}
            appended.append(tuple({**row, **fresh, **change(row, number)}.values()))
    return replace(table, appended=tuple(appended)), found
