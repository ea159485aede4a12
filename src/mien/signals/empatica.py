"""Folders and zips of an Empatica E4: a table a sensor, with its start as unix time and its rate on top."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.signals.textual import decoded, limited, unpacked
from mien.signals.types import Kind, Mark, Signal, Signals, usable

_SENSORS: Final[dict[str, tuple[Kind, str]]] = {
    "BVP": ("ppg", ""), "EDA": ("eda", "uS"), "TEMP": ("temperature", "degC"), "HR": ("rate", "1/min"),
}  # fmt: skip
_NAME: Final = re.compile(r"(BVP|EDA|TEMP|HR|IBI|ACC|tags(?:_\w+)?)\.csv(\.gz)?")
_LATEST: Final = 9e9
_LONGEST_S: Final = 7 * 86400.0
_FASTEST_HZ: Final = 1000.0
_ACCELERATION_STEPS: Final = 64.0
"""Steps of the accelerometer to one g."""


def is_empatica(path: Path) -> bool:
    """Tell whether a folder or zip has files of an E4."""
    if path.is_dir():
        names = [each.name for each in path.iterdir()]
    elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                names = [each.rsplit("/", 1)[-1] for each in archive.namelist()]
        except (zipfile.BadZipFile, RuntimeError, ValueError, OSError) as error:
            raise SourceError(f"{path}: can't be unzipped: {error}") from error
    else:
        return False
    return any(_NAME.fullmatch(each) and not each.startswith("tags") for each in names)


def read_empatica(path: Path) -> Signals:
    """Read an Empatica E4's folder or zip.

    Args:
        path: holds BVP.csv, EDA.csv, TEMP.csv, HR.csv, IBI.csv, ACC.csv and tags.csv, or some of them; also
            compressed with gzip, or with a number behind tags.

    Raises:
        SourceError: a file in it is not as an E4 writes it.
    """
    tables = {}
    for name, text in _texts(path).items():
        try:
            tables[name] = _intervals(text) if name == "IBI" else _numbers(text)
        except (ValueError, IndexError) as error:
            raise SourceError(f"{path}: {name}.csv is not as an Empatica E4 writes it: {error}") from error
    tables = {name: table for name, table in tables.items() if len(table)}
    starts = [table[0, 0] for name, table in tables.items() if name != "tags"]
    if not starts:
        raise SourceError(f"{path}: its files are empty")
    zero = float(min(starts))
    if not 0 <= zero < _LATEST or not all(each - zero < _LONGEST_S for each in starts):
        raise SourceError(f"{path}: its files don't start at one time, which an E4 writes on top of each")
    signals: list[Signal] = []
    notes: list[str] = []
    marks: list[Mark] = []
    for name, table in sorted(tables.items()):
        origin = f"{path}: {name}.csv"
        if name == "tags":
            marks = [Mark(float(each) - zero, "tag") for each in np.sort(table[:, 0])]
            if far := [each for each in marks if each.time_s < 0]:
                marks = marks[len(far) :]
                notes.append(f"{len(far)} tags are from before the recording, and were left out")
            continue
        began = float(table[0, 0]) - zero
        if name == "IBI":
            values, times, _ = usable(table[1:, 1], began + table[1:, 0])
            signals.append(Signal("IBI", "intervals", "s", values, times, origin))
            continue
        if len(table) < 2 or not 0 < table[1, 0] < _FASTEST_HZ:
            raise SourceError(f"{path}: {name}.csv names no rate in its second line")
        samples = table[2:]
        times = began + np.arange(len(samples)) / table[1, 0]
        if name == "ACC" and samples.shape[1] == len("xyz"):
            for axis, column in zip("xyz", samples.T, strict=True):
                signals.append(
                    Signal(f"ACC {axis}", "acceleration", "g", column / _ACCELERATION_STEPS, times, origin)
                )
            continue
        if name not in _SENSORS:
            raise SourceError(f"{path}: {name}.csv has {samples.shape[1]} columns, and an E4 writes three")
        kind, unit = _SENSORS[name]
        signals.append(Signal(name, kind, unit, samples[:, 0], times, origin))
    return Signals(tuple(signals), tuple(marks), datetime.fromtimestamp(zero, UTC), tuple(notes), str(path))


def _numbers(text: str) -> NDArray[np.float64]:
    return np.array([[float(cell) for cell in line.split(",")] for line in text.split("\n") if line.strip()])


def _intervals(text: str) -> NDArray[np.float64]:
    """Return the intervals' table, the start in its first row."""
    lines = text.split("\n")
    rows = [line.split(",") for line in lines[1:] if line.strip()]
    return np.array([[float(lines[0].split(",")[0]), 0.0], *([float(a), float(b)] for a, b in rows)])


def _texts(path: Path) -> dict[str, str]:
    """Return the text of each table by its name: "EDA", "tags"."""
    found: dict[str, bytes] = {}
    if path.is_dir():
        for each in sorted(path.iterdir()):
            if _NAME.fullmatch(each.name) and each.is_file():
                with each.open("rb") as opened:
                    found[each.name] = limited(opened, each)
    else:
        try:
            _unzip(path, found)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
            # RuntimeError: it wants a password, or is packed in a way that Python doesn't know.
            raise SourceError(f"{path}: can't be unzipped: {' '.join(str(error).split())}") from error
    texts: dict[str, str] = {}
    for name, data in found.items():
        where = f"{path}: {name}"
        plain = unpacked(io.BytesIO(data), where) if name.endswith(".gz") else data
        texts[name.split(".")[0].split("_")[0]] = decoded(plain, where).strip()
    return texts


def _unzip(path: Path, found: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            name = member.rsplit("/", 1)[-1]
            if not _NAME.fullmatch(name):
                continue
            if name in found:
                raise SourceError(f"{path}: {name} is in it twice; give one recording's zip or folder")
            with archive.open(member) as opened:
                found[name] = limited(opened, f"{path}: {name}")
