"""The proof that a flow is optimal at every level, and its exact checking.

The proof is a pair of integer vectors, u_i of each demand and v_j of each
supply, with one entry a level. Let ρ_ij be the vector of reduced costs
c^ℓ_ij − u^ℓ_i − v^ℓ_j, w_i the vector of the costs of a unit left over at i,
and x_ij the flow. What people have pinned is taken off both sides first.
Vectors are compared lexicographically. If

- ρ_ij ≥ 0 for every eligible pair below its limit, and ρ_ij ≤ 0 where x_ij > 0,
- w_i − u_i ≥ 0, and = 0 where something is left over,
- −v_j ≥ 0, and = 0 where something is unused,

then for any feasible flow x' the difference of its costs from those of x is
Σ ρ_ij·(x'_ij − x_ij) + Σ (w_i − u_i)·left'_i + Σ (−v_j)·unused'_j. Below the
limit ρ_ij·x_ij = 0; at the limit ρ_ij ≤ 0 and x'_ij ≤ x_ij. So it is a sum of
vectors that are lexicographically non-negative: no feasible flow is better.
This is weak duality of linear programming over ordered integer vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from aidmatch.arrays import SAFE, Bools, Ints, frozen

__all__ = ["Certificate", "lexicographic_sign", "node_fault"]


def _rows(value: Any) -> Ints:
    if not isinstance(value, list) or any(
        not isinstance(row, list) or any(type(v) is not int or abs(v) > SAFE for v in row) for row in value
    ):
        raise PydanticCustomError("potentials", "potentials are lists of integers in range")
    if len({len(row) for row in value}) > 1:
        raise PydanticCustomError("potentials", "potentials have one length a level")
    return frozen(np.array(value, dtype=np.int64).reshape(len(value), -1 if value and value[0] else 0))


Rows = Annotated[Ints, PlainValidator(_rows), PlainSerializer(lambda rows: rows.tolist())]


@dataclass(frozen=True, eq=False)
class Certificate:
    """Potentials of every demand and supply at every level.

    Parameters
    ----------
    demand_ids, supply_ids
        Ids, sorted, of all that took part.
    u, v
        Potentials, int64, shapes (levels, demands) and (levels, supplies).
    version
        Of this form.
    """

    demand_ids: tuple[str, ...]
    supply_ids: tuple[str, ...]
    u: Rows
    v: Rows
    version: Literal[1] = 1


def lexicographic_sign(rows: Ints) -> Ints:
    """Sign of each column's first non-zero entry.

    Parameters
    ----------
    rows
        Shape (levels, columns); int64.

    Returns
    -------
    −1, 0 or 1 for each column.
    """
    sign = np.zeros(rows.shape[1], dtype=np.int64)
    for row in rows:
        sign = np.where(sign == 0, np.sign(row), sign)
    return sign


def node_fault(slack: Ints, loose: Bools) -> int | None:
    """First node whose slack breaks the conditions.

    Parameters
    ----------
    slack
        w − u of demands or −v of supplies, shape (levels, nodes).
    loose
        Whether anything is left over, or unused, at the node.

    Returns
    -------
    The node's index, or None if all is well.
    """
    sign = lexicographic_sign(slack)
    bad = np.flatnonzero((sign < 0) | ((sign > 0) & loose))
    return int(bad[0]) if bad.size else None
