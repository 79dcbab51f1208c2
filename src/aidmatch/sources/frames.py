"""Frames of any library that narwhals knows: pandas, polars, pyarrow, DuckDB and others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

from aidmatch.errors import SourceError
from aidmatch.plugins import from_extra
from aidmatch.sources.cells import plain
from aidmatch.sources.table import Row

__all__ = ["ArrowStream", "Frame", "is_frame"]

_BATCH: Final = 4_096
_LIBRARIES: Final = frozenset(
    ("pandas", "polars", "pyarrow", "duckdb", "_duckdb", "narwhals", "modin", "cudf", "dask", "ibis")
)


class ArrowStream(Protocol):
    """What offers the Arrow PyCapsule interface, as frames do."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give a stream of batches."""
        ...


def is_frame(thing: Any) -> bool:
    """Tell whether something is a frame, without importing anything.

    Parameters
    ----------
    thing
        Anything.

    Returns
    -------
    Whether it is of a library of frames, or offers the Arrow stream interface.
    """
    kind = type(thing)
    return kind.__module__.split(".")[0] in _LIBRARIES or hasattr(kind, "__arrow_c_stream__")


@dataclass(frozen=True)
class Frame:
    """A frame, row by row. NaN, NaT, NA and null are empty cells; whole floats below 2⁵³ are integers.

    A lazy frame is collected, once.

    Parameters
    ----------
    frame
        Anything narwhals takes, or with the Arrow stream interface.
    name
        What messages call it.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` without narwhals.
    SourceError
        ``NOT_A_SOURCE`` if it is no frame after all, ``DUPLICATE_COLUMN`` if two of its columns have one name.
    """

    frame: Any = field(repr=False)
    name: str = "frame"

    @cached_property
    def _eager(self) -> Any:
        with from_extra("frames"):
            import narwhals as nw
        frame = self.frame
        try:
            made = nw.from_native(frame)
        except TypeError:
            if not hasattr(type(frame), "__arrow_c_stream__"):
                raise SourceError(
                    f"{type(frame).__name__} is no frame of rows and columns", code="NOT_A_SOURCE"
                ) from None
            with from_extra("parquet"):
                import pyarrow
            made = nw.from_native(pyarrow.table(frame))
        except ValueError:
            raise SourceError(f"{self.name} has two columns of one name", code="DUPLICATE_COLUMN") from None
        return made.collect() if isinstance(made, nw.LazyFrame) else made

    @property
    def columns(self) -> tuple[str, ...]:
        """The frame's columns."""
        return tuple(self._eager.columns)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row, numbered from 1.

        Parameters
        ----------
        table
            Ignored: a frame is one table.

        Yields
        ------
        Row
            One row of plain values.
        """
        frame, columns = self._eager, self.columns
        for start in range(0, len(frame), _BATCH):
            part = frame[start : start + _BATCH]
            lists = [_cells(part.get_column(column)) for column in columns]
            for number, cells in enumerate(zip(*lists, strict=True), start=start + 1):
                yield Row(number, dict(zip(columns, cells, strict=True)))


def _cells(column: Any) -> list[Any]:
    return [
        None if missing else plain(cell)
        for cell, missing in zip(column.to_list(), column.is_null().to_list(), strict=True)
    ]
