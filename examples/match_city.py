"""Match a city's needs to its donations: files in, verified files out.

The city is a synthetic one, calibrated on public figures of 2017; see
`aidmatch.synthetic`. Give another folder as the first argument if you like.
"""

import sys
from pathlib import Path
from time import perf_counter

import aidmatch as am
from aidmatch import synthetic

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "city")
start = perf_counter()


def say(what: str) -> None:
    """Print a line with the time since the start."""
    print(f"{perf_counter() - start:5.1f} s  {what}")


city = synthetic.liaocheng_2017()
needs_file, donations_file = city.write(folder)
say(f"wrote {needs_file} and {donations_file}")

needs = am.read(needs_file, am.Need)
donations = am.read(donations_file, am.Donation)
say(f"read {len(needs):,} needs and {len(donations):,} lots")

problem = am.GivingProblem(needs, donations, as_of=city.as_of)
policy = am.Policy.giving(max_km=city.max_km)
matching = am.solve(problem, policy=policy)
say(f"solved: {matching.status}, {matching.solving.arcs:,} pairs in reach considered")

saved = matching.save(folder / "matching.json")
am.verify(problem, am.Matching.load(saved), policy=policy)
say(f"verified {saved} from scratch: every number recomputed, the optimum proven")

for ending in ("csv", "json"):
    say(f"wrote {matching.write(folder / f'assignments.{ending}')}")
(folder / "summary.txt").write_text(matching.summary() + "\n", encoding="utf-8")
print()
print(matching.summary())
