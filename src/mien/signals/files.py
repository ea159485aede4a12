"""Files of signals, by the readers that their own fields keep: WFDB, EDF and BDF, XDF, BrainVision.

Each gives `Signals`. `read_signals` chooses by what the file is called.
"""

from __future__ import annotations

import gzip
import logging
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError, SourceError
from mien.signals.edf import read_back, zone_written
from mien.signals.empatica import is_empatica, read_empatica
from mien.signals.kinds import kind_of
from mien.signals.table import TimeUnit, read_table_of_signals
from mien.signals.types import UNIT_FACTORS, Kind, Mark, Signal, Signals, plain_unit, usable

_TABLES: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")


def read_signals(path: str | Path, time_unit: TimeUnit | None = None) -> Signals:
    """Read a file of body signals.

    Args:
        path: a WFDB record (.hea, or its .dat, .mat or .atr), EDF or BDF (.edf, .bdf), XDF (.xdf, .xdfz),
            BrainVision (.vhdr, or its .eeg or .vmrk), a folder or zip of an Empatica E4, or a table with a
            column of times (.csv, .tsv, .txt, also with .gz).
        time_unit: of a table's column of times, where that doesn't say it.

    Returns:
        Its signals on one clock, marks, and in `notes` what was noticed.

    Raises:
        SourceError: it is missing, is none of these, is damaged or has no signals.
        ModuleNotFoundError: without the package that reads it, which `mien[signals]` brings.
    """
    file = Path(path)
    if not file.exists():
        raise SourceError(f"{file}: there is no such file or folder")
    if is_empatica(file):
        return _filled(read_empatica(file))
    if file.is_dir():
        raise SourceError(f"{file}: the folder has no files of an Empatica E4, such as EDA.csv or BVP.csv")
    if file.name.lower().endswith(_TABLES):
        return _filled(read_table_of_signals(file, time_unit))
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        known = ", ".join(sorted({*_READERS, *_TABLES}))
        raise SourceError(f"{file}: expected a file of signals ({known}), an Empatica folder or zip")
    with _others_reader(file) as notes:
        read = reader(file)
    return _filled(
        Signals(read.signals, read.marks, read.start, (*read.notes, *dict.fromkeys(notes)), str(file))
    )


def _filled(read: Signals) -> Signals:
    if not any(len(each) for each in read.signals):
        raise SourceError(f"{read.origin}: no signal in it has any samples")
    return read


@contextmanager
def _others_reader(file: Path) -> Iterator[list[str]]:
    """Collect what others' code warns of as notes, and let it fail in plain words whatever it raises."""
    notes: list[str] = []
    handler = logging.Handler(logging.WARNING)
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


def _even_times(count: int, rate_hz: float) -> NDArray[np.float64]:
    return np.arange(count) / rate_hz


def _read_wfdb(file: Path) -> Signals:
    import wfdb

    record = file.with_suffix("")
    if not record.with_suffix(".hea").exists():
        raise SourceError(f"{file}: its header {record.name}.hea is missing beside it")
    read = wfdb.rdrecord(str(record), smooth_frames=False)
    signals = []
    for number, (name, unit) in enumerate(zip(read.sig_name or (), read.units or (), strict=True)):
        values = np.asarray(read.e_p_signal[number], np.float64)
        rate = read.fs * read.samps_per_frame[number]
        signals.append(
            Signal(name, kind_of(name, unit), unit, values, _even_times(len(values), rate), str(file))
        )
    marks = []
    if record.with_suffix(".atr").exists():
        notes = wfdb.rdann(str(record), "atr")
        texts = [
            aux.strip("\x00 ") or symbol for symbol, aux in zip(notes.symbol, notes.aux_note, strict=True)
        ]
        marks = [Mark(at / read.fs, text) for at, text in zip(notes.sample.tolist(), texts, strict=True)]
    start = datetime.combine(read.base_date, read.base_time) if read.base_date and read.base_time else None
    return Signals(tuple(signals), tuple(marks), start)


