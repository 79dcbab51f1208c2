"""What does not flow, each piece on an instance solved by hand; bad input; early stops; lying solvers."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client, lot, need, pin, place
from tests.integer_cases import best, care_case, giving_case

import aidmatch as am
from aidmatch.engine.integer import solve_integer
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers, what_needs_integers
from aidmatch.integer_program import IntegerProgram
from aidmatch.records.giving import Donor
from aidmatch.solvers.mip import Highs, MipAnswer, Relaxation


def giving(needs: Any, lots: Any, *, policy: am.Policy | None = None, **options: Any) -> am.Matching:
    problem = am.GivingProblem(needs, lots, as_of=DAY, **options)
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching)
    return matching


def care(clients: Any, caregivers: Any, *, policy: dict[str, Any] | None = None, **options: Any) -> am.Matching:
    problem = am.CareProblem(clients, caregivers, as_of=DAY, **options)
    matching = am.solve(problem, policy=am.Policy.care(**(policy or {})))
    am.verify(problem, matching)
    return matching


def sent(matching: am.Matching) -> dict[tuple[str, str], int]:
    return {(a.demand_id, a.supply_id): a.quantity for a in matching.assignments}


def value(matching: am.Matching, name: str) -> int:
    (found,) = [level.value for level in matching.levels if level.name == name]
    return found


# --- giving


def test_a_whole_need_gets_all_or_nothing() -> None:
    matching = giving([need("n1", 5, whole=True), need("n2", 3)], [lot("d1", 4)])
    assert sent(matching) == {("n2", "d1"): 3}
    assert dict(matching.reasons) == {"n1": "DOES_NOT_FIT"}
    assert matching.solving.method == "integer"
    assert matching.solving.why == ("1 whole demands",)


def test_a_whole_need_above_all_stock_is_unmet_with_its_reason_and_takes_nothing() -> None:
    matching = giving([need("n1", 9, whole=True), need("n2", 2, category="B")], [lot("d1", 3), lot("d2", 4)])
    assert dict(matching.reasons) == {"n1": "DOES_NOT_FIT"}
    assert {demand for demand, _ in sent(matching)} == {"n2"}


def test_a_whole_need_is_put_together_from_lots() -> None:
    assert sent(giving([need("n1", 5, whole=True)], [lot("d1", 2), lot("d2", 3)])) == {("n1", "d1"): 2, ("n1", "d2"): 3}


def test_less_than_is_of_use_is_not_sent() -> None:
    assert sent(giving([need("n1", 5, min_quantity=3)], [lot("d1", 2)])) == {}
    assert sent(giving([need("n1", 5, min_quantity=3)], [lot("d1", 2), lot("d2", 1)])) == {
        ("n1", "d1"): 2,
        ("n1", "d2"): 1,
    }


def test_packs_stay_closed() -> None:
    assert sent(giving([need("n1", 5)], [lot("d1", 9, pack_size=2)])) == {("n1", "d1"): 4}


def test_a_lot_sends_no_less_than_its_minimum() -> None:
    assert sent(giving([need("n1", 2), need("n2", 3)], [lot("d1", 9, min_lot=3)])) == {("n2", "d1"): 3}


def test_a_donor_has_so_many_shipments_over_all_items() -> None:
    needs = [need("n1", 2), need("n2", 3), need("n3", 4, item="rice")]
    lots = [lot("d1", 9, donor_id="x"), lot("d2", 9, donor_id="x", item="rice")]
    matching = giving(needs, lots, donors=[Donor(id="x", max_shipments=2)])
    assert sent(matching) == {("n2", "d1"): 3, ("n3", "d2"): 4}
    assert giving(needs, lots, donors=[Donor(id="x", max_shipments=0)]).assignments == ()
    assert giving(needs, lots, donors=[Donor(id="x"), Donor(id="y", max_shipments=1)]).solving.method == "integer"
    assert giving(needs, lots, donors=[Donor(id="x")]).solving.method == "flow"


def test_what_is_pinned_of_a_whole_need_stays_and_the_rest_is_whole() -> None:
    needs, lots = [need("n1", 5, whole=True)], [lot("d1", 2), lot("d2", 2)]
    assert sent(giving(needs, lots, decisions=[pin("p", "n1", "d1", 2)])) == {("n1", "d1"): 2}
    more = [*lots, lot("d3", 1)]
    assert sum(sent(giving(needs, more, decisions=[pin("p", "n1", "d1", 2)])).values()) == 5


# --- care


def test_minutes_limit_a_caregiver_and_travel_counts() -> None:
    clients = [client(f"c{i}", minutes_per_week=120, place=place(lat=36.5 + 0.01 * i)) for i in range(3)]
    two = care(clients, [caregiver("g1", 5, minutes_per_week=240)])
    assert value(two, "coverage A") == 2
    # the second is 1.112 km away: 6 minutes at 5 a kilometre, rounded up
    assert (
        value(
            care(clients, [caregiver("g1", 5, minutes_per_week=245)], policy={"travel_minutes_per_km": 5}), "coverage A"
        )
        == 1
    )
    assert (
        value(
            care(clients, [caregiver("g1", 5, minutes_per_week=246)], policy={"travel_minutes_per_km": 5}), "coverage A"
        )
        == 2
    )


def test_a_table_of_pairs_brings_loads_and_capacities() -> None:
    pairs = am.PairTable(
        [am.PairCost(demand_id=f"c{i}", supply_id="g1", cost=i, load=50_000 + i) for i in range(3)],
        unit="yuan",
        capacities={"g1": 100_001},
    )
    matching = care([client(f"c{i}") for i in range(3)], [caregiver("g1", 5)], pairs=pairs)
    assert sent(matching) == {("c0", "g1"): 1, ("c1", "g1"): 1}


def test_a_minimum_is_a_wish_below_coverage_or_a_must() -> None:
    clients, caregivers = [client("c1"), client("c2")], [caregiver("g1", 5, min_persons=3)]
    soft = care(clients, caregivers)
    assert (value(soft, "coverage A"), value(soft, "minimum-loads")) == (2, 1)
    assert [level.name for level in soft.levels][4] == "minimum-loads"
    hard = care(clients, caregivers, policy={"min_load": "hard"})
    assert value(hard, "coverage A") == 0
    assert dict(hard.reasons) == {"c1": "DOES_NOT_FIT", "c2": "DOES_NOT_FIT"}
    pinned = care(clients, caregivers, policy={"min_load": "hard"}, decisions=[pin("p", "c1", "g1")])
    assert value(pinned, "coverage A") == 2


def test_minimum_loads_gather_clients() -> None:
    clients = [client(f"c{i}") for i in range(4)]
    caregivers = [caregiver(f"g{j}", 4, min_persons=3) for j in range(2)]
    matching = care(clients, caregivers, policy={"levels": ("coverage", "distance")})
    assert value(matching, "minimum-loads") == 0
    assert len({a.supply_id for a in matching.assignments}) == 1


def test_a_whole_client_has_all_caregivers_or_none() -> None:
    clients = [client("c1", caregivers_needed=2, whole=True), client("c2", "B")]
    assert set(sent(care(clients, [caregiver("g1", 2)]))) == {("c2", "g1")}
    assert set(sent(care(clients, [caregiver("g1"), caregiver("g2")]))) == {("c1", "g1"), ("c1", "g2")}


def test_windows_must_have_the_minutes_in_common() -> None:
    morning = client("c1", minutes_per_week=120, windows=((1, 480, 600), (3, 480, 600)))
    assert care([morning], [caregiver("g1", windows=((1, 540, 700), (3, 500, 560)))]).assignments
    late = care([morning], [caregiver("g1", windows=((1, 541, 700), (3, 500, 560)))])
    assert dict(late.reasons) == {"c1": "NOT_ALLOWED"}
    assert care([morning], [caregiver("g1")]).assignments


@pytest.mark.parametrize(("balance", "expected"), [("largest", 500), ("total", 0)])
def test_loads_are_balanced(balance: str, expected: int) -> None:
    clients = [client(f"c{i}", minutes_per_week=60) for i in range(4)]
    caregivers = [caregiver(f"g{j}", 4, minutes_per_week=240) for j in range(2)]
    matching = care(clients, caregivers, policy={"levels": ("coverage", "balance"), "balance": balance})
    assert value(matching, "balance") == expected
    assert sorted(a.supply_id for a in matching.assignments) == ["g0", "g0", "g1", "g1"]


def test_caregivers_of_poor_households_come_first_and_that_flows() -> None:
    caregivers = [caregiver("g1"), caregiver("g2", poor_household=True, place=place(lat=36.6))]
    matching = care([client("c1")], caregivers, policy={"levels": ("coverage", "poor-caregivers", "distance")})
    assert sent(matching) == {("c1", "g2"): 1}
    assert matching.solving.method == "flow"


# --- bad input


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: need("n1", 2, min_quantity=3), "min_quantity is above quantity"),
        (lambda: lot("d1", 2, min_lot=3), "above quantity"),
        (lambda: lot("d1", 2, pack_size=3), "above quantity"),
        (lambda: caregiver("g1", 2, min_persons=3), "min_persons is above max_persons"),
        (lambda: client("c1", minutes_per_week=-1), "greater than or equal to 0"),
        (lambda: client("c1", windows=((1, 600, 480),)), "two minutes of the day in order"),
        (lambda: client("c1", windows=((8, 480, 600),)), "weekday"),
        (lambda: client("c1", windows=((1, 480, 480),)), "ends when it begins"),
        (lambda: client("c1", windows=((1, 480, 600), (1, 540, 700))), "overlap"),
        (lambda: client("c1", windows="Monday"), "windows look like"),
        (lambda: client("c1", windows=3), "valid tuple"),
        (lambda: Donor(id="x", max_shipments=-1), "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused_with_the_record(make: Any, code: str) -> None:
    with pytest.raises(ValueError, match=code):
        make()


def test_windows_are_read_from_a_cell() -> None:
    assert client("c1", windows="3 14:00-18:00; 1 08:30-11:00").windows == ((1, 510, 660), (3, 840, 1080))


def test_pins_break_no_pack_no_minimum_no_shipments_and_no_hours() -> None:
    def conflict(make: Any) -> str:
        with pytest.raises(am.ProblemError) as caught:
            make()
        assert caught.value.code == "PIN_CONFLICT"
        return str(caught.value)

    needs = [need("n1", 5)]
    assert "packs" in conflict(lambda: giving(needs, [lot("d1", 4, pack_size=2)], decisions=[pin("p", "n1", "d1", 3)]))
    assert "minimum" in conflict(lambda: giving(needs, [lot("d1", 4, min_lot=3)], decisions=[pin("p", "n1", "d1", 2)]))
    none = [Donor(id="x", max_shipments=0)]
    lots = [lot("d1", 4, donor_id="x")]
    assert "'x'" in conflict(lambda: giving(needs, lots, donors=none, decisions=[pin("p", "n1", "d1", 2)]))
    clients, caregivers = [client("c1", minutes_per_week=90)], [caregiver("g1", minutes_per_week=60)]
    assert "90 of 60" in conflict(lambda: care(clients, caregivers, decisions=[pin("p", "c1", "g1")]))


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf")])
def test_a_time_limit_is_a_number_of_seconds(limit: float) -> None:
    with pytest.raises(am.ProblemError, match="time_limit"):
        am.solve(am.GivingProblem([], [], as_of=DAY), time_limit=limit)


def test_tables_of_pairs_with_capacities_have_loads() -> None:
    with pytest.raises(am.ProblemError, match="has no load"):
        am.PairTable([am.PairCost(demand_id="c", supply_id="g", cost=1)], unit="x", capacities={"g": 1})
    with pytest.raises(am.ProblemError, match="no whole number"):
        am.PairTable([], unit="x", capacities={"g": -1})


def test_levels_of_caregivers_are_none_of_goods() -> None:
    with pytest.raises(am.PolicyError, match="is of care"):
        giving([need("n1")], [lot("d1")], policy=am.Policy.giving(levels=("coverage", "balance")))


def test_quantities_beyond_what_a_solver_can_hold_are_refused() -> None:
    with pytest.raises(am.NumberRangeError, match="too large"):
        giving([need("n1", 10**14, whole=True)], [lot("d1", 10**14)])
    # where the other side is small, nothing is too large
    assert value(giving([need("n1", 5, whole=True)], [lot("d1", 10**14)]), "coverage A") == 5


# --- early stops


class Stopped:
    """A clock that is over after so many looks."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def __call__(self) -> float:
        self.left -= 1
        return 0.0 if self.left > 0 else 1e9


