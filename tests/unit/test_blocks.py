"""Blocks of large components: searched at the same time, they hold together; split into cases, they bound better."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need, place
from tests.profiles import everything_is_large, examples

import aidmatch as am
from aidmatch import integer_check
from aidmatch.arrays import SAFE
from aidmatch.engine import integer, primal
from aidmatch.engine.block_cases import split_block
from aidmatch.engine.blocks import Split, blocks_of, shared_out
from aidmatch.engine.bounds import leaves_of
from aidmatch.engine.parts import Part, parts_of
from aidmatch.engine.primal import Primal
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.rounding import Rounding
from aidmatch.engine.searching import Relaxing, Search, Searches
from aidmatch.engine.values import activity_of, is_feasible, value_of
from aidmatch.errors import VerificationError
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers, what_needs_integers
from aidmatch.integer_program import RowKind
from aidmatch.records.giving import Donor
from aidmatch.solvers.mip import Highs


def kinds(seed: int, needs: int = 8, lots: int = 5, many: int = 2) -> am.GivingProblem:
    """Kinds of goods that only the shipments of three donors tie."""
    rng = np.random.default_rng(seed)

    def somewhere() -> am.Place:
        return place(lat=36 + 0.2 * float(rng.random()))

    asked = [
        need(
            f"n{k}{i:02}",
            item=f"k{k}",
            quantity=int(rng.integers(1, 5)),
            category="ABCD"[int(rng.integers(2, 4))],
            place=somewhere(),
            whole=bool(rng.random() < 0.3),
        )
        for k in range(many)
        for i in range(needs)
    ]
    offered = [
        lot(
            f"l{k}{i:02}",
            item=f"k{k}",
            quantity=int(rng.integers(2, 6)),
            min_lot=2,
            donor_id=f"d{int(rng.integers(3))}",
            place=somewhere(),
        )
        for k in range(many)
        for i in range(lots)
    ]
    donors = [Donor(id=f"d{i}", max_shipments=4) for i in range(3)]
    return am.GivingProblem(asked, offered, donors=donors, as_of=DAY)


def component(seed: int, **sizes: int) -> Part:
    made, policy = kinds(seed, **sizes), am.Policy.giving()
    flow = formulate(made, policy, am.GreatCircle())
    program = formulate_integers(flow, what_needs_integers(made, policy, flow.definitions)).program
    part = max(parts_of(program)[0], key=lambda one: len(one.columns))
    part.rounding = Rounding(part.program, part.named)
    return part


def relaxed(part: Part, row: int) -> Relaxed:
    """A level, with its relaxation, on what the ones above have by insertion alone."""
    for above in range(row):
        Relaxed(part, above).fill()
        part.budgets.append(value_of(part.program.levels[above], part.values))
        for bounds in (part.reached, part.certified, part.claimed):
            bounds.append(part.budgets[-1])
    one = Relaxed(part, row)
    one.relax(Highs(), None)
    part.trees = [one.empty_tree()] * row + [one.tree]
    part.reached.append(one.reached)
    part.certified.append(one.certified)
    part.claimed.append(one.certified)
    return one


# --- what blocks are


@pytest.mark.parametrize("many", [2, 3, 4])
def test_kinds_that_only_shipments_tie_are_blocks(many: int) -> None:
    part = component(0, many=many)
    program = part.program
    blocks = blocks_of(program)
    assert len(blocks) == many
    together = np.concatenate(blocks)
    assert len(np.unique(together)) == len(together)
    assert set(together.tolist()) == set(range(len(program.most)))
    block_of = np.zeros(len(program.most), dtype=np.int64)
    for number, columns in enumerate(blocks):
        assert (np.diff(columns) > 0).all()
        block_of[columns] = number
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    for kind in (RowKind.SERVED, RowKind.GIVEN):
        for one in np.flatnonzero(program.row_kind == kind).tolist():
            assert len(set(block_of[program.row_column[row == one]].tolist())) == 1


def test_one_kind_has_no_blocks() -> None:
    assert not blocks_of(component(0, many=1).program)


def test_what_blocks_share_goes_to_the_first() -> None:
    program = component(1, many=3).program
    blocks = blocks_of(program)
    for order in ([0, 1, 2], [2, 0, 1], [1]):
        own = shared_out(program, [blocks[number] for number in order])
        inside = []
        for number in order:
            held = np.zeros(len(program.most), dtype=np.int64)
            held[blocks[number]] = 1
            touched = np.zeros(len(program.row_kind), dtype=np.bool_)
            for start, column in ((program.row_start, program.row_column), (program.use_start, program.use_column)):
                touched[np.repeat(np.arange(len(start) - 1), np.diff(start))[held[column] > 0]] = True
            inside.append(touched)
        seen = np.zeros(len(program.row_kind), dtype=np.bool_)
        for rows, touched in zip(own, inside, strict=True):
            assert rows.tolist() == (touched & ~seen).tolist()
            seen |= touched
        assert (program.row_kind[own[0]] == RowKind.SHIPMENTS).any()


# --- searches


def test_searched_at_the_same_time_blocks_hold_together() -> None:
    bettered = []
    for seed in range(examples(8)):
        part = component(seed, many=3)
        one = relaxed(part, 3)
        part.values[:] = 0
        part.budgets = [0, 0, 0]
        one = Relaxed(part, 3)
        blocks = blocks_of(part.program)
        asked = [
            Primal(one).block(columns, own, part.values, 99, None)
            for columns, own in zip(blocks, shared_out(one.plain, blocks), strict=True)
        ]
        # all of them ask before any is told
        questions = [next(steps) for steps in asked]
        assert all(isinstance(question, Relaxing) for question in questions)
        searches = [steps.send(question.by(Highs())) for steps, question in zip(asked, questions, strict=True)]
        assert all(isinstance(search, Search) for search in searches)
        answers = [search.by(Highs()) for search in searches]
        for steps, answer in zip(asked, answers, strict=True):
            before = one.reached
            with pytest.raises(StopIteration):
                steps.send(answer)
            bettered.append(before - one.reached)
        assert is_feasible(part.program, part.values)
    # nobody's answer is lost, since none has taken what is another's
    assert min(bettered) >= 0
    assert sum(found > 0 for found in bettered) > len(bettered) / 2


def test_a_block_uses_nothing_of_rows_that_are_another_s() -> None:
    part = component(2, many=2)
    one = relaxed(part, 3)
    part.values[:] = 0
    part.budgets = [0, 0, 0]
    one = Relaxed(part, 3)
    blocks = blocks_of(part.program)
    first, second = shared_out(one.plain, blocks)
    shipments = part.program.row_kind == RowKind.SHIPMENTS
    assert (first & shipments).any()
    Searches(Highs(), None).run([(1, partial(Primal(one).block, blocks[1], second, part.values, 99))], None)
    assert not activity_of(part.program, part.values)[shipments & ~second].any()
    Searches(Highs(), None).run([(1, partial(Primal(one).block, blocks[0], first, part.values, 99))], None)
    assert activity_of(part.program, part.values)[shipments & first].any()


def test_without_time_a_block_finds_nothing() -> None:
    part = component(3)
    one = relaxed(part, 2)
    blocks = blocks_of(part.program)
    steps = Primal(one).block(blocks[0], shared_out(one.plain, blocks)[0], part.values, 3, 0.0)
    assert next(steps).seconds == 0
    with pytest.raises(StopIteration):
        steps.send(None)
    part.high = part.low.copy()
    with pytest.raises(StopIteration):
        next(Primal(one).block(blocks[0], shared_out(one.plain, blocks)[0], part.values, 3, None))


def test_blocks_that_can_gain_nothing_are_left_out() -> None:
    hoped = []
    for seed in range(examples(6)):
        part = component(seed, many=3)
        one = relaxed(part, 2)
        blocks = blocks_of(part.program)
        promising = Primal(one).promising(blocks)
        assert list(promising.values()) == sorted(promising.values(), reverse=True)
        assert min(promising.values(), default=1) >= 1
        before = one.reached
        for number in set(range(len(blocks))) - set(promising):
            every = np.ones(len(part.rows), dtype=np.bool_)
            block = partial(Primal(one).block, blocks[number], every, part.values, 99)
            Searches(Highs(), None).run([(1, block)], None)
        assert one.reached == before
        hoped.append(len(promising))
    assert min(hoped) < 3
    assert max(hoped) > 0
    assert Primal(Relaxed(part, 2)).promising(blocks) == {0: 1, 1: 1, 2: 1}


def test_of_equal_answers_a_block_leans_to_the_nearer() -> None:
    part = component(4)
    columns = np.arange(len(part.columns))
    arcs, last = len(part.program.demand_of), part.program.levels[-1]
    part.budgets = [0] * (len(part.program.levels) - 1)
    leaning = Primal(Relaxed(part, 2))._leaning(columns)
    assert leaning[:arcs].argmax() == last.cost[:arcs].argmax()
    assert leaning.max() == pytest.approx(primal.LEANING)
    assert not leaning[arcs:].any()
    assert not Primal(Relaxed(part, len(part.program.levels) - 1))._leaning(columns).any()


def poorly(seed: int) -> Relaxed:
    """The last level, with its relaxation, on an answer that takes pairs in any order."""
    part = component(seed, many=3, needs=10, lots=6)
    last = len(part.program.levels) - 1
    one = relaxed(part, 2)
    part.values[:] = 0
    guide = np.random.default_rng(seed).random(len(part.values)) * 5
    found = one._inserted(guide)
    assert found is not None
    part.values = found
    part.budgets = [value_of(level, found) for level in part.program.levels[:last]]
    part.reached = [*part.budgets, 0]
    one = Relaxed(part, last)
    one.relax(Highs(), None)
    part.values = found
    return one


@pytest.mark.parametrize("seed", [16, 54, 151, 153])
def test_workers_find_the_same(seed: int) -> None:
    found = []
    for workers in (1, 3):
        with everything_is_large(nearby=False):
            one = poorly(seed)
            with ThreadPoolExecutor(3) if workers > 1 else nullcontext() as executor:
                integer._search_blocks([one], Searches(Highs(), executor), None, monotonic)
        found.append(one.part.values.tolist())
    assert found[0] == found[1]


def test_whichever_block_is_first_they_find_the_same() -> None:
    bettered = []
    for seed in (16, 54, 151, 153):
        found = []
        for step in (1, -1):
            one = poorly(seed)
            known, before = one.part.values, one.reached
            blocks = list(zip(one.part.blocks, shared_out(one.plain, one.part.blocks), strict=True))
            for columns, own in blocks[::step]:
                Searches(Highs(), None).run([(1, partial(Primal(one).block, columns, own, known, 99))], None)
            found.append(one.part.values.tolist())
            bettered.append(before - one.reached)
        assert found[0] == found[1]
    assert min(bettered) > 0


# --- cases


def without_splits(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    plain = integer._split_blocks
    monkeypatch.setattr(integer, "_split_blocks", lambda *_: None)
    return lambda: monkeypatch.setattr(integer, "_split_blocks", plain)


def test_cases_of_a_block_better_certified_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    better = 0
    for seed in range(examples(20)):
        made = kinds(seed)
        with everything_is_large():
            again = without_splits(monkeypatch)
            plain = am.solve(made)
            again()
            split = am.solve(made)
        am.verify(made, split)
        assert split.integer is not None
        leaves = max(len(tree.multipliers) for level in split.integer.levels for tree in level)
        assert leaves <= 6
        for one, other in zip(split.levels, plain.levels, strict=True):
            # the search ends with the optimum
            assert one.value == other.value
            assert one.bound is not None
            assert one.bound >= one.value if one.sense == "max" else one.bound <= one.value
        better += any(one.gap < other.gap for one, other in zip(split.levels, plain.levels, strict=True)) and leaves > 1
    assert better > 5


def cases_at(seed: int, row: int, split: Split | None = None) -> tuple[Relaxed, Split]:
    part = component(seed)
    one = relaxed(part, row)
    number = next(iter(Primal(one).promising(part.blocks)), 0)
    return one, split_block(one, split or Split(number), Highs(), None, lambda: 0.0)


def test_cases_leave_nothing_out_and_bound_what_is_so() -> None:
    leaves = []
    for seed in range(examples(20)):
        one, split = cases_at(seed, 4)
        part, tree = one.part, one.part.trees[4]
        assert part.certified[4] == min(one.bound(tree), part.reached[4])
        inner = zip(
            *(part_of.tolist() for part_of in (tree.column, tree.threshold, tree.below, tree.over)), strict=True
        )
        assert split.nodes == tuple(inner) or not split.nodes
        found = list(leaves_of(tree, part.program.most))
        leaves.append(len(found))
        assert sorted(leaf for leaf, _, _ in found) == list(range(len(tree.multipliers)))
        # every case is of the one block
        assert set(tree.column.tolist()) <= set(part.blocks[split.block].tolist())
        answer = Highs().search(one.linear, None, *one.face(), one.start())
        assert answer.bound is not None
        assert part.certified[4] <= answer.bound
    assert max(leaves) > 1


def test_a_level_begins_with_the_cases_of_another() -> None:
    longest = 0
    for seed in range(examples(20)):
        _, first = cases_at(seed, 4)
        one, second = cases_at(seed, 4, first)
        assert [node[:2] for node in second.nodes[: len(first.nodes)]] == [node[:2] for node in first.nodes]
        if first.nodes:
            assert len(one.part.trees[4].multipliers) == len(second.nodes) + 1
            longest = max(longest, len(first.nodes))
    assert longest > 1


def test_where_a_case_of_another_level_has_no_answer_there_are_others() -> None:
    compared = 0
    for seed in (0, 2, 4, 6):
        fresh, split = cases_at(seed, 4)
        columns = fresh.part.blocks[split.block]
        column = int(columns[0])
        # nothing is above the most that a column may be
        empty = Split(split.block, ((column, int(fresh.part.program.most[column]), -1, -2),))
        one, again = cases_at(seed, 4, empty)
        assert one.part.certified[4] == fresh.part.certified[4]
        assert again.nodes == split.nodes
        compared += len(split.nodes) > 0
    assert compared


def test_the_block_is_chosen_where_there_are_multipliers() -> None:
    part = component(0)
    one = relaxed(part, 4)
    bare = Relaxed(part, 4)
    integer._split_blocks([bare], Highs(), None, monotonic)
    assert part.split is None
    part.split = Split(1 - next(iter(Primal(one).promising(part.blocks))))
    integer._split_blocks([one], Highs(), None, monotonic)
    assert part.split is not None
    assert part.split.block == next(iter(Primal(one).promising(part.blocks)))


def test_without_time_or_multipliers_there_are_no_cases() -> None:
    part = component(0)
    one = relaxed(part, 2)
    before = part.trees[2]
    split = Split(next(iter(Primal(one).promising(part.blocks))))
    assert split_block(one, split, Highs(), 0.0, lambda: 1.0) is split
    assert split_block(Relaxed(part, 2), split, Highs(), None, lambda: 0.0) is split
    assert part.trees[2] is before


# --- their check


def test_the_check_counts_in_64_bits_or_more_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(examples(6)):
        made = kinds(seed)
        with everything_is_large():
            matching = am.solve(made)
        for safe, kind in ((SAFE, np.int64), (1, object)):
            found: list[Any] = []
            plain = integer_check._Prover._kind_of_pairs

            def told(*arguments: Any, plain: Any = plain, found: list[Any] = found) -> Any:
                found.append(plain(*arguments))
                return found[-1]

            with monkeypatch.context() as patch:
                patch.setattr(integer_check._Prover, "_kind_of_pairs", told)
                patch.setattr("aidmatch.integer_check.SAFE", safe)
                am.verify(made, matching)
            assert kind in found


@pytest.mark.parametrize("kind", list(RowKind)[:13])
def test_multipliers_beyond_64_bits_are_refused_or_prove_nothing(kind: RowKind) -> None:
    made = kinds(0)
    with everything_is_large():
        matching = am.solve(made)
    proof = matching.integer
    assert proof is not None
    tree = proof.levels[-1][0]
    leaves = len(tree.multipliers)
    rows = np.vstack([tree.rows, [[kind, 0]] * 2])
    multipliers = np.hstack([tree.multipliers, np.full((leaves, 2), -(2**63), dtype=np.int64)])
    broken = replace(tree, rows=rows, multipliers=multipliers)
    levels = (*proof.levels[:-1], (broken, *proof.levels[-1][1:]))
    with suppress(VerificationError):
        am.verify(made, replace(matching, integer=replace(proof, levels=levels)))


def test_what_is_far_from_its_bound_is_not_split_when_time_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float | None] = []

    def noted(of: Relaxed, split: Split, solver: object, end: float | None, clock: object) -> Split:
        asked.append(end)
        return split

    monkeypatch.setattr(integer, "split_block", noted)
    part = component(0)
    one = relaxed(part, 4)
    gap, bound = part.reached[4] - part.certified[4], abs(part.certified[4])
    assert gap > integer.HOPELESS * bound
    integer._split_blocks([one], Highs(), 100.0, lambda: 0.0)
    assert not asked
    integer._split_blocks([one], Highs(), None, monotonic)
    assert asked == [None]
    monkeypatch.setattr(integer, "HOPELESS", (gap + 1) / bound)
    integer._split_blocks([one], Highs(), 100.0, lambda: 0.0)
    assert asked == [None, 100.0]
