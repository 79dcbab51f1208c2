"""How the eligible pairs of a market are known: as points on the sphere, or as a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints
from aidmatch.distance.great_circle import EARTH_RADIUS, metres_between
from aidmatch.distance.protocol import UNREACHABLE, Distance, MetresTable, labels_of_places, measure
from aidmatch.errors import NumberRangeError, PluginError
from aidmatch.pair_costs import MOST_METRIC
from aidmatch.place import Places
from aidmatch.rules.protocol import Eligibility

__all__ = ["BLOCK", "ListedArcs", "Measured", "PlaceArcs", "PointArcs", "among", "demand_blocks"]

#: Metres that nothing may be apart, where a distance is bounded from below only.
_FARTHEST: Final = 2**40
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

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """Every node is its own: a list of pairs is not searched for nodes that are alike."""
        return np.arange(demands)[None], np.arange(supplies)[None]

    def without(self, never: tuple[Ints, Ints]) -> ListedArcs:
        """All but some pairs, given by their demands and supplies."""
        keep = ~among(self.demand_of, self.supply_of, never)
        return ListedArcs(self.demand_of[keep], self.supply_of[keep], self.metric[keep])

    def part(self, demands: Ints, supplies: Ints) -> ListedArcs:
        """The pairs among some of the nodes, numbered anew; both are sorted."""
        keep = np.isin(self.demand_of, demands) & np.isin(self.supply_of, supplies)
        return ListedArcs(
            np.searchsorted(demands, self.demand_of[keep]),
            np.searchsorted(supplies, self.supply_of[keep]),
            self.metric[keep],
        )


def among(demand_of: Ints, supply_of: Ints, pairs: tuple[Ints, Ints]) -> Bools:
    """Which pairs are among some others.

    Parameters
    ----------
    demand_of, supply_of
        Rows of each pair.
    pairs
        Demands and supplies of the others.
    """
    i, j = pairs
    if not i.size:
        return np.zeros(len(demand_of), dtype=np.bool_)
    width = 1 + int(max(supply_of.max(initial=0), j.max()))
    return np.isin(demand_of * width + supply_of, i * width + j)


def _no_pairs() -> tuple[Ints, Ints]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)


def _own(pairs: tuple[Ints, Ints], sizes: tuple[int, int]) -> list[Ints]:
    """Labels of the nodes of both sides: those that are in a pair have one of their own."""
    labels = []
    for nodes, rows in zip(sizes, pairs, strict=True):
        own = np.full(nodes, -1, dtype=np.int64)
        own[rows] = rows
        labels.append(own)
    return labels


def _part_of(pairs: tuple[Ints, Ints], demands: Ints, supplies: Ints) -> tuple[Ints, Ints]:
    """The pairs among some of the nodes, numbered anew; both are sorted."""
    i, j = pairs
    keep = np.isin(i, demands) & np.isin(j, supplies)
    return np.searchsorted(demands, i[keep]), np.searchsorted(supplies, j[keep])


@dataclass(frozen=True, slots=True)
class PlaceArcs:
    """Eligible pairs within reach by a table of metres between kinds of places, as a distance labels them.

    Parameters
    ----------
    metres
        The table, from supplies to demands.
    reach
        Metres up to which each supply may go, int64.
    eligibility
        What the rules allow.
    never
        Demands and supplies of pairs that are left out.
    """

    metres: MetresTable
    reach: Ints
    eligibility: Eligibility
    never: tuple[Ints, Ints] = field(default_factory=_no_pairs)

    def build(self) -> tuple[Ints, Ints, Ints]:
        """Every eligible pair within reach, sorted by demand and then supply."""
        table = self.metres
        found = [np.zeros((3, 0), dtype=np.int64)]
        for block in demand_blocks(len(table.destination), len(table.origin)):
            metres = table.metres[np.ix_(table.origin, table.destination[block])].T
            i, j = np.nonzero(self.eligibility.pairs(block) & (metres <= self.reach))
            found.append(np.stack([i + block.start, j, metres[i, j]]))
        demand_of, supply_of, metric = np.concatenate(found, axis=1)
        keep = ~among(demand_of, supply_of, self.never)
        return demand_of[keep], supply_of[keep], metric[keep]

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """Columns that are equal where two nodes have the same pairs: place, group, reach, and no pair left out."""
        never, groups = _own(self.never, (demands, supplies)), self.eligibility
        return (
            np.vstack([self.metres.destination, groups.demand_group, never[0]]),
            np.vstack([self.metres.origin, groups.supply_group, self.reach, never[1]]),
        )

    def part(self, demands: Ints, supplies: Ints) -> PlaceArcs:
        """The pairs among some of the nodes, numbered anew; both are sorted."""
        return PlaceArcs(
            self.metres.part(supplies, demands),
            self.reach[supplies],
            self.eligibility.part(demands, supplies),
            _part_of(self.never, demands, supplies),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A distance of somebody's own, with the bound it declares.

    Parameters
    ----------
    distance
        Measures places.
    demand_places, supply_places
        What is measured.
    least
        Above 0: no pair is nearer than so many of its great-circle metres, less one.
    """

    distance: Distance
    demand_places: Places
    supply_places: Places
    least: float

    def metres(self, demand_of: Ints, supply_of: Ints, straight: Ints) -> Ints:
        """Measure pairs, given their great-circle metres.

        Raises
        ------
        PluginError
            As `measure`, or ``BAD_DISTANCE`` if the bound does not hold.
        NumberRangeError
            If a pair is 2^40 metres apart or more.
        """
        metres = measure(self.distance, self.supply_places[supply_of], self.demand_places[demand_of])
        # half a metre for each rounding of the two
        if (metres < self.least * (straight - 1) - 2).any():
            raise PluginError(
                f"distance {self.distance.name!r} gave less than the least_metres it declares, {self.least}",
                code="BAD_DISTANCE",
            )
        farthest = metres.max(initial=0, where=metres != UNREACHABLE)
        if farthest >= _FARTHEST:
            raise NumberRangeError(f"distance {self.distance.name!r} gave {farthest} metres")
        return metres

    def labels(self) -> tuple[Ints, Ints]:
        """Numbers that are equal where two demands, or two supplies, are the same to the distance."""
        of_demand, of_supply = (
            labels_of_places(self.distance, places) for places in (self.demand_places, self.supply_places)
        )
        if of_demand is None or of_supply is None:
            # places that are one point may still differ to it
            return np.arange(len(self.demand_places)), np.arange(len(self.supply_places))
        return of_demand, of_supply

    def part(self, demands: Ints, supplies: Ints) -> Measured:
        """The same for some of the nodes."""
        return Measured(self.distance, self.demand_places[demands], self.supply_places[supplies], self.least)


