"""FaceReader's detailed log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.agreement.ratings import Floats, Ratings, as_table, emotions_of, seconds, split
from mien.errors import SourceError
from mien.labels import EMOTIONS, standard_label
from mien.textfile import encoding_of, separator
from mien.wording import count

_FAILED: Final = {"FIND_FAILED", "FIT_FAILED", "UNKNOWN", "-", ""}
_LETTERS: Final = {"notactive": 0.0, "a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}


def facereader_start(head: list[str]) -> int | None:
    """Return the number of the line with FaceReader's names; None where there is none."""
    starts = (place for place, line in enumerate(head) if re.match(r'\s*"?Video Time"?\s*[\t,;]', line))
    return next(starts, None)


def facereader(path: Path, start: int | None) -> Ratings:
    r"""Read a detailed log: lines about it, then a line of names from "Video Time" on.

    Checked against `inst/Participant 2_Trump_Analysis_1_video1.txt` in d-bohn/facereadeR (FaceReader 6), and
    `tests/testthat/testdata/testdata_extracols_detailed.txt` in facereaderconverter of
    mmu-research-cloud-platform (FaceReader 10). Frames with FIND_FAILED or FIT_FAILED have no row. Its
    emotions are intensities from 0 to 1, which don't sum to 1; arousal from 0 to 1 becomes -1 to 1. Of head
    pose only Z is taken, as roll: its sign was checked against landmarks in a log; those of X and Y couldn't
    be.
    """
    if start is None:
        raise SourceError(
            f"cannot read {path}: expected FaceReader's line of names, from Video Time on; is it cut off?"
        )
    lines = _decoded(path).splitlines()
    between = separator(lines[start])
    names = [name.strip() for name in split(lines[start], between)]
    if "Neutral" not in names:
        raise SourceError(
            f"cannot read {path}: it has no column Neutral; expected the detailed log, not the state log"
        )
    rows = [split(line, between) for line in lines[start + 1 :] if line.strip()]
    if not rows or len(rows[-1]) < len(names):
        raise SourceError(f"cannot read {path}: its last line is cut off; export it again")
    about = [split(line, between) for line in lines[:start]]
    return _table(
        path,
        {name: [row[i] if i < len(row) else "" for row in rows] for i, name in enumerate(names)},
        {cells[0].rstrip(": "): cells[1].strip() for cells in about if len(cells) > 1},
    )


def _table(path: Path, cells: dict[str, list[str]], about: dict[str, str]) -> Ratings:
    kept = np.flatnonzero([each.strip() not in _FAILED for each in cells["Neutral"]])
    lost = len(cells["Neutral"]) - len(kept)
    remarks = [f"FaceReader read no face in {count(lost, 'frame')} of {path.name}."] * bool(lost)
    values = {name: np.array([_number(column[row]) for row in kept]) for name, column in cells.items()}
    emotions = {name: column for name, column in values.items() if standard_label(name) in EMOTIONS}
    if not len(kept) or not np.isfinite(list(emotions.values())).any():
        raise SourceError(f"cannot read {path}: FaceReader read no face in it")
    which = [cells[name] for name in ("Participant Name", "Analysis Index") if name in cells]
    several = len(set(zip(*which, strict=True))) > 1
    film = PureWindowsPath(about.get("Filename", "") or path.name).name
    times_s = np.array([seconds(each, path) for each in cells["Video Time"]])
    number, rate_hz = np.arange(len(times_s)), _number(about.get("Frame rate", ""))
    if not several and (np.diff(times_s) <= 0).any() and rate_hz > 0:
        times_s = number / rate_hz
        remarks.append(f"The times in {path.name} were rounded; they were made anew from its frame rate.")
    known: dict[str, Any] = {
        "source": [" ".join(column[row] for column in which) for row in kept] if several else film,
        "frame": number[kept],
        "time_s": times_s[kept],
        **emotions_of(emotions),
        **{ours: values[name] for name, ours in _PLAIN.items() if name in values},
    }
    if "arousal" in known:
        known["arousal"] = 2 * known["arousal"] - 1
    return Ratings("FaceReader", as_table(len(kept), known, dict(_units(cells, kept))), tuple(remarks))


_PLAIN: Final = {"Valence": "valence", "Arousal": "arousal", "Z - Head Orientation": "roll"}


def _units(cells: dict[str, list[str]], kept: NDArray[np.intp]) -> Iterator[tuple[str, Floats]]:
    for name, column in cells.items():
        if found := re.match(r"(?:Action Unit |AU\s?)(\d\d)\b", name):
            given = [column[row].strip().lower() for row in kept]
            kind = "r" if any(each in _LETTERS for each in given) else "p"
            yield f"AU{found[1]}_{kind}", np.array([_LETTERS.get(each, _number(each)) for each in given])


def _number(cell: str) -> float:
    """Return a number, with a decimal point or comma; NaN of anything else."""
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        return np.nan


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode(encoding_of(path))
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
