"""Goods from CSV files, funds from a database, a month's sales into the funds, the run, and a report to every sponsor.

Shops give 1 % of their sales to funds that bear their names; small purses are combined. What is given goes before what
is bought, and the most restricted money first. Households stay unnamed in the reports: aliases are keyed hashes.
"""

import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import aidmatch as am
from aidmatch.accrual import accrue
from aidmatch.records.money import Fund, Price, Sale
from aidmatch.tradeoffs import fund_reports, restriction_costs

data = Path(__file__).parent / "data"
needs = am.read(data / "relief_needs.csv", am.Need)
goods = am.read(data / "relief_goods.csv", am.Donation)

platform = sqlite3.connect(
    ":memory:"
)  # the platform's own database; in SQLite here, with the same statements elsewhere
platform.row_factory = sqlite3.Row
platform.executescript("""
create table funds (id, sponsor_id, balance_fen, opens_on, closes_on, only_categories, only_items, accrual_ppm);
insert into funds values
  ('tea-shop',  'S1',   7250, '2017-01-01', null,         null,  null,         10000),
  ('bookstore', 'S2',   4100, '2017-01-01', '2017-06-30', null,  'school bag', 10000),
  ('clinic',    'S3',  45000, '2017-01-01', null,         'A;B', 'wheelchair', null),
  ('county',    'S4',  38000, '2017-01-01', null,         null,  null,         null);
create table sales (fund_id, month, sales_fen);
insert into sales values ('tea-shop', '2017-05-31', 123456), ('bookstore', '2017-05-31', 98765);
create table prices (item, unit, price_fen, valid_from, valid_to);
insert into prices values
  ('quilt', 'piece', 9900, '2017-01-01', null), ('wheelchair', 'piece', 38000, '2017-01-01', null),
  ('school bag', 'piece', 3500, '2017-01-01', null), ('rice', 'kg', 480, '2017-05-01', '2017-06-30');
""")


def table(record: type, name: str) -> Any:
    """One table of the platform as records; bad rows would be named by their number."""
    return am.read([dict(row) for row in platform.execute(f"select * from {name}")], record)  # noqa: S608  # our own names


day = date(2017, 6, 1)
funds = accrue(table(Fund, "funds"), table(Sale, "sales"), date(2017, 5, 1))
for fund in funds:
    print(f"{fund.id}: ¥{fund.balance_fen / 100:,.2f} and {fund.accrued_parts:,} millionths of a fen")

problem = am.GivingProblem(needs, goods, as_of=day, funds=funds, prices=table(Price, "prices"), known_total=12)
matching = am.solve(problem, policy=am.Policy.giving(max_km=30, delivery_days=3))
am.verify(problem, matching)
print(matching.summary())
for purchase in matching.purchases:
    paid = ", ".join(f"{payment.fund_id} ¥{payment.amount_fen / 100:,.2f}" for payment in purchase.payments)
    print(f"{purchase.quantity} {purchase.item} for {purchase.demand_id}: {paid}")
for report in fund_reports(problem, matching, key="secret", restrictions=restriction_costs(problem, matching)):
    print(report.text())
