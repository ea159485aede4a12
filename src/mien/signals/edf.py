"""EDF and BDF, also with headers that are wrong: what can be read is read, and notes say how.

edfio reads the samples. The header is looked at first, as it is a few hundred letters that many programs fill
in by hand, so to speak: in another alphabet, with decimal commas, with a length that isn't its own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.signals.figures_edf import read_back, zone_written
from mien.signals.kinds import kind_of
from mien.signals.types import Mark, Signal, Signals, check_size, even_times, slowed, slowed_by, usable

_PIECE_S: Final = 60.0
_FIXED: Final = 256
"""Bytes before the signals' part, and of each signal in it."""
_LABEL, _TRANSDUCER, _UNIT = slice(0, 16), slice(16, 96), slice(96, 104)
_NUMBERS: Final = slice(104, 136)
_COUNT: Final = slice(216, 224)
"""Where a signal's fields would be if each signal's stood together; in the file each field's do."""


def read_edf(file: Path) -> Signals:
    """Read EDF, EDF+, BDF or BDF+.

    Raises:
        SourceError: its header says nothing that can be, or there is no whole data record.
        Exception: whatever edfio raises of a damaged file.
    """
    import edfio

    bdf = file.suffix.lower() == ".bdf"
    header = _Header.of(file, 3 if bdf else 2)
    source: Any = file
    if header.repaired is not None:
        data = header.repaired + file.read_bytes()[len(header.repaired) :]
        source = io.BytesIO(data)
    read: Any = (edfio.read_bdf if bdf else edfio.read_edf)(source)
    notes = list(header.notes)
    ordinary = [each for each in header.signals if not each.annotations]
    records = read.num_data_records
    check_size(
        file,
        records
        * sum(
            field.per_record / slowed_by(each.sampling_frequency)
            for each, field in zip(read.signals, ordinary, strict=True)
        ),
    )
    try:
        starts = None if read.is_continuous else _record_starts(file, header)
    except ValueError:  # its annotations are damaged, and the records' times stand in them
        starts = None
    signals = []
    for each, field in zip(read.signals, ordinary, strict=True):
        rate = each.sampling_frequency
        unit = field.unit if field.calibrated else ""
        if not field.calibrated:
            notes.append(f"{field.label}: its header gives no range, so its values have no unit")
        if starts is None:
            values, rate, said = _slowed(each, rate, read.duration)
            notes += [f"{field.label}: {said}"] * bool(said)
            times = even_times(len(values), rate)
        else:
            values, size = np.asarray(each.data, np.float64), field.per_record
            within = np.arange(size) / rate
            times = (np.array(starts[: len(values) // size])[:, None] + within).ravel()
            values, times, _ = usable(values[: len(times)], times)
        kind = kind_of(field.label, field.unit, field.transducer)
        if (own := read_back(each)) is not None:
            kind, values = own
        signals.append(Signal(field.label, kind, unit, values, times, str(file)))
    marks = _annotations(read, notes)
    try:
        zone = zone_written(read.local_recording_identification)
        start = datetime.combine(read.startdate, read.starttime, zone)
    except ValueError:  # an anonymous date, or none that exists
        return Signals(tuple(signals), marks, None, (*notes, "start: its header doesn't say on which day"))
    return Signals(tuple(signals), marks, start, tuple(notes))


def _slowed(signal: Any, rate_hz: float, duration_s: float) -> tuple[NDArray[np.float64], float, str]:
    """Return a signal's values, their rate and what to say of it; a fast one is read piece by piece."""
    if slowed_by(rate_hz) == 1:
        return slowed(np.asarray(signal.data, np.float64), rate_hz)
    parts, width = [], slowed_by(rate_hz)
    step_s = max(1, round(_PIECE_S * rate_hz / width)) * width / rate_hz
    for start in np.arange(0, duration_s, step_s):
        piece = signal.get_data_slice(float(start), float(min(start + step_s, duration_s)))
        parts.append(slowed(np.asarray(piece, np.float64), rate_hz))
    return np.concatenate([each[0] for each in parts]), *parts[0][1:]


def _annotations(read: Any, notes: list[str]) -> tuple[Mark, ...]:
    try:
        found = read.annotations
    except (ValueError, IndexError) as error:
        notes.append(f"its annotations are damaged and were left out: {' '.join(str(error).split())}")
        return ()
    return tuple(Mark(float(each.onset), each.text) for each in found)


@dataclass(frozen=True, slots=True)
class _Field:
    """What the header says of one signal."""

    label: str
    transducer: str
    unit: str
    calibrated: bool
    per_record: int

    @property
    def annotations(self) -> bool:
        return self.label in ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True, slots=True)
class _Header:
    """The header.

    Attributes:
        signals: all, also those of annotations.
        sample_bytes: of each sample.
        length: of itself, in bytes.
        repaired: what it should have been; None where it is right.
        notes: what was wrong.
    """

    signals: tuple[_Field, ...]
    sample_bytes: int
    length: int
    repaired: bytes | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, file: Path, sample_bytes: int) -> _Header:
        with file.open("rb") as opened:
            fixed = opened.read(_FIXED)
            count = _whole(fixed[252:256])
            if len(fixed) < _FIXED or count is None or not 1 <= count <= 9999:
                raise SourceError(f"{file}: its header is damaged: it doesn't say how many signals it has")
            rest = opened.read(_FIXED * count)
        if len(rest) < _FIXED * count:
            raise SourceError(f"{file}: its header is damaged or cut off: it names {count} signals")
        length, notes = _FIXED * (count + 1), []
        made = bytearray((fixed + rest).replace(b"\x00", b" "))
        if _whole(fixed[184:192]) != length:
            notes.append(f"the header gives a wrong length of itself; {length} bytes were taken")
            made[184:192] = f"{length:<8}".encode()
        numbers = [slice(236, 252), _of_all(_NUMBERS, count), _of_all(_COUNT, count)]
        if any(b"," in made[part] for part in numbers):
            notes.append("the numbers of the header have decimal commas")
            for part in numbers:
                made[part] = made[part].replace(b",", b".")
        if not (_number(made[244:252]) or 0) > 0 and any(_count(made, i, count) for i in range(count)):
            raise SourceError(f"{file}: its header is damaged: it gives no length of a data record")
        for number in range(count):
            if _whole(_cell(made, _COUNT, number, count)) is None:
                raise SourceError(f"{file}: its header is damaged: it gives no number of samples")
        signals = tuple(_field(bytes(made), number, count) for number in range(count))
        record = sample_bytes * sum(each.per_record for each in signals)
        if record <= 0 or file.stat().st_size - length < record:
            raise SourceError(f"{file}: it has a header, but no whole data record")
        changed = bytes(made) != fixed + rest
        return cls(signals, sample_bytes, length, bytes(made) if changed else None, tuple(notes))


def _of_all(part: slice, count: int) -> slice:
    """Return where a field of all signals stands in the file."""
    return slice(_FIXED + part.start * count, _FIXED + part.stop * count)


def _cell(header: bytes | bytearray, part: slice, number: int, count: int) -> bytes:
    size = part.stop - part.start
    at = _FIXED + part.start * count + size * number
    return bytes(header[at : at + size])


def _field(header: bytes, number: int, count: int) -> _Field:
    label, transducer, unit = (
        _plain(_cell(header, part, number, count)) for part in (_LABEL, _TRANSDUCER, _UNIT)
    )
    least, most, low, high = (
        _number(_cell(header, slice(at, at + 8), number, count)) for at in range(104, 136, 8)
    )
    calibrated = None not in (least, most, low, high) and least != most and low != high
    return _Field(label, transducer, unit, calibrated, _count(header, number, count))


def _count(header: bytes | bytearray, number: int, count: int) -> int:
    return max(0, _whole(_cell(header, _COUNT, number, count)) or 0)


def _plain(text: bytes) -> str:
    """Return letters as they were meant: the standard knows ASCII alone, and devices write what they like."""
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.decode("latin-1").strip()


def _number(text: bytes | bytearray) -> float | None:
    try:
        return float(bytes(text))
    except ValueError:
        return None


def _whole(text: bytes | bytearray) -> int | None:
    number = _number(text)
    return int(number) if number is not None and number == np.floor(number) and abs(number) < 1e9 else None


def _record_starts(file: Path, header: _Header) -> NDArray[np.float64]:
    """Return when each data record of an EDF+D file starts: by the first entry of its annotations."""
    sizes = [header.sample_bytes * each.per_record for each in header.signals]
    first = next((i for i, each in enumerate(header.signals) if each.annotations), None)
    if first is None:
        raise SourceError(f"{file}: it says that it has gaps, but not when its data records start")
    offset, step = sum(sizes[:first]), sum(sizes)
    data = np.memmap(file, np.uint8, "r", header.length)
    records = data[: len(data) // step * step].reshape(-1, step)[:, offset : offset + min(24, sizes[first])]
    starts = np.array([float(each.tobytes().split(b"\x14")[0]) for each in records])
    return np.asarray(starts - starts[0], np.float64)
