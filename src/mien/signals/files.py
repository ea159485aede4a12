"""Files of signals, by the readers that their own fields keep: WFDB, EDF and BDF, XDF, BrainVision, FIF.

Each gives `Signals`. `read_signals` chooses by what the file is called.
"""

from __future__ import annotations

import gzip
import io
import logging
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ConfigError, MienError, SourceError
from mien.signals.boards import read_brainflow
from mien.signals.drift import drift_of
from mien.signals.edf import read_edf
from mien.signals.empatica import is_empatica, read_empatica
from mien.signals.kinds import kind_of
from mien.signals.table import TimeUnit, read_table_of_signals
from mien.signals.types import (
    UNIT_FACTORS,
    Kind,
    Mark,
    Signal,
    Signals,
    check_size,
    even_times,
    plain_unit,
    slowed,
    slowed_by,
    usable,
    with_kinds,
)
from mien.wording import MISSING, reason

_MOST_DEFLATED: Final = 1032
"""How many bytes gzip can make of one."""
_XDF_VALUE_BYTES: Final = 4
_LEAST_SAID_PPM: Final = 1.0
"""An hour of a smaller drift is 4 ms."""
_TABLES: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")


def read_signals(
    path: str | Path,
    time_unit: TimeUnit | None = None,
    *,
    kinds: Mapping[str, Kind] | None = None,
    board: str | None = None,
) -> Signals:
    """Read a file of body signals.

    Args:
        path: a WFDB record (.hea, or its .dat, .mat or .atr), EDF or BDF (.edf, .bdf), XDF (.xdf, .xdfz),
            BrainVision (.vhdr, or its .eeg or .vmrk), FIF (.fif), a folder or zip of an Empatica E4, or a
            table with a column of times (.csv, .tsv, .txt, also with .gz).
        time_unit: of a table's column of times, where that doesn't say it.
        kinds: what channels are, by name, where the file says it wrongly or not; see `with_kinds`.
        board: which of BrainFlow's boards wrote a table without a header: "cyton", "muse-2", "synthetic".

    Returns:
        Its signals on one clock, marks, and in `notes` what was noticed.

    Raises:
        ConfigError: there is no such signal, kind, unit or board.
        SourceError: it is missing, is none of these, is damaged, too large or has no signals.
        ModuleNotFoundError: without the package that reads it, which `mien[signals]` brings.
    """
    file = Path(path)
    try:
        read = _read(file, time_unit, board)
    except OSError as error:
        raise SourceError(f"{file}: can't be read: {reason(error)}") from error
    except MemoryError as error:
        raise SourceError(f"{file}: is too large for the memory of this machine") from error
    return with_kinds(_filled(read), dict(kinds or {}))


def _read(file: Path, time_unit: TimeUnit | None, board: str | None) -> Signals:
    if not file.exists():
        raise SourceError(f"{file}: {MISSING}; check the spelling")
    if board is not None and not file.name.lower().endswith(_TABLES):
        raise ConfigError(f"{file}: a board is said only of BrainFlow's tables ({', '.join(_TABLES)})")
    if time_unit is not None and not (file.is_file() and file.name.lower().endswith(_TABLES)):
        raise ConfigError(f"{file}: a time unit is said only of tables ({', '.join(_TABLES)})")
    if is_empatica(file):
        return read_empatica(file)
    if file.is_dir():
        raise SourceError(f"{file}: the folder has no files of an Empatica E4, such as EDA.csv or BVP.csv")
    if not file.is_file():
        raise SourceError(f"{file}: is neither a file nor a folder")
    if board is not None:
        return read_brainflow(file, board)
    if file.name.lower().endswith(_TABLES):
        return read_table_of_signals(file, time_unit)
    reader = _READERS.get(".fif" if file.name.lower().endswith(".fif.gz") else file.suffix.lower())
    if reader is None:
        known = ", ".join(sorted({*_READERS, *_TABLES}))
        raise SourceError(f"{file}: expected a file of signals ({known}), an Empatica folder or zip")
    with _others_reader(file) as notes:
        read = reader(file)
    return Signals(read.signals, read.marks, read.start, (*read.notes, *dict.fromkeys(notes)), str(file))


def _filled(read: Signals) -> Signals:
    if not any(len(each) for each in read.signals):
        raise SourceError(f"{read.origin}: no signal in it has any samples")
    return read


@contextmanager
def _others_reader(file: Path) -> Iterator[list[str]]:
    """Collect what others' code warns of as notes, and let it fail in plain words whatever it raises."""
    notes: list[str] = []
    handler = logging.Handler(logging.WARNING)
    # What pyxdf says of parts is said in plain words already.
    handler.addFilter(lambda record: "clock-segments differ" not in record.getMessage())
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("pyxdf")
    spread, level = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield notes
        notes += [
            str(each.message)
            for each in warned
            if not issubclass(each.category, DeprecationWarning | PendingDeprecationWarning)
        ]
    except (MienError, ModuleNotFoundError, MemoryError):
        raise
    except Exception as error:  # a parser of a damaged file raises what happens to happen
        what = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"{file}: can't be read as {file.suffix[1:].upper()}: {what}") from error
    finally:
        logger.removeHandler(handler)
        logger.propagate = spread
        logger.setLevel(level)


