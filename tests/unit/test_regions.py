"""Regions of large components: they share nothing, and what one is searched for costs the others nothing."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client, place
from tests.integer_cases import IntegerCase
from tests.profiles import everything_is_large, examples
from tests.unit.test_patterns import formulated

import aidmatch as am
from aidmatch.engine import integer
from aidmatch.engine.parts import Part, parts_of
from aidmatch.engine.primal import Primal
from aidmatch.engine.regions import regions_of
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Searches
from aidmatch.engine.values import value_of
from aidmatch.integer_program import RowKind
from aidmatch.solvers.mip import Highs


def valley(seed: int, caregivers: int = 12, clients: int = 40) -> am.CareProblem:
    """One component along a valley of 30 km, with more clients than hours."""
    rng = np.random.default_rng(seed)
    some = [
        client(
            f"c{k:02}",
            category="ABCD"[int(rng.integers(4))],
            place=place(lat=36 + 0.3 * float(rng.random())),
            minutes_per_week=int(rng.choice([60, 120, 180])),
        )
        for k in range(clients)
    ]
    others = [
        caregiver(
            f"g{k:02}",
            max_persons=4,
            min_persons=3,
            minutes_per_week=int(rng.integers(3, 7)) * 60,
            place=place(lat=36 + 0.3 * k / caregivers),
        )
        for k in range(caregivers)
    ]
    return am.CareProblem(some, others, as_of=DAY)


def component(seed: int) -> Part:
    made = formulated(IntegerCase(valley(seed), am.Policy.care(max_km=8)))
    assert made is not None
    parts, _ = parts_of(made.program)
    return max(parts, key=lambda part: len(part.columns))


def inserted(part: Part, row: int = 0) -> Relaxed:
    """A level on what the ones above have by insertion alone."""
    for above in range(row):
        Relaxed(part, above).fill()
        part.budgets.append(value_of(part.program.levels[above], part.values))
    one = Relaxed(part, row)
    one.fill()
    return one


@pytest.mark.parametrize("seed", range(examples(12)))
def test_no_column_is_in_two_and_supplies_are_few(seed: int) -> None:
    part = component(seed)
    program, arcs = part.program, len(part.program.demand_of)
    inserted(part)
    for size, cut_off in ((3, 0.5), (5, 0.25), (1, 0.4), (50, 0.5)):
        regions = regions_of(program, np.ones(arcs, dtype=np.bool_), part.values, size, cut_off)
        together = np.concatenate(regions)
        assert len(np.unique(together)) == len(together)
        region_of = {int(column): number for number, columns in enumerate(regions) for column in columns}
        for columns in regions:
            assert (np.diff(columns) > 0).all()
            assert len(np.unique(program.supply_of[columns[columns < arcs]])) <= size
        # what a supply or a demand has, its region has
        for start, end in zip(program.row_start[:-1].tolist(), program.row_start[1:].tolist(), strict=True):
            inside = {region_of.get(column) for column in program.row_column[start:end].tolist() if column >= arcs}
            assert len(inside) <= 1
        if size == 50:
            assert len(regions) == 1
            assert len(regions[0]) == len(part.columns)


@pytest.mark.parametrize("seed", range(examples(12)))
def test_a_demand_is_with_those_who_serve_it_or_nearest_to_it(seed: int) -> None:
    part = component(seed)
    program, arcs = part.program, len(part.program.demand_of)
    inserted(part)
    regions = regions_of(program, np.ones(arcs, dtype=np.bool_), part.values, 3, 0.5)
    with_pairs = [set(columns[columns < arcs].tolist()) for columns in regions]
    far = program.levels[-1].cost
    for demand in np.unique(program.demand_of).tolist():
        pairs = np.flatnonzero(program.demand_of == demand)
        used = pairs[part.values[pairs] > 0]
        wanted = int(used[0]) if len(used) else int(pairs[np.lexsort((program.supply_of[pairs], far[pairs]))[0]])
        assert sum(wanted in some for some in with_pairs) == 1


def test_nobody_is_where_two_regions_serve_them() -> None:
    part = component(0)
    program, arcs = part.program, len(part.program.demand_of)
    demand = int(np.bincount(program.demand_of).argmax())
    pairs = np.flatnonzero(program.demand_of == demand)
    known = np.zeros(len(part.columns), dtype=np.int64)
    known[pairs] = 1
    regions = regions_of(program, np.ones(arcs, dtype=np.bool_), known, 1, 0.5)
    assert not set(pairs.tolist()) & set(np.concatenate(regions).tolist())


def test_pairs_that_may_not_be_used_hold_nothing_together() -> None:
    part = component(1)
    arcs = len(part.program.demand_of)
    usable = part.program.supply_of == part.program.supply_of[0]
    regions = regions_of(part.program, usable, np.zeros(len(part.columns), dtype=np.int64), 5, 0.5)
    assert len(regions) == 1
    assert usable[regions[0][regions[0] < arcs]].all()


def searched(one: Relaxed, regions: Any) -> None:
    for columns in regions:
        Searches(Highs(), None).run([(1, partial(Primal(one).region, columns, None))], None)


def both_ways(seed: int, row: int) -> int:
    """Search regions in both orders; by how much they bettered the level."""
    found, bettered = [], 0
    for step in (1, -1):
        part = component(seed)
        one = inserted(part, row)
        before = one.reached
        regions = regions_of(part.program, np.ones(len(part.program.demand_of), dtype=np.bool_), part.values, 3, 0.5)
        # as if the level above had something to give away, which is nobody's in particular
        part.budgets[row - 1] += 1
        one = Relaxed(part, row)
        searched(one, regions[::step])
        bettered = before - one.reached
        assert all(
            value_of(part.program.levels[k], part.values) <= part.budgets[k] - (k == row - 1) for k in range(row)
        )
        found.append(part.values.tolist())
    assert found[0] == found[1]
    return bettered


@pytest.mark.parametrize("row", [3, 4])
def test_whichever_is_searched_first_they_find_the_same(row: int) -> None:
    bettered = [both_ways(seed, row) for seed in range(examples(6))]
    assert min(bettered) >= 0
    assert max(bettered) > 0


def test_what_others_changed_meanwhile_stays() -> None:
    part = component(2)
    one = inserted(part)
    part.values = np.zeros_like(part.values)
    regions = regions_of(part.program, np.ones(len(part.program.demand_of), dtype=np.bool_), part.values, 3, 0.5)
    # all ask before any is told
    asked = [Primal(one).region(columns, None, None) for columns in regions]
    answers = [next(steps).by(Highs()) for steps in asked]
    for steps, answer in zip(asked, answers, strict=True):
        with pytest.raises(StopIteration):
            steps.send(answer)
    alone = component(2)
    other = Relaxed(alone, 0)
    searched(other, regions)
    assert part.values.tolist() == alone.values.tolist()
    assert one.reached < 0


def test_a_region_of_nothing_asks_nobody() -> None:
    part = component(3)
    one = inserted(part)
    part.high = part.low.copy()
    with pytest.raises(StopIteration):
        next(Primal(one).region(np.arange(len(part.columns)), None, None))


def test_no_region_has_longer_than_it_may() -> None:
    part = component(4)
    columns = np.arange(len(part.columns))
    part.values[:] = 0
    assert next(Primal(Relaxed(part, 0)).region(columns, 2.0, 50.0)).seconds == pytest.approx(2.0, abs=0.5)
    assert next(Primal(Relaxed(part, 0)).region(columns, 50.0, 2.0)).seconds == pytest.approx(2.0, abs=0.5)
    assert next(Primal(Relaxed(part, 0)).region(columns, None, None)).seconds is None


def test_large_components_are_searched_by_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    bettered: list[int] = []
    plain = integer._search_regions

    def counted(levels: Any, *rest: Any) -> None:
        before = [one.reached for one in levels]
        plain(levels, *rest)
        bettered.extend(old - one.reached for old, one in zip(before, levels, strict=True))

    monkeypatch.setattr(integer, "_search_regions", counted)
    for seed in range(5):
        problem, policy = valley(seed), am.Policy.care(max_km=8)
        plainly = am.solve(problem, policy=policy)
        with everything_is_large(nearby=False), pytest.MonkeyPatch.context() as patch:
            patch.setattr(integer, "CUTS", ((1 / 2, 4), (1 / 3, 6)))
            matching = am.solve(problem, policy=policy)
        am.verify(problem, matching)
        assert [level.value for level in matching.levels] == [level.value for level in plainly.levels]
    assert sum(bettered) > 0


def test_what_is_as_good_here_and_better_below_is_kept() -> None:
    part = component(6)
    one = inserted(part)
    known, arcs = part.values, len(part.program.demand_of)
    last, found = part.program.levels[-1], None
    # somebody is served by another who has time, farther away or nearer
    for arc in np.flatnonzero(known[:arcs]).tolist():
        for other in np.flatnonzero(part.program.demand_of == part.program.demand_of[arc]).tolist():
            kept = one.from_arcs(np.append(np.setdiff1d(np.flatnonzero(known[:arcs]), arc), other))
            if kept is not None and value_of(last, kept) != value_of(last, known):
                found = kept
    assert found is not None
    nearer, farther = sorted((known, found), key=lambda values: [value_of(lv, values) for lv in part.program.levels])
    part.values = farther
    one.better(nearer)
    assert part.values is nearer
    one.better(farther)
    assert part.values is nearer


def test_what_regions_found_counts_though_the_time_is_over_then(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[float] = [0.0]
    plain = integer._search_regions
    found: dict[int, list[int]] = {}

    def slow(levels: Any, searches: Any, end: float | None, clock: Any) -> None:
        plain(levels, searches, end, clock)
        for one in levels:
            found.setdefault(one.row, []).append(one.reached)
        late[0] = 1e3 if end is None else max(late[0], end + 1e-3)

    monkeypatch.setattr(integer, "_search_regions", slow)
    problem, policy = valley(0), am.Policy.care(max_km=8)
    made = formulated(IntegerCase(problem, policy))
    assert made is not None
    with everything_is_large(nearby=False), pytest.MonkeyPatch.context() as patch:
        patch.setattr(integer, "CUTS", ((1 / 2, 4), (1 / 3, 6)))
        solution = integer.solve_integer(made.program, Highs(), deadline=1e3, clock=lambda: late[0])
    assert len(parts_of(made.program)[0]) == 1
    for row, reached in found.items():
        assert solution.level_values[row] - made.program.levels[row].constant <= reached[0]
    assert found


@pytest.mark.parametrize("seed", range(4))
def test_regions_are_in_the_order_of_their_first_supplies(seed: int) -> None:
    part = component(7)
    program, arcs = part.program, len(part.program.demand_of)
    # caregivers are numbered along the valley: other numbers for the same
    shuffled = np.random.default_rng(seed).permutation(program.supplies)
    of_supplies = np.isin(program.row_kind, (RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL))
    node = program.row_node.copy()
    node[of_supplies] = shuffled[node[of_supplies]]
    other = replace(program, supply_of=shuffled[program.supply_of], row_node=node)
    regions = regions_of(other, np.ones(arcs, dtype=np.bool_), np.zeros_like(part.values), 3, 0.5)
    row = np.repeat(np.arange(len(node)), np.diff(other.row_start))
    first = [node[row[of_supplies[row] & np.isin(other.row_column, columns)]].min() for columns in regions]
    assert len(first) > 2
    assert first == sorted(first)


def test_where_no_level_tells_distances_all_pairs_are_equally_far() -> None:
    part = component(8)
    levels = tuple(replace(level, cost=-abs(level.cost)) for level in part.program.levels)
    arcs = len(part.program.demand_of)
    regions = regions_of(replace(part.program, levels=levels), np.ones(arcs, dtype=np.bool_), part.values, 4, 0.5)
    assert len(regions) > 1
    assert len(np.concatenate(regions)) > 0


def test_at_a_largest_there_are_no_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = integer._search_regions

    def seen(some: Any, *rest: Any) -> None:
        asked.extend(one.row for one in some)
        plain(some, *rest)

    monkeypatch.setattr(integer, "_search_regions", seen)
    rows: dict[bool, set[int]] = {}
    for largest in (False, True):
        asked.clear()
        for seed in range(5):
            made = formulated(IntegerCase(valley(seed), am.Policy.care(max_km=8)))
            assert made is not None
            costly = {row for row, level in enumerate(made.program.levels) if level.cost.min() >= 0}
            levels = tuple(
                replace(level, largest=largest and row in costly) for row, level in enumerate(made.program.levels)
            )
            with everything_is_large(nearby=False):
                integer.solve_integer(replace(made.program, levels=levels), Highs())
        rows[largest] = set(asked)
    assert rows[False] & costly
    assert not rows[True] & costly
