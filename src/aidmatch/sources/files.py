"""Files of UTF-8 bytes: opened, or refused with a reason."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import BinaryIO

from aidmatch.errors import SourceError

__all__ = ["open_file", "without_mark"]


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes.

    Parameters
    ----------
    path
        A regular file. Pipes are refused, since a header is read before the rows are.

    Returns
    -------
    The open file.

    Raises
    ------
    SourceError
        ``NOT_FOUND`` if there is no such file, ``UNREADABLE`` if it is something else or may not be read.
    """
    name = os.fspath(path)
    try:
        if os.path.exists(name) and not os.path.isfile(name):
            raise SourceError(f"{name!r} is not a regular file", code="UNREADABLE")
        return Path(name).open("rb")
    except (FileNotFoundError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise SourceError(f"there is no file {name!r}", code="NOT_FOUND") from error
    except OSError as error:
        raise SourceError(f"{name!r} cannot be opened: {error.strerror}", code="UNREADABLE") from error


def without_mark(start: bytes, source: str) -> bytes:
    """Take the UTF-8 byte order mark, if there is one, from the start of a file.

    Parameters
    ----------
    start
        The file's first bytes, at least four if it has them.
    source
        Name of the source, for the message.

    Returns
    -------
    The same bytes without the mark.

    Raises
    ------
    SourceError
        ``BAD_ENCODING`` if they are UTF-16 or UTF-32.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start[:4]:
        raise SourceError(f"{source} is UTF-16 or UTF-32; save it as UTF-8", code="BAD_ENCODING")
    return start.removeprefix(codecs.BOM_UTF8)