def _read_wfdb(file: Path) -> Signals:
    import wfdb

    record = file.with_suffix("")
    if not record.with_suffix(".hea").exists():
        raise SourceError(f"{file}: its header {record.name}.hea is missing beside it")
    header = wfdb.rdheader(str(record))
    many = header.n_sig or 0
    check_size(file, (header.sig_len or 0) * sum(getattr(header, "samps_per_frame", None) or [1] * many))
    read = wfdb.rdrecord(str(record), smooth_frames=False)
    signals, notes = [], []
    for number, (name, unit) in enumerate(zip(read.sig_name or (), read.units or (), strict=True)):
        values, rate, said = slowed(
            np.asarray(read.e_p_signal[number], np.float64), read.fs * read.samps_per_frame[number]
        )
        notes += [f"{name}: {said}"] * bool(said)
        signals.append(
            Signal(name, kind_of(name, unit), unit, values, even_times(len(values), rate), str(file))
        )
    marks = []
    if record.with_suffix(".atr").exists():
        beside = wfdb.rdann(str(record), "atr")
        texts = [
            aux.strip("\x00 ") or symbol for symbol, aux in zip(beside.symbol, beside.aux_note, strict=True)
        ]
        marks = [Mark(at / read.fs, text) for at, text in zip(beside.sample.tolist(), texts, strict=True)]
    start = datetime.combine(read.base_date, read.base_time) if read.base_date and read.base_time else None
    return Signals(tuple(signals), tuple(marks), start, tuple(notes))


class _SoundLengths(io.RawIOBase):
    """An XDF file in which no length or count is larger than what it is part of.

    pyxdf makes room for as many samples as a damaged chunk says; one that can't be it passes over, as it does
    with other damage.
    """

    def __init__(self, opened: gzip.GzipFile | io.BufferedReader, size: int) -> None:
        self._opened = opened
        self._size = size
        self._end = 0  # of the chunk that is being read
        self._length_follows = False

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._opened.tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._opened.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        found = self._opened.read(len(buffer))
        buffer[: len(found)] = found
        self._length_follows = len(buffer) == 1  # of how many bytes it is
        return len(found)

    def read(self, size: int = -1, /) -> bytes:
        found = self._opened.read(size)
        if self._length_follows and len(found) == size and size in (1, 4, 8):
            at, length = self._opened.tell(), int.from_bytes(found, "little")
            outer = at >= self._end
            if length > (self._size if outer else max(self._end, at)) - at:
                self._length_follows = False
                raise RuntimeError("a length or count that can't be")
            self._end = at + length if outer else self._end
        self._length_follows = False
        return found


def _read_xdf(file: Path) -> Signals:
    import pyxdf

    with gzip.open(file) if file.suffix.lower() == ".xdfz" else file.open("rb") as opened:
        if opened.read(4) != b"XDF:":
            raise SourceError(f"{file}: is no XDF file")
        opened.seek(0)
        size = file.stat().st_size
        check_size(file, size / _XDF_VALUE_BYTES)
        most = size * _MOST_DEFLATED if file.suffix.lower() == ".xdfz" else size
        streams, header = pyxdf.load_xdf(_SoundLengths(opened, most))
    stamps = [each["time_stamps"] for each in streams if len(each["time_stamps"])]
    zero = min((float(np.min(each)) for each in stamps), default=0.0)
    signals: list[Signal] = []
    marks: list[Mark] = []
    notes: list[str] = []
    shared = _shared_names(streams)
    for stream in streams:
        info = stream["info"]
        name, said = info["name"][0] or "", info["type"][0] or ""
        times = np.asarray(stream["time_stamps"], np.float64) - zero
        if not len(times):
            notes.append(f"stream {name} is empty")
            continue
        if info["channel_format"][0] == "string":
            texts = [" ".join(map(str, each)) for each in stream["time_series"]]
            marks += [Mark(float(at), text) for at, text in zip(times, texts, strict=True)]
            continue
        values = np.asarray(stream["time_series"], np.float64)
        kept, at, lost = usable(values, times)
        width = slowed_by(len(at) / max(1e-9, float(np.ptp(at)))) if len(at) > 1 else 1
        if width > 1:
            whole = len(at) // width * width
            kept, at = (each[:whole].reshape(-1, width, *each.shape[1:]).mean(1) for each in (kept, at))
            notes.append(f"stream {name}: {width} samples each were averaged")
        at.setflags(write=False)
        for number, (channel, unit, kind) in enumerate(_channels(info, name, said, values.shape[1])):
            called = f"{name} {channel}" if channel in shared else channel
            signals.append(Signal(called, kind, unit, kept[:, number], at, f"{file}: {name}"))
        if lost:
            notes.append(f"stream {name}: {lost} samples whose time went back were left out")
        if resets := len(info.get("clock_segments") or info.get("segments") or ()) - 1:
            notes.append(f"stream {name}: in {resets + 1} parts: its clock was set anew or it broke off")
        elif said_of_clock := _offsets_drift(stream):
            notes.append(f"stream {name}: {said_of_clock}")
    text = ((header["info"] or {}).get("datetime") or [None])[0]
    start = None if text is None else _moment(text)
    if start is not None:
        notes.append("start: to about a second, as the recorder wrote it down")
    return Signals(tuple(signals), tuple(sorted(marks)), start, tuple(notes))


