"""One suite over every network that a recipe for one label set can ask for, on Keras's side of the export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras")

from layouts import ON_TENSORFLOW
from mien.expression.calibration import softmax
from mien.labels import EMOTIONS, FER2013
from mien.train import fit as fitting
from mien.train.backend import data_format, load_keras
from mien.train.export.to_onnx import KERAS_LIMIT, halve_weights, multiply_adds, to_onnx
from mien.train.export.write import deploy
from mien.train.fit import first_state, fit, kept_network, predict, prepared
from mien.train.networks import NETWORKS, networks_of
from mien.train.networks.sentiment import Sentiment
from mien.train.recipe import Recipe, built_in_recipes, read_any_recipe, read_recipe
from mien.train.targets import TrainingTargets
from small_joint import striped_faces
from untrained import SIZE_PX, VARIANTS, given_away, recipe_of, trained

keras = load_keras()
every_network = pytest.mark.parametrize("variant", VARIANTS)
one_of_each = pytest.mark.parametrize("variant", networks_of("labels"))


def pictures(count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, SIZE_PX, SIZE_PX), np.uint8)


def test_every_network_has_a_recipe() -> None:
    labels, joint = networks_of("labels"), networks_of("joint")
    assert len(labels) + len(joint) + len(networks_of("clips")) == len(NETWORKS)
    assert set(labels) <= set(VARIANTS)
    used = {type(read_any_recipe(name).network) for name in built_in_recipes()}
    assert used - {Sentiment} == set(NETWORKS), "a recipe for sentiment names no architecture: there is one"
    for name in set(labels) - {"mobilenet"}:
        assert read_recipe(name).network.architecture == name


@pytest.mark.parametrize(
    ("name", "weights", "million"),
    [
        ("zhou", 58_423, 5.5),
        ("shcnn", 449_975, 42.9),
        ("edges", 389_775, 23.7),
        ("scep", 1_157_033, 76.3),
        ("fer2013", 1_693_831, 88.7),
    ],
)
def test_weights_and_multiply_adds_are_those_of_the_documentation(
    name: str, weights: int, million: float
) -> None:
    recipe = read_recipe(name)
    model = deploy(recipe.build(), recipe)
    assert model.count_params() == weights
    assert multiply_adds(to_onnx(model, outputs=tuple(model.output))) == pytest.approx(
        million * 1e6, abs=0.05e6
    )
    text = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    [row] = [line for line in text.splitlines() if line.startswith(f"| `{name}` |") and " M |" in line]
    assert f"| {weights:,} | {million} M |" in row


def network_of(name: str) -> Any:
    """Build a shipped recipe's network as it is in training, whole, ready for a step."""
    recipe = read_recipe(name)
    return first_state(recipe, striped_faces(7))[0]


@pytest.mark.parametrize(
    "name", [name for name in built_in_recipes() if isinstance(read_any_recipe(name), Recipe)]
)
def test_every_recipes_network_is_laid_out_as_the_backend_computes_everywhere(name: str) -> None:
    """TensorFlow has other kernels only where oneDNN is on; what Keras's own settings say changes nothing."""
    of_user = keras.config.image_data_format()
    keras.config.set_image_data_format(
        "channels_first" if data_format() == "channels_last" else "channels_last"
    )
    try:
        layers = list(network_of(name)._flatten_layers())
    finally:
        keras.config.set_image_data_format(of_user)
    layouts = [
        layer.data_format for layer in layers if "Conv" in str(type(layer)) or "Pool" in str(type(layer))
    ]
    assert len(layouts) > 5
    assert set(layouts) == {data_format()}


