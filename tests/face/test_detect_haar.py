from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mien.errors import ModelError
from mien.face.detect import haar
from mien.types import Image


def test_the_last_stage_asks_for_what_stands_in_the_cascade() -> None:
    file = cv2.FileStorage(str(Path(cv2.data.haarcascades) / haar.CASCADE), cv2.FILE_STORAGE_READ)
    cascade = file.getNode("cascade")
    stages = cascade.getNode("stages")
    assert stages.at(stages.size() - 1).getNode("stageThreshold").real() == pytest.approx(haar.LAST_STAGE)
    assert cascade.getNode("width").real() == cascade.getNode("height").real() == haar.WINDOW_PX


def test_the_score_is_the_margin_over_what_is_asked_for(portrait: Image) -> None:
    boxes = np.array([[10, 10, 50, 50], [100, 10, 50, 50], [200, 10, 50, 50]])
    votes = np.array([haar.LAST_STAGE, haar.LAST_STAGE + 1, haar.LAST_STAGE + 9])
    detector = haar.Haar()
    detector._cascade = SimpleNamespace(detectMultiScale3=lambda image, **options: (boxes, None, votes))
    faces = detector.detect(portrait)
    assert faces.detection == pytest.approx([0.9, 0.5, 0])
    assert (np.diff(faces.xyxy[:, 0]) < 0).all()


def test_it_has_no_landmarks(portrait: Image) -> None:
    assert np.isnan(haar.Haar().detect(portrait).points).all()


@pytest.mark.parametrize(
    "data", [SimpleNamespace(haarcascades="/nowhere/"), None], ids=["no file", "no folder"]
)
def test_an_opencv_without_cascades_is_named(data: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "data", data)
    with pytest.raises(ModelError, match="opencv-python-headless<5"):
        haar.Haar()
