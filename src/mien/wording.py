"""Words that commands, pages and reports share: how many of a thing, and what is wrong with a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MISSING: Final = "there is no such file or folder"
"""What is said of a path that leads nowhere, whoever looks."""

_PLAINLY: Final = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "expected a whole number",
    "Input should be a valid number, unable to parse string as a number": "expected a number",
    "Input should be less": "expected a number less",
    "Input should be greater": "expected a number greater",
    "Input should be ": "expected ",
}
"""What the libraries that check options and settings say, and what people say."""


def plainly(told: str) -> str:
    """Return in plain words what a library says is wrong with a value."""
    for library, plain in _PLAINLY.items():
        told = told.replace(library, plain)
    return told


def reason(error: Exception) -> str:
    """Return why something failed, on one line, without the file's name, which a message has already."""
    if isinstance(error, UnicodeDecodeError):
        return 'it is not UTF-8 text; save a spreadsheet as "CSV UTF-8"'
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MISSING
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    return getattr(error, "strerror", None) or str(error).partition("\n")[0]


def count(many: int, thing: str, things: str = "") -> str:
    """Write how many: 1 day, 2 days, 1,200 days.

    Args:
        many: the number.
        thing: its noun for one.
        things: its noun for several, where that is not the first with an "s".
    """
    return f"{many:,} {thing if many == 1 else things or f'{thing}s'}"


def first_few(names: Iterable[str], most: int = 5) -> str:
    """Write the first of many names, and how many more there are: a, b and 12 more."""
    told = list(names)
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
