"""Random markets between points, as arrays: villages and hubs, reach, groups, limits, every structure of levels."""

import numpy as np
import numpy.typing as npt

from aidmatch.formulation.arcs import PointArcs
from aidmatch.pair_costs import Listed, Metric, Nearness
from aidmatch.program import Level, Market, Solution, TieKeys
from aidmatch.rules.protocol import Eligibility


def points(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Unit vectors of latitudes and longitudes, shape (2, points)."""
    lat, lon = np.radians(degrees)
    return np.ascontiguousarray(np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]))


def keys_of(demands: int, supplies: int, seed: int = 0) -> TieKeys:
    rng = np.random.default_rng(seed)
    return TieKeys(*(rng.integers(0, 2**63, size).astype(np.uint64) for size in (demands, supplies)))


def random_market(seed: int, most: int = 13) -> Market:
    """A market of up to so many nodes a side; small places and quantities, so that ties abound."""
    rng = np.random.default_rng(seed)
    n, m = (int(size) for size in rng.integers(1, most + 1, 2))
    spread = rng.choice([1e-4, 0.01, 1.0, 60.0])
    places = np.array([30.0, 100.0])[:, None] + spread * rng.random((2, rng.integers(1, 8)))
    demand_place, supply_place = (places[:, rng.integers(0, places.shape[1], size)] for size in (n, m))
    rank, most_units = rng.integers(0, 3, n), rng.choice([1, 3, 10])
    eligibility = Eligibility(rng.integers(0, 2, n), rng.integers(0, 3, m), rng.random((2, 3)) < 0.75)
    reach = rng.choice([0, 500, int(spread * 60_000), 30_000_000], m).astype(np.int64)
    levels = [Level((rank == one).astype(np.int64), None) for one in range(3)]
    if rng.random() < 0.4:
        levels.append(Level(None, Nearness(rng.integers(-1, 3, (2, n)), rng.integers(-1, 3, (2, m)))))
    if rng.random() < 0.4:
        i, j = _some_pairs(rng, n, m)
        costs = Listed(i, j, -rng.integers(1, 400, len(i)))
        levels.insert(int(rng.integers(0, len(levels) + 1)), Level(None, costs))
    if rng.random() < 0.9:
        levels.append(Level(None, Metric()))
    if rng.random() < 0.2:
        levels.insert(3, Level((rank == 1) * 5, None))
    return Market(
        rng.integers(0, most_units + 1, n),
        rng.integers(0, most_units + 1, m),
        PointArcs(points(demand_place), points(supply_place), reach, eligibility, _some_pairs(rng, n, m)),
        tuple(levels),
        None if rng.random() < 0.7 else int(rng.integers(1, 3)),
        keys_of(n, m, seed),
    )


def _some_pairs(rng: np.random.Generator, n: int, m: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    cells = np.unique(rng.integers(0, n * m, rng.integers(0, 5)))
    return cells // m, cells % m


def answer(solution: Solution) -> list[list[int]]:
    """What a solution says, without how it was found."""
    said = (solution.demand_of, solution.supply_of, solution.flow, solution.metric, solution.can_take)
    return [column.tolist() for column in said]
