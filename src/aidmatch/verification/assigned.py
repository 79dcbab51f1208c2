"""The assignments of a matching as columns, and how to name the first of them that lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Final

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.errors import lie
from aidmatch.matching import Assignment

__all__ = ["Assigned"]

#: No quantity is as large; sums of two of them fit an int64.
_TOO_MANY: Final = 2**62


class Assigned:
    """Assignments as columns.

    Parameters
    ----------
    assignments
        As they stand in the matching.
    """

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        self._all = assignments

    def __len__(self) -> int:
        return len(self._all)

    def of(self, field: str) -> list[Any]:
        """A field of each."""
        return list(map(attrgetter(field), self._all))

    @cached_property
    def demand_ids(self) -> list[str]:
        """Id of the demand of each."""
        return self.of("demand_id")

    @cached_property
    def supply_ids(self) -> list[str]:
        """Id of the supply of each."""
        return self.of("supply_id")

    @cached_property
    def keys(self) -> list[tuple[str, str]]:
        """Ids of demand and supply of each."""
        return list(zip(self.demand_ids, self.supply_ids, strict=True))

    def hold_ids(self) -> None:
        """Refuse ids that are no text.

        Raises
        ------
        VerificationError
            ``ASSIGNMENT``.
        """
        if not set(map(type, self.demand_ids)) | set(map(type, self.supply_ids)) <= {str}:
            lie("ASSIGNMENT", "an id is no text")

    def quantities(self) -> tuple[Ints, Ints]:
        """Units of each, and units that are pinned.

        Raises
        ------
        VerificationError
            ``QUANTITY`` for what is no whole number, or one that nobody could have.
        """
        columns = self.of("quantity"), self.of("pinned")
        for column in columns:
            whole = set(map(type, column)) <= {int} and min(column, default=0) > -_TOO_MANY
            if not whole or max(column, default=0) >= _TOO_MANY:
                bad = [type(units) is not int or abs(units) >= _TOO_MANY for units in column]
                self.refuse(np.array(bad, dtype=np.bool_), "QUANTITY", "a quantity is a whole number")
        quantity, pinned = (np.array(column, dtype=np.int64) for column in columns)
        return quantity, pinned

    def named(self, at: int) -> str:
        """How an error speaks of one."""
        return f"assignment of supply {self._all[at].supply_id!r} to demand {self._all[at].demand_id!r}"

    def refuse(self, bad: Bools, code: str, what: str | Callable[[int], str]) -> None:
        """Name the first bad one, if there is one.

        Parameters
        ----------
        bad
            Of each, whether it is.
        code
            Of the error.
        what
            Why, or a function that says it of one, by its index.

        Raises
        ------
        VerificationError
            If one is bad.
        """
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            lie(code, f"{self.named(at)}: {what if isinstance(what, str) else what(at)}")

    def hold(self, claimed: Sequence[Any], true: Sequence[Any], code: str, what: Callable[[Any, Any], str]) -> None:
        """Hold what each claims to what is true of it.

        Parameters
        ----------
        claimed, true
            Of each.
        code
            Of the error.
        what
            Says what is wrong, from the claimed and the true.

        Raises
        ------
        VerificationError
            If they differ, about the first that does.
        """
        if claimed != true:
            different = [one != other for one, other in zip(claimed, true, strict=True)]
            self.refuse(np.array(different, dtype=np.bool_), code, lambda at: what(claimed[at], true[at]))
