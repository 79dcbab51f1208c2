"""The registry of instances, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import aidmatch as am
from aidmatch import synthetic
from benchmarks.shapes import SHAPES, as_tables, drawn

__all__ = ["INSTANCES", "Instance"]


@dataclass(frozen=True)
class Instance:
    """What to read, and how to choose.

    Parameters
    ----------
    make
        Makes the tables.
    radius
        Whether the instance's own radius holds; without it, every pair of one item kind counts, and the lots have no
        radius of their own.
    peer
        Whether one graph of all pairs is small enough for OR-Tools.
    asked
        Whether it runs only where it is named.
    """

    make: Callable[[], synthetic.GivingInstance]
    radius: bool = False
    peer: bool = False
    asked: bool = False

    def problem(self) -> tuple[am.GivingProblem, am.Policy]:
        """Read the tables."""
        made = self.make()
        return self.problem_of(made, am.read(made, am.Need), am.read(made, am.Donation))

    def problem_of(
        self, made: synthetic.GivingInstance, needs: am.Records[am.Need], lots: am.Records[am.Donation]
    ) -> tuple[am.GivingProblem, am.Policy]:
        """The problem of tables that have been read."""
        if self.radius:
            return am.GivingProblem(needs, lots, as_of=made.as_of), am.Policy.giving(max_km=made.max_km)
        anywhere = [replace(lot, max_km=None) for lot in lots]
        return am.GivingProblem(needs, anywhere, as_of=made.as_of), am.Policy.giving()


def _shaped(shape: str) -> synthetic.GivingInstance:
    return as_tables(drawn(20_000, 14_000, shape), shape)


INSTANCES: Mapping[str, Instance] = {
    "toy": Instance(synthetic.toy, radius=True),
    "county": Instance(synthetic.county, radius=True),
    "city": Instance(synthetic.liaocheng_2017, radius=True),
    "city-all-pairs": Instance(synthetic.liaocheng_2017, peer=True),
    **{shape.replace(" ", "-"): Instance(partial(_shaped, shape)) for shape in SHAPES},
    "province": Instance(synthetic.province, asked=True),
}
