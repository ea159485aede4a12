"""Smiles of made faces beside made bodies."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from measures.test_smile import smile
from mien.analysis.smiles import COLUMNS, BodyCourses, ExpressionCourse, after_onsets, write_smiles
from mien.labels import EMOTIONS
from mien.measures.face3d import STANDARD_FACE
from mien.signals.types import Signal, Signals
from mien.types import Faces

SECONDS, RATE_HZ = 120, 30
ONSETS = [10.0, 25.0, 50.0, 72.0, 95.0]


def shown(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sum(smile(times, onset, 0.5, 2.0, 0.8) for onset in ONSETS), np.float64)


@pytest.fixture(scope="module")
def course() -> ExpressionCourse:
    """A face that smiles five times, and another that never does."""
    found, random = ExpressionCourse(), np.random.default_rng(1)
    times = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    for time_s, happy in zip(times, shown(times), strict=True):
        points = STANDARD_FACE[:, :2] * 100 + 200
        points[[48, 54], 0] += np.array([-9.0, 9.0]) * happy
        points[[48, 54], 1] -= 5.0 * happy
        points = points + 0.2 * random.normal(size=points.shape)
        shares = np.zeros((2, len(EMOTIONS)))
        shares[:, 0], shares[0, 1], shares[0, 0] = 1, 0.9 * happy, 1 - 0.9 * happy
        faces = Faces([[100, 100, 300, 300], [400, 100, 600, 300]]).fill(
            track=[3, 7], probabilities=shares, landmarks=np.stack([points, STANDARD_FACE[:, :2] * 100 + 500])
        )
        found.take(float(time_s), faces)
    found.take(float(SECONDS), Faces.empty())
    return found


@pytest.fixture(scope="module")
def body() -> BodyCourses:
    """Its smile muscle is busy in each smile, and its skin answers 2 s after each but the third."""
    random = np.random.default_rng(2)
    fast, slow = np.arange(SECONDS * 1000) / 1000, np.arange(SECONDS * 8) / 8
    muscle = random.normal(size=len(fast)) * (1 + 4 * shown(fast))
    skin = np.full(len(slow), 3.0)
    for onset in ONSETS[:2] + ONSETS[3:]:
        since = slow - onset - 2
        falling = np.exp(-np.maximum(since - 1.5, 0) / 4)
        skin += np.where(since > 0, 0.5 * np.minimum(since / 1.5, 1) * falling, 0)
    rate = 70 + random.normal(size=SECONDS)
    signals = (Signal("EMG zyg", "emg", "uV", muscle, fast), Signal("EDA", "eda", "uS", skin, slow))
    seconds = np.arange(SECONDS) + 0.5
    courses = {"heart_rate": (seconds, rate), "skin_level": (slow, skin)}
    return BodyCourses(Signals(signals), courses, (0.0, float(SECONDS)), (3,))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.exhaustive
def test_the_table_of_smiles(course: ExpressionCourse, body: BodyCourses, tmp_path: Path) -> None:
    told = write_smiles(tmp_path / "x.smiles.csv", course, body)
    assert told == {"smiles": 5, "measured": 5}
    found = rows(tmp_path / "x.smiles.csv")
    assert tuple(found[0]) == COLUMNS
    assert {row["track"] for row in found} == {"3"}
    assert [float(row["onset_s"]) for row in found] == pytest.approx(ONSETS, abs=0.2)
    assert all(float(row["amplitude"]) == pytest.approx(0.103, abs=0.01) for row in found)
    assert all(abs(float(row["asymmetry"])) < 0.1 for row in found)
    assert all(3 < float(row["smile_muscle_ratio"]) < 5 for row in found)
    skin = [float(row["skin_response_us"]) for row in found]
    assert skin[2] == 0
    assert found[2]["skin_response_after_s"] == ""
    assert [skin[each] for each in (0, 1, 3, 4)] == pytest.approx([0.5] * 4, abs=0.1)
    assert float(found[0]["skin_response_after_s"]) == pytest.approx(2, abs=0.6)
    assert all(abs(float(row["heart_rate_change"])) < 2 for row in found)


@pytest.mark.exhaustive
def test_without_a_body_all_faces_are_looked_at(course: ExpressionCourse, tmp_path: Path) -> None:
    assert course.tracks == (3, 7)
    assert write_smiles(tmp_path / "x.smiles.csv", course, None) == {"smiles": 5, "measured": 5}
    found = rows(tmp_path / "x.smiles.csv")
    assert {row["smile_muscle_ratio"] for row in found} == {""}


def test_no_face(tmp_path: Path) -> None:
    assert write_smiles(tmp_path / "x.smiles.csv", ExpressionCourse(), None) == {"smiles": 0, "measured": 0}
    assert rows(tmp_path / "x.smiles.csv") == []


def test_the_body_after_onsets(course: ExpressionCourse, body: BodyCourses) -> None:
    lines, figures = after_onsets(course, body)
    told = {(each["face"], each["body"]): each for each in lines}
    assert set(told) == {("happiness", "heart_rate"), ("happiness", "skin_level")}
    skin, heart = told["happiness", "skin_level"], told["happiness", "heart_rate"]
    assert (skin["onsets"], skin["known"]) == (5, 5)
    assert skin["mean"] > skin["chance"]
    assert skin["p"] < 0.05 < heart["p"]
    assert len(figures) == 10
    assert {each.measure for each in figures} == {"heart_rate_response", "skin_level_response"}
    assert [each.end_s - each.start_s for each in figures] == pytest.approx([10] * 10)
