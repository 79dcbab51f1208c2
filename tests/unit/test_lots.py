"""Lots that are kept whole: the same as trying everything, in the engine and in the check, and tighter than parts."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need
from tests.profiles import everything_is_large, examples
from tests.unit.test_relaxations import problem, program
from tests.unit.test_substitutes import stands

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.engine import lots as engine_lots
from aidmatch.engine.bounds import INFEASIBLE, leaf_bound
from aidmatch.engine.lots import Lots, is_lot, whole_lots
from aidmatch.errors import VerificationError
from aidmatch.integer_check import _shares
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind
from aidmatch.records.giving import Donor


def ints(values: Any) -> Ints:
    return np.array(values, dtype=np.int64)


def of_lots(rng: np.random.Generator, count: int) -> IntegerProgram:
    """Lots alone, one row each: some pairs with packs, minimum lots and substitutes, and what each lot gives."""
    pairs = rng.integers(1, 5, count)
    arcs, lot_of = int(pairs.sum()), np.repeat(np.arange(count), pairs)
    step = rng.integers(1, 3, arcs)
    least = step * rng.integers(1, 3, arcs)
    most = np.where(rng.random(arcs) < 0.1, 0, least + step * rng.integers(0, 4, arcs))
    rows = [np.append(np.flatnonzero(lot_of == k), arcs + k) for k in range(count)]
    takes = [np.append(rng.integers(1, 3, len(row) - 1), -1) for row in rows]
    start = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    nothing = np.zeros(0, dtype=np.int64)
    return IntegerProgram(
        least=np.append(least, np.ones(count, dtype=np.int64)),
        most=np.append(most, rng.integers(1, 9, count)),
        step=np.append(step, np.ones(count, dtype=np.int64)),
        demand_of=np.arange(arcs),
        supply_of=lot_of,
        demands=arcs,
        supplies=count,
        row_start=start.astype(np.int64),
        row_column=np.concatenate(rows).astype(np.int64),
        row_coefficient=np.concatenate(takes).astype(np.int64),
        use_start=np.zeros(count + 1, dtype=np.int64),
        use_column=nothing,
        use_coefficient=nothing,
        row_lower=np.zeros(count, dtype=np.int64),
        row_upper=np.zeros(count, dtype=np.int64),
        row_kind=np.full(count, RowKind.GIVEN),
        row_node=np.arange(count),
        levels=(),
    )


def choices(made: IntegerProgram, column: int, low: int, high: int) -> Iterator[int]:
    if low <= 0:
        yield 0
    first, last, step = int(made.least[column]), int(made.most[column]), int(made.step[column])
    yield from (x for x in range(first, last + 1, step) if x and low <= x <= high)


def tried(made: IntegerProgram, cost: list[int], use: list[int], low: Ints, high: Ints) -> int | None:
    """The least of everything that one lot after the other may do."""
    whole = 0
    for k in range(made.supplies):
        entries = slice(int(made.row_start[k]), int(made.row_start[k + 1]) - 1)
        arcs, takes = made.row_column[entries].tolist(), made.row_coefficient[entries].tolist()
        given = len(made.demand_of) + k
        stock = min(int(made.most[given]), int(high[given]))
        found = []
        for units in product(*(choices(made, a, int(low[a]), int(high[a])) for a in arcs)):
            taken = sum(x * t for x, t in zip(units, takes, strict=True))
            if taken <= stock:
                spent = sum(x * cost[a] + use[a] * (x > 0) for x, a in zip(units, arcs, strict=True))
                found.append(taken * cost[given] + spent)
        if not found:
            return None
        whole += min(found)
    return whole


@pytest.mark.parametrize("seed", range(examples(60)))
@pytest.mark.parametrize("large", [1, 2**50])
def test_lots_kept_whole_cost_what_trying_everything_finds(seed: int, large: int) -> None:
    rng = np.random.default_rng(seed)
    made = of_lots(rng, 6)
    columns = len(made.most)
    kind = np.int64 if large == 1 else object
    cost = rng.integers(-9, 4, columns).astype(kind) * large
    use = np.where(np.arange(columns) < len(made.demand_of), rng.integers(0, 9, columns), 0).astype(kind) * large
    low, high = np.zeros(columns, dtype=np.int64), made.most.copy()
    if seed % 2:
        arcs = np.flatnonzero(made.most[: len(made.demand_of)] > 0)
        low[rng.choice(arcs, 1)] = 1
        high[rng.choice(arcs, 2)] -= 1
    rows = np.arange(made.supplies)
    of = Lots(made, rows)
    expected = tried(made, cost.tolist(), use.tolist(), low, high)
    least = of.least(cost, use, low, high)
    assert (None if least is None else sum(least)) == expected
    checked: list[int | None] = []
    for k in range(made.supplies):
        entries = slice(int(made.row_start[k]), int(made.row_start[k + 1]) - 1)
        arcs, takes = made.row_column[entries], made.row_coefficient[entries]
        given = len(made.demand_of) + k
        step = made.step[arcs]
        first, last = np.maximum(made.least[arcs], -(-low[arcs] // step) * step), high[arcs] // step * step
        if (low[arcs] > last).any():
            checked.append(None)
            continue
        tail = [int(cost[given]) * units for units in range(int(min(made.most[given], high[given])) + 1)]
        price, fee = (numbers[arcs].astype(object) for numbers in (cost, use))
        checked.append(_shares(price, fee, first, last, step, takes, low[arcs] > 0, tail))
    assert (None if None in checked else sum(x for x in checked if x is not None)) == expected


def test_what_must_be_sent_and_does_not_fit_closes_the_case() -> None:
    made = of_lots(np.random.default_rng(1), 1)
    arcs = len(made.demand_of)
    made = replace(made, most=np.append(np.full(arcs, 8), 3), least=np.append(np.full(arcs, 2), 1))
    made = replace(made, step=np.ones_like(made.most), row_coefficient=np.append(np.ones(arcs, dtype=np.int64), -1))
    low = np.append(np.full(arcs, 2), 0)
    nothing, none = np.zeros(arcs + 1, dtype=np.int64), ints([])
    assert Lots(made, ints([0])).least(nothing, nothing, low, made.most) is None
    assert leaf_bound(made, IntegerLevel(nothing, 0), [], none, none, none, ints([0]), 1, low, made.most) == INFEASIBLE


@pytest.mark.parametrize(
    ("tail", "least"),
    [
        ([0, 0, 0, 0], -7),
        # whoever sends anything pays six, or must send one unit, or two at least, or all of it
        ([0, 6, 6, 6], -1),
        ([None, 0, None, None], -2),
        ([0, None, 0, 0], -7),
        ([None, None, None, 9], 2),
        ([None, None, None, None], None),
    ],
)
def test_what_a_number_of_units_costs_besides_is_weighed(tail: list[int | None], least: int | None) -> None:
    # two pairs: one or two units at −3 and a fee of 1, and one unit at −2
    price, fee = np.array([-3, -2], dtype=object), np.array([1, 0], dtype=object)
    ones, none = ints([1, 1]), np.zeros(2, dtype=np.bool_)
    assert _shares(price, fee, ones, ints([2, 1]), ones, ones, none, tail) == least


def test_lots_are_told_from_knapsacks_and_too_much_work_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(2)
    rows = whole_lots(made)
    assert rows.size
    assert is_lot(made, rows).all()
    monkeypatch.setattr(engine_lots, "_ALL", 3_000)
    some = whole_lots(made)
    assert 0 < len(some) < len(rows)
    monkeypatch.setattr(engine_lots, "_ONE", 0)
    assert not whole_lots(made).size


def test_no_bound_with_whole_lots_is_below_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(7)
    level = replace(made.levels[0], cost=np.random.default_rng(7).integers(-5, 3, len(made.most)))
    nothing, none = np.zeros(len(made.most), dtype=np.int64), ints([])
    rows = whole_lots(made)

    def bound(packed: Ints) -> int:
        return leaf_bound(made, level, [], none, none, none, packed, 1, nothing, made.most)

    assert INFEASIBLE > bound(rows) > bound(none)


def test_whole_lots_are_in_the_certificate_and_bring_bounds_that_parts_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made = problem(3)
    # nothing but the multipliers closes a gap
    monkeypatch.setattr("aidmatch.engine.primal.Primal.searched", lambda *_: iter(()))

    def gap() -> int:
        with everything_is_large(nearby=False):
            matching = am.solve(made)
        am.verify(made, matching)
        assert matching.integer is not None
        kept.append(any(tree.packed.size for level in matching.integer.levels for tree in level))
        return matching.levels[-1].gap

    kept: list[bool] = []
    whole = gap()
    monkeypatch.setattr(engine_lots, "_ONE", -1)
    assert whole < gap()
    assert kept == [True, False]


# --- certificates


def of_substitutes(needs: int, stock: list[int], takes: int, shipments: int | None = None) -> am.GivingProblem:
    """Needs of a bag each, and lots of small bags, of which so many stand for one."""
    return am.GivingProblem(
        [need(f"n{k}", 1, item="bag", substitutes="approved") for k in range(needs)],
        [lot(f"d{k}", units, item="small bag", donor_id="x") for k, units in enumerate(stock)],
        substitutes=[stands("bag", "small bag", takes=takes, stands_for=1)],
        donors=[Donor(id="x", max_shipments=shipments)],
        as_of=DAY,
    )


def test_a_lot_of_substitutes_is_kept_whole_in_its_own_units() -> None:
    """Two of the lot for one of the need: a multiplier of the lot's units is no multiplier of its pairs."""
    made = of_substitutes(2, [8], takes=2)
    truth = am.solve(made)
    am.verify(made, truth)
    assert truth.integer is not None
    one = 2**20
    tree = replace(
        truth.integer.levels[0][0],
        rows=ints([(1, 0), (0, 0), (0, 1)]),
        multipliers=ints([[-one, one, one]]),
        packed=ints([[0]]),
    )
    nothing = replace(
        truth,
        assignments=(),
        unmet={"n0": 1, "n1": 1},
        reasons=dict.fromkeys(("n0", "n1"), "DOES_NOT_FIT"),
        levels=tuple(replace(level, value=0, bound=0, gap=0, claimed_bound=None) for level in truth.levels),
        integer=replace(truth.integer, levels=((tree,), *truth.integer.levels[1:])),
        coverage=tuple(replace(row, demands_met=0, served=0) for row in truth.coverage),
    )
    with pytest.raises(VerificationError, match="the proof leaves 2"):
        am.verify(made, nothing)


@pytest.mark.parametrize("stock", [[4, 5], [1, 3, 3], [2, 2, 7]])
@pytest.mark.parametrize("takes", [2, 3])
def test_engine_and_check_keep_the_same_lots_whole(stock: list[int], takes: int) -> None:
    for needs, shipments in product((2, 4, 5), (1, 2, 3)):
        made = of_substitutes(needs, stock, takes, shipments)
        with everything_is_large():
            am.verify(made, am.solve(made))


def test_what_is_too_much_to_be_kept_whole_is_refused_at_once() -> None:
    made = am.GivingProblem([need("n", 600_000_000)], [lot("d", 600_000_000, pack_size=2)], as_of=DAY)
    truth = am.solve(made)
    assert truth.integer is not None
    trees = tuple(tuple(replace(tree, packed=ints([[0]])) for tree in level) for level in truth.integer.levels)
    with pytest.raises(VerificationError, match="too much to be kept whole"):
        am.verify(made, replace(truth, integer=replace(truth.integer, levels=trees)))
