"""Integer programs, level by level and component by component.

At each level the linear relaxation of all components gives multipliers, and
these a bound in exact integers. Where what is known already reaches it, the
level is done; elsewhere the solver searches, and where its answer is still
above our bound, cases are split until it is reached or the time is over.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Final

import numpy as np

from aidmatch.arrays import SAFE, Bools, Floats, Ints, dot
from aidmatch.engine.bounds import INFEASIBLE, bound_of, excess_of, face_of, leaf_bound
from aidmatch.engine.insertion import Insertion
from aidmatch.engine.lagrange import packable, raised_multipliers
from aidmatch.engine.patterns import Patterns, Raised
from aidmatch.engine.relaxations import Relaxations
from aidmatch.engine.searching import Search, Searches, Steps
from aidmatch.errors import NumberRangeError, SolverError
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram, IntegerSolution, RowKind, Tree
from aidmatch.solvers.growing import GrowingSolver
from aidmatch.solvers.mip import Linear, MipAnswer, MipSolver

__all__ = ["check_values", "solve_integer"]

#: Numbers above this are no integers to a solver of floating point.
LARGEST: Final = 10**12
#: Most cases that a level of a component is split into.
LEAVES: Final = 2_000
#: Columns of a component above which it is not split into cases.
SMALL: Final = 3_000
#: Part of a level's time that is left after its search, for splitting cases.
PROOFS: Final = 0.3
#: How often proofs of levels above are added to one of a level that looked at their optimal face alone.
_WEIGHTS: Final = (1, 8, 64, 1024, 2**14)
#: Subgradient steps at the root and in each case.
ROOT_STEPS: Final = 400
LEAF_STEPS: Final = 40
#: Numbers that one step may touch where rows are kept whole.
WORK: Final = 5e6
#: Pairs of each demand that a first search looks at, besides those that the relaxation takes.
FEW: Final = 3
#: Part of all the time that is left that a relaxation may take: without one, all levels below are open.
RELAXING: Final = 0.4
#: Part of a search's time for the pairs that the relaxation nearly likes, in a large component.
NEARLY: Final = 0.8
#: Part of a search's time, before that, for the pairs alone that are known or that the relaxation takes.
SOONEST: Final = 0.75
#: Part of a component's columns from which on a row is no tie of a block, one after the other, as long as these are few
#: of the rows; and most of the columns in one block.
TIES: Final = (0.2, 0.02, 0.005, 0.002, 0.001)
FEW_ROWS: Final = 0.01
MOST_IN_BLOCK: Final = 0.5
#: How often a block is searched that was not searched to its end, and how near to its bound that end is.
ROUNDS: Final = 3
NEAR: Final = 5e-4
#: Part of a search's time for blocks, and of what is left then for all of them together.
BLOCKS: Final = 0.9
AFTER_BLOCKS: Final = 0.3
#: Seconds a column that handing over a program and presolving it takes at least.
READING: Final = 2e-5
#: Seconds a column below which a search of blocks together has not bettered what they are apart.
TOGETHER: Final = 2e-4
#: Seconds a column below which a search of all that may still be used has never ended.
SEARCHING: Final = 1e-4
#: Seconds that are worth another search of what was stopped.
_AGAIN: Final = 0.1
#: How often a ray is added that proves a case empty.
_RAYS: Final = (1e3, 1e6, -1e3, -1e6)

Clock = Callable[[], float]


@dataclass
class _Part:
    """A connected component: its program, its columns and rows in the whole, and what is known of it."""

    program: IntegerProgram
    columns: Ints
    rows: Ints
    values: Ints
    #: how many of its columns are decided, and not only count what others do; they come first
    named: int
    #: limits that every answer keeps that is as good on the levels above
    low: Ints
    high: Ints
    #: of each level so far: value, certified and claimed bound, and the proof
    reached: list[int] = field(default_factory=list)
    certified: list[int] = field(default_factory=list)
    claimed: list[int] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    #: what each level so far may be for those below: the value, or that of all components where the largest counts
    budgets: list[int] = field(default_factory=list)
    relaxations: Relaxations | None = None

    @cached_property
    def insertion(self) -> Insertion:
        """Adds to what is known."""
        return Insertion(self.program)

    def exported(self, row: int) -> Tree:
        """The proof of a level, with the columns of the whole, and the nodes of packed rows."""
        tree = self.trees[row]
        return replace(tree, column=self.columns[tree.column], packed=self.program.row_node[tree.packed])


def solve_integer(
    program: IntegerProgram,
    solver: MipSolver,
    *,
    deadline: float | None = None,
    clock: Clock = time.monotonic,
    executor: Executor | None = None,
) -> IntegerSolution:
    """Decide an integer program.

    Parameters
    ----------
    program
        Arrays only; the unit of work.
    solver
        Any solver of mixed-integer programs. It is not trusted.
    deadline
        When to stop, on the clock; None for never. What is feasible by then is given.
    clock
        Tells the time in seconds.
    executor
        Who searches; without one, it is done here. It has no say in the answer, unless the time is over.

    Returns
    -------
    An answer that satisfies every row, with its proof.

    Raises
    ------
    NumberRangeError
        If a number is too large for a solver of floating point.
    SolverError
        If the solver raised.
    """
    _refuse_large(program)
    parts, component = _parts(program)
    patterns = None
    if isinstance(solver, GrowingSolver) and len(parts):
        patterns = Patterns(program, component, len(parts), solver, program.scale)
    searches, stopped = Searches(solver, executor), False
    count = len(program.levels)
    for row in range(count):
        _level(parts, row, searches, deadline, clock, patterns)
        level = program.levels[row]
        top = max((part.reached[row] for part in parts), default=level.constant)
        for part in parts:
            _narrow(part, row)
            part.budgets.append(top if level.largest else part.reached[row])
        if patterns is not None and not level.largest:
            patterns.hold(row, level, np.array([part.reached[row] for part in parts], dtype=np.int64))
        stopped |= any(max(p.certified[row], p.claimed[row]) < p.reached[row] for p in parts)
    _settle(parts, program.levels)
    values = np.zeros(len(program.most), dtype=np.int64)
    for part in parts:
        values[part.columns] = part.values
    check_values(program, values)
    certified = _certified(parts, program.levels)
    return IntegerSolution(
        values=values,
        level_values=tuple(_value(level, values) for level in program.levels),
        certified=tuple(certified),
        claimed=tuple(_claimed(parts, program.levels, certified)),
        trees=tuple(tuple(part.exported(row) for part in parts) for row in range(count)),
        component=component,
        solves=searches.solves,
        stopped=stopped,
    )


def check_values(program: IntegerProgram, values: Ints) -> None:
    """Refuse values that are not in the program.

    Parameters
    ----------
    program
        The program.
    values
        Of each column.

    Raises
    ------
    SolverError
        ``SOLVER_INFEASIBLE``.
    """
    if not _feasible(program, values):
        raise SolverError("the answer breaks a row", solver="integer", code="SOLVER_INFEASIBLE")


def _feasible(program: IntegerProgram, values: Ints) -> bool:
    inside = (values == 0) | (
        (values >= program.least) & (values <= program.most) & (values % program.step == 0) & (values > 0)
    )
    if not inside.all():
        return False
    activity = _activity(program, values)
    return bool(((activity >= program.row_lower) & (activity <= program.row_upper)).all())


def _activity(program: IntegerProgram, values: Ints) -> Ints:
    activity = np.zeros(len(program.row_kind), dtype=np.int64)
    for start, column, coefficient, of in (
        (program.row_start, program.row_column, program.row_coefficient, values),
        (program.use_start, program.use_column, program.use_coefficient, (values > 0).astype(np.int64)),
    ):
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        np.add.at(activity, row, coefficient * of[column])
    return activity


def _value(level: IntegerLevel, values: Ints) -> int:
    if level.largest:
        return level.constant + max(0, int((level.cost * values).max(initial=0)))
    return level.constant + dot(level.cost, values)


def _completed(program: IntegerProgram, values: Ints, named: int) -> Ints:
    """Columns that only count what others do, each in one row with an upper limit, at their best."""
    values = values.copy()
    values[named:] = 0
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    counts = np.flatnonzero(program.row_column >= named)
    column, of, weight = program.row_column[counts], row[counts], program.row_coefficient[counts]
    slack = program.row_upper[of] - _activity(program, values)[of]
    # weight·column ≤ slack: as much as there is room for, or as little as is missing
    best = np.where(weight > 0, slack // np.maximum(weight, 1), -(slack // np.maximum(-weight, 1)))
    values[column] = np.clip(best, 0, program.most[column])
    return values


def _refuse_large(program: IntegerProgram) -> None:
    named = {
        "a quantity": program.most,
        "a coefficient": np.concatenate([program.row_coefficient, program.use_coefficient]),
        "a limit": np.concatenate(
            [limit[np.abs(limit) < NO_LIMIT] for limit in (program.row_lower, program.row_upper)]
        ),
        "a cost": np.concatenate([level.cost for level in program.levels]),
    }
    for what, numbers in named.items():
        largest = max(int(numbers.max(initial=0)), -int(numbers.min(initial=0)))
        if largest > LARGEST:
            raise NumberRangeError(f"{what} of {largest} is too large for an integer program; at most {LARGEST}")
    reach = np.zeros(len(program.row_kind) + 1)
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    np.add.at(reach, row, np.abs(program.row_coefficient).astype(float) * program.most[program.row_column])
    if reach.max() >= SAFE:
        raise NumberRangeError("quantities times loads leave 64-bit integers")


# --- components


def _parts(program: IntegerProgram) -> tuple[list[_Part], Ints]:
    """The connected components that can be anything but zero, and the component of each column."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    columns, rows = len(program.most), len(program.row_kind)
    entry_row = np.concatenate(
        [np.repeat(np.arange(rows), np.diff(start)) for start in (program.row_start, program.use_start)]
    )
    entry_column = np.concatenate([program.row_column, program.use_column])
    graph = csr_array(
        (np.ones(len(entry_row), dtype=np.int8), (entry_column, entry_row + columns)), (columns + rows,) * 2
    )
    count, label = connected_components(graph, directed=False)
    label = label.astype(np.int64)
    live = np.zeros(count, dtype=np.bool_)
    live[label[: len(program.demand_of)]] = True
    number = np.where(live, np.cumsum(live) - 1, -1)
    component = number[label[:columns]]
    row_component = number[label[columns:]]
    of_column, of_row = _split(component, int(live.sum())), _split(row_component, int(live.sum()))
    parts = []
    place = np.zeros(columns, dtype=np.int64)
    for inside, held in zip(of_column, of_row, strict=True):
        place[inside] = np.arange(len(inside))
        part = _cut(program, inside, held, place)
        named = len(program.demand_of) + program.demands + program.supplies + program.bought
        parts.append(
            _Part(
                part,
                inside,
                held,
                np.zeros(len(inside), dtype=np.int64),
                int(np.searchsorted(inside, named)),
                np.zeros(len(inside), dtype=np.int64),
                part.most.copy(),
            )
        )
    return parts, component


