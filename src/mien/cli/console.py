"""What several commands print: errors, JSON, and the progress of long work."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date
from typing import Any, Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Interrupted(Exception):  # noqa: N818
    """Ctrl-C was pressed, and this is what to do about it."""


def escape_unwritable() -> None:
    """Let standard output and error write what their encoding lacks as escapes, as Python writes them.

    On Windows, and where the locale says so, a terminal or file takes only some characters; and a file's name
    may hold bytes that are no text at all.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_error(message: str) -> None:
    """Print what failed, in one line on standard error; no file's name in it steers the terminal."""
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", message)
    print(f"mien: error: {line}", file=sys.stderr)


def print_json(value: Any) -> None:
    """Print a value for a program to read; our frozen values as objects, times as ISO 8601."""
    # Where the output lacks characters, they are written as JSON's own escapes and not as Python's.
    plain = not (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=plain, default=_plain))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"expected a value for JSON, received {value!r}")


@contextmanager
def progress_bar(what: str, total: float, *, wanted: bool = True) -> Iterator[Callable[[float], None]]:
    """Show a bar on standard error, where that is a terminal.

    Args:
        what: what is going on, in a word.
        total: how much there is to do.
        wanted: False shows nothing.

    Yields:
        A function that takes how much is done.
    """
    if not (wanted and sys.stderr.isatty()):
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
