"""What levels and restrictions cost, solved by hand, and reports to sponsors that name nobody."""

from datetime import timedelta

import pytest
from tests.instances import DAY, lot, need, place
from tests.unit.test_money import fund, price

import aidmatch as am
from aidmatch.tradeoffs import fund_reports, level_prices, restriction_costs


def test_the_price_of_expiry_is_the_way_that_things_travel_farther() -> None:
    far = place(lat=36.6)
    lots = [lot("near", 1), lot("far", 1, place=far, expires_on=DAY + timedelta(days=3))]
    problem = am.GivingProblem([need("n1")], lots, as_of=DAY)
    policy = am.Policy.giving(categories=("A",), levels=("coverage", "expiry", "distance"))
    assert level_prices(problem, policy, levels=["expiry"]) == {"expiry": {"distance": -11_120}}
    # without coverage nothing would travel at all
    prices = level_prices(problem, policy)
    assert prices["coverage"] == {"expiry": -3, "distance": -11_120}
    with pytest.raises(am.ProblemError) as caught:
        level_prices(problem, policy, levels=["waiting"])
    assert caught.value.code == "UNKNOWN_LEVEL"


def money_problem() -> am.GivingProblem:
    needs = [need(f"n{i}", 1, category, accepts=("money",)) for i, category in enumerate("AABB")]
    funds = [fund("f1", 250, only_categories=("B",)), fund("f2", 100), fund("f3", 0)]
    return am.GivingProblem(needs, [], as_of=DAY, funds=funds, prices=[price("quilt", 100)])


def test_the_restriction_of_a_fund_costs_those_it_is_not_for() -> None:
    problem = money_problem()
    matching = am.solve(problem, policy=am.Policy.giving(categories=("A", "B")))
    costs = restriction_costs(problem, matching)
    assert costs == {"f1": {"coverage A": 1, "coverage B": -1}}
    assert restriction_costs(problem, matching, funds=["f2"]) == {"f2": {}}
    with pytest.raises(am.ProblemError) as caught:
        restriction_costs(problem, matching, funds=["f9"])
    assert caught.value.code == "UNKNOWN_ID"
    plain = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY)
    assert restriction_costs(plain, am.solve(plain)) == {}


def test_lifting_a_restriction_leaves_the_way_of_counting_as_it_was() -> None:
    needs = [need("n1", 5, accepts=("money",)), need("n2", 1, item="coat", accepts=("money",))]
    prices = [price("quilt", 10), price("coat", 100)]
    problem = am.GivingProblem(needs, [], as_of=DAY, funds=[fund("f1", 100, only_items=("quilt",))], prices=prices)
    matching = am.solve(problem, policy=am.Policy.giving(categories=("A",)))
    assert matching.levels[0].unit == "units"
    assert restriction_costs(problem, matching) == {"f1": {}}


def test_a_sponsor_is_told_what_became_of_the_money_and_of_nobody_who_it_was() -> None:
    problem = money_problem()
    matching = am.solve(problem, policy=am.Policy.giving(categories=("A", "B")))
    costs = restriction_costs(problem, matching)
    one, two, three = fund_reports(problem, matching, key="k", restrictions=costs)
    assert (one.fund_id, one.balance_fen, one.spent_fen, one.left_fen) == ("f1", 250, 200, 50)
    assert [(spent.item, spent.amount_fen) for spent in one.spent_on] == [("quilt", 100)] * 2
    assert len({spent.alias for spent in one.spent_on}) == 2
    assert (two.left_fen, three.closed) == (0, "NO_BALANCE")
    text = "\n".join(report.text() for report in (one, two, three))
    assert "fund f1: ¥2.50, spent ¥2.00, left ¥0.50" in text
    assert "free for all needs it would have changed: coverage A +1, coverage B -1" in text
    assert "left ¥0.00 (NO_BALANCE)" in text
    assert "H-n" not in text
    assert "n0" not in text
    again = fund_reports(problem, matching, key="k")
    assert again[0].spent_on == one.spent_on
    assert again[0].restriction_cost is None
    assert {s.alias for s in fund_reports(problem, matching, key="other")[0].spent_on} & {
        s.alias for s in one.spent_on
    } == set()


def test_a_report_needs_a_key_and_its_own_run() -> None:
    problem = money_problem()
    matching = am.solve(problem)
    for key, other, code in (("", problem, "NO_KEY"), ("k", problem.replace(known_total=9), "OTHER_INPUT")):
        with pytest.raises(am.ProblemError) as caught:
            fund_reports(other, matching, key=key)
        assert caught.value.code == code