def program_of(case: Any) -> Any:
    flow = formulate(case.problem, case.policy, am.GreatCircle())
    why = what_needs_integers(case.problem, case.policy, flow.definitions)
    return formulate_integers(flow, why)


@pytest.mark.parametrize("seed", range(50))
def test_an_early_stop_gives_a_checked_answer_with_true_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = (giving_case if seed % 2 else care_case)(int(rng.integers(10_000)))
    made = program_of(case)
    solution = solve_integer(made.program, Highs(), deadline=1e6, clock=Stopped(int(rng.integers(1, 60))))
    matching = made.matching(solution, ("highs", "x"), "0")
    am.verify(case.problem, matching)
    above: tuple[int, ...] = ()
    for level in matching.levels:
        truth = best(case, above)
        assert truth is not None
        assert level.bound >= truth[0] if level.sense == "max" else level.bound <= truth[0]
        above = (*above, level.value)


@pytest.mark.parametrize("seed", range(50))
def test_large_giving_stopped_at_any_moment_is_checked_and_its_bounds_are_true(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidmatch.engine.parts.SMALL", 0)  # every component counts as large
    rng = np.random.default_rng(1000 + seed)
    case = giving_case(int(rng.integers(10_000)))
    made = program_of(case)
    solution = solve_integer(made.program, Highs(), deadline=1e6, clock=Stopped(int(rng.integers(1, 60))))
    matching = made.matching(solution, ("highs", "x"), "0")
    am.verify(case.problem, matching)
    above: tuple[int, ...] = ()
    for level in matching.levels:
        truth = best(case, above)
        assert truth is not None
        assert level.bound >= truth[0] if level.sense == "max" else level.bound <= truth[0]
        above = (*above, level.value)


@pytest.mark.parametrize("seed", range(60))
def test_large_components_reach_the_optimum_and_true_bounds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aidmatch.engine.parts.SMALL", 0)
    case = (giving_case if seed % 3 else care_case)(seed)
    matching = am.solve(case.problem, policy=case.policy)
    am.verify(case.problem, matching)
    assert tuple(level.value for level in matching.levels) == best(case)


def test_a_large_market_within_little_time_is_served_at_every_level() -> None:
    rng = np.random.default_rng(2)
    needs = [
        need(
            f"n{i}",
            int(rng.integers(1, 6)),
            whole=i % 5 == 0,
            category="ABCD"[i % 4],
            place=place(lat=36 + i % 40 / 99),
        )
        for i in range(160)
    ]
    lots = [lot(f"d{j}", int(rng.integers(4, 9)), min_lot=2, donor_id=f"x{j % 40}") for j in range(80)]
    donors = [Donor(id=f"x{k}", max_shipments=3) for k in range(40)]
    problem = am.GivingProblem(needs, lots, donors=donors, as_of=DAY)
    for seconds in (0.0, 0.3, 1.5):
        matching = am.solve(problem, time_limit=seconds, policy=am.Policy.giving(max_km=60))
        am.verify(problem, matching)
        # with some time, a search at one level may leave nothing for a lower one, and end before that has its turn
        assert all(level.value > 0 for level in matching.levels[: None if not seconds else 1])


def test_no_time_at_all_is_the_empty_answer_or_better() -> None:
    problem = am.GivingProblem([need("n1", 3, whole=True)], [lot("d1", 2), lot("d2", 2)], as_of=DAY)
    matching = am.solve(problem, time_limit=0)
    am.verify(problem, matching)
    assert matching.status in (am.Status.FEASIBLE, am.Status.OPTIMAL)


def test_a_time_limit_is_kept_inside_the_solver() -> None:
    rng = np.random.default_rng(1)
    needs = [need(f"n{i}", int(rng.integers(2, 9)), whole=True) for i in range(400)]
    lots = [lot(f"d{j}", int(rng.integers(2, 9)), min_lot=2) for j in range(300)]
    began = time.monotonic()
    problem = am.GivingProblem(needs, lots, as_of=DAY)
    matching = am.solve(problem, time_limit=2, policy=am.Policy.giving(max_km=5))
    assert time.monotonic() - began < 30
    am.verify(problem, matching)


# --- solvers that lie


class Liar:
    """Passes on what HiGHS says, changed."""

    name, version = "liar", "0"

    def __init__(self, how: str) -> None:
        self.highs, self.how = Highs(), how

    def relaxation(self, linear: Any, seconds: Any, low: Any, high: Any) -> Relaxation | None:
        answer = self.highs.relaxation(linear, seconds, low, high)
        if answer is None or answer.infeasible or not self.how.startswith("dual"):
            return answer if self.how != "mute" else None
        bad = {"dual": answer.row_dual * 3 + 1, "dual nan": np.full(len(answer.row_dual), np.nan)}
        return replace(answer, row_dual=bad[self.how], values=answer.values * 0 + 0.5)

    def search(self, linear: Any, seconds: Any, low: Any, high: Any, start: Any) -> MipAnswer:
        if self.how == "mute":
            return MipAnswer(None, None, 0.0)
        if self.how == "too much":
            return MipAnswer(linear.upper[: linear.columns] + 0.0, -(10**6), 0.0)
        return self.highs.search(linear, seconds, low, high, start)


@pytest.mark.parametrize("how", ["dual", "dual nan", "mute", "too much"])
@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_solver_says_the_answer_holds_and_the_bounds_are_true(
    how: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidmatch.engine.cases.LEAVES", 20)
    case = (giving_case if seed % 2 else care_case)(seed)
    made = program_of(case)
    matching = made.matching(solve_integer(made.program, Liar(how)), ("liar", "0"), "0")
    am.verify(case.problem, matching)
    truth = best(case)
    assert truth is not None
    first = matching.levels[0]
    assert first.value <= truth[0] <= first.bound


def arrays(program: IntegerProgram) -> Iterator[Any]:
    for name in IntegerProgram.__dataclass_fields__:
        yield getattr(program, name)


def test_the_program_is_made_of_numbers_only() -> None:
    for thing in arrays(program_of(giving_case(3)).program):
        assert isinstance(thing, int | tuple) or thing.dtype == np.int64


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    giving([need("n1", 5, whole=True), need("n2", 3)], [lot("d1", 4)])
    assert capfd.readouterr() == ("", "")


def test_explanations_of_integers_claim_no_prices() -> None:
    problem = am.GivingProblem([need("n1", 5, whole=True), need("n2", 3)], [lot("d1", 4), lot("d2", 9)], as_of=DAY)
    matching = am.solve(problem)
    for demand in ("n1", "n2"):
        facts = am.explain(problem, matching, demand=demand).facts
        assert facts["price"] is None
        assert facts["alternative"] is None or facts["alternative"]["level"] is None
    short = am.GivingProblem([need("n1", 5, whole=True)], [lot("d1", 4)], as_of=DAY)
    told = am.explain(short, am.solve(short), demand="n1")
    assert told.code == "DOES_NOT_FIT"
    assert "did not let it be used" in told.text(audience="family")
    assert "无法安排" in told.text(language="zh")
    used = am.GivingProblem([need("n1", 4, whole=True), need("n2", 4, "B", whole=True)], [lot("d1", 4)], as_of=DAY)
    told = am.explain(used, am.solve(used), demand="n2")
    assert told.code == "USED_UP"
    assert "would cost at least" not in told.text()


def test_donors_come_as_records_and_say_who_they_are() -> None:
    donors = am.read([{"id": "P1", "max_shipments": 1}], Donor)
    problem = am.GivingProblem([need("n1")], [lot("d1", donor_id="P1")], as_of=DAY, donors=donors)
    assert repr(problem.donors[0]) == "<Donor 'P1'>"
    assert donors.report in problem.reports
    matching = am.solve(problem)
    assert [level.certified_bound for level in matching.levels] == [level.bound for level in matching.levels]
    am.verify(problem, matching)


def test_without_highspy_integers_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highspy", None)
    with pytest.raises(am.PluginError, match=r"aidmatch\[integer\]") as caught:
        am.solve(am.GivingProblem([need("n1", 2, whole=True)], [lot("d1")], as_of=DAY))
    assert caught.value.code == "MISSING_EXTRA"
