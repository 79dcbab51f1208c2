"""How the eligible pairs of a market are found: between points on the sphere, or from a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.distance.great_circle import EARTH_RADIUS, metres_between
from aidmatch.program import ArcProducer
from aidmatch.rules.protocol import Eligibility

__all__ = ["BLOCK", "ListedArcs", "PointArcs", "WithoutPairs", "demand_blocks"]

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
        Unit vectors, shapes (3, demands) and (3, supplies).
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
        demands, supplies = self.demand_points.shape[1], self.supply_points.shape[1]
        blocks = [self._block(block) for block in demand_blocks(demands, supplies)]
        demand_of, supply_of, metric = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
        return demand_of, supply_of, metric

    def _block(self, block: slice) -> Ints:
        allowed = self.eligibility.pairs(block)
        # a chord of the reach and two metres more, against rounding: who is in is decided in whole metres below
        angle = np.minimum((self.reach + 2) / EARTH_RADIUS, np.pi)
        least_cosine = np.where(angle < np.pi, np.cos(angle) - 1e-14, -2.0)
        allowed &= self.demand_points[:, block].T @ self.supply_points >= least_cosine
        demand_of, supply_of = np.nonzero(allowed)
        demand_of += block.start
        metric = metres_between(
            np.take(self.supply_points, supply_of, axis=1), np.take(self.demand_points, demand_of, axis=1)
        )
        arcs = np.stack([demand_of, supply_of, metric])
        near = metric <= self.reach[supply_of]
        return arcs if near.all() else arcs[:, near]


@dataclass(frozen=True, slots=True)
class WithoutPairs:
    """Arcs without some pairs.

    Parameters
    ----------
    arcs
        Makes all of them.
    demand_of, supply_of
        The pairs to leave out.
    """

    arcs: ArcProducer
    demand_of: Ints
    supply_of: Ints

    def build(self) -> tuple[Ints, Ints, Ints]:
        """Every pair but those."""
        demand_of, supply_of, metric = self.arcs.build()
        width = 1 + int(max(supply_of.max(initial=0), self.supply_of.max(initial=0)))
        keep = ~np.isin(demand_of * width + supply_of, self.demand_of * width + self.supply_of)
        return demand_of[keep], supply_of[keep], metric[keep]
