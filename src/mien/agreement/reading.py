"""Readings of whatever tool, or a person's labels, as the table that `mien analyze` writes.

Which tool wrote a file is told from the file itself. What the tool doesn't measure is empty.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Final

from mien.agreement.facereader import facereader, facereader_start
from mien.agreement.fer_deepface import json_faces
from mien.agreement.formats import BY_COLUMNS
from mien.agreement.ratings import (
    END,
    Ratings,
    as_table,
    check_last,
    head_of,
    read_columns,
    seconds,
    split,
)
from mien.errors import ConfigError, SourceError
from mien.labels import standard_label
from mien.table import plain_name, read_table
from mien.textfile import separator
from mien.wording import first_few, reason

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES: Final = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet")
_OURS: Final = ("table.parquet", "table.csv")
_ABOUT: Final = re.compile(r"summary\.json|.*_of_details\.txt|.*\.smiles\.csv|.*\.signals\.csv")
"""What lies beside tables in the folders of Mien and OpenFace and is none."""


class _UnknownTableError(SourceError):
    """A file is no table of any tool that is known, so in a folder it may be something else."""


def read_ratings(path: str | Path) -> pd.DataFrame:
    """Read what another tool found in faces, as the table that `mien analyze` writes.

    Known are OpenFace 2's CSV, py-feat's, JSON of DeepFace and fer, fer's CSV of a video, FaceReader's
    detailed log, a person's labels (columns time_s and label), and Mien's own tables.

    Args:
        path: the file; what it is, is told from what is in it.

    Returns:
        The columns of `mien.read_table`, empty where the tool has nothing of the kind; head pose in Mien's
        degrees and signs. Action units follow as `AU12_r` (0 to 5), `AU12_c` (0 or 1), `AU12_p` (0 to 1).

    Raises:
        SourceError: it can't be read, is cut off, or is none of these.

    Example:
        >>> import mien
        >>> mien.read_ratings("openface/session.csv")[["time_s", "yaw", "AU12_r"]]  # doctest: +SKIP
    """
    return read_file(Path(path)).frame


def read_file(path: Path) -> Ratings:
    """Read one file; see `read_ratings`."""
    if path.suffix.lower() == ".parquet":
        return _ours(path)
    try:
        head = head_of(path)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {reason(error)}") from error
    if not any(line.strip() for line in head):
        raise SourceError(f"cannot read {path}: it is empty")
    if "\0" in "".join(head):
        raise SourceError(f"cannot read {path}: it is no text; expected {EXPECTED}")
    if head[0].lstrip()[:1] in ("[", "{"):
        return json_faces(path)
    if (start := facereader_start(head)) is not None or head[0].startswith("Video analysis"):
        return facereader(path, start)
    between = separator(head[0])
    cells = split(head[0], between)
    names = {name.strip() for name in cells}
    if {"source", "track", "time_s"} <= names:
        check_last(path, between, len(cells))
        return _ours(path)
    if {"time_s", "label"} <= names:
        return _labels(path)
    for known, reader in BY_COLUMNS:
        if known(names):
            return reader(path)
    shown = ", ".join(sorted(names)[:6])
    raise _UnknownTableError(
        f"cannot read {path}: expected {EXPECTED}; received columns {shown[:100] or 'none'}"
    )


EXPECTED: Final = (
    "a table of OpenFace, py-feat, fer, FaceReader or Mien, JSON of DeepFace or fer, or labels with the"
    " columns time_s and label"
)


def read_recordings(path: Path, rate_hz: float | None = None) -> dict[str, Ratings]:
    """Read a file, or a folder of files, as recordings by their names.

    Args:
        path: a file; a folder of `mien analyze`; or a folder with a file for each recording.
        rate_hz: frames a second, for files that don't say when their frames were.

    Returns:
        Recordings by name: that of the video or photograph, without folders and suffix.

    Raises:
        ConfigError: a rate is given for a file that has times.
        SourceError: something can't be read, or two recordings have one name.
    """
    if path.is_dir():
        ours = [path / name for name in _OURS if (path / name).is_file()]
        there = [each for each in path.iterdir() if each.suffix.lower() in _SUFFIXES and each.is_file()]
        files = ours[:1] or sorted(each for each in there if not _ABOUT.fullmatch(each.name))
        if not files:
            raise SourceError(f"{path} has no table in it: expected {EXPECTED}")
    else:
        files = [path]
    found: dict[str, Ratings] = {}
    unknown = []
    for file in files:
        try:
            ratings = _timed(read_file(file), rate_hz, file)
        except _UnknownTableError:
            if not path.is_dir():
                raise
            unknown.append(file.name)
            continue
        for name, of_one in _by_recording(ratings).items():
            if name in found:
                raise SourceError(f"{path} has two recordings called {name}: rename one of them")
            found[name] = of_one
    if not unknown:
        return found
    if len(unknown) == len(files):
        raise SourceError(f"{path} has no table in it: expected {EXPECTED}")
    told = f"Left out of {path.name}, being no table: {first_few(unknown)}."
    return {name: replace(each, remarks=(*each.remarks, told)) for name, each in found.items()}


def _timed(ratings: Ratings, rate_hz: float | None, path: Path) -> Ratings:
    if rate_hz is None:
        return ratings
    if ratings.timed:
        raise ConfigError(
            f"{path.name} has times of its own: a number of frames a second is for files without"
        )
    return replace(ratings, frame=ratings.frame.assign(time_s=ratings.frame["frame"] / rate_hz))


def _by_recording(ratings: Ratings) -> dict[str, Ratings]:
    found: dict[str, Ratings] = {}
    for source, rows in ratings.frame.groupby("source", sort=False):
        name = PureWindowsPath(str(source)).stem  # knows both kinds of slashes
        if name in found:
            name = str(PureWindowsPath(str(source)).with_suffix("").as_posix())
        found[name] = replace(ratings, frame=rows.reset_index(drop=True))
    return found


def _ours(path: Path) -> Ratings:
    return Ratings("Mien", read_table(path))


def _labels(path: Path) -> Ratings:
    """Read a person's labels: time_s, label; perhaps end_s, until when each holds, and source."""
    frame = read_columns(path, lambda name: name in ("time_s", END, "label", "source"), text=True)
    if not len(frame):
        raise SourceError(f"cannot read {path}: it has no row")
    known = {
        "source": list(frame["source"]) if "source" in frame else [path.name] * len(frame),
        "time_s": [seconds(cell, path) for cell in frame["time_s"]],
        "expression": [standard_label(plain_name(cell)) for cell in frame["label"]],
    }
    table = as_table(len(frame), known)
    table["frame"] = table.groupby("source").cumcount()
    if END in frame:
        table[END] = [seconds(cell, path) for cell in frame[END]]
        if (table[END] <= table["time_s"]).any():
            raise SourceError(f"cannot read {path}: a label ends before it begins")
    if (table["expression"] == "").any():
        raise SourceError(f"cannot read {path}: a row has no label")
    table = table.sort_values(["source", "time_s"], ignore_index=True)
    until = table[END].groupby(table["source"]).shift() if END in table else table["time_s"].shift()
    of_one = table["source"] == table["source"].shift()
    two = of_one & ((table["time_s"] < until) | (table["time_s"] == table["time_s"].shift()))
    if two.any():
        raise SourceError(f"cannot read {path}: at {table['time_s'][two].iloc[0]:g} s there are two labels")
    return Ratings("labels", table)
