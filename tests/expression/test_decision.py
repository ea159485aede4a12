"""The decision: against the formulas written out; and label, bars and shares never contradict each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from mien.analysis.summary import Census
from mien.errors import ModelError
from mien.expression.circumplex import valence_arousal
from mien.expression.decision import GOOD_QUALITY, Decider
from mien.expression.network import Answers, load_network
from mien.expression.reader import ExpressionReader
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, FER2013, UNCERTAIN
from mien.live.reading import Reading
from mien.mood.smoothing import HalfLife
from mien.prior import FER2013_MIX, FERPLUS_MIX, Mix
from mien.table import COLUMNS, rows
from mien.types import Faces, Frame
from small_joint import small_sidecar
from tiny_network import tiny_sidecar

RNG = np.random.default_rng(0)
CERTAINTY = {
    "temperature": 0.8,
    "intercept": 0.2,
    "slope": 1.1,
    "presence": 0.7,
    "quality": 2.0,
    "below": 0.5,
}
DECISION: dict[str, Any] = {
    "weights": RNG.normal(0, 0.4, (15, 8)).tolist(),
    "bias": RNG.normal(0, 0.3, 8).tolist(),
    "shares_temperature": 1.3,
    "shares_bias": RNG.normal(0, 0.2, 8).tolist(),
    "certainty": CERTAINTY,
    "shares_certainty": CERTAINTY | {"temperature": 0.6, "below": 0.55, "bias": [0.1] * 4 + [-0.1] * 4},
    "mixes": {"fer2013": FER2013_MIX.model_dump(), "ferplus": FERPLUS_MIX.model_dump()},
}
MINE = Mix(neutral=0.6, happiness=0.2, anger=0.1, contempt=0.1)


def joint(**changes: Any) -> Sidecar:
    return small_sidecar(decision=DECISION | changes)


def some_answers(count: int = 40, seed: int = 0) -> Answers:
    random = np.random.default_rng(seed)
    return Answers(
        random.normal(0, 2, (count, 8)).astype(np.float32),
        random.uniform(0, 0.3, count).astype(np.float32),
        random.normal(0, 2, (count, 7)).astype(np.float32),
        random.uniform(0.05, 1, count).astype(np.float32),
    )


def one_head(count: int = 20) -> Answers:
    return Answers(np.random.default_rng(1).normal(0, 2, (count, 7)).astype(np.float32))


def boxes(count: int, quality: Any = None) -> Faces:
    return Faces(
        np.tile(np.array([[0, 0, 9, 9]], np.float32), (count, 1)), track=np.arange(count), quality=quality
    )


@pytest.mark.parametrize("mix", [MINE, FERPLUS_MIX])
def test_the_decision_is_the_formula_that_it_says(mix: Mix) -> None:
    answers, quality = some_answers(), np.linspace(0, 1, 40).astype(np.float32)
    said = Decider(joint(), mix).decide(answers, quality)
    for row in range(40):
        votes, fer2013 = answers.logits[row].astype(float), answers.fer2013[row].astype(float)  # type: ignore[index]
        x = [*(votes - votes.mean()), *(fer2013 - fer2013.mean())]
        z = np.array(DECISION["bias"]) + sum(
            value * np.array(weights) for value, weights in zip(x, DECISION["weights"], strict=True)
        )
        p = mix.array() * np.exp(z)
        p /= p.sum()
        np.testing.assert_allclose(said.probabilities[row], p, atol=1e-12)
        powers = p ** (1 / 0.8)
        odds = scipy.special.logit(powers.max() / powers.sum())
        odds = 0.2 + 1.1 * odds + 0.7 * min(0.0, float(scipy.special.logit(float(answers.presence[row]))))  # type: ignore[index]
        odds += 2.0 * min(0.0, float(quality[row]) - GOOD_QUALITY)
        assert said.confidence[row] == pytest.approx(scipy.special.expit(odds), rel=1e-5)
        assert said.expression[row] == (p.argmax() if said.confidence[row] >= 0.5 else -1)


def test_shares_are_the_votes_answer_and_photographs_gives_them() -> None:
    answers, ones = some_answers(), np.ones(40, np.float32)
    expected = scipy.special.softmax(answers.logits / 1.3 + np.array(DECISION["shares_bias"]), axis=1)
    np.testing.assert_allclose(
        Decider(joint(), MINE).shares(answers, ones).probabilities, expected, atol=1e-6
    )
    np.testing.assert_allclose(Decider(joint(), "photographs").probabilities(answers), expected, atol=1e-6)


def test_one_head_obeys_the_prior_too() -> None:
    """p under a mix is proportional to p x mix / the mix that it was learnt with, written out."""
    answers, sidecar = one_head(), tiny_sidecar(temperature=1.4)
    learnt = scipy.special.softmax(answers.logits / 1.4, axis=1)
    for mix in (MINE, FERPLUS_MIX):
        got = Decider(sidecar, mix).probabilities(answers)
        weight = [getattr(mix, label) / getattr(FER2013_MIX, label) for label in FER2013]
        expected = learnt * weight / (learnt * weight).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(got[:, [EMOTIONS.index(label) for label in FER2013]], expected, rtol=1e-5)
        assert np.isnan(got[:, EMOTIONS.index("contempt")]).all()
    own = Decider(sidecar, FER2013_MIX).probabilities(answers)
    np.testing.assert_allclose(own[:, [EMOTIONS.index(label) for label in FER2013]], learnt, rtol=1e-5)


def test_the_sidecar_may_say_with_which_mix_it_learnt() -> None:
    answers, mix = one_head(), Mix(neutral=0.4, **dict.fromkeys(EMOTIONS[1:7], 0.1))
    got = Decider(tiny_sidecar(mix=mix), mix).probabilities(answers)
    expected = scipy.special.softmax(answers.logits, axis=1)
    np.testing.assert_allclose(got[:, [EMOTIONS.index(label) for label in FER2013]], expected, rtol=1e-5)


def test_a_label_that_the_mix_leaves_out_is_never_given() -> None:
    got = Decider(joint(), MINE).decide(some_answers(400), np.ones(400, np.float32))
    gone = [EMOTIONS.index(label) for label in ("surprise", "sadness", "disgust", "fear")]
    assert (got.probabilities[:, gone] == 0).all()
    assert not set(got.leading) & set(gone)
    np.testing.assert_allclose(got.probabilities.sum(axis=1), 1)


def test_a_mix_that_leaves_the_network_no_choice_is_refused() -> None:
    with pytest.raises(ModelError, match="at least two labels of network tiny"):
        Decider(tiny_sidecar(), Mix(neutral=0.5, contempt=0.5))


PRIORS = ("balanced", "photographs", MINE, FER2013_MIX)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("kind", ["joint", "one head", "old"])
def test_label_and_bars_agree_wherever_they_are_told(prior: Any, kind: str) -> None:
    old = {
        "intercept": 0.1,
        "confidence": 0.8,
        "presence": 0.3,
        "no_face": -0.4,
        "quality": 1.5,
        "below": 0.5,
    }
    sidecar = {
        "joint": joint(),
        "one head": tiny_sidecar(uncertain_below=0.6),
        "old": small_sidecar(format=1, temperature=0.7, certainty=old | {"below": 0.95}),
    }[kind]
    answers = one_head(40) if kind == "one head" else some_answers()

    class Network:
        def __init__(self) -> None:
            self.sidecar = sidecar

    faces = ExpressionReader(Network(), prior).fill(boxes(40, RNG.uniform(0, 1, 40)), answers)  # type: ignore[arg-type]
    frame = Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, "a")
    assert UNCERTAIN in faces.labels
    assert len(set(faces.labels)) > 2
    for row in rows(frame, faces):
        cells = dict(zip(COLUMNS, row, strict=True))
        known = {label: cells[f"p_{label}"] for label in EMOTIONS if cells[f"p_{label}"] is not None}
        assert sum(known.values()) == pytest.approx(1, abs=1e-4)  # type: ignore[arg-type]
        assert cells["expression"] in (max(known, key=known.__getitem__), UNCERTAIN)  # type: ignore[arg-type]
        assert 0 <= cells["confidence"] <= 1  # type: ignore[operator]
    census = Census()
    census.count(faces)
    assert census.expressions.total() == 40
    shown = HalfLife(0.3).smooth(faces, 0.0)
    said = Reading(Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, "a"), faces, shown, 0.0, 1.0).as_dict()
    for face in said["faces"]:
        for told in (face, face["shown"]):
            likeliest = max((p or 0, label) for label, p in told["probabilities"].items())[1]
            assert told["expression"] in (likeliest, UNCERTAIN)


@given(st.lists(st.sampled_from(PRIORS), min_size=2, max_size=2), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_shares_valence_and_arousal_do_not_depend_on_the_prior(priors: list[Any], seed: int) -> None:
    class Network:
        sidecar = joint()

    answers, faces = some_answers(10, seed), boxes(10, np.full(10, 0.8))
    one, other = (ExpressionReader(Network(), prior).fill(faces, answers) for prior in priors)  # type: ignore[arg-type]
    for name in ("shares", "shares_expression", "shares_confidence", "valence", "arousal"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_allclose(one.valence, valence_arousal(one.shares)[:, 0], atol=1e-6)
    recorded = one.by_shares()
    np.testing.assert_array_equal(recorded.probabilities, other.shares)
    np.testing.assert_array_equal(recorded.expression, other.shares_expression)


def test_on_faces_that_are_well_seen_confidence_ranks_as_the_label_alone() -> None:
    answers = replace(some_answers(200), presence=np.full(200, 0.97, np.float32))
    said = Decider(joint(), "photographs").decide(answers, np.full(200, 0.7, np.float32))
    label = scipy.special.softmax(np.log(said.probabilities) / 0.6 + np.array([0.1] * 4 + [-0.1] * 4), axis=1)
    label = label[np.arange(200), said.leading]
    np.testing.assert_array_equal(
        np.argsort(said.confidence, kind="stable"), np.argsort(label, kind="stable")
    )
    gone = replace(answers, presence=np.full(200, 0.02, np.float32))
    assert (
        Decider(joint(), "photographs").decide(gone, np.full(200, 0.7, np.float32)).confidence
        < said.confidence
    ).all()


@pytest.mark.parametrize(
    "change",
    [
        {"weights": DECISION["weights"][:-1]},
        {"weights": [row[:-1] for row in DECISION["weights"]]},
        {"weights": [[float("nan")] * 8] * 15},
        {"bias": DECISION["bias"][:-1]},
        {"shares_temperature": 0.0},
        {"shares_bias": [0.0]},
        {"certainty": CERTAINTY | {"slope": -1.0}},
        {"certainty": CERTAINTY | {"presence": -0.1}},
        {"certainty": CERTAINTY | {"below": 1.1}},
        {"certainty": None},
        {"mixes": {"fer2013": {"neutral": 0.5}}},
        {"unknown": 1},
    ],
)
def test_a_tampered_decision_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        joint(**change)


def test_a_decision_needs_both_heads_and_the_format_that_has_it() -> None:
    with pytest.raises(ValidationError, match="format 2"):
        small_sidecar(decision=DECISION, format=1)
    with pytest.raises(ValidationError, match="votes, fer2013 and presence"):
        tiny_sidecar(decision=DECISION)
    with pytest.raises(ValidationError, match=r"fer2013 where there is a decision"):
        small_sidecar(decision=DECISION, fer2013={"labels": FER2013[::-1]})
    assert Sidecar.model_validate_json(joint().model_dump_json()) == joint()


def test_no_faces_are_fine() -> None:
    said = Decider(joint()).decide(some_answers(0), np.empty(0, np.float32))
    assert said.probabilities.shape == (0, 8)
    assert said.expression.shape == said.confidence.shape == (0,)


def test_the_shipped_network_decides_out_of_both_heads(portrait: NDArray[np.uint8]) -> None:
    sidecar = load_network("mien").sidecar
    assert sidecar.decision is not None
    assert sidecar.decision.mixes["fer2013"].contempt == 0
