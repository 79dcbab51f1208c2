"""Objective levels as public integer functions: what the formulation optimizes and the check recomputes.

A level is minimized. It charges `unmet_cost(demand)` for each unit of a demand
left over, and, if `metric`, a pair's distance (or its cost in the table of
pairs) for each unit on the pair. A level that is reported as a maximum counts
down from the total of all demands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aidmatch.errors import PolicyError
from aidmatch.policy import Policy

__all__ = ["LevelDefinition", "level_definitions"]


class _Categorised(Protocol):
    @property
    def category(self) -> str: ...


def _nothing(demand: _Categorised) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class LevelDefinition:
    """One objective level.

    Parameters
    ----------
    name
        As it stands in the result.
    unit
        What its value counts.
    unmet_cost
        Cost of one unmet unit of a demand, a non-negative integer.
    metric
        Whether each unit on a pair costs the pair's distance.
    """

    name: str
    unit: str
    unmet_cost: Callable[[_Categorised], int] = _nothing
    metric: bool = False

    @property
    def counts_served(self) -> bool:
        """Whether the reported value is what is served, to be large, rather than a cost, to be small."""
        return not self.metric


def _coverage(policy: Policy, unit: str) -> list[LevelDefinition]:
    def of(category: str) -> Callable[[_Categorised], int]:
        return lambda demand: int(demand.category == category)

    return [LevelDefinition(f"coverage {category}", "units", of(category)) for category in policy.categories]


def _distance(policy: Policy, unit: str) -> list[LevelDefinition]:
    return [LevelDefinition("distance", f"unit·{unit}", metric=True)]


#: Every level a policy can name.
_LEVELS: dict[str, Callable[[Policy, str], list[LevelDefinition]]] = {"coverage": _coverage, "distance": _distance}


def level_definitions(policy: Policy, unit: str) -> tuple[LevelDefinition, ...]:
    """Spell out a policy's levels.

    Parameters
    ----------
    policy
        Names the levels; ``coverage`` becomes one level a category.
    unit
        Unit of a pair's cost.

    Returns
    -------
    The levels, from the highest to the lowest.

    Raises
    ------
    PolicyError
        ``UNKNOWN_LEVEL`` for a name that is not known.
    """
    for name in policy.levels:
        if name not in _LEVELS:
            raise PolicyError(f"no level {name!r}; known: {', '.join(_LEVELS)}", code="UNKNOWN_LEVEL")
    return tuple(level for name in policy.levels for level in _LEVELS[name](policy, unit))
