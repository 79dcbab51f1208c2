"""What may stand for what: each piece on an instance solved by hand, and tables that make no sense."""

from dataclasses import replace
from typing import Any

import pytest
from tests.instances import DAY, lot, need, pin, place
from tests.unit.test_goods import giving, sent, value

import aidmatch as am
from aidmatch.integer_check import check_rows
from aidmatch.records.giving import Substitute


def stands(item: str, substitute: str, **fields: Any) -> Substitute:
    return Substitute(item=item, substitute=substitute, **{"unit": "piece", **fields})


COAT = stands("quilt", "coat")


@pytest.mark.parametrize(
    ("takes", "kind", "served"),
    [
        ("none", "approved", 0),
        ("approved", "approved", 1),
        ("approved", "category", 0),
        ("category", "category", 1),
        ("category", "approved", 1),
    ],
)
def test_a_need_says_which_substitutes_it_takes(takes: str, kind: Any, served: int) -> None:
    rows = [replace(COAT, kind=kind)]
    matching = giving([need("n1", substitutes=takes)], [lot("d1", item="coat")], substitutes=rows)
    assert value(matching, "coverage A") == served
    assert [a.item for a in matching.assignments] == ["coat"] * served
    if not served:
        assert dict(matching.reasons) == {"n1": "NO_SUPPLY"}


def test_what_was_requested_goes_first_even_from_afar() -> None:
    lots = [lot("d1", 2, item="coat"), lot("d2", 1, place=place(lat=36.7))]
    matching = giving([need("n1", 2, substitutes="approved")], lots, substitutes=[COAT])
    assert sent(matching) == {("n1", "d1"): 1, ("n1", "d2"): 1}
    assert value(matching, "as-requested") == 1
    assert [level.name for level in matching.levels][-2:] == ["as-requested", "distance"]
    assert matching.solving.method == "flow"
    # placed below distance, nearness comes first
    policy = am.Policy.giving(levels=("coverage", "distance", "as-requested"))
    near = giving([need("n1", 2, substitutes="approved")], lots, substitutes=[COAT], policy=policy)
    assert sent(near) == {("n1", "d1"): 2}


def test_a_high_penalty_is_a_last_resort() -> None:
    rows = [replace(COAT, penalty=5), stands("quilt", "rug", penalty=2)]
    lots = [lot("d1", 1, item="coat"), lot("d2", 1, item="rug", place=place(lat=36.7))]
    matching = giving([need("n1", 1, substitutes="approved")], lots, substitutes=rows)
    assert sent(matching) == {("n1", "d2"): 1}


def test_only_kinds_that_a_substitute_couples_are_decided_together() -> None:
    needs = [need("n1", substitutes="approved"), need("n2", item="coat"), need("n3", item="rice")]
    lots = [lot("d1", item="coat"), lot("d2", item="rice"), lot("d3")]
    assert giving(needs, lots, substitutes=[COAT]).solving.markets == 2
    plain = [replace(one, substitutes="none") for one in needs]
    assert giving(plain, lots, substitutes=[COAT]).solving.markets == 3


def test_a_factor_is_what_the_lot_gives_in_whole_batches() -> None:
    # three small bags stand for two large ones
    rows = [stands("bag", "small bag", takes=3, stands_for=2)]
    needs = [need("n1", 5, item="bag", substitutes="approved")]
    matching = giving(needs, [lot("d1", 8, item="small bag")], substitutes=rows)
    assert sent(matching) == {("n1", "d1"): 4}
    assert [(a.quantity, a.taken, a.used) for a in matching.assignments] == [(4, 6, 6)]
    assert dict(matching.reasons) == {"n1": "DOES_NOT_FIT"}
    assert matching.solving.why == ("1 needs with substitutes that stand for more or fewer",)
    told = am.explain(
        am.GivingProblem(needs, [lot("d1", 8, item="small bag")], as_of=DAY, substitutes=rows), matching, demand="n1"
    )
    assert "serves 4 (with 6 of small bag instead)" in told.text(audience="caseworker", language="en")
    assert "以 6 单位 small bag 替代" in told.text(audience="caseworker", language="zh")


def test_a_lot_may_stand_for_more_than_it_has() -> None:
    rows = [stands("kg", "sack", takes=1, stands_for=25)]
    matching = giving(
        [need("n1", 60, item="kg", substitutes="approved")], [lot("d1", 3, item="sack")], substitutes=rows
    )
    assert [(a.quantity, a.taken) for a in matching.assignments] == [(50, 2)]


def test_packs_and_minimum_lots_count_what_leaves_the_lot() -> None:
    rows = [stands("bag", "small bag", takes=2)]
    need_of = [need("n1", 5, item="bag", substitutes="approved")]
    assert sent(giving(need_of, [lot("d1", 9, item="small bag", pack_size=4)], substitutes=rows)) == {("n1", "d1"): 4}
    assert sent(giving(need_of, [lot("d1", 9, item="small bag", min_lot=9)], substitutes=rows)) == {}


