"""An explicit table of pairs, for platforms that bring their own matrix."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from aidmatch.errors import ProblemError
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

    Raises
    ------
    ProblemError
        ``DUPLICATE_PAIR`` if a pair comes twice, ``BAD_UNIT`` if the unit has no name.
    """

    def __init__(self, pairs: Iterable[PairCost], *, unit: str) -> None:
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
    def costs(self) -> dict[tuple[str, str], int]:
        """Cost of each eligible pair, by demand id and supply id."""
        return {(pair.demand_id, pair.supply_id): pair.cost for pair in self._pairs if pair.eligible}
