"""A new caregiver joins in mid-month and takes from the waiting list only: nobody else is moved.

Every pair in force is pinned for this run. What is left to decide is who of
those who wait is served, in the order of the policy.
"""

from datetime import timedelta

import aidmatch as am
from aidmatch import synthetic

instance = synthetic.county_care()
clients, caregivers = am.read(instance, am.Client), list(am.read(instance, am.Caregiver))
policy = am.Policy.care(max_km=2)  # close by, so that some must wait

# the month began with one caregiver fewer
newcomer = caregivers.pop()
month = am.solve(am.CareProblem(clients, caregivers, as_of=instance.as_of), policy=policy)
print(f"since {instance.as_of}: {len(month.assignments):,} pairs, {sum(month.unmet.values()):,} places still wanted")

today = instance.as_of + timedelta(days=14)
pins = [
    am.Decision(id=f"keep-{n}", kind="pin", demand_id=a.demand_id, supply_id=a.supply_id, on=today, until=today)
    for n, a in enumerate(month.assignments)
]
problem = am.CareProblem(clients, [*caregivers, newcomer], as_of=today, decisions=pins)
matching = am.solve(problem, policy=policy)
am.verify(problem, matching, policy=policy)

changes = matching.changes(month)
print(f"{today}: {newcomer.id} joins; {len(changes.removed)} pairs are over, {len(changes.added)} are new")
for demand, supply, _ in changes.added:
    print(f"  {demand} → {supply}")
for unmet in list(matching.unmet)[:1]:
    print("\nstill waiting:", am.explain(problem, matching, demand=unmet).text("en", "caseworker"))
