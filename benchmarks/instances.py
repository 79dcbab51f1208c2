"""The registry of instances, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import aidmatch as am
from aidmatch import synthetic

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
    """

    make: Callable[[], synthetic.GivingInstance]
    radius: bool

    def problem(self) -> tuple[am.GivingProblem, am.Policy]:
        """Read the tables."""
        made = self.make()
        needs, lots = am.read(made, am.Need), am.read(made, am.Donation)
        if self.radius:
            return am.GivingProblem(needs, lots, as_of=made.as_of), am.Policy.giving(max_km=made.max_km)
        anywhere = [replace(lot, max_km=None) for lot in lots]
        return am.GivingProblem(needs, anywhere, as_of=made.as_of), am.Policy.giving()


INSTANCES: Mapping[str, Instance] = {
    "toy": Instance(synthetic.toy, radius=True),
    "county": Instance(synthetic.county, radius=True),
    "city": Instance(synthetic.liaocheng_2017, radius=True),
    "city-all-pairs": Instance(synthetic.liaocheng_2017, radius=False),
}
