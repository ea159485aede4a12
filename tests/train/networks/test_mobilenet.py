from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras")

from layouts import ON_TENSORFLOW
from mien.errors import ModelError
from mien.labels import EMOTIONS
from mien.train.backend import load_keras
from mien.train.networks.mobilenet import BLOCKS, FEATURES, MobileNet, Weights, load_imagenet, read_imagenet

keras = load_keras()
SIZE_PX = 32


def part(last_block: int, **chosen: Any) -> MobileNet:
    return MobileNet(last_block=last_block, weights="random", **{"dense": 8, **chosen})


def numpy(tensor: Any) -> NDArray[np.float32]:
    return np.array(keras.ops.convert_to_numpy(tensor))


def shaken(model: Any) -> Any:
    """Give the normalisation layers statistics that are not those of a new network."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            for variable in layer.weights:
                low, high = (-0.3, 0.3) if variable.name in ("beta", "moving_mean") else (0.5, 1.5)
                variable.assign(random.uniform(low, high, variable.shape))
    return model


def arrays_of(model: Any) -> Weights:
    return {f"{layer.name}.{v.name}": numpy(v) for layer in model.layers for v in layer.weights}


@pytest.fixture(scope="module")
def colour() -> Any:
    """Keras's own MobileNet for colour pictures, with weights from chance."""
    keras.utils.set_random_seed(3)
    return shaken(
        keras.applications.MobileNet(include_top=False, weights=None, input_shape=(SIZE_PX, SIZE_PX, 3))
    )


@pytest.fixture(scope="module")
def weights(colour: Any) -> Weights:
    return arrays_of(colour)


@pytest.mark.parametrize("last_block", [1, 6, 13])
def test_a_grey_picture_gives_the_colour_networks_features(
    colour: Any, weights: Weights, last_block: int
) -> None:
    ours = part(last_block, stem_stride=2).build(size_px=SIZE_PX, classes=2, votes=False)
    load_imagenet(ours, weights, "weights")
    grey = np.random.default_rng(1).integers(0, 256, (3, SIZE_PX, SIZE_PX, 1)).astype(np.float32)
    as_colour = np.repeat(grey, 3, axis=3) / 127.5 - 1

    maps = keras.Model(colour.input, colour.get_layer(f"conv_pw_{last_block}_relu").output)
    expected = maps.predict_on_batch(as_colour).mean(axis=(1, 2))
    features = keras.Model(ours.input, ours.get_layer(FEATURES).output).predict_on_batch(grey)
    assert expected.std() > 0.01
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-3 * expected.max())


def test_keras_2_called_a_depthwise_kernel_otherwise(weights: Weights) -> None:
    old = {key.replace("dw_1.kernel", "dw_1.depthwise_kernel"): value for key, value in weights.items()}
    assert "conv_dw_1.depthwise_kernel" in old
    model = part(1).build(size_px=24, classes=2, votes=False)
    load_imagenet(model, old, "weights")
    np.testing.assert_array_equal(arrays_of(model)["conv_dw_1.kernel"], weights["conv_dw_1.kernel"])


