"""Places from a map service, and distances along roads: a river with one bridge decides who gives to whom.

Run: python examples/road_distance.py   (needs the extra: pip install 'aidmatch[roads]')
"""

from datetime import date

import networkx as nx

import aidmatch as am
from aidmatch.distance import Administrative, Road

# Points picked on AMap are GCJ-02, which lies some hundred metres off. Said once, they are read as WGS-84.
NEEDS = [
    {"id": "N-west", "household_id": "H1", "quantity": 2, "code": "371501001001", "lat": 36.5002, "lon": 115.9058},
    {"id": "N-east", "household_id": "H2", "quantity": 2, "code": "371501002001", "lat": 36.5002, "lon": 115.9658},
]
# The depot's own points come from a satellite receiver.
LOTS = [
    {"id": "L-west", "donor_id": "D1", "quantity": 1, "code": "371501001001", "lat": 36.46, "lon": 115.90},
    {"id": "L-east", "donor_id": "D2", "quantity": 3, "code": "371501002001", "lat": 36.50, "lon": 115.99},
]
SAME = {"item": "quilt", "unit": "piece"}
CASE = {"category": "A", "approval": "approved", "registered_on": "2017-05-01"}


def roads() -> nx.Graph:
    """One road on each bank, from south to north, and the bridge between them in the far north."""
    graph = nx.Graph()
    for lon in (115.90, 115.93, 115.96, 115.99):
        for step in range(11):
            graph.add_node((lon, step), lat=36.4 + step / 50, lon=lon)
            if step:
                graph.add_edge((lon, step - 1), (lon, step), length=2_300)
    graph.add_edge((115.90, 5), (115.93, 5), length=2_800)
    graph.add_edge((115.96, 5), (115.99, 5), length=2_800)
    graph.add_edge((115.93, 10), (115.96, 10), length=2_900)
    return graph


needs = am.read(NEEDS, am.Need, constants=SAME | CASE, coordinates="GCJ-02")
lots = am.read(LOTS, am.Donation, constants=SAME, coordinates="WGS-84")
print(needs.report.text())
problem = am.GivingProblem(needs, lots, as_of=date(2017, 6, 1))
road = Road(roads(), limit_km=25)
print(f"{road}, no road shorter than {road.least_metres:.3f} of the straight line")
for distance in (am.GreatCircle(), road, Administrative(same_township=3_000, same_county=15_000, same_city=None)):
    matching = am.solve(problem, distance=distance)
    am.verify(problem, matching, distance=distance)
    print(f"{type(distance).__name__}: {matching.status}, verified")
    for a in matching.assignments:
        print(f"  {a.supply_id} sends {a.quantity} to {a.demand_id}, {a.metres:,} m each")
