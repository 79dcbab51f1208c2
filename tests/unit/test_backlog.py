"""Runs on a part of what is known, and a second run that keeps what is committed."""

from dataclasses import replace
from typing import Any

import pytest
from tests.instances import DAY, client, lot, need
from tests.unit.test_goods import giving, sent
from tests.unit.test_kits import SET
from tests.unit.test_money import bought, fund, price

import aidmatch as am
from aidmatch.backlog import Commitments, commitments


def test_a_run_says_what_share_of_the_known_needs_it_has_seen() -> None:
    needs = [need("n1"), need("n2", gate=am.Gate(approval="published"))]
    problem = am.GivingProblem(needs, [lot("d1")], as_of=DAY, known_total=8)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert "seen             2 of 8 needs that are known of (25.0%)" in matching.summary()
    assert "seen" not in giving(needs, [lot("d1")]).summary()
    with pytest.raises(am.VerificationError) as caught:
        am.verify(problem, replace(matching, known_total=2))
    assert caught.value.code == "TOTALS"
    with pytest.raises(am.VerificationError) as other:
        am.verify(problem.replace(known_total=9), matching)
    assert other.value.code == "OTHER_INPUT"
    care = am.solve(am.CareProblem([client("c1")], [], as_of=DAY, known_total=4))
    assert "1 of 4 clients that are known of (25.0%)" in care.summary()


@pytest.mark.parametrize("total", [1, 2.5, True])
def test_a_total_that_is_none_is_refused(total: Any) -> None:
    with pytest.raises(am.ProblemError) as caught:
        am.GivingProblem([need("n1"), need("n2")], [], as_of=DAY, known_total=total)
    assert caught.value.code == "OUT_OF_RANGE"


def state_of(matching: am.Matching, **states: str) -> dict[str, str]:
    """States by assignment id, from states by supply id."""
    return {row["assignment_id"]: states[row["supply_id"]] for row in matching.to_rows() if row["supply_id"] in states}


def again(problem: am.GivingProblem, kept: Commitments, *needs: am.Need) -> am.GivingProblem:
    return problem.replace(
        needs=[*kept.needs, *needs], donations=kept.donations, funds=kept.funds, decisions=kept.decisions
    )


def test_what_is_dispatched_stays_and_the_rest_is_decided_again() -> None:
    problem = am.GivingProblem([need("n1", 2, "B"), need("n2", 1, "B")], [lot("d1", 2), lot("d2", 1)], as_of=DAY)
    before = am.solve(problem)
    assert sum(sent(before).values()) == 3
    kept = commitments(problem, before, state_of(before, d1="dispatched", d2="offered"), on=DAY, by="desk")
    assert all(d.reason == "dispatched" and d.by == "desk" for d in kept.decisions)
    second = again(problem, kept, need("n3", 3, "A"))
    now = am.solve(second)
    am.verify(second, now)
    held = {pair for pair in sent(before) if pair[1] == "d1"}
    assert {pair for pair in sent(now) if pair[1] == "d1"} == held
    assert ("n3", "d2") in sent(now)
    changes = now.changes(before)
    assert changes.added == (("n3", "d2", 1),)
    assert [pair[1] for pair in changes.removed] == ["d2"]
    assert changes.levels["coverage A"] == 1


def test_what_is_paid_is_off_the_fund_and_off_the_need() -> None:
    needs = [need("n1", 3, accepts=("money",), whole=False, min_quantity=2), need("n2", 1, accepts=("money",))]
    problem = am.GivingProblem(
        needs,
        [],
        as_of=DAY,
        funds=[fund("f1", 250), fund("f2", 150, only_categories=("A",))],
        prices=[price("quilt", 100)],
    )
    before = am.solve(problem)
    am.verify(problem, before)
    total = sum(p.quantity for p in before.purchases)
    assert total == 4
    one = {row["assignment_id"]: "signed" for row in before.to_rows() if row["demand_id"] == "n1"}
    kept = commitments(problem, before, dict(list(one.items())[:1]), on=DAY)
    left = {need.id: (need.gate.status, need.quantity) for need in kept.needs}
    assert left == {"n1": ("fulfilled", 3), "n2": ("open", 1)}
    assert sum(f.balance_fen for f in kept.funds) == 400 - 300
    second = again(problem, kept)
    now = am.solve(second)
    am.verify(second, now)
    assert bought(now).keys() == {"n2"}
    # a part that is paid for leaves the rest, of which any number is of use
    poor = problem.replace(funds=[fund("f1", 200)], needs=needs[:1])
    half = am.solve(poor)
    kept = commitments(poor, half, state_of(half, f1="signed"), on=DAY)
    assert [(n.quantity, n.min_quantity) for n in kept.needs] == [(1, 1)]


def test_kits_that_are_on_their_way_are_off_the_lots_and_the_need() -> None:
    lots = [lot("c", 5, item="cup"), lot("b", 4, item="bowl"), lot("s", 1, item="set")]
    problem = am.GivingProblem([need("n1", 4, item="set")], lots, as_of=DAY, kits=[SET])
    before = am.solve(problem)
    kept = commitments(problem, before, state_of(before, c="delivered", s="signed"), on=DAY)
    assert [(n.quantity, n.gate.status) for n in kept.needs] == [(2, "open")]
    assert {d.id: (d.quantity, d.status) for d in kept.donations} == {
        "c": (3, "in_stock"),
        "b": (4, "dispatched"),
        "s": (1, "in_stock"),
    }
    assert [(d.demand_id, d.supply_id, d.quantity) for d in kept.decisions] == [("n1", "s", 1)]
    second = again(problem, kept)
    now = am.solve(second)
    am.verify(second, now)
    assert sent(now) == {("n1", "s"): 1}
    # the same without anything committed
    assert commitments(problem, before, {}, on=DAY) == Commitments((), problem.needs, problem.donations, ())


@pytest.mark.parametrize(("states", "code"), [({"0" * 16: "signed"}, "UNKNOWN_ID"), (None, "UNKNOWN_STATE")])
def test_states_that_fit_no_row_are_refused(states: dict[str, str] | None, code: str) -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY)
    matching = am.solve(problem)
    with pytest.raises(am.ProblemError) as caught:
        commitments(problem, matching, states or state_of(matching, d1="lost"), on=DAY)
    assert caught.value.code == code
    with pytest.raises(am.ProblemError) as other:
        commitments(problem.replace(known_total=3), matching, {}, on=DAY)
    assert other.value.code == "OTHER_INPUT"
