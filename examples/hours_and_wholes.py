"""Hours, minimum loads, whole needs, packs and shipments: what integers decide, and how far it is proven."""

from datetime import date

import aidmatch as am
from aidmatch.records.giving import Donor

day = date(2017, 6, 1)
case = {"approval": "approved", "code": "371502001001", "lat": 36.45, "category": "A"}

clients = [
    {"id": f"C{i}", "household_id": f"E{i}", "minutes_per_week": minutes, "lon": 115.98 + i % 2 / 100}
    for i, minutes in enumerate((180, 300, 420, 180, 600, 300, 300))
]
caregivers = [
    {"id": f"G{j}", "household_id": f"F{j}", "minutes_per_week": minutes, "lon": 115.98 + j / 100}
    for j, minutes in enumerate((1200, 900))
]
care = am.CareProblem(
    am.read(clients, am.Client, constants={**case, "severity": "mild", "gender": "F"}),
    am.read(caregivers, am.Caregiver, constants={"lat": 36.45, "gender": "F", "min_persons": 3, "max_persons": 5}),
    as_of=day,
)
policy = am.Policy.care(levels=("coverage", "balance", "distance"), travel_minutes_per_km=20)
plan = am.solve(care, policy=policy, time_limit=10)
am.verify(care, plan)
print(plan.summary())
print("decided as", plan.solving.method, "because of", "; ".join(plan.solving.why))

flour = {"item": "flour", "unit": "kg"}
needs = [
    {"id": "N0", "household_id": "H0", "quantity": 25, "whole": True},
    {"id": "N1", "household_id": "H1", "quantity": 20, "whole": False},
    {"id": "N2", "household_id": "H2", "quantity": 10, "whole": False},
]
lots = [
    {"id": "L1", "donor_id": "mill", "quantity": 40, "lon": 115.99, "pack_size": 5, "min_lot": 1},
    {"id": "L2", "donor_id": "shop", "quantity": 12, "lon": 115.98, "pack_size": 1, "min_lot": 6},
]
giving = am.GivingProblem(
    am.read(needs, am.Need, constants={**case, **flour, "lon": 115.98, "registered_on": day}),
    am.read(lots, am.Donation, constants={**flour, "lat": 36.45}),
    as_of=day,
    donors=[Donor(id="mill", max_shipments=2)],
)
matching = am.solve(giving)
am.verify(giving, matching)
for a in matching.assignments:
    print(f"{a.supply_id} sends {a.quantity} kg to {a.demand_id}")
for level in matching.levels:
    print(level.name, level.value, "certified", level.certified_bound, "claimed", level.claimed_bound, level.proof)
print(am.explain(giving, matching, demand="N2").text())