def test_units_may_differ() -> None:
    rows = [stands("rice", "rice", unit="kg", substitute_unit="sack", stands_for=10)]
    matching = giving(
        [need("n1", 20, item="rice", unit="kg", substitutes="approved")],
        [lot("d1", 3, item="rice", unit="sack")],
        substitutes=rows,
    )
    assert [(a.quantity, a.taken) for a in matching.assignments] == [(20, 2)]


def test_a_pin_of_a_substitute_takes_its_units_off_the_lot() -> None:
    rows = [stands("bag", "small bag", takes=3, stands_for=2)]
    needs = [need("n1", 4, item="bag", substitutes="approved"), need("n2", 4, item="small bag")]
    lots = [lot("d1", 7, item="small bag")]
    matching = giving(needs, lots, substitutes=rows, decisions=[pin("p", "n1", "d1", 2)])
    assert sent(matching) == {("n1", "d1"): 4, ("n2", "d1"): 1} or sent(matching)["n1", "d1"] == 2
    assert sum(a.used for a in matching.assignments) <= 7
    with pytest.raises(am.ProblemError, match="whole batches of 2") as caught:
        am.GivingProblem(needs, lots, as_of=DAY, substitutes=rows, decisions=[pin("p", "n1", "d1", 3)])
    assert caught.value.code == "PIN_CONFLICT"
    with pytest.raises(am.ProblemError, match="different items"):
        am.GivingProblem(needs, lots, as_of=DAY, decisions=[pin("p", "n1", "d1", 2)])


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([COAT, replace(COAT, takes=2)], "DUPLICATE_ID"),
        ([COAT, stands("coat", "quilt")], "SUBSTITUTE_CYCLE"),
        ([COAT, stands("coat", "rug"), stands("rug", "quilt")], "SUBSTITUTE_CYCLE"),
        (
            [replace(COAT, kind="category", takes=2), stands("coat", "quilt", kind="category", takes=2)],
            "SUBSTITUTE_CYCLE",
        ),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(rows: list[Substitute], code: str) -> None:
    with pytest.raises(am.ProblemError) as caught:
        am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY, substitutes=rows)
    assert caught.value.code == code


def test_equivalents_may_stand_for_each_other_where_factors_agree() -> None:
    there = replace(COAT, kind="category", takes=2)
    rows = [there, stands("coat", "quilt", kind="category", stands_for=2)]
    assert giving([need("n1", substitutes="category")], [lot("d1", 2, item="coat")], substitutes=rows).unmet == {}


def test_nothing_stands_for_itself() -> None:
    (flaw,) = am.read(
        [{"item": "quilt", "unit": "piece", "substitute": "quilt"}], Substitute, errors="keep"
    ).report.refused
    assert flaw.code == "OUT_OF_RANGE"


def test_an_item_that_nobody_knows_is_flagged() -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY, substitutes=[COAT])
    (fault,) = [fault for report in problem.reports for fault in report.flagged]
    assert (fault.source, fault.line, fault.column, fault.code) == ("substitutes", 1, "substitute", "UNKNOWN_ITEM")
    assert "1 UNKNOWN_ITEM" in am.solve(problem).summary()


def test_a_substitute_is_part_of_the_inputs() -> None:
    needs, lots = [need("n1", substitutes="approved")], [lot("d1", item="coat")]
    problem = am.GivingProblem(needs, lots, as_of=DAY, substitutes=[COAT])
    other = am.GivingProblem(needs, lots, as_of=DAY, substitutes=[replace(COAT, penalty=2)])
    matching = am.solve(problem)
    with pytest.raises(am.VerificationError) as caught:
        am.verify(other, matching)
    assert caught.value.code == "OTHER_INPUT"


def test_what_a_lot_gave_is_checked(tmp_path: Any) -> None:
    rows = [stands("bag", "small bag", takes=3, stands_for=2)]
    problem = am.GivingProblem(
        [need("n1", 4, item="bag", substitutes="approved")],
        [lot("d1", 8, item="small bag")],
        as_of=DAY,
        substitutes=rows,
    )
    matching = am.Matching.load(am.solve(problem).save(tmp_path / "m.json"))
    am.verify(problem, matching)
    (one,) = matching.assignments
    for change, code in (({"taken": 4}, "QUANTITY"), ({"taken": None}, "QUANTITY"), ({"item": "bag"}, "ASSIGNMENT")):
        with pytest.raises(am.VerificationError) as caught:
            am.verify(problem, replace(matching, assignments=(replace(one, **change),)))
        assert caught.value.code == code
    n, d = problem.needs[0], problem.donations[0]
    with pytest.raises(am.VerificationError) as caught:
        check_rows(problem, am.Policy.giving(), [(n, d, 3, 0, 0)])
    assert caught.value.code == "BATCH"