def _split(label: Ints, count: int) -> list[Ints]:
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(count + 1))
    return [order[first[i] : first[i + 1]].astype(np.int64) for i in range(count)]


def _cut(program: IntegerProgram, columns: Ints, rows: Ints, place: Ints) -> IntegerProgram:
    def matrix(start: Ints, column: Ints, coefficient: Ints) -> tuple[Ints, Ints, Ints]:
        sizes = np.diff(start)[rows]
        ends = np.cumsum(sizes)
        entries = np.arange(int(sizes.sum())) + np.repeat(start[rows] - ends + sizes, sizes)
        return np.concatenate([[0], ends]).astype(np.int64), place[column[entries]], coefficient[entries]

    arcs = columns[columns < len(program.demand_of)]
    return IntegerProgram(
        program.least[columns],
        program.most[columns],
        program.step[columns],
        program.demand_of[arcs],
        program.supply_of[arcs],
        program.demands,
        program.supplies,
        *matrix(program.row_start, program.row_column, program.row_coefficient),
        *matrix(program.use_start, program.use_column, program.use_coefficient),
        program.row_lower[rows],
        program.row_upper[rows],
        program.row_kind[rows],
        program.row_node[rows],
        tuple(
            IntegerLevel(level.cost[columns], level.constant if level.largest else 0, level.largest)
            for level in program.levels
        ),
        scale=program.scale,
    )


def _without_others(program: IntegerProgram, columns: Ints) -> IntegerProgram:
    """Some columns of a program, and the rows that have one of them."""
    place = np.full(len(program.most), -1, dtype=np.int64)
    place[columns] = np.arange(len(columns))

    def entries(start: Ints, column: Ints, coefficient: Ints) -> tuple[Ints, Ints, Ints]:
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        inside = place[column] >= 0
        return row[inside], place[column[inside]], coefficient[inside]

    plain = entries(program.row_start, program.row_column, program.row_coefficient)
    use = entries(program.use_start, program.use_column, program.use_coefficient)
    rows = np.union1d(plain[0], use[0])

    ends = np.append(rows, len(program.row_kind))
    arcs = columns[columns < len(program.demand_of)]
    return replace(
        program,
        least=program.least[columns],
        most=program.most[columns],
        step=program.step[columns],
        demand_of=program.demand_of[arcs],
        supply_of=program.supply_of[arcs],
        row_start=np.searchsorted(plain[0], ends),
        row_column=plain[1],
        row_coefficient=plain[2],
        use_start=np.searchsorted(use[0], ends),
        use_column=use[1],
        use_coefficient=use[2],
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
        row_kind=program.row_kind[rows],
        row_node=program.row_node[rows],
    )


