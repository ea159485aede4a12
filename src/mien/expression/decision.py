"""The decision: from a network's logits to probabilities under a mix of expressions, shares, and a label.

Two questions are answered of each face. What share of people would choose each expression? That does not
depend on where faces come from, and the record, valence and arousal stand on it. And which expression is it,
where expressions are as common as the mix says? That is the label that is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.expression.calibration import certainty_inputs as old_inputs
from mien.expression.calibration import log_odds, logistic, softmax
from mien.expression.network import Answers
from mien.expression.personal import Rest, personal
from mien.expression.sidecar import Certainty, Decision, LabelCertainty, Sidecar
from mien.labels import EMOTIONS, standard_label
from mien.prior import BALANCED, FERPLUS_MIX, TRAINED_MIX, Mix, Named
from mien.types import Faces

Floats = NDArray[np.float64]

GOOD_QUALITY: Final = 0.5
"""Above this, quality says nothing of whether a label is right."""

_SMALLEST: Final = 1e-12
_NONE: Final = np.empty(0)


class Labelled(NamedTuple):
    """Probabilities and what they say, of n faces.

    Attributes:
        probabilities: (n, 8) in the order of `labels.EMOTIONS`; NaN where the network has no such label. A
            row sums to 1.
        leading: (n,) index of the highest.
        confidence: (n,) how likely that label is right.
        certain: (n,) whether it is given; else the face is `uncertain`.
    """

    probabilities: Floats
    leading: NDArray[np.int64]
    confidence: Floats
    certain: NDArray[np.bool_]

    @property
    def expression(self) -> NDArray[np.int64]:
        """(n,) index of the label; -1 is uncertain."""
        return np.where(self.certain, self.leading, -1)


@dataclass(frozen=True)
class Decider:
    """Decides what faces show, by one network's sidecar and one mix.

    Args:
        sidecar: of the network.
        prior: "balanced", "photographs" (the shares of people), or a mix.

    Raises:
        ModelError: the network has a label that is none of `labels.EMOTIONS`, or one of them twice; or the
            mix leaves it fewer than two.
    """

    sidecar: Sidecar
    prior: Named | Mix = "balanced"

    def __post_init__(self) -> None:
        names = [standard_label(label) for label in self.sidecar.labels]
        odd = [name for name in names if name not in EMOTIONS or names.count(name) > 1]
        if odd:
            raise ModelError(
                f"network {self.sidecar.name} has a different label set: expected each label once from"
                f" {', '.join(EMOTIONS)}, received {', '.join(odd)}"
            )
        if np.count_nonzero(self.mix.array()[self.columns]) < 2:
            raise ModelError(
                f"prior: expected shares above 0 of at least two labels of network {self.sidecar.name}"
                f" ({', '.join(names)})"
            )

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """(k,) indices in `labels.EMOTIONS` of the sidecar's labels."""
        return np.array([EMOTIONS.index(standard_label(label)) for label in self.sidecar.labels])

    @cached_property
    def mix(self) -> Mix:
        """The mix as shares; by "photographs", FER+'s."""
        if isinstance(self.prior, Mix):
            return self.prior
        return BALANCED if self.prior == "balanced" else FERPLUS_MIX

    def decide(self, answers: Answers, quality: NDArray[np.float32]) -> Labelled:
        """Return what n faces show under the mix.

        Args:
            answers: of the n crops.
            quality: (n,) 0 to 1; NaN, where it is not known, counts as 1.
        """
        if self.prior == "photographs":
            return self.shares(answers, quality)
        probabilities = self._under(answers, self._shift)
        model = None if self._decision is None else self._decision.certainty
        return self._labelled(probabilities, answers, quality, model)

    def shares(self, answers: Answers, quality: NDArray[np.float32]) -> Labelled:
        """Return what share of people would choose each expression, and what most would; as `decide`."""
        decision = self._decision
        if decision is None:
            return self._labelled(self._under(answers, _shift(FERPLUS_MIX)), answers, quality, None)
        p = softmax(answers.logits, decision.shares_temperature, decision.shares_bias)
        return self._labelled(p, answers, quality, decision.shares_certainty)

    def personal(self, faces: Faces, rest: Rest, widened: NDArray[np.float64]) -> Labelled:
        """Return what n faces show whose own neutral face is known.

        Args:
            faces: read already, with logits.
            rest: the neutral face; of this network.
            widened: (n,) as `personal.widening` gives it.

        Raises:
            ModelError: the network was not calibrated for it, or the neutral face is another network's.
        """
        own, decision = self.sidecar.own_neutral, self._decision
        if own is None or decision is None or rest.network != self.sidecar.sha256:
            raise ModelError(f"network {self.sidecar.name}: expected a neutral face that this network read")
        p = personal(own, decision, faces.logits, rest, widened, self.mix)
        answers = Answers(faces.logits, presence=np.nan_to_num(faces.presence, nan=1.0))
        return self._labelled(p, answers, faces.quality, own.certainty)

    def probabilities(self, answers: Answers) -> Floats:
        """Return the probabilities alone, (n, 8): those of `decide`."""
        ones = np.ones(len(answers.logits), np.float32)
        return self.decide(answers, ones).probabilities

    @property
    def _decision(self) -> Decision | None:
        return self.sidecar.decision

    @cached_property
    def _shift(self) -> Floats:
        return _shift(self.mix)

    @cached_property
    def _weights(self) -> tuple[Floats, Floats]:
        """The decision's, as arrays: made once, and not for each frame."""
        decision = self._decision
        return (np.array(decision.weights), np.array(decision.bias)) if decision else (_NONE, _NONE)

    @cached_property
    def _taken_out(self) -> Floats:
        """(k,) what the mix that the network learnt has added to its logits, less its own bias."""
        labels = frozenset(EMOTIONS[index] for index in self.columns)
        learnt, own = self.sidecar.mix or TRAINED_MIX.get(labels), np.array(self.sidecar.bias or 0.0)
        # A label that it has learnt, it has seen, however seldom.
        return np.asarray((0.0 if learnt is None else np.log(learnt.array()[self.columns].clip(1e-4))) - own)

    def _under(self, answers: Answers, shift: Floats) -> Floats:
        """Weigh what speaks for each label with a mix; (n, 8), NaN where there is no such label."""
        if self._decision is not None:
            weights, bias = self._weights
            return softmax(features(answers) @ weights + (bias + shift))
        p = np.full((len(answers.logits), len(EMOTIONS)), np.nan)
        scaled = np.asarray(answers.logits, np.float64) / self.sidecar.temperature
        p[:, self.columns] = softmax(scaled + (shift[self.columns] - self._taken_out))
        return p

    def _labelled(
        self, p: Floats, answers: Answers, quality: NDArray[np.float32], model: LabelCertainty | None
    ) -> Labelled:
        known = p if self._decision is not None else np.where(np.isnan(p), -1.0, p)
        leading = known.argmax(axis=1)
        highest = np.take_along_axis(known, leading[:, None], axis=1)[:, 0]
        good = np.where(np.isnan(quality), 1.0, quality)
        if model is not None:
            confidence = right_probability(model, p, answers, good)
            return Labelled(p, leading, confidence, confidence >= model.below)
        old = self.sidecar.certainty
        if old is not None and answers.presence is not None and answers.no_face is not None:
            confidence = _by_old(old, highest, answers, good)
            return Labelled(p, leading, confidence, confidence >= old.below)
        return Labelled(p, leading, highest, highest >= self.sidecar.uncertain_below)


