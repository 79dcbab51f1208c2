"""The independent check of what integers decided: every row anew from the records, and every bound.

Nothing here comes from formulation, engine or solvers. A bound is recomputed
from its multipliers: what they say is put into the prices of each pair, of
what each demand gets and of what each supply gives, and for each of these the
cheapest value it may have is taken. (Weak Lagrangian duality; the text of
`integer_certificate` says which multiplier belongs to what.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Ints
from aidmatch.errors import VerificationError
from aidmatch.integer_certificate import IntegerCertificate, TreeProof
from aidmatch.levels import LevelDefinition, shortfall
from aidmatch.policy import Policy
from aidmatch.problem.problem import Problem

__all__ = ["Decided", "check_rows", "proven_gaps"]

#: Kinds of rows, as in `integer_program.RowKind`, which this module does not import.
_SERVED, _GIVEN, _LOAD, _SHORTFALL, _SHIPMENTS, _SHARE, _OVER, _LARGEST = range(8)
_ENDLESS: Final = 2**61

Exact = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """A matching as arrays, over every eligible pair.

    Parameters
    ----------
    i, j, metric
        Rows of each eligible pair that is not pinned to its limit, and its cost.
    units
        Decided on the pair, without what is pinned.
    pin_i, pin_j, pin_units, pin_metric
        What is pinned.
    costs
        Of a unit on each pair at each level.
    asked, offered
        Units of each demand and supply, without what is pinned.
    """

    i: Ints
    j: Ints
    metric: Ints
    units: Ints
    pin_i: Ints
    pin_j: Ints
    pin_units: Ints
    pin_metric: Ints
    costs: tuple[Ints, ...]
    asked: Ints
    offered: Ints


def _lie(code: str, message: str) -> NoReturn:
    raise VerificationError(message, code=code)


def check_rows(problem: Problem, policy: Policy, sent: Sequence[tuple[Any, Any, int, int, int]]) -> None:
    """Whether assignments keep what demands, supplies and donors ask.

    Parameters
    ----------
    problem, policy
        What is to be matched and how to choose.
    sent
        Demand, supply, units, units of these that are pinned, and cost of each assignment.

    Raises
    ------
    VerificationError
        ``WHOLE``, ``MINIMUM``, ``PACK``, ``LOT``, ``SHIPMENTS`` or ``LOAD``, naming who.
    """
    load_of = problem.load(policy)
    served: dict[str, list[int]] = {}
    given: dict[str, list[int]] = {}
    shipments: dict[str, int] = {}
    for demand, supply, units, pinned, cost in sent:
        pair = f"supply {supply.id!r} to demand {demand.id!r}"
        if (units - pinned) % getattr(supply, "pack_size", 1):
            _lie("PACK", f"{pair}: {units} are no whole packs")
        if units < getattr(supply, "min_lot", 1):
            _lie("LOT", f"{pair}: {units} are below the minimum lot")
        shipments[getattr(supply, "donor_id", "")] = shipments.get(getattr(supply, "donor_id", ""), 0) + 1
        one, other = served.setdefault(demand.id, [0, 0]), given.setdefault(supply.id, [0, 0, 0])
        one[0] += units
        one[1] += pinned
        other[0] += units
        other[1] += pinned
        other[2] += units * load_of(demand, supply, cost)
    for demand in problem.admission().demands:
        units, pinned = served.get(demand.id, (0, 0))
        asked = problem.demand_side.units(demand)
        if demand.whole and pinned < units < asked:
            _lie("WHOLE", f"demand {demand.id!r} is whole, and has {units} of {asked}")
        if pinned < units < getattr(demand, "min_quantity", 1):
            _lie("MINIMUM", f"demand {demand.id!r} has {units}, which is of no use")
    for supply in problem.admission().supplies:
        units, pinned, load = given.get(supply.id, (0, 0, 0))
        capacity = problem.capacity(supply)
        if capacity is not None and load > capacity:
            _lie("LOAD", f"supply {supply.id!r} carries {load} of {capacity}")
        if policy.min_load == "hard" and not pinned and shortfall(supply, units):
            _lie("MINIMUM", f"supply {supply.id!r} has {units}, below its minimum")
    for donor in problem.donors:
        if donor.max_shipments is not None and shipments.get(donor.id, 0) > donor.max_shipments:
            _lie("SHIPMENTS", f"donor {donor.id!r} has {shipments[donor.id]} shipments of {donor.max_shipments}")


def proven_gaps(
    problem: Problem,
    policy: Policy,
    levels: Sequence[LevelDefinition],
    decided: Decided,
    certificate: IntegerCertificate,
) -> list[int]:
    """How far each level may be from its optimum, by the certificate.

    Parameters
    ----------
    problem, policy, levels
        What is to be matched, how to choose, and the levels.
    decided
        The matching.
    certificate
        The proof.

    Returns
    -------
    A gap ≥ 0 a level, among matchings that are at least as good on the levels above.

    Raises
    ------
    VerificationError
        ``CERTIFICATE`` if the proof is none.
    """
    return _Prover(problem, policy, levels, decided, certificate).gaps()


class _Prover:
    def __init__(
        self,
        problem: Problem,
        policy: Policy,
        levels: Sequence[LevelDefinition],
        decided: Decided,
        certificate: IntegerCertificate,
    ) -> None:
        self.policy, self.levels, self.d, self.certificate = policy, levels, decided, certificate
        demands, supplies = problem.admission().demands, problem.admission().supplies
        n, m = len(demands), len(supplies)
        self.demands, self.supplies = n, m
        load_of = problem.load(policy)
        capacity = [problem.capacity(supply) for supply in supplies]
        i, j = decided.i, decided.j

        def loads(rows: Ints, columns: Ints, metric: Ints) -> Ints:
            found = [
                load_of(demands[a], supplies[b], c)
                for a, b, c in zip(rows.tolist(), columns.tolist(), metric.tolist(), strict=True)
            ]
            return np.array(found, dtype=np.int64)

        carries = any(one is not None for one in capacity)
        self.load = loads(i, j, decided.metric) if carries else np.zeros(len(i), dtype=np.int64)
        self.pinned_load, self.pinned = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        if carries:
            each = loads(decided.pin_i, decided.pin_j, decided.pin_metric)
            np.add.at(self.pinned_load, decided.pin_j, each * decided.pin_units)
        np.add.at(self.pinned, decided.pin_j, decided.pin_units)
        pinned_at = np.zeros(n, dtype=np.int64)
        np.add.at(pinned_at, decided.pin_i, decided.pin_units)
        self.room = np.array([_ENDLESS if c is None else c for c in capacity], dtype=np.int64) - self.pinned_load

        # what values a pair, a demand's share and a supply's share may have, but nothing
        pack = np.array([getattr(s, "pack_size", 1) for s in supplies], dtype=np.int64)[j]
        lot = np.array([getattr(s, "min_lot", 1) for s in supplies], dtype=np.int64)[j]
        width = max(m, 1)
        fixed = np.isin(i * width + j, decided.pin_i * width + decided.pin_j)
        most = np.minimum(decided.asked[i], decided.offered[j])
        if problem.pair_limit is not None:
            most = np.minimum(most, problem.pair_limit)
        heavy = np.flatnonzero(self.load)
        most[heavy] = np.minimum(most[heavy], self.room[j[heavy]] // self.load[heavy])
        self.step, self.last = pack, most // pack * pack
        self.first = np.where(fixed, pack, -(-lot // pack) * pack)
        self.last = np.where(self.last < self.first, 0, self.last)
        reach, stock = np.zeros(n, dtype=np.int64), np.zeros(m, dtype=np.int64)
        np.add.at(reach, i, self.last)
        np.add.at(stock, j, self.last)
        whole = np.array([d.whole for d in demands], dtype=np.bool_)
        least = np.array([getattr(d, "min_quantity", 1) for d in demands], dtype=np.int64) - pinned_at
        self.served_first = np.where(whole, np.maximum(decided.asked, 1), np.maximum(least, 1))
        self.served_last = np.minimum(decided.asked, reach)
        self.served_last[self.served_last < self.served_first] = 0
        self.minimum = np.array([getattr(s, "min_persons", 0) for s in supplies], dtype=np.int64)
        must = (policy.min_load == "hard") & (self.pinned == 0)
        self.given_first = np.where(must, np.maximum(self.minimum, 1), 1)
        self.given_last = np.minimum(decided.offered, stock)
        self.given_last[self.given_last < self.given_first] = 0

        # shipments
        donors = sorted((d for d in problem.donors if d.max_shipments is not None), key=lambda d: d.id)
        group_of = {donor.id: group for group, donor in enumerate(donors)}
        group = np.array([group_of.get(getattr(s, "donor_id", ""), -1) for s in supplies], dtype=np.int64)
        self.group = np.where(fixed, -1, group[j])
        self.group_of_supply = group
        used = np.bincount(group[decided.pin_j][group[decided.pin_j] >= 0], minlength=len(donors))
        self.shipments = np.array([d.max_shipments for d in donors], dtype=np.int64) - used

        # levels of what a supply does in all
        self.unmet = [np.array([level.unmet_cost(d) for d in demands], dtype=np.int64) for level in levels]
        persons = policy.balance == "total" and any(problem.capacity(s) is None for s in problem.supplies)
        by_load = np.array([c is not None and not persons for c in capacity], dtype=np.bool_)
        self.by_load = by_load
        self.most = np.array(
            [
                c if of_load else getattr(s, "max_persons", 0)
                for c, of_load, s in zip(capacity, by_load, supplies, strict=True)
            ],
            dtype=np.int64,
        )
        self.before = np.where(by_load, self.pinned_load, self.pinned)
        self.common = int(
            max(
                (-(-1000 * b // t) for b, t in zip(self.before.tolist(), self.most.tolist(), strict=True) if t),
                default=0,
            )
        )
        fair: Mapping[str, int] = {}
        if policy.balance == "total" and any(level.name == "balance" for level in levels):
            fair = problem.fair_shares(policy)
        self.below = np.array([fair.get(s.id, 0) for s in supplies], dtype=np.int64) - self.before

        # what was decided
        self.served, self.given, self.loaded = (np.zeros(k, dtype=np.int64) for k in (n, m, m))
        np.add.at(self.served, i, decided.units)
        np.add.at(self.given, j, decided.units)
        np.add.at(self.loaded, j, decided.units * self.load)
        self.supply_costs = [
            np.zeros(m, dtype=np.int64)
            if level.supply_cost is None
            else np.array(
                [
                    level.supply_cost(s, units, load)
                    for s, units, load in zip(
                        supplies,
                        (self.given + self.pinned).tolist(),
                        (self.loaded + self.pinned_load).tolist(),
                        strict=True,
                    )
                ],
                dtype=np.int64,
            )
            for level in levels
        ]

    def gaps(self) -> list[int]:
        i, j = self.d.i, self.d.j
        proof = self.certificate
        of_demand, of_supply = (side.ravel() for side in (proof.demand_component, proof.supply_component))
        if (len(of_demand), len(of_supply)) != (self.demands, self.supplies) or len(proof.levels) != len(self.levels):
            _lie("CERTIFICATE", "the certificate is for other demands, supplies or levels")
        count = 1 + int(max(of_demand.max(initial=-1), of_supply.max(initial=-1)))
        open_pair = self.last > 0
        closed = (self.group >= 0) & open_pair
        of_group = np.full(len(self.shipments), -2, dtype=np.int64)
        of_group[self.group[closed]] = of_supply[j[closed]]
        apart = of_demand[i] != of_supply[j]
        # groups whose lots are decided apart: a multiplier for all of them would prove nothing
        self.scattered = np.zeros(len(self.shipments), dtype=np.bool_)
        several = closed & (of_group[self.group] != of_supply[j]) if closed.any() else closed
        self.scattered[self.group[several]] = True
        if (apart | (open_pair & (of_demand[i] < 0))).any():
            _lie("CERTIFICATE", "the certificate takes apart what is connected")
        pairs = _lists(of_demand[i], count)
        demands, supplies = _lists(of_demand, count), _lists(of_supply, count)
        groups = _lists(of_group, count)
        parts = [_Piece(*one) for one in zip(pairs, demands, supplies, groups, strict=True)]
        gaps: list[int] = []
        tops: list[int] = []
        reached = [[self._reached(part, row) for row in range(len(self.levels))] for part in parts]
        for row, level in enumerate(self.levels):
            trees = proof.levels[row]
            if [tree.component for tree in trees] != list(range(count)):
                _lie("CERTIFICATE", "the certificate leaves out a component")
            bounds = []
            for part, own, tree in zip(parts, reached, trees, strict=True):
                budgets = [tops[h] if self.levels[h].largest else own[h] for h in range(row)]
                bounds.append(min(self._bound(part, row, budgets, tree), own[row]))
            # where a level above has a gap, so many units may move from one component to another
            lost = 0
            for h, gap in enumerate(gaps):
                if gap and count > 1 and not self.levels[h].largest:
                    # each costs a bound no more than its multiplier, and one more for the rounding
                    dearest = max(Fraction(int(tree.above[:, h].max()), tree.scale) for tree in trees)
                    lost += ceil(gap * (dearest + 1)) if dearest else 0
            values = [own[row] for own in reached]
            start = self.common if level.largest else 0
            tops.append(max(values, default=start))
            gap = tops[-1] - max(bounds, default=start) if level.largest else sum(values) - sum(bounds)
            gaps.append(gap + lost)
        return gaps

    def _reached(self, part: _Piece, row: int) -> int:
        """Value of a level in a component, pinned units left out of costs of pairs."""
        level = self.levels[row]
        if level.largest:
            return int(max(self.supply_costs[row][part.supplies].max(initial=0), self.common))
        left = (self.d.asked - self.served)[part.demands].astype(object)
        value = (left * self.unmet[row][part.demands]).sum()
        value += (self.d.units[part.pairs].astype(object) * self.d.costs[row][part.pairs]).sum()
        return int(value + self.supply_costs[row][part.supplies].sum())

    def _bound(self, part: _Piece, row: int, budgets: Sequence[int], tree: TreeProof) -> int:
        """The least of the leaves."""
        leaves = len(tree.multipliers)
        if tree.scale < 1 or not leaves or len(tree.above) != leaves:
            _lie("CERTIFICATE", "a tree has no leaf")
        if tree.multipliers.shape[1] != len(tree.rows) or (row and tree.above.shape[1] != row):
            _lie("CERTIFICATE", "a leaf has other multipliers")
        if (tree.above < 0).any() or (tree.rows.size and tree.rows.shape[1] != 2):
            _lie("CERTIFICATE", "a multiplier has the wrong sign")
        seen: set[int] = set()
        bounds = []
        start = 0 if len(tree.splits) else -1
        stack: list[tuple[int, tuple[tuple[int, int, int, bool], ...]]] = [(start, ())]
        visited: set[int] = set()
        while stack:
            node, case = stack.pop()
            if node < 0:
                leaf = -1 - node
                if leaf >= leaves or leaf in seen:
                    _lie("CERTIFICATE", "a tree has a leaf twice")
                seen.add(leaf)
                above = tree.above[leaf] if row else np.zeros(0, dtype=np.int64)
                bounds.append(self._leaf(part, row, budgets, tree, tree.multipliers[leaf], above, case))
                continue
            if node >= len(tree.splits) or node in visited:
                _lie("CERTIFICATE", "a tree has a case twice")
            visited.add(node)
            i, j, threshold, below, over = tree.splits[node].tolist()
            stack += [(below, (*case, (i, j, threshold, False))), (over, (*case, (i, j, threshold, True)))]
        return min(bounds)

    def _leaf(
        self,
        part: _Piece,
        row: int,
        budgets: Sequence[int],
        tree: TreeProof,
        multipliers: Ints,
        above: Ints,
        case: Sequence[tuple[int, int, int, bool]],
    ) -> int:
        scale = tree.scale
        y = {kind: np.zeros(size, dtype=object) for kind, size in enumerate(self._sizes())}
        for (kind, node), value in zip(tree.rows.tolist(), multipliers.tolist(), strict=True):
            if kind not in y or not 0 <= node < len(y[kind]) or (kind == _SHIPMENTS and self.scattered[node]):
                _lie("CERTIFICATE", "a multiplier of nothing")
            if (value > 0 and kind not in (_SERVED, _GIVEN, _LARGEST)) or (value < 0 and kind == _LARGEST):
                _lie("CERTIFICATE", "a multiplier has the wrong sign")
            y[kind][node] += value
        weights = [(h, int(w)) for h, w in enumerate(above.tolist()) if w and not self.levels[h].largest]
        if not self.levels[row].largest:
            weights.append((row, scale))
        limit = [  # shares above the common one that the levels above allow
            (budgets[h] - self.common) for h, level in enumerate(self.levels[:row]) if level.largest
        ]
        total = sum(-w * budgets[h] for h, w in weights if h != row)

        i, j, load = self.d.i[part.pairs], self.d.j[part.pairs], self.load[part.pairs].astype(object)
        by_load = self.by_load.astype(object)
        cost = -y[_SERVED][i] - y[_GIVEN][j] - load * y[_LOAD][j]
        cost = cost - load * by_load[j] * (1000 * y[_SHARE] + y[_OVER])[j]
        group = self.group[part.pairs]
        use = np.zeros(len(group), dtype=object)
        use[group >= 0] = -y[_SHIPMENTS][group[group >= 0]]
        a, b = part.demands, part.supplies
        served = y[_SERVED][a]
        pinned = (self.pinned[b] > 0).astype(object)
        given = y[_GIVEN][b] + y[_SHORTFALL][b]
        given = given - (1 - by_load[b]) * (1000 * y[_SHARE] + y[_OVER])[b]
        given_use = -(1 - pinned) * self.minimum[b] * y[_SHORTFALL][b]
        missing = np.where(self.pinned[b] > 0, np.maximum(0, self.minimum[b] - self.pinned[b]), self.minimum[b]).astype(
            object
        )
        short = np.where(self.pinned[b] > 0, -y[_SHORTFALL][b], y[_SHORTFALL][b])
        share = self.most[b].astype(object) * y[_SHARE][b] + y[_LARGEST][b]
        over = y[_OVER][b]
        for h, weight in weights:
            level = self.levels[h]
            cost = cost + weight * self.d.costs[h][part.pairs].astype(object)
            served = served - weight * self.unmet[h][a].astype(object)
            total += weight * int((self.unmet[h][a].astype(object) * self.d.asked[a]).sum())
            if level.name == "minimum-loads":
                short = short + np.where(self.pinned[b] > 0, -weight, weight)
                total += weight * int((pinned * missing).sum())
            elif level.name == "balance":
                below = self.below[b].astype(object)
                total += weight * int(np.abs(below).sum())
                sign = np.where(below > 0, -weight, weight)
                signs = np.zeros(self.supplies, dtype=object)
                signs[b] = sign
                cost = cost + load * by_load[j] * signs[j]
                given = given + (1 - by_load[b]) * sign
                over = over + np.where(below > 0, 2 * weight, 0)

        # limits of the rows
        room = self.room[b].astype(object)
        total += int((y[_LOAD][b] * np.where(y[_LOAD][b] != 0, room, 0)).sum())
        if (y[_LOAD][b] * (room > _ENDLESS // 2)).any():
            _lie("CERTIFICATE", "a multiplier of nothing")
        total += int((y[_SHIPMENTS][part.groups] * self.shipments[part.groups]).sum()) if len(part.groups) else 0
        slack = self.most[b].astype(object) * self.common - 1000 * self.before[b].astype(object)
        total += int((y[_SHARE][b] * slack).sum() + (y[_OVER][b] * self.below[b]).sum())

        low, high = np.zeros(len(part.pairs), dtype=np.int64), self.last[part.pairs].copy()
        a_low, a_high = np.zeros(len(a), dtype=np.int64), self.served_last[a].copy()
        b_low, b_high = np.zeros(len(b), dtype=np.int64), self.given_last[b].copy()
        for one, other, threshold, more in case:
            if one >= 0 and other >= 0:
                lows, highs, at = low, high, np.flatnonzero((i == one) & (j == other))
            elif one >= 0:
                lows, highs, at = a_low, a_high, np.flatnonzero(a == one)
            else:
                lows, highs, at = b_low, b_high, np.flatnonzero(b == other)
            if more:
                lows[at] = np.maximum(lows[at], threshold + 1)
            else:
                highs[at] = np.minimum(highs[at], threshold)
            if not len(at) and more:
                return _ENDLESS  # what is not there cannot be used
        pieces: list[tuple[Exact, Any, Ints, Any, Ints, Ints]] = [
            (cost, use, self.first[part.pairs], self.step[part.pairs], low, high),
            (served, 0, self.served_first[a], 1, a_low, a_high),
            (given, given_use, self.given_first[b], 1, b_low, b_high),
        ]
        packed = np.unique(tree.packed)
        if len(packed) and not 0 <= packed[0] <= packed[-1] < self.supplies:
            _lie("CERTIFICATE", "a supply that is none is packed")
        kept = np.isin(b, packed)  # supplies whose pairs, number of pairs and shortfall are chosen together
        apart = [~np.isin(j, packed), np.ones(len(a), dtype=np.bool_), ~kept]
        limits = []
        for (price, fee, first, step, lows, highs), alone in zip(pieces, apart, strict=True):
            start = np.maximum(first, -(-lows // step) * step)
            end = highs // step * step
            empty = end < start
            if (empty & (lows > 0)).any() or (highs < 0).any():
                return _ENDLESS
            best = fee + np.minimum(price * start, price * end)
            best = np.where(lows > 0, best, np.where(empty, 0, np.minimum(best, 0)))
            total += int(best[alone].sum()) if alone.any() else 0
            limits.append((start, end))
        if kept.any():
            by_supply = np.argsort(j, kind="stable")
            starts, stops = np.searchsorted(j[by_supply], b), np.searchsorted(j[by_supply], b + 1)
            carried = self.load[part.pairs]
            for k in np.flatnonzero(kept).tolist():
                here = by_supply[starts[k] : stops[k]]
                if (use[here] != 0).any() or (limits[0][1][here] > 1).any():
                    _lie("CERTIFICATE", "the pairs of a supply cannot be chosen together")
                few, most = int(limits[2][0][k]), int(limits[2][1][k])
                tail = [
                    given[k] * c
                    + (given_use[k] if c else 0)
                    + short[k] * self._short(int(b[k]), c, int(missing[k]), short[k] < 0)
                    if few <= c <= most or (not c and b_low[k] <= 0)
                    else None
                    for c in range(len(here) + 1)
                ]
                chosen = _choice(cost[here], carried[here], int(self.room[b[k]]), low[here], limits[0][1][here], tail)
                if chosen is None:
                    return _ENDLESS
                total += chosen
        for price, last, alone in (
            (short, missing, ~kept),
            (
                share,
                np.full(len(b), max(0, min([1000 - self.common, *limit])), dtype=object),
                np.ones(len(b), dtype=np.bool_),
            ),
            (
                over,
                np.maximum(0, self.most[b] - np.maximum(self.below + self.before, 0)[b]).astype(object),
                np.ones(len(b), dtype=np.bool_),
            ),
        ):
            total += int(np.minimum(0, price * last)[alone].sum()) if alone.any() else 0
        if self.levels[row].largest:
            weight = int(y[_LARGEST][b].sum()) if len(b) else 0
            total += scale * self.common + min(0, (scale - weight) * max(0, 1000 - self.common))
        return -(-total // scale)

    def _short(self, supply: int, units: int, missing: int, wanted: bool) -> int:
        """What misses to a supply's minimum, or of a supply with pins what is mended: as much as may be if wanted."""
        if self.pinned[supply] > 0:
            return min(units, missing) if wanted else 0
        if wanted:
            return missing
        return max(0, int(self.minimum[supply]) - units) if units else 0

    def _sizes(self) -> tuple[int, ...]:
        m = self.supplies
        return (self.demands, m, m, m, len(self.shipments), m, m, m)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A component: its pairs, demands, supplies and groups."""

    pairs: Ints
    demands: Ints
    supplies: Ints
    groups: Ints


def _lists(label: Ints, count: int) -> list[Ints]:
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(count + 1))
    return [order[ends[k] : ends[k + 1]] for k in range(count)]


def _choice(price: Exact, load: Ints, room: int, low: Ints, high: Ints, tail: Sequence[Any]) -> int | None:
    """Least price of pairs, each once, whose loads fit together, and of how many they are; None if nothing fits.

    The tail says what each number of pairs costs besides them, and has None where it may not be.
    """
    must = low > 0
    base, have = sum(price[must].tolist()), int(must.sum())
    room -= int(load[must].sum())
    tail = list(tail[have:])
    while tail and tail[-1] is None:
        tail.pop()
    if room < 0 or not tail:
        return None
    free = sorted(np.flatnonzero(~must & (high > 0) & (load <= room)).tolist(), key=lambda at: (load[at], price[at]))
    room = min(room, int(load[free].sum()))
    if all(one == tail[0] for one in tail) and len(tail) > len(free):
        # whatever their number
        line = np.zeros(room + 1, dtype=object)
        for at in free:
            if price[at] < 0:
                cut = int(load[at])
                line[cut:] = np.minimum(line[cut:], line[: room + 1 - cut] + price[at])
        return int(base + tail[0] + line[room])
    number, taken, last = len(tail) - 1, 0, -1
    unit = max(1, int(np.gcd.reduce(load[free], initial=0)))
    room //= unit
    small = sum(abs(one) for one in price[free].tolist()) < 2**59
    never = 2**61 if small else 2**200
    line = np.full((number + 1, room + 1), never, dtype=np.int64 if small else object)
    line[0] = 0
    for at in free:
        # of pairs of one load only the cheapest can matter, as many as may be at all
        taken = taken + 1 if load[at] == last else 1
        last = load[at]
        if taken <= number:
            cut = int(load[at]) // unit
            line[1:, cut:] = np.minimum(line[1:, cut:], line[:-1, : room + 1 - cut] + int(price[at]))
    found = [
        int(best) + one
        for best, one in zip(line[:, room].tolist(), tail, strict=True)
        if one is not None and best < never // 2
    ]
    return base + min(found) if found else None
