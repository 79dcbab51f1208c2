"""Cells of tables that are typed: what is missing, and integers that a table keeps as floats."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["EXACT_FLOAT", "plain"]

#: Floats below this are integers exactly as they were entered.
EXACT_FLOAT: Final = 2**53


def plain(cell: Any, exact: int = EXACT_FLOAT) -> Any:
    """Give a cell as a plain value.

    Parameters
    ----------
    cell
        Whatever a typed table holds.
    exact
        Whole floats below this become integers; from it on they stay floats, which no id and no count accepts.

    Returns
    -------
    None for NaN; an integer for a whole float; else the cell itself.
    """
    if isinstance(cell, float):
        if cell != cell:
            return None
        if cell.is_integer() and abs(cell) < exact:
            return int(cell)
    return cell
