"""Match a city: needs to donations, and clients to caregivers; files in, verified files out.

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


def decide(family: str, problem: am.GivingProblem | am.CareProblem, policy: am.Policy) -> am.Matching:
    """Solve, save, verify what was saved, and export."""
    matching = am.solve(problem, policy=policy)
    say(f"{family}: {matching.status}, every pair in reach considered, {matching.solving.arcs:,} built")
    saved = matching.save(folder / f"{family}.json")
    am.verify(problem, am.Matching.load(saved), policy=policy)
    say(f"{family}: verified {saved} from scratch: every number recomputed, the optimum proven")
    matching.write(folder / f"{family}_assignments.csv")
    matching.write(folder / f"{family}_assignments.json")
    (folder / f"{family}_summary.txt").write_text(matching.summary() + "\n", encoding="utf-8")
    return matching


city, care = synthetic.liaocheng_2017(), synthetic.liaocheng_2017_care()
needs_file, donations_file = city.write(folder)
clients_file, caregivers_file, _ = care.write(folder)
say(f"wrote {needs_file}, {donations_file}, {clients_file}, {caregivers_file}")

needs, donations = am.read(needs_file, am.Need), am.read(donations_file, am.Donation)
clients, caregivers = am.read(clients_file, am.Client), am.read(caregivers_file, am.Caregiver)
say(f"read {len(needs):,} needs, {len(donations):,} lots, {len(clients):,} clients, {len(caregivers):,} caregivers")

giving = am.GivingProblem(needs, donations, as_of=city.as_of)
given = decide("giving", giving, am.Policy.giving(max_km=city.max_km))
caring = am.CareProblem(clients, caregivers, as_of=care.as_of)
cared = decide("care", caring, am.Policy.care(max_km=care.max_km))
say(f"all results are in {folder}")
for matching in (given, cared):
    print(f"\n{matching.summary()}")
