"""Files as other tools write them, made by hand after these tools' own files and sources."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.labels import EMOTIONS
from mien.table import PROBABILITIES, table_frame

FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven emotions of fer and DeepFace."""

ROTATION_DEG = (20.0, -10.0, 5.0)
"""About the axes x to the right, y down, z away: looks down, to the picture's right, leans to its right."""


def square(x: float = 100, y: float = 80, side: float = 60) -> list[list[float]]:
    """(68, 2) landmarks that fill a square."""
    across = np.linspace(0, side, 68)
    return np.stack([x + across, y + across[::-1]], axis=1).tolist()


def openface(path: Path, rows: Sequence[tuple[int, float, int, int]], *, spaces: bool = True) -> Path:
    """Write what FeatureExtraction writes; rows are (frame from 1, seconds, success, AU12 in hundredths)."""
    names = ["frame", "face_id", "timestamp", "confidence", "success", "gaze_0_x"]
    names += ["pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz"]
    names += [f"x_{each}" for each in range(68)] + [f"y_{each}" for each in range(68)]
    names += ["AU01_r", "AU12_r", "AU12_c", "AU28_c"]
    points = np.array(square())
    pose = ", ".join(f"{np.radians(each):.6f}" for each in ROTATION_DEG)
    lines = [(", " if spaces else ",").join(names)]
    for frame, time_s, success, smile in rows:
        landmarks = ", ".join(f"{each:.1f}" for each in points.T.ravel())
        lines.append(
            f"{frame}, 0, {time_s:.3f}, 0.98, {success}, 0.1, 1, 2, 600, {pose}, {landmarks},"
            f" 0.00, {smile / 100:.2f}, {int(smile >= 100)}, 0"
        )
    if not spaces:
        lines = [line.replace(", ", ",") for line in lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def openface_picture(path: Path) -> Path:
    """Write what FaceLandmarkImg writes of two faces."""
    path.write_text(
        "face, confidence, pose_Tx, pose_Ty, pose_Tz, pose_Rx, pose_Ry, pose_Rz, AU12_r, AU12_c\n"
        "0, 0.375, -17.9, 10.1, 164.7, -0.082, -0.139, -0.010, 1.20, 1.0\n"
        "1, 0.975, 17.9, 10.1, 164.7, 0.000, 0.000, 0.000, 0.00, 0.0\n"
    )
    return path


def pyfeat(path: Path, rows: Sequence[Sequence[object]], names: str) -> Path:
    """Write a Fex of some columns."""
    lines = [names, *(",".join("" if each is None else str(each) for each in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def shares(label: str, most: float = 0.7) -> dict[str, float]:
    """The seven shares of fer's labels with one on top."""
    rest = (1 - most) / (len(FER) - 1)
    return {each: most if each == label else rest for each in FER}


def deepface(path: Path, frames: Sequence[Sequence[str]]) -> Path:
    """Write a list of lists of faces, as `DeepFace.analyze` answers for several pictures."""
    face = {"region": {"x": 100, "y": 80, "w": 60, "h": 60, "left_eye": [120, 95], "right_eye": None}}
    path.write_text(
        json.dumps(
            [
                [
                    {
                        "emotion": {name: 100 * each for name, each in shares(label).items()},
                        "dominant_emotion": label,
                        "face_confidence": 0.9,
                    }
                    | face
                    for label in faces
                ]
                for faces in frames
            ]
        )
    )
    return path


def fer_csv(path: Path, labels: Sequence[str]) -> Path:
    """Write what fer's `Video.analyze` writes, with a second face in the first row."""
    names = ["angry0", "box0", *(f"{each}0" for each in FER if each != "angry")]
    names += [name.replace("0", "1") for name in names]
    lines = [",".join(names)]
    for place, label in enumerate(labels):
        one = shares(label)
        cells = [f"{one['angry']:.2f}", '"[140, 120, 60, 60]"', *(f"{one[each]:.2f}" for each in FER[1:])]
        other = cells if place == 0 else [""] * len(cells)
        lines.append(",".join([*cells, *other]))
    path.write_text("\n".join(lines) + "\n")
    return path


FACEREADER_NAMES = (
    "Video Time", "Neutral", "Happy", "Sad", "Angry", "Surprised", "Scared", "Disgusted", "Contempt",
    "Valence", "Arousal", "Gender", "Y - Head Orientation", "X - Head Orientation", "Z - Head Orientation",
    "Action Unit 12 - Lip Corner Puller", "Participant Name", "Analysis Index",
)  # fmt: skip


def facereader(
    path: Path, rows: Sequence[Sequence[str]], *, about: bool = True, encoding: str = "utf-8"
) -> Path:
    """Write a detailed log; rows are cells by `FACEREADER_NAMES`."""
    lines = [
        "Video analysis detailed log", "", "Face Model\tGeneral", "Calibration\t-",
        "Start time\t6/4/2026 13:31:06.331", "Filename\tC:\\Users\\1234\\session.mp4",
        "Frame rate\t30.000000000", "", "", "",
    ]  # fmt: skip
    lines = [*(lines if about else []), "\t".join(FACEREADER_NAMES), *("\t".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def facereader_row(time: str, happy: str, *, who: str = "Rebecca", unit: str = "C") -> list[str]:
    """One row of a log, of a face that shows some happiness."""
    if happy == "FIND_FAILED":
        return [time, *[happy] * 15, who, "Analysis 5"]
    return [
        time, "0.2000", happy, "0.01", "0.01", "0.01", "0.01", "0.01", "0.01", "0.5000", "0.7500", "Female",
        "17.1", "0.2", "-9.0877", unit, who, "Analysis 5",
    ]  # fmt: skip


def ours(
    path: Path, labels: Sequence[str], *, rate_hz: float = 10, source: str = "session.mp4", **numbers: object
) -> Path:
    """Write a table of Mien with one face; more columns by name."""
    rows = []
    for place, label in enumerate(labels):
        shares_of = [0.6 if each == label else 0.4 / 7 for each in EMOTIONS]
        box = (100.0, 80.0, 60.0, 60.0, 0.9, 0.8)
        rows.append((source, place, place / rate_hz, 0, *box, *shares_of, label, 0.7, 0.1, 0.0))
    frame = table_frame(rows)
    frame[list(PROBABILITIES)] = frame[list(PROBABILITIES)].round(5)
    for name, values in numbers.items():
        frame[name] = values
    frame.to_csv(path, index=False)
    return path
