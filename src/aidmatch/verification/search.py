"""Pairs of points that could give a proof the lie, without looking at every pair.

What is found here are candidates: every pair that the caller's exact test could
accept, and some more. The margins are wide enough for any rounding, and all
that is not a coordinate stays an integer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints
from aidmatch.distance.great_circle import EARTH_RADIUS

__all__ = ["ANYWHERE", "NOWHERE", "Nodes", "close_pairs", "has_one"]

#: Metres that no two places are apart: as a reach, no limit.
ANYWHERE: Final = 20_100_000

#: A price that brings nobody anything.
NOWHERE: Final = -(2**61)

# Against rounding: two metres, and a little of the chord where two metres hardly change it.
_METRES, _CHORD = 2, 1e-13

#: Points in a leaf, and pairs looked at in one go.
_LEAF, _CHUNK = 8, 500_000

_PairTest = Callable[[Ints, Ints], Bools]


@dataclass(frozen=True, slots=True)
class _Tree:
    """Boxes within boxes, as columns: the points of box b are ``rows[start[b] : end[b]]``."""

    rows: Ints
    start: Ints
    end: Ints
    first: Ints
    second: Ints
    low: Floats
    high: Floats
    least_order: Ints
    most_order: Ints
    most_price: Ints
    most_reach: Ints
    root_of_group: Ints


@dataclass(frozen=True)
class Nodes:
    """One side of a search; all arrays have one entry a node.

    Parameters
    ----------
    points
        Unit vectors, shape (3, nodes).
    group
        Numbers from 0; a table says which groups may meet.
    order
        What is compared before any distance: a demand and a supply of one order are a pair if their distance is below
        the sum of their prices; one of a demand with a supply of a lower order whatever the distance; one of a demand
        with a supply of a higher order never.
    price
        In metres, between −2^61 and 2^61.
    reach
        Metres up to which a node is in a pair at all.
    """

    points: Floats
    group: Ints
    order: Ints
    price: Ints
    reach: Ints

    def __len__(self) -> int:
        return len(self.group)

    def part(self, index: Ints | Bools) -> Nodes:
        """The same for some of the nodes."""
        return Nodes(
            self.points[:, index], self.group[index], self.order[index], self.price[index], self.reach[index]
        )

    def ordered(self, order: Ints) -> Nodes:
        """The same in another order, and without prices."""
        return replace(self, order=order, price=np.full(len(self), NOWHERE))

    @cached_property
    def tree(self) -> _Tree:
        """A tree for each group, cut by order first, then where it is widest: in space, or in price."""
        from scipy.spatial import cKDTree  # half a second that only large problems need

        price = np.clip(self.price, -ANYWHERE, ANYWHERE) / EARTH_RADIUS
        # orders lie farther apart than anything else, so that they are cut first
        coordinates = np.column_stack([*self.points, price, 16.0 * self.order])
        by_group = np.argsort(self.group, kind="stable")
        ends = np.searchsorted(self.group[by_group], np.arange(int(self.group.max(initial=-1)) + 2))
        boxes: list[tuple[int, int, int, int, int]] = []
        rows, roots = np.empty(len(self), dtype=np.int64), np.full(len(ends) - 1, -1, dtype=np.int64)
        for group, (begin, end) in enumerate(zip(ends.tolist(), ends.tolist()[1:], strict=False)):
            if begin == end:
                continue
            members = by_group[begin:end]
            grown = cKDTree(coordinates[members], leafsize=_LEAF, compact_nodes=False, balanced_tree=True)
            rows[begin:end] = members[grown.indices]
            roots[group] = len(boxes)
            boxes.append((0, 0, 0, -1, -1))
            waiting = [(len(boxes) - 1, grown.tree, 0)]
            while waiting:
                box, node, depth = waiting.pop()
                lesser, greater = node.lesser, node.greater
                begins, stops = begin + node.start_idx, begin + node.end_idx
                if lesser is None or greater is None:
                    boxes[box] = (begins, stops, depth, -1, -1)
                    continue
                size = len(boxes)
                boxes[box] = (begins, stops, depth, size, size + 1)
                boxes += [(0, 0, 0, -1, -1)] * 2
                waiting += [(size, lesser, depth + 1), (size + 1, greater, depth + 1)]
        start, stop, depth, first, second = np.array(boxes, dtype=np.int64).reshape(-1, 5).T
        return self._measured(rows, start, stop, depth, first, second, roots)

    def _measured(
        self, rows: Ints, start: Ints, end: Ints, depth: Ints, first: Ints, second: Ints, roots: Ints
    ) -> _Tree:
        """Extent of every box: of leaves by their points, of all others by the two boxes in them."""
        points = self.points[:, rows]
        low, high = np.empty((3, len(start))), np.empty((3, len(start)))
        least_order, most_order, most_price, most_reach = np.empty((4, len(start)), dtype=np.int64)
        leaves = np.flatnonzero(first < 0)
        leaves = leaves[np.argsort(start[leaves])]
        at = start[leaves]
        if len(leaves):
            low[:, leaves] = np.minimum.reduceat(points, at, axis=1)
            high[:, leaves] = np.maximum.reduceat(points, at, axis=1)
            least_order[leaves] = np.minimum.reduceat(self.order[rows], at)
            most_order[leaves] = np.maximum.reduceat(self.order[rows], at)
            most_price[leaves] = np.maximum.reduceat(self.price[rows], at)
            most_reach[leaves] = np.maximum.reduceat(self.reach[rows], at)
        for level in range(int(depth.max(initial=0)) - 1, -1, -1):
            inner = np.flatnonzero((depth == level) & (first >= 0))
            one, other = first[inner], second[inner]
            low[:, inner] = np.minimum(low[:, one], low[:, other])
            high[:, inner] = np.maximum(high[:, one], high[:, other])
            least_order[inner] = np.minimum(least_order[one], least_order[other])
            for most in (most_order, most_price, most_reach):
                most[inner] = np.maximum(most[one], most[other])
        return _Tree(rows, start, end, first, second, low, high, least_order, most_order, most_price, most_reach, roots)


def close_pairs(demands: Nodes, supplies: Nodes, may_meet: Bools) -> Iterator[tuple[Ints, Ints]]:
    """Every pair that a price, or an order, lets through within reach, and some that are about two metres off.

    Parameters
    ----------
    demands, supplies
        The two sides; the reach of a pair is the smaller of the two.
    may_meet
        Boolean table over the groups of the two sides.

    Yields
    ------
    Rows of demands and supplies, in parts of bounded size; a pair comes once.

    Notes
    -----
    Two trees are followed down together, and a pair of boxes is let go as soon as the least distance between them is
    above the most that a pair in them could bear (A. Gray and A. Moore, "N-body" problems in statistical learning,
    NIPS 2000). The prices are bounded in each box as the coordinates are.
    """
    if not len(demands) or not len(supplies):
        return
    one, other = demands.tree, supplies.tree
    g, h = np.nonzero(may_meet[: len(one.root_of_group), : len(other.root_of_group)])
    p, q = one.root_of_group[g], other.root_of_group[h]
    there = (p >= 0) & (q >= 0)
    waiting = _parts(p[there], q[there], _CHUNK)
    while waiting:
        p, q = waiting.pop()
        keep = _could_hold_a_pair(one, other, p, q)
        p, q = p[keep], q[keep]
        leaf_p, leaf_q = one.first[p] < 0, other.first[q] < 0
        both = leaf_p & leaf_q
        for part in _parts(p[both], q[both], _CHUNK // _LEAF**2):
            yield from _pairs_of_leaves(demands, supplies, *part)
        p, q, leaf_p, leaf_q = p[~both], q[~both], leaf_p[~both], leaf_q[~both]
        larger = leaf_q | (~leaf_p & (one.end[p] - one.start[p] >= other.end[q] - other.start[q]))
        halved, whole = p[larger], q[larger]
        kept, cut = p[~larger], q[~larger]
        waiting += _parts(
            np.concatenate([one.first[halved], one.second[halved], kept, kept]),
            np.concatenate([whole, whole, other.first[cut], other.second[cut]]),
            _CHUNK,
        )


def _parts(p: Ints, q: Ints, size: int) -> list[tuple[Ints, Ints]]:
    return [(p[start : start + size], q[start : start + size]) for start in range(0, len(p), size)]


def _could_hold_a_pair(one: _Tree, other: _Tree, p: Ints, q: Ints) -> Bools:
    most = np.minimum(one.most_reach[p], other.most_reach[q])
    price = one.most_price[p] + other.most_price[q]
    only_by_price = one.most_order[p] == other.least_order[q]
    bound = np.where(only_by_price, np.minimum(price, most), most)
    gap = np.zeros(len(p))
    for axis in range(3):
        apart = np.maximum(one.low[axis, p] - other.high[axis, q], other.low[axis, q] - one.high[axis, p])
        gap += np.maximum(apart, 0.0) ** 2
    return (one.most_order[p] >= other.least_order[q]) & (gap <= _squared_chord(bound))


def _squared_chord(metres: Ints) -> Floats:
    """Square of the longest chord that so many metres can have, rounding included; −1 for less than nothing."""
    some = np.clip(metres, -1 - _METRES, ANYWHERE) + _METRES
    chord: Floats = 2 * np.sin(np.minimum(some / (2 * EARTH_RADIUS), np.pi / 2)) + _CHORD
    return np.where(some < 0, -1.0, chord**2)


def _pairs_of_leaves(demands: Nodes, supplies: Nodes, p: Ints, q: Ints) -> Iterator[tuple[Ints, Ints]]:
    one, other = demands.tree, supplies.tree
    steps = np.arange(_LEAF)
    at_p, at_q = one.start[p, None] + steps, other.start[q, None] + steps
    inside = (at_p < one.end[p, None])[:, :, None] & (at_q < other.end[q, None])[:, None, :]
    i = one.rows[np.minimum(at_p, len(one.rows) - 1)]
    j = other.rows[np.minimum(at_q, len(other.rows) - 1)]
    gap = np.zeros(inside.shape)
    for axis in range(3):
        gap += (demands.points[axis, i][:, :, None] - supplies.points[axis, j][:, None, :]) ** 2
    price = demands.price[i][:, :, None] + supplies.price[j][:, None, :]
    order = np.sign(supplies.order[j][:, None, :] - demands.order[i][:, :, None])
    bound = np.where(order < 0, ANYWHERE, np.clip(price, -ANYWHERE, ANYWHERE))
    bound = np.minimum(bound, np.minimum(demands.reach[i][:, :, None], supplies.reach[j][:, None, :]))
    # an arc is never shorter than its chord, so that most need no sine
    arc = np.maximum(bound + _METRES, 0) / EARTH_RADIUS + _CHORD
    inside &= (order <= 0) & (bound >= -_METRES) & (gap <= arc**2)
    row, a, b = np.nonzero(inside)
    near = gap[row, a, b] <= _squared_chord(bound[row, a, b])
    if near.any():
        row, a, b = row[near], a[near], b[near]
        yield i[row, a], j[row, b]


def has_one(demands: Nodes, supplies: Nodes, may_meet: Bools, accept: _PairTest) -> Bools:
    """Whether there is a supply within reach that an exact test accepts, for each demand.

    Parameters
    ----------
    demands, supplies
        The two sides; orders and prices do not matter here, and the reach is that of the supplies.
    may_meet
        Boolean table over the groups of the two sides.
    accept
        The test, asked about rows of demands and supplies.

    Returns
    -------
    One truth value a demand.

    Notes
    -----
    Each demand asks its nearest supplies: one, then eight times as many as before, until one is accepted or none is
    left within reach.
    """
    found = np.zeros(len(demands), dtype=np.bool_)
    # supplies of one reach are asked together; of very many reaches, those of about the same
    kinds, kind = np.unique(supplies.reach, return_inverse=True)
    kind = kind * 16 // len(kinds) if len(kinds) > 16 else kind
    by_kind = np.lexsort((kind, supplies.group))
    cuts = np.flatnonzero(np.diff(supplies.group[by_kind]) | np.diff(kind[by_kind])) + 1
    # those that reach farthest first
    for some in sorted(np.split(by_kind, cuts), key=lambda rows: -int(supplies.reach[rows].max(initial=0))):
        if len(some):
            asking = np.flatnonzero(~found & may_meet[demands.group, supplies.group[some[0]]])
            _ask(demands, supplies, asking, some, accept, found)
    return found


def _ask(demands: Nodes, supplies: Nodes, asking: Ints, some: Ints, accept: _PairTest, found: Bools) -> None:
    reach = int(supplies.reach[some].max())
    nearest = _first_of(len(some)) if reach >= ANYWHERE else _nearest_of(supplies.points[:, some], reach)
    count = 1
    while asking.size:
        count = min(count, len(some))
        open_: list[Ints] = []
        step = max(1, _CHUNK // count)
        for start in range(0, len(asking), step):
            rows = asking[start : start + step]
            # all of them again: the order of those at one distance may have changed
            hits = nearest(demands.points[:, rows], count)
            row, at = np.nonzero(hits < len(some))
            good = accept(rows[row], some[hits[row, at]])
            found[rows[row[good]]] = True
            open_.append(rows[~found[rows] & (hits[:, -1] < len(some))])
        if count == len(some):
            return
        asking, count = np.concatenate(open_), count * 8


def _first_of(size: int) -> Callable[[Floats, int], Ints]:
    return lambda points, count: np.broadcast_to(np.arange(count), (points.shape[1], count))


def _nearest_of(points: Floats, reach: int) -> Callable[[Floats, int], Ints]:
    """Rows of the nearest points within reach; as many as there are points where there is none."""
    from scipy.spatial import KDTree

    tree = KDTree(points.T)
    # the bound itself is out
    chord = float(np.sqrt(_squared_chord(np.array([reach]))[0])) * (1 + 1e-9)

    def nearest(of: Floats, count: int) -> Ints:
        _, rows = tree.query(of.T, k=np.arange(1, count + 1), distance_upper_bound=chord)
        return np.asarray(rows, dtype=np.int64)

    return nearest