def _shared_names(streams: Any) -> set[str]:
    """Return the names of channels that several streams have, such as those of two faces."""
    counted: Counter[str] = Counter()
    for stream in streams:
        info = stream["info"]
        if info["channel_format"][0] != "string" and len(stream["time_stamps"]):
            channels = _channels(info, info["name"][0] or "", "", int(info["channel_count"][0]))
            counted.update({channel for channel, *_ in channels})
    return {name for name, many in counted.items() if many > 1}


def _offsets_drift(stream: Any) -> str:
    """Return how fast a stream's clock ran against the recorder's, by the offsets that were measured."""
    times, offsets = (
        np.asarray(stream.get(each, ()), np.float64) for each in ("clock_times", "clock_values")
    )
    drift = drift_of(times, offsets) if len(times) == len(offsets) else None
    if drift is None or not drift.known or abs(drift.ppm) < _LEAST_SAID_PPM:
        return ""
    return f"its clock ran {drift.words} against the recorder's, which is corrected"


def _channels(info: Any, name: str, said: str, count: int) -> list[tuple[str, str, Kind]]:
    """Return name, unit and kind of a stream's channels; numbered where it doesn't name them."""
    described: list[Any] = []
    for part in info["desc"] or ():
        for channels in (part or {}).get("channels", ()):
            described += (channels or {}).get("channel", ())
    found: list[tuple[str, str, Kind]] = []
    for number in range(count):
        told = defaultdict(list, described[number]) if number < len(described) else defaultdict(list)
        label = (told["label"] or told["name"] or [None])[0] or (
            f"{name} {number + 1}" if count > 1 else name
        )
        unit = (told["unit"] or [None])[0] or ""
        found.append((label, unit, kind_of(label, unit, (told["type"] or [None])[0] or said)))
    return found


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _read_brainvision(file: Path) -> Signals:
    import mne

    header = file.with_suffix(".vhdr")
    if not header.exists():
        raise SourceError(f"{file}: its header {header.name} is missing beside it")
    raw = mne.io.read_raw_brainvision(header, verbose="ERROR")
    return _of_mne(raw, header, {name: unit for name, unit in raw._orig_units.items() if unit != "n/a"})


def _read_fif(file: Path) -> Signals:
    import mne

    raw = mne.io.read_raw_fif(file, verbose="ERROR")
    plain = {"eeg": "uV", "eog": "uV", "emg": "uV", "ecg": "mV", "gsr": "uS", "temperature": "degC"}
    return _of_mne(raw, file, {name: plain.get(kind, "") for name, kind in _types(raw).items()})


def _types(raw: Any) -> dict[str, str]:
    return dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))


def _of_mne(raw: Any, file: Path, units: dict[str, str]) -> Signals:
    """Return what MNE opened; it gives volts and siemens whatever the file's unit is."""
    rate = float(raw.info["sfreq"])
    check_size(file, raw.n_times * len(raw.ch_names) / slowed_by(rate))
    signals, notes = [], []
    for number, (name, said) in enumerate(_types(raw).items()):
        unit = plain_unit(units.get(name, "uV"))
        values, slower, words = slowed(raw.get_data(picks=[number], verbose="ERROR")[0], rate)
        notes += [f"{name}: {words}"] * bool(words)
        times = even_times(len(values), slower)
        factor = UNIT_FACTORS.get(unit, 1.0)
        signals.append(Signal(name, kind_of(name, unit, said), unit, values / factor, times, str(file)))
    # By its clock, which may begin before the first sample.
    before_s = 0.0 if raw.annotations.orig_time is None else raw.first_time
    marks = tuple(Mark(float(each["onset"]) - before_s, str(each["description"])) for each in raw.annotations)
    measured = raw.info["meas_date"]
    # Neither file has a zone; MNE calls it UTC.
    start = measured and measured.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=raw.first_time)
    return Signals(tuple(signals), marks, start, tuple(notes))


_READERS: Final[dict[str, Callable[[Path], Signals]]] = {
    **dict.fromkeys((".hea", ".dat", ".mat", ".atr"), _read_wfdb),
    **dict.fromkeys((".edf", ".bdf"), read_edf),
    **dict.fromkeys((".xdf", ".xdfz"), _read_xdf),
    **dict.fromkeys((".vhdr", ".vmrk", ".eeg"), _read_brainvision),
    ".fif": _read_fif,
}