# --- one level


def _level(
    parts: Sequence[_Part],
    row: int,
    searches: Searches,
    deadline: float | None,
    clock: Clock,
    patterns: Patterns | None,
) -> None:
    """Decide one level of every component."""
    # what is left is shared over the levels to come, the higher ones first: their gaps weaken all bounds below
    part_of_time = 2 / (len(parts[0].program.levels) - row + 1) if parts else 1.0
    relaxed_by, end = _share(deadline, RELAXING, clock), _share(deadline, part_of_time, clock)
    started = [(number, part, _Relaxed(part, row)) for number, part in enumerate(parts)]
    open_at_first = {number for number, _, relaxed in started if relaxed.bound(relaxed.tree) < relaxed.reached}
    raised = _raised_by_patterns(parts, row, open_at_first, end, clock, patterns)
    in_sets: list[tuple[int, _Part, _Relaxed]] = []
    for number, part, relaxed in started:
        if number in open_at_first:
            if raised is not None and patterns is not None and patterns.suited[number]:
                relaxed.take(relaxed.patterned(raised, number))
                in_sets.append((number, part, relaxed))
            elif _over(by := relaxed_by if len(part.columns) > SMALL else end, clock):
                relaxed.take(relaxed.filled())
            else:
                relaxed.take(relaxed.root(searches.solver, _remaining(by, clock)))
    for all_of_them in (False, True):
        if patterns is None:
            break
        # the master takes in what is missing part by part, in their order, whoever has searched in whichever
        in_sets = [one for one in in_sets if one[2].reached > one[2].certain() and not _over(end, clock)]
        if all_of_them:
            in_sets = [one for one in in_sets if one[2].known_in_sets and not _over(end, clock)]
            in_sets = [one for one in in_sets if one[2].completed_in(patterns, one[0])]
        starts = [
            (len(part.columns), partial(relaxed.among_sets, patterns, number, all_of_them=all_of_them))
            for number, part, relaxed in in_sets
        ]
        searches.run(starts, end, clock)
    hard: list[tuple[int, _Part, _Relaxed]] = []
    for _, part, relaxed in started:
        part.reached.append(relaxed.reached)
        part.trees.append(relaxed.tree)
        part.certified.append(relaxed.bound(relaxed.tree) if relaxed.closing is None else relaxed.certain())
        part.claimed.append(max(part.certified[-1], -INFEASIBLE if relaxed.claimed is None else relaxed.claimed))
        if part.claimed[-1] < part.reached[-1]:
            hard.append((len(part.columns), part, relaxed))
    if hard and max(size for size, _, _ in hard) > SMALL:
        # a relaxation that took long leaves the search its share of the rest
        end = _share(deadline, part_of_time, clock)
    hard.sort(key=lambda one: one[0])
    searches.run([(size, relaxed.searched) for size, _, relaxed in hard], end, clock)
    # what was stopped has what the others have left
    # but for large components, whose searches look where they have looked before
    again = [one for one in hard if _open(one[1], row) and one[0] <= SMALL]
    left = _remaining(end, clock)
    if left is not None and left >= _AGAIN:
        searches.run([(1, relaxed.searched) for _, _, relaxed in again], end, clock)
    # multipliers of sets are the best that a root has, and splitting cases adds little to them for its time
    open_still = [
        one
        for one in hard
        if one[1].certified[row] < one[1].reached[row] and one[0] <= SMALL and one[2].closing is None
    ]
    for number, (_, _, relaxed) in enumerate(open_still):
        left = _remaining(end, clock)
        if left is not None and left <= 0:
            break
        # proofs are worth less of the time than answers
        until = None if left is None else clock() + PROOFS * left / (len(open_still) - number)
        relaxed.split(searches.solver, until, clock)
    for _, part, _ in hard:
        part.claimed[row] = max(part.claimed[row], part.certified[row])
    for _, _, relaxed in started:
        relaxed.close()


def _raised_by_patterns(
    parts: Sequence[_Part],
    row: int,
    wanted: set[int],
    end: float | None,
    clock: Clock,
    patterns: Patterns | None,
) -> Raised | None:
    """Bounds of the components that patterns suit, if there is one among those that are wanted."""
    if patterns is None or not any(patterns.suited[number] for number in wanted) or _over(end, clock):
        return None
    values = np.zeros(len(patterns.program.most), dtype=np.int64)
    for part in parts:
        values[part.columns] = part.values
    patterns.know(values)
    level = patterns.program.levels[row]
    return None if level.largest else patterns.raised(level, end, clock)


def _narrow(part: _Part, row: int) -> None:
    """Close what no answer as good as this one uses, for the searches below; proofs do without."""
    tree = part.trees[row]
    if part.program.levels[row].largest or len(tree.multipliers) > 1 or len(tree.packed):
        return
    relaxed = _Relaxed(part, row)
    low, high = face_of(relaxed.plain, relaxed.level, relaxed.budgets, tree, part.reached[row])
    part.low, part.high = np.maximum(part.low, low), np.minimum(part.high, high)


def _open(part: _Part, row: int) -> bool:
    return max(part.certified[row], part.claimed[row]) < part.reached[row]


def _over(end: float | None, clock: Clock) -> bool:
    return end is not None and clock() >= end


def _share(deadline: float | None, part: float, clock: Clock) -> float | None:
    """When some part of the time that is left is over."""
    return None if deadline is None else clock() + part * max(0.0, deadline - clock())


def _remaining(end: float | None, clock: Clock) -> float | None:
    return None if end is None else max(0.0, end - clock())


