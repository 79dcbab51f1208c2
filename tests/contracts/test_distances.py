"""The built-in distances keep to the suite that third parties run."""

import networkx as nx
import numpy as np

from aidmatch.distance import Administrative, Road
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.protocol import Distance
from aidmatch.testing import DistanceContract


class TestGreatCircle(DistanceContract):
    def distance(self) -> Distance:
        return GreatCircle()


class TestAdministrative(DistanceContract):
    def distance(self) -> Distance:
        return Administrative(same_township=3_000, same_county=20_000, same_city=60_000, otherwise=200_000)


class TestAdministrativeWithinCounties(DistanceContract):
    def distance(self) -> Distance:
        return Administrative(same_township=3_000, same_county=20_000, same_city=None)


class TestRoad(DistanceContract):
    def distance(self) -> Distance:
        """A grid of roads one way round, one tenth longer than straight, with a part that nothing leads to."""
        draw = np.random.default_rng(3)
        graph = nx.DiGraph()
        for node in range(100):
            row, column = divmod(node, 10)
            graph.add_node(node, lat=35.8 + 0.12 * row + 0.01 * draw.random(), lon=115.3 + 0.12 * column)
        for node in range(90):
            for other in (node + 10, node + 1 if node % 10 < 9 else node - 9):
                straight = [111_200 * (graph.nodes[node][axis] - graph.nodes[other][axis]) for axis in ("lat", "lon")]
                graph.add_edge(node, other, length=1.1 * float(np.hypot(*straight)))
                if node % 3:
                    graph.add_edge(other, node, length=1.3 * float(np.hypot(*straight)))
        return Road(graph)
