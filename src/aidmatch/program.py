"""The narrow waist between the domain and the mathematics: integer arrays, and no names of anybody.

A *market* is the smallest part that can be decided alone. A *program* is a
market with its arcs:

    minimize, in strict order of ℓ,   Σ_k arc^ℓ_k·flow_k + Σ_i unmet^ℓ_i·left_i
    subject to                        Σ_{k at i} flow_k + left_i = demand_i,   Σ_{k at j} flow_k ≤ supply_j,
                                      0 ≤ flow_k ≤ limit, left ≥ 0, all integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aidmatch.arrays import Ints
from aidmatch.pair_costs import CostOfPairs

__all__ = ["ArcProducer", "Costs", "Level", "Market", "Program", "Solution"]


@dataclass(frozen=True, slots=True)
class Level:
    """One objective level of a market.

    Parameters
    ----------
    unmet
        Cost of one unit left over at each demand, int64 ≥ 0, shape (demands,); None where it costs nothing.
    pairs
        Costs of a unit on a pair, by structure; None where it costs nothing.
    """

    unmet: Ints | None
    pairs: CostOfPairs | None


@dataclass(frozen=True, slots=True)
class Costs:
    """One objective level of a program.

    Parameters
    ----------
    unmet
        Cost of one unit left over at each demand, int64 ≥ 0, shape (demands,); None where it costs nothing.
    arc
        Cost of one unit on each arc, int64, shape (arcs,); None where it costs nothing.
    """

    unmet: Ints | None
    arc: Ints | None


@dataclass(frozen=True, slots=True)
class Program:
    """A market with its arcs.

    Parameters
    ----------
    demand, supply
        Units asked for and offered, int64 ≥ 0, shapes (demands,) and (supplies,).
    demand_of, supply_of
        Ends of each arc, int64, shape (arcs,), sorted by demand and then supply, each pair at most once.
    levels
        From the highest to the lowest.
    limit
        Most units on any one arc; None for no limit of its own.
    """

    demand: Ints
    supply: Ints
    demand_of: Ints
    supply_of: Ints
    levels: tuple[Costs, ...]
    limit: int | None


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
    limit
        Most units on any one pair; None for no limit of its own.
    """

    demand: Ints
    supply: Ints
    arcs: ArcProducer
    levels: tuple[Level, ...]
    limit: int | None

    def program(self) -> tuple[Program, Ints]:
        """The market with all its arcs, and the metric of each arc."""
        demand_of, supply_of, metric = self.arcs.build()
        levels = tuple(
            Costs(level.unmet, None if level.pairs is None else level.pairs.of(demand_of, supply_of, metric))
            for level in self.levels
        )
        return Program(self.demand, self.supply, demand_of, supply_of, levels, self.limit), metric


@dataclass(frozen=True, slots=True)
class Solution:
    """An optimal flow with its proof.

    Parameters
    ----------
    demand_of, supply_of, metric, flow
        The arcs that carry flow, int64, in the order of the program's arcs.
    u, v
        Potentials of demands and supplies, int64, shapes (levels, demands) and (levels, supplies).
    open_arcs
        Number of eligible pairs of each demand that are below their limit.
    components
        Connected components that carry arcs.
    arcs
        Number of the program's arcs.
    solves
        Flow problems that each solver solved, in the order they were asked: one a component where all levels fit one
        weighted cost.
    failures
        Of each solver, the code of its error on each component that it failed on.
    """

    demand_of: Ints
    supply_of: Ints
    metric: Ints
    flow: Ints
    u: Ints
    v: Ints
    open_arcs: Ints
    components: int
    arcs: int
    solves: tuple[int, ...]
    failures: tuple[tuple[str, ...], ...]
