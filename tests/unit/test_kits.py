"""Kits that are put together from lots of their components: solved by hand, bad rows, lies."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need, pin, place
from tests.unit.test_goods import giving, sent, value
from tests.unit.test_money import bought, fund, price

import aidmatch as am
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers
from aidmatch.integer_check import check_rows
from aidmatch.integer_program import Tree
from aidmatch.records.giving import Component, Kit, Substitute


def kit(item: str = "set", **components: int) -> Kit:
    parts = tuple(Component(item=name, unit="piece", quantity=quantity) for name, quantity in components.items())
    return Kit(item=item, unit="piece", components=parts)


SET = kit(cup=1, bowl=2)


def test_a_kit_is_put_together_from_any_lots_and_nothing_is_sent_that_makes_none() -> None:
    lots = [lot("c", 5, item="cup"), lot("b1", 3, item="bowl"), lot("b2", 2, item="bowl", place=place(lat=36.9))]
    problem = am.GivingProblem([need("n1", 3, item="set")], lots, as_of=DAY, kits=[SET])
    matching = am.solve(problem)
    am.verify(problem, matching)
    # five bowls are two sets, and one bowl stays where it is
    assert sent(matching) == {("n1", "b1"): 3, ("n1", "b2"): 1, ("n1", "c"): 2}
    assert value(matching, "coverage A") == 2
    assert dict(matching.unmet) == {"n1": 1}
    assert dict(matching.reasons) == {"n1": "DOES_NOT_FIT"}
    assert [a.item for a in matching.assignments] == ["bowl", "bowl", "cup"]
    assert matching.solving.why == ("1 needs of kits",)
    told = am.explain(problem, matching, demand="n1")
    assert (told.code, told.facts["served"]) == ("PARTLY_SERVED", 2)
    assert "c serves 2 of cup, for a kit" in told.text(language="en", audience="caseworker")
    assert "（套件中的 cup）" in told.text(language="zh", audience="caseworker")


def test_lots_of_the_kit_itself_and_put_together_ones_add_up() -> None:
    lots = [lot("s", 1, item="set"), lot("c", 1, item="cup"), lot("b", 9, item="bowl")]
    matching = giving([need("n1", 3, item="set")], lots, kits=[SET])
    assert sent(matching) == {("n1", "s"): 1, ("n1", "c"): 1, ("n1", "b"): 2}
    assert value(matching, "coverage A") == 2


def test_money_buys_what_cannot_be_put_together_and_it_is_counted_once() -> None:
    lots = [lot("c", 1, item="cup"), lot("b", 2, item="bowl")]
    needs = [need("n1", 3, item="set", accepts=("goods", "money"))]
    matching = giving(needs, lots, kits=[SET], funds=[fund("f1", 100)], prices=[price("set", 90)])
    assert value(matching, "coverage A") == 2
    assert bought(matching) == {"n1": (1, {"f1": 90})}
    assert dict(matching.unmet) == {"n1": 1}


def test_components_are_shared_with_those_who_need_them_alone() -> None:
    lots = [lot("c", 2, item="cup"), lot("b", 4, item="bowl")]
    needs = [need("n1", 2, item="set"), need("n2", 3, "B", item="bowl")]
    matching = giving(needs, lots, kits=[SET])
    assert (value(matching, "coverage A"), value(matching, "coverage B")) == (2, 0)
    first = giving(needs, lots, kits=[SET], policy=am.Policy.giving(categories=("B", "A", "C", "D")))
    assert (value(first, "coverage B"), value(first, "coverage A")) == (3, 0)
    assert matching.solving.markets == 1


def test_a_kit_with_a_component_that_nobody_gives_is_not_begun() -> None:
    matching = giving([need("n1", 1, item="set")], [lot("c", 1, item="cup")], kits=[SET])
    assert matching.assignments == ()
    (fault,) = [f for report in matching.reports for f in report.flagged]
    assert (fault.source, fault.column, fault.code) == ("kits", "components", "UNKNOWN_ITEM")


COMPONENT = {"item": "cup", "unit": "piece"}


@pytest.mark.parametrize(
    ("components", "column", "code"),
    [
        ([], None, "OUT_OF_RANGE"),
        ([COMPONENT, COMPONENT], None, "OUT_OF_RANGE"),
        ([{"item": "set", "unit": "piece"}], None, "OUT_OF_RANGE"),
        ([{**COMPONENT, "quantity": 0}], "components", "OUT_OF_RANGE"),
        ([{"unit": "piece"}], "components", "MISSING"),
    ],
)
def test_a_bad_kit_is_refused_where_it_stands(components: Any, column: str | None, code: str) -> None:
    rows = [{"item": "set", "unit": "piece", "components": components}]
    (flaw,) = am.read(rows, Kit, errors="keep").report.refused
    assert (flaw.line, flaw.column, flaw.code) == (1, column, code)
    (good,) = am.read([{**rows[0], "components": [{**COMPONENT, "quantity": 3}]}], Kit)
    assert good.components == (Component(item="cup", unit="piece", quantity=3),)


@pytest.mark.parametrize(
    ("kits", "substitutes", "code"),
    [
        ([SET, kit(cup=1)], [], "DUPLICATE_ID"),
        ([SET, kit("chest", set=1)], [], "KIT_IN_KIT"),
        ([SET], [Substitute(item="set", unit="piece", substitute="bowl")], "KIT_IN_KIT"),
    ],
)
def test_kits_that_make_no_sense_together_are_refused(kits: Any, substitutes: Any, code: str) -> None:
    with pytest.raises(am.ProblemError) as caught:
        am.GivingProblem([need("n1")], [], as_of=DAY, kits=kits, substitutes=substitutes)
    assert caught.value.code == code


def test_parts_of_kits_are_not_pinned() -> None:
    with pytest.raises(am.ProblemError, match="part of a kit") as caught:
        am.GivingProblem(
            [need("n1", item="set")], [lot("c", item="cup")], as_of=DAY, kits=[SET], decisions=[pin("p", "n1", "c")]
        )
    assert caught.value.code == "PIN_CONFLICT"


def test_parts_that_make_no_whole_kit_are_a_lie() -> None:
    n, c, b = need("n1", 3, item="set"), lot("c", 5, item="cup"), lot("b", 9, item="bowl")
    problem = am.GivingProblem([n], [c, b], as_of=DAY, kits=[SET])
    policy = am.Policy.giving()
    check_rows(problem, policy, [(n, c, 2, 0, 0), (n, b, 4, 0, 0)])
    for cups, bowls in ((2, 3), (1, 4), (2, 5), (1, 3)):
        with pytest.raises(am.VerificationError) as caught:
            check_rows(problem, policy, [(n, c, cups, 0, 0), (n, b, bowls, 0, 0)])
        assert caught.value.code == "KIT"
    two_bowls = am.GivingProblem([n], [b], as_of=DAY, kits=[kit(bowl=2)])
    with pytest.raises(am.VerificationError) as odd:
        check_rows(two_bowls, policy, [(n, b, 3, 0, 0)])
    assert odd.value.code == "KIT"


def test_a_lie_about_kits_is_found(tmp_path: Any) -> None:
    lots = [lot("c", 5, item="cup"), lot("b", 9, item="bowl")]
    problem = am.GivingProblem([need("n1", 3, item="set")], lots, as_of=DAY, kits=[SET])
    matching = am.Matching.load(am.solve(problem).save(tmp_path / "m.json"))
    am.verify(problem, matching)
    one, *others = matching.assignments
    for lie, code in (
        (replace(matching, assignments=(replace(one, quantity=one.quantity - 1), *others)), "UNMET"),
        (replace(matching, assignments=(replace(one, item="set"), *others)), "ASSIGNMENT"),
        (replace(matching, assignments=tuple(others)), "UNMET"),
        (replace(matching, unmet={"n1": 1}, reasons={"n1": "USED_UP"}), "UNMET"),
        (replace(matching, integer=None), "CERTIFICATE"),
    ):
        with pytest.raises(am.VerificationError) as caught:
            am.verify(problem, lie)
        assert caught.value.code == code


def test_a_proof_may_split_cases_by_how_many_kits_are_made() -> None:
    # four bowls: a set of three and a half of a set of two are worth 22, two sets of two are worth 20
    needs = [need("n1", 2, item="pair"), need("n2", 1, item="trio")]
    kits = [kit("pair", bowl=2), kit("trio", bowl=3)]
    prices = [price("pair", 10), price("trio", 17)]
    problem = am.GivingProblem(needs, [lot("b", 4, item="bowl")], as_of=DAY, kits=kits, prices=prices)
    policy = am.Policy.giving(coverage_in="value")
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching)
    assert (value(matching, "coverage A"), matching.status) == (20, "OPTIMAL")
    flow = formulate(problem, policy, am.GreatCircle())
    whole = formulate_integers(flow, ("kits",))
    first = len(whole.program.most) - whole.program.bought
    one, none = np.ones(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    tree = Tree(
        none,
        none,
        none,
        np.zeros((2, 0), np.int64),
        np.zeros((2, 0), np.int64),
        one * (first + 1),
        one,
        -one,
        -2 * one,
        none,
        1,
    )
    assert whole._proof(0, tree).splits.tolist() == [[1, -3, 1, -1, -2]]
    # cases by kits instead of by what is served are cases, too, but the multipliers were made for others
    proof = matching.integer
    assert proof is not None
    levels = tuple(tuple(replace(one, splits=by_kits(one.splits)) for one in level) for level in proof.levels)
    with pytest.raises(am.VerificationError, match="the proof leaves"):
        am.verify(problem, replace(matching, integer=replace(proof, levels=levels)))


def by_kits(splits: Any) -> Any:
    changed = splits.copy()
    changed[changed[:, 1] == -1, 1] = -3
    return changed
