"""What coverage counts, and fairness between households, each on an instance solved by hand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, client, lot, need, pin
from tests.unit.test_goods import giving, sent, value
from tests.unit.test_money import bought, fund, money, price

import aidmatch as am


def test_where_kinds_compete_for_one_fund_whole_needs_count() -> None:
    needs = [
        need("bags", 10, item="bag", accepts=("money",)),
        need("chair1", 1, item="chair", accepts=("money",)),
        need("chair2", 1, item="chair", accepts=("money",)),
    ]
    prices = [price("bag", 20), price("chair", 100)]
    matching = money(needs, [fund("f1", 219)], prices)
    # by units it would be ten bags; two chairs are two needs, and what is left is no bag
    assert bought(matching) == {"chair1": (1, {"f1": 100}), "chair2": (1, {"f1": 100})}
    assert [(level.name, level.unit, level.value) for level in matching.levels][:1] == [("coverage A", "needs", 2)]
    assert value(matching, "units A") == 2
    assert "1 levels that count needs or households" not in matching.solving.why
    assert matching.solving.why[0] == "4 levels that count needs or households"
    by_units = money(needs, [fund("f1", 219)], prices, policy=am.Policy.giving(coverage_in="units"))
    assert bought(by_units) == {"bags": (10, {"f1": 200})}
    # one kind alone competes with nothing
    alone = money(needs[:1], [fund("f1", 219)], prices)
    assert next((level.name, level.unit) for level in alone.levels) == ("coverage A", "units")


def test_what_is_left_after_whole_needs_serves_parts_of_others() -> None:
    policy = am.Policy.giving(coverage_in="needs")
    matching = giving([need("n1", 2), need("n2", 5)], [lot("d1", 4)], policy=policy)
    assert sent(matching) == {("n1", "d1"): 2, ("n2", "d1"): 2}
    assert (value(matching, "coverage A"), value(matching, "units A")) == (1, 4)
    assert matching.solving.method == "integer"


def test_households_count_once_however_many_needs_they_have() -> None:
    needs = [need("n1", 3, household_id="h1"), need("n2", 3, household_id="h1"), need("n3", 1, household_id="h2")]
    policy = am.Policy.giving(coverage_in="households", levels=("coverage", "units"))
    matching = giving(needs, [lot("d1", 2)], policy=policy)
    assert value(matching, "coverage A") == 2
    assert matching.levels[0].unit == "households"


def test_value_is_counted_in_fen_of_the_day() -> None:
    needs = [need("n1", 2), need("n2", 1, item="chair")]
    lots = [lot("d1", 2), lot("d2", 1, item="chair")]
    prices = [price("quilt", 30), price("chair", 500)]
    policy = am.Policy.giving(coverage_in="value")
    matching = giving(needs, lots, policy=policy, prices=prices)
    assert (matching.levels[0].unit, value(matching, "coverage A")) == ("fen", 560)
    assert matching.solving.method == "flow"
    problem = am.GivingProblem(needs, lots, as_of=DAY, prices=prices[:1])
    with pytest.raises(am.ProblemError, match="need 'n2' has no price") as caught:
        am.solve(problem, policy=policy)
    assert caught.value.code == "NO_PRICE"
    with pytest.raises(am.ProblemError, match="has no price"):
        am.solve(am.GivingProblem(needs, lots, as_of=DAY), policy=policy)


def test_nobody_has_a_second_of_a_kind_before_everybody_has_a_first() -> None:
    needs = [need("n1", 3), need("n2", 3), need("n3", 3, registered_on=DAY - timedelta(days=900))]
    policy = am.Policy.giving(levels=("coverage", "first-items", "waiting"))
    matching = giving(needs, [lot("d1", 4)], policy=policy)
    assert value(matching, "first-items A") == 3
    # what is over goes to the one who has waited longest
    assert sent(matching) == {("n1", "d1"): 1, ("n2", "d1"): 1, ("n3", "d1"): 2}
    # placed below waiting, it takes nothing from who has waited longest
    waits = giving(needs, [lot("d1", 4)], policy=am.Policy.giving(levels=("coverage", "waiting", "first-items")))
    assert sent(waits)["n3", "d1"] == 3


def test_two_needs_of_one_household_and_kind_are_one_first_item() -> None:
    needs = [need("n1", household_id="h1"), need("n2", household_id="h1"), need("n3", household_id="h2")]
    policy = am.Policy.giving(levels=("coverage", "first-items"))
    matching = giving(needs, [lot("d1", 2)], policy=policy)
    assert value(matching, "first-items A") == 2
    assert ("n3", "d1") in sent(matching)
    fixed = giving(needs, [lot("d1", 2)], policy=policy, decisions=[pin("p", "n1", "d1", 1)])
    assert sent(fixed) == {("n1", "d1"): 1, ("n3", "d1"): 1}


def test_a_pin_may_complete_a_need_by_itself() -> None:
    policy = am.Policy.giving(coverage_in="needs")
    matching = giving(
        [need("n1", 2), need("n2", 2)], [lot("d1", 3)], policy=policy, decisions=[pin("p", "n1", "d1", 2)]
    )
    assert (value(matching, "coverage A"), value(matching, "units A")) == (1, 3)


def test_care_is_counted_in_units() -> None:
    problem = am.CareProblem([client("c1")], [], as_of=DAY)
    with pytest.raises(am.PolicyError, match="counted in units"):
        am.solve(problem, policy=am.Policy.care(coverage_in="needs"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"value": 2}, "LEVEL"), ({"bound": 2, "gap": 1}, "LEVEL"), ({"unit": "units"}, "LEVEL")],
)
def test_a_count_that_is_another_is_found(fields: dict[str, Any], code: str) -> None:
    policy = am.Policy.giving(coverage_in="needs")
    problem = am.GivingProblem([need("n1", 2), need("n2", 5)], [lot("d1", 4)], as_of=DAY)
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching)
    first, *others = matching.levels
    with pytest.raises(am.VerificationError) as caught:
        am.verify(problem, replace(matching, levels=(replace(first, **fields), *others)))
    assert caught.value.code == code
    with pytest.raises(am.VerificationError) as without:
        am.verify(problem, replace(matching, integer=None))
    assert without.value.code == "CERTIFICATE"


def test_without_time_whole_needs_are_met_before_parts_of_others() -> None:
    problem = am.GivingProblem([need("n1", 5), need("n2", 2)], [lot("d1", 4)], as_of=DAY)
    matching = am.solve(problem, policy=am.Policy.giving(coverage_in="needs"), time_limit=0)
    am.verify(problem, matching)
    assert sent(matching) == {("n1", "d1"): 2, ("n2", "d1"): 2}
    assert (value(matching, "coverage A"), value(matching, "units A")) == (1, 4)


def test_a_proof_that_takes_a_household_apart_is_none() -> None:
    needs = [need("n1", household_id="h"), need("n2", household_id="h", item="coat")]
    problem = am.GivingProblem(needs, [lot("d1"), lot("d2", item="coat")], as_of=DAY)
    matching = am.solve(problem, policy=am.Policy.giving(coverage_in="households"))
    am.verify(problem, matching)
    proof = matching.integer
    assert proof is not None
    apart = np.array([[0], [1]], dtype=np.int64)
    lie = replace(proof, demand_component=apart, supply_component=apart)
    with pytest.raises(am.VerificationError, match="takes apart what is connected"):
        am.verify(problem, replace(matching, integer=lie))
