"""What `mien live` says on the terminal: which cameras are on, how the sources are doing, what they show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Final

import typer

from mien.cli.console import print_error
from mien.live.inputs import PORTRAIT
from mien.live.reading import Reading
from mien.live.status import OVER, NeutralStatus, SourceStatus

LINE_EVERY_S: Final = 5.0
"""Where there is no terminal, a line about each source comes this often."""

_LOOK_EVERY_S: Final = 0.5
_ON: Final = ("running", "away", "stalled")

Show = Callable[[Sequence[SourceStatus], dict[str, Reading]], None]
"""Shows how the sources are doing, and the newest reading of each."""


class Announcer:
    """Says on standard error when a camera goes on and off, and what goes wrong.

    Args:
        promise: what happens to the pictures, in a few words.
        also: is called at each look, to say what else has changed.
    """

    def __init__(self, promise: str, also: Callable[[], None] = lambda: None) -> None:
        self._promise = promise
        self._also = also
        self._last: dict[str, SourceStatus] = {}
        self._on: set[str] = set()

    def look(self, statuses: Sequence[SourceStatus]) -> None:
        """Say what has changed."""
        for status in statuses:
            last = self._last.get(status.name)
            if last is None or (last.state, last.note) != (status.state, status.note):
                # What came and went between two looks was on, too.
                was_on = status.frames_read > (last.frames_read if last else 0)
                self._tell(status, was_on)
            self._last[status.name] = status
        for name in set(self._last) - {status.name for status in statuses}:
            self._turn_off(self._last.pop(name))
        self._also()

    def _tell(self, status: SourceStatus, was_on: bool) -> None:
        if (status.state == "running" or was_on) and status.name not in self._on:
            self._on.add(status.name)
            _say(f"{_kind(status)} on: {_called(status)}; {self._promise}")
        if status.state not in _ON:
            self._turn_off(status)
        if status.state in ("failed", "waiting"):
            print_error(_named(status))
        elif status.state in ("away", "stalled"):
            _say(_named(status))

    def _turn_off(self, status: SourceStatus) -> None:
        if status.name in self._on:
            self._on.remove(status.name)
            _say(f"{_kind(status)} off: {_called(status)}")


@contextmanager
def announced(announcer: Announcer, statuses: Callable[[], Sequence[SourceStatus]]) -> Iterator[None]:
    """Let the announcer look every half second, in a thread, while the block runs."""
    over = Event()

    def keep_looking() -> None:
        while not over.wait(_LOOK_EVERY_S):
            announcer.look(statuses())

    thread = Thread(target=keep_looking, name="mien announcer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1.0)


@contextmanager
def status_display(more: Callable[[], list[str]] = list) -> Iterator[Show]:
    """Show the sources as lines that are kept up to date; without a terminal, as lines now and then.

    Args:
        more: gives lines to show below those of the sources.
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield _now_and_then(more)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    # Printed to standard error, where the announcer's lines go too, so that they come above these.
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as lines:

        def show(statuses: Sequence[SourceStatus], latest: dict[str, Reading]) -> None:
            shown = [*(status_line(status, latest.get(status.name)) for status in statuses), *more()]
            lines.update(Text("\n").join(Text(line) for line in shown), refresh=True)

        yield show


def _now_and_then(more: Callable[[], list[str]]) -> Show:
    due_s = monotonic() + LINE_EVERY_S

    def show(statuses: Sequence[SourceStatus], latest: dict[str, Reading]) -> None:
        nonlocal due_s
        if monotonic() >= due_s:
            due_s = monotonic() + LINE_EVERY_S
            for status in statuses:
                typer.echo(status_line(status, latest.get(status.name)))
            for line in more():
                typer.echo(line)
            sys.stdout.flush()

    return show


@contextmanager
def pressed_keys() -> Iterator[Callable[[], list[str]]]:
    """Read single keys from the terminal while the block runs, without waiting for Enter.

    Yields:
        What gives the keys pressed since it was last asked, in lower case; nothing without a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield list
        return
    if sys.platform == "win32":
        import msvcrt

        def pressed() -> list[str]:
            keys = []
            while msvcrt.kbhit():
                keys.append(msvcrt.getwch().lower())
            return keys

        yield pressed
        return
    import select
    import termios
    import tty

    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)

    def waiting() -> list[str]:
        if not select.select([file], [], [], 0)[0]:
            return []
        return list(os.read(file, 64).decode(errors="replace").lower())

    tty.setcbreak(file)
    try:
        yield waiting
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def status_line(status: SourceStatus, reading: Reading | None) -> str:
    """Say in one line how a source is doing and what it shows.

    Args:
        status: of the source.
        reading: its newest one.
    """
    if status.state != "running":
        return f"{status.name}: {status.state}{f'; {status.note}' if status.note else ''}"
    parts = [_shown(reading)] if reading is not None else []
    if neutral := _neutral_words(status.neutral):
        parts.append(neutral)
    if status.rate_hz is not None:
        parts.append(f"{status.rate_hz:.0f} a second")
    if status.latency_ms is not None:
        parts.append(f"{status.latency_ms:.0f} ms")
    if status.frames_dropped:
        parts.append(f"{status.frames_dropped} dropped")
    on = f"● {_kind(status)} on: " if _is_camera(status) else ""
    return f"{on}{status.name}: {', '.join(parts) or 'running'}"


def _shown(reading: Reading) -> str:
    faces = reading.shown
    if not len(faces):
        return "no face"
    largest = int(faces.size_wh.prod(axis=1).argmax())
    confidence = faces.confidence[largest]
    sure = f" {confidence:.0%}" if confidence == confidence else ""
    more = f" and {len(faces) - 1} more" if len(faces) > 1 else ""
    return f"{faces.labels[largest]}{sure}{more}"


def _neutral_words(neutral: NeutralStatus) -> str:
    if neutral.state == "learning" and neutral.wanted_s is not None:
        return f"look neutral: {neutral.seconds:.1f} of {neutral.wanted_s:g} s"
    if neutral.state == "on":
        return f"own neutral face ({neutral.origin}{'' if neutral.following else ', not in view'})"
    return neutral.note or ""


def _is_camera(status: SourceStatus) -> bool:
    """Say whether it may watch somebody now, which is all but the portrait and a file."""
    where = status.where
    return where != PORTRAIT and (where.startswith("/dev/") or not Path(where).exists())


def _kind(status: SourceStatus) -> str:
    return "camera" if _is_camera(status) else "film"


def _called(status: SourceStatus) -> str:
    return status.name if status.name == status.where else f"{status.name} ({status.where})"


def _named(status: SourceStatus) -> str:
    note = status.note or status.state
    return note if note.startswith((status.name, status.where)) else f"{status.name}: {note}"


def _say(line: str) -> None:
    print(f"mien: {line}", file=sys.stderr, flush=True)


def is_over(status: SourceStatus) -> bool:
    """Say whether nothing more is to be hoped for: it ended, failed, or could not be opened at all."""
    return status.state in OVER or (status.state == "waiting" and not status.frames_read)
