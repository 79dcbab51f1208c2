"""Integer programs, level by level and component by component.

Large components first look ahead, and start with what the relaxation of all
levels has whole. At each level a linear relaxation gives multipliers, and these
a bound in exact integers. Where what is known already reaches it, the level is
done; elsewhere the solver searches, and where its answer is still above our
bound, cases are split until it is reached or the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final

import numpy as np

from aidmatch.arrays import SAFE, Ints, largest
from aidmatch.engine.block_cases import split_block
from aidmatch.engine.blocks import Split, shared_out
from aidmatch.engine.bounds import INFEASIBLE
from aidmatch.engine.cases import Cases
from aidmatch.engine.clients import ClientSets
from aidmatch.engine.cutting import cut
from aidmatch.engine.exchange import exchanged
from aidmatch.engine.generating import generate, is_long
from aidmatch.engine.knapsacks import Knapsacks, suits
from aidmatch.engine.parts import Part, parts_of
from aidmatch.engine.primal import Primal
from aidmatch.engine.regions import regions_of
from aidmatch.engine.relaxations import Relaxations
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.rounding import Rounding
from aidmatch.engine.searching import Searches
from aidmatch.engine.subproblems import Subproblems
from aidmatch.engine.timing import Clock, by_size, over, remaining, share_of
from aidmatch.engine.values import is_feasible, value_of
from aidmatch.errors import NumberRangeError, SolverError
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram, IntegerSolution
from aidmatch.solvers.growing import GrowingSolver
from aidmatch.solvers.mip import MipSolver

__all__ = ["check_values", "solve_integer"]

#: Numbers above this are no integers to a solver of floating point.
LARGEST: Final = 10**12
#: Part of a level's time that is left after its search, for splitting cases.
PROOFS: Final = 0.3
#: Part of all the time that is left that a relaxation may take: without one, all levels below are open.
RELAXING: Final = 0.4
#: Part of the time after looking ahead that is kept for the last level.
LAST: Final = 0.15
#: Part of a level's time for what looking ahead leaves open, less where knapsacks or regions have more to gain
#: afterwards; and then for its relaxation once more.
NEARBY: Final = 0.6
NEARBY_SACKS: Final = 0.2
NEARBY_SETS: Final = 0.4
AGAIN: Final = 0.6
#: Part of a level's time for an answer of few pairs, before and after bounds by knapsacks, for these, for a search of
#: all that may matter, and for exchanges between knapsacks.
SKETCHING: Final = 0.1
SKETCHING_AGAIN: Final = 0.05
FILLING: Final = 0.35
ENDING: Final = 0.6
EXCHANGING: Final = 0.85
#: Rounds of cutting before knapsacks are generated.
SOME_CUTS: Final = 15
#: Part of a level's time for all that is not searched by regions, then for these, and how much of that one region may
#: take at most; what part of a component's supplies is cut off first and how many a region has, one after the other,
#: until so many ways of cutting in a row have found nothing, or until it is so near its bound that the last units are
#: found by what is far apart.
FIRST: Final = 0.4
REGIONAL: Final = 0.6
ONE_REGION: Final = 0.15
CUTS: Final = ((1 / 2, 30), (1 / 3, 30), (2 / 5, 60), (3 / 5, 60), (1 / 4, 60), (2 / 3, 60), (4 / 9, 60), (3 / 8, 60))
IN_VAIN: Final = 2
LAST_UNITS: Final = 0.005
#: Part of what is left of a level's time for blocks, and with how many pairs of each demand these are searched, one
#: after the other.
BLOCKWISE: Final = 0.9
#: Part of that for what the level's own relaxation serves otherwise, before.
OTHERWISE: Final = 0.5
BLOCKS: Final = (3, 6, 12)
#: The same part at the last level, where blocks as programs of their own come next; part of the rest for these, and
#: what one of them may gain at least, as a part of all.
HALFWAY: Final = 0.5
SEPARATING: Final = 0.4
WORTHY: Final = 0.001
#: Part of what is left of a level's time that is kept for the cases of a block.
SPLITTING: Final = 0.12
#: Part of its bound from which on a level is too far from it for a few cases to be worth the time.
HOPELESS: Final = 0.03
#: Seconds that are worth another search of what was stopped.
WORTHWHILE: Final = 0.1


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
    parts, component = parts_of(program)
    clients = ClientSets(program, parts, component, solver) if isinstance(solver, GrowingSolver) and parts else None
    for number, part in enumerate(parts):
        # sets of few clients do the same faster
        part.sacks = (clients is None or not clients.suited[number]) and suits(part.program)
    searches, stopped = Searches(solver, executor), False
    count = len(program.levels)
    _look_ahead(parts, solver, share_of(deadline, RELAXING, clock), clock)
    # where those above may take any time, the last level has some to itself
    kept = LAST if any(part.rounding is not None for part in parts) else 0.0
    before_last = share_of(deadline, 1 - kept, clock)
    for row in range(count):
        _level(parts, row, searches, before_last if row < count - 1 else deadline, clock, clients)
        level = program.levels[row]
        top = max((part.reached[row] for part in parts), default=level.constant)
        for part in parts:
            part.budgets.append(top if level.largest else part.reached[row])
        if clients is not None:
            clients.hold(row, parts)
        stopped |= any(max(p.certified[row], p.claimed[row]) < p.reached[row] for p in parts)
    _settle(parts, program.levels)
    values = np.zeros(len(program.most), dtype=np.int64)
    for part in parts:
        values[part.columns] = part.values
    check_values(program, values)
    certified = _certified(parts, program.levels)
    return IntegerSolution(
        values=values,
        level_values=tuple(value_of(level, values) for level in program.levels),
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
    if not is_feasible(program, values):
        raise SolverError("the answer breaks a row", solver="integer", code="SOLVER_INFEASIBLE")


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
        if (size := largest(numbers)) > LARGEST:
            raise NumberRangeError(f"{what} of {size} is too large for an integer program; at most {LARGEST}")
    reach = np.zeros(len(program.row_kind) + 1)
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    np.add.at(reach, row, np.abs(program.row_coefficient).astype(float) * program.most[program.row_column])
    if reach.max() >= SAFE:
        raise NumberRangeError("quantities times loads leave 64-bit integers")


# --- before the first level


def _look_ahead(parts: Sequence[Part], solver: MipSolver, end: float | None, clock: Clock) -> None:
    """Start large components with what the relaxation of all levels has whole, in shares of time by their size."""
    if not isinstance(solver, GrowingSolver):
        return
    large = sorted((part for part in parts if part.large), key=lambda part: len(part.columns))
    for part, ahead in zip(large, by_size([len(part.columns) for part in large], end, clock), strict=True):
        part.relaxations = Relaxations(part.program, solver.growing(turning=True))
        part.rounding = Rounding(part.program, part.named)
        part.relaxations.ahead(part.values, ahead())
        found = None if part.relaxations.taken is None else part.rounding.answer(part.relaxations.taken)
        if found is not None and is_feasible(part.program, found):
            part.values = found


# --- one level


def _level(
    parts: Sequence[Part],
    row: int,
    searches: Searches,
    deadline: float | None,
    clock: Clock,
    clients: ClientSets | None,
) -> None:
    """Decide one level of every component."""
    # what is left is shared over the levels to come, the higher ones first: their gaps weaken all bounds below
    part_of_time = 2 / (len(parts[0].program.levels) - row + 1) if parts else 1.0
    relaxed_by = share_of(deadline, RELAXING, clock)
    end = share_of(deadline, part_of_time, clock)
    levels = [Relaxed(part, row) for part in parts]
    is_last = all(one.is_last for one in levels)
    suited = np.zeros(len(parts), dtype=np.bool_) if clients is None else clients.suited
    recalled = [number for number, one in enumerate(levels) if one.proven < one.reached and one.recall()]
    nearby = NEARBY
    if any(parts[number].sacks for number in recalled):
        nearby = NEARBY_SACKS
    if any(suited[number] for number in recalled):
        nearby = NEARBY_SETS
    searches.run(
        [
            (
                len(parts[number].columns),
                # regions do better than what is farther away, and so do blocks where no level below can lose by them
                partial(
                    Primal(levels[number]).nearby,
                    wide=not suited[number] and not (is_last and levels[number].has_blocks),
                ),
            )
            for number in recalled
            if levels[number].proven < levels[number].reached
        ],
        share_of(end, nearby, clock),
        clock,
    )
    open_at_first = {number for number, one in enumerate(levels) if one.proven < one.reached}
    # what the levels above have lost may be worth more than what looking ahead has seen
    again = sorted(
        (number for number in recalled if number in open_at_first and not suited[number]),
        key=lambda number: len(parts[number].columns),
    )
    shares = by_size([len(parts[number].columns) for number in again], share_of(end, AGAIN, clock), clock)
    for number, share in zip(again, shares, strict=True):
        seconds = share()
        if levels[number].may_relax_in(seconds):
            levels[number].relax(searches.solver, seconds)
    raised = None if clients is None else clients.raised(levels, sorted(open_at_first), end, clock)
    for number in sorted(open_at_first):
        one = levels[number]
        if raised is not None and suited[number]:
            one.relax_by_patterns(raised, number)
        elif number in recalled:
            continue
        elif over(by := relaxed_by if one.part.large else end, clock):
            one.fill()
        else:
            one.relax(searches.solver, remaining(by, clock))
    _fill_knapsacks([levels[number] for number in sorted(open_at_first)], searches, end, clock)
    for part, one in zip(parts, levels, strict=True):
        part.reached.append(one.reached)
        part.trees.append(one.tree)
        part.certified.append(one.certified)
        part.claimed.append(max(part.certified[-1], -INFEASIBLE if one.claimed is None else one.claimed))
    hard = sorted((one for one in levels if _open(one.part, row)), key=lambda one: len(one.part.columns))
    if any(one.part.large for one in hard):
        # a relaxation that took long leaves the search its share of the rest
        end = share_of(deadline, part_of_time, clock)
    of_sets = [one for one, by_sets in zip(levels, suited.tolist(), strict=True) if by_sets]
    of_blocks = [one for one in hard if one.has_blocks and one not in of_sets]
    level_end = end
    if of_blocks:
        end = share_of(end, 1 - SPLITTING, clock)
    regional = [one for one in hard if one.part.large and one in of_sets and not one.own.largest]
    if regional:
        others = [(len(one.part.columns), Primal(one).searched) for one in hard if one not in regional]
        searches.run(others, share_of(end, FIRST, clock), clock)
        _search_regions(regional, searches, end, clock)
    _search_blocks(of_blocks, searches, share_of(end, HALFWAY if is_last else BLOCKWISE, clock), clock)
    apart = _separate(of_blocks, searches, end, clock) if is_last else []
    still = [one for one in regional or hard if _open(one.part, row)]
    searches.run([(len(one.part.columns), Primal(one).searched) for one in still], end, clock)
    # what was stopped has what the others have left, if that is far more
    # but for large components, whose searches look where they have looked before
    stopped = [one for one in hard if _open(one.part, row) and not one.part.large]
    left = remaining(end, clock)
    if left is not None and left >= WORTHWHILE:
        searches.run([(1, Primal(one).searched) for one in stopped], end, clock)
    # multipliers of sets are the best that a root has, and splitting cases adds little to them for its time
    uncertain = [
        one
        for one in levels
        if one.part.certified[row] < one.part.reached[row]
        and ((one.part.sacks and one.is_nearly_closed) or (one in hard and one.closing is None and not one.part.large))
    ]
    for number, one in enumerate(uncertain):
        left = remaining(end, clock)
        if left is not None and left <= 0:
            break
        # proofs are worth less of the time than the levels below, if there are any
        worth = 1.0 if one.is_last else PROOFS
        until = None if left is None else clock() + worth * left / (len(uncertain) - number)
        Cases(one).split(searches.solver, until, clock)
    _split_blocks(of_blocks, searches.solver, level_end, clock)
    for blocks in apart:
        blocks.claim_beside_cases()
    for one in hard:
        one.part.claimed[row] = max(one.part.claimed[row], one.part.certified[row])
    for one in levels:
        one.close()


def _fill_knapsacks(levels: Sequence[Relaxed], searches: Searches, end: float | None, clock: Clock) -> None:
    """Bounds and answers of the components in which every supply is a knapsack."""
    if not isinstance(searches.solver, GrowingSolver):
        return
    some = [one for one in levels if one.part.sacks and not one.own.largest and one.proven < one.reached]
    if end is not None:
        # the master begins with what is known, which should be something
        sketches = [(len(one.part.columns), Primal(one).sketched) for one in some if not one.part.large]
        searches.run(sketches, share_of(end, SKETCHING, clock), clock)
    for one, until in _in_turn(some, share_of(end, FILLING, clock), clock):
        if not over(until, clock):
            _raise(Knapsacks(one), searches.solver, until, clock)
    if end is None:
        return  # the search of all pairs goes to its end
    sketches = [(len(one.part.columns), partial(Primal(one).sketched, each=0)) for one in some if not one.is_settled]
    searches.run(sketches, share_of(end, SKETCHING_AGAIN, clock), clock)
    for exchanging in (True, False):
        nearly = [(len(one.part.columns), Primal(one).ended) for one in some if one.is_nearly_closed]
        searches.run(nearly, share_of(end, ENDING, clock), clock)
        if exchanging:
            exchanges = [(len(one.part.columns), partial(exchanged, one, clock=clock)) for one in some]
            searches.run(exchanges, share_of(end, EXCHANGING, clock), clock)


def _search_regions(levels: Sequence[Relaxed], searches: Searches, end: float | None, clock: Clock) -> None:
    """Search regions of large components at the same time, cut in one way after the other."""
    for one, until in _in_turn(levels, share_of(end, REGIONAL, clock), clock):
        left, in_vain = remaining(until, clock), 0
        most = None if left is None else ONE_REGION * left
        for cut_off, size in CUTS:
            few_units = one.reached - one.certified <= LAST_UNITS * abs(one.certified)
            if in_vain == IN_VAIN or few_units or over(until, clock):
                break
            before, usable = one.reached, one.face()[1][: len(one.plain.demand_of)] > 0
            regions = regions_of(one.plain, usable, one.part.values, size, cut_off)
            starts = [(len(columns), partial(Primal(one).region, columns, most)) for columns in regions]
            searches.run(starts, until, clock)
            in_vain = in_vain + 1 if one.reached == before else 0
            if len(regions) < 2:
                break  # so will it be cut in any other way
        one.part.reached[one.row] = one.reached


def _search_blocks(levels: Sequence[Relaxed], searches: Searches, end: float | None, clock: Clock) -> None:
    """Search blocks of large components at the same time, those that may better the level, with more and more pairs."""
    for one, until in _in_turn(levels, end, clock):
        searches.run([(1, Primal(one).otherwise)], share_of(until, OTHERWISE, clock), clock)
        for each in BLOCKS:
            before = None
            while one.proven < one.reached and one.reached != before and not over(until, clock):
                before = one.reached
                hoped = Primal(one).promising(one.part.blocks)
                some = [one.part.blocks[number] for number in hoped]
                rows, known = shared_out(one.plain, some), one.start()
                starts = [
                    (units, partial(Primal(one).block, columns, own, known, each))
                    for units, columns, own in zip(hoped.values(), some, rows, strict=True)
                ]
                searches.run(starts, until, clock)
        one.part.reached[one.row] = one.reached


def _separate(levels: Sequence[Relaxed], searches: Searches, end: float | None, clock: Clock) -> list[Subproblems]:
    """Bound large components by their blocks, and search where these would be better by themselves."""
    found = []
    for one, until in _in_turn([one for one in levels if _open(one.part, one.row)], end, clock):
        if one.priced is None or one.excess is None:
            continue
        blocks = Subproblems(one, one.priced)
        hoped = blocks.surplus - blocks.gained
        if one.part.split is not None and one.part.split.nodes:
            hoped[one.part.split.block] = 0.0  # its cases say as much, and sooner
        some = np.flatnonzero(hoped > WORTHY * hoped.sum()).tolist()
        starts = [(1 + int(hoped[number]), partial(blocks.search, number)) for number in some]
        searches.run(starts, share_of(until, SEPARATING, clock), clock)
        found.append(blocks)
        one.added = blocks.added
        searches.run([(1, partial(Primal(one).around, blocks.taken))], share_of(until, OTHERWISE, clock), clock)
        one.part.reached[one.row] = one.reached
        one.part.claimed[one.row] = max(one.part.claimed[one.row], blocks.claimed)
    return found


def _split_blocks(levels: Sequence[Relaxed], solver: MipSolver, end: float | None, clock: Clock) -> None:
    """Better the bounds of large components by the cases of the block that may lose most."""
    some = []
    for one in levels:
        gap, bound = one.part.reached[one.row] - one.part.certified[one.row], abs(one.part.certified[one.row])
        if gap > 0 and (end is None or gap <= HOPELESS * bound):
            some.append(one)
    for one, until in _in_turn(some, end, clock):
        part = one.part
        if one.priced is None or not isinstance(solver, GrowingSolver):
            continue
        if part.split is None or not part.split.nodes:
            hoped = Primal(one).promising(part.blocks)
            part.split = Split(next(iter(hoped))) if hoped else None
        if part.split is not None:
            part.split = split_block(one, part.split, solver, until, clock)


def _in_turn(levels: Sequence[Relaxed], end: float | None, clock: Clock) -> Iterator[tuple[Relaxed, float | None]]:
    """The level of one component after the other, small ones first, each with when its share of the time is over."""
    levels = sorted(levels, key=lambda one: len(one.part.columns))
    for one, share in zip(levels, by_size([len(one.part.columns) for one in levels], end, clock), strict=True):
        seconds = share()
        yield one, None if seconds is None else clock() + seconds


def _raise(of: Knapsacks, solver: GrowingSolver, end: float | None, clock: Clock) -> None:
    """Look for multipliers of knapsacks, and prove the level by the best ones."""
    if is_long(of):
        cut(of, solver, end, clock)
    else:
        cut(of, solver, share_of(end, 0.5, clock), clock, SOME_CUTS)
        generate(of, solver, end, clock)
    of.prove()


def _open(part: Part, row: int) -> bool:
    return max(part.certified[row], part.claimed[row]) < part.reached[row]


# --- all components together


def _settle(parts: Sequence[Part], levels: Sequence[IntegerLevel]) -> None:
    """State every bound among answers as good as the last one, which may have bettered a level by the way."""
    finals = [[value_of(level, part.values) for level in part.program.levels] for part in parts]
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
                part.certified[row] = Relaxed(part, row).bound(part.trees[row])
            part.reached[row] = own[row]
            part.claimed[row] = max(min(part.claimed[row], own[row]), part.certified[row])


def _together(levels: IntegerLevel, numbers: Sequence[int]) -> int:
    return max(numbers, default=levels.constant) if levels.largest else levels.constant + sum(numbers)


def _certified(parts: Sequence[Part], levels: Sequence[IntegerLevel]) -> list[int]:
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
        bound = _together(level, [part.certified[row] for part in parts]) - lost
        if lost:
            # multipliers of the levels above may cost more than they bring: then none at all
            plain = [(one, one.empty_tree()) for one in (Relaxed(part, row) for part in parts)]
            bounds = [one.bound(tree) for one, tree in plain]
            if (without := _together(level, bounds)) > bound:
                bound, lost = without, 0
                for part, (_, tree), own in zip(parts, plain, bounds, strict=True):
                    part.trees[row], part.certified[row] = tree, own
        gaps.append(sum(part.reached[row] - part.certified[row] for part in parts) + lost)
        results.append(bound)
    return results


def _claimed(parts: Sequence[Part], levels: Sequence[IntegerLevel], certified: Sequence[int]) -> list[int]:
    """What the solver's bounds say of each level; only ours counts where a component above is open."""
    results: list[int] = []
    closed = True
    for row, level in enumerate(levels):
        claimed = _together(level, [part.claimed[row] for part in parts])
        results.append(max(claimed, certified[row]) if closed or len(parts) < 2 else certified[row])
        closed &= all(part.claimed[row] >= part.reached[row] for part in parts)
    return results
