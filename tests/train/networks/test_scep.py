from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")

from mien.expression.circumplex import COORDINATES
from mien.labels import EMOTIONS
from mien.train.backend import load_keras
from mien.train.evaluate.validation import affect_figures
from mien.train.fit import prepared
from mien.train.networks import mobilenet
from mien.train.networks.scep import attend
from mien.train.targets import affect_targets
from small_joint import striped_faces
from untrained import SIZE_PX, VARIANTS, given_away, recipe_of, trained

keras = load_keras()


def pictures(count: int = 3) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, SIZE_PX, SIZE_PX), np.uint8)


def map_of(model: Any, name: str) -> np.ndarray:
    part = keras.Model(model.input, model.get_layer(name).output)
    return np.asarray(part.predict_on_batch(prepared(pictures())))


class TestAttention:
    def test_channels_are_weighed_by_their_means_and_then_places(self) -> None:
        """The formula, by hand."""
        model = trained("scep", layout="channels_last")
        x = map_of(model, "stage2_1_relu")
        (into, into_bias), (out, out_bias) = (
            model.get_layer(f"stage2_excite{i}").get_weights() for i in (1, 2)
        )
        hidden = np.maximum(x.mean(axis=(1, 2)) @ into[0, 0] + into_bias, 0)
        weights = 1 / (1 + np.exp(-(hidden @ out[0, 0] + out_bias)))
        expected = x * weights[:, None, None]
        np.testing.assert_allclose(map_of(model, "stage2_channels"), expected, rtol=1e-3, atol=1e-5)
        where = map_of(model, "stage2_where")
        assert where.shape == (3, SIZE_PX // 2, SIZE_PX // 2, 1)
        assert (where >= 0).all()
        assert (where <= 1).all()
        np.testing.assert_allclose(map_of(model, "stage2_places"), expected * where, rtol=1e-3, atol=1e-5)

    @pytest.mark.parametrize(
        ("variant", "kinds"),
        [
            ("scep", ("channels", "places")),
            ("scep, channels", ("channels",)),
            ("scep, places", ("places",)),
            ("scep without attention", ()),
        ],
    )
    def test_the_switch(self, variant: str, kinds: tuple[str, ...]) -> None:
        names = [layer.name for layer in trained(variant).layers if type(layer).__name__ == "Multiply"]
        assert names == [f"stage{stage}_{kind}" for stage in range(1, 5) for kind in kinds]

    def test_without_attention_nothing_is_added(self) -> None:
        x = keras.Input((4, 4, 8))
        assert attend(x, recipe_of("scep without attention").network, layout="channels_last", name="a") is x

    def test_on_mobilenet_it_stands_at_the_end_of_each_size(self) -> None:
        names = {layer.name for layer in trained("scep on mobilenet").layers}
        assert {name for name in names if name.endswith("_places")} == {
            "block1_places",
            "block3_places",
            "block4_places",
        }

    def test_imagenets_weights_fit_its_mobilenet(self) -> None:
        part = VARIANTS["mobilenet"] | {"last_block": 4}
        plain = recipe_of("mobilenet", network=part).network.build(size_px=24, classes=7, votes=False)
        weights = {
            f"{layer.name}.{variable.name}": np.asarray(keras.ops.convert_to_numpy(variable))
            for layer in plain.layers
            for variable in layer.weights
        }
        weights["conv1.kernel"] = np.repeat(weights["conv1.kernel"], 3, axis=2) / 3
        model = trained("scep on mobilenet")
        mobilenet.load_imagenet(model, weights, "weights")
        np.testing.assert_array_equal(
            model.get_layer("conv_pw_4").get_weights()[0], weights["conv_pw_4.kernel"]
        )


def test_the_mean_of_a_class_map_is_its_logit() -> None:
    answers = given_away("scep").predict_on_batch(prepared(pictures()))
    assert answers["maps"].shape == (3, 7, 3, 3)
    np.testing.assert_allclose(answers["maps"].mean(axis=(2, 3)), answers["logits"], rtol=1e-4, atol=1e-5)
    assert np.abs(answers["affect"]).max() <= 1


class TestTargets:
    def test_votes_are_put_at_the_published_places(self) -> None:
        votes = np.zeros((3, 8))
        votes[0, EMOTIONS.index("happiness")] = 10
        votes[1, [EMOTIONS.index("fear"), EMOTIONS.index("neutral")]] = 5
        targets = affect_targets(votes, np.array([1, 1, 0]))
        np.testing.assert_allclose(targets[0], [*COORDINATES["happiness"], 1], rtol=1e-6)
        np.testing.assert_allclose(targets[1, :2], np.array(COORDINATES["fear"]) / 2, rtol=1e-6)
        np.testing.assert_array_equal(targets[2], [0, 0, 0])

    def test_figures_leave_out_faces_without_votes(self) -> None:
        faces = striped_faces(50)
        assert faces.votes is not None
        known = faces.votes[:, :8].sum(axis=1) > 0
        assert not known.all()
        right = affect_targets(faces.votes[:, :8], known)[:, :2]
        right[~known] = 99.0
        assert affect_figures(right, faces) == pytest.approx({"ccc_valence": 1.0, "ccc_arousal": 1.0})
        assert affect_figures(-right, faces)["ccc_valence"] < 0.1

    def test_without_votes_there_are_no_figures(self) -> None:
        assert affect_figures(np.zeros((9, 2), np.float32), striped_faces(9, votes=False)) == {}