@dataclass(frozen=True, slots=True)
class PointArcs:
    """Eligible pairs of points within reach of each other, by great-circle metres or a distance bounded by them.

    Parameters
    ----------
    demand_points, supply_points
        Unit vectors, shapes (3, demands) and (3, supplies).
    reach
        Metres up to which each supply may go, int64.
    eligibility
        What the rules allow.
    never
        Demands and supplies of pairs that are left out.
    measured
        What gives the metres, if not the great circle.
    """

    demand_points: Floats
    supply_points: Floats
    reach: Ints
    eligibility: Eligibility
    never: tuple[Ints, Ints] = field(default_factory=_no_pairs)
    measured: Measured | None = None

    @property
    def least(self) -> float:
        """No pair is nearer than so many of its great-circle metres, less one."""
        return 1.0 if self.measured is None else self.measured.least

    def largest_metric(self) -> int:
        """A bound on the metric of any pair within reach."""
        return MOST_METRIC if self.measured is None else min(_FARTHEST, max(int(self.reach.max(initial=0)), 0))

    def build(self) -> tuple[Ints, Ints, Ints]:
        """Every eligible pair within reach, sorted by demand and then supply."""
        demands, supplies = self.demand_points.shape[1], self.supply_points.shape[1]
        found = [self._block(block) for block in demand_blocks(demands, supplies)]
        if len(found) == 1:
            return found[0]
        demand_of, supply_of, metric = (np.concatenate(column) for column in zip(*found, strict=True))
        return demand_of, supply_of, metric

    def pairs_of(self, demands: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Every eligible pair of some demands, in blocks of bounded size.

        Parameters
        ----------
        demands
            Rows, sorted.

        Yields
        ------
        Demand, supply and metric of each pair.
        """
        every = np.arange(self.supply_points.shape[1])
        some = self.part(demands, every)
        for block in demand_blocks(len(demands), len(every)):
            i, j, metric = some._block(block)
            yield demands[i], j, metric

    def known(self, demand_of: Ints, supply_of: Ints) -> tuple[Bools, Ints]:
        """Whether some pairs are eligible and within reach, and the metric of all of them.

        Parameters
        ----------
        demand_of, supply_of
            Rows of each pair.
        """
        metric = metres_between(
            np.take(self.supply_points, supply_of, axis=1), np.take(self.demand_points, demand_of, axis=1)
        )
        if self.measured is not None:
            metric = self.measured.metres(demand_of, supply_of, metric)
        keep = metric <= self.reach[supply_of]
        keep &= self.eligibility.allowed[
            self.eligibility.demand_group[demand_of], self.eligibility.supply_group[supply_of]
        ]
        return keep & ~among(demand_of, supply_of, self.never), metric

    def labels(self, demands: int, supplies: int) -> tuple[Ints, Ints]:
        """Columns that are equal where two nodes have the same pairs: place, group, reach, and no pair left out."""
        never = _own(self.never, (demands, supplies))
        # zero and minus zero are one coordinate
        of_demand = np.vstack([(self.demand_points + 0.0).view(np.int64), self.eligibility.demand_group, never[0]])
        of_supply = np.vstack(
            [(self.supply_points + 0.0).view(np.int64), self.eligibility.supply_group, self.reach, never[1]]
        )
        if self.measured is not None:
            own = self.measured.labels()
            return np.vstack([of_demand, own[0]]), np.vstack([of_supply, own[1]])
        return of_demand, of_supply

    def part(self, demands: Ints, supplies: Ints) -> PointArcs:
        """The pairs among some of the nodes, numbered anew; both are sorted."""
        return PointArcs(
            np.ascontiguousarray(self.demand_points[:, demands]),
            np.ascontiguousarray(self.supply_points[:, supplies]),
            self.reach[supplies],
            self.eligibility.part(demands, supplies),
            _part_of(self.never, demands, supplies),
            None if self.measured is None else self.measured.part(demands, supplies),
        )

    def _block(self, block: slice) -> tuple[Ints, Ints, Ints]:
        allowed = self.eligibility.pairs(block)
        # a chord of the reach and some metres more, against rounding: who is in is decided in whole metres below
        angle = np.minimum((self.reach / self.least + 3 / min(self.least, 1.0)) / EARTH_RADIUS, np.pi)
        least_cosine = np.where(angle < np.pi, np.cos(angle) - 1e-14, -2.0)
        allowed &= self.demand_points[:, block].T @ self.supply_points >= least_cosine
        demand_of, supply_of = np.nonzero(allowed)
        demand_of += block.start
        keep, metric = self.known(demand_of, supply_of)
        return (demand_of, supply_of, metric) if keep.all() else (demand_of[keep], supply_of[keep], metric[keep])