@pytest.mark.skipif(ON_TENSORFLOW, reason="TensorFlow has no kernels for it on every processor")
def test_both_layouts_give_the_same_answers() -> None:
    models = [
        part(3).build(size_px=24, classes=3, votes=True, layout=layout)
        for layout in ("channels_last", "channels_first")
    ]
    shaken(models[0])
    models[1].set_weights(models[0].get_weights())
    pictures = np.random.default_rng(1).integers(0, 256, (4, 24, 24, 1)).astype(np.float32)
    last, first = (model.predict_on_batch(pictures) for model in models)
    for name in ("logits", "votes"):
        assert last[name].std() > 0
        np.testing.assert_allclose(first[name], last[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("last_block", [1, 4, 13])
def test_parameters_are_those_of_the_papers_table(last_block: int) -> None:
    """A convolution has no bias; a normalisation has four numbers a channel."""
    model = part(last_block, dense=16).build(size_px=48, classes=7, votes=True)
    count, channels = 9 * 32 + 4 * 32, 32
    for wide, _ in BLOCKS[:last_block]:
        count += 9 * channels + 4 * channels + channels * wide + 4 * wide
        channels = wide
    head = channels * 16 + 16 + 16 * 7 + 7 + 16 * len(EMOTIONS) + len(EMOTIONS)
    assert model.count_params() == count + head
    if last_block == 13:
        two_more_colours = 2 * 9 * 32
        assert count + two_more_colours == 3_228_864  # as Keras documents it for MobileNet without its top


def test_a_face_of_48_pixels_is_seen_at_6x6_by_block_11_and_at_3x3_behind() -> None:
    model = part(13).build(size_px=48, classes=7, votes=False, layout="channels_last")
    assert model.get_layer("conv1_relu").output.shape == (None, 48, 48, 32)
    assert model.get_layer("conv_pw_11_relu").output.shape == (None, 6, 6, 512)
    assert model.get_layer("conv_pw_12_relu").output.shape == (None, 3, 3, 1024)
    coarse = part(2, stem_stride=2).build(size_px=48, classes=7, votes=False, layout="channels_last")
    assert coarse.get_layer("conv_pw_2_relu").output.shape == (None, 12, 12, 128)


def test_inputs_and_outputs() -> None:
    model = part(1).build(size_px=30, classes=5, votes=True)
    assert (model.input.name, model.input.shape) == ("image", (None, 30, 30, 1))
    assert {name: output.shape[1] for name, output in model.output.items()} == {"logits": 5, "votes": 8}
    assert set(part(1).build(size_px=30, classes=5, votes=False).output) == {"logits"}


def test_rescaling_is_inside() -> None:
    """0 to 255 becomes -1 to 1, as MobileNet's weights were trained."""
    model = part(1).build(size_px=24, classes=2, votes=False)
    rescale = keras.Model(model.input, model.get_layer("rescale").output)
    values = np.array([0, 127.5, 255], np.float32)
    pictures = np.broadcast_to(values[:, None, None, None], (3, 24, 24, 1))
    np.testing.assert_allclose(rescale.predict_on_batch(pictures)[:, 0, 0, 0], [-1, 0, 1], atol=1e-6)


class TestWeightsThatDoNotFit:
    @pytest.fixture
    def model(self) -> Any:
        return part(1).build(size_px=24, classes=2, votes=False)

    def test_missing(self, model: Any, weights: Weights) -> None:
        less = {key: value for key, value in weights.items() if key != "conv_pw_1.kernel"}
        with pytest.raises(ModelError, match=r"mine: no weight conv_pw_1\.kernel; expected MobileNet v1"):
            load_imagenet(model, less, "mine")

    @pytest.mark.parametrize("key", ["conv1.kernel", "conv_pw_1.kernel", "conv1_bn.gamma"])
    @pytest.mark.parametrize("shape", [(7,), (3, 3, 2, 5)])
    def test_of_another_shape(self, model: Any, weights: Weights, key: str, shape: tuple[int, ...]) -> None:
        with pytest.raises(ModelError, match=f"mine: {key}: expected shape .*, received"):
            load_imagenet(model, {**weights, key: np.zeros(shape, np.float32)}, "mine")


class TestReadImagenet:
    def test_npz(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.npz"
        np.savez(path, **{"conv1.kernel": np.ones((3, 3, 3, 32), np.float16)})
        arrays, where = read_imagenet(path)
        assert where == str(path)
        assert arrays["conv1.kernel"].dtype == np.float32

    @pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut"])
    def test_damaged_npz(self, tmp_path: Path, damage: str) -> None:
        path = tmp_path / "weights.npz"
        np.savez(path, a=np.zeros(100))
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "text": b"text", "cut": whole[:200]}.get(damage, b""))
        if damage == "missing":
            path.unlink()
        with pytest.raises(ModelError, match=r"weights\.npz: not a readable \.npz of weights"):
            read_imagenet(path)

    def test_keras_own_weights_file(self, tmp_path: Path, colour: Any, weights: Weights) -> None:
        path = tmp_path / "mobilenet.weights.h5"
        colour.save_weights(path)
        arrays, where = read_imagenet(path)
        assert where == str(path)
        assert arrays.keys() == weights.keys()
        for key, value in weights.items():
            np.testing.assert_array_equal(arrays[key], value)

    @pytest.mark.parametrize("there", [False, True])
    def test_a_file_that_keras_cannot_read(self, tmp_path: Path, there: bool) -> None:
        path = tmp_path / "mobilenet.weights.h5"
        if there:
            path.write_text("text")
        with pytest.raises(
            ModelError, match=r"mobilenet\.weights\.h5: not a readable weights file"
        ) as raised:
            read_imagenet(path)
        assert "\n" not in str(raised.value)

    def test_no_network_to_download_by(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(**_: Any) -> None:
            raise Exception("URL fetch failure on https://... : None -- [Errno -3] Temporary failure")

        monkeypatch.setattr(keras.applications, "MobileNet", refuse)
        with pytest.raises(ModelError, match=r"no ImageNet weights .*URL fetch failure.*give a file"):
            read_imagenet(None)

    def test_the_shared_file_fits(self, shared: Path) -> None:
        arrays, _ = read_imagenet(shared / "models" / "mobilenet_v1_1.0_imagenet.npz")
        model = part(3).build(size_px=24, classes=2, votes=False)
        load_imagenet(model, arrays, "shared")
        kernel = arrays_of(model)["conv1.kernel"]
        np.testing.assert_allclose(kernel[:, :, 0], arrays["conv1.kernel"].sum(axis=2), rtol=1e-6)
