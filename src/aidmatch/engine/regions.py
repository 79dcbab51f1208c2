"""Regions of a large component: supplies that lie together, and the demands that are theirs.

A component that distance holds together has no blocks that few rows tie, but
what is far apart hardly matters to each other. Its supplies are cut in two by
how far they are from one at the edge, and the parts again. A region is searched
while all others stay what they are (large neighbourhood search; Shaw 1998), and
no column is in two of them, so that they can be searched at the same time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints, first_of_each
from aidmatch.integer_program import IntegerProgram, RowKind

__all__ = ["regions_of"]

#: Rows of supplies whose columns follow them into their region.
_OF_SUPPLIES = (RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL)


def regions_of(program: IntegerProgram, usable: Bools, known: Ints, size: int, part: float) -> list[Ints]:
    """Columns of each region.

    Parameters
    ----------
    program
        A component that sets of clients suit. How far the two ends of a pair are apart, the last level says at which
        pairs cost something and none is worth something; without one, all are equally far.
    usable
        Pairs that may be used, shape (pairs,).
    known
        A feasible answer.
    size
        Most supplies of a region.
    part
        Part of the supplies that are cut off first, more than none and less than all: other parts give other borders.

    Returns
    -------
    Ascending columns, the regions by their first supplies; those without pairs are left out. A demand is in the region
    of its supplies if they are in one, and if it has none, in that of its nearest; otherwise it is in none.
    """
    arcs, demand, supply = len(program.demand_of), program.demand_of, program.supply_of
    far = _far(program)
    some = np.flatnonzero(usable)
    region = _regions(program, some, far, size, part)
    owner = _owners(program, region, some, far, np.flatnonzero(known[:arcs] > 0))
    of = np.full(len(program.most), -1, dtype=np.int64)
    of_row = np.full(len(program.row_kind), -1, dtype=np.int64)
    served, of_supply = program.row_kind == RowKind.SERVED, np.isin(program.row_kind, _OF_SUPPLIES)
    of_row[served] = owner[program.row_node[served]]
    of_row[of_supply] = region[program.row_node[of_supply]]
    counts = program.row_column >= arcs
    of[program.row_column[counts]] = np.repeat(of_row, np.diff(program.row_start))[counts]
    of[:arcs] = np.where(owner[demand] == region[supply], owner[demand], -1)
    order = np.argsort(of, kind="stable")
    ends = np.searchsorted(of[order], np.arange(int(region.max(initial=-1)) + 2))
    # where nothing is to be chosen, nothing counts
    return [columns for columns in np.split(order, ends)[1:-1] if len(columns) and columns[0] < arcs]


def _far(program: IntegerProgram) -> Floats:
    """How far the two ends of each pair are apart."""
    arcs = len(program.demand_of)
    for level in reversed(program.levels):
        cost = level.cost[:arcs]
        if cost.any() and cost.min() >= 0:
            return cost.astype(np.float64) + 1.0
    return np.ones(arcs)


def _regions(program: IntegerProgram, arcs: Ints, far: Floats, size: int, part: float) -> Ints:
    """The region of each supply; −1 for those without pairs."""
    from scipy.sparse import csr_array

    supplies, place = np.unique(program.supply_of[arcs], return_inverse=True)
    demands, other = np.unique(program.demand_of[arcs], return_inverse=True)
    one_way = csr_array((far[arcs], (place, len(supplies) + other)), shape=(len(supplies) + len(demands),) * 2)
    graph = (one_way + one_way.T).tocsr()
    waiting, done = [(np.arange(len(supplies)), part)], []
    while waiting:
        inside, share = waiting.pop()
        if len(inside) <= size:
            done.append(inside)
            continue
        order = inside[np.argsort(_from_the_edge(graph, inside), kind="stable")]
        cut = min(max(1, round(share * len(order))), len(order) - 1)
        waiting += [(np.sort(half), 0.5) for half in (order[:cut], order[cut:])]
    region = np.full(program.supplies, -1, dtype=np.int64)
    for number, inside in enumerate(sorted(done, key=lambda one: int(one.min(initial=len(supplies))))):
        region[supplies[inside]] = number
    return region


def _from_the_edge(graph: Any, inside: Ints) -> Floats:
    """How far some supplies are from one of them that is far from the first, by way of them and of their demands."""
    from scipy.sparse.csgraph import dijkstra

    own = np.concatenate([inside, np.unique(graph[inside].indices)])
    within = graph[own][:, own]
    far = dijkstra(within, indices=0)[: len(inside)]
    edge = int(np.where(np.isinf(far), -1.0, far).argmax())
    distance: Floats = dijkstra(within, indices=edge)[: len(inside)]
    return distance


def _owners(program: IntegerProgram, region: Ints, usable: Ints, far: Floats, used: Ints) -> Ints:
    """The region of each demand; −1 for none."""
    demand, supply = program.demand_of, program.supply_of
    least, most = np.full(program.demands, program.supplies), np.full(program.demands, -1)
    np.minimum.at(least, demand[used], region[supply[used]])
    np.maximum.at(most, demand[used], region[supply[used]])
    owner = np.where(least == most, most, -1)
    order = usable[np.lexsort((supply[usable], far[usable], demand[usable]))]
    nearest = first_of_each(order, demand, 1)
    alone = nearest[most[demand[nearest]] < 0]
    owner[demand[alone]] = region[supply[alone]]
    return owner
