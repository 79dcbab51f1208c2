"""Time every phase of every instance, and the peer beside it in the same run.

Usage: ``python -m benchmarks [instance …] [--repeat N] [--workers N]``

Phases are reading from CSV files, formulating, solving (ties, certificate and the way back to records included) and
verifying. Seconds are those of the clock.
"""

import argparse
import resource
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import aidmatch as am
from aidmatch.distance.protocol import distance_named
from aidmatch.formulation.flow import formulate
from benchmarks.instances import INSTANCES, Instance
from benchmarks.peers import one_ortools_flow

T = TypeVar("T")


def timed(repeat: int, work: Callable[[], T]) -> tuple[float, T]:
    """Median seconds of some runs, and what the last one gave."""
    times = []
    for _ in range(repeat):
        start = perf_counter()
        result = work()
        times.append(perf_counter() - start)
    return statistics.median(times), result


def phases(
    name: str, instance: Instance, repeat: int, executor: Executor | None
) -> tuple[tuple[am.GivingProblem, am.Policy], am.Matching]:
    """Time one instance; give its problem and its matching."""
    made = instance.make()
    with tempfile.TemporaryDirectory() as folder:
        needs, donations = made.write(Path(folder))
        read, records = timed(repeat, lambda: (am.read(needs, am.Need), am.read(donations, am.Donation)))
    problem, policy = instance.problem_of(made, *records)
    # what is counted once, whoever asks first
    problem.digests()
    formulated, _ = timed(repeat, lambda: formulate(problem, policy, distance_named("great-circle")))
    both, matching = timed(repeat, lambda: am.solve(problem, policy=policy, executor=executor))
    verified, _ = timed(repeat, lambda: am.verify(problem, matching, policy=policy))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{name:<16}{len(problem.needs):>10,}{len(problem.donations):>9,}{matching.solving.arcs:>12,}"
        f"{read:>10.3f}{formulated:>12.3f}{both - formulated:>9.3f}{verified:>9.3f}{peak:>9.2f}",
        flush=True,
    )
    return (problem, policy), matching


def beside(problem: am.GivingProblem, policy: am.Policy, matching: am.Matching, repeat: int) -> None:
    """Time one graph of all pairs in OR-Tools and the library in turn, so that a machine that slows down slows both.

    Raises
    ------
    SystemExit
        If the peer's objective is another.
    """
    ratios = []
    for _ in range(repeat):
        peer, levels = timed(1, partial(one_ortools_flow, problem))
        own, _ = timed(1, partial(am.solve, problem, policy=policy))
        ratios.append(peer / own)
        if levels != tuple(level.value for level in matching.levels):
            raise SystemExit(f"the peer's objective is {levels}")
    spread = f"{min(ratios):.1f}–{max(ratios):.1f}"
    ratio = statistics.median(ratios)
    print(f"{'':<16}one OR-Tools flow, equal objective: {ratio:.1f} times formulating and solving ({spread})")


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("instance", nargs="*", choices=[[], *INSTANCES], help="default: all but the province")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each phase; the median counts")
    parser.add_argument("--workers", type=int, default=0, help="processes that solve; default: this one")
    chosen = parser.parse_args()
    columns = f"{'read s':>10}{'formulate s':>12}{'solve s':>9}{'verify s':>9}{'peak GB':>9}"
    print(f"{'instance':<16}{'needs':>10}{'lots':>9}{'arcs':>12}{columns}")
    with ExitStack() as stack:
        executor: Executor | None = None
        if chosen.workers:
            executor = stack.enter_context(ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")))
        for name in chosen.instance or [name for name, one in INSTANCES.items() if not one.asked]:
            (problem, policy), matching = phases(name, INSTANCES[name], chosen.repeat, executor)
            if INSTANCES[name].peer:
                beside(problem, policy, matching, chosen.repeat)


if __name__ == "__main__":
    main()
