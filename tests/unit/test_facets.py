"""Facets of what supplies may do: kept by every set, reached by one, and all that there are."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.integer_cases import IntegerCase, care_case
from tests.profiles import examples
from tests.unit.test_patterns import cheapest, county, formulated

import aidmatch as am
from aidmatch.engine import facets, patterns
from aidmatch.engine.choices import Choices, suited_components
from aidmatch.engine.facets import Counted, Facets
from aidmatch.engine.parts import parts_of
from aidmatch.engine.patterns import Begun, Patterns, Raised
from aidmatch.engine.relaxed import Relaxed
from aidmatch.integer_program import IntegerProgram, RowKind
from aidmatch.solvers.mip import Highs


@pytest.mark.parametrize("seed", range(examples(40)))
def test_the_facets_are_the_hull(seed: int) -> None:
    """The most in any direction is the same over the facets as over the points."""
    rng = np.random.default_rng(seed)
    load, room, persons = rng.integers(2, 9, 3), int(rng.integers(8, 25)), int(rng.integers(2, 6))
    counts = np.array([n for n in product(range(4), repeat=3) if sum(n) <= persons and np.dot(n, load) <= room])
    total = counts.sum(axis=1)
    minimum = int(rng.integers(0, 4))
    missed = np.where(total > 0, np.maximum(0, minimum - total), 0)
    rows = facets._facets(counts, missed)
    points = np.column_stack([counts, missed])
    assert (rows[:, :-1] @ points.T <= rows[:, -1:]).all()
    assert ((rows[:, :-1] @ points.T).max(axis=1) == rows[:, -1]).all()
    for _ in range(10):
        worth = np.append(rng.integers(-5, 9, 3), -rng.integers(0, 9))
        found = linprog(-worth, A_ub=rows[:, :-1], b_ub=rows[:, -1], bounds=[(0, None)] * 4)
        assert round(-found.fun, 6) == (points @ worth).max()


def test_points_in_one_plane_have_no_facets_but_their_most() -> None:
    # none, or three of one load together with one of another
    rows = facets._facets(np.array([[0, 0], [3, 1]]), np.array([0, 0]))
    assert rows.tolist() == [[0, 1, 0, 1], [1, 0, 0, 3]]
    assert facets._facets(np.array([[0, 0]]), np.array([0])).shape == (0, 4)


@pytest.mark.parametrize("seed", range(examples(60)))
def test_every_set_of_a_supply_keeps_its_facets(seed: int) -> None:
    made = formulated(care_case(seed))
    if made is None:
        return
    program = made.program
    if not suited_components(program, np.zeros(len(program.most), dtype=np.int64), 1)[0]:
        return
    of = Facets(Choices(program, np.ones(program.supplies, dtype=np.bool_)))
    place = of.choices.place_of_load
    for supply in range(program.supplies):
        for row in of.of(supply).tolist():
            # no set has more of it, with as little missed as may be; that one has as much is tested on points
            price = np.where(place >= 0, -np.array(row)[np.maximum(place, 0)], 0)
            short = -row[-2] if of.choices.missed[supply].any() else 0
            least = cheapest(program, supply, price, short, None)
            assert least is not None
            assert -least <= row[-1]


def test_relaxations_with_facets_bound_as_sets_of_clients_nearly_do() -> None:
    case = county(3.0)
    few = [replace(one, minutes_per_week=one.minutes_per_week // 2) for one in case.problem.supplies]
    # more clients of the first level than hours
    clients = [replace(one, category="A") for one in case.problem.demands]
    problem = am.CareProblem(clients, few, as_of=case.problem.as_of)
    made = formulated(IntegerCase(problem, case.policy))
    assert made is not None
    program = made.program
    parts, component = parts_of(program)
    patterns = Patterns(program, component, len(parts), Highs(), program.scale)
    assert patterns.suited.all()
    by_pairs, begun = (
        [],
        Begun(
            np.zeros(program.demands),
            np.zeros((0, len(parts))),
            np.zeros(len(program.demand_of)),
            np.ones(len(parts), dtype=np.bool_),
            np.full(len(parts), -(10**9)),
        ),
    )
    for part in parts:
        one = Relaxed(part, 0)
        one.relax(Highs(), None)
        by_pairs.append(one.proven)
        before = len(one.strong.row_kind)
        found = Counted(Facets(patterns.choices), part).cut(one, Highs(), None, lambda: 0.0)
        assert found is not None
        added = one.strong.row_kind[before:]
        assert (added == RowKind.KNAPSACK).all()
        # a level below begins with them
        assert len(Relaxed(part, 0).strong.row_kind) == len(one.strong.row_kind)
        begun.demand[one.plain.row_node[one.plain.row_kind == RowKind.SERVED]] = found.demand
    # nothing is generated where nothing is left to prove
    raised = patterns.raised(program.levels[0], None, begun=begun)
    assert raised is not None
    facet_bounds = -(-raised.bound // program.scale)
    sets = Patterns(program, component, len(parts), Highs(), program.scale).raised(program.levels[0], None)
    assert sets is not None
    set_bounds = -(-sets.bound // program.scale)
    assert (np.array(by_pairs) <= facet_bounds).all()
    assert (facet_bounds <= set_bounds).all()
    assert facet_bounds.sum() > sum(by_pairs)
    assert set_bounds.sum() - facet_bounds.sum() <= 2


def test_facets_that_there_is_no_time_for_are_left_for_the_next_level(monkeypatch: pytest.MonkeyPatch) -> None:
    made = formulated(county(0.6))
    assert made is not None
    parts, component = parts_of(made.program)
    patterns = Patterns(made.program, component, len(parts), Highs(), made.program.scale)
    one = Counted(Facets(patterns.choices), parts[0])
    monkeypatch.setattr(facets, "_FINDING", 0.0)
    found = one.cut(Relaxed(parts[0], 0), Highs(), 1.0, lambda: 0.0)
    assert found is not None
    assert not one._groups
    monkeypatch.setattr(facets, "_FINDING", 0.3)
    one.cut(Relaxed(parts[0], 0), Highs(), 1.0, lambda: 0.0)
    assert one._groups


def test_a_row_that_a_solver_leaves_broken_is_added_once() -> None:
    made = formulated(county(0.6))
    assert made is not None
    parts, component = parts_of(made.program)
    patterns = Patterns(made.program, component, len(parts), Highs(), made.program.scale)
    part = max(parts, key=lambda one: len(one.columns))
    one = Counted(Facets(patterns.choices), part)
    of = Relaxed(part, 0)
    assert one.cut(of, Highs(), None, lambda: 0.0) is not None
    everything, added = np.ones(len(part.columns)), set[tuple[int, int]]()
    assert len(one._broken(everything, added)[0]) == len(added) > 0
    assert not len(one._broken(everything, added)[0])


def test_where_sums_may_leave_64_bits_sets_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = formulated(county(0.6))
    assert made is not None
    parts, component = parts_of(made.program)

    def raised() -> Raised | None:
        own = Patterns(made.program, component, len(parts), Highs(), made.program.scale)
        return own.raised(made.program.levels[0], None, begun=nothing_known(made.program, len(parts)))

    assert raised() is not None
    monkeypatch.setattr(patterns, "_SURE", 1.0)
    assert raised() is None


def test_nothing_that_is_taken_for_want_of_a_relaxation_is_no_answer() -> None:
    made = formulated(county(0.6))
    assert made is not None
    parts, component = parts_of(made.program)
    own = Patterns(made.program, component, len(parts), Highs(), made.program.scale)
    raised = own.raised(made.program.levels[0], 0.0, lambda: 1.0, begun=nothing_known(made.program, len(parts)))
    assert raised is not None
    assert not raised.whole.any()


def nothing_known(program: IntegerProgram, count: int) -> Begun:
    return Begun(
        np.zeros(program.demands),
        np.zeros((0, count)),
        np.zeros(len(program.demand_of)),
        np.zeros(count, dtype=np.bool_),
        np.full(count, 10**9),
    )


def test_time_that_is_over_leaves_no_multipliers() -> None:
    made = formulated(county(0.6))
    assert made is not None
    parts, component = parts_of(made.program)
    patterns = Patterns(made.program, component, len(parts), Highs(), made.program.scale)
    one = Counted(Facets(patterns.choices), parts[0])
    assert one.cut(Relaxed(parts[0], 0), Highs(), 1.0, lambda: 2.0) is None
