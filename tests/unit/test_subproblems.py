"""Blocks as programs of their own: what they add up to is so, and what they close no better answer has."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from time import monotonic

import numpy as np
import pytest
from tests.profiles import everything_is_large, examples
from tests.unit.test_blocks import component, kinds, relaxed

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.engine import integer, subproblems
from aidmatch.engine.block_cases import split_block
from aidmatch.engine.blocks import Split
from aidmatch.engine.lots import Lots
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Searches
from aidmatch.engine.subproblems import Subproblems
from aidmatch.integer_program import NO_LIMIT, RowKind
from aidmatch.solvers.mip import Highs, Linear, MipAnswer

#: Levels, and instances in which whole numbers lose something there.
SEEDS = {2: (8, 11, 20), 3: (6, 8, 14), 4: (0, 1, 2, 3)}


def level(seed: int, row: int = 4, *, lots: bool = False) -> Relaxed:
    """A level of a component that has three kinds of goods; as in a large one, lots may be kept whole."""
    part = component(seed, many=3)
    if lots:
        with everything_is_large():
            assert len(part.whole_lots)
    return relaxed(part, row)


def apart(one: Relaxed, searched: bool = True, but: int | None = None) -> Subproblems:
    """The blocks of a level, all of them but one searched to their end."""
    assert one.priced is not None
    blocks = Subproblems(one, one.priced)
    if searched:
        some = [number for number in range(len(one.part.blocks)) if number != but]
        Searches(Highs(), None).run([(1, partial(blocks.search, number)) for number in some], None)
    return blocks


def best(one: Relaxed) -> int:
    answer = Highs().search(one.linear, None, *one.face(), one.start())
    assert answer.bound is not None
    return answer.bound + one.level.constant


def plain(one: Relaxed) -> int:
    """The bound by multipliers alone."""
    assert one.priced is not None
    return one.bound(one.priced)


@pytest.mark.parametrize("row", SEEDS)
def test_blocks_claim_no_more_than_is_so_and_no_less_than_multipliers(row: int) -> None:
    for seed in (*SEEDS[row], *range(examples(0, 100))):
        one = level(seed, row)
        blocks = apart(one)
        assert plain(one) + (seed in SEEDS[row]) <= blocks.claimed <= best(one)
        assert (blocks.gained <= blocks.surplus + 1e-9).all()


def test_where_nothing_is_shared_they_add_up_to_the_optimum() -> None:
    for seed in (8, 11, 23, *range(examples(0, 100))):
        part = component(seed, many=3)
        shipments = part.program.row_kind == RowKind.SHIPMENTS
        part.program = replace(part.program, row_upper=np.where(shipments, NO_LIMIT, part.program.row_upper))
        one = relaxed(part, 2)
        blocks = apart(one)
        assert plain(one) + (seed in (8, 11, 23)) <= blocks.claimed == best(one)
        # what every block has at its least is an optimum
        assert float(one.level.cost @ blocks.taken) + one.level.constant == best(one)


@pytest.mark.parametrize("row", SEEDS)
def test_what_they_close_no_better_answer_has(row: int) -> None:
    closed = 0
    for seed in (*SEEDS[row], *range(examples(0, 100))):
        one = level(seed, row)
        optimum = best(one)
        one.accept(Highs().search(one.linear, None, *one.face(), one.start()))
        assert one.reached == optimum
        before, blocks = int((one.limits()[1] > 0).sum()), apart(one)
        one.added = blocks.added
        low, high = one.limits()
        closed += before - int((high > 0).sum())
        answer = Highs().search(one.linear, None, low, high, one.start())
        assert answer.bound is not None
        assert answer.bound + one.level.constant == optimum
    assert closed


def test_other_multipliers_forget_what_blocks_add() -> None:
    one = level(0)
    one.added = np.full(len(one.program.most), 10.0**9)
    assert not one.limits()[1][one.start() == 0].any()
    one._priced = None
    one.relax(Highs(), None)
    assert one.added is None


def test_lots_that_several_blocks_share_are_left_to_multipliers() -> None:
    gained = 0.0
    for seed in range(8):
        one = level(seed, lots=True)
        gained += float(apart(one, searched=False).gained.sum())
        every = np.arange(len(one.program.most))
        one.part.__dict__["blocks"] = [every[::2], every[1::2]]
        assert not apart(one, searched=False).gained.any()
    assert gained > 0


class Silent(Highs):
    """Finds nothing in the time."""

    def search(self, *asked: object) -> MipAnswer:
        return MipAnswer(None, None, 0.0)


def test_a_search_without_an_answer_leaves_what_lots_gain() -> None:
    one = level(3, lots=True)
    blocks = apart(one, searched=False)
    before, known = blocks.gained.tolist(), blocks.taken.tolist()
    Searches(Silent(), None).run([(1, partial(blocks.search, 0))], None)
    assert blocks.gained.tolist() == before
    assert blocks.taken.tolist() == known


# --- beside the cases of one block


def beside(seed: int, *, every: bool = False) -> tuple[Relaxed, Subproblems, int]:
    """A level whose first promising block is split, its blocks, of which it may be left out, and the bound by cases."""
    one = level(seed, lots=True)
    number = int(np.argmax(apart(one, searched=False).surplus))
    blocks = apart(one, but=None if every else number)
    one.part.split = split_block(one, Split(number), Highs(), None, lambda: 0.0)
    return one, blocks, one.part.certified[4]


def test_cases_of_one_block_and_the_others_add_up() -> None:
    more, others = 0, 0.0
    for seed in (1, 2, 6, 7, 16, 18, *range(examples(0, 100))):
        for every in (False, True):
            one, blocks, certified = beside(seed, every=every)
            one.part.claimed[4] = certified
            blocks.claim_beside_cases()
            assert certified <= one.part.claimed[4] <= best(one)
            more += one.part.claimed[4] > max(certified, blocks.claimed)
            # no more than what each of the others has gained, whatever its lots had by then
            split = one.part.split
            assert split is not None
            gained = float(np.delete(blocks.gained - blocks._of_lots, split.block).sum())
            assert one.part.claimed[4] <= certified + gained
            others += gained * len(one.part.trees[4].packed)
    assert more > 0
    assert others > 0


def test_cases_by_other_multipliers_do_not_add_up() -> None:
    compared = 0
    for seed in (1, 2, 5, 6, 11):
        one, blocks, certified = beside(seed)
        tree = one.part.trees[4]
        if not len(tree.column):
            continue
        assert one.part.split is not None
        split = one.part.split.block
        others = np.flatnonzero((blocks._owner[tree.rows] != split) & ~np.isin(tree.rows, tree.packed))
        for place in others.tolist():
            multipliers = tree.multipliers.copy()
            multipliers[:, place] -= 1
            one.part.trees[4] = replace(tree, multipliers=multipliers)
            one.part.claimed[4] = certified
            blocks.claim_beside_cases()
            assert one.part.claimed[4] == certified
            compared += 1
        one.part.trees[4] = replace(tree, above=tree.above + 1)
        blocks.claim_beside_cases()
        assert one.part.claimed[4] == certified
        one.part.trees[4] = replace(tree, column=np.full_like(tree.column, one.part.blocks[split - 1][0]))
        blocks.claim_beside_cases()
        assert one.part.claimed[4] == certified
    assert compared > 20


# --- as part of a run


def test_runs_claim_no_more_than_is_so_whoever_searches() -> None:
    for seed in range(examples(6)):
        made = kinds(seed, many=3)
        whole = am.solve(made)
        with everything_is_large(), ThreadPoolExecutor(2) as executor:
            found = am.solve(made)
            assert am.solve(made, executor=executor).digest == found.digest
        am.verify(made, found)
        assert [level.value for level in found.levels] == [level.value for level in whole.levels]


def test_a_lot_of_several_blocks_that_a_proof_keeps_whole_is_counted_once() -> None:
    compared = 0
    for seed in (1, 6, 16, 18):
        one, blocks, certified = beside(seed)
        one.part.claimed[4] = certified
        # as if the first lot of the proof had pairs in several blocks
        blocks._alone[one.part.trees[4].packed[:1]] = False
        blocks.claim_beside_cases()
        assert one.part.claimed[4] == certified
        compared += len(one.part.trees[4].packed) > 0
    assert compared > 2


class Blocks(Highs):
    """Answers programs of blocks, and no other."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns, self.asked = columns, 0

    def search(self, linear: Linear, seconds: float | None, low: Ints, high: Ints, start: Ints) -> MipAnswer:
        if start.any() or linear.columns > self.columns:
            return MipAnswer(None, None, 0.0)
        self.asked += 1
        return super().search(linear, seconds, low, high, start)


