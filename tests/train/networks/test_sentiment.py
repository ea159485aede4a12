"""Attention in time: its formula, its losses, its ONNX form."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("keras")

from mien.errors import ModelError
from mien.train.backend import load_keras
from mien.train.clips.sentiment import Example, answers, fit_sentiment
from mien.train.export.sentiment import sentiment_graph
from mien.train.networks.sentiment import (
    ATTENTION,
    SHARPNESS,
    Sentiment,
    SentimentFit,
    affect_loss,
    polarity_consistent_loss,
)

keras = load_keras()
WIDTH = 3
SIGNS = np.array([0, 1, -1], np.float32)
UNKNOWN = np.full(2, np.nan, np.float32)


def small_model(pool: Any = "attention") -> tuple[Any, Sentiment]:
    keras.utils.set_random_seed(4)
    spec = Sentiment(pool=pool, units=5)
    model = spec.build(classes=3, features=WIDTH)
    layer = model.get_layer(ATTENTION)
    layer.middle.assign(np.array([0.1, 0.2, -0.3], np.float32))
    layer.spread.assign(np.array([1.5, 0.5, 2.0], np.float32))
    return model, spec


def seconds(count: int = 6, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)


def run_graph(model: Any, spec: Sentiment, said: np.ndarray) -> dict[str, np.ndarray]:
    graph = sentiment_graph(model, spec, name="small").SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, {"seconds": said}), strict=True))


def test_the_formula_by_hand() -> None:
    model, spec = small_model()
    layer, said = model.get_layer(ATTENTION), seconds()
    weights = {
        each.name: np.asarray(each.value.detach() if hasattr(each.value, "detach") else each)
        for each in layer.weights
        if "seed" not in each.name
    }
    x = (said - weights["middle"]) / weights["spread"]
    z = np.tanh(np.hstack([x, x - x.mean(axis=0)]) @ weights["kernel"] + weights["bias"])
    score = np.exp(SHARPNESS * z @ weights["score"])[:, 0]
    share = (score + spec.even / len(x)) / (score.sum() + spec.even)
    pooled = share @ z
    found = run_graph(model, spec, said)
    np.testing.assert_allclose(found["attention"], share, atol=1e-5)
    assert share.sum() == pytest.approx(1)
    np.testing.assert_allclose(
        found["logits"], pooled @ weights["logits"] + weights["logits_bias"], atol=1e-5
    )
    np.testing.assert_allclose(
        found["second_affect"], np.tanh(z @ weights["affect"] + weights["affect_bias"]), atol=1e-5
    )


def test_keras_and_onnx_agree_and_padding_plays_no_part() -> None:
    model, spec = small_model()
    clips = [Example(seconds(count, count), 0, UNKNOWN) for count in (1, 5, 9)]
    logits, affect, attention = answers(model, clips)
    for place, clip in enumerate(clips):
        found = run_graph(model, spec, clip.said)
        np.testing.assert_allclose(found["logits"], logits[place], atol=1e-5)
        np.testing.assert_allclose(found["affect"], affect[place], atol=1e-5)
        np.testing.assert_allclose(found["attention"], attention[place], atol=1e-5)


def test_shuffled_seconds_give_the_same_answer_and_their_attention_shuffled() -> None:
    model, spec = small_model()
    said, order = seconds(12), np.random.default_rng(2).permutation(12)
    straight, shuffled = run_graph(model, spec, said), run_graph(model, spec, said[order])
    np.testing.assert_allclose(straight["logits"], shuffled["logits"], atol=1e-5)
    np.testing.assert_allclose(straight["attention"][order], shuffled["attention"], atol=1e-6)


def test_a_constant_clip_is_answered_as_one_second_of_it() -> None:
    model, spec = small_model()
    one = seconds(1)
    long, short = run_graph(model, spec, np.repeat(one, 40, axis=0)), run_graph(model, spec, one)
    np.testing.assert_allclose(long["logits"], short["logits"], atol=1e-4)
    np.testing.assert_allclose(long["attention"], 1 / 40, atol=1e-6)


def test_what_is_for_comparison_only_is_not_exported() -> None:
    model, spec = small_model("mean")
    with pytest.raises(ModelError, match="for comparison only"):
        sentiment_graph(model, spec, name="small")


def test_pictures_go_through_sceps_attention_in_the_same_file() -> None:
    spec = Sentiment(width=4, features=6, units=4)
    model = spec.build(classes=3, size_px=16)
    random = np.random.default_rng(3)
    clip = Example(
        random.integers(0, 256, (4, 2, 16, 16), np.uint8), 1, UNKNOWN, shown=np.ones((4, 2), np.float32)
    )
    graph = sentiment_graph(model, spec, name="small", size_px=16).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    nothing, black = np.zeros((1, 6), np.float32), np.zeros((1, 16, 16), np.uint8)
    said = [
        session.run(["features"], {"image": each, "seconds": nothing})[0].mean(axis=0) for each in clip.said
    ]
    [logits] = session.run(["logits"], {"image": black, "seconds": np.stack(said)})
    np.testing.assert_allclose(logits, answers(model, [clip])[0][0], atol=1e-4)
    names = {each.name for each in session.get_inputs()}
    assert names == {"image", "seconds"}


class TestLosses:
    def test_an_error_across_polarities_counts_more(self) -> None:
        loss = polarity_consistent_loss(SIGNS, 0.5)
        target = np.eye(3, dtype=np.float32)[[1, 1, 1, 0]]
        logits = np.array([[0, 0, 2], [2, 0, 0], [0, 2, 0], [0, 0, 2]], np.float32)
        entropy = np.log(np.exp(logits).sum(axis=1)) - (logits * target).sum(axis=1)
        received = keras.ops.convert_to_numpy(loss(target, logits))
        np.testing.assert_allclose(received, entropy * [1.5, 1, 1, 1], rtol=1e-5)

    def test_affect_is_one_less_the_concordance(self) -> None:
        random = np.random.default_rng(5)
        target, said = random.normal(size=(2, 9, 2)).astype(np.float32)
        target[3, 0] = np.nan
        expected = []
        for column in range(2):
            known = ~np.isnan(target[:, column])
            t, s = target[known, column], said[known, column]
            expected.append(
                1 - 2 * np.cov(t, s, bias=True)[0, 1] / (t.var() + s.var() + (t.mean() - s.mean()) ** 2)
            )
        received = float(keras.ops.convert_to_numpy(affect_loss(target, said)))
        assert received == pytest.approx(np.mean(expected), rel=1e-3)

    def test_no_known_affect_teaches_nothing(self) -> None:
        said = np.ones((3, 2), np.float32)
        assert float(keras.ops.convert_to_numpy(affect_loss(np.full((3, 2), np.nan, np.float32), said))) == 0


def test_it_learns_what_one_planted_second_says_of_a_clip() -> None:
    random = np.random.default_rng(6)

    def clips(count: int) -> list[Example]:
        made = []
        for number in range(count):
            said = random.normal(0, 0.4, (20, WIDTH)).astype(np.float32)
            planted, label = np.zeros(20, bool), number % 3
            if label:
                planted[random.integers(20)] = True
                said[planted, label] += 3
            made.append(Example(said, label, UNKNOWN, planted=planted))
        return made

    rows: list[dict[str, float]] = []
    fit_sentiment(
        Sentiment(units=8), SentimentFit(epochs=12, batch=16, learning_rate=0.02), clips(240), clips(90),
        signs=SIGNS, report=rows.append,
    )  # fmt: skip
    best = min(rows, key=lambda row: row["validation_loss"])
    assert (
        best["validation_accuracy"] > 0.7
    )  # chance has a third; where the attention lies, these labels don't say
    assert 0 <= best["validation_auc"] <= 1
