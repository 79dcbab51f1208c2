"""What does not flow: wholes, packs, lots, shipments, hours, minimum loads and balance, as integer programs.

All markets of a problem stand in one program, whose connected components are
decided apart. Demands and supplies are numbered as they are admitted, sorted
by id; so are groups, which are donors who limit their shipments.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from aidmatch.arrays import Ints, frozen
from aidmatch.errors import ProblemError
from aidmatch.fields import MAX_COUNT
from aidmatch.formulation.flow import FlowFormulation
from aidmatch.integer_certificate import IntegerCertificate, TreeProof
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram, IntegerSolution, RowKind, Tree
from aidmatch.levels import Counted, LevelDefinition
from aidmatch.matching import LevelResult, Matching, Payment, Purchase, SolverUse, Status
from aidmatch.policy import Policy
from aidmatch.problem.problem import Problem
from aidmatch.program import Solution, Work
from aidmatch.records.giving import Substitute

__all__ = ["IntegerFormulation", "formulate_integers", "what_needs_integers"]


def what_needs_integers(problem: Problem, policy: Policy, definitions: Sequence[LevelDefinition]) -> tuple[str, ...]:
    """What in a problem does not flow, with how often it occurs; empty if all of it flows.

    Parameters
    ----------
    problem, policy, definitions
        The problem, how to choose, and the levels.

    Returns
    -------
    Phrases such as ``12 whole demands``, in a fixed order.
    """
    demands, supplies = problem.admission().demands, problem.admission().supplies
    units = problem.demand_side.units
    counts = {
        "whole demands": sum(demand.whole and units(demand) > 1 for demand in demands),
        "minimum quantities": sum(getattr(demand, "min_quantity", 1) > 1 for demand in demands),
        "lots in packs": sum(getattr(supply, "pack_size", 1) > 1 for supply in supplies),
        "minimum lots": sum(getattr(supply, "min_lot", 1) > 1 for supply in supplies),
        "donors with a limit of shipments": len(_limited_donors(problem)),
        "supplies with a limit of what they carry": sum(problem.capacity(supply) is not None for supply in supplies),
        "minimum loads": sum(getattr(supply, "min_persons", 0) > 1 for supply in supplies),
        "needs with substitutes that stand for more or fewer": _uneven(problem),
        "needs of kits": sum(bool(problem.components(demand)) for demand in demands),
        "levels that count needs or households": sum(level.counted is not None for level in definitions),
        "funds that may pay": len({fund for _, fund in _payers(problem)}),
        "levels of loads": sum(level.supply_cost is not None for level in definitions),
    }
    if policy.min_load != "hard" and "minimum-loads" not in {level.name for level in definitions}:
        counts["minimum loads"] = 0
    return tuple(f"{count} {what}" for what, count in counts.items() if count)


def _payers(problem: Problem) -> list[tuple[int, int]]:
    """Rows of every need that takes part and number of every open fund that may pay for it."""
    money = problem.money
    if money is None:
        return []
    return [
        (i, f)
        for i, need in enumerate(problem.admission().demands)
        if "money" in need.accepts and money.price_of(need) is not None
        for f, fund in enumerate(money.open)
        if money.reason(need, fund) is None
    ]


def _uneven(problem: Problem) -> int:
    """Demands that may be met by something of which not one unit stands for one."""
    there = {problem.supply_side.item(supply) for supply in problem.admission().supplies}
    return sum(
        any(
            kind in there and isinstance(row, Substitute) and row.batch != (1, 1)
            for kind, row in problem.kinds_for(demand).items()
        )
        for demand in problem.admission().demands
    )


def _limited_donors(problem: Problem) -> list[Any]:
    return sorted((donor for donor in problem.donors if donor.max_shipments is not None), key=lambda donor: donor.id)


@dataclass(frozen=True, slots=True)
class IntegerFormulation:
    """A problem as one integer program, and the way back.

    Parameters
    ----------
    flow
        The same problem without what does not flow.
    program
        What is decided.
    why
        What needs integers.
    """

    flow: FlowFormulation
    program: IntegerProgram
    why: tuple[str, ...]
    _metric: Ints
    _market: Ints
    #: units of its demand that a batch on an arc is; none on the arc of a fund, whose flow is in fen
    _serves: Ints
    #: demands for which something may be bought, in the order of its columns, and those that kits may be made for
    _bought: Ints
    _made: Ints

    def matching(self, solution: IntegerSolution, solver: tuple[str, str], version: str) -> Matching:
        """Turn the solution back into a matching.

        Parameters
        ----------
        solution
            Of the program.
        solver, version
            For the record: name and version of the solver, and the version of this library.

        Returns
        -------
        The matching, sorted by ids.
        """
        program = self.program
        arcs = len(program.demand_of)
        # units of demands; on an arc they come in batches
        flow = solution.values[:arcs] * np.maximum(self._serves, 1)
        limit = self.flow.problem.pair_limit
        open_arc = np.ones(arcs, dtype=np.bool_) if limit is None else flow < limit
        solutions = []
        levels = len(self.flow.definitions)
        for number, (part, market) in enumerate(zip(self.flow._parts, self.flow.markets, strict=True)):
            mine = np.flatnonzero(self._market == number)
            used = mine[flow[mine] > 0]
            row = np.searchsorted(part.demands, program.demand_of)
            solutions.append(
                Solution(
                    demand_of=row[used],
                    supply_of=np.searchsorted(part.supplies, program.supply_of[used]),
                    metric=self._metric[used],
                    flow=flow[used],
                    u=np.zeros((levels, len(market.demand)), dtype=np.int64),
                    v=np.zeros((levels, len(market.supply)), dtype=np.int64),
                    can_take=np.bincount(row[mine[open_arc[mine]]], minlength=len(market.demand)) > 0,
                    work=Work(
                        components=0,
                        arcs=len(mine),
                        nodes=len(market.demand) + len(market.supply),
                        rounds=1,
                        solves=(0,),
                        failures=((),),
                        level_runs=levels,
                        tied=False,
                    ),
                )
            )
        plain = self.flow.matching(solutions, [solver], version, self._purchases(solution))
        results = self._results(plain, solution)
        return replace(
            plain,
            status=_status(results),
            levels=results,
            reasons=self._reasons(plain, solution),
            solving=replace(
                plain.solving,
                solvers=(SolverUse(*solver, solves=solution.solves, failures={}),),
                components=int(solution.component.max(initial=-1)) + 1,
                method="integer",
                why=self.why,
            ),
            integer=self._certificate(solution),
        )

    def _purchases(self, solution: IntegerSolution) -> list[Purchase]:
        program, money = self.program, self.flow.problem.money
        if money is None:
            return []
        lots = len(self.flow.admission.supplies)
        paid: dict[int, list[Payment]] = defaultdict(list)
        for arc in np.flatnonzero(
            (program.supply_of >= lots) & (solution.values[: len(program.supply_of)] > 0)
        ).tolist():
            fund = money.open[int(program.supply_of[arc]) - lots]
            payment = Payment(fund.id, fund.sponsor_id, int(solution.values[arc]))
            paid[int(program.demand_of[arc])].append(payment)
        first = len(program.demand_of) + program.demands + program.supplies
        found = []
        for row, units in zip(self._bought.tolist(), solution.values[first:].tolist(), strict=False):
            need = self.flow.admission.demands[row]
            if units:
                price = money.price_of(need) or 0
                found.append(Purchase(need.id, need.household_id, need.item, units, price, tuple(paid[row])))
        return found

    def _results(self, plain: Matching, solution: IntegerSolution) -> tuple[LevelResult, ...]:
        problem, policy = self.flow.problem, self.flow.policy
        demand_of = {demand.id: demand for demand in self.flow.admission.demands}
        supply_of = {supply.id: supply for supply in self.flow.admission.supplies}
        load_of = problem.load(policy)
        units: Counter[str] = Counter()
        loads: Counter[str] = Counter()
        for a in plain.assignments:
            units[a.supply_id] += a.quantity
            loads[a.supply_id] += a.quantity * load_of(demand_of[a.demand_id], supply_of[a.supply_id], a.cost)
        results = []
        for row, (level, result) in enumerate(zip(self.flow.definitions, plain.levels, strict=True)):
            value = result.value
            if level.supply_cost is not None:
                costs = [level.supply_cost(s, units[s.id], loads[s.id]) for s in self.flow.admission.supplies]
                value += max(costs, default=0) if level.largest else sum(costs)
            reached, sign = solution.level_values[row], 1 if level.sense == "max" else -1
            gap = reached - solution.certified[row]
            claimed = None if gap == 0 else value + sign * (reached - solution.claimed[row])
            results.append(
                replace(
                    result,
                    value=value,
                    bound=value + sign * gap,
                    gap=gap,
                    claimed_bound=claimed,
                    proof="claimed" if gap and claimed == value else "multipliers",
                )
            )
        return tuple(results)

    def _reasons(self, plain: Matching, solution: IntegerSolution) -> dict[str, str]:
        """Why demands are unmet: something is used up only if those in reach have nothing left."""
        program, flow = self.program, self.flow
        lots, limit = len(flow.admission.supplies), flow.problem.pair_limit
        given = solution.values[len(program.demand_of) + program.demands :][:lots]
        units = flow.problem.supply_side.units
        offered = np.array([units(supply) for supply in flow.admission.supplies], dtype=np.int64)
        left = offered - flow._pins.given(lots) - given
        open_pair = program.supply_of < lots
        if limit is not None:
            open_pair &= solution.values[: len(open_pair)] < limit
        open_pair[open_pair] = left[program.supply_of[open_pair]] != 0
        some_left = np.bincount(program.demand_of[open_pair], minlength=program.demands) > 0
        row = {demand.id: i for i, demand in enumerate(flow.admission.demands)}
        return {
            id_: "DOES_NOT_FIT" if reason == "USED_UP" and some_left[row[id_]] else reason
            for id_, reason in plain.reasons.items()
        }

    def _certificate(self, solution: IntegerSolution) -> IntegerCertificate:
        program = self.program
        arcs = len(program.demand_of)
        of_demand = solution.component[arcs : arcs + program.demands]
        of_supply = solution.component[arcs + program.demands :][: program.supplies]
        return IntegerCertificate(
            frozen(of_demand.reshape(-1, 1).copy()),
            frozen(of_supply.reshape(-1, 1).copy()),
            tuple(tuple(self._proof(number, tree) for number, tree in enumerate(trees)) for trees in solution.trees),
        )

    def _proof(self, number: int, tree: Tree) -> TreeProof:
        program = self.program
        arcs = len(program.demand_of)
        ends = np.full((len(tree.column), 2), -1, dtype=np.int64)
        for place, column in enumerate(tree.column.tolist()):
            if column < arcs:
                ends[place] = program.demand_of[column], program.supply_of[column]
            elif column < arcs + program.demands:
                ends[place, 0] = column - arcs
            elif column < arcs + program.demands + program.supplies:
                ends[place, 1] = column - arcs - program.demands
            else:
                more, bought = column - arcs - program.demands - program.supplies, len(self._bought)
                ends[place] = (self._made[more - bought], -3) if more >= bought else (self._bought[more], -2)
        splits = np.column_stack([ends, tree.threshold, tree.below, tree.over])
        return TreeProof(
            number,
            frozen(np.column_stack([tree.kind, tree.node])),
            frozen(tree.multipliers),
            frozen(tree.above),
            frozen(splits),
            frozen(tree.packed.reshape(-1, 1)),
            tree.scale,
        )


def _status(levels: Sequence[LevelResult]) -> Status:
    if all(level.gap == 0 for level in levels):
        return Status.OPTIMAL
    if all(level.gap == 0 or level.claimed_bound == level.value for level in levels):
        return Status.OPTIMAL_CLAIMED
    return Status.FEASIBLE


class _Columns:
    """Columns and rows as they are added."""

    def __init__(self) -> None:
        self.least: list[Ints] = []
        self.most: list[Ints] = []
        self.step: list[Ints] = []
        self.count = 0
        self.rows: list[tuple[int, int, int, int]] = []
        self.entries: list[tuple[Ints, Ints]] = []
        self.uses: list[tuple[Ints, Ints]] = []

    def add(self, least: Ints, most: Ints, step: Ints | None = None) -> Ints:
        """Columns; their numbers."""
        step = np.ones_like(most) if step is None else step
        most = np.where(most < least, 0, most)
        self.least.append(np.where(most == 0, step, least))
        self.most.append(most)
        self.step.append(step)
        numbers = self.count + np.arange(len(most))
        self.count += len(most)
        return numbers

    def row(
        self,
        kind: RowKind,
        node: int,
        lower: int,
        upper: int,
        columns: Ints,
        values: Ints,
        uses: tuple[Ints, Ints] | None = None,
    ) -> None:
        """One row."""
        nothing = np.zeros(0, dtype=np.int64)
        self.rows.append((kind, node, lower, upper))
        self.entries.append((columns, values))
        self.uses.append((nothing, nothing) if uses is None else uses)


def formulate_integers(flow: FlowFormulation, why: tuple[str, ...]) -> IntegerFormulation:
    """Formulate a problem by integers.

    Parameters
    ----------
    flow
        The problem as markets, which know the pairs.
    why
        What needs integers.

    Returns
    -------
    The program, and the way back.

    Raises
    ------
    RowsError
        ``NO_MINUTES``, with every such row.
    ProblemError
        ``PIN_CONFLICT`` for pins that break packs, minimum lots, shipments or what a supply can carry.
    """
    problem, policy = flow.problem, flow.policy
    problem.check_loads()
    demands, supplies = flow.admission.demands, flow.admission.supplies
    n, m = len(demands), len(supplies)
    lots = _arcs(flow)
    pins = flow._pins
    pinned_units = pins.given(m)
    asked = flow._asked - pins.served(n)
    serves, takes = _batches(problem, demands, supplies, lots.demand_of, lots.supply_of)
    offered = np.array([problem.supply_side.units(supply) for supply in supplies], dtype=np.int64) - pinned_units
    load_of = problem.load(policy)
    capacity = [problem.capacity(supply) for supply in supplies]
    load = serves * np.array(
        [
            load_of(demands[i], supplies[j], metres)
            for i, j, metres in zip(lots.demand_of.tolist(), lots.supply_of.tolist(), lots.metric.tolist(), strict=True)
        ]
        if _loads_matter(flow, capacity)
        else np.zeros(len(lots.metric)),
        dtype=np.int64,
    )
    pinned_load = np.zeros(m, dtype=np.int64)
    for i, j, metres, units in zip(
        *(a.tolist() for a in (pins.demand, pins.supply, pins.metric, pins.units)), strict=True
    ):
        pinned_load[j] += units * load_of(demands[i], supplies[j], metres)
    _check_pins(flow, capacity, pinned_load)
    # funds are supplies, of fen, that follow the others
    money = _Paid.of(flow, asked)
    funds = len(money.balance)
    room = np.array([NO_LIMIT if one is None else one for one in capacity], dtype=np.int64) - pinned_load
    room, offered = np.append(room, np.full(funds, NO_LIMIT)), np.append(offered, money.balance)
    pinned_units = np.append(pinned_units, np.zeros(funds, dtype=np.int64))
    order = np.lexsort((np.append(lots.supply_of, m + money.fund), np.append(lots.demand_of, money.demand)))

    def both(of_lots: Ints, of_funds: Any) -> Ints:
        more = np.broadcast_to(np.asarray(of_funds, dtype=np.int64), len(money.fund))
        return np.concatenate([of_lots, more])[order]

    demand_of, supply_of = both(lots.demand_of, money.demand), both(lots.supply_of, m + money.fund)
    metric, market, load = both(lots.metric, 0), both(lots.market, -1), both(load, 0)
    # in units of the demand a fen is nothing; what it buys is a column of its own
    each = both(_parts_of_kits(problem, demands, supplies, lots), 0)
    unit_costs = [
        both(cost * np.maximum(serves, 1), fen)
        for (_, cost), fen in zip(lots.level_costs, money.fen_costs, strict=True)
    ]
    serves, takes = both(serves, 0), both(takes, 1)
    limit = both(np.full(len(lots.metric), NO_LIMIT), money.most)
    limit = np.where(each > 0, asked[demand_of] * each, limit)
    table = _Columns()

    # pairs: packs and minimum lots, of what leaves the lot
    single = [1] * funds
    pack = np.array([*(getattr(supply, "pack_size", 1) for supply in supplies), *single], dtype=np.int64)
    lot = np.array([*(getattr(supply, "min_lot", 1) for supply in supplies), *single], dtype=np.int64)
    step = pack[supply_of] // np.gcd(pack[supply_of], takes)
    already = set(zip(pins.demand.tolist(), pins.supply.tolist(), strict=True))
    sent = np.array([pair in already for pair in zip(demand_of.tolist(), supply_of.tolist(), strict=True)], dtype=bool)
    least = np.where(sent, step, -(-lot[supply_of] // (step * takes)) * step)
    wanted = np.where(serves > 0, asked[demand_of] // np.maximum(serves, 1), limit)
    most = np.minimum(wanted, offered[supply_of] // takes) // step * step
    if problem.pair_limit is not None:
        most = np.minimum(most, problem.pair_limit)
    most = np.where(load > room[supply_of], 0, most)
    carried = np.minimum(np.where(load > 0, room[supply_of] // np.maximum(load, 1), most), most)
    most = carried // step * step
    arc = table.add(least, most, step)

    # what each demand gets and each supply gives
    buys = money.buys(demand_of, supply_of - m, table.most[0], asked)
    reach, stock = np.zeros(n, dtype=np.int64), np.zeros(m + funds, dtype=np.int64)
    reach[money.demands] += buys
    kinds = [problem.supply_side.item(supply) for supply in supplies]
    kits = _Kits.of(problem, demands, kinds, demand_of, supply_of, table.most[0], each)
    made_most = np.minimum(asked[kits.demands], kits.most)
    reach[kits.demands] += made_most
    np.add.at(reach, demand_of, table.most[0] * serves)
    np.add.at(stock, supply_of, table.most[0] * takes)
    whole = np.array([demand.whole for demand in demands], dtype=np.bool_)
    fewest = np.array([getattr(demand, "min_quantity", 1) for demand in demands], dtype=np.int64)
    fewest = np.maximum(1, fewest - pins.served(n))
    served = table.add(np.where(whole, np.maximum(asked, 1), fewest), np.minimum(asked, reach))
    minimum = np.array([getattr(supply, "min_persons", 0) for supply in supplies], dtype=np.int64)
    minimum = np.append(minimum, np.zeros(funds, dtype=np.int64))
    must = np.where((policy.min_load == "hard") & (pinned_units == 0), np.maximum(minimum, 1), 1)
    given = table.add(must, np.minimum(offered, stock))
    bought = table.add(np.ones_like(buys), buys)
    made = table.add(np.ones_like(made_most), made_most)

    at_demand, at_supply = _by(demand_of, n), _by(supply_of, m + funds)
    bought_of = dict(zip(money.demands.tolist(), bought.tolist(), strict=True))
    made_of = dict(zip(kits.demands.tolist(), made.tolist(), strict=True))
    for number, (i, of_part, quantity) in enumerate(kits.parts):
        _tie(table, RowKind.PART, number, arc[of_part], np.ones_like(of_part), made_of[i], quantity)
    for i in range(n):
        here = at_demand[i][serves[at_demand[i]] > 0]
        units = serves[here]
        parts = arc[here]
        if i in bought_of:
            parts, units = np.append(parts, bought_of[i]), np.append(units, 1)
            paid = arc[at_demand[i][supply_of[at_demand[i]] >= m]]
            _tie(table, RowKind.BOUGHT, i, paid, np.ones_like(paid), bought_of[i], money.price[i])
        if i in made_of:
            parts, units = np.append(parts, made_of[i]), np.append(units, 1)
        _tie(table, RowKind.SERVED, i, parts, units, int(served[i]))
    for j in range(m + funds):
        _tie(table, RowKind.GIVEN, j, arc[at_supply[j]], takes[at_supply[j]], int(given[j]))
        here = at_supply[j]
        heavy = here[load[here] > 0]
        if len(heavy) and room[j] < NO_LIMIT // 2:
            table.row(RowKind.LOAD, j, -NO_LIMIT, int(room[j]), arc[heavy], load[heavy])
    for group, donor in enumerate(_limited_donors(problem)):
        theirs = np.array([supply.donor_id == donor.id for supply in supplies] + [False] * funds, dtype=np.bool_)
        here = np.flatnonzero(theirs[supply_of] & ~sent & (table.most[0] > 0))
        used = int(theirs[pins.supply].sum())
        if _shipments_at_most(supply_of[here], (least * takes)[here], offered) > donor.max_shipments - used:
            nothing = np.zeros(0, dtype=np.int64)
            ones = np.ones(len(here), dtype=np.int64)
            table.row(
                RowKind.SHIPMENTS, group, -NO_LIMIT, donor.max_shipments - used, nothing, nothing, (arc[here], ones)
            )

    for group, (fund, household, cap) in enumerate(money.caps):
        here = arc[np.flatnonzero((supply_of == m + fund) & (money.household[demand_of] == household))]
        table.row(RowKind.CAP, group, -NO_LIMIT, cap, here, np.ones_like(here))

    asks = np.array([problem.demand_side.units(demand) for demand in demands], dtype=np.int64)
    groups = 0
    levels = []
    for definition, (unmet, _), arc_cost in zip(flow.definitions, lots.level_costs, unit_costs, strict=True):
        constant = int(sum(a * b for a, b in zip(unmet.tolist(), asked.tolist(), strict=True)))
        extra: list[tuple[Ints, Ints]] = [(arc, arc_cost), (served, -unmet)]
        if definition.counted is not None:
            columns, groups = _counted(table, definition.counted, demands, asks, asked, served, groups)
            extra.append((columns, np.full(len(columns), -1)))
        if definition.bought_cost is not None:
            costs = np.array([definition.bought_cost(demands[i]) for i in money.demands.tolist()], dtype=np.int64)
            extra.append((bought, costs))
        if definition.name == "minimum-loads":
            columns, costs, more = _shortfalls(table, minimum, given, pinned_units)
            extra.append((columns, costs))
            constant += more
        elif definition.name == "balance":
            columns, costs, more = _balance(
                table, flow, capacity, given, pinned_units, pinned_load, [(arc[h], load[h]) for h in at_supply]
            )
            extra.append((columns, costs))
            constant += more
        levels.append((extra, constant, definition.largest))
    program = _program(table, demand_of, supply_of, n, m + funds, levels)
    # a unit costs thousands of fen, so that what a fen is worth is very little
    scale = 2**34 if funds else program.scale
    program = replace(program, bought=len(bought) + len(made), scale=scale)
    return IntegerFormulation(flow, program, why, metric, market, serves, money.demands, kits.demands)


def _batches(
    problem: Problem, demands: Sequence[Any], supplies: Sequence[Any], demand_of: Ints, supply_of: Ints
) -> tuple[Ints, Ints]:
    """Units of its demand and of its supply in a batch of each arc."""
    found = [
        problem.batch(demands[i], supplies[j]) for i, j in zip(demand_of.tolist(), supply_of.tolist(), strict=True)
    ]
    serves, takes = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return serves, takes


def _loads_matter(flow: FlowFormulation, capacity: Sequence[int | None]) -> bool:
    return any(one is not None for one in capacity)


def _shipments_at_most(supply_of: Ints, least: Ints, offered: Ints) -> int:
    """As many shipments as lots can make at all: one an arc, each of so many pieces."""
    lots, place, arcs = np.unique(supply_of, return_inverse=True, return_counts=True)
    smallest = np.full(len(lots), np.iinfo(np.int64).max)
    np.minimum.at(smallest, place, least)
    return int(np.minimum(arcs, offered[lots] // smallest).sum())


@dataclass(frozen=True, slots=True)
class _Lots:
    """The arcs of what is given: ends, metric and market; costs of each level, of demands and of units on arcs."""

    demand_of: Ints
    supply_of: Ints
    metric: Ints
    market: Ints
    level_costs: list[tuple[Ints, Ints]]


@dataclass(frozen=True, slots=True)
class _Paid:
    """The arcs of what is paid: rows of needs and numbers of funds, and the most fen on each.

    `demands` are the needs for which something may be bought, `price` is of every demand, 0 where it has none.
    `household` numbers the household of every demand, and `caps` has number of fund, household and fen where several
    needs of a household share a cap.
    """

    demand: Ints
    fund: Ints
    most: Ints
    balance: Ints
    demands: Ints
    price: Sequence[int]
    household: Ints
    caps: list[tuple[int, int, int]]
    fen_costs: list[Ints]

    @classmethod
    def of(cls, flow: FlowFormulation, asked: Ints) -> _Paid:
        """Who may pay for whom."""
        money, demands = flow.problem.money, flow.admission.demands
        open_funds = () if money is None else money.open
        demand, fund = np.array(_payers(flow.problem), dtype=np.int64).reshape(-1, 2).T
        prices = [0 if money is None else money.price_of(need) or 0 for need in demands]
        numbers = {id_: place for place, id_ in enumerate(sorted({flow.problem.demand_side.owner(d) for d in demands}))}
        household = np.array([numbers[flow.problem.demand_side.owner(d)] for d in demands], dtype=np.int64)
        most = [
            min(MAX_COUNT, prices[i] * int(asked[i]), *_caps_of(open_funds[f]))
            for i, f in zip(demand, fund, strict=True)
        ]
        sharing = Counter(zip(fund.tolist(), household[demand].tolist(), strict=True))
        caps = [
            (f, one, open_funds[f].household_cap_fen)
            for (f, one), needs in sorted(sharing.items())
            if needs > 1 and open_funds[f].household_cap_fen is not None
        ]
        return cls(
            demand,
            fund,
            np.array(most, dtype=np.int64),
            np.array([one.balance_fen for one in open_funds], dtype=np.int64),
            np.unique(demand),
            prices,
            household,
            caps,
            [
                np.array([0 if level.fen_cost is None else level.fen_cost(one) for one in open_funds], dtype=np.int64)[
                    fund
                ]
                for level in flow.definitions
            ],
        )

    def buys(self, demand_of: Ints, fund_of: Ints, most: Ints, asked: Ints) -> Ints:
        """Most units that may be bought for each of the needs, by the most fen on every arc."""
        fen = np.zeros(len(asked), dtype=np.int64)
        paid = fund_of >= 0
        np.add.at(fen, demand_of[paid], most[paid])
        price = np.array(self.price, dtype=np.int64)[self.demands]
        units: Ints = np.minimum(asked[self.demands], fen[self.demands] // price)
        return units


@dataclass(frozen=True, slots=True)
class _Kits:
    """What kits are put together from.

    `demands` are the needs that ask for one, `most` as many as arcs could make of each. `parts` has a demand, the arcs
    of one of its components and its units in a kit, by demand and component.
    """

    demands: Ints
    most: Ints
    parts: list[tuple[int, Ints, int]]

    @classmethod
    def of(
        cls,
        problem: Problem,
        demands: Sequence[Any],
        kinds: Sequence[tuple[str, str]],
        demand_of: Ints,
        supply_of: Ints,
        most: Ints,
        each: Ints,
    ) -> _Kits:
        """Find the arcs of each component of each need."""
        arcs: dict[tuple[int, tuple[str, str]], list[int]] = defaultdict(list)
        for arc in np.flatnonzero(each).tolist():
            arcs[int(demand_of[arc]), kinds[supply_of[arc]]].append(arc)
        rows, limits, parts = [], [], []
        for i, demand in enumerate(demands):
            inside = sorted(problem.components(demand).items())
            if inside:
                rows.append(i)
                found = [np.array(arcs[i, kind], dtype=np.int64) for kind, _ in inside]
                limits.append(min(int(most[of].sum()) // one for of, (_, one) in zip(found, inside, strict=True)))
                parts += [(i, of, one) for of, (_, one) in zip(found, inside, strict=True)]
        return cls(np.array(rows, dtype=np.int64), np.array(limits, dtype=np.int64), parts)


def _parts_of_kits(problem: Problem, demands: Sequence[Any], supplies: Sequence[Any], lots: _Lots) -> Ints:
    """Units in a kit of what each arc carries; 0 where it is no component."""
    kinds = [problem.supply_side.item(supply) for supply in supplies]
    inside = [problem.components(demand) for demand in demands]
    ends = zip(lots.demand_of.tolist(), lots.supply_of.tolist(), strict=True)
    return np.array([inside[i].get(kinds[j], 0) for i, j in ends], dtype=np.int64)


def _caps_of(fund: Any) -> list[int]:
    return [cap for cap in (fund.balance_fen, fund.need_cap_fen, fund.household_cap_fen) if cap is not None]


def _arcs(flow: FlowFormulation) -> _Lots:
    """Ends, metric and market of every arc, sorted by ends; costs of each level, of demands and of arcs."""
    built = [market.arcs.build() for market in flow.markets]
    programs = [(market.program(*arcs), arcs[2]) for market, arcs in zip(flow.markets, built, strict=True)]
    columns = [np.zeros((4, 0), dtype=np.int64)]
    costs = [[np.zeros(0, dtype=np.int64)] for _ in flow.definitions]
    for number, (part, (program, metric)) in enumerate(zip(flow._parts, programs, strict=True)):
        ends = part.demands[program.demand_of], part.supplies[program.supply_of]
        columns.append(np.stack([*ends, metric, np.full(len(metric), number)]))
        for of, level in zip(costs, program.levels, strict=True):
            of.append(np.zeros(len(metric), dtype=np.int64) if level.arc is None else level.arc)
    together = np.concatenate(columns, axis=1)
    order = np.lexsort((together[1], together[0]))
    demand_of, supply_of, metric, market = together[:, order]
    level_costs = [(unmet, np.concatenate(of)[order]) for unmet, of in zip(flow._unmet_costs, costs, strict=True)]
    return _Lots(demand_of, supply_of, metric, market, level_costs)


def _by(node_of: Ints, count: int) -> list[Ints]:
    order = np.argsort(node_of, kind="stable")
    first = np.searchsorted(node_of[order], np.arange(count + 1))
    return [order[a:b] for a, b in pairwise(first.tolist())]


def _tie(table: _Columns, kind: RowKind, node: int, arcs: Ints, units: Ints, total: int, of: int = 1) -> None:
    """So many units on arcs are so many times what another column says."""
    if len(arcs):
        table.row(kind, node, 0, 0, np.append(arcs, total), np.append(units, -of))


def _counted(
    table: _Columns, counted: Counted, demands: Sequence[Any], asks: Ints, asked: Ints, served: Ints, groups: int
) -> tuple[Ints, int]:
    """Columns for groups that may count by what is decided, and how many groups there are so far."""
    members: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, demand in enumerate(demands):
        key = counted.key(demand)
        if key is not None:
            members[key].append(i)
    one = np.ones(1, dtype=np.int64)
    most = np.concatenate(table.most)
    columns = []
    for _, rows in sorted(members.items()):
        number = groups
        groups += 1
        if counted.completed:
            (i,) = rows
            if not asked[i]:
                continue  # pins have met it
            column = table.add(one, one * int(most[served[i]] >= asked[i]))
            table.row(RowKind.FULL, i, -NO_LIMIT, 0, np.append(column, served[i]), np.array([asked[i], -1]))
        else:
            here = np.array(rows)
            if (asked[here] < asks[here]).any():
                continue  # pins have begun it
            column = table.add(one, one)
            weights = np.append(one, np.full(len(here), -1))
            table.row(RowKind.GROUP, number, -NO_LIMIT, 0, np.append(column, served[here]), weights)
        columns.append(int(column[0]))
    return np.array(columns, dtype=np.int64), groups


def _shortfalls(table: _Columns, minimum: Ints, given: Ints, pinned: Ints) -> tuple[Ints, Ints, int]:
    """Columns for what is missing to the minima; of a supply with pins, for what others mend of it."""
    columns, costs, constant = [], [], 0
    for j, (least, before) in enumerate(zip(minimum.tolist(), pinned.tolist(), strict=True)):
        missing = max(0, least - before) if before else least
        constant += missing if before else 0
        if missing < (1 if before else 2):
            continue
        column = table.add(np.ones(1, dtype=np.int64), np.array([missing]))
        columns.append(int(column[0]))
        costs.append(-1 if before else 1)
        of = np.array([int(given[j]), int(column[0])])
        if before:
            table.row(RowKind.SHORTFALL, j, -NO_LIMIT, 0, of, np.array([-1, 1]))
        else:
            uses = (np.array([int(given[j])]), np.array([least]))
            table.row(RowKind.SHORTFALL, j, -NO_LIMIT, 0, of, np.array([-1, -1]), uses)
    return np.array(columns, dtype=np.int64), np.array(costs, dtype=np.int64), constant


def _balance(
    table: _Columns,
    flow: FlowFormulation,
    capacity: Sequence[int | None],
    given: Ints,
    pinned_units: Ints,
    pinned_load: Ints,
    loads: Sequence[tuple[Ints, Ints]],
) -> tuple[Ints, Ints, int]:
    """Columns for shares above the common one, or for loads above the fair ones."""
    problem, policy = flow.problem, flow.policy
    supplies = flow.admission.supplies
    persons = policy.balance == "total" and any(problem.capacity(s) is None for s in problem.supplies)
    counted = []
    for j, supply in enumerate(supplies):
        limit = capacity[j]
        if limit is None or persons:
            one = np.array([int(given[j])]), np.ones(1, dtype=np.int64)
            counted.append((int(supply.max_persons), int(pinned_units[j]), one))
        else:
            counted.append((int(limit), int(pinned_load[j]), loads[j]))
    if policy.balance == "largest":
        common = max((-(-1000 * before // most) for most, before, _ in counted if most), default=0)
        columns = []
        for j, (most, before, (of, weight)) in enumerate(counted):
            if most and len(of):
                column = table.add(np.ones(1, dtype=np.int64), np.array([max(0, 1000 - common)]))
                columns.append(int(column[0]))
                upper = most * common - 1000 * before
                table.row(RowKind.SHARE, j, -NO_LIMIT, upper, np.append(of, column), np.append(1000 * weight, -most))
        return np.array(columns, dtype=np.int64), np.ones(len(columns), dtype=np.int64), common
    fair = problem.fair_shares(policy)
    pieces: list[tuple[Ints, Ints]] = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    constant = 0
    for j, (most, before, (of, weight)) in enumerate(counted):
        target = fair[supplies[j].id]
        below = target - before
        constant += abs(below)
        if below <= 0:
            pieces.append((of, weight))
            continue
        pieces.append((of, -weight))
        if len(of) and most > target:
            column = table.add(np.ones(1, dtype=np.int64), np.array([most - target]))
            table.row(RowKind.OVER, j, -NO_LIMIT, below, np.append(of, column), np.append(weight, -1))
            pieces.append((column, np.array([2])))
    return np.concatenate([a for a, _ in pieces]), np.concatenate([b for _, b in pieces]), constant


def _check_pins(flow: FlowFormulation, capacity: Sequence[int | None], pinned_load: Ints) -> None:
    """Refuse pins that break what no decision can mend."""
    supplies = flow.admission.supplies
    shipments: dict[str, int] = defaultdict(int)
    for i, j, units in zip(*(a.tolist() for a in (flow._pins.demand, flow._pins.supply, flow._pins.used)), strict=True):
        supply, demand = supplies[j], flow.admission.demands[i]
        pair = f"the pin of demand {demand.id!r} to supply {supply.id!r}"
        if units % getattr(supply, "pack_size", 1) or units < getattr(supply, "min_lot", 1):
            raise ProblemError(f"{pair} is no whole number of packs, or below the minimum lot", code="PIN_CONFLICT")
        shipments[getattr(supply, "donor_id", "")] += 1
    for donor in _limited_donors(flow.problem):
        if shipments[donor.id] > donor.max_shipments:
            raise ProblemError(f"pins ask donor {donor.id!r} for more shipments than allowed", code="PIN_CONFLICT")
    for supply, most, load in zip(supplies, capacity, pinned_load.tolist(), strict=True):
        if most is not None and load > most:
            raise ProblemError(f"pins load supply {supply.id!r} with {load} of {most}", code="PIN_CONFLICT")


def _program(
    table: _Columns,
    demand_of: Ints,
    supply_of: Ints,
    demands: int,
    supplies: int,
    levels: Sequence[tuple[list[tuple[Ints, Ints]], int, bool]],
) -> IntegerProgram:
    def matrix(entries: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints, Ints]:
        nothing = np.zeros(0, dtype=np.int64)
        start = np.concatenate([[0], np.cumsum([len(columns) for columns, _ in entries])]).astype(np.int64)
        return (
            start,
            np.concatenate([nothing, *(columns for columns, _ in entries)]).astype(np.int64),
            np.concatenate([nothing, *(values for _, values in entries)]).astype(np.int64),
        )

    kinds, nodes, lower, upper = np.array(table.rows, dtype=np.int64).reshape(-1, 4).T
    made = []
    for extra, constant, largest in levels:
        cost = np.zeros(table.count, dtype=np.int64)
        for columns, costs in extra:
            np.add.at(cost, columns, costs)
        made.append(IntegerLevel(cost, constant, largest))
    return IntegerProgram(
        np.concatenate(table.least),
        np.concatenate(table.most),
        np.concatenate(table.step),
        demand_of,
        supply_of,
        demands,
        supplies,
        *matrix(table.entries),
        *matrix(table.uses),
        lower,
        upper,
        kinds,
        nodes,
        tuple(made),
    )
