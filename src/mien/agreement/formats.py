"""Other tools' tables: those of OpenFace 2 and py-feat, read as Mien's table.

Against what each form was checked stands at its reader. Head pose: Mien's yaw is positive where the face
turns to the picture's right, pitch where it looks up, roll where the head leans to the picture's right. The
others' angles go through the rotation that they stand for, as the order of their axes differs. Their signs
were checked against the landmarks in the same files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any, Final

import numpy as np

from mien.agreement.fer_deepface import fer_csv
from mien.agreement.ratings import (
    Floats,
    Ratings,
    as_table,
    emotions_of,
    names_of,
    numbers,
    read_columns,
    whole_numbers,
)
from mien.labels import EMOTIONS, standard_label
from mien.measures.pose import Pose
from mien.table import POINTS
from mien.types import LANDMARKS
from mien.wording import count

_POINTS: Final = tuple(f"{axis}_{point}" for point in range(LANDMARKS) for axis in "xy")
"""OpenFace's names for the landmarks, which py-feat has, too, in the order of `POINTS`."""


def turned(x_deg: Floats, y_deg: Floats, z_deg: Floats) -> dict[str, Floats]:
    """Return Mien's yaw, pitch and roll of the rotation Rx Ry Rz, on axes x to the right, y down, z away."""
    from scipy.spatial.transform import Rotation

    angles = np.stack([x_deg, y_deg, z_deg], axis=1)
    known = np.isfinite(angles).all(axis=1)
    result = np.full(angles.shape, np.nan)
    if known.any():
        rotation = Rotation.from_euler("XYZ", angles[known], degrees=True).as_matrix()
        result[known] = Pose(rotation, np.ones(len(rotation)), np.zeros((len(rotation), 2))).angles_deg
    return dict(zip(("yaw", "pitch", "roll"), result.T, strict=True))


def _openface(path: Path) -> Ratings:
    """Read the CSV of FeatureExtraction, FaceLandmarkVidMulti and FaceLandmarkImg.

    Checked against `lib/local/Utilities/src/RecorderCSV.cpp` (AffectAnalysisGroup/OpenFace, a copy of
    TadasBaltrusaitis/OpenFace), and `feat/tests/data/OpenFace_Test.csv` (cosanlab/py-feat), which was written
    with spaces after commas. Frames count from 1; a photograph has no frame, but numbered faces. pose_R is in
    radians, Rx Ry Rz by left-handed rotation (issue 66), which turns x to the right, y down, z away.
    """
    frame = read_columns(path, lambda name: name in _OPENFACE or re.fullmatch(r"AU\d\d_[rc]", name))
    found = numbers(frame, "success", path) > 0 if "success" in frame else np.ones(len(frame), bool)
    frame, all_of_them = frame[found].reset_index(drop=True), len(frame)

    def column(name: str, missing: float) -> Floats:
        if name not in frame:
            return np.full(len(frame), missing)
        return (numbers if np.isnan(missing) else whole_numbers)(frame, name, path)

    known: dict[str, Any] = {
        "source": path.name,
        "frame": np.maximum(column("frame", 1) - 1, 0),
        "time_s": column("timestamp", 0),
        "track": column("face_id", 0) + column("face", 0),
        "detection": column("confidence", np.nan),
    }
    if "pose_Rx" in frame:
        known |= turned(*(np.degrees(column(f"pose_R{axis}", np.nan)) for axis in "xyz"))
    known |= _landmarks(frame, path)
    units = {name: numbers(frame, name, path) for name in names_of(frame) if name.startswith("AU")}
    lost = all_of_them - len(frame)
    remarks = (f"OpenFace followed no face in {count(lost, 'frame')} of {path.name}.",) if lost else ()
    return Ratings("OpenFace", as_table(len(frame), known, units), remarks)


_OPENFACE: Final = {
    *("frame", "face_id", "face", "timestamp", "confidence", "success"),
    *("pose_Rx", "pose_Ry", "pose_Rz"),
    *_POINTS,
}


