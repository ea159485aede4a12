"""What one frame of a live source shows, and how it is told to other programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TextIO

import numpy as np

from mien.labels import EMOTIONS, NEUTRALS, POSE
from mien.measures.shape import measure
from mien.moments import utc
from mien.table import COLUMNS, DECIMALS, Row, plain_name, rows
from mien.types import Faces, Frame

_PRESENCE: Final = DECIMALS["detection"]
_LANDMARKS: Final = DECIMALS["lm_0_x"]
_ANGLE: Final = 1
_BOX: Final = ("track", "x", "y", "width", "height", "detection", "quality")
_SHOWN: Final = ("expression", "confidence", "probabilities", "valence", "arousal")


@dataclass(frozen=True, eq=False)
class Reading:
    """What one frame of one live source shows; it never changes, so whoever shows it may share what it tells.

    Attributes:
        frame: as it was analysed. Its index and times go on when the source is started again; its picture is
            read-only, for the page only, and never stored.
        faces: as they were read.
        shown: the same faces, smoothed for the eye.
        at_s: POSIX seconds when the frame was taken in.
        took_ms: milliseconds from taking the frame in to the reading's publication.
    """

    frame: Frame
    faces: Faces
    shown: Faces
    at_s: float
    took_ms: float

    @property
    def source(self) -> str:
        """The source's name in the session."""
        return self.frame.source

    @cached_property
    def rows(self) -> list[Row]:
        """The table's rows of the faces as they were read, one for each, in the order of `COLUMNS`."""
        return rows(self.frame, self.faces)

    def as_dict(self, *, landmarks: bool = False) -> dict[str, Any]:
        """Return everything but the picture, ready for JSON: rounded like the table, None where unknown.

        Args:
            landmarks: with the 68 points of each face, and how its head is turned in degrees (`labels.POSE`);
                None for a face without.
        """
        faces = self._faces
        if landmarks:
            faces = [face | points for face, points in zip(faces, self._landmarks, strict=True)]
        return {
            "source": plain_name(self.source),
            "frame": self.frame.index,
            "time_s": round(self.frame.time_s, DECIMALS["time_s"]),
            "at": utc(self.at_s),
            "size_wh": list(self.frame.size_wh),
            "took_ms": round(self.took_ms, 2),
            "faces": faces,
        }

    @cached_property
    def _faces(self) -> list[dict[str, Any]]:
        smooth = [_named(row) for row in rows(self.frame, self.shown)]
        return [
            _named(row)
            | {
                "presence": round(presence, _PRESENCE) if presence == presence else None,
                "shown": {key: shown[key] for key in _SHOWN},
                "neutral": NEUTRALS[neutral],
            }
            for row, shown, presence, neutral in zip(
                self.rows, smooth, self.faces.presence.tolist(), self.faces.neutral.tolist(), strict=True
            )
        ]

    @cached_property
    def _landmarks(self) -> list[dict[str, Any]]:
        found = self.faces.landmarks.astype(np.float64)
        return [
            {
                "landmarks": None if np.isnan(points).any() else points.round(_LANDMARKS).tolist(),
                "head": None
                if np.isnan(angles).any()
                else dict(zip(POSE, angles.round(_ANGLE).tolist(), strict=True)),
            }
            for points, angles in zip(found, measure(self.faces.landmarks)[:, : len(POSE)], strict=True)
        ]


def _named(row: Row) -> dict[str, Any]:
    """Return a row's cells by their names, the probabilities by their labels."""
    cells = dict(zip(COLUMNS, row, strict=True))
    return {
        **{name: cells[name] for name in _BOX},
        "presence": None,
        "probabilities": {label: cells[f"p_{label}"] for label in EMOTIONS},
        **{name: cells[name] for name in ("expression", "confidence", "valence", "arousal")},
    }


class JsonLines:
    """Writes readings to a stream, one line each, and at once.

    Args:
        out: takes text.
        landmarks: with the 68 points of each face.
    """

    def __init__(self, out: TextIO, *, landmarks: bool = False) -> None:
        self._out = out
        self._landmarks = landmarks

    def write(self, reading: Reading) -> None:
        """Write a reading.

        Raises:
            BrokenPipeError: the reader has gone.
        """
        write_json_line(self._out, reading.as_dict(landmarks=self._landmarks))


def write_json_line(out: TextIO, said: dict[str, Any]) -> None:
    """Write what was said as a line of its own, at once.

    Raises:
        BrokenPipeError: the reader has gone.
    """
    out.write(json.dumps(said, allow_nan=False, separators=(",", ":")) + "\n")
    out.flush()
