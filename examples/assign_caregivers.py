"""Assign caregivers to clients: what a quarter later changes, and that it is as little as can be.

The first run is as of today. A quarter later some clients have left and others
joined; the pairs in force are kept wherever the coverage allows it.
"""

import aidmatch as am
from aidmatch import synthetic


def problem_of(instance: synthetic.CareInstance) -> am.CareProblem:
    """Read an instance's tables; yours come from files or a database."""
    return am.CareProblem(
        am.read(instance, am.Client),
        am.read(instance, am.Caregiver),
        as_of=instance.as_of,
        current=am.read(instance, am.Pair),
    )


today = synthetic.county_care()
policy = am.Policy.care(max_km=today.max_km, levels=("coverage", "pairs", "continuity", "nearness", "distance"))

first = problem_of(today)
matching = am.solve(first, policy=policy)
am.verify(first, matching, policy=policy)
print(matching.summary())

later = problem_of(synthetic.next_quarter(today, matching.assignments))
review = am.solve(later, policy=policy)
am.verify(later, review, policy=policy)
changes = review.changes(matching)
kept = next(level for level in review.levels if level.name == "pairs")
print(f"\nA quarter later, {later.as_of}: {len(later.current):,} pairs were in force.")
print(f"{kept.value:,} of them are kept, and {kept.bound:,} is the most that the coverage allows.")
print(f"{len(changes.added):,} pairs are new, {len(changes.removed):,} are over.")