def separated(seed: int) -> tuple[Relaxed, Blocks]:
    one = level(seed, lots=True)
    one.part.claimed[4] = one.part.certified[4]
    solver = Blocks(max(map(len, one.part.blocks)))
    return one, solver


def test_a_level_takes_what_its_blocks_claim_and_close() -> None:
    for seed in (1, 2, 6, 7):
        one, solver = separated(seed)
        (blocks,) = integer._separate([one], Searches(solver, None), None, monotonic)
        assert solver.asked > 0
        assert blocks.gained.any()
        assert one.part.claimed[4] == max(blocks.claimed, one.part.certified[4]) > one.part.certified[4]
        assert one.added is not None
        assert one.added.tolist() == blocks.added.tolist()


def test_the_block_that_has_cases_is_not_asked() -> None:
    for seed in (1, 2, 6, 7):
        one, solver = separated(seed)
        integer._separate([one], Searches(solver, None), None, monotonic)
        every = solver.asked
        number = int(np.argmax(apart(one, searched=False).surplus))
        one, solver = separated(seed)
        one.part.split = Split(number, ((0, 0, -1, -2),))
        (blocks,) = integer._separate([one], Searches(solver, None), None, monotonic)
        assert solver.asked == every - 1
        assert blocks.gained[number] == blocks._of_lots[number]


def test_a_run_claims_beside_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain_claim = Subproblems.claim_beside_cases

    def noted(self: Subproblems) -> None:
        asked.append(self._of.row)
        plain_claim(self)

    monkeypatch.setattr(Subproblems, "claim_beside_cases", noted)
    for seed in range(3):
        with everything_is_large():
            made = kinds(seed, many=3)
            am.solve(made)
    assert asked
    assert set(asked) == {4}


def test_values_beyond_what_a_solver_is_sure_of_claim_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subproblems, "_SURE", 10.0)
    one = level(1, lots=True)
    blocks = apart(one)
    assert blocks.gained.tolist() == blocks._of_lots.tolist()


def test_without_multipliers_no_column_is_farther_than_another() -> None:
    bare = Relaxed(component(0), 0)
    assert not bare.excess_by_column.any()
    assert bare.least == -np.inf


def test_without_multipliers_nothing_is_asked_or_claimed() -> None:
    one, solver = separated(1)
    bare = Relaxed(one.part, 4)
    assert integer._separate([bare], Searches(solver, None), None, monotonic) == []
    assert not solver.asked
    assert bare.added is None
    assert one.part.claimed[4] == one.part.certified[4]


def test_lots_that_fit_nothing_gain_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = level(1, lots=True)
    assert apart(one, searched=False).gained.any()
    monkeypatch.setattr(Lots, "least", lambda *_: None)
    assert not apart(one, searched=False).gained.any()
