"""What is fitted: penalised logistic regression and boosted trees, nested, with whole subjects held out.

Subjects are dealt into folds of equal mix. Each fold is predicted by models that never saw its
subjects; what a model may choose for itself, its penalty or how many trees, it chooses by folds of its own
training subjects, and by the same folds its log-odds are set to mean what they say (Platt 1999).

Scores of two folds come from two models, whose means move against the people held out: pooled, even noise
gets an area below 0.5 (Parker, Günter & Bedo 2007). So areas count pairs inside a fold only, as
`figures.area` does with the folds as strata; one subject a fold would leave no pairs.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import expit, logit
from scipy.stats import rankdata

from mien.processors import usable_cores
from mien.videos.cohort.figures import Bools, Floats, Ints, newton

LOGISTIC, TREES = "logistic regression", "boosted trees"
MODELS: Final = (LOGISTIC, TREES)

PENALTIES: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Of ridge, as sklearn's C: the smaller, the more the coefficients shrink."""
TREES_TRIED: Final = (5, 10, 20, 40, 70, 100)

_INNER: Final = 5
_CLIP: Final = 12.0
_LEAST_SLOPE: Final = 0.05
_PARALLEL_FROM: Final = 300
_BLOCK: Final = 50
"""Exchanges of labels that are computed at once: of all at once, 50,000 people would fill a GB."""


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What models said of people whom they had not seen.

    Attributes:
        odds: by model, (repeats, n) calibrated log-odds.
        coefficients: (repeats * folds, p) of the logistic regression, in standard deviations.
        fold: (repeats, n) which fold a unit was in.
        importance: (p,) how much the area of the logistic regression falls where a measure's values are
            exchanged among the people of a fold.
    """

    odds: dict[str, Floats]
    coefficients: Floats
    fold: Ints
    importance: Floats

    def probability(self, model: str) -> Floats:
        """Return (n,) probabilities: of the mean log-odds over the repeats."""
        return np.asarray(expit(self.odds[model].mean(axis=0)))


def deal(label: Bools, subject: Ints, folds: int, seed: int) -> Ints:
    """Deal subjects into folds whose mixes of labels are alike.

    Returns:
        (n,) the fold of each unit; a subject's units are all in one.
    """
    random = np.random.default_rng(seed)
    many = int(subject.max()) + 1
    kind = (np.bincount(subject, label, many) > 0) + 2 * (np.bincount(subject, ~label, many) > 0)
    order = np.concatenate([random.permutation(np.flatnonzero(kind == each)) for each in (1, 2, 3)])
    fold = np.zeros(many, np.int64)
    fold[order] = np.arange(len(order)) % folds
    return fold[subject]


class Ready:
    """Fills what is missing with the median, and counts in standard deviations; learnt on training people."""

    def __init__(self, values: Floats) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value among them
            self.middle = np.nan_to_num(np.nanmedian(values, axis=0))
        filled = self._filled(values)
        self.mean, self.spread = filled.mean(axis=0), filled.std(axis=0)
        self.spread[self.spread < 1e-12] = 1.0

    def _filled(self, values: Floats) -> Floats:
        return np.where(np.isnan(values), self.middle, values)

    def __call__(self, values: Floats) -> Floats:
        """Return (n, p) values ready for a model; outliers are drawn in to eight standard deviations."""
        return np.asarray(np.clip((self._filled(values) - self.mean) / self.spread, -8, 8))


@dataclass(frozen=True, slots=True, eq=False)
class _Ridge:
    """A logistic regression with a ridge penalty."""

    intercept: float
    weights: Floats

    def decision_function(self, x: Floats) -> Floats:
        """Return (n,) log-odds."""
        return np.asarray(self.intercept + x @ self.weights)


def _ridge(c: float, x: Floats, label: Bools, near: _Ridge | None = None) -> _Ridge:
    """Fit one; that of a penalty near by is where the search begins."""
    columns = np.column_stack([np.ones(len(x)), x])
    start = np.append(near.intercept, near.weights) if near else None
    found, _ = newton(columns, label, np.append(0.0, np.full(x.shape[1], 1 / c)), start=start)
    return _Ridge(float(found[0]), found[1:])


def _boosted(trees: int, x: Floats, label: Bools) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    least = max(5, min(20, len(label) // 15))
    return HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=trees, max_leaf_nodes=6, min_samples_leaf=least, l2_regularization=2.0,
        max_bins=32, early_stopping=False, random_state=0,
    ).fit(x, label)  # fmt: skip


def _staged(x: Floats, label: Bools, held: Floats) -> Floats:
    """Return (tried, held) log-odds after each number of trees of `TREES_TRIED`."""
    model = _boosted(TREES_TRIED[-1], x, label)
    course = [each.ravel() for each in model.staged_decision_function(held)]
    return np.array([course[many - 1] for many in TREES_TRIED])


def _penalised(x: Floats, label: Bools, held: Floats) -> Floats:
    """Return (tried, held) log-odds with each of `PENALTIES`."""
    rows: list[Floats] = []
    model = None
    for each in PENALTIES:
        model = _ridge(each, x, label, model)
        rows.append(model.decision_function(held))
    return np.array(rows)


_TRIED: Final = {LOGISTIC: _penalised, TREES: _staged}


def fit(model: str, x: Floats, label: Bools, subject: Ints, seed: int) -> tuple[Any, float, float]:
    """Fit a model; what it chooses, it chooses by folds of its own subjects.

    Returns:
        The model, and the intercept and slope that make its log-odds calibrated.
    """
    many = min(_INNER, *_subjects(label, subject))
    inner = deal(label, subject, many, seed)
    tried = np.zeros((len(PENALTIES if model == LOGISTIC else TREES_TRIED), len(label)))
    for number in range(many):
        held = inner == number
        tried[:, held] = _TRIED[model](x[~held], label[~held], x[held])
    losses = np.logaddexp(0, np.where(label, -tried, tried)).mean(axis=1)
    best = int(np.argmin(losses))
    chosen = _ridge(PENALTIES[best], x, label) if model == LOGISTIC else _boosted(TREES_TRIED[best], x, label)
    return chosen, *_platt(tried[best], label)


def _subjects(label: Bools, subject: Ints) -> tuple[int, int]:
    return len(np.unique(subject[label])), len(np.unique(subject[~label]))


def _platt(odds: Floats, label: Bools) -> tuple[float, float]:
    """Return intercept and slope; the slope stays above 0, so that noise is not turned round."""
    x = np.column_stack([np.ones(len(odds)), np.clip(odds, -_CLIP, _CLIP)])
    (intercept, slope), _ = newton(x, label, np.array([1e-6, 1e-3]))
    if slope >= _LEAST_SLOPE:
        return float(intercept), float(slope)
    return float(logit(label.mean()) - _LEAST_SLOPE * x[:, 1].mean()), _LEAST_SLOPE


def predict(
    values: Floats,
    label: Bools,
    subject: Ints,
    *,
    folds: int,
    repeats: int,
    seed: int,
    models: tuple[str, ...] = MODELS,
    progress: Callable[[float], None] = lambda done: None,
) -> Predicted:
    """Predict everybody by models that have not seen them.

    Args:
        values: (n, p) measures; NaN is missing.
        label: (n,) the class.
        subject: (n,) whose.
        folds: how many.
        repeats: how often the folds are dealt anew.
        seed: of the dealing.
        models: some of `MODELS`.
        progress: is told the share that is done.
    """
    dealt = np.array([deal(label, subject, folds, seed + 1000 * each) for each in range(repeats)])
    tasks = [
        (values, label, subject, dealt[turn] == number, seed + 1000 * turn + number, models)
        for turn in range(repeats)
        for number in range(folds)
    ]
    odds = {model: np.zeros((repeats, len(label))) for model in models}
    coefficients, falls = [], []
    for done, (task, found) in enumerate(zip(tasks, _each(_one_fold, tasks), strict=True), 1):
        turn = (done - 1) // folds
        for model in models:
            odds[model][turn, task[3]] = found[0][model]
        coefficients.append(found[1])
        falls.append(found[2])
        progress(done / len(tasks))
    importance = np.nanmean(falls, axis=0)
    return Predicted(odds, np.array(coefficients), dealt, importance)


def _each(function: Callable[..., Any], tasks: list[tuple[Any, ...]]) -> Any:
    """Yield what a function returns, in the tasks' order; in several processes where that pays."""
    from sklearn.utils.parallel import Parallel, delayed

    many = usable_cores() if len(tasks[0][1]) >= _PARALLEL_FROM else 1
    with _interrupts_later():
        return Parallel(n_jobs=min(many, len(tasks)), return_as="generator")(
            delayed(_alone)(function, each) for each in tasks
        )


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C back while processes are started, which inherit that: only this one answers to it.

    Each would print a traceback otherwise. joblib ends them when this one is interrupted.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _alone(function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    import sklearn.ensemble  # noqa: F401  before the limit, which holds for what is loaded
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # small arrays: more threads would wait for each other
        return function(*task)


def _one_fold(
    values: Floats, label: Bools, subject: Ints, held: Bools, seed: int, models: tuple[str, ...]
) -> tuple[dict[str, Floats], Floats, Floats]:
    ready = Ready(values[~held])
    x, new = ready(values[~held]), ready(values[held])
    odds = {}
    coefficients, falls = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for model in models:
        chosen, intercept, slope = fit(model, x, label[~held], subject[~held], seed)
        odds[model] = np.clip(intercept + slope * chosen.decision_function(new), -_CLIP, _CLIP)
        if model == LOGISTIC:
            coefficients = slope * chosen.weights
            falls = _falls(new, label[held], odds[model], coefficients, seed)
    return odds, coefficients, falls


def _falls(x: Floats, label: Bools, odds: Floats, coefficients: Floats, seed: int) -> Floats:
    """Return how much the area falls where each measure is exchanged among these people (Breiman 2001)."""
    if label.all() or not label.any():
        return np.full(x.shape[1], np.nan)
    random, turns = np.random.default_rng(seed), 5
    mixed = random.permuted(np.tile(np.arange(len(x)), (turns, 1)), axis=1)
    moved = odds + coefficients[:, None, None] * (x[mixed].transpose(2, 0, 1) - x.T[:, None, :])
    mixed_areas = np.mean([[rank_area(t, label) for t in row] for row in moved], axis=1)
    return np.asarray(rank_area(odds, label) - mixed_areas)


def rank_area(score: Floats, label: Bools) -> float:
    """Return the area under the curve by the ranks of the scores (Mann and Whitney's U)."""
    up = int(label.sum())
    ranks = rankdata(score)[label].sum()
    return float((ranks - up * (up + 1) / 2) / (up * (len(label) - up)))


# --- labels exchanged between people


def shuffled_areas(
    values: Floats,
    label: Bools,
    subject: Ints,
    fold: Ints,
    *,
    rounds: int,
    seed: int,
    progress: Callable[[float], None] = lambda done: None,
) -> tuple[float, Floats]:
    """Compute the area inside folds with the true labels, and with labels exchanged between subjects.

    The model is a ridge discriminant, whose predictions for all exchanges at once are products of matrices;
    its penalty is chosen anew for each of them, by leaving one training unit out. Labels are exchanged inside
    the folds, whose mixes stay the same; of a subject with both labels, the two change places or not.

    Args:
        values: (n, p) measures; NaN is missing.
        label: (n,) the class.
        subject: (n,) whose.
        fold: (n,) which fold.
        rounds: how often labels are exchanged.
        seed: of the exchanges.
        progress: is told the share that is done.

    Returns:
        The true area, and (rounds,) the areas by chance.
    """
    random = np.random.default_rng(seed)
    labels = np.column_stack([label, *(_exchanged(label, subject, fold, random) for _ in range(rounds))])
    won, pairs = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
    numbers = np.unique(fold)
    blocks = [slice(first, first + _BLOCK) for first in range(0, labels.shape[1], _BLOCK)]
    for turn, number in enumerate(numbers):
        held = fold == number
        ready = Ready(values[~held])
        scored = _discriminant(ready(values[~held]), ready(values[held]))
        for done, block in enumerate(blocks, 1):
            scores, own = scored(labels[~held, block]), labels[held, block]
            up = own.sum(axis=0)
            won[block] += (rankdata(scores, axis=0) * own).sum(axis=0) - up * (up + 1) / 2
            pairs[block] += up * (held.sum() - up)
            progress((turn + done / len(blocks)) / len(numbers))
    areas = won / pairs
    return float(areas[0]), areas[1:]


def _exchanged(label: Bools, subject: Ints, fold: Ints, random: np.random.Generator) -> Bools:
    mixed = label.copy()
    many = np.bincount(subject)[subject]
    for number in np.unique(fold):
        alone = np.flatnonzero((fold == number) & (many == 1))
        mixed[alone] = label[random.permutation(alone)]
    turned = random.random(int(subject.max()) + 1) < 0.5
    return np.where((many > 1) & turned[subject], ~label, mixed)


def _discriminant(x: Floats, new: Floats) -> Callable[[Bools], Floats]:
    """Return what makes of (n, rounds) labels the (held, rounds) scores of ridge regressions on -1 and 1."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    outside = new @ vt.T

    def scored(labels: Bools) -> Floats:
        y = labels * 2.0 - 1
        centred = y - y.mean(axis=0)
        inside = u.T @ centred
        best, scores = np.full(y.shape[1], np.inf), np.zeros((len(new), y.shape[1]))
        for ridge in len(x) * np.array([0.003, 0.03, 0.3, 3.0]):
            share = s**2 / (s**2 + ridge)
            leverage = np.square(u) @ share + 1 / len(x)
            left_out = (centred - u @ (share[:, None] * inside)) / (1 - leverage)[:, None]
            loss = np.square(left_out).mean(axis=0)
            here = outside @ ((share / np.maximum(s, 1e-12))[:, None] * inside)
            scores = np.where(loss < best, here, scores)
            best = np.minimum(best, loss)
        return scores

    return scored


# --- what carries it, and how many people it takes


def selected(
    values: Floats,
    label: Bools,
    subject: Ints,
    *,
    rounds: int,
    seed: int,
    progress: Callable[[float], None] = lambda done: None,
) -> tuple[Floats, Floats]:
    """Return how often each measure is chosen by a lasso on half of the subjects, and how often upwards.

    Stability selection (Meinshausen & Bühlmann 2010; complementary halves, Shah & Samworth 2013): each half
    chooses so many measures that of those chosen three times in four, one is expected to be wrong.

    Args:
        values: (n, p) measures; NaN is missing.
        label: (n,) the class.
        subject: (n,) whose.
        rounds: how many halves.
        seed: of the halves.
        progress: is told the share that is done.

    Returns:
        (p,) shares of the halves that chose a measure; (p,) of these, in which it raises the odds.
    """
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(seed)
    p = values.shape[1]
    many = max(1, int(np.sqrt(0.5 * p)))
    chosen, up = np.zeros(p), np.zeros(p)
    halves = 0
    for turn in range(rounds // 2):
        progress(2 * turn / rounds)
        first = np.zeros(int(subject.max()) + 1, np.bool_)
        for group in (np.unique(subject[label]), np.setdiff1d(subject, subject[label])):
            first[random.permutation(group)[: len(group) // 2]] = True
        for half in (first[subject], ~first[subject]):
            if label[half].all() or not label[half].any():
                continue
            halves += 1
            x = Ready(values[half])(values[half])
            weights = np.zeros(p)
            for penalty in np.geomspace(0.5, 400, 24) / len(x):
                model = LogisticRegression(C=penalty, solver="liblinear", l1_ratio=1.0, random_state=0)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # not yet at rest: what is chosen is known
                    weights = model.fit(x, label[half]).coef_[0]
                if (weights != 0).sum() >= many:
                    break
            kept = np.argsort(-np.abs(weights))[:many]
            kept = kept[weights[kept] != 0]
            chosen[kept] += 1
            up[kept] += weights[kept] > 0
    with np.errstate(invalid="ignore"):
        return chosen / max(halves, 1), up / chosen


def with_fewer(
    values: Floats, label: Bools, subject: Ints, fold: Ints, share: float, seed: int
) -> tuple[Floats, int]:
    """Predict everybody by logistic regressions that learnt from a share of the others.

    Returns:
        (n,) log-odds, and how many subjects each learnt from.
    """
    tasks = [(values, label, subject, fold == each, share, seed) for each in np.unique(fold)]
    odds, people = np.zeros(len(label)), []
    for task, (found, many) in zip(tasks, _each(_fewer, tasks), strict=True):
        odds[task[3]] = found
        people.append(many)
    return odds, round(float(np.mean(people)))


def _fewer(
    values: Floats, label: Bools, subject: Ints, held: Bools, share: float, seed: int
) -> tuple[Floats, int]:
    random = np.random.default_rng(seed)
    kept = np.zeros(len(label), np.bool_)
    for group in (np.unique(subject[~held & label]), np.setdiff1d(subject[~held], subject[~held & label])):
        kept |= np.isin(subject, random.permutation(group)[: max(2, round(share * len(group)))])
    kept &= ~held
    ready = Ready(values[kept])
    model, intercept, slope = fit(LOGISTIC, ready(values[kept]), label[kept], subject[kept], seed)
    return intercept + slope * model.decision_function(ready(values[held])), len(np.unique(subject[kept]))
