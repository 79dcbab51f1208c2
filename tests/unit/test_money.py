"""Prices, funds and purchases: each piece on an instance solved by hand; bad rows; lies about money."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.goods_cases import kit_case
from tests.instances import DAY, lot, need, place
from tests.unit.test_goods import giving, sent, value

import aidmatch as am
from aidmatch.accrual import accrue
from aidmatch.matching import Payment
from aidmatch.records.giving import Donor, PairCost
from aidmatch.records.money import Fund, Price, Sale

BOTH = ("goods", "money")


def fund(id_: str, balance_fen: int, **fields: Any) -> Fund:
    return Fund(id=id_, balance_fen=balance_fen, **{"sponsor_id": f"S-{id_}", "opens_on": DAY, **fields})


def price(item: str, price_fen: int, **fields: Any) -> Price:
    return Price(item=item, price_fen=price_fen, **{"unit": "piece", "valid_from": DAY, **fields})


QUILT = [price("quilt", 100)]


def bought(matching: am.Matching) -> dict[str, tuple[int, dict[str, int]]]:
    return {p.demand_id: (p.quantity, {x.fund_id: x.amount_fen for x in p.payments}) for p in matching.purchases}


def money(needs: Any, funds: Any, prices: Any = QUILT, lots: Any = (), **options: Any) -> am.Matching:
    return giving(needs, lots, funds=funds, prices=prices, **options)


def test_several_small_funds_buy_what_none_could_alone() -> None:
    matching = money([need("n1", 2, accepts=("money",))], [fund("f1", 90), fund("f2", 60), fund("f3", 55)])
    assert value(matching, "coverage A") == 2
    ((quantity, paid),) = bought(matching).values()
    assert quantity == 2
    assert sum(paid.values()) == 200
    assert matching.solving.why == ("3 funds that may pay",)


def test_one_need_is_met_by_goods_and_money_together_and_counted_once() -> None:
    matching = money([need("n1", 5, accepts=BOTH)], [fund("f1", 10_000)], lots=[lot("d1", 3)])
    assert sent(matching) == {("n1", "d1"): 3}
    assert bought(matching) == {"n1": (2, {"f1": 200})}
    assert [(c.asked, c.served, c.demands_met) for c in matching.coverage] == [(5, 5, 1)]
    assert matching.unmet == {}
    assert "bought           2 of them for 1 needs, ¥2.00 of 1 funds" in matching.summary()


def test_what_is_given_goes_before_what_is_bought_even_from_afar() -> None:
    matching = money([need("n1", 1, accepts=BOTH)], [fund("f1", 10_000)], lots=[lot("d1", 1, place=place(lat=37))])
    assert sent(matching) == {("n1", "d1"): 1}
    near = am.Policy.giving(levels=("coverage", "distance", "in-kind", "restricted-first", "spending"))
    lots = [lot("d1", 1, place=place(lat=37))]
    assert bought(money([need("n1", 1, accepts=BOTH)], [fund("f1", 10_000)], lots=lots, policy=near)).keys() == {"n1"}


def test_a_way_of_hundreds_of_kilometres_is_proven_beside_money() -> None:
    # a unit of coverage is worth 389 km there, on the fine scale of multipliers that money asks for
    needs = [need("n1", 1), need("n2", 1, accepts=("money",))]
    matching = money(needs, [fund("f1", 10_000)], lots=[lot("d1", 1, place=place(lat=40))])
    (distance,) = (level for level in matching.levels if level.name == "distance")
    assert distance.value == 389_183
    assert distance.bound == distance.value


@pytest.mark.parametrize("seed", [3, 22])
def test_dear_ways_beside_money_are_decided_and_proven(seed: int) -> None:
    # multipliers near what 64 bits hold, in cases that are split again and again
    rng = np.random.default_rng(seed)
    size = 10 ** int(rng.integers(5, 12))
    n, m = int(rng.integers(2, 6)), int(rng.integers(1, 5))
    accepts = [("goods",), BOTH, ("goods", "money")]
    needs = [
        need(
            f"n{i}",
            int(rng.integers(1, 5)),
            category="ABCD"[int(rng.integers(4))],
            accepts=accepts[int(rng.integers(3))],
            whole=bool(rng.random() < 0.4),
        )
        for i in range(n)
    ]
    lots = [lot(f"l{j}", int(rng.integers(1, 6)), donor_id=f"d{int(rng.integers(2))}") for j in range(m)]
    pairs = [
        PairCost(demand_id=f"n{i}", supply_id=f"l{j}", cost=int(rng.integers(0, size)))
        for i in range(n)
        for j in range(m)
        if rng.random() < 0.8
    ]
    funds = [fund("f1", int(rng.integers(1, 2000)))] if rng.random() < 0.8 else []
    donors = [Donor(id=f"d{k}", max_shipments=int(rng.integers(1, 4))) for k in range(2)]
    table = am.PairTable(pairs, unit="fen")
    problem = am.GivingProblem(needs, lots, pairs=table, funds=funds, prices=QUILT, donors=donors, as_of=DAY)
    found = am.solve(problem)
    am.verify(problem, found)
    assert found.status in ("OPTIMAL", "OPTIMAL_CLAIMED")


def test_the_most_restricted_money_goes_first_and_then_what_closes_first() -> None:
    needs = [need("n1", 1, accepts=("money",), project="well"), need("n2", 1, accepts=("money",), item="coat")]
    prices = [*QUILT, price("coat", 100)]
    funds = [fund("f1", 999), fund("f2", 70, only_project="well")]
    matching = money(needs, funds, prices)
    assert bought(matching) == {"n1": (1, {"f1": 30, "f2": 70}), "n2": (1, {"f1": 100})}
    assert value(matching, "restricted-first") == 130
    assert value(matching, "spending") == 200
    soon = [fund("f1", 999), fund("f2", 40, closes_on=DAY + timedelta(days=3)), fund("f3", 50, closes_on=DAY)]
    assert bought(money([need("n1", 1, accepts=("money",))], soon)) == {"n1": (1, {"f1": 10, "f2": 40, "f3": 50})}


@pytest.mark.parametrize(
    ("limits", "served"),
    [
        ({"only_categories": ("B",)}, 0),
        ({"only_categories": ("A",)}, 1),
        ({"only_areas": ("371502",)}, 0),
        ({"only_areas": ("371501",)}, 1),
        ({"only_items": ("coat",)}, 0),
        ({"only_items": ("quilt",)}, 1),
        ({"only_project": "well"}, 0),
        ({"opens_on": DAY + timedelta(days=1)}, 0),
        ({"opens_on": DAY - timedelta(days=5), "closes_on": DAY - timedelta(days=1)}, 0),
        ({"closes_on": DAY}, 1),
        ({"need_cap_fen": 99}, 0),
        ({"need_cap_fen": 100}, 1),
        ({"household_cap_fen": 99}, 0),
        ({"balance_fen": 99}, 0),
        ({"balance_fen": 0}, 0),
    ],
)
def test_a_fund_gives_to_what_it_is_for_and_no_more_than_it_says(limits: dict[str, Any], served: int) -> None:
    matching = money([need("n1", 1, accepts=("money",))], [fund("f1", **{"balance_fen": 10_000, **limits})])
    assert value(matching, "coverage A") == served
    assert bool(matching.closed_funds) == ("opens_on" in limits or limits.get("balance_fen") == 0)


def test_needs_of_one_household_share_its_cap() -> None:
    needs = [need(f"n{i}", 1, household_id="h", accepts=("money",)) for i in range(3)]
    needs.append(need("other", 1, accepts=("money",)))
    assert value(money(needs, [fund("f1", 10_000, household_cap_fen=250)]), "coverage A") == 3
    two = [fund("f1", 10_000, household_cap_fen=250), fund("f2", 50)]
    assert value(money(needs, two), "coverage A") == 4


def test_a_whole_need_is_bought_whole_or_not_at_all() -> None:
    whole = need("n1", 3, accepts=BOTH, whole=True)
    assert bought(money([whole], [fund("f1", 299)])) == {}
    assert bought(money([whole], [fund("f1", 299)], lots=[lot("d1", 1)])) == {"n1": (2, {"f1": 200})}


def test_only_the_price_of_the_day_counts() -> None:
    prices = [
        price("quilt", 70, valid_from=DAY - timedelta(days=9), valid_to=DAY - timedelta(days=1)),
        price("quilt", 100, valid_to=DAY),
        price("quilt", 130, valid_from=DAY + timedelta(days=1)),
    ]
    assert bought(money([need("n1", 2, accepts=("money",))], [fund("f1", 230)], prices)) == {"n1": (2, {"f1": 200})}
    nothing = money([need("n1", 2, accepts=("money",))], [fund("f1", 230)], prices[:1])
    assert dict(nothing.reasons) == {"n1": "NO_SUPPLY"}
    for rows in ([QUILT[0], QUILT[0]], [price("quilt", 1, valid_from=DAY - timedelta(days=3)), *QUILT]):
        with pytest.raises(am.ProblemError) as caught:
            am.GivingProblem([need("n1")], [], as_of=DAY, funds=[fund("f1", 1)], prices=rows)
        assert caught.value.code == "TWO_PRICES"


def test_money_is_no_way_round_for_needs_that_do_not_accept_it() -> None:
    matching = money([need("n1"), need("n2", accepts=("money",))], [fund("f1", 999)], lots=[lot("d1", 1)])
    assert sent(matching) == {("n1", "d1"): 1}
    assert bought(matching).keys() == {"n2"}
    # without funds, what accepts money alone does not take part
    closed = giving([need("n2", accepts=("money",))], [lot("d1")])
    assert dict(closed.closed_demands) == {"n2": "NOT_FOR_GOODS"}


def test_whoever_is_left_without_money_is_told_so() -> None:
    needs = [need("n1", 1, accepts=("money",)), need("n2", 1, "B", accepts=("money",))]
    funds = [fund("f1", 199), fund("f2", 1, only_items=("quilt",)), fund("f3", 50, only_categories=("C",))]
    problem = am.GivingProblem(needs, [], as_of=DAY, funds=[*funds[:1], funds[2]], prices=QUILT)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert dict(matching.reasons) == {"n2": "MONEY_USED_UP"}
    told = am.explain(problem, matching, demand="n2")
    assert told.facts["funds_removed"] == [{"reason": "CATEGORY_NOT_ALLOWED", "funds": 1}]
    assert told.facts["fen_left"] == 99
    family = told.text(language="en", audience="family")
    assert "the money there was for it has been spent" in family
    assert "f1" not in family
    assert "1 fund(s) may not pay: given to other categories only" in told.text(language="en", audience="caseworker")
    assert "1 个基金不适用" in told.text(language="zh", audience="caseworker")
    served = am.explain(problem, matching, demand="n1")
    assert (served.code, served.facts["bought"]) == ("SERVED", 1)
    assert "fund f1 pays ¥1.00" in served.text(language="en", audience="caseworker")
    assert "基金 f1 支付 ¥1.00" in served.text(language="zh", audience="caseworker")


def test_only_kinds_that_money_couples_are_decided_together() -> None:
    needs = [
        need("n1", accepts=BOTH),
        need("n2", item="coat", accepts=BOTH),
        need("n3", item="rice", accepts=BOTH),
        need("n4", item="oil"),
    ]
    lots = [lot("d1"), lot("d2", item="coat"), lot("d3", item="rice"), lot("d4", item="oil")]
    prices = [price(item, 100) for item in ("quilt", "coat", "rice", "oil")]
    matching = money(needs, [fund("f1", 99, only_items=("quilt", "coat"))], prices, lots)
    assert matching.solving.components == 3


def test_an_export_has_a_row_for_every_payment(tmp_path: Path) -> None:
    matching = money([need("n1", 3, accepts=BOTH)], [fund("f1", 150), fund("f2", 50)], lots=[lot("d1", 1)])
    rows = list(matching.to_rows())
    assert [(r["kind"], r["supply_id"], r["quantity"], r["amount_fen"]) for r in rows] == [
        ("goods", "d1", 1, None),
        ("money", "f1", None, 150),
        ("money", "f2", None, 50),
    ]
    assert {r["giver_id"] for r in rows} == {"P-d1", "S-f1", "S-f2"}
    assert len({r["assignment_id"] for r in rows}) == 3
    assert matching.write(tmp_path / "out.csv").read_text("utf-8-sig").count("money") == 2


def test_changes_name_the_payments_that_are_different() -> None:
    needs = [need("n1", 2, accepts=("money",))]
    before, now = money(needs, [fund("f1", 100)]), money(needs, [fund("f1", 50), fund("f2", 50)])
    assert now.changes(before).paid == (("n1", "f1", 100, 50), ("n1", "f2", 0, 50))
    assert now.digest != before.digest


# --- bad rows

PRICE_ROW = {"item": "quilt", "unit": "piece", "price_fen": 100, "valid_from": "2017-06-01"}
FUND_ROW = {"id": "f1", "sponsor_id": "s", "balance_fen": 100, "opens_on": "2017-06-01"}


@pytest.mark.parametrize(
    ("record", "row", "column", "code"),
    [
        (Price, {**PRICE_ROW, "price_fen": 0}, "price_fen", "OUT_OF_RANGE"),
        (Price, {**PRICE_ROW, "price_fen": "1.5"}, "price_fen", "NOT_AN_INTEGER"),
        (Price, {**PRICE_ROW, "valid_to": "2017-05-31"}, None, "OUT_OF_RANGE"),
        (Price, {**PRICE_ROW, "item": ""}, "item", "MISSING"),
        (Fund, {**FUND_ROW, "balance_fen": -1}, "balance_fen", "OUT_OF_RANGE"),
        (Fund, {**FUND_ROW, "closes_on": "2017-05-31"}, None, "OUT_OF_RANGE"),
        (Fund, {**FUND_ROW, "accrual_ppm": 1_000_001}, "accrual_ppm", "OUT_OF_RANGE"),
        (Fund, {**FUND_ROW, "accrued_parts": 1_000_000}, "accrued_parts", "OUT_OF_RANGE"),
        (Fund, {**FUND_ROW, "balance_fen": 2**63}, "balance_fen", "OUT_OF_RANGE"),
        (Sale, {"fund_id": "f1", "month": "2017-06-01", "sales_fen": -5}, "sales_fen", "OUT_OF_RANGE"),
    ],
)
def test_a_bad_row_is_refused_where_it_stands(record: type, row: dict[str, Any], column: str | None, code: str) -> None:
    (flaw,) = am.read([row], record, errors="keep").report.refused
    assert (flaw.line, flaw.column, flaw.code) == (1, column, code)


def test_funds_of_unknown_categories_and_items() -> None:
    funds = [fund("f1", 5), fund("f2", 5, only_categories=("Z",)), fund("f3", 5, only_items=("quilt", "qilt"))]
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY, funds=funds, prices=QUILT)
    (flagged,) = [fault for report in problem.reports for fault in report.flagged]
    assert (flagged.source, flagged.line, flagged.column, flagged.code) == ("funds", 3, "only_items", "UNKNOWN_ITEM")
    with pytest.raises(am.RowsError) as caught:
        am.solve(problem)
    assert [(f.source, f.line, f.code) for f in caught.value.report.refused] == [("funds", 2, "UNKNOWN_CATEGORY")]
    with pytest.raises(am.ProblemError) as twice:
        am.GivingProblem([need("n1")], [], as_of=DAY, funds=[fund("f1", 5), fund("f1", 6)])
    assert twice.value.code == "DUPLICATE_ID"


def test_a_slip_of_the_finger_is_too_large_for_integers_and_says_so() -> None:
    needs = [need("n1", 10**14, accepts=("money",))]
    with pytest.raises(am.NumberRangeError, match="too large"):
        money(needs, [fund("f1", 10**17)])
    assert value(money(needs, [fund("f1", 10**6)]), "coverage A") == 10**4


def test_a_report_of_the_sources_of_money_stays_with_the_problem() -> None:
    funds = am.read([FUND_ROW, {**FUND_ROW, "id": "f2", "balance_fen": -1}], Fund, errors="keep")
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY, funds=funds, prices=am.read([PRICE_ROW], Price))
    assert [report.rows_kept for report in problem.reports] == [1, 1]


# --- lies


def lied(change: Callable[[am.Matching], am.Matching]) -> str:
    needs = [need("n1", 2, accepts=BOTH), need("n2", 1, "B", accepts=("money",), household_id="h2")]
    funds = [
        fund("f1", 150),
        fund("f2", 100, only_categories=("A",), need_cap_fen=80),
        fund("f3", 500, opens_on=DAY + timedelta(days=2)),
    ]
    problem = am.GivingProblem(needs, [lot("d1", 1)], as_of=DAY, funds=funds, prices=QUILT)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert bought(matching) == {"n1": (1, {"f1": 20, "f2": 80}), "n2": (1, {"f1": 100})}
    with pytest.raises(am.VerificationError) as caught:
        am.verify(problem, change(matching))
    return caught.value.code


def first(matching: am.Matching, **fields: Any) -> am.Matching:
    one, *others = matching.purchases
    return replace(matching, purchases=(replace(one, **fields), *others))


def paying(*payments: tuple[str, int]) -> dict[str, Any]:
    return {"payments": tuple(Payment(fund_id, f"S-{fund_id}", fen) for fund_id, fen in payments)}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: first(m, price_fen=99), "PRICE"),
        (lambda m: first(m, **paying(("f1", 20), ("f2", 79))), "PRICE"),
        (lambda m: first(m, **paying(("f1", 21), ("f2", 80))), "PRICE"),
        (lambda m: first(m, **paying(("f1", 19), ("f2", 81))), "CAP"),
        (lambda m: first(m, **paying(("f1", 51), ("f2", 49))), "BALANCE"),
        (lambda m: first(m, **paying(("f1", 20), ("f3", 80))), "SCOPE"),
        (lambda m: first(m, **paying(("f2", 80), ("f1", 20))), "PURCHASE"),
        (lambda m: first(m, **paying(("f1", 20), ("f9", 80))), "PURCHASE"),
        (lambda m: first(m, household_id="h2"), "PURCHASE"),
        (lambda m: first(m, item="coat"), "PURCHASE"),
        (lambda m: first(m, quantity=0, payments=()), "PURCHASE"),
        (lambda m: first(m, demand_id="n3"), "PURCHASE"),
        (lambda m: first(m, quantity=2, **paying(("f1", 120), ("f2", 80))), "BALANCE"),
        (lambda m: replace(m, purchases=m.purchases[::-1]), "PURCHASE"),
        (lambda m: replace(m, purchases=m.purchases[:1]), "UNMET"),
        (lambda m: replace(m, purchases=(m.purchases[0], m.purchases[0])), "PURCHASE"),
        (lambda m: replace(m, closed_funds={}), "ADMISSION"),
        (lambda m: replace(m, integer=None), "CERTIFICATE"),
    ],
)
def test_a_lie_about_money_is_found(change: Callable[[am.Matching], am.Matching], code: str) -> None:
    assert lied(change) == code


def test_a_need_is_never_paid_twice_nor_beyond_what_it_asks() -> None:
    needs = [need("n1", 1, accepts=BOTH)]
    problem = am.GivingProblem(needs, [lot("d1")], as_of=DAY, funds=[fund("f1", 900)], prices=QUILT)
    matching = am.solve(problem)
    assert matching.purchases == ()
    twice = am.matching.Purchase("n1", "H-n1", "quilt", 1, 100, (Payment("f1", "S-f1", 100),))
    with pytest.raises(am.VerificationError) as caught:
        am.verify(problem, replace(matching, purchases=(twice,)))
    assert caught.value.code == "CAPACITY"


def test_what_is_saved_is_read_again_and_holds(tmp_path: Path) -> None:
    needs = [need("n1", 2, accepts=BOTH), need("n2", 3, "B", accepts=BOTH)]
    problem = am.GivingProblem(needs, [lot("d1", 1)], as_of=DAY, funds=[fund("f1", 250)], prices=QUILT)
    matching = am.solve(problem)
    again = am.Matching.load(matching.save(tmp_path / "m.json"))
    am.verify(problem, again)
    assert again.purchases == matching.purchases
    assert again.digest == matching.digest


# --- accrual


def test_one_per_cent_of_sales_flows_into_a_fund_and_no_fen_is_lost() -> None:
    shop = fund("f1", 1_000, accrual_ppm=10_000)
    sales = [
        Sale(fund_id="f1", month=date(2017, 5, 9), sales_fen=12_345),
        Sale(fund_id="f1", month=date(2017, 5, 1), sales_fen=60),
        Sale(fund_id="f1", month=date(2017, 6, 1), sales_fen=95),
    ]
    may, other = accrue([shop, fund("f2", 7)], sales, date(2017, 5, 31))
    # 1 % of 12,405 fen are 124.05 fen
    assert (may.balance_fen, may.accrued_parts, may.accrued_to) == (1_124, 50_000, date(2017, 5, 1))
    assert other == fund("f2", 7)
    (june,) = accrue([may], sales, date(2017, 6, 1))
    assert (june.balance_fen, june.accrued_parts) == (1_125, 0)
    for month in (date(2017, 6, 30), date(2017, 4, 1)):
        with pytest.raises(am.ProblemError) as caught:
            accrue([june], [replace(sales[0], month=month)], month)
        assert caught.value.code == "ALREADY_ACCRUED"


@pytest.mark.parametrize(
    ("funds", "sold", "code"),
    [([fund("f2", 1)], 5, "UNKNOWN_ID"), ([fund("f1", 1)], 5, "UNKNOWN_ID")],
)
def test_sales_of_what_has_no_rate_are_refused(funds: list[Fund], sold: int, code: str) -> None:
    with pytest.raises(am.ProblemError) as caught:
        accrue(funds, [Sale(fund_id="f1", month=DAY, sales_fen=sold)], DAY)
    assert caught.value.code == code


def test_a_balance_that_cannot_be_counted_is_refused() -> None:
    full = fund("f1", 2**62, accrual_ppm=1_000_000)
    with pytest.raises(am.ProblemError) as caught:
        accrue([full], [Sale(fund_id="f1", month=DAY, sales_fen=1)], DAY)
    assert caught.value.code == "OUT_OF_RANGE"


def test_a_proof_may_split_cases_by_how_many_units_are_bought() -> None:
    # a case in which half a unit bought and half a unit given would be a whole one
    case = kit_case(3436)
    matching = am.solve(case.problem, policy=case.policy)
    am.verify(case.problem, matching)
    proof = matching.integer
    assert proof is not None
    assert -2 in {row[1] for level in proof.levels for tree in level for row in tree.splits.reshape(-1, 5).tolist()}


def test_money_for_a_need_that_takes_none_is_a_lie() -> None:
    problem = am.GivingProblem([need("n1", 2)], [lot("d1")], as_of=DAY, funds=[fund("f1", 200)], prices=QUILT)
    matching = am.solve(problem)
    lie = am.matching.Purchase("n1", "H-n1", "quilt", 1, 100, (Payment("f1", "S-f1", 100),))
    with pytest.raises(am.VerificationError) as caught:
        am.verify(problem, replace(matching, purchases=(lie,)))
    assert caught.value.code == "SCOPE"


def test_a_fund_says_nothing_but_its_id() -> None:
    assert repr(fund("f1", 5)) == "<Fund 'f1'>"
    matching = money([need("n1")], [fund("f1", 0)], lots=[lot("d1")])
    assert "not part of the decision: 1 funds NO_BALANCE" in matching.summary()