def _pyfeat(path: Path) -> Ratings:
    """Read a Fex as `to_csv` writes it.

    Checked against `feat/tests/data/Feat_Test.csv`, `output.csv` and `test_detect.csv` (versions 0.3 to 0.5),
    and `docs/data/news_sample/001.csv` (Detectorv2) in cosanlab/py-feat. Up to 0.5 head pose is in degrees,
    turned as `facepose_detectors/utils.py` says; Detectorv2 writes radians. In between, the columns Pitch,
    Roll and Yaw hold rotations about other axes than they say (`utils/face_pose_pnp.py`): these stay empty.
    `approx_time` is whole seconds, too coarse to be used.
    """
    frame = read_columns(
        path,
        lambda name: name in _FEX or standard_label(name) in EMOTIONS or _FEX_UNIT(name),
        names=["input"],
    )
    boxes = numbers(frame, "FaceRectX", path)
    there = np.isfinite(boxes)
    frame, all_of_them = frame[there].reset_index(drop=True), len(frame)
    number = np.flatnonzero(there).astype(np.float64)
    if "frame" in frame:
        number = whole_numbers(frame, "frame", path)
    emotions = {
        name: numbers(frame, name, path) for name in names_of(frame) if standard_label(name) in EMOTIONS
    }
    known: dict[str, Any] = {
        "source": path.name,
        "frame": number,
        "track": _order_in_frame(number, frame.get("input")),
        **{ours: numbers(frame, name, path) for name, ours in _FEX_PLAIN.items() if name in frame},
        **emotions_of(emotions),
        **_landmarks(frame, path),
    }  # fmt: skip
    remarks = [f"py-feat found no face in {count(all_of_them - len(frame), 'frame')} of {path.name}."] * (
        len(frame) < all_of_them
    )
    if {"Pitch", "Roll", "Yaw"} <= set(frame):
        pitch, roll, yaw = (numbers(frame, name, path) for name in ("Pitch", "Roll", "Yaw"))
        if "Neutral" in frame:
            known |= turned(*np.degrees([-pitch, yaw, roll]))
        elif "Z" not in frame:
            known |= turned(-pitch, yaw, roll)
        else:
            remarks.append(
                f"The head pose in {path.name} was left out: this version of py-feat gives it wrong names."
            )
    if "input" in frame:
        known["source"] = [PureWindowsPath(str(each)).name for each in frame["input"]]
        of_each = frame.assign(frame=number).groupby("input")["frame"].nunique()
        if len(of_each) > 1 and of_each.max() == 1:  # photographs, which py-feat numbers as frames
            known |= {"frame": 0, "time_s": 0.0}
    units = {f"{name}_p": numbers(frame, name, path) for name in names_of(frame) if _FEX_UNIT(name)}
    return Ratings("py-feat", as_table(len(frame), known, units), tuple(remarks))


_FEX_PLAIN: Final = {
    "FaceRectX": "x",
    "FaceRectY": "y",
    "FaceRectWidth": "width",
    "FaceRectHeight": "height",
    "FaceScore": "detection",
    "valence": "valence",
    "arousal": "arousal",
}
_FEX: Final = {"frame", "input", "Pitch", "Roll", "Yaw", "Z", *_FEX_PLAIN, *_POINTS}
_FEX_UNIT: Final = re.compile(r"AU\d\d").fullmatch


def _landmarks(frame: Any, path: Path) -> dict[str, Floats]:
    if not set(_POINTS) <= set(frame):
        return {}
    return {ours: numbers(frame, name, path) for ours, name in zip(POINTS, _POINTS, strict=True)}


def _order_in_frame(number: Floats, source: Any) -> Any:
    import pandas as pd

    keys = pd.DataFrame({"frame": number, "source": 0 if source is None else source.to_numpy()})
    return keys.groupby(["source", "frame"], dropna=False).cumcount().to_numpy()


BY_COLUMNS: Final[tuple[tuple[Callable[[set[str]], bool], Callable[[Path], Ratings]], ...]] = (
    (lambda names: "FaceRectX" in names, _pyfeat),
    (lambda names: "confidence" in names and bool({"timestamp", "face"} & names), _openface),
    (lambda names: bool({"box", "box0"} & names) and bool({"happy", "happy0"} & names), fer_csv),
)
"""How a table's columns tell the tool, and what reads it."""
