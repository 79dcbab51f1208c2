"""A caseworker overrides one pair and forbids another, and sees what that costs.

A decision is data, with who made it and until when it holds. The run after it
is as exact as the run before: optimal among all matchings that honour it.
"""

from dataclasses import replace

import aidmatch as am
from aidmatch import synthetic

instance = synthetic.toy_care()
clients, caregivers = am.read(instance, am.Client), am.read(instance, am.Caregiver)
policy = am.Policy.care(max_km=instance.max_km)
problem = am.CareProblem(clients, caregivers, as_of=instance.as_of)
before = am.solve(problem, policy=policy)
print("before:", *(f"{a.demand_id}→{a.supply_id}" for a in before.assignments))

moved, refused = before.assignments[0], before.assignments[-1]
other = next(giver for giver in caregivers if giver.id not in (moved.supply_id, refused.supply_id))
pin = am.Decision(
    id="D1",
    kind="pin",
    demand_id=moved.demand_id,
    supply_id=other.id,
    reason="they have known each other for years",
    by="caseworker-7",
    on=instance.as_of,
)
forbid = am.Decision(
    id="D2",
    kind="forbid",
    demand_id=refused.demand_id,
    supply_id=refused.supply_id,
    reason="a quarrel",
    on=instance.as_of,
)
decided = am.CareProblem(clients, caregivers, as_of=instance.as_of, decisions=[pin, forbid])
after = am.solve(decided, policy=policy)
am.verify(decided, after, policy=policy)
print("after: ", *(f"{a.demand_id}→{a.supply_id}{' (pinned)' if a.pinned else ''}" for a in after.assignments))

changes = after.changes(before)
print("over:  ", *(f"{demand}→{supply}" for demand, supply, _ in changes.removed))
print("gained or lost, level by level:", {name: by for name, by in changes.levels.items() if by} or "nothing")

contradiction = [pin, replace(forbid, id="D3", demand_id=pin.demand_id, supply_id=pin.supply_id)]
try:
    am.CareProblem(clients, caregivers, as_of=instance.as_of, decisions=contradiction)
except am.ProblemError as error:
    print("refused before solving:", error)