class _Relaxed:
    """One level of one component, on what the levels above have left."""

    def __init__(self, part: _Part, row: int) -> None:
        self.part, self.row = part, row
        program = part.program
        most = program.most.copy()
        for higher, budget in zip(program.levels[:row], part.budgets[:row], strict=True):
            if higher.largest:
                costly = higher.cost > 0
                most[costly] = np.minimum(most[costly], (budget - higher.constant) // higher.cost[costly])
        self.program = replace(program, most=most)
        self.level = program.levels[row]
        self.budgets = list(zip(program.levels[:row], part.budgets[:row], strict=True))
        self.plain, self.plain_budgets = self.program, self.budgets
        if self.level.largest:
            self.program, self.level, self.budgets = _with_largest(self.program, self.level, self.budgets)
        self._linear: Linear | None = None
        #: what the relaxation of the whole level chose, and its reduced costs
        self.guide: tuple[Floats, Floats] | None = None
        self.low = np.zeros(len(self.program.most), dtype=np.int64)
        #: what a search over all sets that matter says of the bound
        self.claimed: int | None = None
        #: of what patterns say: the bound, and how much more each arc costs, both over the scale
        self.closing: tuple[int, Ints] | None = None
        #: rows that are kept whole when cases are split
        self.packed = np.zeros(0, dtype=np.int64)
        #: whether what is known is made of the master's sets
        self.known_in_sets = True
        #: the proof so far
        self.tree = self.empty_tree()

    @property
    def reached(self) -> int:
        """The value of what is known."""
        return _value(self.part.program.levels[self.row], self.part.values)

    def take(self, found: tuple[Tree, Ints | None]) -> None:
        """Take a proof, and an answer if it is better than what is known."""
        self.tree, values = found
        if values is not None and _value(self.part.program.levels[self.row], values) < self.reached:
            self.part.values = values

    @property
    def linear(self) -> Linear:
        """The program as it is given to a solver."""
        if self._linear is None:
            self._linear = Linear.of(self.program, self.level, self.budgets)
            if self.closing is not None:
                self._linear = replace(self._linear, target=float(self.certain()))
        return self._linear

    def empty_tree(self) -> Tree:
        """A proof that uses no multiplier at all."""
        nothing = np.zeros(0, dtype=np.int64)
        above = np.zeros((1, self.row), dtype=np.int64)
        return Tree(*(nothing,) * 3, np.zeros((1, 0), dtype=np.int64), above, *(nothing,) * 5, self.program.scale)

    def bound(self, tree: Tree) -> int:
        return bound_of(self.program, self.level, self.budgets, tree)

    def root(self, solver: MipSolver, seconds: float | None) -> tuple[Tree, Ints | None]:
        """Multipliers of the linear relaxation, and its answer if that happens to be whole."""
        large = len(self.program.most) > SMALL
        own = self.part.program.levels[self.row]
        if large and isinstance(solver, GrowingSolver) and not own.largest:
            if self.part.relaxations is None:
                self.part.relaxations = Relaxations(self.part.program, solver.growing())
            answer = self.part.relaxations.solve(own, self.budgets, self.program.most, self.part.values, seconds)
        else:
            linear = Linear.compact(self.program, self.level, self.budgets) if large else self.linear
            answer = solver.relaxation(linear, seconds, self.low, self.program.most)
        if answer is None or answer.infeasible:
            return self.empty_tree(), self._inserted(np.zeros(len(self.program.most)))
        tree = self._one_leaf(*self._rounded(answer.row_dual))
        tree = self._off_the_face(tree) if large else tree
        # multipliers of a relaxation that was stopped may be worth less than none
        tree = max(self.tree, tree, key=self.bound)
        self.guide = answer.values, answer.reduced
        whole = self._whole(answer.values)
        return tree, self._inserted(answer.values) if whole is None else whole

    def patterned(self, raised: Raised, number: int) -> tuple[Tree, Ints | None]:
        """The multipliers of the master of patterns, and its answer if that is whole, or what can be added."""
        part, program = self.part, self.plain
        arcs = part.columns[: len(program.demand_of)]
        served = np.flatnonzero(program.row_kind == RowKind.SERVED)
        y = raised.demand[program.row_node[served]]
        above = np.zeros(self.row, dtype=np.int64)
        above[: len(raised.above)] = raised.above[:, number]
        rows = served[y != 0]
        tree = replace(self._one_leaf(rows, y[y != 0], above), packed=np.flatnonzero(program.row_kind == RowKind.GIVEN))
        taken = np.zeros(len(program.most))
        taken[: len(arcs)] = raised.taken[arcs]
        reduced = np.full(len(program.most), 0.0)
        reduced[: len(arcs)] = np.minimum(raised.reduced[arcs] / self.program.scale, 1e15)
        self.guide = taken, reduced
        self.closing = int(raised.bound[number]), raised.reduced[arcs]
        whole = self.from_arcs(np.flatnonzero(taken[: len(arcs)] > 0.5)) if raised.whole[number] else None
        return tree, self._inserted(taken) if whole is None else whole

    def close(self) -> None:
        """Close the pairs that no answer as good as this one has, by what patterns say."""
        if self.closing is not None:
            bound, more = self.closing
            # a sum may leave 64 bits where there is no such choice at all
            never = more > self.part.reached[self.row] * self.program.scale - bound
            self.part.high[: len(never)][never] = 0

    def closed_at(self) -> int:
        """The bound by patterns over the scale."""
        return -INFEASIBLE if self.closing is None else self.closing[0]

    def certain(self) -> int:
        """The bound by patterns."""
        return int(-(-self.closed_at() // self.program.scale))

    def from_arcs(self, arcs: Ints) -> Ints | None:
        """The answer that takes some arcs, if it holds."""
        program = self.plain
        found = np.zeros(len(program.most), dtype=np.int64)
        found[arcs] = 1
        total = np.repeat(program.row_kind, np.diff(program.row_start))
        row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
        sums = np.zeros(len(program.row_kind), dtype=np.int64)
        np.add.at(sums, row, program.row_coefficient * found[program.row_column])
        ends = np.isin(total, (RowKind.SERVED, RowKind.GIVEN)) & (program.row_column >= len(program.demand_of))
        found[program.row_column[ends]] = sums[row[ends]]
        return self._kept(found)

    def among_sets(self, patterns: Patterns, number: int, seconds: float | None, *, all_of_them: bool) -> Steps[None]:
        """Look for a better answer among the sets that the master has, or among all that matter once it has these."""
        part = self.part
        linear, sets = patterns.linear(number, all_of_them=all_of_them)
        start = patterns.start_of(linear, sets, part.columns, part.values)
        if start is None:
            self.known_in_sets = False
            return
        linear, low = replace(linear, target=float(self.certain())), np.zeros(len(start), dtype=np.int64)
        answer = yield Search(linear, seconds, low, linear.upper.astype(int), start)
        if answer.values is not None:
            place = np.searchsorted(part.columns, patterns.arcs_of(linear, sets, answer.values))
            self.take((self.tree, self.from_arcs(place)))
        if all_of_them and answer.bound is not None:
            self.claimed = min(answer.bound, self.reached)

    def completed_in(self, patterns: Patterns, number: int) -> bool:
        """Whether the master has all sets now that an answer is made of which is better than what is known."""
        return patterns.complete(number, (self.reached - 1) * self.program.scale - self.closed_at())

    def _face(self) -> tuple[Ints, Ints]:
        """Limits of the columns that the levels above leave."""
        low, high = self.part.low, np.minimum(self.part.high, self.plain.most)
        more = len(self.program.most) - len(low)
        return np.append(low, np.zeros(more, dtype=np.int64)), np.append(high, self.program.most[len(high) :])

    def _off_the_face(self, tree: Tree) -> Tree:
        """The same multipliers with as many of the proofs above as the columns need that these have closed."""
        best, best_bound = tree, self.bound(tree)
        dense = np.zeros(len(self.program.row_kind), dtype=np.int64)
        dense[tree.rows] = tree.multipliers[0]
        for weight in _WEIGHTS:
            y, above = dense.copy(), tree.above[0].copy()
            for number in range(self.row - 1, -1, -1):
                proof = self.part.trees[number]
                if self.part.program.levels[number].largest or len(proof.multipliers) > 1 or len(proof.packed):
                    continue
                if max(np.abs(one).max(initial=0) for one in (y, above, proof.multipliers, proof.above)) > 2**46:
                    break
                y[proof.rows] += weight * proof.multipliers[0]
                above[number] += weight * self.program.scale
                above[:number] += weight * proof.above[0]
            rows = np.flatnonzero(y)
            other = self._one_leaf(rows, y[rows], above)
            bound = self.bound(other)
            if bound > best_bound:
                best, best_bound = other, bound
        return best

    def _said(self, rows: Ints) -> tuple[Ints, Ints]:
        return self.program.row_kind[rows], self.program.row_node[rows]

    def _rounded(self, dual: Floats) -> tuple[Ints, Ints, Ints]:
        """Multipliers over the scale that respect what each row limits."""
        dual = np.where(np.isfinite(dual), dual, 0.0)
        y = np.rint(np.clip(dual * self.program.scale, -(2.0**52), 2.0**52)).astype(np.int64)
        own, above = y[: len(self.program.row_kind)], -y[len(self.program.row_kind) :]
        own[(own > 0) & (self.program.row_lower <= -NO_LIMIT)] = 0
        own[(own < 0) & (self.program.row_upper >= NO_LIMIT)] = 0
        rows = np.flatnonzero(own)
        return rows, own[rows], np.maximum(above, 0)

    def filled(self) -> tuple[Tree, Ints | None]:
        """What can be added where there is no time for more, and no proof."""
        return self.tree, self._inserted(np.zeros(len(self.plain.most)))

    def _inserted(self, guide: Floats) -> Ints | None:
        """What is known, and what can be added to it, as the relaxation would have it."""
        plain, own = self.plain, self.part.program.levels[self.row]
        if own.largest:
            return None
        wanted = guide[: len(plain.most)] * plain.step
        sums = [(level.cost, budget - level.constant) for level, budget in self.plain_budgets if not level.largest]
        return self._kept(self.part.insertion.inserted(own, sums, plain.most, self.part.values, wanted))

    def _whole(self, values: Floats) -> Ints | None:
        """An answer of the solver as integers, if it is one; columns that only follow from others are made anew."""
        whole = np.rint(values)
        if not np.allclose(whole, values, rtol=0, atol=1e-4):
            return None
        found = whole.astype(np.int64) * self.program.step
        return self._kept(found)

    def _kept(self, found: Ints) -> Ints | None:
        """The component's own columns, if they hold and are as good as they must be on the levels above."""
        found = _completed(self.plain, found[: len(self.part.columns)], self.part.named)
        if not _feasible(self.plain, found):
            return None
        if any(_value(higher, found) > budget for higher, budget in self.plain_budgets):
            return None
        return found

    def searched(self, seconds: float | None) -> Steps[None]:
        """Look for a better answer, and a claim of the bound."""
        answer = yield from self._search(seconds)
        part, row = self.part, self.row
        part.reached[row] = self.accept(answer)
        if answer.bound is not None:
            claimed = min(part.reached[row], answer.bound + self.level.constant)
            part.claimed[row] = max(part.claimed[row], claimed)

    def _search(self, seconds: float | None) -> Steps[MipAnswer]:
        low, high = self._face()
        if len(high) > SMALL:
            return (yield from self._search_large(seconds, low, high))
        few = self._few(high, FEW)
        if few is not None:
            first = yield from self._within(None if seconds is None else 0.5 * seconds, low, few)
            self.accept(first)
            seconds = None if seconds is None else max(0.0, seconds - first.seconds)
            if self._is_proven():
                return MipAnswer(None, None, first.seconds)
        return (yield Search(self.linear, seconds, low, high, self._start()))

    def _search_large(self, seconds: float | None, low: Ints, high: Ints) -> Steps[MipAnswer]:
        """Search a large component: few columns first, then block by block, then more of them."""
        end = None if seconds is None else time.monotonic() + seconds
        stages: list[tuple[float, Callable[[float | None], Steps[None]]]] = []
        blocks = self._blocks()
        pairs_alone = not self.level.cost[len(self.program.demand_of) :].any()

        def within(each: int, column: float = READING) -> Callable[[float | None], Steps[None]]:
            def stage(left: float | None) -> Steps[None]:
                few = self._few(high, each)
                if few is None or (left is not None and left < column * int((few > 0).sum())):
                    return
                least, few = self._as_served(low, few) if not each else (low, few)
                self.accept((yield from self._within(left, least, few)))

            return stage

        if blocks:
            stages.append((BLOCKS, lambda left: self._search_blocks(left, blocks, low, high)))
        if not blocks or not pairs_alone:
            stages.append((SOONEST, within(0)))
        # a level above the last one leaves the time to those below
        last = self.row == len(self.part.program.levels) - 1
        stages.append((NEARLY if last or not blocks else AFTER_BLOCKS, within(FEW, TOGETHER if blocks else READING)))
        for share, stage in stages:
            left = _remaining(end, time.monotonic)
            yield from stage(None if left is None else share * left)
            if self._is_proven():
                return MipAnswer(None, None, 0.0)
        low, high = self._as_good(low, high)
        left = _remaining(end, time.monotonic)
        if left is not None and left < SEARCHING * int((high > low).sum()):
            return MipAnswer(None, None, 0.0)  # the time would go into handing it over
        return (yield from self._within(left, low, high))

    def _is_proven(self) -> bool:
        return self.part.certified[self.row] >= _value(self.part.program.levels[self.row], self.part.values)

    def _blocks(self) -> list[Ints]:
        """Columns that only few rows tie to each other, such as those of one kind of goods; none if all are tied."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        program, columns = self.plain, len(self.plain.most)
        row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
        sizes = np.diff(program.row_start)
        together = np.diff(program.use_start) > 1
        for share in TIES:
            # rows that tie much are no ties: what is used together, and what much is in, such as a fund
            large = sizes > share * columns
            if large.sum() > FEW_ROWS * len(sizes):
                break
            held = ~(together | large)[row]
            graph = csr_array(
                (np.ones(int(held.sum()), dtype=np.int8), (program.row_column[held], columns + row[held])),
                (columns + len(program.row_kind),) * 2,
            )
            _, label = connected_components(graph, directed=False)
            label = label[:columns]
            members = np.bincount(label)
            if members.max() <= MOST_IN_BLOCK * columns:
                return [np.flatnonzero(label == one) for one in np.flatnonzero(members > 1).tolist()]
        return []

    def _search_blocks(self, seconds: float | None, blocks: Sequence[Ints], low: Ints, high: Ints) -> Steps[None]:
        """Search one block after the other, all others as they are; first those that the relaxation has far better."""
        if self.guide is None:
            return
        end = None if seconds is None else time.monotonic() + seconds
        waiting = list(range(len(blocks)))
        for _ in range(ROUNDS):
            hoped = {number: self._hoped(blocks[number]) for number in waiting}
            waiting = sorted((number for number in waiting if hoped[number] > 0), key=lambda one: (-hoped[one], one))
            few = self._few(high, FEW)
            if few is None:
                return
            for place, number in enumerate(order := waiting.copy()):
                left = _remaining(end, time.monotonic)
                if left is not None and left <= 0:
                    return
                part = hoped[number] / sum(hoped[other] for other in order[place:])
                seconds = None if left is None else part * left
                answer = yield from self._within(seconds, low, few, blocks[number], near=NEAR)
                reached = self.accept(answer)
                if answer.bound is not None and answer.bound + self.level.constant >= reached - NEAR * abs(reached):
                    waiting.remove(number)
        if self.row < len(self.part.program.levels) - 1:
            return
        # a block may have what the relaxation gives to another, which the levels above allow in sum alone
        hoped = {number: self._hoped(blocks[number]) for number in range(len(blocks))}
        if not any(hoped.values()):
            return
        order = sorted(hoped, key=lambda one: (-hoped[one], one))
        few = self._few(high, FEW)
        for place in range(len(order) // 2):
            left = _remaining(end, time.monotonic)
            if few is None or (left is not None and left <= 0):
                return
            both = np.sort(np.concatenate([blocks[order[place]], blocks[order[-1 - place]]]))
            seconds = None if left is None else 2 * left / (len(order) // 2 - place + 1)
            self.accept((yield from self._within(seconds, low, few, both, near=NEAR)))

    def _hoped(self, block: Ints) -> float:
        """By how much the relaxation has a block better than what is known."""
        taken = self.program.step[block] * self.guide[0][block] if self.guide is not None else self._start()[block]
        return float(self.level.cost[block] @ (self._start()[block] - taken))

    def _as_good(self, low: Ints, high: Ints) -> tuple[Ints, Ints]:
        """Limits that every answer keeps that is as good as what is known, by reduced costs."""
        tree, own = self.part.trees[self.row], self.part.program.levels[self.row]
        if own.largest or len(tree.multipliers) > 1 or len(tree.packed):
            return low, high
        least, most = face_of(self.plain, self.level, self.budgets, tree, _value(own, self.part.values))
        return np.maximum(low, least), np.minimum(high, most)

    def _as_served(self, low: Ints, high: Ints) -> tuple[Ints, Ints]:
        """Limits that keep what each demand is served, where a level has costs of pairs alone."""
        arcs, program = len(self.program.demand_of), self.program
        low, high = low.copy(), high.copy()
        if self.level.cost[arcs:].any():
            return low, high
        of = np.repeat(program.row_kind, np.diff(program.row_start))
        served = program.row_column[(of == RowKind.SERVED) & (program.row_column >= arcs)]
        low[served] = high[served] = self._start()[served]
        return low, high

    def _within(
        self,
        seconds: float | None,
        low: Ints,
        high: Ints,
        here: Ints | None = None,
        near: float = 0.0,
    ) -> Steps[MipAnswer]:
        """Search some columns, or all, within limits that what is known keeps, while all others stay what they are.

        What limits close, which may be most, is not handed over. A bound is that of such answers.
        """
        began = time.monotonic()
        program, known = self.program, self._start()
        here = np.arange(len(high)) if here is None else here
        inside = here[high[here] > low[here]]
        held = known.copy()
        held[inside] = 0
        activity = _activity(program, held)
        lower, upper = program.row_lower.copy(), program.row_upper.copy()
        lower[lower > -NO_LIMIT] -= activity[lower > -NO_LIMIT]
        upper[upper < NO_LIMIT] -= activity[upper < NO_LIMIT]
        cut = _without_others(replace(program, levels=(), row_lower=lower, row_upper=upper), inside)
        fixed = dot(self.level.cost, held)
        budgets = [
            (replace(higher, cost=higher.cost[inside]), budget - (0 if higher.largest else dot(higher.cost, held)))
            for higher, budget in self.budgets
        ]
        linear = replace(Linear.of(cut, replace(self.level, cost=self.level.cost[inside]), budgets), near=near)
        left = None if seconds is None else max(0.0, seconds - (time.monotonic() - began))
        answer = yield Search(linear, left, low[inside], high[inside], known[inside])
        took, bound = time.monotonic() - began, None if answer.bound is None else answer.bound + fixed
        if answer.values is None:
            return MipAnswer(None, bound, took)
        values = known / program.step
        values[inside] = answer.values
        return MipAnswer(values, bound, took)

    def _few(self, high: Ints, each: int) -> Ints | None:
        """Limits that leave only pairs that are known or that the relaxation nearly likes; None if these are most."""
        arcs = len(self.program.demand_of)
        if self.guide is None or arcs < FEW * len(np.unique(self.program.demand_of)):
            return None
        taken, reduced = self.guide
        keep = (taken[:arcs] > 1e-9) | (self.part.values[:arcs] > 0) | (self.part.low[:arcs] > 0)
        # the cheapest of each demand, too
        # and of equally cheap ones, those that the last level would have
        last = self.part.program.levels[-1].cost[:arcs]
        order = np.lexsort((last, np.round(reduced[:arcs], 6), self.program.demand_of))
        first = np.searchsorted(self.program.demand_of[order], self.program.demand_of[order])
        keep[order[np.arange(arcs) - first < each]] = True
        if each:
            keep |= self._nearest_the_bound(2 * each * len(np.unique(self.program.demand_of)))
        few = high.copy()
        few[:arcs][~keep] = 0
        return few

    def _nearest_the_bound(self, count: int) -> Bools:
        """About so many pairs whose use costs least above the bound: if an optimum is near it, it has no others."""
        tree, arcs = self.part.trees[self.row], len(self.program.demand_of)
        if len(tree.multipliers) > 1 or len(tree.packed) or count >= arcs:
            return np.zeros(arcs, dtype=np.bool_)
        more, _, _ = excess_of(self.program, self.level, self.budgets, tree)
        # those that are level with the last one may be most
        return np.asarray(more[:arcs] < np.partition(more[:arcs], count)[count], dtype=np.bool_)

    def _start(self) -> Ints:
        values = self.part.values
        if len(self.program.most) > len(values):
            values = np.append(values, _value(self.part.program.levels[self.row], values) - self.level.constant)
        return values

    def accept(self, answer: MipAnswer) -> int:
        """Take an answer that is feasible and better; the value that is reached."""
        own = self.part.program.levels[self.row]
        reached = _value(own, self.part.values)
        if answer.values is not None:
            found = self._kept(np.rint(answer.values).astype(np.int64) * self.program.step)
            if found is not None and _value(own, found) < reached:
                self.part.values, reached = found, _value(own, found)
        return reached

    def split(self, solver: MipSolver, end: float | None, clock: Clock) -> None:
        """Split cases until our own bound reaches the value, or the time or the number of leaves is over."""
        part, row = self.part, self.row
        target = part.reached[row]
        self.packed = packable(self.program) if _fits(self.program) else self.packed
        better = self._raised(part.trees[row], self.low, self.program.most, ROOT_STEPS, end, clock)
        if self.bound(better) > part.certified[row]:
            part.trees[row], part.certified[row] = better, min(target, self.bound(better))
        if part.certified[row] >= target:
            return
        root = _Leaf(part.certified[row], part.trees[row], self.low, self.program.most, None)
        nodes: list[tuple[int, int, int, int]] = []
        heap: list[tuple[int, int, _Leaf]] = []
        number = 0
        fractions = self._fraction(solver, root.low, root.high, end, clock)
        if fractions is None:
            return
        root.fraction, root.charged = fractions
        heapq.heappush(heap, (root.bound, number, root))
        done: list[_Leaf] = []
        while heap and len(heap) + len(done) < LEAVES:
            bound, _, leaf = heap[0]
            if bound >= target or _over(end, clock):
                break
            heapq.heappop(heap)
            column, threshold = self._branching(leaf)
            if column < 0:
                done.append(leaf)  # its relaxation is whole, and no better than what is known
                continue
            node = len(nodes)
            nodes.append((column, threshold, 0, 0))
            self._link(nodes, leaf, node)
            for side in (0, 1):
                low, high = leaf.low.copy(), leaf.high.copy()
                if side == 0:
                    high[column] = threshold
                else:
                    low[column] = threshold + 1
                child = self._child(solver, leaf, low, high, (node, side), end, clock)
                number += 1
                heapq.heappush(heap, (child.bound, number, child))
        everything = [leaf for _, _, leaf in sorted(heap, key=lambda one: one[1])] + done
        if min(leaf.bound for leaf in everything) > part.certified[row]:
            part.trees[row] = self._tree(nodes, everything)
            part.certified[row] = min(target, self.bound(part.trees[row]))

    def _child(
        self,
        solver: MipSolver,
        parent: _Leaf,
        low: Ints,
        high: Ints,
        place: tuple[int, int],
        end: float | None,
        clock: Clock,
    ) -> _Leaf:
        answer = solver.relaxation(self.linear, _remaining(end, clock), low, high)
        trees = [parent.tree]
        fraction: Floats | None = None
        charged: Floats | None = None
        if answer is not None and not answer.infeasible:
            trees.append(self._one_leaf(*self._rounded(answer.row_dual)))
            fraction, charged = answer.values, answer.charged
        elif answer is not None and len(answer.row_dual):
            # a ray that proves that there is nothing: enough of it closes the case
            trees += [self._one_leaf(*self._rounded(answer.row_dual * weight)) for weight in _RAYS]
        if len(self.packed):
            trees[:2] = [self._raised(tree, low, high, LEAF_STEPS, end, clock) for tree in trees[:2]]
        bounds = [self._leaf_bound(tree, low, high) for tree in trees]
        best = bounds.index(max(bounds))
        return _Leaf(bounds[best], trees[best], low, high, place, fraction, charged)

    def _raised(self, tree: Tree, low: Ints, high: Ints, steps: int, end: float | None, clock: Clock) -> Tree:
        """The same leaf with the packed rows kept whole, and multipliers that fit that."""
        if not len(self.packed) or _over(end, clock):
            return tree
        program = self.program
        y = np.zeros(len(program.row_kind))
        y[tree.rows] = tree.multipliers[0] / self.program.scale
        kept = np.isin(program.row_kind, (RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL))
        y[kept & np.isin(program.row_node, program.row_node[self.packed])] = 0.0
        above = tree.above[0].copy()
        for number, (higher, budget) in enumerate(self.budgets):
            # a level that is as good as it can be anyway is held there, at no cost to the bound
            if int(np.minimum(higher.cost * program.most, 0).sum()) + higher.constant == budget and not higher.largest:
                above[number] += 4 * self.program.scale * int(np.abs(self.level.cost).max(initial=0))
        cost = self.level.cost.astype(float)
        for (higher, _), weight in zip(self.budgets, above.tolist(), strict=True):
            cost += weight / self.program.scale * higher.cost
        constant = sum(
            w / self.program.scale * (h.constant - b) for (h, b), w in zip(self.budgets, above.tolist(), strict=True)
        )
        target = self.part.reached[self.row] - self.level.constant - constant
        found = raised_multipliers(program, cost, y, self.packed, low, high, target, steps)
        own = np.rint(found * self.program.scale).astype(np.int64)
        rows = np.flatnonzero(own)
        return replace(self._one_leaf(rows, own[rows], above), packed=self.packed)

    def _one_leaf(self, rows: Ints, multipliers: Ints, above: Ints) -> Tree:
        nothing = np.zeros(0, dtype=np.int64)
        return Tree(rows, *self._said(rows), multipliers[None], above[None], *(nothing,) * 5, self.program.scale)

    def _leaf_bound(self, tree: Tree, low: Ints, high: Ints) -> int:
        return leaf_bound(
            self.program,
            self.level,
            self.budgets,
            tree.rows,
            tree.multipliers[0],
            tree.above[0],
            tree.packed,
            tree.scale,
            low,
            high,
        )

    def _fraction(
        self, solver: MipSolver, low: Ints, high: Ints, end: float | None, clock: Clock
    ) -> tuple[Floats, Floats] | None:
        answer = solver.relaxation(self.linear, _remaining(end, clock), low, high)
        return None if answer is None or answer.infeasible else (answer.values, answer.charged)

    def _branching(self, leaf: _Leaf) -> tuple[int, int]:
        """The column to split at, and the threshold."""
        if leaf.fraction is None or leaf.charged is None:
            return -1, 0
        value = leaf.fraction * self.program.step
        arcs = len(self.program.demand_of)
        least, most = np.maximum(self.program.least, leaf.low), np.minimum(self.program.most, leaf.high)
        gap = np.minimum(value, least - value)  # between nothing and the least
        between = (gap > 1e-6) & (leaf.low <= 0)
        # where a column is used a little, but charged for less
        charged = np.ones(len(value))
        charged[self.linear.used] = leaf.charged
        between |= (value > 1e-6) & (charged < 1 - 1e-6) & (leaf.low <= 0)
        gap = np.maximum(gap, np.where(between, 1e-3, 0.0))
        part = np.abs(leaf.fraction - np.rint(leaf.fraction))
        score = np.where(between, gap / np.maximum(least, 1), np.where(part > 1e-6, part, 0.0))
        score[most <= 0] = 0.0
        # only what is decided: a proof has no name for the others
        score[self.part.named :] = 0.0
        own = score[:arcs]
        column = int(np.argmax(own)) if own.size and own.max() > 1e-6 else int(np.argmax(score))
        if score[column] <= 1e-6:
            return -1, 0
        if between[column]:
            return column, 0
        return column, int(np.floor(leaf.fraction[column])) * int(self.program.step[column])

    @staticmethod
    def _link(nodes: list[tuple[int, int, int, int]], leaf: _Leaf, node: int) -> None:
        if leaf.place is None:
            return
        parent, side = leaf.place
        column, threshold, below, over = nodes[parent]
        nodes[parent] = (column, threshold, node, over) if side == 0 else (column, threshold, below, node)

    def _tree(self, nodes: list[tuple[int, int, int, int]], leaves: Sequence[_Leaf]) -> Tree:
        dense = np.zeros((len(leaves), len(self.program.row_kind)), dtype=np.int64)
        above = np.zeros((len(leaves), self.row), dtype=np.int64)
        for number, leaf in enumerate(leaves):
            dense[number, leaf.tree.rows] = leaf.tree.multipliers[0]
            above[number] = leaf.tree.above[0]
            self._link(nodes, leaf, -1 - number)
        rows = np.flatnonzero(dense.any(axis=0))
        column, threshold, below, over = np.array(nodes, dtype=np.int64).reshape(-1, 4).T
        kind, node = self._said(rows)
        return Tree(
            rows, kind, node, dense[:, rows], above, column, threshold, below, over, self.packed, self.program.scale
        )


@dataclass(slots=True)
class _Leaf:
    """A case: its bound, its multipliers, its limits, where it hangs, and what the relaxation chose there."""

    bound: int
    tree: Tree
    low: Ints
    high: Ints
    place: tuple[int, int] | None
    fraction: Floats | None = None
    charged: Floats | None = None


def _fits(program: IntegerProgram) -> bool:
    """Whether keeping rows whole is quick enough to be done for many cases."""
    rows = program.row_kind == RowKind.LOAD
    pairs = np.diff(program.row_start)[rows]
    return float((pairs * np.minimum(program.row_upper[rows], NO_LIMIT)).sum()) <= WORK


def _with_largest(
    program: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]]
) -> tuple[IntegerProgram, IntegerLevel, list[tuple[IntegerLevel, int]]]:
    """The program with one more column, which is no smaller than any product of the level."""
    columns = np.flatnonzero(level.cost > 0)
    top = len(program.most)
    # a column's row names its node
    node = np.zeros(top, dtype=np.int64)
    held = np.repeat(program.row_node, np.diff(program.row_start))
    node[program.row_column] = held
    entries = np.stack([np.full(len(columns), top), columns], axis=1).ravel()
    coefficients = np.stack([np.ones(len(columns), dtype=np.int64), -level.cost[columns]], axis=1).ravel()
    rows = len(columns)

    def longer(array: Ints, value: int) -> Ints:
        return np.append(array, value)

    wide = replace(
        program,
        least=longer(program.least, 1),
        most=longer(program.most, int((level.cost * program.most).max(initial=0))),
        step=longer(program.step, 1),
        row_start=np.concatenate([program.row_start, program.row_start[-1] + 2 * np.arange(1, rows + 1)]),
        row_column=np.concatenate([program.row_column, entries]),
        row_coefficient=np.concatenate([program.row_coefficient, coefficients]),
        use_start=np.concatenate([program.use_start, np.full(rows, program.use_start[-1])]),
        row_lower=np.concatenate([program.row_lower, np.zeros(rows, dtype=np.int64)]),
        row_upper=np.concatenate([program.row_upper, np.full(rows, NO_LIMIT)]),
        row_kind=np.concatenate([program.row_kind, np.full(rows, RowKind.LARGEST)]),
        row_node=np.concatenate([program.row_node, node[columns]]),
    )
    cost = np.zeros(top + 1, dtype=np.int64)
    cost[top] = 1
    return (
        wide,
        IntegerLevel(cost, level.constant),
        [(replace(higher, cost=np.append(higher.cost, 0)), budget) for higher, budget in budgets],
    )


# --- all components together


def _settle(parts: Sequence[_Part], levels: Sequence[IntegerLevel]) -> None:
    """State every bound among answers as good as the last one, which may have bettered a level by the way."""
    finals = [[_value(level, part.values) for level in part.program.levels] for part in parts]
    budgets = [
        [max((own[row] for own in finals), default=0)] * len(parts) if level.largest else [own[row] for own in finals]
        for row, level in enumerate(levels)
    ]
    for number, (part, own) in enumerate(zip(parts, finals, strict=True)):
        now = [of[number] for of in budgets]
        changed = [row for row, (old, new) in enumerate(zip(part.budgets, now, strict=True)) if old != new]
        part.budgets = now
        for row in range(len(levels)):
            if changed and row > changed[0]:
                part.certified[row] = _Relaxed(part, row).bound(part.trees[row])
            part.reached[row] = own[row]
            part.claimed[row] = max(min(part.claimed[row], own[row]), part.certified[row])


def _together(levels: IntegerLevel, numbers: Sequence[int]) -> int:
    return max(numbers, default=levels.constant) if levels.largest else levels.constant + sum(numbers)


def _certified(parts: Sequence[_Part], levels: Sequence[IntegerLevel]) -> list[int]:
    """Bound of each level among answers that are as good on the levels above, taken over all components.

    On a level above, one component may be worse by a unit where another is better by one, which is possible as often
    as gaps add up to. A unit changes the bound of a component by at most its multiplier, and by less than one more for
    having been rounded.
    """
    results: list[int] = []
    gaps: list[int] = []
    for row, level in enumerate(levels):
        lost = 0
        for higher, gap in enumerate(gaps):
            if gap and len(parts) > 1 and not levels[higher].largest:
                dearest = max(int(part.trees[row].above[:, higher].max(initial=0)) for part in parts)
                scale = parts[0].program.scale
                lost += -(-gap * (dearest + scale) // scale) if dearest else 0
        gaps.append(sum(part.reached[row] - part.certified[row] for part in parts))
        results.append(_together(level, [part.certified[row] for part in parts]) - lost)
        gaps[-1] += lost
    return results


def _claimed(parts: Sequence[_Part], levels: Sequence[IntegerLevel], certified: Sequence[int]) -> list[int]:
    """What the solver's bounds say of each level; only ours counts where a component above is open."""
    results: list[int] = []
    closed = True
    for row, level in enumerate(levels):
        claimed = _together(level, [part.claimed[row] for part in parts])
        results.append(max(claimed, certified[row]) if closed or len(parts) < 2 else certified[row])
        closed &= all(part.claimed[row] >= part.reached[row] for part in parts)
    return results
