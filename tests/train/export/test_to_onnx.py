from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras")

from layouts import LAYOUTS, ON_TENSORFLOW
from mien.errors import ModelError
from mien.files import natural_key
from mien.train.backend import load_keras
from mien.train.export.to_onnx import check_against_keras, difference_from_keras, halve_weights, to_onnx
from mien.train.export.write import export
from mien.train.recipe import read_any_recipe
from mien.train.run_folder import claim

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras, NumPy 2

keras = load_keras()
layers = keras.layers
Build = Callable[[Any, str], list[Any]]
"""From the input and a layout to some results."""

SIZES_HW = ((9, 12), (10, 7))
both_layouts = pytest.mark.parametrize("layout", LAYOUTS)
all_sizes = pytest.mark.parametrize("size_hw", SIZES_HW)


def model_of(build: Build, size_hw: tuple[int, int] = (9, 12), layout: str = LAYOUTS[0]) -> Any:
    """A network of some layers, weights from chance, whose every output value is a logit."""
    image = keras.Input((*size_hw, 1) if layout == "channels_last" else (1, *size_hw), name="image")
    results = build(image, layout)
    flat = [layers.Flatten(data_format="channels_last")(y) for y in results]
    return shaken(keras.Model(image, layers.Concatenate(name="logits")(flat), name="tested"))


def shaken(model: Any) -> Any:
    rng = np.random.default_rng(1)
    for variable in sorted(model.weights, key=lambda weight: natural_key(weight.path)):  # as they were made
        if "seed" not in variable.path:
            low, high = (0.5, 1.5) if "variance" in variable.path else (-0.5, 0.5)
            variable.assign(rng.uniform(low, high, variable.shape))
    return model


def pictures(size_hw: tuple[int, int] = (9, 12)) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (3, *size_hw), np.uint8)


def agrees(build: Build, size_hw: tuple[int, int] = (9, 12), layout: str = LAYOUTS[0]) -> onnx.ModelProto:
    """Export, and check that ONNX Runtime answers as Keras does but for rounding."""
    exported = to_onnx(model_of(build, size_hw, layout))
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    [received] = session.run(None, {"image": pictures(size_hw)})
    twin = model_of(build, size_hw, layout)
    image = np.expand_dims(pictures(size_hw), 3 if layout == "channels_last" else 1).astype(np.float32)
    expected = keras.ops.convert_to_numpy(twin(image, training=False))
    np.testing.assert_allclose(received, expected, atol=1e-5 * max(1, np.abs(expected).max()))
    return exported


def operators(exported: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in exported.graph.node]


@both_layouts
@all_sizes
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_convolutions(padding: str, size_hw: tuple[int, int], layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        how = {"padding": padding, "data_format": layout}
        deep = layers.Conv2D(6, 1, strides=2, data_format=layout)(x)
        return [
            deep,
            layers.Conv2D(4, 3, **how)(x),
            layers.Conv2D(4, 3, strides=2, activation="relu", **how)(x),
            layers.Conv2D(4, (2, 5), strides=(3, 2), use_bias=False, **how)(x),
            layers.Conv2D(4, 3, dilation_rate=2, activation="sigmoid", **how)(x),
            layers.Conv2D(9, 3, groups=3, **how)(deep),
            layers.DepthwiseConv2D(3, depth_multiplier=2, **how)(deep),
            layers.DepthwiseConv2D((3, 2), strides=2, use_bias=False, activation="relu6", **how)(deep),
            layers.SeparableConv2D(5, 3, depth_multiplier=2, **how)(deep),
            layers.SeparableConv2D(5, 2, strides=2, use_bias=False, activation="relu", **how)(deep),
        ]

    agrees(build, size_hw, layout)


@both_layouts
@all_sizes
def test_pooling(size_hw: tuple[int, int], layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        x = layers.Conv2D(3, 1, data_format=layout)(layers.Rescaling(-1 / 255)(x))
        return [
            layers.MaxPooling2D(3, strides=2, padding="same", data_format=layout)(x),
            layers.MaxPooling2D((2, 3), padding="same", data_format=layout)(x),
            layers.MaxPooling2D(2, data_format=layout)(x),
            layers.AveragePooling2D(3, strides=2, data_format=layout)(x),
            layers.AveragePooling2D((1, 2), padding="valid", data_format=layout)(x),
            layers.GlobalAveragePooling2D(data_format=layout)(x),
            layers.GlobalAveragePooling2D(keepdims=True, data_format=layout)(x),
            layers.GlobalMaxPooling2D(data_format=layout)(x),
            layers.GlobalMaxPooling2D(keepdims=True, data_format=layout)(x),
        ]

    agrees(build, size_hw, layout)


@pytest.mark.parametrize(
    "activation",
    ["linear", "relu", "relu6", "leaky_relu", "elu", "sigmoid", "hard_sigmoid", "silu", "hard_silu", "tanh",
     "softplus", "softmax"],
)  # fmt: skip
def test_activations(activation: str) -> None:
    def build(x: Any, _: str) -> list[Any]:
        x = layers.Rescaling(8 / 255, offset=-4)(x)
        convolution = layers.Conv2D(4, 3, activation=activation)(x)
        return [
            convolution,
            layers.Activation(activation)(layers.Conv2D(4, 3)(x)),
            layers.Dense(6, activation=activation)(x),
            layers.Dense(6, activation=activation)(layers.Flatten()(x)),
        ]

    agrees(build)


def test_activation_layers() -> None:
    def build(x: Any, _: str) -> list[Any]:
        x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 50, offset=-2.5)(x))
        kinds = [
            layers.ReLU(),
            layers.ReLU(6.0),
            layers.ReLU(negative_slope=0.3),
            layers.LeakyReLU(0.07),
            layers.Softmax(),
            layers.Softmax(axis=1),
        ]
        return [layer(x) for layer in kinds]

    agrees(build)


