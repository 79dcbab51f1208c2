"""Which pairs could still improve an answer: the one place where pairs that were never built are looked for.

Points are cut into blocks of neighbours with one eligibility group each. For
two blocks, the distance of their centres less their radii bounds every
distance between them from below, and the sum of their largest potentials
bounds from above how far a pair may be apart and still help. Most pairs of
blocks fall out by that. In the others a chord, which is never longer than the
way along the sphere, stands for the distance, with two metres and the rounding
of the potentials on the safe side. What is left is measured and decided in
integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints
from aidmatch.distance.great_circle import EARTH_RADIUS
from aidmatch.formulation.arcs import PointArcs
from aidmatch.pair_costs import CostOfPairs

__all__ = ["Found", "Neighbours", "Prices"]

#: Points in a block: small enough to be near each other, large enough for one matrix product.
_IN_BLOCK: Final = 40
#: Pairs compared in one go, within the processor's cache.
_IN_CACHE: Final = 120_000
#: Neighbours of a node that are given, where there are many groups to give some of each; one of each is the least.
_NEAR_IN_ALL: Final = 64
#: Near partners among which eligible ones are looked for, where there are many groups.
_LOOKED_AT: Final = 128
#: Pairs that would help, beyond which a search keeps the best few of each demand and block only.
_PLENTY: Final = 10_000_000
_SOME: Final = 8
#: Pairs of eligibility groups up to which blocks keep to one group.
_FEW_GROUPS: Final = 400
#: Metres on the safe side: rounding of a distance, of a chord near zero, of a radius, and one that a bound may lack.
_MARGIN: Final = 3.0


@dataclass(frozen=True, slots=True)
class Prices:
    """One cost for every pair, and what each node pays at most.

    Parameters
    ----------
    metric
        Cost of one metre, ≥ 0.
    others
        Costs of pairs at other levels, each with its weight.
    u, v
        Potentials of demands and supplies, int64.
    """

    metric: int
    others: tuple[tuple[int, CostOfPairs], ...]
    u: Ints
    v: Ints

    def reduced(self, demand_of: Ints, supply_of: Ints, metric: Ints) -> Ints:
        """Reduced costs of some pairs."""
        reduced = self.metric * metric - self.u[demand_of] - self.v[supply_of]
        for weight, costs in self.others:
            reduced += weight * costs.of(demand_of, supply_of, metric)
        return reduced


@dataclass(frozen=True, slots=True)
class Found:
    """Some pairs: their ends, metric and reduced cost, int64."""

    demand_of: Ints
    supply_of: Ints
    metric: Ints
    reduced: Ints

    @classmethod
    def of(cls, some: Sequence[Found]) -> Found:
        """All of some, one behind the other."""
        names = ("demand_of", "supply_of", "metric", "reduced")
        return cls(*(np.concatenate([getattr(one, name) for one in some]) for name in names))

    def part(self, keep: Bools | Ints) -> Found:
        """Some of them."""
        return Found(self.demand_of[keep], self.supply_of[keep], self.metric[keep], self.reduced[keep])


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Nodes in blocks: their order, and where each block begins, lies and how far it extends."""

    order: Ints
    begins: Ints
    points: Floats
    group: Ints
    centre: Floats
    radius: Floats

    @classmethod
    def of(cls, points: Floats, group: Ints) -> _Blocks:
        from scipy.spatial import KDTree

        order, cuts = [], [0]
        for label in np.unique(group):
            rows = np.flatnonzero(group == label)
            if len(rows) > _IN_BLOCK:
                # a tree's order of its leaves keeps neighbours together
                rows = rows[KDTree(points[:, rows].T, leafsize=8).indices]
            order.append(rows)
            cuts.extend(range(cuts[-1] + _IN_BLOCK, cuts[-1] + len(rows), _IN_BLOCK))
            cuts.append(sum(map(len, order)))
        nodes = np.concatenate(order)
        ordered = np.ascontiguousarray(points[:, nodes])
        begins = np.array(cuts, dtype=np.int64)
        centre = np.add.reduceat(ordered, begins[:-1], axis=1)
        length = np.sqrt((centre**2).sum(axis=0))
        # points all round the sphere have no centre; any will do
        centre = np.where(length > 1e-9, centre / np.maximum(length, 1e-9), ordered[:, begins[:-1]])
        block_of = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
        chord = np.sqrt(((ordered - centre[:, block_of]) ** 2).sum(axis=0))
        radius = np.maximum.reduceat(_along(chord), begins[:-1])
        return cls(nodes, begins, ordered, group[nodes[begins[:-1]]], centre, radius)

    def __len__(self) -> int:
        return len(self.begins) - 1

    def largest(self, values: Floats) -> Floats:
        """Largest value in each block, of values in the nodes' own order."""
        return np.maximum.reduceat(values[self.order], self.begins[:-1])


