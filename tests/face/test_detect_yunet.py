from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import ModelError
from mien.face.detect import mtcnn_graphs
from mien.face.detect.mtcnn_weights import load_weights
from mien.face.detect.yunet import Yunet
from mien.types import Image


@pytest.fixture
def model(shared: Path) -> Path:
    return shared / "models" / "face_detection_yunet_2026may.onnx"


def test_a_network_that_was_not_fetched_is_told_how_to_get(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="mien models fetch yunet"):
        Yunet()


@pytest.mark.parametrize("content", [b"", b"not a network at all", None], ids=["empty", "text", "another"])
def test_a_file_of_another_kind_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(mtcnn_graphs.onet(load_weights("onet")) if content is None else content)
    with pytest.raises(ModelError, match=r"other\.onnx is not a YuNet network"):
        Yunet(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*gone\.onnx: there is no such file"):
        Yunet(tmp_path / "gone.onnx")


def test_a_path_in_any_script_will_do(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "лицо 顔.onnx"
    path.write_bytes(model.read_bytes())
    assert Yunet(path).name == "yunet"


def test_small_faces_of_a_large_photograph_are_looked_for_twice(model: Path, portrait: Image) -> None:
    photograph = np.full((3000, 4000, 3), 128, np.uint8)
    photograph[2000:2150, 3000:3128] = cv2.resize(portrait, (128, 150), interpolation=cv2.INTER_AREA)
    photograph[100:2500, 100:2148] = cv2.resize(portrait, (2048, 2400), interpolation=cv2.INTER_LINEAR)
    heights = [Yunet(model, min_face_px=px).detect(photograph).size_wh[:, 1] for px in (200, 40)]
    assert [len(found) for found in heights] == [1, 2]
    assert sorted(heights[1]) == pytest.approx([53, 850], rel=0.15)


@pytest.mark.parametrize("shape", [(4, 640), (640, 4), (32, 32), (1, 1)])
def test_narrow_pictures_give_no_faces_out_of_stray_memory(
    model: Path, shape: tuple[int, int], portrait: Image
) -> None:
    detector = Yunet(model, min_face_px=1, min_detection=0.5)
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for _ in range(3):
        assert len(detector.detect(portrait)) == 1
        assert len(detector.detect(image)) == 0
