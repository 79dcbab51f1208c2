"""Random sets of funds: no fen is created or lost, no scope broken, no need paid twice. Counted here by hand."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.goods_cases import fund_set
from tests.profiles import examples, sweep

import aidmatch as am
from aidmatch.accrual import accrue
from aidmatch.records.money import Fund, Sale


@sweep
@settings(max_examples=examples(500, 10_000))
@given(st.integers(0, 2**32))
def test_every_fen_is_accounted_for(seed: int) -> None:
    problem = fund_set(seed)
    policy = am.Policy.giving(categories=("A", "B"), levels=("coverage",), coverage_in="units" if seed % 4 else "needs")
    # proofs of knapsacks may take long; what is asked here holds for any answer
    matching = am.solve(problem, policy=policy, time_limit=0.2)
    am.verify(problem, matching)
    needs = {need.id: need for need in problem.needs}
    funds = {fund.id: fund for fund in problem.funds}
    spent = dict.fromkeys(funds, 0)
    for purchase in matching.purchases:
        need = needs[purchase.demand_id]
        assert "money" in need.accepts
        assert sum(x.amount_fen for x in purchase.payments) == purchase.quantity * purchase.price_fen
        for x in purchase.payments:
            fund = funds[x.fund_id]
            assert not fund.only_categories or need.category in fund.only_categories
            assert not fund.only_items or need.item in fund.only_items
            assert fund.only_project in (None, need.project)
            assert x.amount_fen <= (fund.need_cap_fen or x.amount_fen)
            spent[fund.id] += x.amount_fen
    assert all(0 <= fen <= funds[id_].balance_fen for id_, fen in spent.items())
    assert len({p.demand_id for p in matching.purchases}) == len(matching.purchases)
    for id_, need in needs.items():
        given_ = sum(a.quantity for a in matching.assignments if a.demand_id == id_)
        paid = sum(p.quantity for p in matching.purchases if p.demand_id == id_)
        assert given_ + paid + matching.unmet.get(id_, 0) == need.quantity


@settings(max_examples=examples(300, 10_000))
@given(st.integers(0, 2**32))
def test_accruals_add_up_to_a_millionth_of_a_fen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    funds = tuple(
        Fund(
            id=f"f{k}",
            sponsor_id="s",
            balance_fen=int(rng.integers(0, 10**6)),
            opens_on=date(2017, 1, 1),
            accrual_ppm=int(rng.integers(0, 10**6 + 1)),
            accrued_parts=int(rng.integers(0, 10**6)),
        )
        for k in range(int(rng.integers(1, 6)))
    )
    start = {fund.id: fund.balance_fen * 10**6 + fund.accrued_parts for fund in funds}
    due = dict.fromkeys(start, 0)
    for month in range(1, 13):
        sales = [
            Sale(fund_id=fund.id, month=date(2017, month, 3), sales_fen=int(rng.integers(0, 10**9)))
            for fund in funds
            for _ in range(int(rng.integers(0, 3)))
        ]
        for sale in sales:
            due[sale.fund_id] += sale.sales_fen * (next(f.accrual_ppm for f in funds if f.id == sale.fund_id) or 0)
        funds = accrue(funds, sales, date(2017, month, 28))
    assert {fund.id: fund.balance_fen * 10**6 + fund.accrued_parts for fund in funds} == {
        id_: start[id_] + due[id_] for id_ in start
    }
