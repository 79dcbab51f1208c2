"""Projects, expiry and waiting, each on an instance solved by hand."""

from datetime import timedelta
from typing import Any

import pytest
from tests.instances import DAY, lot, need, place

import aidmatch as am


def giving(needs: Any, lots: Any, *, policy: am.Policy | None = None, **options: Any) -> am.Matching:
    problem = am.GivingProblem(needs, lots, as_of=DAY, **options)
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching)
    return matching


def sent(matching: am.Matching) -> dict[tuple[str, str], int]:
    return {(a.demand_id, a.supply_id): a.quantity for a in matching.assignments}


def value(matching: am.Matching, name: str) -> int:
    (found,) = [level.value for level in matching.levels if level.name == name]
    return found


def ends(days: int) -> dict[str, Any]:
    return {"expires_on": DAY + timedelta(days=days)}


def test_a_gift_to_a_project_goes_to_its_needs_only() -> None:
    needs = [need("n1", 2), need("n2", 2, project="well"), need("n3", 2, project="school")]
    matching = giving(needs, [lot("d1", 9, only_project="well"), lot("d2", 1)])
    assert sent(matching)["n2", "d1"] == 2
    assert matching.unmet.keys() == {"n1", "n3"}
    problem = am.GivingProblem(needs, [lot("d1", 9, only_project="well")], as_of=DAY)
    told = am.explain(problem, am.solve(problem), demand="n3")
    assert told.code == "NOT_ALLOWED"
    assert told.facts["removed"] == [{"rule": "only-project", "reason": "PROJECT_NOT_ALLOWED", "supplies": 1}]
    assert "given to another project only" in told.text(audience="caseworker", language="en")


@pytest.mark.parametrize(("delivery_days", "served"), [(0, 1), (2, 1), (3, 0)])
def test_nothing_arrives_after_its_last_day(delivery_days: int, served: int) -> None:
    matching = giving([need("n1")], [lot("d1", **ends(2))], policy=am.Policy.giving(delivery_days=delivery_days))
    assert value(matching, "coverage A") == served
    if not served:
        assert dict(matching.reasons) == {"n1": "NOT_ALLOWED"}


def test_what_expires_too_soon_is_explained() -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1", **ends(2))], as_of=DAY)
    told = am.explain(problem, am.solve(problem, policy=am.Policy.giving(delivery_days=3)), demand="n1")
    assert told.facts["removed"] == [{"rule": "expiry", "reason": "EXPIRES_BEFORE_DELIVERY", "supplies": 1}]


def test_what_expires_first_goes_first_even_from_afar() -> None:
    lots = [lot("near", 2), lot("far", 2, place=place(lat=36.6), **ends(5)), lot("later", 2, **ends(9))]
    policy = am.Policy.giving(levels=("coverage", "expiry", "distance"))
    matching = giving([need("n1", 3)], lots, policy=policy)
    assert sent(matching) == {("n1", "far"): 2, ("n1", "later"): 1}
    assert value(matching, "expiry") == 2 * 5 + 9
    # by distance alone the near ones go first
    assert ("n1", "far") not in sent(giving([need("n1", 3)], lots))


def test_what_does_not_expire_goes_last() -> None:
    policy = am.Policy.giving(levels=("coverage", "expiry", "distance"))
    matching = giving([need("n1", 3)], [lot("d1", 2), lot("d2", 2, **ends(400))], policy=policy)
    assert sent(matching) == {("n1", "d1"): 1, ("n1", "d2"): 2}
    assert value(matching, "expiry") == 2 * 400 + 401


def test_who_has_waited_longer_comes_first_within_a_category() -> None:
    needs = [
        need("n1", 2, "B", registered_on=DAY - timedelta(days=90)),
        need("n2", 2, "A", registered_on=DAY - timedelta(days=3)),
        need("n3", 2, "A", registered_on=DAY - timedelta(days=9)),
    ]
    policy = am.Policy.giving(levels=("coverage", "waiting"))
    matching = giving(needs, [lot("d1", 3)], policy=policy)
    assert sent(matching) == {("n2", "d1"): 1, ("n3", "d1"): 2}
    assert value(matching, "waiting") == 3 + 2 * 9
    # above coverage, waiting beats the category
    first = giving(needs, [lot("d1", 3)], policy=am.Policy.giving(levels=("waiting", "coverage")))
    assert sent(first) == {("n1", "d1"): 2, ("n3", "d1"): 1}


@pytest.mark.parametrize("level", ["expiry", "waiting"])
def test_levels_of_goods_are_none_of_care(level: str) -> None:
    problem = am.CareProblem([], [], as_of=DAY)
    with pytest.raises(am.PolicyError, match="is of giving") as caught:
        am.solve(problem, policy=am.Policy.care(levels=("coverage", level)))
    assert caught.value.code == "UNKNOWN_LEVEL"
