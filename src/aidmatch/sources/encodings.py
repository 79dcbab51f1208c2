"""What the bytes of a text file mean: the byte order mark, else strict UTF-8, else strict GB 18030."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO, Final

from aidmatch.errors import InputError, SourceError

__all__ = ["LineReader", "decoded", "encoding_of", "lines_of"]

#: Gives a line of at most so many bytes (characters, in UTF-16), or nothing at the end.
LineReader = Callable[[int], bytes]

_BLOCK: Final = 1 << 18
_LONGEST: Final = 1 << 20
_MARKS: Final = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
#: GB 2312 and GBK are parts of GB 18030.
_KNOWN: Final = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}
# Ten presentation forms and eight ideographs that GB 18030-2022 moved out of the private use area, where Python's
# codec (GB 18030-2000) still has them; the same eighteen as in glibc's and libiconv's tables of GB18030.
_OF_2022: Final = str.maketrans(
    "\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
    "\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
)


def encoding_of(file: BinaryIO, declared: str | None, source: str) -> tuple[str, bool]:
    """Settle a file's encoding, and set the file to the first byte after its byte order mark.

    A mark decides. Without one, the file is UTF-8 if all of it is. If not, it is GB 18030 where fewer lines are
    wrong as GB 18030 than as UTF-8 and where, of the lines beyond ASCII, most are not UTF-8; else it is UTF-8 with
    lines that are at fault.

    Parameters
    ----------
    file
        At its start.
    declared
        What the caller says: utf-8, gb18030 (gbk, gb2312), utf-16-le or utf-16-be; None to find it out.
    source
        Name of the source, for messages.

    Returns
    -------
    ``utf-8``, ``gb18030``, ``utf-16-le`` or ``utf-16-be``; and whether it was inferred from the lines.

    Raises
    ------
    InputError
        ``UNKNOWN_ENCODING``.
    SourceError
        ``BAD_ENCODING`` if it is UTF-32, or UTF-16 without a mark.
    """
    start = file.read(4)
    named = None if declared is None else _declared(declared)
    marked = next((name for name, mark in _MARKS.items() if start.startswith(mark)), None)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE) or (b"\0" in start and not (named or marked)):
        raise SourceError(
            f"{source} is UTF-32, or UTF-16 without a byte order mark; save it as CSV UTF-8, or say encoding=",
            code="BAD_ENCODING",
        )
    inferred = False
    if named is None:
        file.seek(0)
        named, inferred = (marked, False) if marked else ("utf-8", False) if _is_utf8(file) else _by_lines(file)
    file.seek(len(_MARKS[named]) if named == marked else 0)
    return named, inferred


def decoded(raw: bytes, encoding: str) -> str:
    """Decode the bytes of a line.

    Parameters
    ----------
    raw
        As a `LineReader` gives them.
    encoding
        As `encoding_of` says.

    Returns
    -------
    The text.

    Raises
    ------
    UnicodeDecodeError
        If they mean nothing.
    """
    return raw.decode("gb18030").translate(_OF_2022) if encoding == "gb18030" else raw.decode()


def lines_of(file: BinaryIO, encoding: str) -> LineReader:
    """Read a file by lines that `decoded` understands.

    Parameters
    ----------
    file
        At its first line.
    encoding
        As `encoding_of` says. Lines of UTF-16 come as UTF-8, in which an unpaired surrogate or half a code unit
        stays undecodable.

    Returns
    -------
    The reader.
    """
    return _Utf16(file, encoding).readline if encoding.startswith("utf-16") else file.readline


def _declared(encoding: str) -> str:
    try:
        return _KNOWN[codecs.lookup(encoding).name]
    except LookupError:
        raise InputError(
            "encoding= should be utf-8, gb18030, utf-16-le or utf-16-be", code="UNKNOWN_ENCODING"
        ) from None


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_lines(file: BinaryIO) -> tuple[str, bool]:
    file.seek(0)
    good = bad = bad_gb = 0
    while line := file.readline(_LONGEST):
        if line.isascii():
            continue
        if _decodes(line, "utf-8"):
            good += 1
        else:
            bad += 1
        bad_gb += not _decodes(line, "gb18030")
    return ("gb18030", True) if bad_gb < bad and good < bad else ("utf-8", False)


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class _Utf16:
    """The lines of a UTF-16 file, as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._text = ""
        self._at = 0

    def readline(self, limit: int) -> bytes:
        parts, room = [], limit
        while True:
            end = self._text.find("\n", self._at, self._at + room) + 1
            part = self._text[self._at : end or self._at + room]
            self._at += len(part)
            room -= len(part)
            parts.append(part)
            if end or not room or not self._fill():
                return "".join(parts).encode("utf-8", "surrogatepass")

    def _fill(self) -> bool:
        while True:
            block = self._file.read(_BLOCK)
            try:
                self._text, self._at = self._decoder.decode(block, final=not block), 0
            except UnicodeDecodeError:  # half a code unit at the end
                self._decoder.reset()
                self._text, self._at = "\udcff", 0
            if self._text or not block:
                return bool(self._text)
