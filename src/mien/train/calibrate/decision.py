"""Fitting the decision on `validation`: one answer of both heads, the shares of people, how sure both are.

What speaks for each expression, z, is linear in the logits of both heads. It is fitted so that with all
expressions as common it gives FER-2013's and FER+'s labels, and with the votes' own mix the votes' shares:

    1/2 balanced NLL of FER-2013's labels + 1/2 the same of FER+'s + SHARES * NLL of the votes' shares

Each label of a set weighs alike, however few faces have it. The weights start from "both heads add up", and
are held there by a ridge whose strength is cross-validated. docs/experiments.md has what else was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from mien.expression.calibration import logistic, softmax, threshold_for
from mien.expression.decision import certainty_inputs, features
from mien.expression.network import Answers
from mien.expression.sidecar import Decision, LabelCertainty
from mien.labels import EMOTIONS, FER2013, standard_label
from mien.prior import Mix
from mien.train.calibrate.scaling import Scaling, choose_scaling, fit_plain
from mien.train.data import FaceSet
from mien.train.evaluate.metrics import ferplus_targets

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_K: Final = len(EMOTIONS)
_SHARES: Final = 0.3
"""What the votes' shares weigh beside the labels."""
_RIDGES: Final = (0.003, 0.01, 0.03, 0.1, 0.3)
_WORSE: Final = 0.5
"""What a worse copy of a face weighs beside the face itself, for how sure a label under a mix is."""
_FOLDS: Final = 5
_PULL: Final = 1e-3
"""How strongly biases, and the coefficients of a certainty, are held at 0."""
_VOTES: Final = np.vstack([np.eye(_K), np.zeros((len(FER2013), _K))])
_FER2013: Final = np.vstack([np.zeros((_K, _K)), np.eye(_K)[[EMOTIONS.index(label) for label in FER2013]]])


