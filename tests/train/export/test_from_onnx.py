"""An exported network, read back into Keras, answers as its file does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras")

from layouts import LAYOUTS
from mien.errors import ModelError
from mien.expression.calibration import softmax
from mien.expression.network import find_network
from mien.expression.sidecar import sidecar_path, write_sidecar
from mien.face.crop import crop_faces
from mien.files import sha256_of
from mien.labels import EMOTIONS
from mien.pipeline import read
from mien.train.backend import load_keras
from mien.train.export.from_onnx import MEASURED_FACES, _on_another_map, restore
from mien.train.export.to_onnx import KERAS_LIMIT, to_onnx
from mien.train.export.write import outputs_of
from mien.train.fit import predict, prepared
from mien.train.recipe import JointRecipe, parse_config
from small_joint import SIZE_PX, small_recipe, small_sidecar, striped_faces
from untrained import recipe_of

keras = load_keras()
FACES = striped_faces(40).images


def mobilenet(**changes: Any) -> JointRecipe:
    network = {"architecture": "mobilenet", "last_block": 3, "heads": {"landmark_channels": 3}, **changes}
    return JointRecipe.model_validate({**small_recipe().model_dump(), "network": network})


def lively(model: Any) -> Any:
    """Give every layer weights with which it answers otherwise for every face."""
    random = np.random.default_rng(1)
    ranges = {"gamma": (1, 2), "beta": (-0.5, 0.5), "moving_mean": (-0.2, 0.2), "moving_variance": (0.5, 1.5)}
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name == "kernel":
                inputs = 9 if layer.name.startswith("conv_dw") else np.prod(variable.shape[:-1])
                variable.assign(random.normal(0, 1.5 / np.sqrt(inputs), variable.shape))
            elif variable.name in {*ranges, "bias"}:
                variable.assign(random.uniform(*ranges.get(variable.name, (-1, 1)), variable.shape))
    return model


def exported(model: Any, folder: Path) -> Path:
    """Write a network as a run does, with 32 bits."""
    path = folder / "earlier.onnx"
    path.write_bytes(to_onnx(model, labels=EMOTIONS, outputs=outputs_of(model)).SerializeToString())
    write_sidecar(sidecar_path(path), small_sidecar(sha256=sha256_of(path), outputs=outputs_of(model)))
    return path


def answers(path: Path, faces: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": faces}), strict=True))


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = lively(mobilenet().build(landmarks=True, given_away=True))
    return exported(model, tmp_path_factory.mktemp("earlier"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_there_and_back_and_there_again(earlier: Path, tmp_path: Path, layout: str) -> None:
    model = mobilenet().network.build(size_px=SIZE_PX, layout=layout)
    restore(model, earlier, FACES)
    before, again = answers(earlier, FACES), answers(exported(model, tmp_path), FACES)
    assert before.keys() == {"votes", "fer2013", "presence", "landmarks"}
    for name, expected in before.items():
        assert expected.std(axis=0).min() > 1e-3
        np.testing.assert_allclose(predict(model, FACES)[name], expected, atol=KERAS_LIMIT)
        np.testing.assert_allclose(again[name], expected, atol=KERAS_LIMIT)


def test_normalisations_have_the_statistics_of_what_they_normalise(earlier: Path) -> None:
    """In training they do with a batch what they do outside of it."""
    model = mobilenet().build(landmarks=True, given_away=True)
    restore(model, earlier, FACES)
    normalised = keras.Model(model.input, model.get_layer("conv_pw_3_bn").output)
    inside, outside = (
        keras.ops.convert_to_numpy(normalised(prepared(FACES), training=training))
        for training in (True, False)
    )
    np.testing.assert_allclose(inside, outside, atol=1e-3)


def test_faces_from_everywhere_give_the_statistics(earlier: Path) -> None:
    """A data set may be sorted by class."""
    dark, light = (np.full((MEASURED_FACES, SIZE_PX, SIZE_PX), grey, np.uint8) for grey in (10, 240))
    means = []
    for faces in (dark, np.concatenate([dark, light])):
        model = mobilenet().build(landmarks=True, given_away=True)
        restore(model, earlier, faces)
        means.append(model.get_layer("conv1_bn").get_weights()[2])
    assert np.abs(means[0] - means[1]).max() > 0.1


def test_the_network_that_ships_goes_on_as_it_is(portrait: NDArray[np.uint8]) -> None:
    """Within what feature maps of 8 bits explain."""
    path = find_network("mien")
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    [text] = re.findall(r"```json\n(.*?)```", card, re.DOTALL)
    recipe = parse_config(json.loads(text), "mien.md")
    [crop] = crop_faces(portrait, read(portrait, threads=1), recipe.data.size_px)
    made = [crop, crop[:, ::-1], crop // 2, 255 - (255 - crop) // 2, np.roll(crop, 3, axis=1), crop[::-1]]
    faces = np.stack([*made, *(cv2.GaussianBlur(each, (5, 5), 0) for each in made)])
    model = recipe.build(landmarks=True, given_away=True)
    restore(model, path, faces)
    expected, received = answers(path, faces), predict(model, faces)
    for name in ("votes", "fer2013"):
        shares = softmax(expected[name])
        np.testing.assert_allclose(softmax(received[name]), shares, atol=0.05)
        sure = np.diff(np.sort(shares, axis=1)[:, -2:], axis=1)[:, 0] > 0.1
        assert sure.sum() > len(faces) / 2
        np.testing.assert_array_equal(received[name].argmax(axis=1)[sure], shares.argmax(axis=1)[sure])
    np.testing.assert_allclose(received["landmarks"], expected["landmarks"], atol=0.02)
    np.testing.assert_allclose(received["presence"], expected["presence"], atol=0.2)


@pytest.mark.parametrize(("before", "after"), [(6, 8), (3, 7), (5, 5)])
def test_landmarks_of_an_enlarged_map_are_the_same(before: int, after: int) -> None:
    random = np.random.default_rng(0)
    small = random.normal(size=(before, before, 4)).astype(np.float32)
    kernel = random.normal(size=(small.size, 6)).astype(np.float32)
    large = cv2.resize(small, (after, after), interpolation=cv2.INTER_LINEAR)
    fitted = _on_another_map(kernel, 4, large.size)
    np.testing.assert_allclose(large.reshape(-1) @ fitted, small.reshape(-1) @ kernel, rtol=1e-3, atol=1e-3)


def test_a_network_that_sees_the_face_enlarged_goes_on_from_one_that_does_not(earlier: Path) -> None:
    model = mobilenet(enlarged_px=48).build(landmarks=True, given_away=True)
    restore(model, earlier, FACES)
    grey = np.full((1, SIZE_PX, SIZE_PX), 128, np.uint8)
    assert model.get_layer("landmarks").kernel.shape[0] == 24 * 24 * 3
    assert predict(model, grey)["landmarks"].shape == (1, 136)


def test_a_network_for_one_label_set_takes_the_backbone(earlier: Path) -> None:
    model = recipe_of("mobilenet").build(classes=3)
    heads = {name: model.get_layer(name).get_weights()[0] for name in ("dense", "logits", "votes")}
    restore(model, earlier, FACES, heads=False)
    for name, kernel in heads.items():
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], kernel)
    joint = mobilenet().build(landmarks=True, given_away=True)
    restore(joint, earlier, FACES)
    features = [keras.Model(each.input, each.get_layer("features").output) for each in (model, joint)]
    got, expected = (each.predict_on_batch(prepared(FACES)) for each in features)
    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"last_block": 4}, "ends after block 3; last_block in the recipe can't be higher"),
        ({"last_block": 1}, r"places: expected shape \(1, 1, 64, 3\), received \(1, 1, 128, 3\)"),
        ({"heads": {"landmark_channels": 5}}, "places: expected shape"),
    ],
)
def test_a_network_of_other_layers_is_refused(earlier: Path, changes: dict[str, Any], message: str) -> None:
    model = mobilenet(**changes).build(landmarks=True, given_away=True)
    with pytest.raises(ModelError, match=rf"earlier\.onnx: .*{message}"):
        restore(model, earlier, FACES)


def test_another_architecture_is_refused(earlier: Path, tmp_path: Path) -> None:
    residual = small_recipe().build(landmarks=True, given_away=True)
    with pytest.raises(ModelError, match=r"only a MobileNet .* received another architecture in the recipe"):
        restore(residual, earlier, FACES)
    other = exported(lively(residual), tmp_path)
    with pytest.raises(ModelError, match="only from a MobileNet; received another architecture in the file"):
        restore(mobilenet().build(landmarks=True, given_away=True), other, FACES)


def test_landmarks_that_the_file_does_not_have(tmp_path: Path) -> None:
    without = exported(lively(mobilenet().build(landmarks=False, given_away=True)), tmp_path)
    with pytest.raises(ModelError, match="has no layer places, which the recipe's network has"):
        restore(mobilenet().build(landmarks=True, given_away=True), without, FACES)
