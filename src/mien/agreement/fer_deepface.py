"""What fer and DeepFace give: JSON of faces, and fer's table of a video."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.agreement.ratings import Ratings, as_table, emotions_of, names_of, numbers, read_columns, seconds
from mien.errors import SourceError
from mien.table import PROBABILITIES
from mien.textfile import encoding_of

_PADDING_PX: Final = 40
"""fer reads a video's frames with a border of this width, in whose pixels the boxes of its CSV are."""
_FER_EMOTION: Final = re.compile(r"([a-z]+?)(\d*)")


def fer_csv(path: Path) -> Ratings:
    """Read what `Video.analyze` writes: box0, angry0 ...; or one face, without numbers, by `to_pandas`.

    Checked against `src/fer/classes.py` (JustinShenk/fer): there is no time, frames without a face have no
    row, and boxes are in pixels of the padded frame.
    """
    frame = read_columns(path, lambda name: bool(_FER_EMOTION.fullmatch(name)))
    faces = sorted({int(_fer_part(name)[1] or 0) for name in names_of(frame) if _fer_part(name)[0] == "box"})
    parts = []
    for face in faces:
        named = {
            _fer_part(name)[0]: name
            for name in names_of(frame)
            if _fer_part(name)[1] in ((str(face), "") if face == 0 else (str(face),))
        }
        emotions = {name: numbers(frame, column, path) for name, column in named.items() if name != "box"}
        boxes = np.array([_box(each) for each in frame[named["box"]]], np.float64).reshape(-1, 4)
        boxes[:, :2] -= _PADDING_PX
        parts.append((face, emotions_of(emotions), boxes))
    rows = [
        (row, face, boxes[row], {name: values[row] for name, values in emotions.items()})
        for row in range(len(frame))
        for face, emotions, boxes in parts
        if any(np.isfinite(values[row]) for values in emotions.values())
    ]
    remark = f"fer writes no row for frames without a face: the rows of {path.name} are taken for its frames."
    return Ratings("fer", _from_faces(rows, path.name), (remark,))


def _fer_part(name: str) -> tuple[str, str]:
    found = _FER_EMOTION.fullmatch(name)
    return (found[1], found[2]) if found else ("", "")


def _box(cell: Any) -> list[float]:
    """Return x, y, width and height of four numbers in brackets, with or without commas."""
    found = [float(each) for each in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", str(cell))]
    return found if len(found) == 4 else [np.nan] * 4


def _from_faces(rows: list[tuple[Any, ...]], source: str, times_s: list[float] | None = None) -> Any:
    """Return the table of (frame, track, box, emotions, and perhaps score) of each face."""
    named = {name: np.array([row[3].get(name, np.nan) for row in rows], np.float64) for name in PROBABILITIES}
    boxes = np.array([row[2] for row in rows], np.float64).reshape(-1, 4)
    known: dict[str, Any] = {
        "source": source,
        "frame": [row[0] for row in rows],
        "track": [row[1] for row in rows],
        **dict(zip(("x", "y", "width", "height"), boxes.T, strict=True)),
        **named,
    }
    if times_s is not None:
        known["time_s"] = times_s
    if rows and len(rows[0]) > 4:
        known["detection"] = np.array([row[4] for row in rows], np.float64)
    return as_table(len(rows), known)


def json_faces(path: Path) -> Ratings:
    """Read JSON of DeepFace's `analyze` or of fer's `detect_emotions`.

    A list of faces is one picture; a list of lists is a video, a list for each frame, empty where no face was
    found. Faces in dictionaries with "frame", "time_s" or "timestamp" are at these.

    Checked against `deepface/modules/demography.py` in serengil/deepface (percent in emotion; later shares of
    1) and copies of it (x, y, w and h in region, face_confidence), and the README of JustinShenk/fer (shares
    in emotions; box). Earlier versions of DeepFace answered a single dictionary, or for several pictures
    `instance_1`, `instance_2` ...; its server answers `{"results": [...]}`.
    """
    frames = _frames(_parsed(path), path)
    rows, times, tools, timed = [], [], set(), True
    for place, faces in enumerate(frames):
        for track, face in enumerate(faces):
            if not isinstance(face, dict) or not isinstance(
                named := face.get("emotion", face.get("emotions")), dict
            ):
                raise SourceError(
                    f"cannot read {path}: a face in it has no emotions, as DeepFace and fer write them"
                )
            tools.add("DeepFace" if "emotion" in face else "fer")
            at = face.get("time_s", face.get("timestamp"))
            timed = timed and at is not None
            times.append(np.nan if at is None else seconds(at, path))
            rows.append((
                _whole(face.get("frame", place), path), track, _region(face), _shares(named, path),
                _float(face.get("face_confidence")),
            ))  # fmt: skip
    if not rows:
        raise SourceError(f"cannot read {path}: there is no face in it")
    # A single picture is at its beginning.
    given = times if timed else [0.0] * len(rows) if len(frames) == 1 else None
    return Ratings("/".join(sorted(tools)), _from_faces(rows, path.name, given))


def _parsed(path: Path) -> Any:
    try:
        text = path.read_text(encoding=encoding_of(path))
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Extra data"):
                raise
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise SourceError(
            f"cannot read {path}: it is no whole JSON (line {error.lineno}: {error.msg.lower()})"
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"cannot read {path}: it is not UTF-8 text") from error
    except RecursionError as error:
        raise SourceError(f"cannot read {path}: it is nested too deeply for a list of faces") from error


def _frames(value: Any, path: Path) -> list[list[Any]]:
    """Return the faces of each frame."""
    if isinstance(value, dict):
        if "results" in value:
            return _frames(value["results"], path)
        if (named := [key for key in value if key.startswith("instance_")]) == list(value) and named:
            return [[value[key]] for key in named]
        return [[value]]
    if not isinstance(value, list):
        raise SourceError(f"cannot read {path}: expected a list of faces, received {type(value).__name__}")
    if all(isinstance(each, dict) for each in value):
        if any({"frame", "time_s", "timestamp"} & set(each) for each in value):
            return [[each] for each in value]
        return [value]
    return [list(each) if isinstance(each, list) else [each] if each else [] for each in value]


def _region(face: dict[str, Any]) -> list[float]:
    where = face.get("region", face.get("box"))
    if isinstance(where, dict):
        where = [where.get(side) for side in "xywh"]
    if not isinstance(where, list) or len(where) != 4:
        return [np.nan] * 4
    return [_float(each) for each in where]


def _whole(value: Any, path: Path) -> int:
    if not isinstance(value, int | float) or value != int(value):
        raise SourceError(f"cannot read {path}: {str(value)[:40]!r} is no number of a frame")
    return int(value)


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _shares(named: dict[str, Any], path: Path) -> dict[str, float]:
    shares = {name: _float(value) for name, value in emotions_of(named).items()}
    if not any(np.isfinite(value) for value in shares.values()):
        raise SourceError(f"cannot read {path}: a face in it has no emotion that Mien knows")
    percent = float(np.nansum(list(shares.values()))) > 1.5
    return {name: value / 100 if percent else value for name, value in shares.items()}
