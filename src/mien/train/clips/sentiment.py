"""Training of a network of clips: examples in seconds, one loop, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from mien.errors import DatasetError
from mien.expression.calibration import fit_temperature
from mien.train.backend import load_keras
from mien.train.clips.figures import auc
from mien.train.clips.loop import Place, Report, train_epochs
from mien.train.networks.sentiment import (
    Sentiment,
    SentimentFit,
    affect_loss,
    polarity_consistent_loss,
    standardise,
)
from mien.train.pace import Pace

Floats = NDArray[np.float32]

_AT_ONCE: Final = 64
"""Clips that are answered at once when nothing is learnt."""


@dataclass(frozen=True, eq=False)
class Example:
    """One clip to learn from; what could not be read is left out of it.

    Attributes:
        said: (t, features) of each second, or its pictures, uint8 (t, k, side, side).
        label: the place of its category.
        affect: (2,) valence and arousal; NaN where they aren't known.
        shown: (t, k) which pictures there are; None without pictures.
        planted: (t,) whether something was planted in a second; None where that isn't known.
    """

    said: NDArray[Any]
    label: int
    affect: Floats
    shown: Floats | None = None
    planted: NDArray[np.bool_] | None = None

    @property
    def learnt(self) -> tuple[NDArray[Any], ...]:
        """All that the network learns from, to tell one set of clips from another."""
        shown = () if self.shown is None else (self.shown,)
        return (self.said, np.array(self.label), self.affect, *shown)


def fit_sentiment(
    network: Sentiment,
    fit: SentimentFit,
    train: Sequence[Example],
    validation: Sequence[Example],
    *,
    signs: Floats,
    seed: int = 0,
    report: Report = lambda row: None,
    place: Place | None = None,
) -> Any:
    """Train a network of clips; go on where an earlier run in the same place stopped.

    Args:
        network: which.
        fit: how.
        train: what it learns from.
        validation: what the best epoch is chosen by.
        signs: (labels,) -1, 0 or 1, the labels' polarities.
        seed: of all chance.
        report: called after every epoch with its figures.
        place: where the loop's state is kept; None keeps none.

    Returns:
        The Keras network, with the weights of the epoch that was best on validation.
    """
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    pictures = train[0].shown is not None
    features, side = (0, train[0].said.shape[-1]) if pictures else (train[0].said.shape[1], 0)
    model = network.build(classes=len(signs), features=features, size_px=side)
    if not pictures:
        standardise(model, np.concatenate([each.said for each in train]))
    an_epoch = -(-len(train) // fit.batch)
    steps = fit.epochs * an_epoch
    rate = keras.optimizers.schedules.CosineDecay(
        fit.learning_rate / 10, steps - steps // 10, warmup_target=fit.learning_rate, warmup_steps=steps // 10
    )
    learner = keras.Model(model.inputs, {name: model.output[name] for name in ("logits", "affect")})
    learner.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=fit.weight_decay),
        loss={"logits": polarity_consistent_loss(signs, fit.opposite), "affect": affect_loss},
        loss_weights={"logits": 1.0, "affect": fit.affect_weight},
    )
    train_epochs(
        model, learner,
        lambda random: (
            _padded([train[each] for each in batch], len(signs))
            for batch in _batches(train, fit.batch, random)
        ),
        lambda: figures(model, validation, signs),
        pace=Pace(fit.epochs, an_epoch, fit.learning_rate, 0.0, minutes=fit.minutes, seed=seed),
        place=place or Place(),
        report=report,
    )  # fmt: skip
    return model


def _batches(examples: Sequence[Example], size: int, random: np.random.Generator) -> Iterator[list[int]]:
    """Yield the places of all examples once, those of like length together."""
    lengths = np.array([len(each.said) for each in examples]) * random.uniform(0.7, 1.4, len(examples))
    order = np.argsort(lengths)
    starts = np.arange(0, len(order), size)
    for start in random.permutation(starts):
        yield [int(each) for each in order[start : start + size]]


def _padded(examples: Sequence[Example], classes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs and the targets of some clips, filled up to one length."""
    # Lengths of powers of two: TensorFlow compiles a step for each shape anew.
    length = 1 << (max(len(each.said) for each in examples) - 1).bit_length()
    said = np.zeros((len(examples), length, *examples[0].said.shape[1:]), np.float32)
    there = np.zeros((len(examples), length), np.float32)
    shown = None if examples[0].shown is None else np.zeros(said.shape[:3], np.float32)
    for place, each in enumerate(examples):
        said[place, : len(each.said)] = each.said
        there[place, : len(each.said)] = 1.0
        if shown is not None and each.shown is not None:
            shown[place, : len(each.said)] = each.shown
    inputs = {"there": there} | ({"seconds": said} if shown is None else {"image": said, "shown": shown})
    labels = np.eye(classes, dtype=np.float32)[[each.label for each in examples]]
    return inputs, {"logits": labels, "affect": np.stack([each.affect for each in examples])}


def answers(model: Any, examples: Sequence[Example]) -> tuple[Floats, Floats, list[Floats]]:
    """Return the logits (n, labels), valence and arousal (n, 2), and each clip's attention (t,)."""
    classes = model.output["logits"].shape[1]
    logits, affect, attention = [], [], []
    for start in range(0, len(examples), _AT_ONCE):
        some = examples[start : start + _AT_ONCE]
        said = model.predict_on_batch(_padded(some, classes)[0])
        logits.append(said["logits"])
        affect.append(said["affect"])
        attention += [row[: len(each.said)] for row, each in zip(said["attention"], some, strict=True)]
    return np.concatenate(logits), np.concatenate(affect), attention


def figures(model: Any, examples: Sequence[Example], signs: Floats) -> dict[str, float]:
    """Return `loss` (cross-entropy), `accuracy`, `polarity` (share right), and `auc` where it is known.

    The area under the curve says how well the attention tells the planted seconds from the others of the same
    clip; it is the mean over the clips that have both.
    """
    logits, _, attention = answers(model, examples)
    labels = np.array([each.label for each in examples])
    logged = log_softmax(logits, axis=1)
    said = logits.argmax(axis=1)
    row = {
        "loss": float(-logged[np.arange(len(labels)), labels].mean()),
        "accuracy": float((said == labels).mean()),
        "polarity": float((signs[said] == signs[labels]).mean()),
    }
    found = planted_found(examples, attention)
    return row | ({"auc": float(np.mean(found))} if found else {})


def planted_found(examples: Sequence[Example], attention: Sequence[Floats]) -> list[float]:
    """Return each clip's area under the curve; of the clips with seconds of both kinds."""
    return [
        area
        for each, weights in zip(examples, attention, strict=True)
        if each.planted is not None and (area := auc(weights, each.planted)) is not None
    ]


def temperature_of(model: Any, validation: Sequence[Example]) -> float:
    """Fit what the logits are divided by, so that the probabilities are calibrated."""
    labels = np.array([each.label for each in validation])
    if len(set(labels)) < 2:
        raise DatasetError("the validation part has clips of one category alone")
    return float(fit_temperature(answers(model, validation)[0], labels))
