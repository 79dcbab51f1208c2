"""Bring your own matrix: the pairs that may be, and what each costs, from your own route planner.

With `pairs=` nothing is measured: no coordinates are needed, only listed pairs can be chosen, and costs are integers in
a unit that you name. Here they are minutes by car. The rows are plain dictionaries, as a database cursor gives them.

Give a folder for the result as the first argument if you like.
"""

import sys
import tempfile
from datetime import date
from pathlib import Path

import aidmatch as am

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
folder.mkdir(parents=True, exist_ok=True)

needs = am.read(
    [
        {"id": "N1", "household_id": "H1", "quantity": 3, "category": "A", "code": "371599001"},
        {"id": "N2", "household_id": "H2", "quantity": 1, "category": "B", "code": "371599002"},
        {"id": "N3", "household_id": "H3", "quantity": 1, "category": "B", "code": "371599003"},
    ],
    am.Need,
    constants={"item": "quilt", "unit": "piece", "approval": "approved", "registered_on": "2017-03-01"},
)
donations = am.read(
    [
        {"id": "L1", "donor_id": "D1", "quantity": 2, "code": "371599001"},
        {"id": "L2", "donor_id": "D2", "quantity": 3, "code": "371599002"},
    ],
    am.Donation,
    constants={"item": "quilt", "unit": "piece"},
)
minutes = am.read(
    [
        {"demand_id": "N1", "supply_id": "L1", "cost": 35},
        {"demand_id": "N1", "supply_id": "L2", "cost": 20},
        {"demand_id": "N2", "supply_id": "L1", "cost": 55},
        {"demand_id": "N2", "supply_id": "L2", "cost": 5},
        {"demand_id": "N3", "supply_id": "L2", "cost": 90, "eligible": False},  # the road is washed away
    ],
    am.PairCost,
)
pairs = am.PairTable(minutes, unit="minute")
problem = am.GivingProblem(needs, donations, as_of=date(2017, 6, 1), pairs=pairs)

matching = am.solve(problem)
am.verify(problem, matching)
for a in matching.assignments:
    print(f"{a.supply_id} -> {a.demand_id}: {a.quantity} piece(s), {a.cost} {matching.cost_unit}s each")
for demand_id, left in matching.unmet.items():
    print(f"{demand_id} goes without {left}: {matching.reasons[demand_id]}")
print("wrote", matching.write(folder / "result.csv"))