def normalisation(layout: str, **settings: Any) -> Any:
    return layers.BatchNormalization(axis=1 if layout == "channels_first" else -1, **settings)


@both_layouts
@pytest.mark.parametrize("settings", [{}, {"center": False}, {"scale": False}])
def test_a_normalisation_behind_a_convolution_becomes_part_of_it(settings: Any, layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        for use_bias in (True, False):
            x = layers.Conv2D(4, 3, use_bias=use_bias, data_format=layout)(x)
            x = normalisation(layout, **settings)(x)
        x = layers.DepthwiseConv2D(3, depth_multiplier=2, data_format=layout)(x)
        return [layers.ReLU()(normalisation(layout)(x))]

    exported = agrees(build, layout=layout)
    assert "BatchNormalization" not in operators(exported)
    assert len({constant.name for constant in exported.graph.initializer}) == 7  # 3 x (kernel, bias), an axis


@both_layouts
def test_a_normalisation_that_stands_elsewhere_stays(layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        x = layers.Conv2D(4, 3, data_format=layout)(normalisation(layout)(x))
        branch = normalisation(layout)(x)  # x has another reader
        x = normalisation(layout)(layers.ReLU()(layers.Add()([x, branch])))
        return [x, layers.BatchNormalization()(layers.Dense(5)(layers.Flatten(data_format=layout)(x)))]

    assert operators(agrees(build, layout=layout)).count("BatchNormalization") == 4


def test_scaling_inside_the_graph() -> None:
    def build(x: Any, _: str) -> list[Any]:
        x = layers.Normalization(mean=120.0, variance=2500.0)(layers.Rescaling(1 / 2, offset=3.0)(x))
        x = layers.Conv2D(3, 1)(x)
        return [
            layers.Rescaling([0.5, 2.0, 3.0], offset=[1.0, 0.0, -1.0])(x),
            layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[0.5, 1.0, 4.0])(x),
            layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[0.5, 1.0, 4.0], invert=True)(x),
        ]

    agrees(build)


@both_layouts
def test_resizing_and_padding(layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        sizes_hw = [(18, 24), (5, 6), (13, 8), (9, 30)]
        padded = layers.ZeroPadding2D(((1, 2), (0, 3)), data_format=layout)(x)
        return [padded, *(layers.Resizing(*size_hw, data_format=layout)(x) for size_hw in sizes_hw)]

    agrees(build, layout=layout)


@both_layouts
def test_flattened_maps_keep_keras_order(layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        x = layers.Conv2D(3, 3, data_format=layout)(x)
        return [layers.Dense(5)(layers.Flatten(data_format=layout)(x))]

    agrees(build, layout=layout)


def test_shapes_and_orders() -> None:
    def build(x: Any, _: str) -> list[Any]:
        x = layers.Conv2D(4, 2)(x)  # (8, 11, 4)
        x = layers.Permute((2, 1, 3))(x)
        x = layers.Reshape((8, -1))(x)
        return [layers.Reshape((2, 4, 44))(layers.Dense(44, use_bias=False)(x)), layers.Dense(3)(x)]

    agrees(build)


@pytest.mark.skipif(ON_TENSORFLOW, reason="TensorFlow has no kernels for it on every processor")
def test_a_network_in_the_other_layout_needs_no_copies() -> None:
    """On torch our networks put the channels in front with a Permute: the graph holds no Transpose for it."""

    def build(x: Any, _: str) -> list[Any]:
        x = layers.Permute((3, 1, 2))(layers.Rescaling(1 / 255)(x))
        x = layers.Conv2D(4, 3, padding="same", data_format="channels_first")(x)
        x = layers.Permute((2, 3, 1))(x)
        return [layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x))]

    assert "Transpose" not in operators(agrees(build))