def _along(chord: Floats) -> Floats:
    """Metres along the sphere of chords of the unit sphere."""
    metres: Floats = 2 * EARTH_RADIUS * np.arcsin(np.minimum(chord / 2, 1.0))
    return metres


def _nearest_allowed(
    points: Floats, group: Ints, others: Floats, other_group: Ints, allowed: Bools, count: int
) -> tuple[Ints, Ints]:
    """The nearest eligible partners of points, where groups are too many to be asked one by one.

    All near partners are looked at, more and more of them for those who have found too few, up to `_LOOKED_AT`.
    """
    from scipy.spatial import KDTree

    tree = KDTree(others.T)
    found: list[tuple[Ints, Ints]] = []
    rows, look = np.arange(points.shape[1]), min(2 * count, others.shape[1])
    while rows.size:
        _, index = tree.query(points[:, rows].T, k=[*range(1, look + 1)])
        good = allowed[group[rows][:, None], other_group[index]]
        good &= np.cumsum(good, axis=1) <= count
        last = look >= min(_LOOKED_AT, others.shape[1])
        done = (good.sum(axis=1) == count) | last
        at, of = np.nonzero(good & done[:, None])
        found.append((rows[at], index[at, of]))
        rows, look = rows[~done], min(2 * look, _LOOKED_AT, others.shape[1])
    return np.concatenate([i for i, _ in found]), np.concatenate([j for _, j in found])


