"""Interchangeable nodes taken together, and results split back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aidmatch.arrays import Ints, Keys
from aidmatch.program import Market

__all__ = ["Classes", "classes_of", "merged", "split_supplies"]


@dataclass(frozen=True, slots=True)
class Classes:
    """Which nodes of a market are interchangeable: same pairs, same costs at every level.

    Parameters
    ----------
    demand, supply
        Class of each node, int64, numbered by the first member.
    first_demand, first_supply
        First member of each class, int64, ascending.
    """

    demand: Ints
    supply: Ints
    first_demand: Ints
    first_supply: Ints


def classes_of(market: Market) -> Classes:
    """Find the classes.

    Parameters
    ----------
    market
        The market. Where pairs have a limit of their own, every node is a class: units of one class could not be
        dealt out again one to a pair.
    """
    n, m = len(market.demand), len(market.supply)
    if market.limit is not None:
        return Classes(np.arange(n), np.arange(m), np.arange(n), np.arange(m))
    columns = [market.arcs.labels(n, m)]
    for level in market.levels:
        if level.unmet is not None:
            columns.append((level.unmet[None], np.zeros((0, m), dtype=np.int64)))
        if level.pairs is not None:
            columns.append(level.pairs.labels(n, m))
    demand, first_demand = _alike([of_demand for of_demand, _ in columns], n)
    supply, first_supply = _alike([of_supply for _, of_supply in columns], m)
    return Classes(demand, supply, first_demand, first_supply)


def _alike(columns: Sequence[Ints], size: int) -> tuple[Ints, Ints]:
    rows = np.concatenate(columns)
    order = np.lexsort(rows) if rows.size else np.arange(size)
    starts = np.ones(size, dtype=np.bool_)
    starts[1:] = (np.diff(rows[:, order], axis=1) != 0).any(axis=0)
    # a stable sort leaves the first member of each class at its start
    first = order[starts]
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    label = np.empty(size, dtype=np.int64)
    label[order] = number[np.cumsum(starts) - 1]
    return label, np.sort(first)


def merged(market: Market, classes: Classes) -> Market:
    """The market of the classes; the keys of first members stand in for theirs.

    Parameters
    ----------
    market, classes
        The market and what of it is interchangeable.
    """
    i, j = classes.first_demand, classes.first_supply
    if len(i) == len(market.demand) and len(j) == len(market.supply):
        return market
    demand, supply = (np.zeros(len(first), dtype=np.int64) for first in (i, j))
    np.add.at(demand, classes.demand, market.demand)
    np.add.at(supply, classes.supply, market.supply)
    return replace(market.part(i, j), demand=demand, supply=supply)


def split_supplies(
    rank: Ints, demand_of: Ints, class_of: Ints, flow: Ints, supply: Ints, member_of: Ints, keys: Keys
) -> tuple[Ints, Ints, Ints]:
    """Deal the flow from classes of supplies out to their members.

    The demands of a class are taken by rank, its members by key, and each unit goes from the first member that has
    one: a choice that depends on nobody's row.

    Parameters
    ----------
    rank
        Of each demand.
    demand_of, class_of, flow
        Ends and units of each arc that carries flow.
    supply, member_of, keys
        Units, class and key of each supply.

    Returns
    -------
    Demand, supply and units of each pair, sorted by demand and then supply.
    """
    if not len(flow):
        return demand_of, class_of, flow
    arcs, members = np.lexsort((rank[demand_of], class_of)), np.lexsort((keys, member_of))
    # all units of a class lie side by side on one line, and the classes one after the other
    until = np.cumsum(supply[members])
    begins = until - supply[members]
    class_begins = begins[np.searchsorted(member_of[members], np.arange(int(member_of.max()) + 1))]
    sent = np.cumsum(flow[arcs])
    first = np.searchsorted(class_of[arcs], np.arange(int(member_of.max()) + 1))
    before = np.concatenate([[0], sent])[first]
    ends = sent - before[class_of[arcs]] + class_begins[class_of[arcs]]
    starts = ends - flow[arcs]
    cuts = np.unique(np.concatenate([starts, ends, begins]))
    piece = np.diff(cuts)
    on_arc = np.searchsorted(starts, cuts[:-1], side="right") - 1
    inside = (on_arc >= 0) & (cuts[:-1] < ends[np.maximum(on_arc, 0)])
    # a member without units begins where the next one does, which is then the last that begins here
    on_member = np.searchsorted(begins, cuts[:-1], side="right") - 1
    i, j = demand_of[arcs[on_arc[inside]]], members[on_member[inside]]
    order = np.lexsort((j, i))
    return i[order], j[order], piece[inside][order]
