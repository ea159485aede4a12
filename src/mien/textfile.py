"""Texts that people write by hand, with whatever editor."""

from __future__ import annotations

import codecs
from pathlib import Path


def read_text(path: Path) -> str:
    """Read a text file.

    Editors and PowerShell on Windows put a byte order mark before a text, and some write UTF-16: the mark
    says which it is, and is no part of the text.

    Args:
        path: UTF-8, or UTF-16 with its byte order mark.

    Returns:
        The text, its lines ended by a line feed alone.

    Raises:
        OSError: it can't be read.
        UnicodeDecodeError: it is in another encoding.
    """
    text = path.read_bytes().decode(encoding_of(path))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(path: Path) -> str:
    """Return how a text file is encoded, by its byte order mark: "utf-16", or else "utf-8-sig".

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
