"""Giving with wholes: county and city, each level's value and bounds.

Usage: ``python -m benchmarks.wholes [county] [city] [--seconds S] [--workers 1] [--everything]``

One need in five is all or nothing, lots of six pieces or more are sent two pieces at a time at least, and each donor
makes ten shipments at most. With everything, a third of the kinds have a substitute, a fifth of the lots expire, and
twenty funds of ¥500 and two of ¥20,000 pay for the needs of some categories, which half of the needs accept.
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from time import perf_counter, process_time

import numpy as np

import aidmatch as am
from aidmatch.records.giving import Donor, Substitute
from aidmatch.records.money import Fund, Price
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


def with_everything(name: str, seed: int = 6) -> tuple[am.GivingProblem, am.Policy]:
    """Add substitutes, expiry and money to what `with_wholes` makes."""
    base, policy = with_wholes(name)
    rng = np.random.default_rng(seed)
    kinds = sorted({(need.item, need.unit) for need in base.needs})
    substitutes = [
        Substitute(item=item, unit=unit, substitute=kinds[k - 1][0], substitute_unit=kinds[k - 1][1])
        for k, (item, unit) in enumerate(kinds)
        if k % 3 == 1
    ]
    needs = [
        replace(need, substitutes="approved", accepts=("goods", "money") if rng.random() < 0.5 else ("goods",))
        for need in base.needs
    ]
    lots = [
        replace(lot, expires_on=base.as_of + timedelta(days=int(rng.integers(1, 90)))) if rng.random() < 0.2 else lot
        for lot in base.donations
    ]
    prices = [
        Price(item=item, unit=unit, price_fen=int(rng.integers(20, 200)) * 100, valid_from=base.as_of)
        for item, unit in kinds
    ]
    funds = [
        Fund(
            id=f"F{k:02}",
            sponsor_id=f"S{k:02}",
            balance_fen=50_000 if k < 20 else 2_000_000,
            opens_on=base.as_of,
            only_categories=("ABCD"[k % 4],) if k < 20 else (),
        )
        for k in range(22)
    ]
    changes = {"substitutes": substitutes, "prices": prices, "funds": funds, "needs": needs, "donations": lots}
    return base.replace(**changes), policy


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
    parser.add_argument("--workers", type=int, default=1, help="threads that search")
    parser.add_argument("--everything", action="store_true", help="substitutes, expiry and money as well")
    chosen = parser.parse_args()
    for name in chosen.instance or LIMITS:
        problem, policy = (with_everything if chosen.everything else with_wholes)(name)
        limit = chosen.seconds or LIMITS[name]
        start, cpu = perf_counter(), process_time()
        with ThreadPoolExecutor(chosen.workers) if chosen.workers > 1 else nullcontext() as executor:
            matching = am.solve(problem, policy=policy, time_limit=limit, executor=executor)
        show(
            f"{name}, {matching.status}",
            perf_counter() - start,
            process_time() - cpu,
            [(one.name, one.value, one.bound, one.claimed_bound) for one in matching.levels],
        )
        am.verify(problem, matching, policy=policy)


if __name__ == "__main__":
    main()
