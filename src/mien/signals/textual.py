"""The text of a file of numbers: unpacked, decoded, and never more of it than fits."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO, Final

from mien.errors import SourceError

MOST_BYTES: Final = 500_000_000
"""A night of five channels at 256 Hz as text."""


def text_of(path: Path) -> str:
    """Return the text of a table, also of one in .gz; UTF-8, UTF-16 or Latin-1, with plain ends of lines.

    Raises:
        SourceError: it is damaged, too large or no text.
    """
    with path.open("rb") as opened:
        data = unpacked(opened, path) if path.suffix.lower() == ".gz" else limited(opened, path)
    return decoded(data, path)


def unpacked(packed: IO[bytes], origin: object) -> bytes:
    """Return what gzip packed, as far as it isn't too large.

    Raises:
        SourceError: it is damaged or too large.
    """
    try:
        with gzip.open(packed) as opened:
            return limited(opened, origin)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{origin}: is damaged: {error}") from error


def limited(opened: IO[bytes] | gzip.GzipFile, origin: object) -> bytes:
    """Return all that can be read, if it isn't too much.

    Raises:
        SourceError: it is too large.
    """
    data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise SourceError(
            f"{origin}: is too large: tables of up to {MOST_BYTES // 1_000_000} MB of text can be read; cut"
            " it in pieces"
        )
    return data


def decoded(data: bytes, origin: object) -> str:
    """Return bytes as text.

    Raises:
        SourceError: they are none.
    """
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise SourceError(f"{origin}: is no text")


def _encodings(data: bytes) -> tuple[str, ...]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16",)
    start = data[:400]
    if len(start) >= 4 and b"\x00" in start:  # UTF-16 without its mark
        return ("utf-16-le",) if start[1::2].count(0) > start[::2].count(0) else ("utf-16-be",)
    return ("utf-8-sig", "latin-1")
