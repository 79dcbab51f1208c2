"""Bring your own distance: an object with a `name` and a method `metres(origins, destinations)`.

This one takes roads for three tenths longer than the straight line, and a trip across the river for nine kilometres
longer still, by way of the bridge. Radii and the order of levels hold for its metres. A distance must be exact: whole
metres in int64, and the same answer for the same two places whatever stands beside them.

Give a folder for the result as the first argument if you like.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

import aidmatch as am
from aidmatch import synthetic

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
folder.mkdir(parents=True, exist_ok=True)


class RoadsAndRiver:
    """Great-circle metres, three tenths longer, and nine kilometres more where the river lies between."""

    name = "roads-and-river"  # goes into every result; change it when the numbers change
    river_lon = 116.0  # the river runs from north to south
    bridge_metres = 9_000

    def metres(self, origins: am.Places, destinations: am.Places) -> npt.NDArray[np.int64]:
        """Measure from each lot to the need in the same row."""
        straight = am.GreatCircle().metres(origins, destinations)
        across = (origins.lon < self.river_lon) != (destinations.lon < self.river_lon)
        metres: npt.NDArray[np.int64] = straight * 13 // 10 + across * self.bridge_metres
        return metres


county = synthetic.county()  # made up: 1,300 needs, 512 lots
needs, donations = am.read(county, am.Need), am.read(county, am.Donation)
problem = am.GivingProblem(needs, donations, as_of=county.as_of)
policy = am.Policy.giving(max_km=25)

for distance in (am.GreatCircle(), RoadsAndRiver()):
    matching = am.solve(problem, policy=policy, distance=distance)
    am.verify(problem, matching, policy=policy, distance=distance)  # the same distance as in solve
    served = sum(a.quantity for a in matching.assignments)
    mean = sum(a.quantity * a.cost for a in matching.assignments) / served / 1000
    print(f"{distance.name:<16}{served:>6,} units served, {mean:4.1f} km each on average: {matching.status}, verified")
    print("  wrote", matching.write(folder / f"{distance.name}.csv"))
