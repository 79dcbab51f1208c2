"""Time and memory of reading needs, beside pandas' reader of the same file in the same run.

Usage: ``python -m benchmarks.reading [--rows N] [--repeat N]``
"""

import argparse
import csv
import gc
import random
import statistics
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pandas as pd

import aidmatch as am

HEADER = [
    *("id", "household_id", "item", "quantity", "unit", "category", "code", "lat", "lon"),
    *("approval", "notice_ended_on", "objected", "status", "registered_on", "needed_by", "urgent"),
    *("recurring_days", "min_quantity", "whole", "substitutes", "accepts"),
]


def write(path: Path, rows: int, places: int) -> None:
    """Write clean needs with every column of `Need`, of households of two needs in so many places."""
    draw = random.Random(7)  # noqa: S311  # a table to read, no secret
    points = [(draw.uniform(35.8, 37), draw.uniform(115.3, 116.5)) for _ in range(places)]
    # nine square counties, so that codes and points agree
    where = [
        (
            f"37150{1 + int((lat - 35.8) / 0.401) * 3 + int((lon - 115.3) / 0.401)}{draw.randrange(10**6):06}",
            f"{lat:.6f}",
            f"{lon:.6f}",
        )
        for lat, lon in points
    ]
    items = (("大米", "袋"), ("棉被", "床"), ("轮椅", "辆"), ("书包", "个"))
    households = list(range((rows + 1) // 2))
    draw.shuffle(households)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for number in range(rows):
            if number % 2 == 0:  # every household asks for two different things, so that nothing is flagged
                home, asked = draw.choice(where), draw.sample(items, 2)
            item, unit = asked[number % 2]
            days = [f"2017-0{draw.randint(1, 6)}-{draw.randint(1, 28):02}" for _ in range(3)]
            row = [f"N{number:07}", f"H{households[number // 2]:07}", item, draw.randint(1, 20), unit]
            row += [draw.choice("ABCD"), *home, "approved", days[0], "false", "open", days[1], days[2]]
            writer.writerow([*row, draw.choice(("true", "false")), "", 1, "false", "none", "goods"])


def timed(repeat: int, work: Callable[[], Any]) -> float:
    """Least CPU seconds of some runs."""
    seconds = []
    for _ in range(repeat):
        start = process_time()
        work()
        seconds.append(process_time() - start)
    return min(seconds)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3, help="the fastest counts")
    chosen = parser.parse_args()
    gc.freeze()  # the peer's own modules are not for our reader to walk over
    print(f"{'places':>10}{'rows':>12}{'µs a row':>10}{'bytes a row':>13}{'peak':>8}{'pandas µs':>11}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "needs.csv")
        for places in (6_516, chosen.rows // 2):
            write(path, chosen.rows, places)
            ratios, own = [], []
            for _ in range(chosen.repeat):
                # in turn, so that a machine that slows down slows both
                own.append(timed(1, lambda: am.read(path, am.Need)))
                ratios.append(own[-1] / timed(1, lambda: pd.read_csv(path)))
            tracemalloc.start()
            needs = am.read(path, am.Need)
            kept, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            if needs.report.refused or needs.report.flagged:
                raise SystemExit(f"the file is not clean:\n{needs.report}")
            rows, seconds = len(needs), min(own)
            ratio = statistics.median(ratios)
            print(
                f"{places:>10,}{rows:>12,}{1e6 * seconds / rows:>10.2f}{kept / rows:>13,.0f}{peak / rows:>8,.0f}"
                f"{1e6 * seconds / ratio / rows:>11.2f}{ratio:>7.1f}"
            )


if __name__ == "__main__":
    main()
