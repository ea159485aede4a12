"""A person's own neutral face: against the formula written out, and what must hold whatever the numbers."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.errors import ConfigError, ModelError
from mien.expression.decision import Decider
from mien.expression.network import load_network
from mien.expression.personal import Rest, personal, shrinkage, widening
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS
from mien.prior import BALANCED, FERPLUS_MIX, Mix
from mien.types import Faces

RANDOM = np.random.default_rng(1)


@pytest.fixture(scope="module")
def sidecar() -> Sidecar:
    return load_network("mien").sidecar


def rest(sidecar: Sidecar, **changes: object) -> Rest:
    own = sidecar.own_neutral
    assert own is not None
    first = Rest(sidecar.sha256, own.average, own.noise, 10.0, 0.0, 0.0, 0.5)
    return replace(first, **changes)  # type: ignore[arg-type]


def read(
    sidecar: Sidecar, logits: NDArray[np.float64], at_rest: Rest, widened: float = 1.0, mix: Mix = BALANCED
) -> NDArray[np.float64]:
    assert sidecar.own_neutral is not None
    assert sidecar.decision is not None
    return personal(
        sidecar.own_neutral, sidecar.decision, logits, at_rest, np.full(len(logits), widened), mix
    )


def written_out(sidecar: Sidecar, logits: list[float], at_rest: Rest, widened: float) -> list[float]:
    """The formula of docs/neutral.md, number by number."""
    own, decision = sidecar.own_neutral, sidecar.decision
    assert own is not None
    assert decision is not None
    shrink = at_rest.seconds / (at_rest.seconds + own.half_s)
    change = []
    for label in range(8):
        total = 0.0
        for place in range(15):
            usual = own.average[place]
            neutral = usual + shrink * (at_rest.logits[place] - usual)
            total += decision.weights[place][label] * (logits[place] - neutral)
        change.append(total)
    everybody = [
        sum(decision.weights[place][label] * own.average[place] for place in range(15)) + decision.bias[label]
        for label in range(8)
    ]
    coarse = [math.exp(e + c) for e, c in zip(everybody, change, strict=True)]
    coarse = [each / sum(coarse) for each in coarse]
    fine = [math.exp(c / (at_rest.noise * widened) + b) for c, b in zip(change, own.bias, strict=True)]
    fine = [each / sum(fine) for each in fine]
    return [coarse[0] * fine[0], *(coarse[k] + coarse[0] * fine[k] for k in range(1, 8))]


def test_it_is_the_formula(sidecar: Sidecar) -> None:
    own = sidecar.own_neutral
    assert own is not None
    logits = np.array(own.average) + RANDOM.normal(0, 0.3, (5, 15))
    mine = rest(sidecar, logits=tuple(RANDOM.normal(0, 1, 15)), seconds=2.0)
    expected = [written_out(sidecar, row, mine, 1.3) for row in logits.tolist()]
    np.testing.assert_allclose(read(sidecar, logits, mine, 1.3), expected, rtol=1e-9)


@given(st.integers(0, 10_000), st.floats(0.75, 3600), st.floats(1, 5))
@settings(max_examples=50, deadline=None)
@pytest.mark.exhaustive
def test_the_probabilities_sum_to_one_under_any_mix(seed: int, seconds: float, widened: float) -> None:
    sidecar = load_sidecar()
    random = np.random.default_rng(seed)
    mine = rest(sidecar, logits=tuple(random.normal(0, 2, 15)), seconds=seconds)
    logits = random.normal(0, 3, (4, 15))
    for mix in (BALANCED, FERPLUS_MIX):
        p = read(sidecar, logits, mine, widened, mix)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert (p >= 0).all()


def load_sidecar() -> Sidecar:
    return load_network("mien").sidecar


def test_a_face_at_rest_is_neutral_whatever_it_looks_like(sidecar: Sidecar) -> None:
    own = sidecar.own_neutral
    assert own is not None
    for seed in range(20):
        looks = np.array(own.average) + np.random.default_rng(seed).normal(0, 1, 15)
        p = read(sidecar, looks[None], rest(sidecar, logits=tuple(looks), seconds=1e9))[0]
        assert EMOTIONS[p.argmax()] == "neutral"


def test_the_same_small_change_counts_for_everybody_alike(sidecar: Sidecar) -> None:
    own, decision = sidecar.own_neutral, sidecar.decision
    assert own is not None
    assert decision is not None
    change = 0.3 * np.array(decision.weights)[:, EMOTIONS.index("happiness")]
    answers = []
    for seed in range(5):
        looks = np.array(own.average) + np.random.default_rng(seed).normal(0, 1, 15)
        answers.append(
            read(sidecar, (looks + change)[None], rest(sidecar, logits=tuple(looks), seconds=1e12))[0]
        )
    np.testing.assert_allclose(answers, [answers[0]] * 5, atol=1e-9)


def test_a_strong_expression_is_told_as_everybodys_is(sidecar: Sidecar) -> None:
    own, decision = sidecar.own_neutral, sidecar.decision
    assert own is not None
    assert decision is not None
    weights = np.array(decision.weights)
    for label in range(1, 8):
        logits = np.array(own.average) + 2 * weights[:, label]
        usual = logits @ weights + np.array(decision.bias)
        if usual.argmax() == label:
            assert read(sidecar, logits[None], rest(sidecar, seconds=1e9))[0].argmax() == label


def test_shrinkage_grows_with_the_seconds(sidecar: Sidecar) -> None:
    own = sidecar.own_neutral
    assert own is not None
    assert shrinkage(own, own.half_s) == pytest.approx(0.5)
    assert shrinkage(own, 1e-9) == pytest.approx(0, abs=1e-6)
    assert shrinkage(own, math.inf) == 1


def test_widening(sidecar: Sidecar) -> None:
    mine = rest(sidecar, yaw_deg=5.0, pitch_deg=-3.0, light=0.4)
    wide = widening(mine, [5, 25, np.nan, 5], [-3, -3, np.nan, -3], [0.4, 0.4, 0.4, 0.4 / math.e**2])
    np.testing.assert_allclose(wide, [1, math.sqrt(2), 1, math.sqrt(2)])
    assert widening(mine, [8], [-6], [0.8]) == 1  # within what the thresholds were fitted on
    assert np.isfinite(widening(mine, [5], [-3], [0.0])).all()


def test_wider_is_less_sure(sidecar: Sidecar) -> None:
    own, decision = sidecar.own_neutral, sidecar.decision
    assert own is not None
    assert decision is not None
    smile = np.array(own.average) + 0.3 * np.array(decision.weights)[:, 1]
    narrow, wide = (read(sidecar, smile[None], rest(sidecar), each)[0, 1] for each in (1.0, 2.0))
    assert narrow > wide


def test_it_goes_through_json(sidecar: Sidecar) -> None:
    for each in (rest(sidecar), rest(sidecar, yaw_deg=math.nan, pitch_deg=math.nan)):
        text = each.to_json()
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        again = Rest.from_json(text)
        assert again.logits == each.logits
        assert math.isnan(again.yaw_deg) == math.isnan(each.yaw_deg)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', "null"])
def test_json_of_something_else(text: str) -> None:
    with pytest.raises(ConfigError, match="not a neutral face"):
        Rest.from_json(text)


def test_json_of_a_newer_mien_and_of_other_logits(sidecar: Sidecar) -> None:
    read_back = json.loads(rest(sidecar).to_json())
    with pytest.raises(ConfigError, match="expected version 1, received 2"):
        Rest.from_json(json.dumps(read_back | {"version": 2}))
    with pytest.raises(ConfigError, match="15 finite logits"):
        Rest.from_json(json.dumps(read_back | {"logits": [1.0]}))


def test_the_label_is_the_highest_probability(sidecar: Sidecar) -> None:
    own = sidecar.own_neutral
    assert own is not None
    logits = (np.array(own.average) + RANDOM.normal(0, 2, (40, 15))).astype(np.float32)
    boxes = np.tile([[0, 0, 10, 10]], (40, 1))
    faces = Faces(boxes, logits=logits, presence=np.ones(40), quality=np.ones(40))
    said = Decider(sidecar).personal(faces, rest(sidecar), np.ones(40))
    given = said.expression >= 0
    assert given.any()
    assert (said.expression[given] == said.probabilities[given].argmax(axis=1)).all()
    assert ((said.confidence >= 0) & (said.confidence <= 1)).all()


def test_a_neutral_face_of_another_network_means_nothing(sidecar: Sidecar) -> None:
    with pytest.raises(ModelError, match="that this network read"):
        Decider(sidecar).personal(Faces.empty(), rest(sidecar, network="0" * 64), np.ones(0))


def test_a_label_that_the_mix_leaves_out_is_never_given(sidecar: Sidecar) -> None:
    mix = Mix(neutral=0.5, happiness=0.5)
    logits = RANDOM.normal(0, 2, (10, 15)).astype(np.float32)
    faces = Faces(np.tile([[0, 0, 9, 9]], (10, 1)), logits=logits, presence=np.ones(10))
    p = Decider(sidecar, mix).personal(faces, rest(sidecar), np.ones(10)).probabilities
    assert (p[:, 2:] == 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
