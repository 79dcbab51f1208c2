"""Rows in: the protocol of a source, the built-in sources, and `read`, which makes records of their rows."""

from aidmatch.sources.sql import Sql

__all__ = ["Sql"]
