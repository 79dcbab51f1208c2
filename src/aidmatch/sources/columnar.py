"""Parquet and Arrow files, batch by batch."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aidmatch.errors import SourceError
from aidmatch.plugins import from_extra
from aidmatch.sources.cells import plain
from aidmatch.sources.files import open_file
from aidmatch.sources.table import Row

__all__ = ["ArrowFile", "Parquet"]

_BATCH: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Batches(ABC):
    """A file of batches of columns; its kind says how it is opened."""

    path: str | os.PathLike[str]

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns.

        Raises
        ------
        SourceError
            As `rows` raises.
        """
        with self._open() as (names, _):
            if len(set(names)) < len(names):
                raise SourceError(f"{self.name} has two columns of one name", code="DUPLICATE_COLUMN")
            return tuple(names)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row, numbered from 1.

        Parameters
        ----------
        table
            Ignored: a file is one table.

        Yields
        ------
        Row
            One row of plain values.

        Raises
        ------
        SourceError
            ``NOT_FOUND``, ``UNREADABLE``; ``DUPLICATE_COLUMN``.
        """
        with self._open() as (_, batches):
            yield from _rows(batches)

    @abstractmethod
    def _open(self) -> AbstractContextManager[tuple[list[str], Iterator[Any]]]:
        """Give the names of the columns, and the batches."""


class Parquet(_Batches):
    """A Parquet file. Nulls and NaN are empty cells; whole floats below 2⁵³ are integers.

    Parameters
    ----------
    path
        A regular file.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` without pyarrow.
    """

    __slots__ = ()

    @contextmanager
    def _open(self) -> Iterator[tuple[list[str], Iterator[Any]]]:
        with from_extra("parquet"):
            import pyarrow
            from pyarrow import parquet
        with open_file(self.path) as file, _refusing(self.name, "Parquet", pyarrow.ArrowException):
            opened = parquet.ParquetFile(file)
            yield opened.schema_arrow.names, opened.iter_batches(batch_size=_BATCH)


class ArrowFile(_Batches):
    """A file of Arrow batches: Feather (version 2), or a stream of them. Otherwise as `Parquet`.

    Parameters
    ----------
    path
        A regular file.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` without pyarrow.
    """

    __slots__ = ()

    @contextmanager
    def _open(self) -> Iterator[tuple[list[str], Iterator[Any]]]:
        with from_extra("parquet"):
            import pyarrow
            from pyarrow import ipc
        with open_file(self.path) as file, _refusing(self.name, "Arrow", pyarrow.ArrowException):
            start = file.read(6)
            file.seek(0)
            if start == b"ARROW1":
                whole = ipc.open_file(file)
                yield whole.schema.names, map(whole.get_batch, range(whole.num_record_batches))
            else:
                stream = ipc.open_stream(file)
                yield stream.schema.names, stream


@contextmanager
def _refusing(name: str, kind: str, errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except (errors, OSError) as error:  # its own words may quote data
        raise SourceError(f"{name} cannot be read as {kind}: {type(error).__name__}", code="UNREADABLE") from None


def _rows(batches: Iterator[Any]) -> Iterator[Row]:
    number = 0
    for batch in batches:
        names = batch.schema.names
        for start in range(0, batch.num_rows, _BATCH):
            part = batch.slice(start, _BATCH)
            for cells in zip(*(column.to_pylist() for column in part.columns), strict=True):
                number += 1
                yield Row(number, dict(zip(names, map(plain, cells), strict=True)))
