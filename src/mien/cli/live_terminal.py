"""What `mien live` says on the terminal: which cameras are on, what the sources show, what is recorded."""

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

from mien.analysis.summary import describe_models
from mien.cli.console import print_error
from mien.config import Settings
from mien.errors import ConfigError
from mien.live.inputs import PORTRAIT
from mien.live.purpose import read_purpose
from mien.live.reading import Reading
from mien.live.recorder import Recorder
from mien.live.status import OVER, NeutralStatus, SourceStatus
from mien.record.finalize import recover
from mien.record.origin import source_words
from mien.record.writer import RecordStatus
from mien.store.store import Store
from mien.wording import count

LINE_EVERY_S: Final = 5.0
"""Where there is no terminal, a line about each source comes this often."""

_LOOK_EVERY_S: Final = 0.5
_ON: Final = ("running", "away", "stalled")

Show = Callable[[Sequence[SourceStatus], dict[str, Reading]], None]
"""Shows how the sources are doing, and the newest reading of each."""


class Announcer:
    """Prints on standard error when a camera goes on and off, and what goes wrong.

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
        """Print what has changed."""
        for status in statuses:
            last = self._last.get(status.name)
            # What came and went between two looks was on, too.
            was_on = status.frames_read > (last.frames_read if last else 0)
            changed = last is None or (last.state, last.note) != (status.state, status.note)
            if changed or (was_on and status.name not in self._on):
                self._tell(status, was_on)
            self._last[status.name] = status
        for name in set(self._last) - {status.name for status in statuses}:
            self._turn_off(self._last.pop(name))
        self._also()

    def heard(self, source: str, statuses: Callable[[], Sequence[SourceStatus]]) -> None:
        """Print that a camera is on if that wasn't printed yet, before a reading of it is shown.

        Args:
            source: whose reading it is.
            statuses: asked only where it has to be; they are of after the reading, and count its frame.
        """
        if source not in self._on:
            self.look(statuses())

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
    """Return in one line how a source is doing and what it shows.

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
    """Return whether it may watch somebody now, which is all but the portrait and a file."""
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
    """Return whether nothing more is to be hoped for: it ended, failed, or could not be opened at all."""
    return status.state in OVER or (status.state == "waiting" and not status.frames_read)


FINISH_S: Final = 60.0
"""After the session is closed, what is left to do for the recording gets so long."""

_CHOOSE: Final = "nothing is stored until someone says which face is the subject's"


def check_one(sources: Sequence[object]) -> None:
    """Check at the door that one subject's record can be kept.

    Raises:
        ConfigError: there are several sources, or visitors are counted.
    """
    if len(sources) > 1:
        raise ConfigError(f"--subject records one source, received {len(sources)}: give only one")
    if read_purpose() == "venue":
        raise ConfigError(
            "--subject records one person, but the purpose venue is for counting people whom nobody"
            " identifies: choose --purpose self, research or clinic"
        )


@contextmanager
def recording(code: str, where: str | None, settings: Settings) -> Iterator[Recorder]:
    """Record a subject while the block runs, and say at the end what is stored.

    Args:
        code: the subject's.
        where: the store; see `Store`.
        settings: of the run.

    Raises:
        StoreError: there is no such subject, they have not agreed, or the store can't be used.
        ModelError: a network is missing.
    """
    with Store(where, create=False) as store:
        recover(store)
        recorder = Recorder(
            store, store.subjects.get(code),
            models=describe_models(settings), settings=settings.model_dump(mode="json"),
        )  # fmt: skip
        try:
            yield recorder
        finally:
            if not recorder.close(0):
                _say(f"finishing the record of {code}")
                recorder.close(FINISH_S)
            for status in recorder.statuses():
                _say(_told(status, store))


def _told(status: RecordStatus, store: Store) -> str:
    recording = store.recordings.find(status.uuid)
    if recording is None:
        return f"the recording of {status.subject} is no longer in the store"
    coverage = f", {recording.coverage:.0%} of it read" if recording.coverage is not None else ""
    rarely = f"; {status.too_rarely}" if status.too_rarely else ""
    body = f", with {' and '.join(status.signals)}" if status.signals else ""
    size = (store.readings.size_bytes(recording.id) + store.signals.size_bytes(recording.id)) / 1e6
    return (
        f"recorded {status.subject}: {recording.length_s / 60:.1f} min"
        f" from {source_words(status.source)}{coverage}{body}, {size:.1f} MB in {store.where}{rarely}"
    )


class RecordTeller:
    """Prints on standard error what changes in a recording.

    Args:
        recorder: whose recording.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._last: RecordStatus | None = None
        self._refused: str | None = None

    @property
    def promise(self) -> str:
        """What happens to the pictures and readings, in a few words."""
        return f"readings of {self._recorder.subject.code} are stored; pictures are not"

    @property
    def failed(self) -> bool:
        """Whether something could not be recorded."""
        return self._recorder.refused is not None or any(each.stopped for each in self._recorder.statuses())

    def look(self) -> None:
        """Print what has changed."""
        if self._recorder.refused not in (None, self._refused):
            print_error(str(self._recorder.refused))
        self._refused = self._recorder.refused
        now, last = self._recorder.status, self._last
        if now is None:
            return
        if last is None or last.recording != now.recording:
            _say(f"recording {now.subject} from {source_words(now.source)}")
            last = None
        if now.stopped and (last is None or not last.stopped):
            print_error(now.stopped)
        if now.trouble and not now.stopped and (last is None or not last.trouble):
            print_error(f"{now.trouble}; trying again")
        if now.too_rarely and (last is None or not last.too_rarely):
            _say(f"{now.subject} is {now.too_rarely}")
        if now.signals_refused and (last is None or last.signals_refused != now.signals_refused):
            _say(f"{now.subject}: {now.signals_refused}")
        if now.state == "choose" and (last is None or last.state != "choose"):
            _say(f"{now.subject}: {_CHOOSE}")
        self._last = now

    def lines(self) -> list[str]:
        """Return the line that is kept up to date."""
        status = self._recorder.status
        if status is None:
            return []
        if status.stopped:
            return [f"{status.subject}: {status.stopped}"]
        return [f"● recording {status.subject}: {_progress(status)}"]


def _progress(status: RecordStatus) -> str:
    parts = [f"{status.length_s / 60:.1f} min", f"{count(status.stored, 'frame')} stored"]
    # By time, as it is kept: of frames that came rarely, all may show the face, and hardly any time be read.
    if (coverage := status.figures.get("coverage")) is not None:
        parts.append(f"{coverage:.0%} of the time read")
    if (valence := status.figures.get("valence_mean")) is not None:
        parts.append(f"valence {valence:+z.2f}")
    if (smiles := status.figures.get("smiles_per_min")) is not None:
        parts.append(f"{smiles:.1f} smiles a minute")
    if status.signals:
        parts.append(f"{' and '.join(status.signals)} too")
    if status.too_rarely:
        parts.append(status.too_rarely)
    if status.lost:
        parts.append(f"{status.lost} lost")
    if status.state == "choose":
        parts.append(_CHOOSE)
    return ", ".join(parts)
