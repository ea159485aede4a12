"""What one frame of a live source shows, and how it is told to other programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from mien.labels import EMOTIONS, NEUTRALS, POSE
from mien.measures.shape import measure
from mien.table import COLUMNS, DECIMALS, Row, plain_name, rows
from mien.types import Faces, Frame, Image

_PRESENCE: Final = DECIMALS["detection"]
_LANDMARKS: Final = DECIMALS["lm_0_x"]
_ANGLE: Final = 1
_BOX: Final = ("track", "x", "y", "width", "height", "detection", "quality")
_SHOWN: Final = ("expression", "confidence", "probabilities", "valence", "arousal")

_NO_IMAGE: Final = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one frame of one live source shows.

    Attributes:
        source: the source's name in the session.
        frame: the frame's number in the source, from 0; goes on when the source is started again.
        time_s: seconds from the start by the source's own clock; goes on when it is started again.
        at_s: POSIX seconds when the frame was taken in.
        size_wh: width and height of the picture in pixels.
        faces: as they were read.
        shown: the same faces, smoothed for the eye.
        image: the picture, uint8 RGB, read-only; for the page only, never stored. None where nobody shows it.
        took_ms: milliseconds from taking the frame in to the reading's publication.
    """

    source: str
    frame: int
    time_s: float
    at_s: float
    size_wh: tuple[int, int]
    faces: Faces
    shown: Faces
    image: Image | None
    took_ms: float

    def rows(self) -> list[Row]:
        """Give the table's rows of the faces as they were read, one for each, in the order of `COLUMNS`."""
        return rows(self._frame(), self.faces)

    def as_dict(self, *, landmarks: bool = False) -> dict[str, Any]:
        """Give everything but the picture, ready for JSON: rounded like the table, None where unknown.

        Args:
            landmarks: with the 68 points of each face, and how its head is turned in degrees (`labels.POSE`);
                None for a face without.
        """
        shown = [_named(row) for row in rows(self._frame(), self.shown)]
        faces = [
            {**_named(row), "shown": {key: smooth[key] for key in _SHOWN}}
            for row, smooth in zip(self.rows(), shown, strict=True)
        ]
        for face, presence, neutral in zip(
            faces, self.faces.presence.tolist(), self.faces.neutral.tolist(), strict=True
        ):
            face["presence"] = round(presence, _PRESENCE) if presence == presence else None
            face["neutral"] = NEUTRALS[neutral]
        if landmarks:
            for face, points in zip(faces, self.faces.landmarks.astype(np.float64), strict=True):
                face["landmarks"] = None if np.isnan(points).any() else points.round(_LANDMARKS).tolist()
            for face, angles in zip(faces, measure(self.faces.landmarks)[:, : len(POSE)], strict=True):
                head = dict(zip(POSE, angles.round(_ANGLE).tolist(), strict=True))
                face["head"] = None if np.isnan(angles).any() else head
        return {
            "source": plain_name(self.source),
            "frame": self.frame,
            "time_s": round(self.time_s, DECIMALS["time_s"]),
            "at": utc(self.at_s),
            "size_wh": list(self.size_wh),
            "took_ms": round(self.took_ms, 2),
            "faces": faces,
        }

    def _frame(self) -> Frame:
        # Rows tell only where and when; not every reading has its picture.
        return Frame(_NO_IMAGE, self.frame, self.time_s, self.source)


def utc(at_s: float) -> str:
    """Give POSIX seconds as ISO 8601 in UTC, with milliseconds: "2026-05-01T12:00:00.250Z"."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _named(row: Row) -> dict[str, Any]:
    """Give a row's cells by their names, the probabilities by their labels."""
    cells = dict(zip(COLUMNS, row, strict=True))
    return {
        **{name: cells[name] for name in _BOX},
        "presence": None,
        "probabilities": {label: cells[f"p_{label}"] for label in EMOTIONS},
        **{name: cells[name] for name in ("expression", "confidence", "valence", "arousal")},
    }
