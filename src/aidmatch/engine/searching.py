"""Searches of integer programs, one after the other here, or by somebody's workers.

Whoever looks for a better answer is written as a generator: it yields a search,
or a relaxation, and is sent what was found, until it is done. So components
that wait for their searches leave the workers to others, and without workers
everything runs in the order in which it is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import Any, Final, TypeVar

from aidmatch.arrays import Ints
from aidmatch.solvers.growing import GrowingAnswer, GrowingSolver
from aidmatch.solvers.mip import Linear, MipAnswer, MipSolver

__all__ = ["Relaxing", "Search", "Searches", "Steps"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What a solver is asked; as `MipSolver.search`."""

    linear: Linear
    seconds: float | None
    low: Ints
    high: Ints
    start: Ints

    def by(self, solver: MipSolver) -> MipAnswer:
        """Ask a solver."""
        return solver.search(self.linear, self.seconds, self.low, self.high, self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Relaxing:
    """A linear relaxation that a solver is asked for; as `Growing.solve`."""

    linear: Linear
    seconds: float | None

    def by(self, solver: GrowingSolver) -> GrowingAnswer | None:
        """Ask a solver, whose program is nobody else's."""
        return self.linear.grown(solver).solve(self.seconds)


def _answered(asked: Search | Relaxing, solver: Any) -> Any:
    """Ask a solver: the unit of work."""
    if parent_process() is None:
        return asked.by(solver)
    # a forked process knows the threads of the solver it was forked from and has none of them; a new thread has its own
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asked.by, solver).result()


#: What each yields it is sent the answer to.
Steps = Generator[Search | Relaxing, Any, T]

#: How many times its size each has of the time, since most need far less of it.
GENEROUS: Final = 3


class Searches:
    """Who searches.

    Parameters
    ----------
    solver
        Any solver of mixed-integer programs; with workers in other processes, one that can be pickled.
    executor
        Who does the work; without one, it is done here.

    Attributes
    ----------
    workers
        How many searches run at a time.
    solves
        How many have been asked for.
    """

    def __init__(self, solver: MipSolver, executor: Executor | None) -> None:
        self.solver, self.executor = solver, executor
        self.workers = 1
        if executor is not None:
            # what an executor does not say, its machine does
            self.workers = int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
        self.solves = 0

    def run(
        self,
        starts: Sequence[tuple[int, Callable[[float | None], Steps[None]]]],
        end: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Run some generators, each with its part of the time, or more where many need less.

        Parameters
        ----------
        starts
            The size of each, by which time is shared, and what starts it within some seconds; None for no end.
        end, clock
            When to start no other, and what tells the time.

        Raises
        ------
        SolverError
            As the solver raises it.

        Notes
        -----
        Here, small ones go first, and leave what they do not need; workers begin with large ones, so that none of them
        ends alone. What each finds does not depend on the order.
        """
        order = sorted(range(len(starts)), key=lambda number: (starts[number][0], number), reverse=self.workers > 1)
        sizes = [starts[number][0] for number in order]
        running: dict[Future[Any], tuple[int, Steps[None]]] = {}
        try:
            for place, number in enumerate(order):
                while len(running) >= self.workers:
                    self._wait(running)
                left = None if end is None else end - clock()
                if left is not None and left <= 0:
                    break
                # those that run beside it have their time at the same time
                ahead = sum(sizes[place:]) + sum(size for size, _ in running.values())
                own = GENEROUS * sizes[place]
                # nobody has all that is left as long as others wait
                part = min(1.0, self.workers * own / max(1, ahead - sizes[place] + own))
                steps = starts[number][1](None if left is None else part * left)
                self._go_on(sizes[place], steps, None, running)
            while running:
                self._wait(running)
        finally:
            for future in running:
                future.cancel()

    def _wait(self, running: dict[Future[Any], tuple[int, Steps[None]]]) -> None:
        """Wait for what is found first, and go on with it."""
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in [one for one in running if one in done]:
            size, steps = running.pop(future)
            self._go_on(size, steps, future.result(), running)

    def _go_on(
        self,
        size: int,
        steps: Steps[None],
        answer: Any,
        running: dict[Future[Any], tuple[int, Steps[None]]],
    ) -> None:
        """Send a generator what was found, and do or hand out what it asks for next."""
        while True:
            try:
                asked = next(steps) if answer is None else steps.send(answer)
            except StopIteration:
                return
            self.solves += 1
            if self.executor is not None:
                running[self.executor.submit(_answered, asked, self.solver)] = size, steps
                return
            answer = _answered(asked, self.solver)
