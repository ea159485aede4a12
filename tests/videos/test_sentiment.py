"""`mien.sentiment`: seconds, moments, scenes, and what is refused."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from cli.helpers import save_clip
from mien.errors import ModelError
from mien.types import Faces
from mien.videos.sentiment import Seconds, answer, largest, moments
from mien.videos.sentiment_network import load_sentiment_network, polarity_of
from tiny_sentiment import film_with_a_bright_second, tiny_sentiment


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A film, and a network that was made for scenes."""
    folder = tmp_path_factory.mktemp("scene")
    return film_with_a_bright_second(folder), tiny_sentiment(folder)


@pytest.fixture(scope="module")
def face_film(tmp_path_factory: pytest.TempPathFactory, portrait: NDArray[np.uint8]) -> Path:
    height, width = portrait.shape[:2]
    small = np.asarray(Image.fromarray(portrait).resize((320, 320 * height // width // 2 * 2)))
    return save_clip(tmp_path_factory.mktemp("face") / "face.mp4", [small] * 6, rate_hz=5)


class TestSeconds:
    def test_each_second_is_the_mean_of_its_frames_with_a_face(self) -> None:
        seconds = Seconds(2)
        for time_s, said in ((0.0, [1, 2]), (0.5, [3, 4]), (0.9, None), (2.1, [5, 6]), (3.0, None)):
            seconds.add(time_s, None if said is None else np.array(said, np.float32))
        starts, means, coverage = seconds.means()
        assert starts.tolist() == [0, 1, 2, 3]
        np.testing.assert_allclose(means, [[2, 3], [np.nan] * 2, [5, 6], [np.nan] * 2])
        np.testing.assert_allclose(coverage, [2 / 3, 0, 1, 0])

    def test_nothing_is_nothing(self) -> None:
        starts, means, coverage = Seconds(4).means()
        assert (starts.shape, means.shape, coverage.shape) == ((0,), (0, 4), (0,))

    def test_two_hours_need_a_few_megabytes(self) -> None:
        tracemalloc.start()
        seconds, said = Seconds(16), np.ones(16, np.float32)
        for number in range(7200):
            seconds.add(number + 0.5, said)
        assert tracemalloc.get_traced_memory()[1] < 8e6
        tracemalloc.stop()
        assert len(seconds.means()[0]) == 7200


class TestMoments:
    def course(self, attention: list[float]) -> pd.DataFrame:
        start = np.arange(len(attention), dtype=float)
        return pd.DataFrame(
            {
                "start_s": start, "end_s": start + 1, "attention": attention, "category": "sadness",
                "valence": -0.5, "arousal": 0.1,
            }
        )  # fmt: skip

    def test_neighbours_are_one_moment_and_the_largest_comes_first(self) -> None:
        found = moments(self.course([0.02, 0.12, 0.02, 0.02, 0.3, 0.4, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02]))
        assert [(each.start_s, each.end_s) for each in found] == [(4, 6)]
        assert found[0].attention == pytest.approx(0.7)

    def test_where_all_counted_alike_none_stands_out(self) -> None:
        assert moments(self.course([0.1] * 10)) == ()

    def test_a_gap_parts_two_moments(self) -> None:
        attention = [0.25, np.nan, 0.25, *[0.02] * 25]
        assert [each.start_s for each in moments(self.course(attention))] == [0, 2]


def test_the_largest_face_counts() -> None:
    assert largest(Faces(np.array([[0, 0, 10, 10], [5, 5, 40, 30], [0, 0, 9, 30]], np.float32))) == 1


def test_polarity_comes_from_the_published_places_of_the_words() -> None:
    words = {
        word: polarity_of(word) for word in ("happiness", "surprise", "fear", "neutral", "negative", "bored")
    }
    assert words == {
        "happiness": "positive", "surprise": "positive", "fear": "negative", "neutral": "neutral",
        "negative": "negative", "bored": None,
    }  # fmt: skip


def test_a_scene_network_answers_without_a_face_and_finds_the_bright_second(scene: tuple[Path, Path]) -> None:
    film, network = scene
    found = mien.sentiment(film, network=network)
    assert (found.seen, found.polarity, found.category) == ("scene", "positive", "positive")
    assert len(found.course) == 6
    assert found.course["attention"].sum() == pytest.approx(1, abs=1e-5)
    [moment] = found.moments
    assert (moment.start_s, moment.end_s) == (3, 4)
    bright = found.course["valence"].iloc[3]
    assert found.valence == pytest.approx(
        np.average(found.course["valence"], weights=found.course["attention"]), abs=1e-4
    )
    assert bright > 0.7 > -0.5 > found.course["valence"].iloc[0]


def test_shuffled_seconds_give_the_same_answer(tmp_path: Path) -> None:
    network = load_sentiment_network(tiny_sentiment(tmp_path))
    means = np.random.default_rng(1).uniform(-1, 1, (9, 1)).astype(np.float32)
    order, starts, full = np.random.default_rng(2).permutation(9), np.arange(9.0), np.ones(9, np.float32)
    one, other = (answer(network, "a", starts, each, full) for each in (means, means[order]))
    assert one.valence == pytest.approx(other.valence, abs=1e-6)
    np.testing.assert_allclose(
        one.course["attention"].to_numpy()[order], other.course["attention"], atol=1e-6
    )


class TestShipped:
    def test_a_face_is_answered(self, face_film: Path) -> None:
        found = mien.sentiment(face_film)
        assert found.seen == "face"
        assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert sum(found.polarity_probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert found.category == "neutral"
        assert found.seconds_read == 2

    def test_a_photograph_is_a_clip_of_one_frame(self, portrait_path: Path) -> None:
        found = mien.sentiment(portrait_path)
        assert len(found.course) == 1
        assert found.course["attention"].tolist() == [pytest.approx(1)]
        assert found.moments == ()

    def test_its_sidecar_names_the_network_that_it_was_trained_on(self) -> None:
        facts = load_sentiment_network().sidecar
        assert (facts.input, facts.reads) == ("expression", "mien")
        assert facts.metrics["test"]["auc"] >= 0.95


class TestRefusals:
    def test_a_damaged_network(self, tmp_path: Path) -> None:
        path = tiny_sentiment(tmp_path)
        path.write_bytes(path.read_bytes() + b" ")
        with pytest.raises(ModelError, match="damaged"):
            load_sentiment_network(path)

    def test_another_expression_network_than_it_was_trained_on(self, tmp_path: Path, face_film: Path) -> None:
        path = tiny_sentiment(tmp_path)
        sidecar = load_sentiment_network(path).sidecar
        network = load_sentiment_network(path)
        network.sidecar = sidecar.model_copy(update={"reads": "mien", "reads_sha256": "0" * 64})
        with pytest.raises(ModelError, match="train it again"):
            mien.sentiment(face_film, network=network)
