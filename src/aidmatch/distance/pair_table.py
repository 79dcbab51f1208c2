"""An explicit table of pairs, for platforms that bring their own matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from aidmatch.errors import ProblemError
from aidmatch.fields import MAX_COUNT
from aidmatch.records.giving import PairCost

__all__ = ["METRE", "PairTable"]

#: The unit of every distance, and of a table of pairs that is to stand for one.
METRE = "metre"


class PairTable:
    """The pairs that may be, with their integer costs; a pair that is not in it may not be.

    Parameters
    ----------
    pairs
        Costs of pairs, each pair once.
    unit
        What one unit of cost is, such as ``metre``, ``minute`` or ``mile/10000``. Radii apply to ``metre`` only.
    capacities
        What each supply can carry of the pairs' loads, by id, whole numbers in a unit of the platform's own; a supply
        that is not named can carry any load. None where the pairs bring no loads, or where caregivers have minutes.

    Raises
    ------
    ProblemError
        ``DUPLICATE_PAIR`` if a pair comes twice, ``BAD_UNIT`` if the unit has no name, ``BAD_CAPACITY`` for a capacity
        that is no whole number, ``NO_LOAD`` if a pair of a supply with a capacity has no load.
    """

    def __init__(self, pairs: Iterable[PairCost], *, unit: str, capacities: Mapping[str, int] | None = None) -> None:
        if not (isinstance(unit, str) and unit.isprintable() and unit.strip()):
            raise ProblemError("a table of pairs names the unit of its costs", code="BAD_UNIT")
        self.unit = unit
        pairs = tuple(pairs)
        for pair in pairs:
            if not isinstance(pair, PairCost):
                raise ProblemError(f"a {type(pair).__name__} is no PairCost", code="NO_RECORDS")
        self._pairs = tuple(sorted(pairs, key=lambda pair: (pair.demand_id, pair.supply_id)))
        for one, other in zip(self._pairs, self._pairs[1:], strict=False):
            if (one.demand_id, one.supply_id) == (other.demand_id, other.supply_id):
                raise ProblemError(
                    f"pair of demand {one.demand_id!r} and supply {one.supply_id!r} comes twice", code="DUPLICATE_PAIR"
                )

        self.capacities = None if capacities is None else dict(sorted(capacities.items()))
        for id_, capacity in (self.capacities or {}).items():
            if type(capacity) is not int or not 0 <= capacity <= MAX_COUNT:
                raise ProblemError(f"capacity of supply {id_!r} is no whole number from 0", code="BAD_CAPACITY")
        for pair in self._pairs if self.capacities else ():
            if pair.supply_id in (self.capacities or {}) and pair.load is None:
                raise ProblemError(
                    f"pair of demand {pair.demand_id!r} and supply {pair.supply_id!r} has no load", code="NO_LOAD"
                )

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"<PairTable: {len(self):,} pairs in {self.unit}>"

    @property
    def pairs(self) -> tuple[PairCost, ...]:
        """All pairs, sorted by demand and supply."""
        return self._pairs

    @cached_property
    def all_costs(self) -> dict[tuple[str, str], int]:
        """Cost of each pair, eligible or not, by demand id and supply id."""
        return {(pair.demand_id, pair.supply_id): pair.cost for pair in self._pairs}

    @cached_property
    def loads(self) -> dict[tuple[str, str], int]:
        """Load of each pair that has one, by demand id and supply id."""
        return {(pair.demand_id, pair.supply_id): pair.load for pair in self._pairs if pair.load is not None}

    @cached_property
    def costs(self) -> dict[tuple[str, str], int]:
        """Cost of each eligible pair, by demand id and supply id."""
        return {(pair.demand_id, pair.supply_id): pair.cost for pair in self._pairs if pair.eligible}