def _shift(mix: Mix) -> Floats:
    """(8,) what a mix adds to the logits; minus infinity for a label that it leaves out."""
    with np.errstate(divide="ignore"):
        return np.log(mix.array())


def features(answers: Answers) -> Floats:
    """(n, 15) the eight logits of `votes` and the seven of `fer2013`, each head's less their mean.

    Raises:
        ModelError: the network has no `fer2013`.
    """
    if answers.fer2013 is None:
        raise ModelError("a decision needs the output fer2013, received none")
    heads = (np.asarray(head, np.float64) for head in (answers.logits, answers.fer2013))
    return np.hstack([head - head.mean(axis=1, keepdims=True) for head in heads])


def certainty_inputs(
    temperature: float,
    bias: Sequence[float],
    p: Floats,
    presence: NDArray[np.float32],
    quality: NDArray[np.float32],
) -> Floats:
    """(n, 3) what tells a right label from a wrong one: the inputs of `LabelCertainty`, in its order.

    Args:
        temperature: of the certainty.
        bias: of the certainty; empty for none.
        p: (n, 8) probabilities; the highest of each row is the label's.
        presence: (n,) 0 to 1.
        quality: (n,) 0 to 1.
    """
    scaled = softmax(np.log(p.clip(_SMALLEST)), temperature, bias)
    label = np.take_along_axis(scaled, p.argmax(axis=1)[:, None], axis=1)[:, 0]
    there = np.minimum(log_odds(presence), 0.0)
    return np.column_stack((log_odds(label), there, np.minimum(quality - GOOD_QUALITY, 0.0)))


def right_probability(
    model: LabelCertainty, p: Floats, answers: Answers, quality: NDArray[np.float32]
) -> Floats:
    """(n,) how likely each leading label is right."""
    presence = np.ones(len(p), np.float32) if answers.presence is None else answers.presence
    inputs = certainty_inputs(model.temperature, model.bias, p, presence, quality)
    return logistic(model.intercept + inputs @ np.array([model.slope, model.presence, model.quality]))


def _by_old(model: Certainty, highest: Floats, answers: Answers, quality: NDArray[np.float32]) -> Floats:
    """The same by the sidecars of format 1."""
    inputs = old_inputs(highest, answers.presence, answers.no_face, quality)  # type: ignore[arg-type]
    weights = np.array([model.confidence, model.presence, model.no_face, model.quality])
    return logistic(model.intercept + inputs @ weights)
