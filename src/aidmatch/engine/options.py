"""What the engine may do to be fast; the answer is the same whatever is chosen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """Which short cuts the engine takes. No choice changes an answer; `aidmatch.solve` proves each one all the same.

    Parameters
    ----------
    pricing
        Start with near pairs and look for missing ones, rather than build all pairs.
    merging
        Take interchangeable nodes together while solving.
    decomposition
        Solve connected components apart.
    level_merging
        Solve levels in one weighted cost where that provably orders them, or its answer is proven afterwards.
    regions
        Let regions of a large market, each decided alone, say which pairs to start with.
    price_from
        Pairs of a market, eligible or not, above which pricing pays.
    """

    pricing: bool = True
    merging: bool = True
    decomposition: bool = True
    level_merging: bool = True
    regions: bool = True
    price_from: int = 300_000
