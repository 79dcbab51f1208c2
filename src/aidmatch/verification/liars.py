"""Who could give a proof the lie: nodes that are the same are asked about once, and rules by their labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.rules.protocol import Rule, reason_of
from aidmatch.verification.search import ANYWHERE, Nodes, close_pairs

__all__ = ["compared", "first_liar", "signatures", "somewhere"]

#: Pairs of labels up to which a rule is asked about all of them, and size up to which rules share a table.
_ASKED, _TABLE = 400_000, 4_000_000

#: Pairs of records looked at in one go.
_CHUNK: Final = 500_000


def compared(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Number the columns of two tables in their lexicographic order, equal ones alike.

    Parameters
    ----------
    one, other
        Shapes (rows, columns), with the same rows.

    Returns
    -------
    A number for each column of the one and of the other; numbers compare as columns do, across the two.
    """
    size = one.shape[1]
    number = np.zeros(size + other.shape[1], dtype=np.int64)
    for row in np.concatenate([one, other], axis=1):
        if row.size and row.min() < row.max():
            _, place = np.unique(row, return_inverse=True)
            number = np.unique(number * (int(place.max()) + 1) + place, return_inverse=True)[1]
    return number[:size], number[size:]


def somewhere(group: Ints) -> Nodes:
    """Nodes of which nothing matters but the group.

    Parameters
    ----------
    group
        Of each node.
    """
    nothing = np.zeros(len(group), dtype=np.int64)
    return Nodes(np.zeros((3, len(group))), group, nothing, nothing, np.full(len(group), ANYWHERE))


def first_liar(
    demands: Nodes,
    supplies: Nodes,
    last: tuple[Ints, Ints],
    may_meet: Bools,
    metres: Callable[[Ints, Ints], Ints],
    accept: Callable[[Ints, Ints], Bools],
) -> int | None:
    """The first demand that has a pair an exact test accepts.

    Parameters
    ----------
    demands, supplies
        The two sides, in the meaning of `Nodes`: only pairs that an order or a price lets through can be accepted.
    last
        Order of the demands and of the supplies where orders are the same and metres equal the sum of the prices: a
        pair can then be accepted only if the supply's is lower.
    may_meet
        Boolean table over the groups; pairs of others cannot be accepted.
    metres
        Measures pairs, by their rows.
    accept
        The test, asked about rows of demands and supplies.

    Returns
    -------
    The row of the demand, or None.

    Notes
    -----
    Nodes at one place with the same prices, orders, group and reach are searched as one, so that villages and hubs cost
    no more than their number.
    """
    if not len(demands) or not len(supplies):
        return None
    (one, members, highest), (other, others, lowest) = _classes(demands, last[0]), _classes(supplies, -last[1])
    best = len(demands)
    for p, q in close_pairs(one, other, may_meet):
        far = metres(members.first[p], others.first[q])
        open_ = np.sign(far - one.price[p] - other.price[q])
        step = np.sign(other.order[q] - one.order[p])
        sign = np.where(step == 0, open_, step)
        liar = (sign < 0) | ((sign == 0) & (-lowest[q] < highest[p]))
        liar &= (far <= other.reach[q]) & (members.first[p] < best)
        best = _first_of(members, others, p[liar], q[liar], accept, best)
    return best if best < len(demands) else None


class _Members:
    """Rows of the nodes in each class, ascending."""

    def __init__(self, of_node: Ints) -> None:
        self.rows = np.argsort(of_node, kind="stable")
        self.start = np.searchsorted(of_node[self.rows], np.arange(int(of_node.max()) + 2))
        self.first = self.rows[self.start[:-1]]

    def spread(self, classes: Ints) -> tuple[Ints, Ints]:
        """Members of some classes, one after the other, and which of the entries each belongs to."""
        size = self.start[classes + 1] - self.start[classes]
        entry = np.repeat(np.arange(len(classes)), size)
        return self.rows[
            np.arange(len(entry)) - np.repeat(np.cumsum(size) - size, size) + self.start[classes][entry]
        ], entry


