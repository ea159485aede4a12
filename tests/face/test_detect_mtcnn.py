from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import joblib
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.face.detect import mtcnn, mtcnn_graphs, mtcnn_weights
from mien.face.detect.base import Refiner
from mien.face.detect.mtcnn import Mtcnn
from mien.face.detect.mtcnn_weights import load_weights, weights_folder
from mien.geometry import iou_matrix
from mien.types import Faces, Image
from patience import LIMIT_S

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def detector() -> Mtcnn:
    return Mtcnn()


class Reference:
    """The nets in plain NumPy, in Keras's layout, layer by layer as the `mtcnn` package has them."""

    def __init__(self, net: str) -> None:
        self._weights = iter(load_weights(net))

    def convolution(self, x: Array) -> Array:
        kernel, bias = next(self._weights), next(self._weights)
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
        return np.asarray(np.einsum("nijchw,hwco->nijo", windows, kernel) + bias)

    def prelu(self, x: Array) -> Array:
        return np.where(x > 0, x, x * next(self._weights))

    def pool(self, x: Array, side: int, *, same: bool) -> Array:
        """Max pooling, two apart; "same" pads at the end, as Keras does for these sizes."""
        if same:
            missing = [max(0, (-(-n // 2) - 1) * 2 + side - n) for n in x.shape[1:3]]
            around = [(0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)]
            x = np.pad(x, around, constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
        return np.asarray(windows[:, ::2, ::2].max(axis=(-1, -2)))

    def dense(self, x: Array) -> Array:
        kernel, bias = next(self._weights), next(self._weights)
        return np.asarray(x @ kernel + bias)

    def flat(self, x: Array) -> Array:
        return x.transpose(0, 2, 1, 3).reshape(len(x), -1)

    def face(self, logits: Array) -> Array:
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(shares[..., 1] / shares.sum(axis=-1))


def reference_pnet(x: Array) -> dict[str, Array]:
    net = Reference("pnet")
    x = net.pool(net.prelu(net.convolution(x)), 2, same=True)
    x = net.prelu(net.convolution(net.prelu(net.convolution(x))))
    return {
        "offsets": net.convolution(x).transpose(0, 3, 1, 2),
        "score": net.face(net.convolution(x))[:, None],
    }


def reference_rnet(x: Array) -> dict[str, Array]:
    net = Reference("rnet")
    x = net.pool(net.prelu(net.convolution(x)), 3, same=True)
    x = net.pool(net.prelu(net.convolution(x)), 3, same=False)
    x = net.prelu(net.dense(net.flat(net.prelu(net.convolution(x)))))
    return {"offsets": net.dense(x), "score": net.face(net.dense(x))[:, None]}


def reference_onet(x: Array) -> dict[str, Array]:
    net = Reference("onet")
    x = net.pool(net.prelu(net.convolution(x)), 3, same=True)
    x = net.pool(net.prelu(net.convolution(x)), 3, same=False)
    x = net.pool(net.prelu(net.convolution(x)), 2, same=True)
    x = net.prelu(net.dense(net.flat(net.prelu(net.convolution(x)))))
    return {"offsets": net.dense(x), "points": net.dense(x), "score": net.face(net.dense(x))[:, None]}


@pytest.mark.parametrize(
    ("net", "shape"),
    [("pnet", (12, 12)), ("pnet", (37, 52)), ("pnet", (40, 23)), ("rnet", (24, 24)), ("onet", (48, 48))],
    ids=str,
)
def test_the_graphs_say_what_plain_numpy_says(net: str, shape: tuple[int, int], portrait: Image) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    face = cv2.resize(portrait[113:339, 150:376], shape[::-1], interpolation=cv2.INTER_AREA)
    pictures = np.concatenate([noise, np.asarray(face, np.uint8)[None]])
    expected = globals()[f"reference_{net}"]((pictures.astype(np.float32) - 127.5) / 128)
    model = getattr(mtcnn_graphs, net)(load_weights(net))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    received = dict(zip(expected, session.run(list(expected), {"image": pictures}), strict=True))
    for name, value in expected.items():
        assert received[name].shape == value.shape
        np.testing.assert_allclose(received[name], value, atol=1e-4, err_msg=name)


PACKAGE = """
import json, sys
import numpy as np
from mtcnn import MTCNN
image = np.load(sys.argv[1])
print(json.dumps(MTCNN().detect_faces(image, threshold_onet=0.9), default=float))
"""


@pytest.mark.exhaustive
@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="the mtcnn package needs TensorFlow"
)
def test_it_finds_what_the_package_finds(detector: Mtcnn, portrait: Image, tmp_path: Path) -> None:
    picture = tmp_path / "portraits.npy"
    three = [cv2.resize(portrait, None, fx=f, fy=f, interpolation=cv2.INTER_AREA) for f in (0.7, 0.5, 0.35)]
    image = np.full((430, 850, 3), 127, np.uint8)
    for small, left in zip(three, (0, 370, 640), strict=True):
        image[: small.shape[0], left : left + small.shape[1]] = small
    np.save(picture, image)
    command = [sys.executable, "-c", PACKAGE, str(picture)]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    answer = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    theirs = json.loads(answer.stdout.splitlines()[-1])
    ours = detector.detect(image)
    assert len(ours) == len(theirs) == 3
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in (face["box"] for face in theirs)])
    match = iou_matrix(ours.xyxy, boxes).argmax(axis=1)
    assert iou_matrix(ours.xyxy, boxes).max(axis=1).min() > 0.8
    names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    points = np.array([[theirs[i]["keypoints"][name] for name in names] for i in match])
    distance = np.hypot(*np.moveaxis(ours.points - points, -1, 0)) / ours.size_wh[:, :1]
    assert distance.max() < 0.05


def test_weights_of_another_version_are_not_loaded(tmp_path: Path) -> None:
    joblib.dump([np.zeros(3, np.float32)], tmp_path / "pnet.lz4")
    with pytest.raises(ModelError, match=r"pnet\.lz4.*expected SHA-256 ea6b.*pip install mtcnn==1\.0\.0"):
        load_weights("pnet", tmp_path)


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*onet\.lz4 .*pip install mtcnn"):
        load_weights("onet", tmp_path)
    monkeypatch.setattr(mtcnn_weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install mtcnn"):
        load_weights("onet")


def test_tensorflow_stays_out() -> None:
    code = (
        "import sys; from mien.face.detect.mtcnn import Mtcnn; Mtcnn(); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'mtcnn', 'torch')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT_S)


def test_strips_find_what_the_whole_picture_shows(
    detector: Mtcnn, portrait: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def windows(strip_px: int) -> NDArray[np.float32]:
        monkeypatch.setattr(mtcnn, "STRIP_PX", strip_px)
        found = np.column_stack(detector._windows(portrait[:400, :401], portrait))
        return found[np.lexsort(found.T)]

    whole = windows(1000)
    assert len(whole) > 10
    np.testing.assert_allclose(windows(32), whole, atol=1e-4)


@pytest.fixture(scope="module")
def box(detector: Mtcnn, portrait: Image) -> Array:
    return detector.detect(portrait).xyxy


def test_it_looks_again_around_known_faces(detector: Mtcnn, portrait: Image, box: Array) -> None:
    assert isinstance(detector, Refiner)
    before, known = portrait.copy(), box.copy()
    again = detector.refine(portrait, Faces(box))
    assert len(again) == 1
    assert iou_matrix(again.xyxy, box)[0, 0] > 0.85
    np.testing.assert_array_equal(portrait, before)
    np.testing.assert_array_equal(box, known)


@pytest.mark.parametrize("step_xy", [(0.25, 0), (-0.25, 0), (0, 0.25), (0.2, -0.2)])
def test_it_finds_a_face_that_has_moved(
    detector: Mtcnn, portrait: Image, box: Array, step_xy: tuple[float, float]
) -> None:
    step = np.array(step_xy) * (box[0, 2:] - box[0, :2])
    again = detector.refine(portrait, Faces(box + np.tile(step, 2)))
    assert len(again) == 1
    assert iou_matrix(again.xyxy, box)[0, 0] > 0.8
    assert np.hypot(*(again.points[0] - detector.detect(portrait).points[0]).T).max() < 10


def test_what_is_no_face_any_more_is_left_out(detector: Mtcnn, portrait: Image, box: Array) -> None:
    elsewhere = np.array([[20, 400, 160, 560], [-500, -500, -300, -300], [600, 700, 800, 900]], np.float32)
    assert len(detector.refine(portrait, Faces(elsewhere))) == 0
    assert len(detector.refine(portrait, Faces(np.concatenate([elsewhere, box])))) == 1


def test_two_boxes_on_one_face_become_one(detector: Mtcnn, portrait: Image, box: Array) -> None:
    assert len(detector.refine(portrait, Faces(np.concatenate([box, box + 8])))) == 1


def test_nothing_known_gives_nothing(detector: Mtcnn, portrait: Image) -> None:
    assert len(detector.refine(portrait, Faces.empty())) == 0


def test_a_face_at_the_edge_is_found(detector: Mtcnn, portrait: Image, box: Array) -> None:
    left, top, right, _ = box[0].astype(int)
    cut = portrait[top + 30 :, left:right]
    faces = detector.detect(cut)
    assert len(faces) == 1
    assert faces.xyxy[0, 1] == 0
    assert faces.xyxy[0, [0, 2]] == pytest.approx([0, right - left], abs=8)


def test_smaller_faces_are_found_when_asked_for(portrait: Image) -> None:
    small = np.asarray(cv2.resize(portrait, (77, 90), interpolation=cv2.INTER_AREA), np.uint8)
    assert len(Mtcnn(min_face_px=60).detect(small)) == 0
    assert len(Mtcnn(min_face_px=20).detect(small)) == 1


def test_a_pickle_that_is_exchanged_after_its_check_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that were checked are the ones that are loaded: no second look at the file."""
    path = tmp_path / "pnet.lz4"
    path.write_bytes((weights_folder() / "pnet.lz4").read_bytes())
    ran = tmp_path / "ran"
    read_bytes = Path.read_bytes

    def then_exchanged(self: Path) -> bytes:
        content = read_bytes(self)
        joblib.dump(_Attack(ran), path)
        return content

    monkeypatch.setattr(Path, "read_bytes", then_exchanged)
    assert load_weights("pnet", tmp_path)[0].dtype == np.float32
    assert not ran.exists()
    with pytest.raises(ModelError, match="expected SHA-256"):  # found out next time, before it is run
        load_weights("pnet", tmp_path)
    assert not ran.exists()
    monkeypatch.undo()
    joblib.load(path)
    assert ran.exists()  # it would have run


class _Attack:
    def __init__(self, ran: Path) -> None:
        self._ran = ran

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._ran,)
