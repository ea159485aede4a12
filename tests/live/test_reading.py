from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from mien.labels import EMOTIONS
from mien.live.reading import JsonLines, Reading
from mien.measures.face3d import STANDARD_FACE
from mien.moments import utc
from mien.table import rows
from mien.types import Faces, Frame

P = [0.1, 0.6, 0.05, 0.05, 0.05, 0.05, 0.05, np.nan]


def two_faces() -> tuple[Faces, Faces]:
    faces = Faces(
        np.array([[10, 20, 50.126, 80], [100, 20, 120, 50]]),
        detection=[0.98765, 0.5],
        presence=[0.912345, np.nan],
        quality=[0.7, np.nan],
        track=[3, 4],
        landmarks=[np.full((68, 2), 1.23456), np.full((68, 2), np.nan)],
        probabilities=[P, [np.nan] * 8],
        expression=[1, -1],
        confidence=[0.6, np.nan],
        valence=[0.123456, np.nan],
        arousal=[-0.0, np.nan],
    )
    smooth = [0.2, 0.5, *P[2:]]
    return faces, faces.fill(probabilities=[smooth, [np.nan] * 8], expression=[-1, -1])


def a_reading() -> Reading:
    frame = Frame(np.zeros((90, 160, 3), np.uint8), 12, 0.4000004, "cam")
    return Reading(frame, *two_faces(), 1_770_000_000.25, 7.126)


def test_all_that_a_reading_tells() -> None:
    said = a_reading().as_dict()
    assert {key: said[key] for key in said if key != "faces"} == {
        "source": "cam",
        "frame": 12,
        "time_s": 0.4,
        "at": "2026-02-02T02:40:00.250Z",
        "size_wh": [160, 90],
        "took_ms": 7.13,
    }
    first, second = said["faces"]
    assert first["presence"] == 0.9123
    assert (first["x"], first["width"], first["track"]) == (10, 40.13, 3)
    assert first["expression"] == "happiness"
    assert first["shown"]["expression"] == "uncertain"
    assert first["probabilities"]["happiness"] == pytest.approx(0.6)
    assert first["shown"]["probabilities"] == pytest.approx(
        dict(zip(EMOTIONS, [0.2, 0.5, *P[2:7]], strict=False)) | {"contempt": None}
    )
    assert list(first["probabilities"]) == list(EMOTIONS)
    assert "landmarks" not in first
    assert second["presence"] is second["quality"] is second["confidence"] is second["valence"] is None
    assert set(second["probabilities"].values()) == {None}


def test_the_numbers_are_those_of_the_table() -> None:
    reading = a_reading()
    assert reading.rows == rows(reading.frame, reading.faces)
    (_, _, time_s, track, *box), _ = reading.rows
    said = reading.as_dict()
    face = said["faces"][0]
    assert (time_s, track) == (said["time_s"], face["track"])
    assert box[:6] == [face[name] for name in ("x", "y", "width", "height", "detection", "quality")]
    assert box[6:14] == list(face["probabilities"].values())
    assert box[14:] == [face[name] for name in ("expression", "confidence", "valence", "arousal")]


def test_landmarks_where_they_are_asked_for() -> None:
    first, second = a_reading().as_dict(landmarks=True)["faces"]
    assert first["landmarks"] == [[1.23, 1.23]] * 68
    assert second["landmarks"] is None


def test_how_the_head_is_turned_stands_beside_the_landmarks() -> None:
    """Against a face of which the angles are known: the standard face, turned."""
    yaw, pitch = np.radians(20.0), np.radians(-10.0)
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    turned = (about_y @ about_x @ STANDARD_FACE.T).T[:, :2] * 100 + 200
    faces, shown = two_faces()
    faces = faces.fill(landmarks=np.stack([turned, np.full((68, 2), np.nan)]))
    reading = Reading(Frame(np.zeros((400, 400, 3), np.uint8), 0, 0.0, "cam"), faces, shown, 0.0, 0.0)
    first, second = reading.as_dict(landmarks=True)["faces"]
    assert first["head"] == pytest.approx({"yaw": 20, "pitch": -10, "roll": 0}, abs=0.2)
    assert second["head"] is None
    assert a_reading().as_dict(landmarks=True)["faces"][0]["head"] is None  # all points in one place
    assert "head" not in reading.as_dict()["faces"][0]


def test_the_time_is_the_utc_of_the_system() -> None:
    assert datetime.fromisoformat(utc(1e9)) == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)


def test_a_line_of_json_for_each_reading_and_at_once() -> None:
    class Out(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    out = Out()
    lines = JsonLines(out, landmarks=True)
    reading = a_reading()
    lines.write(reading)
    lines.write(reading)
    assert out.flushed == 2
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [reading.as_dict(landmarks=True)] * 2


def test_a_name_from_a_strange_file_is_still_one_line_of_text() -> None:
    faces = Faces.empty()
    strange = Reading(Frame(np.zeros((1, 1, 3), np.uint8), 0, 0.0, "a\nb\udcff"), faces, faces, 0.0, 0.0)
    text = json.dumps(strange.as_dict(), ensure_ascii=False)
    assert "\n" not in text
    assert text.encode()