@both_layouts
def test_branches_that_join(layout: str) -> None:
    def build(x: Any, layout: str) -> list[Any]:
        x = layers.Rescaling(1 / 99)(x)
        left, middle, right = (layers.Conv2D(4, 3, padding="same", data_format=layout)(x) for _ in range(3))
        return [
            layers.Add()([left, middle, right]),
            layers.Multiply()([left, middle, right]),
            layers.Subtract()([left, right]),
            layers.Maximum()([left, right]),
            layers.Minimum()([middle, right]),
            layers.Concatenate(1 if layout == "channels_first" else -1)([left, middle, right]),
            layers.Add()([layers.Flatten(data_format=layout)(y) for y in (left, right)]),
        ]

    agrees(build, layout=layout)


def test_concatenation_along_any_axis() -> None:
    def build(x: Any, _: str) -> list[Any]:
        maps = [layers.Conv2D(4, 3)(x) for _ in range(3)]
        return [layers.Concatenate(axis)(maps) for axis in (-1, 1, 2, 3)]

    agrees(build)


@pytest.mark.parametrize("form", ["keepdims", "reshape", "reshape then dense"])
def test_squeeze_and_excitation(form: str) -> None:
    def build(x: Any, _: str) -> list[Any]:
        x = layers.Conv2D(8, 3, activation="relu")(layers.Rescaling(1 / 255)(x))
        gate = layers.GlobalAveragePooling2D(keepdims=form == "keepdims")(x)
        gate = layers.Reshape((1, 1, 8))(gate) if form == "reshape then dense" else gate
        gate = layers.Dense(2, activation="relu")(gate)
        gate = layers.Dense(8, activation="sigmoid")(gate)
        gate = layers.Reshape((1, 1, 8))(gate) if form == "reshape" else gate
        return [layers.Add()([x, layers.Multiply()([x, gate])])]

    agrees(build)


def test_layers_for_training_are_left_out() -> None:
    def build(x: Any, _: str) -> list[Any]:
        x = layers.RandomContrast(0.2)(layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(x)))
        x = layers.GaussianNoise(1.0)(layers.Dropout(0.5)(x))
        return [layers.SpatialDropout2D(0.5)(layers.Conv2D(2, 3)(x))]

    used = set(operators(agrees(build)))
    assert used <= {"Cast", "Unsqueeze", "Conv", "Transpose", "Flatten", "Concat", "Identity"}


def test_networks_inside_networks() -> None:
    def build(x: Any, _: str) -> list[Any]:
        inner_image = keras.Input((9, 12, 1))
        inner = keras.Model(inner_image, layers.Conv2D(4, 3)(inner_image))
        sequence = keras.Sequential([keras.Input((7, 10, 4)), layers.Conv2D(3, 3), layers.ReLU()])
        return [sequence(inner(x)), sequence(inner(layers.Rescaling(-0.5)(x)))]

    agrees(build)


def test_a_layer_used_twice_is_written_twice() -> None:
    def build(x: Any, _: str) -> list[Any]:
        shared = layers.Conv2D(1, 3, padding="same")
        return [shared(layers.ReLU()(shared(x)))]

    agrees(build)


def test_a_class_derived_from_a_layer_is_written_as_that_layer() -> None:
    class MyNormalization(layers.BatchNormalization):
        pass

    def build(x: Any, _: str) -> list[Any]:
        return [MyNormalization()(layers.Conv2D(2, 3)(x))]

    assert "BatchNormalization" not in operators(agrees(build))


def two_outputs() -> Any:
    image = keras.Input((9, 12, 1), name="image")
    x = layers.Flatten(name="flat")(layers.Rescaling(1 / 255, name="rescale")(image))
    votes = layers.Dense(8, name="votes")(layers.Dense(5, name="only_for_votes")(x))
    return shaken(keras.Model(image, {"votes": votes, "logits": layers.Dense(3, name="logits")(x)}))


def test_what_only_other_outputs_need_is_left_out() -> None:
    model = two_outputs()
    exported = to_onnx(model)
    assert [output.name for output in exported.graph.output] == ["logits"]
    assert not any("votes" in constant.name for constant in exported.graph.initializer)
    assert check_against_keras(model, exported.SerializeToString(), pictures()) < 1e-4


def test_several_outputs_on_demand() -> None:
    model = two_outputs()
    exported = to_onnx(model, outputs=("logits", "votes")).SerializeToString()
    for output in ("logits", "votes"):
        assert difference_from_keras(model, exported, pictures(), output=output) < 1e-4


