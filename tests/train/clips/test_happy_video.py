"""The network for happy or not: it learns, and its ONNX file answers as Keras does."""

from datetime import UTC, datetime

import numpy as np
import pytest

pytest.importorskip("keras")

from mien.train.clip_recipe import ClipData, ClipFit, ClipRecipe
from mien.train.clips.export import check_clips_against_keras, clips_to_onnx
from mien.train.clips.faces import ClipFaces
from mien.train.clips.fit import augmented, fit
from mien.train.networks.happy_video import HappyVideo
from mien.videos.clip_network import ClipNetwork, ClipSidecar

RECIPE = ClipRecipe(
    name="small",
    data=ClipData(frames=4),
    network=HappyVideo(widths=(4, 8), branch=2, units=8, dropout=0),
    fit=ClipFit(epochs=25, batch=4, learning_rate=0.01, patience=None),
)
SIDECAR = ClipSidecar(
    name="small", label="happiness", frames=4, frames_per_second=10, window_s=2, answer="features",
    sha256="0" * 64, parameters=1, licence="none", created=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


def faces(count: int, seed: int) -> tuple[ClipFaces, np.ndarray]:
    """Clips whose mouth's distance grows, and whose lower half grows brighter, where they are happy."""
    random = np.random.default_rng(seed)
    truth = np.arange(count) % 2 == 0
    crops = random.integers(90, 130, (count, 4, 64, 64))
    course = np.linspace(0, 60, 4).astype(int)
    crops[truth, :, 32:] += course[:, None, None]
    distances = random.normal(0, 0.3, (count, 4, 67))
    distances[truth, :, 48:60] += np.linspace(0, 3, 4)[:, None]
    nothing = np.zeros(count)
    return ClipFaces(
        np.arange(count), crops.astype(np.uint8), distances.astype(np.float32), nothing + 2, nothing, nothing
    ), truth


@pytest.fixture(scope="module")
def trained():
    return fit(RECIPE, *faces(24, 0), faces(16, 1))


def test_it_learns_and_keeps_its_best_epoch(trained) -> None:
    _, history = trained
    assert min(row["validation_loss"] for row in history) < 0.6
    assert history[-1]["loss"] < history[0]["loss"]


def test_the_onnx_file_answers_as_keras_does(trained) -> None:
    model, _ = trained
    graph = clips_to_onnx(model, RECIPE).SerializeToString()
    assert check_clips_against_keras(model, graph, SIDECAR, faces(8, 2)[0]) < 1e-5
    network = ClipNetwork(graph, SIDECAR)
    assert network.mismatch() is None
    said = network.probabilities(faces(8, 2)[0].crops, faces(8, 2)[0].distances)
    assert set(said) == {"features", "decisions", "frames", "distances"}
    assert "expected the inputs" in (
        ClipNetwork(graph, SIDECAR.model_copy(update={"frames": 5})).mismatch() or ""
    )


def test_variation_keeps_shapes_and_mirrors_both_inputs() -> None:
    given, _ = faces(12, 3)
    crops, distances = augmented(given, np.random.default_rng(0))
    assert (crops.shape, distances.shape) == (given.crops.shape, given.distances.shape)
    assert 0 <= crops.min() <= crops.max() <= 255