def _classes(nodes: Nodes, last: Ints) -> tuple[Nodes, _Members, Ints]:
    """Nodes that are the same to a search as one, and the highest of their last orders."""
    keys = (*nodes.points, nodes.price, nodes.order, nodes.reach, nodes.group)
    order = np.lexsort(keys)
    fresh = np.zeros(len(nodes), dtype=np.bool_)
    for key in keys:
        fresh[1:] |= key[order][1:] != key[order][:-1]
    of_node = np.empty(len(nodes), dtype=np.int64)
    of_node[order] = np.cumsum(fresh)
    members = _Members(of_node)
    return nodes.part(members.first), members, np.maximum.reduceat(last[members.rows], members.start[:-1])


def _first_of(
    members: _Members, others: _Members, p: Ints, q: Ints, accept: Callable[[Ints, Ints], Bools], best: int
) -> int:
    """First row of a demand in some pairs of classes that the test accepts, if it comes before the best so far."""
    rows, entry = members.spread(p)
    order = np.argsort(rows, kind="stable")
    rows, classes = rows[order], q[entry[order]]
    size = others.start[classes + 1] - others.start[classes]
    ends = np.cumsum(size)
    start = 0
    while start < len(rows) and rows[start] < best:
        done = int(ends[start] - size[start])
        stop = max(start + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
        columns, at = others.spread(classes[start:stop])
        demand = rows[start:stop][at]
        good = accept(demand, columns)
        if good.any():
            return min(best, int(demand[good].min()))
        start = stop
    return best


def signatures(
    rules: Sequence[Rule], labels: Sequence[tuple[Ints, Ints]], demands: Sequence[Any], supplies: Sequence[Any]
) -> tuple[Bools, Ints, Ints]:
    """Group the records by what the rules say of them, as far as that narrows a search.

    Parameters
    ----------
    rules
        The rules.
    labels
        Labels of the demands and of the supplies under each, numbered without gaps.
    demands, supplies
        The records.

    Returns
    -------
    A boolean table over groups of demands and of supplies, and the group of each record. What the table forbids, a rule
    forbids; what it allows may still be forbidden by a rule with too many labels, or one that forbids few pairs: to
    search those is cheaper than to search group by group.
    """
    may_meet = np.ones((1, 1), dtype=np.bool_)
    groups = [np.zeros(len(demands), dtype=np.int64), np.zeros(len(supplies), dtype=np.int64)]
    for rule, sides in zip(rules, labels, strict=True):
        count = [np.bincount(side) for side in sides]
        if len(count[0]) * len(count[1]) > _ASKED:
            continue
        first = [np.unique(side, return_index=True)[1] for side in sides]
        table = np.array(
            [[reason_of(rule, demands[i], supplies[j]) is None for j in first[1].tolist()] for i in first[0].tolist()],
            dtype=np.bool_,
        ).reshape(len(count[0]), len(count[1]))
        if int(count[0] @ (~table).astype(np.int64) @ count[1]) <= 4 * (len(demands) + len(supplies)):
            continue
        met = [
            np.unique(g * len(c) + side, return_inverse=True) for g, c, side in zip(groups, count, sides, strict=True)
        ]
        if len(met[0][0]) * len(met[1][0]) > _TABLE:
            continue
        (rows, of_demand), (columns, of_supply) = met
        wide = may_meet[np.ix_(rows // len(count[0]), columns // len(count[1]))]
        wide &= table[np.ix_(rows % len(count[0]), columns % len(count[1]))]
        may_meet, row = np.unique(wide, axis=0, return_inverse=True)
        may_meet, column = np.unique(may_meet, axis=1, return_inverse=True)
        groups = [row.reshape(-1)[of_demand], column.reshape(-1)[of_supply]]
    return may_meet, groups[0], groups[1]