def _read_edf(file: Path) -> Signals:
    import edfio

    read: Any = (edfio.read_bdf if file.suffix.lower() == ".bdf" else edfio.read_edf)(file)
    starts = None if read.is_continuous else _record_starts(file, 3 if file.suffix.lower() == ".bdf" else 2)
    signals = []
    for each in read.signals:
        unit = each.physical_dimension
        kind, values = read_back(each) or (
            kind_of(each.label, unit, each.transducer_type), np.asarray(each.data, np.float64),
        )  # fmt: skip
        times = _even_times(len(values), each.sampling_frequency)
        if starts is not None:
            size = each.samples_per_data_record
            within = _even_times(size, each.sampling_frequency)
            times = (np.array(starts[: len(values) // size])[:, None] + within).ravel()
            values, times, _ = usable(values[: len(times)], times)
        signals.append(Signal(each.label, kind, unit, values, times, str(file)))
    marks = tuple(Mark(float(each.onset), each.text) for each in read.annotations)
    try:
        zone = zone_written(read.local_recording_identification)
        start = datetime.combine(read.startdate, read.starttime, zone)
    except ValueError as error:  # an anonymous date, or none that exists
        return Signals(tuple(signals), marks, None, (f"start: {error}",))
    return Signals(tuple(signals), marks, start)


def _record_starts(file: Path, sample_bytes: int) -> list[float]:
    """Return when each data record of an EDF+D file starts: by the first entry of its annotations."""
    data = file.read_bytes()
    count = int(data[252:256])
    labels = [data[256 + 16 * i : 272 + 16 * i].decode("ascii", "replace").strip() for i in range(count)]
    at = 256 + 216 * count
    sizes = [sample_bytes * int(data[at + 8 * i : at + 8 * i + 8]) for i in range(count)]
    first = next(i for i, label in enumerate(labels) if label.endswith("Annotations"))
    offset, step = 256 * (count + 1) + sum(sizes[:first]), sum(sizes)
    found = [data[i : i + 24].split(b"\x14")[0] for i in range(offset, len(data) - sizes[first] + 1, step)]
    starts = [float(each) for each in found]
    return [each - starts[0] for each in starts]


def _read_xdf(file: Path) -> Signals:
    import pyxdf

    with gzip.open(file) if file.suffix.lower() == ".xdfz" else file.open("rb") as opened:
        if opened.read(4) != b"XDF:":
            raise SourceError(f"{file}: is no XDF file")
        opened.seek(0)
        streams, header = pyxdf.load_xdf(opened)
    stamps = [each["time_stamps"] for each in streams if len(each["time_stamps"])]
    zero = min((float(np.min(each)) for each in stamps), default=0.0)
    signals: list[Signal] = []
    marks: list[Mark] = []
    notes: list[str] = []
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
        for number, (channel, unit, kind) in enumerate(_channels(info, name, said, values.shape[1])):
            kept, at, lost = usable(values[:, number], times)
            signals.append(Signal(channel, kind, unit, kept, at, f"{file}: {name}"))
        if lost:
            notes.append(f"stream {name}: {lost} samples whose time went back were left out")
        if resets := len(info.get("clock_segments") or info.get("segments") or ()) - 1:
            notes.append(f"stream {name}: in {resets + 1} parts: its clock was set anew or it broke off")
    text = (header["info"].get("datetime") or [None])[0]
    start = None if text is None else _moment(text)
    if start is not None:
        notes.append("start: to about a second, as the recorder wrote it down")
    return Signals(tuple(signals), tuple(sorted(marks)), start, tuple(notes))


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
    units = {name: unit for name, unit in raw._orig_units.items() if unit != "n/a"}
    times = raw.times
    signals = []
    for number, name in enumerate(raw.ch_names):
        unit = plain_unit(units.get(name, "uV"))
        # MNE gives volts and siemens whatever the file's unit is.
        values = raw.get_data(picks=[number], verbose="ERROR")[0] / UNIT_FACTORS.get(unit, 1.0)
        said = raw.get_channel_types(picks=[number])[0]
        signals.append(Signal(name, kind_of(name, unit, said), unit, values, times, str(header)))
    marks = tuple(Mark(float(each["onset"]), str(each["description"])) for each in raw.annotations)
    measured = raw.info["meas_date"]
    # The header has no zone; MNE calls it UTC.
    return Signals(tuple(signals), marks, measured and measured.astimezone(UTC).replace(tzinfo=None))


_READERS: Final[dict[str, Callable[[Path], Signals]]] = {
    **dict.fromkeys((".hea", ".dat", ".mat", ".atr"), _read_wfdb),
    **dict.fromkeys((".edf", ".bdf"), _read_edf),
    **dict.fromkeys((".xdf", ".xdfz"), _read_xdf),
    **dict.fromkeys((".vhdr", ".vmrk", ".eeg"), _read_brainvision),
}
