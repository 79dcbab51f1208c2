"""Explain a decision: to a family in plain words, to a caseworker with every fact, in Chinese and English.

The facts are found anew from the rules and the proof that decided, so that
they cannot say anything else. A family hears of no other person and no price.
"""

import aidmatch as am
from aidmatch import synthetic

instance = synthetic.toy()
problem = am.GivingProblem(am.read(instance, am.Need), am.read(instance, am.Donation), as_of=instance.as_of)
matching = am.solve(problem, policy=am.Policy.giving(max_km=instance.max_km))

served = matching.assignments[0].demand_id
unserved = [demand for demand in matching.unmet if demand not in {a.demand_id for a in matching.assignments}]
for demand in [served, *unserved[:1]]:
    explanation = am.explain(problem, matching, demand=demand)
    print(f"== {demand}: {explanation.code}")
    print("家庭:    ", explanation.text("zh", "family"))
    print("family:  ", explanation.text("en", "family"))
    print("caseworker:")
    print(explanation.text("en", "caseworker"))
    print()
