"""Versions, read once from the installed distributions."""

from functools import cache
from importlib.metadata import version

__all__ = ["__version__", "version_of"]


@cache  # a distribution's metadata is a file to be parsed
def version_of(distribution: str) -> str:
    """Version of an installed distribution.

    Parameters
    ----------
    distribution
        Its name.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If it is not installed.
    """
    return version(distribution)


__version__ = version_of("aidmatch")
