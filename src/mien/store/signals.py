"""What body sensors say beside a face: figures of a recording's windows, never the waves themselves.

A window has up to some dozens of figures, and a window begins every ten seconds: with a row for each figure,
names and numbering would take many times the room of the numbers. So a row holds the figures that came in
together, of one signal that a consent names: what needs that consent is found without reading them. While a
recording is open its rows are small; when it ends they are packed into one for each signal, in which a figure
takes about six bytes.
"""

from __future__ import annotations

import json
import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.signals.types import Figure
from mien.store import seals
from mien.store.codec import UnreadableError
from mien.store.figures import forget
from mien.store.ledger import Ledger, Part, find_recording
from mien.store.schema import RecordingRow, SignalRow
from mien.store.types import BODY
from mien.store.validation import checked_text

FEW: Final = 1_000
"""So many figures of one signal at once are packed as they come."""

MOST: Final = 20_000
"""A row has at most so many figures: reading one must not fill the memory."""

_FORMAT: Final = b"\x01"
_DIGITS: Final = 6
"""Digits of a figure that are kept; no sensor has as many."""
_MILLISECONDS: Final = 3
_LONGEST_NAME: Final = 200

_SIGNALS: Final = {
    "heart_rate": "heart", "rmssd_ms": "heart", "pnn50": "heart", "hf_ms2": "heart", "lf_ms2": "heart",
    "sdnn_ms": "heart",
    "skin_level": "skin", "skin_slope": "skin", "skin_responses": "skin", "skin_response_sum": "skin",
    "muscle_activity": "muscles",
    "frontal_asymmetry": "brain",
    "breathing_rate": "respiration",
    "skin_temperature": "temperature",
}  # fmt: skip


class BodySignals(Part):
    """What body sensors say, of all recordings."""

    def add(self, recording_id: int, figures: Sequence[Figure]) -> None:
        """Add figures to a recording that is being written; all of them or none.

        Args:
            recording_id: of a recording that is open.
            figures: in seconds from its start. Times are kept to the millisecond, values to six digits and
                qualities to four decimals.

        Raises:
            ConsentError: no consent that names what is in them held when they were recorded, or it was
                withdrawn.
            StoreError: there is no such recording, it isn't open, a figure is none that can be stored, or it
                can't be written.
        """
        by_signal: dict[str, list[Figure]] = defaultdict(list)
        for each in figures:
            by_signal[signal_of(checked(each).measure)].append(each)
        with self._database.transaction() as session:
            row = find_recording(session, recording_id, lock=True)
            if row.state != "open":
                raise StoreError(
                    f"recording {recording_id} is {row.state}: what a body says is added while it is open"
                )
            for signal, own in by_signal.items():
                first_s, last_s = min(each.start_s for each in own), max(each.end_s for each in own)
                self._ledger.require_consent_between(session, row, first_s, last_s, signal)
                _add(session, self._ledger, row, signal, own, packed=len(own) >= FEW)
            if by_signal:
                forget(session, row)

    def of(self, recording_id: int, *signals: str) -> tuple[Figure, ...]:
        """Return a recording's figures, also while it is being written.

        Args:
            recording_id: of which recording.
            *signals: only these of `types.BODY`; all when left out.

        Returns:
            By where their windows start, in seconds from the recording's start; nothing where no sensor was
            there, or nobody had agreed that it is recorded.

        Raises:
            StoreError: there is no such recording, or it is damaged.
        """
        with self._database.reading() as session:
            subject_id = find_recording(session, recording_id).subject_id
            found = [
                figure
                for row in session.scalars(_rows(recording_id, *signals))
                for figure in _unwritten(row.data)
            ]
        self._audit.read(subject_id, "readings", recording_id)
        return tuple(sorted(found, key=attrgetter("start_s", "end_s")))

    def kept(self, recording_id: int) -> tuple[str, ...]:
        """Return of which of `types.BODY` a recording has figures."""
        with self._database.reading() as session:
            chosen = select(SignalRow.signal).where(SignalRow.recording_id == recording_id).distinct()
            found = set(session.scalars(chosen))
        return tuple(each for each in BODY if each in found)

    def size_bytes(self, recording_id: int) -> int:
        """Return how much room a recording's figures take; 0 where there are none."""
        with self._database.reading() as session:
            chosen = select(func.sum(func.length(SignalRow.data))).where(
                SignalRow.recording_id == recording_id
            )
            return int(session.scalar(chosen) or 0)

    def pack(self, recording_id: int) -> None:
        """Make few rows of a recording's many; all of it or nothing.

        Raises:
            StoreError: there is no such recording, or it can't be read or written.
        """
        with self._database.transaction() as session:
            pack_signals(session, self._ledger, find_recording(session, recording_id, lock=True))


def signal_of(measure: str) -> str:
    """Return which of `types.BODY` a consent has to name, so that a measure may be recorded.

    Raises:
        StoreError: it is no measure of a body.
    """
    found = "brain" if measure.startswith("eeg_") else _SIGNALS.get(measure)
    if found is None:
        raise StoreError(f"signals: expected a measure such as {', '.join(_SIGNALS)}, received {measure!r}")
    return found


