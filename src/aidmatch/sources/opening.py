"""What a caller may name as a source, made into one: a path, ``scheme:target``, a source, or rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from aidmatch.errors import AidMatchError, PluginError, SourceError
from aidmatch.plugins import Registry
from aidmatch.sources.frames import ArrowStream, Frame, is_frame
from aidmatch.sources.mappings import Mappings
from aidmatch.sources.table import Row, Source

__all__ = ["SOURCES", "blaming", "open_source"]

#: Sources that can be named; each is called with its target and gives a `Source`.
SOURCES: Final = Registry(
    "aidmatch.sources",
    {
        "csv": "aidmatch.sources.csv_files:CsvFile",
        "json": "aidmatch.sources.json_files:JsonFile",
        "jsonl": "aidmatch.sources.json_files:JsonLines",
        "sqlite": "aidmatch.sources.sql:sqlite_file",
        "excel": "aidmatch.sources.excel:Excel",
        "parquet": "aidmatch.sources.columnar:Parquet",
        "arrow": "aidmatch.sources.columnar:ArrowFile",
        "tsv": "aidmatch.sources.csv_files:tab_separated",
    },
)

#: The scheme that reads files of a suffix; a comma or a tab is told by `CsvFile` itself.
_BY_SUFFIX: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".parquet": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
}
# at least two characters, so that C:\x.csv is a path
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_+-]+):(.*)", re.DOTALL)
# user:secret@ in an address (a port before a slash is none), or a setting named password
_PASSWORD = re.compile(
    r"://[^/?#@]*:(?!\d{1,5}(?:[/?#]|$)).*@|(?:^|[\s?&;:])(?:password|passwd|pwd)\s*=", re.IGNORECASE | re.DOTALL
)


def open_source(
    given: str | os.PathLike[str] | Source | ArrowStream | Iterable[Mapping[str, Any] | Row],
) -> tuple[Source, str]:
    """Make a source of what a caller handed over.

    Parameters
    ----------
    given
        A path that ends in a known suffix, ``scheme:target`` for a plug-in, a frame, an object with a method ``rows``,
        or an iterable of mappings.

    Returns
    -------
    The source, and what messages call it.

    Raises
    ------
    SourceError
        ``PASSWORD_IN_TARGET``, ``UNKNOWN_SUFFIX``, or ``NOT_A_SOURCE`` for anything else.
        ``SOURCE_FAILED`` if a plug-in does not take the target.
    PluginError
        If a plug-in is unknown, cannot be imported, or gives no source.
    """
    if isinstance(given, str):
        if _PASSWORD.search(given):
            raise SourceError(
                "the target holds a password; targets appear in messages and files, so give the source an engine or a "
                "connection that knows it",
                code="PASSWORD_IN_TARGET",
            )
        named = _NAMED.fullmatch(given)
        if named:
            scheme, target = named.groups()
            return _named(_plugin(scheme, target), scheme)
    if isinstance(given, str | os.PathLike):
        return _file(given)
    if is_frame(given):  # before sources, for polars has a method rows() of its own
        return _named(Frame(given), "frame")
    if isinstance(given, Source):
        return _named(given, type(given).__name__)
    if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes | bytearray):
        return _named(Mappings(given), "rows")
    raise SourceError(
        f"{type(given).__name__} is no source; give a path, 'scheme:target', a frame, an object with rows(), or a list "
        "of mappings",
        code="NOT_A_SOURCE",
    )


def _named(source: Source, otherwise: str) -> tuple[Source, str]:
    return source, str(getattr(source, "name", None) or otherwise)


def _file(path: str | os.PathLike[str]) -> tuple[Source, str]:
    scheme = _BY_SUFFIX.get(Path(os.fsdecode(path)).suffix.lower())
    if scheme is None:
        # the text is not quoted: it may be the data themselves
        raise SourceError(
            f"a path should end in {', '.join(_BY_SUFFIX)}; 'csv:…', 'excel:…' and so on read a file of any name",
            code="UNKNOWN_SUFFIX",
        )
    module, _, kind = SOURCES.builtin[scheme].partition(":")
    return _named(getattr(import_module(module), kind)(os.fsdecode(path)), "file")


def _plugin(scheme: str, target: str) -> Source:
    make = SOURCES.get(scheme)
    with blaming(scheme):
        source = make(target)
    if not isinstance(source, Source):
        raise PluginError(f"source {scheme!r} gives an object without rows()", code="BROKEN_PLUGIN")
    return source


@contextmanager
def blaming(source: str) -> Iterator[None]:
    """Turn any error of a source's own code into one that names the source.

    Parameters
    ----------
    source
        Its name.

    Raises
    ------
    SourceError
        ``SOURCE_FAILED``, caused by the error. Errors of this library pass as they are.
    """
    try:
        yield
    except AidMatchError:
        raise
    except Exception as error:
        # the error's own words may quote data or a connection's secrets
        raise SourceError(f"source {source!r} failed with {type(error).__name__}", code="SOURCE_FAILED") from error