class Neighbours:
    """The pairs of a market between points, looked up by price; there is a demand and a supply at least.

    Parameters
    ----------
    arcs
        Which pairs are eligible.
    """

    def __init__(self, arcs: PointArcs) -> None:
        self.arcs = arcs
        self._margin = _MARGIN * max(1.0, arcs.least)
        groups = arcs.eligibility
        # blocks of one group each, unless groups are so many that blocks would be small; then each pair is looked at
        self._mixed = groups.allowed.size > _FEW_GROUPS
        one_group = [
            np.zeros_like(side) if self._mixed else side for side in (groups.demand_group, groups.supply_group)
        ]
        self._demands = _Blocks.of(arcs.demand_points, one_group[0])
        self._supplies = _Blocks.of(arcs.supply_points, one_group[1])
        self._reach = self._supplies.largest(arcs.reach.astype(np.float64))

    def nearest(self, count: int) -> tuple[Ints, Ints]:
        """The nearest eligible partners of every node, some of each eligibility group, without regard to reach.

        Parameters
        ----------
        count
            How many a node and group, as long as they are few groups.

        Returns
        -------
        Demand and supply of each pair; pairs may come twice.
        """
        from scipy.spatial import KDTree

        arcs, eligibility = self.arcs, self.arcs.eligibility
        found: list[tuple[Ints, Ints]] = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
        sides = (
            (arcs.demand_points, eligibility.demand_group, arcs.supply_points, eligibility.supply_group, False),
            (arcs.supply_points, eligibility.supply_group, arcs.demand_points, eligibility.demand_group, True),
        )
        fewer = min(arcs.demand_points.shape[1], arcs.supply_points.shape[1])
        for points, group, others, other_group, turned in sides:
            share = max(1, -(-count * fewer // points.shape[1]))
            allowed = eligibility.allowed.T if turned else eligibility.allowed
            if self._mixed:
                pair = _nearest_allowed(points, group, others, other_group, allowed, share)
                found.append(pair[::-1] if turned else pair)
                continue
            labels = np.unique(other_group)
            each = max(1, min(share, _NEAR_IN_ALL // len(labels)))
            for label in labels:
                there = np.flatnonzero(other_group == label)
                here = np.flatnonzero(allowed[group, label])
                if not here.size:
                    continue
                take = min(each, len(there))
                _, index = KDTree(others[:, there].T).query(points[:, here].T, k=[*range(1, take + 1)])
                pair = np.repeat(here, take), there[index.ravel()]
                found.append(pair[::-1] if turned else pair)
        demand_of, supply_of = (np.concatenate(side) for side in zip(*found, strict=True))
        return demand_of, supply_of

    def search(self, prices: Prices, *, most: int | None, blocks: int | None, full: int = 0) -> Found:
        """Pairs whose reduced cost is negative; without `most` those where it is zero, too, if none is that could help.

        Parameters
        ----------
        prices
            What a pair must beat.
        most
            How many a demand, the best of them; None for every pair, as long as they are not so many that the answer
            is far from being the last.
        blocks
            How many blocks of supplies to look at for each block of demands, the most promising first; None for all,
            so that the search is complete.
        full
            Pairs that are at their limit, and therefore rightly below zero.

        Returns
        -------
        The pairs, in no particular order.
        """
        scale = float(max(prices.metric, 1))
        u, v = prices.u / scale, prices.v / scale
        largest = max(np.abs(u).max(initial=0.0), np.abs(v).max(initial=0.0))
        margin = self._margin + largest * 2**-50
        if prices.metric == 0:
            # no metre costs anything: who can pay at all can go anywhere
            margin = 0.5
        found = [Found(*np.zeros((4, 0), dtype=np.int64))]
        below = 0
        for rows, columns in self._promising(u, v, margin, prices.metric > 0, blocks):
            enough = most if below <= full + _PLENTY else _SOME
            i, j = self._pairs(rows, columns, (u, v), margin, prices.metric > 0, enough)
            keep, metric = self.arcs.known(i, j)
            i, j, metric = i[keep], j[keep], metric[keep]
            reduced = prices.reduced(i, j, metric)
            # once one could help, this is not the last search, and those at zero are not wanted
            good = reduced <= 0 if most is None and below <= full else reduced < 0
            below += int((reduced[good] < 0).sum())
            found.append(Found(i[good], j[good], metric[good], reduced[good]))
        return Found.of(found)

    def _promising(
        self, u: Floats, v: Floats, margin: float, by_distance: bool, blocks: int | None
    ) -> Iterator[tuple[slice, Ints]]:
        """Blocks of demands as slices of their order, and supplies as places in theirs, a bounded number at a time."""
        demands, supplies = self._demands, self._supplies
        most_u, most_v = demands.largest(u), supplies.largest(v)
        sizes = np.diff(supplies.begins)
        for block in range(len(demands)):
            apart = _along(np.sqrt(((supplies.centre - demands.centre[:, block, None]) ** 2).sum(axis=0)))
            apart -= supplies.radius + demands.radius[block]
            spare = most_u[block] + most_v + margin
            apart *= self.arcs.least
            if by_distance:
                spare -= np.maximum(apart, 0.0)
            near = (spare >= 0) & (apart <= self._reach + self._margin)
            near &= self._may_meet(block)
            chosen = np.flatnonzero(near)
            if blocks is not None and len(chosen) > blocks:
                chosen = chosen[np.argpartition(-spare[chosen], blocks)[:blocks]]
            rows = slice(int(demands.begins[block]), int(demands.begins[block + 1]))
            step = max(1, _IN_CACHE // (_IN_BLOCK * (rows.stop - rows.start)))
            for start in range(0, len(chosen), step):
                some = chosen[start : start + step]
                size = sizes[some]
                yield rows, np.repeat(supplies.begins[some] - np.cumsum(size) + size, size) + np.arange(size.sum())

    def _may_meet(self, block: int) -> Bools:
        """Whether a block of demands has an eligible pair with each block of supplies, by groups alone."""
        groups, demands, supplies = self.arcs.eligibility, self._demands, self._supplies
        if not self._mixed:
            some: Bools = groups.allowed[demands.group[block], supplies.group]
            return some
        here = np.unique(groups.demand_group[demands.order[demands.begins[block] : demands.begins[block + 1]]])
        there: Bools = np.logical_or.reduce(groups.allowed[here], axis=0)
        there = there[groups.supply_group[supplies.order]]
        return np.logical_or.reduceat(there, supplies.begins[:-1])

    def _pairs(
        self,
        rows: slice,
        columns: Ints,
        prices: tuple[Floats, Floats],
        margin: float,
        by_distance: bool,
        most: int | None,
    ) -> tuple[Ints, Ints]:
        """Pairs of a block that pass the test by chord, those with most to gain of each demand."""
        i, j = self._demands.order[rows], self._supplies.order[columns]
        spare = np.add.outer(prices[0][i] + margin, prices[1][j])
        if by_distance:
            cosine = self._demands.points[:, rows].T @ self._supplies.points[:, columns]
            chord = np.sqrt(np.maximum(2 * EARTH_RADIUS**2 * (1.0 - cosine), 0.0))
            spare -= self.arcs.least * chord
        if self._mixed:
            groups = self.arcs.eligibility
            spare[~groups.allowed[np.ix_(groups.demand_group[i], groups.supply_group[j])]] = -1.0
        if most is not None and spare.shape[1] > most:
            pick = np.argpartition(spare, -most, axis=1)[:, -most:]
            at, of = np.nonzero(np.take_along_axis(spare, pick, axis=1) >= 0)
            return i[at], j[pick[at, of]]
        at, of = np.nonzero(spare >= 0)
        return i[at], j[of]