def checked(figure: Figure) -> Figure:
    """Return a figure back if it can be stored.

    Raises:
        StoreError: it can't be.
    """
    signal_of(figure.measure)
    checked_text("signals", figure.signal)
    numbers = (figure.start_s, figure.end_s, figure.quality, figure.value or 0.0)
    if (
        all(map(math.isfinite, numbers))
        and 0 <= figure.start_s < figure.end_s
        and 0 <= figure.quality <= 1
        and len(figure.signal) <= _LONGEST_NAME
        and len(figure.unit) <= _LONGEST_NAME
    ):
        return figure
    raise StoreError(
        "signals: expected a window within the recording, a finite value or none and a quality from 0 to 1,"
        f" received {figure}"
    )


def pack_signals(session: Session, ledger: Ledger, recording: RecordingRow) -> None:
    """Pack what came in row after row; that this was altered before stays known."""
    rows = session.scalars(_rows(recording.id).where(SignalRow.packed.is_(False))).all()
    by_signal: dict[str, list[Figure]] = defaultdict(list)
    for row in rows:
        by_signal[row.signal] += _unwritten(row.data)
    found = seals.unpacked_hash(session, recording.id, SignalRow)
    if found != recording.signals_hash:
        altered: seals.Rows = {f"signal_rows/{recording.id}": [found or seals.NOTHING, None]}
        ledger.log(session, "change", recording.subject_id, altered, what="signals", recording=recording.id)
    recording.signals_hash = None
    if rows:
        loose = SignalRow.recording_id == recording.id, SignalRow.packed.is_(False)
        session.execute(delete(SignalRow).where(*loose))
    for signal, own in by_signal.items():
        _add(session, ledger, recording, signal, own, packed=True)


def _add(
    session: Session,
    ledger: Ledger,
    recording: RecordingRow,
    signal: str,
    figures: list[Figure],
    *,
    packed: bool,
) -> None:
    """Put figures of one signal at the end of a recording's rows, bound to the log."""
    sealed: seals.Rows = {}
    for first in range(0, len(figures), MOST):
        some = figures[first : first + MOST]
        last = session.scalar(
            select(func.max(SignalRow.number)).where(SignalRow.recording_id == recording.id)
        )
        cells: dict[str, Any] = {
            "recording_id": recording.id, "number": 0 if last is None else last + 1,
            "signal": signal, "packed": packed, "rows": len(some), "data": _written(some),
            "start_s": min(each.start_s for each in some), "end_s": max(each.end_s for each in some),
        }  # fmt: skip
        session.execute(insert(SignalRow).values(cells))
        if packed:
            name = seals.packed_name(SignalRow, recording.id, cells["number"])
            sealed[name] = [None, seals.seal_cells(session, recording.subject_id, SignalRow, cells)]
        else:
            recording.signals_hash = seals.chained(recording.signals_hash, cells, SignalRow)
    if sealed:
        ledger.log(session, "add", recording.subject_id, sealed, what="signals", recording=recording.id)


def _rows(recording_id: int, *signals: str) -> Any:
    chosen = select(SignalRow).where(SignalRow.recording_id == recording_id).order_by(SignalRow.number)
    return chosen.where(SignalRow.signal.in_(signals)) if signals else chosen


def _written(figures: Sequence[Figure]) -> bytes:
    """Return figures in little room: each series' names once, the rest column by column."""
    series = list(dict.fromkeys((each.signal, each.measure, each.unit) for each in figures))
    numbers = {names: number for number, names in enumerate(series)}
    columns = [
        [numbers[each.signal, each.measure, each.unit] for each in figures],
        _steps(round(each.start_s * 10**_MILLISECONDS) for each in figures),
        [round((each.end_s - each.start_s) * 10**_MILLISECONDS) for each in figures],
        [None if each.value is None else float(f"{each.value:.{_DIGITS}g}") for each in figures],
        [round(each.quality, 4) for each in figures],
    ]
    return _FORMAT + zlib.compress(json.dumps([series, *columns], separators=(",", ":")).encode(), 9)


def _unwritten(data: bytes) -> list[Figure]:
    try:
        if data[:1] != _FORMAT:
            raise ValueError("written by a newer Mien")
        series, *columns = json.loads(zlib.decompress(data[1:]))
        found, start = [], 0
        for number, step, length, value, quality in zip(*columns, strict=True):
            start += step
            signal, measure, unit = series[number]
            found.append(
                Figure(
                    start / 10**_MILLISECONDS, (start + length) / 10**_MILLISECONDS,
                    signal, measure, unit, value, quality,
                )
            )  # fmt: skip
    except (ValueError, IndexError, TypeError, zlib.error) as error:
        raise UnreadableError(f"what a body's sensors said can't be read: {error}") from error
    return found


def _steps(times: Iterable[int]) -> list[int]:
    before, steps = 0, []
    for each in times:
        steps.append(each - before)
        before = each
    return steps
