"""What a unit on a pair costs at a level, by its structure: arrays that price pairs never built, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

import numpy as np

from aidmatch.arrays import Ints

__all__ = ["MOST_METRIC", "CostOfPairs", "Listed", "Metric", "Nearness", "OfKinds", "OfSupply"]

#: No pair between points is priced at more: half the way round the earth is 20,015,115 metres.
MOST_METRIC: Final = 2**25


class CostOfPairs(Protocol):
    """The costs of pairs at one level."""

    @property
    def needs_metric(self) -> bool:
        """Whether the metric matters; if not, anything of the right length stands for it."""
        ...

    def of(self, demand: Ints, supply: Ints, metric: Ints) -> Ints:
        """Costs of some pairs.

        Parameters
        ----------
        demand, supply, metric
            Rows of each pair's demand and supply, and its metric.

        Returns
        -------
        Integers, one a pair; they may be negative.
        """
        ...

    def part(self, demands: Ints, supplies: Ints) -> CostOfPairs:
        """The same for some of the rows, numbered anew."""
        ...

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """Columns of labels, shapes (labels, demands) and (labels, supplies).

        Two nodes with equal columns have equal costs, if their metrics are equal.
        """
        ...

    def listed(self) -> tuple[Ints, Ints]:
        """Demands and supplies of the pairs whose cost may be below zero; no other pair's is."""
        ...

    def largest(self) -> int:
        """A bound on how large the cost of any pair is, without its sign."""
        ...


@dataclass(frozen=True, slots=True)
class Metric:
    """A pair costs its metric."""

    needs_metric: ClassVar[bool] = True

    def of(self, demand: Ints, supply: Ints, metric: Ints) -> Ints:
        """Costs of some pairs."""
        return metric

    def part(self, demands: Ints, supplies: Ints) -> Metric:
        """The same for some of the rows."""
        return self

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """All nodes are alike."""
        return np.zeros((0, demands), dtype=np.int64), np.zeros((0, supplies), dtype=np.int64)

    def listed(self) -> tuple[Ints, Ints]:
        """None."""
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def largest(self) -> int:
        """Any metric there is."""
        return MOST_METRIC


@dataclass(frozen=True, slots=True)
class Nearness:
    """A pair costs the number of nested areas that do not contain both.

    Parameters
    ----------
    demand_area, supply_area
        Number of each node's area, int64, shapes (nestings, demands) and (nestings, supplies). Areas of the two sides
        are the same if their numbers are; −1 is no area, on either side.
    """

    needs_metric: ClassVar[bool] = False

    demand_area: Ints
    supply_area: Ints

    def of(self, demand: Ints, supply: Ints, metric: Ints) -> Ints:
        """Costs of some pairs."""
        cost = np.zeros(len(demand), dtype=np.int64)
        for of_demand, of_supply in zip(self.demand_area, self.supply_area, strict=True):
            one = of_demand[demand]
            cost += (one != of_supply[supply]) | (one < 0)
        return cost

    def part(self, demands: Ints, supplies: Ints) -> Nearness:
        """The same for some of the rows."""
        return Nearness(self.demand_area[:, demands], self.supply_area[:, supplies])

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """The areas."""
        return self.demand_area, self.supply_area

    def listed(self) -> tuple[Ints, Ints]:
        """None."""
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def largest(self) -> int:
        """The number of nestings."""
        return len(self.demand_area)


@dataclass(frozen=True, slots=True)
class OfSupply:
    """A pair costs what its supply says.

    Parameters
    ----------
    cost
        Of each supply, int64, shape (supplies,).
    """

    needs_metric: ClassVar[bool] = False

    cost: Ints

    def of(self, demand: Ints, supply: Ints, metric: Ints) -> Ints:
        """Costs of some pairs."""
        return self.cost[supply]

    def part(self, demands: Ints, supplies: Ints) -> OfSupply:
        """The same for some of the rows."""
        return OfSupply(self.cost[supplies])

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """Supplies of one cost are alike."""
        return np.zeros((0, demands), dtype=np.int64), self.cost[None]

    def listed(self) -> tuple[Ints, Ints]:
        """None; the costs are not below zero."""
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def largest(self) -> int:
        """The largest of a supply."""
        return int(np.abs(self.cost).max(initial=0))


@dataclass(frozen=True, slots=True)
class OfKinds:
    """A pair costs what a table says of the kinds of its two sides.

    Parameters
    ----------
    demand_kind, supply_kind
        Kind of each node, int64 from 0.
    cost
        By kind of demand and kind of supply, int64 and nowhere below zero.
    """

    needs_metric: ClassVar[bool] = False

    demand_kind: Ints
    supply_kind: Ints
    cost: Ints

    def of(self, demand: Ints, supply: Ints, metric: Ints) -> Ints:
        """Costs of some pairs."""
        return self.cost[self.demand_kind[demand], self.supply_kind[supply]]

    def part(self, demands: Ints, supplies: Ints) -> OfKinds:
        """The same for some of the rows."""
        return OfKinds(self.demand_kind[demands], self.supply_kind[supplies], self.cost)

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """The kinds."""
        return self.demand_kind[None], self.supply_kind[None]

    def listed(self) -> tuple[Ints, Ints]:
        """None."""
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def largest(self) -> int:
        """The largest of the table."""
        return int(self.cost.max(initial=0))


@dataclass(frozen=True, slots=True)
class Listed:
    """Some pairs have costs of their own, all others cost nothing.

    Parameters
    ----------
    demand, supply, cost
        Rows and cost of each listed pair, int64, each pair once.
    """

    needs_metric: ClassVar[bool] = False

    demand: Ints
    supply: Ints
    cost: Ints

    def of(self, demand: Ints, supply: Ints, metric: Ints) -> Ints:
        """Costs of some pairs."""
        if not len(self.cost):
            return np.zeros(len(demand), dtype=np.int64)
        width = int(max(self.supply.max(), supply.max(initial=0))) + 1
        keys = self.demand * width + self.supply
        order = np.argsort(keys)
        wanted = demand * width + supply
        at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
        found = order[at]
        return np.where(keys[found] == wanted, self.cost[found], 0)

    def part(self, demands: Ints, supplies: Ints) -> Listed:
        """The same for some of the rows, which must be sorted."""
        inside = np.isin(self.demand, demands) & np.isin(self.supply, supplies)
        return Listed(
            np.searchsorted(demands, self.demand[inside]),
            np.searchsorted(supplies, self.supply[inside]),
            self.cost[inside],
        )

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """A node of a listed pair is like no other."""
        columns = []
        for nodes, rows in ((demands, self.demand), (supplies, self.supply)):
            own = np.full((1, nodes), -1, dtype=np.int64)
            own[0, rows] = rows
            columns.append(own)
        return columns[0], columns[1]

    def listed(self) -> tuple[Ints, Ints]:
        """All that are listed."""
        return self.demand, self.supply

    def largest(self) -> int:
        """The largest that is listed."""
        return int(np.abs(self.cost).max(initial=0))
