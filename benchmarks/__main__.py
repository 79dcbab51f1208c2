"""Time every phase of every instance, and the peers beside them in the same run.

Usage: ``python -m benchmarks [instance …] [--repeat N]``
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import aidmatch as am
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


def phases(name: str, instance: Instance, repeat: int) -> tuple[tuple[am.GivingProblem, am.Policy], am.Matching]:
    """Time one instance; give its problem and its matching."""
    made = instance.make()
    with tempfile.TemporaryDirectory() as folder:
        write, (needs, donations) = timed(repeat, lambda: made.write(Path(folder)))
        read, _ = timed(repeat, lambda: (am.read(needs, am.Need), am.read(donations, am.Donation)))
    problem, policy = instance.problem()
    solve, matching = timed(repeat, lambda: am.solve(problem, policy=policy))
    verify, _ = timed(repeat, lambda: am.verify(problem, matching, policy=policy))
    print(
        f"{name:<16}{len(problem.needs):>8,}{len(problem.donations):>8,}{matching.solving.arcs:>12,}"
        f"{write:>9.3f}{read:>9.3f}{solve:>9.3f}{verify:>9.3f}"
    )
    return (problem, policy), matching


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("instance", nargs="*", choices=[[], *INSTANCES], help="default: all of them")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each phase; the median counts")
    chosen = parser.parse_args()
    columns = "".join(f"{phase + ' s':>9}" for phase in ("write", "read", "solve", "verify"))
    print(f"{'instance':<16}{'needs':>8}{'lots':>8}{'pairs':>12}{columns}")
    for name in chosen.instance or INSTANCES:
        (problem, policy), matching = phases(name, INSTANCES[name], chosen.repeat)
        if INSTANCES[name].radius:
            continue
        ratios = []
        for _ in range(chosen.repeat):
            # in turn, so that a machine that slows down slows both
            peer, levels = timed(1, partial(one_ortools_flow, problem))
            own, _ = timed(1, partial(am.solve, problem, policy=policy))
            ratios.append(peer / own)
            if levels != tuple(level.value for level in matching.levels):
                raise SystemExit(f"{name}: the peer's objective is {levels}")
        ratio = statistics.median(ratios)
        spread = f"{min(ratios):.1f}–{max(ratios):.1f}"
        print(f"{'':<16}one OR-Tools flow, equal objective: {ratio:.1f} times the solve ({spread})")


if __name__ == "__main__":
    main()