@pytest.mark.parametrize("name", ["mien", "mien-plain"])
def test_a_step_of_joint_training_in_the_recipes_own_precision(name: str) -> None:
    model = network_of(name)
    before = [weight.copy() for weight in model.get_weights()]
    side = model.input.shape[1]
    images = np.random.default_rng(0).integers(0, 256, (2, side, side), np.uint8)
    targets = {key: np.full((2, output.shape[1]), 0.5, np.float32) for key, output in model.output.items()}
    loss = model.train_on_batch(prepared(images), targets, return_dict=True)["loss"]
    assert np.isfinite(loss)
    assert any(not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


@every_network
def test_outputs_in_training_and_as_given_away(variant: str) -> None:
    scep = variant.startswith("scep")
    expected = {"logits": 7, "votes": len(EMOTIONS)} | ({"affect": 2} if scep else {})
    assert {name: output.shape[1] for name, output in trained(variant).output.items()} == expected
    assert set(trained(variant, votes=False).output) == {"logits"}
    model = given_away(variant)
    mapped = scep or variant == "zhou"
    assert set(model.output) == {"logits"} | ({"affect"} if scep else set()) | ({"maps"} if mapped else set())
    assert model.input.shape == (None, SIZE_PX, SIZE_PX, 1)
    assert not any("votes" in layer.name for layer in model.layers)


@pytest.mark.skipif(ON_TENSORFLOW, reason="TensorFlow has no kernels for it on every processor")
@every_network
def test_both_layouts_give_the_same_answers(variant: str) -> None:
    last, first = (trained(variant, layout=layout) for layout in ("channels_last", "channels_first"))
    first.set_weights(last.get_weights())
    expected, received = (predict(model, pictures()) for model in (last, first))
    for name, values in expected.items():
        assert values.std() > 0
        np.testing.assert_allclose(received[name], values, rtol=0, atol=1e-5 * np.abs(values).max())


@every_network
@pytest.mark.parametrize("count", [0, 1, 5])
def test_onnx_answers_as_keras_for_no_one_and_many_faces(variant: str, count: int) -> None:
    model = given_away(variant)
    names = tuple(model.output)
    graph = to_onnx(model, labels=FER2013, outputs=names).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    received = dict(zip(names, session.run(list(names), {"image": pictures(count)}), strict=True))
    for name, output in model.output.items():
        assert received[name].shape == (count, *output.shape[1:])
    np.testing.assert_allclose(softmax(received["logits"]).sum(axis=1), 1)
    if count:
        expected = model.predict_on_batch(prepared(pictures(count)))
        for name in names:
            np.testing.assert_allclose(received[name], expected[name], atol=KERAS_LIMIT)


@one_of_each
def test_half_the_bits_move_the_probabilities_little(variant: str) -> None:
    graph = to_onnx(given_away(variant))
    whole, half = (
        onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
        for each in (graph, halve_weights(graph))
    )
    answers = [softmax(each.run(["logits"], {"image": pictures()})[0]) for each in (whole, half)]
    np.testing.assert_allclose(*answers, atol=0.02)


@every_network
def test_saved_and_loaded_it_answers_the_same(variant: str, tmp_path: Path) -> None:
    model = given_away(variant)
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    expected, received = (each.predict_on_batch(prepared(pictures())) for each in (model, again))
    assert set(received) == set(expected)
    for name in expected:
        np.testing.assert_array_equal(received[name], expected[name])


@one_of_each
def test_a_little_run_learns_and_is_found_again(variant: str, tmp_path: Path) -> None:
    settings = {"epochs": 2, "batch": 16, "learning_rate": 0.003, "average": 0.5}
    recipe = recipe_of(variant, head={"epochs": 0}, fit=settings)
    train, validation = striped_faces(64, 0, landmarks=False), striped_faces(28, 1, landmarks=False)
    model, state = fit(recipe, train, validation, folder=tmp_path)
    assert state.history[1]["loss"] < state.history[0]["loss"]
    assert ("validation_ccc_valence" in state.history[0]) == (variant == "scep")
    kept, _ = kept_network(recipe, train, tmp_path)
    for one, other in zip(kept.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@one_of_each
def test_without_votes_it_learns_the_label_alone(variant: str, tmp_path: Path) -> None:
    recipe = recipe_of(variant, head={"epochs": 0}, fit={"epochs": 1, "batch": 16})
    faces = striped_faces(32, 0, votes=False, landmarks=False)
    model, _ = fit(recipe, faces, faces, folder=tmp_path)
    assert set(model.output) == {"logits"}


def test_a_backbone_from_imagenet_sees_faces_before_it_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Any] = []
    monkeypatch.setattr(fitting, "adapt_normalisation", lambda model, images, recipe: met.append(model))
    faces = striped_faces(32, 0)
    for weights in ("imagenet", "random"):
        part = VARIANTS["scep on mobilenet"] | {"weights": weights}
        recipe = recipe_of("scep", network=part)
        fitting.meet_faces("network", recipe, faces.images, TrainingTargets.of(faces, recipe))
    for variant in ("zhou", "scep"):
        recipe = recipe_of(variant)
        fitting.meet_faces("network", recipe, faces.images, TrainingTargets.of(faces, recipe))
    assert met == ["network"]
