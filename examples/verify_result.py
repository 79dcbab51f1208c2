"""Check a saved matching against the tables it was made from, and see false ones refused.

Whoever has the tables and the saved file can do this; nothing the solver said is believed. A changed file is refused
when it is loaded. A changed answer is refused by `verify`, even if somebody saved it under a right digest. Programs
tell refusals apart by their `code`.

Give a folder for the files as the first argument if you like.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import aidmatch as am
from aidmatch import synthetic

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
toy = synthetic.toy()  # made up: twelve needs, eight lots
needs_file, donations_file = toy.write(folder)
policy = am.Policy.giving(max_km=toy.max_km)


def tables() -> am.GivingProblem:
    """Read the tables from their files."""
    return am.GivingProblem(am.read(needs_file, am.Need), am.read(donations_file, am.Donation), as_of=toy.as_of)


def check(what: str, file: Path, problem: am.GivingProblem) -> None:
    """Load, verify, and print how it went."""
    try:
        am.verify(problem, am.Matching.load(file), policy=policy)
    except am.VerificationError as error:
        print(f"{what}: REFUSED as {error.code}: {error.message}")
    else:
        print(f"{what}: every number recomputed, the optimum proven")


matching = am.solve(tables(), policy=policy)
saved = matching.save(folder / "matching.json")
check("the saved matching", saved, tables())

# somebody opens the file in an editor and gives what is one household's to another
edited = folder / "edited.json"
household = matching.assignments[0].household_id
edited.write_text(saved.read_text("utf-8").replace(household, "H000099"), "utf-8")
check("an edited file", edited, tables())

# somebody saves, under a right digest, a matching that hands out one unit less
largest = max(matching.assignments, key=lambda a: a.quantity)
fewer = [replace(a, quantity=a.quantity - (a == largest)) for a in matching.assignments]
check("a changed answer", replace(matching, assignments=tuple(fewer)).save(folder / "changed.json"), tables())

# somebody shows the right matching for tables with one need less
without = am.GivingProblem(tables().needs[1:], tables().donations, as_of=toy.as_of)
check("other tables", saved, without)
