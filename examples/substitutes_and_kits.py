"""Substitutes, kits, projects, goods that expire, fairness between households, and the next run.

Each line that is printed is one of them at work. The next run keeps what has been dispatched and decides the rest
again, with a need that has come in since.
"""

from datetime import date

import aidmatch as am
from aidmatch.backlog import commitments
from aidmatch.records.giving import Component, Kit, Substitute
from aidmatch.tradeoffs import level_prices

day = date(2017, 6, 1)
case = {"approval": "approved", "unit": "piece", "lat": 36.45, "registered_on": day, "substitutes": "approved"}
wanted = [
    {"id": "N1", "household_id": "H1", "item": "quilt", "quantity": 3, "category": "A", "lon": 115.98},
    {"id": "N2", "household_id": "H2", "item": "quilt", "quantity": 3, "category": "A", "lon": 116.08},
    {"id": "N3", "household_id": "H3", "item": "flour 25 kg", "quantity": 2, "category": "B", "lon": 115.98},
    {"id": "N4", "household_id": "H4", "item": "kitchen set", "quantity": 1, "category": "B", "lon": 115.99},
    {"id": "N5", "household_id": "H5", "item": "lamp", "quantity": 1, "category": "C", "lon": 115.99, "project": "P"},
    {"id": "N6", "household_id": "H6", "item": "lamp", "quantity": 1, "category": "B", "lon": 115.99},
]
given = [
    {"id": "L1", "item": "quilt", "quantity": 2, "lon": 115.98},
    {"id": "L2", "item": "blanket", "quantity": 1, "lon": 115.98},
    {"id": "L3", "item": "flour 5 kg", "quantity": 12, "lon": 115.98, "expires_on": date(2017, 6, 3)},
    {"id": "L4", "item": "flour 5 kg", "quantity": 10, "lon": 116.05, "expires_on": date(2017, 6, 10)},
    {"id": "L5", "item": "wok", "quantity": 2, "lon": 115.98},
    {"id": "L6", "item": "bowl", "quantity": 5, "lon": 115.98},
    {"id": "L7", "item": "lamp", "quantity": 2, "lon": 115.98, "only_project": "P"},
]
needs = am.read(wanted, am.Need, constants=case)
lots = am.read(given, am.Donation, constants={"unit": "piece", "lat": 36.45, "donor_id": "P1"})
alternatives = [
    Substitute(item="quilt", unit="piece", substitute="blanket"),
    Substitute(item="flour 25 kg", unit="piece", substitute="flour 5 kg", takes=5),
]
parts = tuple(Component(item=item, unit="piece", quantity=n) for item, n in (("wok", 1), ("bowl", 4)))
kits = [Kit(item="kitchen set", unit="piece", components=parts)]
order = ("coverage", "first-items", "as-requested", "expiry", "distance")
policy = am.Policy.giving(levels=order, delivery_days=3)

problem = am.GivingProblem(needs, lots, as_of=day, substitutes=alternatives, kits=kits)
matching = am.solve(problem, policy=policy)
am.verify(problem, matching)
for a in matching.assignments:
    print(f"{a.demand_id} gets {a.quantity} from {a.supply_id}: {a.used} x {a.item}")
print("without:", dict(matching.reasons))
print("what first items cost the levels below:", level_prices(problem, policy, levels=["first-items"])["first-items"])

states = {row["assignment_id"]: "dispatched" for row in matching.to_rows() if row["demand_id"] == "N1"}
kept = commitments(problem, matching, states, on=day)
late = am.read([{**wanted[0], "id": "N7", "household_id": "H7"}], am.Need, constants=case)
later = problem.replace(needs=[*kept.needs, *late], donations=kept.donations, decisions=kept.decisions)
changes = am.solve(later, policy=policy).changes(matching)
print(f"next run: {len(kept.decisions)} kept; came {changes.added}, went {changes.removed}, changed {changes.changed}")
