"""The markets of a problem decided one after the other, or by somebody's workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from functools import partial

from aidmatch.engine.market import solve_market
from aidmatch.engine.options import Options
from aidmatch.program import Market, Solution
from aidmatch.progress import Progress
from aidmatch.solvers.network import FlowSolver

__all__ = ["solve_markets"]


def solve_markets(
    markets: Sequence[Market],
    solvers: Sequence[FlowSolver],
    options: Options,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> list[Solution]:
    """Decide markets.

    Parameters
    ----------
    markets, solvers, options
        As in `solve_market`.
    executor
        Who does the work; without one, it is done here.
    progress
        Called here, never in a worker: after every market, and after every round of one that is solved here.

    Returns
    -------
    One solution a market, in their order.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solve_market`; of several markets that fail, the error of the first in their order that was tried.
    """
    book = _Book(markets, progress)
    # large ones first, so that no worker ends with a large one alone; equal ones in their order
    order = sorted(range(len(markets)), key=lambda number: (-_pairs(markets[number]), number))
    solutions: dict[int, Solution] = {}
    if executor is None:
        for number in order:
            solutions[number] = solve_market(markets[number], solvers, options, partial(book.round, number))
            book.done(number, solutions[number])
        return [solutions[number] for number in range(len(markets))]
    futures = {executor.submit(solve_market, markets[number], tuple(solvers), options): number for number in order}
    try:
        if progress is not None:
            for future in as_completed(futures):
                if future.exception() is not None:
                    break
                book.done(futures[future], future.result())
        for future, number in sorted(futures.items(), key=lambda pair: pair[1]):
            solutions[number] = future.result()
    finally:
        for future in futures:
            future.cancel()
    return [solutions[number] for number in range(len(markets))]


def _pairs(market: Market) -> int:
    return len(market.demand) * len(market.supply)


class _Book:
    """What is done, and who wants to know."""

    def __init__(self, markets: Sequence[Market], progress: Callable[[Progress], None] | None) -> None:
        self._markets, self._progress = markets, progress
        self._pairs = sum(map(_pairs, markets))
        self._gap = sum(int(market.demand.sum()) for market in markets)
        self._done = self._pairs_done = self._components = 0
        self._tell(0, None)

    def round(self, number: int, rounds: int, arcs: int, missing: int) -> None:
        self._tell(rounds, missing)

    def done(self, number: int, solution: Solution) -> None:
        self._done += 1
        self._pairs_done += _pairs(self._markets[number])
        self._gap -= int(self._markets[number].demand.sum())
        self._components += solution.work.components
        self._tell(solution.work.rounds, 0)

    def _tell(self, rounds: int, missing: int | None) -> None:
        if self._progress is not None:
            self._progress(
                Progress(
                    markets=len(self._markets),
                    markets_done=self._done,
                    pairs=self._pairs,
                    pairs_done=self._pairs_done,
                    components=self._components,
                    rounds=rounds,
                    missing=missing,
                    gap=self._gap,
                )
            )
