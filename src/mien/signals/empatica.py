"""Folders and zips of an Empatica E4: a table a sensor, with its start as unix time and its rate on top."""

from __future__ import annotations

import gzip
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.signals.types import Kind, Mark, Signal, Signals, usable

_SENSORS: Final[dict[str, tuple[Kind, str]]] = {
    "BVP": ("ppg", ""), "EDA": ("eda", "uS"), "TEMP": ("temperature", "degC"), "HR": ("rate", "1/min"),
}  # fmt: skip
_NAME: Final = re.compile(r"(BVP|EDA|TEMP|HR|IBI|ACC|tags(?:_\w+)?)\.csv(\.gz)?")
_ACCELERATION_STEPS: Final = 64.0
"""Steps of the accelerometer to one g."""


def is_empatica(path: Path) -> bool:
    """Tell whether a folder or zip has files of an E4."""
    if path.is_dir():
        names = [each.name for each in path.iterdir()]
    elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        names = [each.rsplit("/", 1)[-1] for each in zipfile.ZipFile(path).namelist()]
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
        except ValueError as error:
            raise SourceError(f"{path}: {name}.csv is not as an Empatica E4 writes it: {error}") from error
    tables = {name: table for name, table in tables.items() if len(table)}
    starts = [table[0, 0] for name, table in tables.items() if name != "tags"]
    if not starts:
        raise SourceError(f"{path}: its files are empty")
    zero = float(min(starts))
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
        if len(table) < 2 or not table[1, 0] > 0:
            raise SourceError(f"{path}: {name}.csv names no rate in its second line")
        samples = table[2:]
        times = began + np.arange(len(samples)) / table[1, 0]
        if name == "ACC":
            for axis, column in zip("xyz", samples.T, strict=True):
                signals.append(
                    Signal(f"ACC {axis}", "acceleration", "g", column / _ACCELERATION_STEPS, times, origin)
                )
            continue
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
        found = {each.name: each.read_bytes() for each in path.iterdir() if _NAME.fullmatch(each.name)}
    else:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                name = member.rsplit("/", 1)[-1]
                if not _NAME.fullmatch(name):
                    continue
                if name in found:
                    raise SourceError(f"{path}: {name} is in it twice; give one recording's zip or folder")
                found[name] = archive.read(member)
    texts: dict[str, str] = {}
    for name, data in found.items():
        try:
            plain = gzip.decompress(data) if name.endswith(".gz") else data
        except (OSError, EOFError) as error:
            raise SourceError(f"{path}: {name} is damaged: {error}") from error
        texts[name.split(".")[0].split("_")[0]] = (
            plain.decode("utf-8-sig", "replace").replace("\r\n", "\n").strip()
        )
    return texts
