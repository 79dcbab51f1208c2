"""Rows in: the protocol of a source, the built-in sources, and `read`, which makes records of their rows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aidmatch.sources.columnar import ArrowFile, Parquet
    from aidmatch.sources.csv_files import CsvFile
    from aidmatch.sources.excel import Excel
    from aidmatch.sources.frames import Frame
    from aidmatch.sources.json_files import JsonFile, JsonLines
    from aidmatch.sources.mappings import Mappings
    from aidmatch.sources.sql import Sql

__all__ = ["ArrowFile", "CsvFile", "Excel", "Frame", "JsonFile", "JsonLines", "Mappings", "Parquet", "Sql"]

#: Where each public name is defined; imported when it is asked for.
_HOMES: Final = {
    "ArrowFile": "columnar",
    "CsvFile": "csv_files",
    "Excel": "excel",
    "Frame": "frames",
    "JsonFile": "json_files",
    "JsonLines": "json_files",
    "Mappings": "mappings",
    "Parquet": "columnar",
    "Sql": "sql",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
