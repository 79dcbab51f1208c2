"""The narrow waist between the domain and the mathematics: integer arrays, and no names of anybody.

A *market* is the smallest part that can be decided alone. A *program* is a
market with its arcs:

    minimize, in strict order of ℓ,   Σ_k metric_k·[ℓ is metric]·flow_k + Σ_i unmet^ℓ_i·left_i
    subject to                        Σ_{k at i} flow_k + left_i = demand_i,   Σ_{k at j} flow_k ≤ supply_j,
                                      flow, left ≥ 0 and integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aidmatch.arrays import Ints, dot

__all__ = ["ArcProducer", "Level", "Market", "Program", "Solution"]


@dataclass(frozen=True, slots=True)
class Level:
    """One objective level of a market.

    Parameters
    ----------
    unmet
        Cost of one unit left over at each demand, int64 ≥ 0, shape (demands,); None where it costs nothing.
    metric
        Whether a unit on an arc costs the arc's metric.
    """

    unmet: Ints | None
    metric: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A market with its arcs.

    Parameters
    ----------
    demand, supply
        Units asked for and offered, int64 ≥ 0, shapes (demands,) and (supplies,).
    demand_of, supply_of
        Ends of each arc, int64, shape (arcs,), sorted by demand and then supply, each pair at most once.
    metric
        Cost of one unit on each arc, int64 ≥ 0, shape (arcs,).
    levels
        From the highest to the lowest.
    """

    demand: Ints
    supply: Ints
    demand_of: Ints
    supply_of: Ints
    metric: Ints
    levels: tuple[Level, ...]

    def level_value(self, level: Level, flow: Ints, left: Ints) -> int:
        """Exact cost of a flow at a level, given what it leaves over at each demand."""
        value = dot(self.metric, flow) if level.metric else 0
        return value if level.unmet is None else value + dot(level.unmet, left)


class ArcProducer(Protocol):
    """What knows the eligible pairs of a market."""

    def build(self) -> tuple[Ints, Ints, Ints]:
        """Every eligible pair: demand and supply of each arc and its metric, sorted by demand and then supply."""
        ...


@dataclass(frozen=True, slots=True)
class Market:
    """The smallest part that can be decided alone.

    Parameters
    ----------
    demand, supply
        Units asked for and offered, int64, shapes (demands,) and (supplies,).
    arcs
        Makes the eligible pairs.
    levels
        From the highest to the lowest.
    """

    demand: Ints
    supply: Ints
    arcs: ArcProducer
    levels: tuple[Level, ...]

    def program(self) -> Program:
        """The market with all its arcs."""
        return Program(self.demand, self.supply, *self.arcs.build(), self.levels)


@dataclass(frozen=True, slots=True)
class Solution:
    """An optimal flow with its proof.

    Parameters
    ----------
    demand_of, supply_of, metric, flow
        The arcs that carry flow, int64, in the order of the program's arcs.
    u, v
        Potentials of demands and supplies, int64, shapes (levels, demands) and (levels, supplies).
    degree
        Number of eligible pairs of each demand.
    components
        Connected components that carry arcs.
    arcs
        Number of the program's arcs.
    merged
        How many components were solved with all levels in one weighted cost; the others were solved level by level.
    """

    demand_of: Ints
    supply_of: Ints
    metric: Ints
    flow: Ints
    u: Ints
    v: Ints
    degree: Ints
    components: int
    arcs: int
    merged: int
