"""Rows that say again, or say otherwise, what an earlier row said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np

from aidmatch.report import Fault
from aidmatch.sources.columns import columns_of

__all__ = ["Repeats", "repeats_in"]

#: What tells one record from another: the first of these that the record has.
_KEYS: Final = (("id",), ("demand_id", "supply_id"), ("code",))


class Repeats(NamedTuple):
    """What repeats itself among records.

    Parameters
    ----------
    left_out
        Positions of records that are not to be kept.
    refused
        A fault for every record whose key another one has with other contents.
    flagged
        A fault for every record that is the same as an earlier one, and for every open need of the same household
        and item as an earlier one.
    """

    left_out: frozenset[int]
    refused: list[Fault]
    flagged: list[Fault]


def repeats_in(
    records: Sequence[Any], lines: Sequence[int], record: type, source: str, header_of: Callable[[str], str | None]
) -> Repeats:
    """Find the records that repeat themselves.

    Parameters
    ----------
    records
        Records of one class.
    lines
        Where each stands.
    record
        Their class. Its key is ``id``, else ``demand_id`` and ``supply_id``, else ``code``; a record without any is
        never a repetition.
    source
        Name of the source.
    header_of
        The source's header by field.

    Returns
    -------
    What to leave out, and why.
    """
    columns = {(column.owner, column.field) for column in columns_of(record)}
    key = next((key for key in _KEYS if columns.issuperset((None, field) for field in key)), ())
    left_out: set[int] = set()
    refused: list[Fault] = []
    flagged: list[Fault] = []
    if key:
        header = header_of(key[0]) if len(key) == 1 else None
        of_record = attrgetter(*key)
        for first, *others in _alike(len(records), lambda row: of_record(records[row])):
            if all(records[index] == records[first] for index in others):
                left_out.update(others)
                for index in others:
                    words = f"is the same as line {lines[first]}, and kept once"
                    flagged.append(Fault(source, lines[index], None, "DUPLICATE_ROW", words))
            else:
                left_out.update((first, *others))
                for index, other in ((first, others[0]), *((index, first) for index in others)):
                    words = f"has the same {' and '.join(key)} as line {lines[other]}, but other contents"
                    refused.append(Fault(source, lines[index], header, "DUPLICATE_ID", words))
    if columns.issuperset(((None, "household_id"), (None, "item"), ("gate", "status"))):

        def open_need(row: int) -> tuple[str, str] | None:
            one = records[row]
            return (one.household_id, one.item) if one.gate.status == "open" and row not in left_out else None

        for first, *others in _alike(len(records), open_need):
            for index in others:
                words = f"is open for the same household and item as line {lines[first]}"
                flagged.append(Fault(source, lines[index], None, "SAME_HOUSEHOLD_AND_ITEM", words))
    return Repeats(frozenset(left_out), refused, flagged)


def _alike(count: int, key: Callable[[int], Hashable]) -> list[list[int]]:
    """For each key that more than one of so many rows have, those rows in ascending order; None is no key.

    The key is asked for again of the few that seem to share theirs, so that no key has to be kept.
    """
    hashes = np.fromiter(map(hash, map(key, range(count))), dtype=np.int64, count=count)
    order = np.argsort(hashes, kind="stable")
    same = np.diff(hashes[order]) == 0
    seem = np.zeros(count, dtype=np.bool_)
    seem[order[:-1][same]] = seem[order[1:][same]] = True
    rows: defaultdict[Hashable, list[int]] = defaultdict(list)
    for row in np.flatnonzero(seem).tolist():
        rows[key(row)].append(row)
    return [some for one, some in rows.items() if one is not None and len(some) > 1]
