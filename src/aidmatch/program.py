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

from aidmatch.arrays import Bools, Ints, Keys
from aidmatch.pair_costs import CostOfPairs

__all__ = ["ArcProducer", "Costs", "Level", "Market", "Program", "Solution", "TieKeys", "Work"]


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

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """Columns of labels, shapes (labels, demands) and (labels, supplies).

        Two nodes with equal columns have the same pairs with the same metrics.
        """
        ...

    def part(self, demands: Ints, supplies: Ints) -> ArcProducer:
        """The same for some of the nodes, by sorted rows, numbered anew."""
        ...


@dataclass(frozen=True, slots=True)
class TieKeys:
    """What decides between answers that are equally good at every level.

    Parameters
    ----------
    demand, supply
        A keyed hash of each node's stable id, uint64.
    """

    demand: Keys
    supply: Keys


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
    keys
        What decides ties.
    """

    demand: Ints
    supply: Ints
    arcs: ArcProducer
    levels: tuple[Level, ...]
    limit: int | None
    keys: TieKeys

    def part(self, demands: Ints, supplies: Ints) -> Market:
        """The market of some of its nodes, numbered anew.

        Parameters
        ----------
        demands, supplies
            Their rows, sorted.
        """
        levels = tuple(
            Level(
                None if level.unmet is None else level.unmet[demands],
                None if level.pairs is None else level.pairs.part(demands, supplies),
            )
            for level in self.levels
        )
        keys = TieKeys(self.keys.demand[demands], self.keys.supply[supplies])
        arcs = self.arcs.part(demands, supplies)
        return Market(self.demand[demands], self.supply[supplies], arcs, levels, self.limit, keys)

    def program(self, demand_of: Ints, supply_of: Ints, metric: Ints) -> Program:
        """The market with some of its arcs.

        Parameters
        ----------
        demand_of, supply_of, metric
            Ends and metric of each arc, sorted by demand and then supply.
        """
        levels = tuple(
            Costs(level.unmet, None if level.pairs is None else level.pairs.of(demand_of, supply_of, metric))
            for level in self.levels
        )
        return Program(self.demand, self.supply, demand_of, supply_of, levels, self.limit)


@dataclass(frozen=True, slots=True)
class Solution:
    """An optimal flow with its proof.

    Parameters
    ----------
    demand_of, supply_of, metric, flow
        The arcs that carry flow, int64, sorted by demand and then supply.
    u, v
        Potentials of demands and supplies, int64, shapes (levels, demands) and (levels, supplies).
    can_take
        Whether each demand that has something left over has an eligible pair below its limit.
    work
        How it was found.
    """

    demand_of: Ints
    supply_of: Ints
    metric: Ints
    flow: Ints
    u: Ints
    v: Ints
    can_take: Bools
    work: Work


@dataclass(frozen=True, slots=True)
class Work:
    """How a solution was found; nothing in it needs to be believed.

    Parameters
    ----------
    components
        Connected components that carry arcs, in the last round.
    arcs
        Arcs in the last round.
    nodes
        Demands and supplies that were told apart, after interchangeable ones were merged.
    rounds
        Times that the flow was solved and missing pairs were looked for; 1 where all pairs were arcs.
    solves
        Flow problems that each solver solved, in the order they were asked.
    failures
        Of each solver, the code of its error on each part that it failed on.
    level_runs
        Into how many runs the levels were cut; 1 where one weighted cost decided them all.
    tied
        Whether ties were decided, and proven to be.
    """

    components: int
    arcs: int
    nodes: int
    rounds: int
    solves: tuple[int, ...]
    failures: tuple[tuple[str, ...], ...]
    level_runs: int
    tied: bool
