"""One kind of goods in shapes that are hard for different reasons, as arrays and as tables."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from aidmatch.synthetic import GivingInstance
from aidmatch.synthetic.tables import Table

__all__ = ["CATEGORIES", "SHAPES", "Drawn", "as_tables", "drawn"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SHAPES: Final = ("scattered", "villages", "11 hubs", "130 hubs", "earmarked")
CATEGORIES: Final = 4


@dataclass(frozen=True)
class Drawn:
    """Degrees of needs and lots, shapes (2, n) and (2, m); units; rank of category; earmark, 0 for none."""

    of_need: Floats
    of_lot: Floats
    demand: Ints
    supply: Ints
    category: Ints
    earmark: Ints


def drawn(needs: int, lots: int, shape: str, seed: int = 1) -> Drawn:
    """Needs and lots in a box of 1.5 degrees: 1–5 and 1–7 units, categories 10, 20, 30 and 40 %.

    Parameters
    ----------
    needs, lots
        How many.
    shape
        ``scattered``; ``villages``, 557 points for both; ``N hubs``, villages for needs and N points for lots;
        ``earmarked``, scattered, half the lots for one category only.
    seed
        Of everything drawn.
    """
    rng = np.random.default_rng(seed)

    def scatter(size: int) -> Floats:
        return np.array([35.6 + 1.5 * rng.random(size), 115.2 + 1.5 * rng.random(size)])

    if shape in ("scattered", "earmarked"):
        of_need, of_lot = scatter(needs), scatter(lots)
    else:
        villages = scatter(557)
        hubs = villages if shape == "villages" else scatter(int(shape.split()[0]))
        of_need = villages[:, rng.integers(0, 557, needs)]
        of_lot = hubs[:, rng.integers(0, hubs.shape[1], lots)]
    demand, supply = rng.integers(1, 6, needs), rng.integers(1, 8, lots)
    category = rng.choice(CATEGORIES, needs, p=[0.1, 0.2, 0.3, 0.4])
    earmark = np.zeros(lots, dtype=np.int64)
    if shape == "earmarked":
        earmark = np.where(rng.random(lots) < 0.5, rng.integers(1, CATEGORIES + 1, lots), 0)
    return Drawn(of_need, of_lot, demand, supply, category, earmark)


def as_tables(one: Drawn, name: str) -> GivingInstance:
    """The same as tables: one kind, a household for each need, a donor for each lot."""
    n, m = len(one.demand), len(one.supply)
    letters = np.array([b"A", b"B", b"C", b"D"])
    needs = {
        "id": np.char.add(b"N", np.arange(n).astype(bytes)),
        "household_id": np.char.add(b"H", np.arange(n).astype(bytes)),
        "item": np.full(n, b"coat"),
        "quantity": one.demand,
        "unit": np.full(n, b"piece"),
        "category": letters[one.category],
        "lat": one.of_need[0],
        "lon": one.of_need[1],
        "approval": np.full(n, b"approved"),
        "registered_on": np.full(n, np.datetime64("2017-05-01")),
    }
    lots = {
        "id": np.char.add(b"L", np.arange(m).astype(bytes)),
        "donor_id": np.char.add(b"D", np.arange(m).astype(bytes)),
        "item": np.full(m, b"coat"),
        "quantity": one.supply,
        "unit": np.full(m, b"piece"),
        "lat": one.of_lot[0],
        "lon": one.of_lot[1],
        "only_categories": np.append(b"", letters)[one.earmark],
    }
    return GivingInstance(name, date(2017, 12, 1), 200.0, {"needs": Table(needs), "donations": Table(lots)}, {})