@dataclass(frozen=True, eq=False)
class CalibrationSample:
    """What n faces teach the decision.

    Attributes:
        x: (n, 15) of `decision.features`.
        votes: (n, 8) logits of `votes`.
        fer2013: (n,) the label of FER-2013, as a place in `labels.EMOTIONS`.
        ferplus: (n,) the label that most of ten people chose; -1 where that is no expression.
        shares: (n, 8) of the votes; NaN for a face without a vote for any of them.
    """

    x: Floats
    votes: Floats
    fer2013: Index
    ferplus: Index
    shares: Floats

    @classmethod
    def of(cls, answers: Answers, faces: FaceSet) -> CalibrationSample:
        """Put together what the answers to the faces of FER-2013 teach."""
        votes = np.asarray(faces.votes, np.float64)[:, :_K]
        with np.errstate(invalid="ignore"):
            shares = votes / votes.sum(axis=1, keepdims=True)
        places = np.array([EMOTIONS.index(standard_label(label)) for label in faces.labels])
        return cls(
            features(answers),
            np.asarray(answers.logits, np.float64),
            places[faces.targets],
            ferplus_targets(faces.votes, "all")[0],  # type: ignore[arg-type]
            shares,
        )

    def take(self, chosen: Index) -> CalibrationSample:
        """Take some of the faces."""
        return CalibrationSample(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @property
    def sets(self) -> tuple[tuple[str, Index], ...]:
        """The two label sets."""
        return (("fer2013", self.fer2013), ("ferplus", self.ferplus))

    @property
    def vote_mix(self) -> Floats:
        """(8,) how common each expression is among the votes; 0 counts as a ten-thousandth."""
        mix = np.nanmean(self.shares, axis=0).clip(1e-4)
        return np.asarray(mix / mix.sum())


Weights = tuple[Floats, Floats]
"""(15, 8) and (8,)."""


def fit_decision(
    sample: CalibrationSample, good: Sequence[Doubted], bad: Sequence[Doubted], seed: int = 0
) -> Decision:
    """Fit all of the decision.

    Args:
        sample: `validation`'s faces as they are.
        good: the same faces, with what else tells a right label from a wrong one.
        bad: worse copies of them, and pictures without a face.
        seed: of the folds.
    """
    folds = list(KFold(_FOLDS, shuffle=True, random_state=seed).split(sample.x))
    tried = {
        ridge: [(fold, fit_weights(sample.take(others), ridge)) for others, fold in folds]
        for ridge in _RIDGES
    }
    ridge = min(_RIDGES, key=lambda strength: _left_out_loss(sample, tried[strength]))
    weights, bias = fit_weights(sample, ridge)
    shares = fit_shares(sample, seed)
    mixes = {name: _mix_of(targets) for name, targets in sample.sets}
    by_shares = [shares.probabilities(each.votes) for each in (*good, *bad)]
    by_evidence = [_crossed(each, (weights, bias), tried[ridge]) for each in (*good, *bad)]
    return Decision(
        weights=tuple(tuple(row) for row in weights.tolist()),
        bias=tuple(bias.tolist()),
        shares_temperature=shares.temperature,
        shares_bias=shares.bias,
        certainty=_fit_certainty(by_evidence, good, bad, mixes["fer2013"]),
        shares_certainty=_fit_shares_certainty(by_shares, good, bad),
        mixes={name: Mix.of(mix) for name, mix in mixes.items()},
    )


def fit_weights(sample: CalibrationSample, ridge: float) -> Weights:
    """Fit what speaks for each expression whatever the mix.

    Args:
        sample: the faces.
        ridge: how strongly the weights are held at "both heads add up".
    """
    even = np.zeros(_K)
    terms = [(_one_hot(targets), 0.5 * _balanced(targets), even) for _, targets in sample.sets]
    voted = ~np.isnan(sample.shares[:, 0])
    terms.append((np.nan_to_num(sample.shares), _SHARES * voted / voted.sum(), np.log(sample.vote_mix)))

    def unpacked(numbers: Floats) -> Weights:
        own = numbers[2 : 2 + _VOTES.size].reshape(_VOTES.shape)
        return numbers[0] * _VOTES + numbers[1] * _FER2013 + own, numbers[2 + _VOTES.size :]

    def loss(numbers: Floats) -> tuple[float, Floats]:
        weights, bias = unpacked(numbers)
        own = numbers[2 : 2 + _VOTES.size]
        z, total = sample.x @ weights + bias, ridge * (own**2).sum() + _PULL * (bias**2).sum()
        slope = np.zeros_like(z)
        for target, weight, shift in terms:
            p = softmax(z + shift)
            total -= float(weight @ (target * np.log(p.clip(1e-12))).sum(axis=1))
            slope += weight[:, None] * (p * target.sum(axis=1, keepdims=True) - target)
        by_weight = sample.x.T @ slope
        heads = [(by_weight * head).sum() for head in (_VOTES, _FER2013)]
        gradient = [heads, by_weight.ravel() + 2 * ridge * own, slope.sum(axis=0) + 2 * _PULL * bias]
        return total, np.concatenate(gradient)

    start = np.zeros(2 + _VOTES.size + _K)
    start[:2] = 0.5
    return unpacked(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x)


def fit_shares(sample: CalibrationSample, seed: int = 0) -> Scaling:
    """Fit temperature and biases of `votes`, so that it gives the votes' shares (least Kullback-Leibler).

    As it is, with a temperature, or with biases too: the simplest of the three that is worse than the best on
    left-out faces by less than one standard error (Breiman et al. 1984, Classification and regression trees,
    section 3.4.3).
    """
    voted = ~np.isnan(sample.shares[:, 0])
    logits, shares = sample.votes[voted], sample.shares[voted]
    ways: list[Callable[[Floats, Floats], Scaling]] = [
        lambda *_: Scaling(),
        *(partial(_share_scaling, biased=biased) for biased in (False, True)),
    ]
    losses = np.empty((len(ways), len(logits)))
    for others, fold in KFold(_FOLDS, shuffle=True, random_state=seed).split(logits):
        for row, way in zip(losses, ways, strict=True):
            p = way(logits[others], shares[others]).probabilities(logits[fold])
            row[fold] = -(shares[fold] * np.log(p.clip(1e-12))).sum(axis=1)
    worse = losses - losses[losses.mean(axis=1).argmin()]
    near = worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(len(logits))
    return ways[int(near.argmax())](logits, shares)


def _share_scaling(logits: Floats, shares: Floats, *, biased: bool) -> Scaling:
    def loss(numbers: Floats) -> tuple[float, Floats]:
        slope, bias = np.exp(-numbers[0]), numbers[1:]
        p = softmax(logits * slope + bias)
        wrong = (p - shares) / len(p)
        surprise = -(shares * np.log(p.clip(1e-12))).sum(axis=1).mean()
        gradient = np.append(-slope * (wrong * logits).sum(), wrong.sum(axis=0) + 2 * _PULL * bias)
        return float(surprise + _PULL * (bias**2).sum()), gradient

    bounds: list[Any] = [(None, None), *[(None, None) if biased else (0.0, 0.0)] * _K]
    found = minimize(loss, np.zeros(1 + _K), jac=True, method="L-BFGS-B", bounds=bounds).x
    bias = tuple(float(value) for value in found[1:] - found[1:].mean()) if biased else ()
    return Scaling(float(np.exp(found[0])), bias)


@dataclass(frozen=True, eq=False)
class Doubted:
    """What tells a right label from a wrong one, of n crops.

    Attributes:
        x, votes: as in `CalibrationSample`.
        presence, quality: (n,) 0 to 1.
        fer2013, ferplus: (n,) right labels; -1 where there is none.
        face: (n,) which of the sample's faces it is, or a copy of; -1 for none.
    """

    x: Floats
    votes: Floats
    presence: NDArray[np.float32]
    quality: NDArray[np.float32]
    fer2013: Index
    ferplus: Index
    face: Index

    @classmethod
    def of(
        cls,
        answers: Answers,
        presence: Floats,
        quality: NDArray[np.float32],
        sample: CalibrationSample | None,
    ) -> Doubted:
        """Put it together; `sample` has the right labels, and is None for pictures without a face."""
        none = np.full(len(answers.logits), -1)
        return cls(
            features(answers),
            np.asarray(answers.logits, np.float64),
            presence.astype(np.float32),
            quality,
            none if sample is None else sample.fer2013,
            none if sample is None else sample.ferplus,
            none if sample is None else np.arange(len(none)),
        )


def _crossed(doubted: Doubted, whole: Weights, by_fold: Sequence[tuple[Index, Weights]]) -> Floats:
    """(n, 8) what speaks for each expression, by weights that neither the face nor its copy has fitted."""
    z = doubted.x @ whole[0] + whole[1]
    for fold, (weights, bias) in by_fold:
        chosen = np.isin(doubted.face, fold)
        z[chosen] = doubted.x[chosen] @ weights + bias
    return np.asarray(z)


def _left_out_loss(sample: CalibrationSample, by_fold: Sequence[tuple[Index, Weights]]) -> float:
    """Return the balanced negative log-likelihood of both label sets, of faces that did not fit."""
    z = np.empty((len(sample.x), _K))
    for fold, (weights, bias) in by_fold:
        z[fold] = sample.x[fold] @ weights + bias
    surprise = -np.log(softmax(z).clip(1e-12))
    return float(sum(_balanced(t) @ (_one_hot(t) * surprise).sum(axis=1) for _, t in sample.sets))


def _fit_shares_certainty(
    probabilities: Sequence[Floats], good: Sequence[Doubted], bad: Sequence[Doubted]
) -> LabelCertainty:
    """Of the label that most people would choose, by the votes."""
    rows = [
        _Rows.of(p, each, each.ferplus, np.ones(len(p)))
        for p, each in zip(probabilities, (*good, *bad), strict=True)
    ]
    return _certainty(rows[: len(good)], rows[len(good) :], rows, choose_scaling)


def _fit_certainty(
    z: Sequence[Floats], good: Sequence[Doubted], bad: Sequence[Doubted], mix: Floats
) -> LabelCertainty:
    """Of a label under a mix, by FER-2013's labels: with all expressions alike, and with its own mix.

    One person's label is wrong more often than that of most of ten, so this is a careful figure. The point
    below which nothing is said is chosen by both label sets, as either may be what a user means.
    """
    rows: list[list[_Rows]] = []
    for shift, balanced in ((np.zeros(_K), True), (np.log(mix.clip(1e-9)), False)):
        rows.append([])
        for each_z, each in zip(z, (*good, *bad), strict=True):
            weight = _balanced(each.fer2013) if balanced and (each.fer2013 >= 0).any() else None
            even = np.full(len(each_z), 1 / len(each_z))
            rows[-1].append(
                _Rows.of(softmax(each_z + shift), each, each.fer2013, even if weight is None else weight)
            )
    split = len(good)
    judged = [
        _Rows.of(softmax(each_z), each, targets, np.ones(len(each_z)))
        for each_z, each in zip(z, (*good, *bad), strict=True)
        for targets in (each.fer2013, each.ferplus)
    ]
    # What people bring is worse than the faces of a data set: half of that is taken into account.
    worse = [replace(each, weight=each.weight * _WORSE) for part in rows for each in part[split : split + 1]]
    return _certainty(
        [*rows[0][:split], *worse, *rows[1][:split]], [*rows[0][split:], *rows[1][split:]], judged,
        fit_plain,  # a bias would belong to one mix
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Rows:
    """What a certainty is fitted to: n labels, whether they are right, what each weighs."""

    p: Floats
    presence: NDArray[np.float32]
    quality: NDArray[np.float32]
    target: Index
    weight: Floats

    @classmethod
    def of(cls, p: Floats, doubted: Doubted, target: Index, weight: Floats) -> _Rows:
        return cls(p, doubted.presence, doubted.quality, target, weight)

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.p.argmax(axis=1) == self.target)

    def inputs(self, scaling: Scaling) -> Floats:
        return certainty_inputs(scaling.temperature, scaling.bias, self.p, self.presence, self.quality)


def _certainty(
    good: Sequence[_Rows],
    bad: Sequence[_Rows],
    judged: Sequence[_Rows],
    scale: Callable[[Floats, Index], Scaling],
) -> LabelCertainty:
    """Fit scaling, intercept and slope to good faces; then, holding these, presence and quality to bad ones.

    So what bad faces teach takes nothing from what is said of good ones.
    """
    first = good[-1]
    known = first.target >= 0
    scaling = scale(np.log(first.p[known].clip(1e-12)), first.target[known])
    x, right, weight = _stacked(good, scaling)
    intercept, (slope,) = _weighted_logistic(x[:, :1], right, weight, np.zeros(len(x)), free=True)
    x, right, weight = _stacked(bad, scaling)
    offset = intercept + slope * x[:, 0]
    _, (presence, quality) = _weighted_logistic(x[:, 1:], right, weight, offset, free=False)
    x, right, _ = _stacked(judged, scaling)
    confidence = logistic(intercept + x @ np.array([slope, presence, quality]))
    return LabelCertainty(
        temperature=scaling.temperature, bias=scaling.bias, intercept=intercept, slope=slope,
        presence=presence, quality=quality, below=threshold_for(confidence, right),
    )  # fmt: skip


def _stacked(rows: Sequence[_Rows], scaling: Scaling) -> tuple[Floats, NDArray[np.bool_], Floats]:
    weights = np.concatenate([each.weight for each in rows])
    return (
        np.concatenate([each.inputs(scaling) for each in rows]),
        np.concatenate([each.right for each in rows]),
        weights / weights.sum(),
    )


def _weighted_logistic(
    x: Floats, right: NDArray[np.bool_], weight: Floats, offset: Floats, *, free: bool
) -> tuple[float, Floats]:
    """Fit a logistic regression whose coefficients are not below 0; with an intercept where that is free."""
    columns = np.column_stack([np.ones(len(x)), x])

    def loss(numbers: Floats) -> tuple[float, Floats]:
        score = offset + columns @ numbers
        surprise = weight @ np.logaddexp(0, np.where(right, -score, score))
        gradient = columns.T @ (weight * (logistic(score) - right)) + 2e-4 * numbers
        return float(surprise + 1e-4 * (numbers**2).sum()), gradient

    bounds: list[Any] = [(None, None) if free else (0.0, 0.0), *[(1e-3 if free else 0.0, None)] * x.shape[1]]
    start = np.append(0.0, np.full(x.shape[1], 0.5))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), np.asarray(found[1:], np.float64)


def _one_hot(targets: Index) -> Floats:
    return np.asarray(np.eye(_K)[targets] * (targets >= 0)[:, None])


def _balanced(targets: Index) -> Floats:
    """(n,) weights that sum to 1, and to the same for each label that occurs; 0 for a face without one."""
    counts = np.bincount(targets[targets >= 0], minlength=_K)
    weights = np.where(targets >= 0, 1 / counts.clip(1)[targets], 0.0)
    return np.asarray(weights / np.count_nonzero(counts))


def _mix_of(targets: Index) -> Floats:
    """(8,) how common each label is; 0 for one that the set does not have."""
    counts = np.bincount(targets[targets >= 0], minlength=_K)
    return np.asarray(counts / counts.sum())
