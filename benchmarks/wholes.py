"""Giving with wholes: county and city, each level's value and bounds.

Usage: ``python -m benchmarks.wholes [county] [city] [--no-peer]``

One need in five is all or nothing, lots of six pieces or more are sent two pieces at a time at least, and each donor
makes ten shipments at most.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter, process_time

import numpy as np

import aidmatch as am
from aidmatch.records.giving import Donor
from benchmarks.instances import INSTANCES

LIMITS = {"county": 5.0, "city": 60.0}


def with_wholes(name: str, seed: int = 5) -> tuple[am.GivingProblem, am.Policy]:
    """Read an instance, and add what does not flow."""
    plain, policy = INSTANCES[name].problem()
    rng = np.random.default_rng(seed)
    needs = [replace(need, whole=bool(rng.random() < 0.2)) for need in plain.needs]
    lots = [replace(lot, min_lot=2 if lot.quantity >= 6 else 1) for lot in plain.donations]
    donors = [Donor(id=id_, max_shipments=10) for id_ in sorted({lot.donor_id for lot in lots})]
    return am.GivingProblem(needs, lots, donors=donors, as_of=plain.as_of), policy


def show(title: str, seconds: float, cpu: float, levels: Sequence[tuple[str, int, int | None, int | None]]) -> None:
    """Print one run."""
    print(f"{title}: {seconds:.1f} s, {cpu:.1f} s of processor")
    for name, value, certified, claimed in levels:
        gap = None if certified is None else 100 * abs(value - certified) / max(1, abs(value))
        shown = "open" if gap is None else f"{gap:.3f} %"
        print(
            f"  {name:<24}{value:>12,}{certified if certified is not None else '–':>14}"
            f"{claimed if claimed is not None else '–':>14}{shown:>12}"
        )


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wholes", description=__doc__.splitlines()[0])
    parser.add_argument("instance", nargs="*", choices=[[], *LIMITS], help="default: both")
    parser.add_argument("--seconds", type=float, help="instead of 5 for the county and 60 for the city")
    chosen = parser.parse_args()
    for name in chosen.instance or LIMITS:
        problem, policy = with_wholes(name)
        limit = chosen.seconds or LIMITS[name]
        start, cpu = perf_counter(), process_time()
        matching = am.solve(problem, policy=policy, time_limit=limit)
        show(
            f"{name}, {matching.status}",
            perf_counter() - start,
            process_time() - cpu,
            [(one.name, one.value, one.bound, one.claimed_bound) for one in matching.levels],
        )
        am.verify(problem, matching, policy=policy)


if __name__ == "__main__":
    main()