def test_the_graph_is_what_the_reader_expects() -> None:
    exported = to_onnx(two_outputs(), name="mine", labels=("a", "b", "c"))
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    [image], [logits] = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["n", 9, 12])
    assert (logits.name, logits.type, logits.shape) == ("logits", "tensor(float)", ["n", 3])
    assert session.get_modelmeta().custom_metadata_map == {"name": "mine", "labels": "a,b,c"}
    assert session.run(None, {"image": np.zeros((0, 9, 12), np.uint8)})[0].shape == (0, 3)


def test_the_same_network_gives_the_same_file() -> None:
    first, second = (to_onnx(two_outputs()).SerializeToString() for _ in range(2))
    assert first == second


def wide_network() -> Any:
    image = keras.Input((9, 12, 1))
    x = layers.Conv2D(32, 3)(layers.Conv2D(32, 3)(layers.Rescaling(1 / 255)(image)))
    return shaken(keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling2D()(x))))


def test_half_precision_halves_the_file_and_moves_little() -> None:
    model = wide_network()
    whole = to_onnx(model)
    before = whole.SerializeToString()
    half = halve_weights(whole).SerializeToString()
    assert whole.SerializeToString() == before
    assert len(half) < 0.6 * len(before)
    assert 0 < difference_from_keras(model, half, pictures()) < 0.05


def test_numbers_too_large_for_half_precision_stay() -> None:
    model = wide_network()
    convolution = model.layers[3]
    convolution.set_weights([1e6 * weight for weight in convolution.get_weights()])
    whole = to_onnx(model)
    assert halve_weights(whole) == whole


def test_an_exported_network_that_differs_is_refused() -> None:
    model = two_outputs()
    exported = to_onnx(model).SerializeToString()
    model.get_layer("logits").bias.assign([0.0, 0.0, 9.0])
    with pytest.raises(ModelError, match=r"differs from Keras: expected answers within 0\.0001, received"):
        check_against_keras(model, exported, pictures())


class Cube(layers.Layer):  # type: ignore[misc, name-defined]
    def call(self, x: Any) -> Any:
        return x**3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x: Cube(name="odd")(x), r"cannot export odd: no ONNX form for the layer Cube"),
        (lambda x: keras.ops.sin(x), r"no ONNX form for the operation without a layer Sin"),
        (lambda x: layers.Activation("selu", name="a")(x), r"export a \(Activation\): activation selu"),
        (lambda x: layers.ReLU(threshold=1.0)(x), r"threshold 1\.0 has no ONNX form"),
        (lambda x: layers.ReLU(6.0, negative_slope=0.1)(x), r"negative_slope with max_value"),
        (lambda x: layers.Resizing(4, 4, interpolation="nearest")(x), r"anything but plain bilinear"),
        (lambda x: layers.BatchNormalization(axis=2)(x), r"axis 2"),
        (lambda x: layers.AveragePooling2D(2, padding="same")(x), r'padding "same"'),
        (
            lambda x: layers.Add()([x, layers.Reshape((12, 1))(layers.Conv2D(1, (9, 1))(x))]),
            r"different numbers of axes",
        ),
    ],
)
def test_what_cannot_be_written_is_named(build: Callable[[Any], Any], message: str) -> None:
    image = keras.Input((9, 12, 1))
    with pytest.raises(ModelError, match=message) as caught:
        to_onnx(keras.Model(image, build(image)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(9, 12, 3), (None, None, 1), (108,)])
def test_inputs_of_another_kind_are_refused(shape: tuple[int | None, ...]) -> None:
    image = keras.Input(shape)
    with pytest.raises(ModelError, match=r"expected a functional model with one input \(n, height, width, 1"):
        to_onnx(keras.Model(image, layers.ReLU()(image)))


def test_outputs_and_labels_must_fit() -> None:
    with pytest.raises(ModelError, match=r"expected outputs mood, received .*logits"):
        to_onnx(two_outputs(), outputs=("mood",))
    with pytest.raises(ModelError, match=r"mine: expected 2 logits \(a, b\), received 3"):
        to_onnx(two_outputs(), name="mine", labels=("a", "b"))


@pytest.mark.parametrize("name", ["happy-video", "micro", "video-sentiment"])
def test_export_of_a_run_on_clips_says_that_its_network_is_there(name: str, tmp_path: Path) -> None:
    claim(tmp_path, read_any_recipe(name))
    with pytest.raises(ModelError, match=rf"its network reads clips, and is there .*{name}\.onnx"):
        export(tmp_path, tmp_path / "out.onnx")
