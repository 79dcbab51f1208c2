"""How the eligible pairs of a market are found: between points on the sphere, or from a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.distance.great_circle import EARTH_RADIUS, metres_between
from aidmatch.rules.protocol import Eligibility

__all__ = ["BLOCK", "ListedArcs", "PointArcs", "demand_blocks"]

#: Pairs looked at in one go: bounds the memory of a search, not its result.
BLOCK: Final = 2_000_000


def demand_blocks(demands: int, supplies: int) -> list[slice]:
    """Slices of the demands that make blocks of bounded size with all supplies."""
    step = max(1, BLOCK // max(supplies, 1))
    return [slice(start, min(start + step, demands)) for start in range(0, demands, step)]


@dataclass(frozen=True, slots=True)
class ListedArcs:
    """Pairs that are known one by one.

    Parameters
    ----------
    demand_of, supply_of, metric
        Ends and cost of each pair, sorted by demand and then supply.
    """

    demand_of: Ints
    supply_of: Ints
    metric: Ints

    def build(self) -> tuple[Ints, Ints, Ints]:
        """Give the list."""
        return self.demand_of, self.supply_of, self.metric


@dataclass(frozen=True, slots=True)
class PointArcs:
    """Eligible pairs of points within reach of each other, by great-circle metres.

    Parameters
    ----------
    demand_points, supply_points
        Unit vectors, shapes (demands, 3) and (supplies, 3).
    reach
        Metres up to which each supply may go, int64.
    eligibility
        What the rules allow.
    """

    demand_points: Floats
    supply_points: Floats
    reach: Ints
    eligibility: Eligibility

    def build(self) -> tuple[Ints, Ints, Ints]:
        """Every eligible pair within reach."""
        blocks = [self._block(block) for block in demand_blocks(len(self.demand_points), len(self.supply_points))]
        empty = np.zeros((3, 0), dtype=np.int64)
        demand_of, supply_of, metric = np.concatenate([empty, *blocks], axis=1)
        return demand_of, supply_of, metric

    def _block(self, block: slice) -> Ints:
        allowed = self.eligibility.allowed[self.eligibility.demand_group[block]][:, self.eligibility.supply_group]
        # a chord of the reach and two metres more, against rounding: who is in is decided in whole metres below
        angle = np.minimum((self.reach + 2) / EARTH_RADIUS, np.pi)
        least_cosine = np.where(angle < np.pi, np.cos(angle) - 1e-14, -2.0)
        allowed &= self.demand_points[block] @ self.supply_points.T >= least_cosine
        demand_of, supply_of = np.nonzero(allowed)
        demand_of += block.start
        metric = metres_between(self.supply_points[supply_of], self.demand_points[demand_of])
        near = metric <= self.reach[supply_of]
        return np.stack([demand_of[near], supply_of[near], metric[near]])
