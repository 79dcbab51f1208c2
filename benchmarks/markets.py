"""All pairs of one kind in shapes that are hard for different reasons, growth with size, and peers on what they bear.

Usage: ``python -m benchmarks.markets [shapes] [growth] [peers] [large]``

Shapes are 20,000 needs and 14,000 lots of one kind without a radius: 280 million pairs. Each runs in a process of its
own, so that its peak memory is its own.
"""

import argparse
import math
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aidmatch.engine.market import solve_market
from aidmatch.formulation.arcs import PointArcs
from aidmatch.pair_costs import Metric
from aidmatch.program import Level, Market, Solution, TieKeys
from aidmatch.rules.protocol import Eligibility
from aidmatch.solvers.simplex import NetworkSimplex
from benchmarks.dense import PEERS, Dense
from benchmarks.shapes import CATEGORIES, SHAPES, drawn

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Needs and lots of each size a peer is asked for, as long as it stays below its own limit.
PEER_SIZES: Final = ((300, 210), (1_000, 700), (3_000, 2_100))


def market(needs: int, lots: int, shape: str, seed: int = 1) -> Market:
    """What `drawn` draws, as a market."""
    one = drawn(needs, lots, shape, seed)
    allowed = np.ones((CATEGORIES, 1), dtype=np.bool_)
    if shape == "earmarked":
        allowed = np.concatenate([allowed, np.eye(CATEGORIES, dtype=np.bool_)], axis=1)
    rng = np.random.default_rng([seed, 1])
    levels = [Level((one.category == rank).astype(np.int64), None) for rank in range(CATEGORIES)]
    keys = TieKeys(*(rng.integers(0, 2**63, size).astype(np.uint64) for size in (needs, lots)))
    anywhere = np.full(lots, 30_000_000)
    arcs = PointArcs(
        _vectors(one.of_need), _vectors(one.of_lot), anywhere, Eligibility(one.category, one.earmark, allowed)
    )
    return Market(one.demand, one.supply, arcs, (*levels, Level(None, Metric())), None, keys)


def _vectors(degrees: Floats) -> Floats:
    lat, lon = np.radians(degrees)
    return np.ascontiguousarray(np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]))


def values(one: Market, solution: Solution) -> tuple[int, ...]:
    """Units of each category left over, then unit-metres."""
    left = one.demand.copy()
    np.subtract.at(left, solution.demand_of, solution.flow)
    over = (int(left[level.unmet > 0].sum()) for level in one.levels if level.unmet is not None)
    return (*over, int((solution.flow * solution.metric).sum()))


def _measured(needs: int, lots: int, shape: str) -> tuple[float, float, Solution]:
    one = market(needs, lots, shape)
    start = perf_counter()
    solution = solve_market(one, [NetworkSimplex()])
    return perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, solution


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def shapes(sizes: Sequence[tuple[int, int]] = ((20_000, 14_000),), which: Sequence[str] = SHAPES) -> None:
    """Time and memory of each shape."""
    print(f"{'shape':<12}{'needs':>10}{'lots':>10}{'arcs':>12}{'rounds':>8}{'solve s':>10}{'peak GB':>9}  ties")
    for needs, lots in sizes:
        for shape in which:
            seconds, peak, solution = apart(_measured, needs, lots, shape)
            work = solution.work
            tied = "proven" if work.tied else "open"
            how = f"{work.arcs:>12,}{work.rounds:>8}{seconds:>10.2f}{peak:>9.2f}  {tied}"
            print(f"{shape:<12}{needs:>10,}{lots:>10,}{how}")


def growth() -> None:
    """Needs 10³ to 10⁶ at 40 kinds of one size each: the exponent of time in needs."""
    print(
        f"{'needs':>10}{'lots':>10}{'solve s':>10}   40 kinds, scattered, all pairs; exponent against the size before"
    )
    before: tuple[int, float] | None = None
    for needs in (1_000, 10_000, 100_000, 1_000_000):
        seconds = apart(_kinds, needs // 40, needs * 7 // 400)
        exponent = "" if before is None else f"{math.log(seconds / before[1], needs / before[0]):>8.2f}"
        print(f"{needs:>10,}{needs * 7 // 10:>10,}{seconds:>10.2f}{exponent}")
        before = needs, seconds


def _kinds(needs: int, lots: int) -> float:
    markets = [market(needs, lots, "scattered", seed) for seed in range(40)]
    start = perf_counter()
    for one in markets:
        solve_market(one, [NetworkSimplex()])
    return perf_counter() - start


def peers() -> None:
    """Everybody's time over ours, on the same pairs, in the same run; equal objective or the run fails."""
    print(f"{'peer':<22}{'needs':>8}{'lots':>8}{'peer s':>10}{'own s':>9}{'ratio':>9}{'peak GB':>9}")
    solve_market(market(100, 70, "scattered"), [NetworkSimplex()])  # imports are nobody's time
    for needs, lots in PEER_SIZES:
        one = market(needs, lots, "scattered")
        dense = Dense.of(one.demand, one.supply, *one.arcs.build(), _ranks(one))
        start = perf_counter()
        solution = solve_market(one, [NetworkSimplex()])
        own = perf_counter() - start
        for name, (_, most) in PEERS.items():
            if needs * lots > most:
                continue
            seconds, peak, theirs = apart(_peer, name, dense)
            if theirs != values(one, solution):
                raise SystemExit(f"{name}: {theirs} is not {values(one, solution)}")
            print(f"{name:<22}{needs:>8,}{lots:>8,}{seconds:>10.2f}{own:>9.2f}{seconds / own:>9.1f}{peak:>9.2f}")


def _ranks(one: Market) -> Ints:
    ranks = np.zeros(len(one.demand), dtype=np.int64)
    for rank, level in enumerate(one.levels[:CATEGORIES]):
        if level.unmet is not None:
            ranks[level.unmet > 0] = rank
    return ranks


def _peer(name: str, dense: Dense) -> tuple[float, float, tuple[int, ...]]:
    start = perf_counter()
    flow = PEERS[name][0](dense)
    seconds = perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, dense.values(flow)


def large() -> None:
    """What one component of a city and of a province takes."""
    shapes(((76_000, 50_000), (150_000, 105_000)), ("scattered",))


PARTS: Mapping[str, Callable[[], None]] = {"shapes": shapes, "growth": growth, "peers": peers, "large": large}


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.markets", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="default: shapes and peers")
    for name in parser.parse_args().part or ["shapes", "peers"]:
        PARTS[name]()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
