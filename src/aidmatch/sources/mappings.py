"""Rows that are already in memory, or come one by one from a generator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aidmatch.sources.table import Row

__all__ = ["Mappings"]


@dataclass(frozen=True, slots=True)
class Mappings:
    """Any iterable of mappings, numbered from 1 in the order they come.

    Parameters
    ----------
    items
        Rows by column. An iterator can be read once.
    name
        What messages call it.
    """

    items: Iterable[Mapping[str, Any] | Row] = field(repr=False)
    name: str = "rows"

    def rows(self, table: str) -> Iterable[Mapping[str, Any] | Row]:
        """Give the rows as they are.

        Parameters
        ----------
        table
            Ignored: an iterable is one table.

        Returns
        -------
        The iterable itself.
        """
        return self.items
