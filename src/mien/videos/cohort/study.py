"""`mien.cohort(table, label=)`: how well recordings' measures separate two groups of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import norm

import mien
from mien.errors import ConfigError
from mien.videos.cohort.circumstances import Circumstance, GroupOfPeople, groups_of, look_around
from mien.videos.cohort.figures import (
    Area,
    Calibration,
    Floats,
    Interval,
    Ints,
    Withheld,
    area,
    calibration,
    chance_error,
    difference,
    people_to_know,
    standard_difference,
    withholding,
)
from mien.videos.cohort.models import (
    LOGISTIC,
    MODELS,
    Predicted,
    predict,
    selected,
    shuffled_areas,
    with_fewer,
)
from mien.videos.cohort.table import Cohort, check_people, read_cohort

if TYPE_CHECKING:
    import pandas as pd

EXPECTED: Final = 0.75
"""The area under the curve that a study is to be able to find, unless another is named."""

FEW: Final = 300
"""Fewer people than these are dealt into folds three times."""

MANY: Final = 5_000
"""From so many people on, less is done again: folds, exchanges of labels, halves, the learning curve."""

_SLOW: Final = 20_000
"""From so many people on it is said beforehand that it takes a while."""

_LEAST_TRAINING: Final = 12


@dataclass(frozen=True, slots=True)
class _Effort:
    """How often things are done again.

    Attributes:
        folds: into which people are dealt.
        rounds: exchanges of labels.
        halves: of the people, in which a lasso chooses.
        shares: of the people learnt from, in the learning curve.
    """

    folds: int
    rounds: int
    halves: int
    shares: tuple[float, ...]


_USUAL: Final = _Effort(10, 500, 50, (0.15, 0.25, 0.4, 0.6, 0.8, 1.0))
_OF_MANY: Final = _Effort(5, 200, 20, (0.15, 0.3, 0.6, 1.0))


@dataclass(frozen=True, slots=True)
class Model:
    """How a model did on people whom it had not seen.

    Attributes:
        name: one of `MODELS`.
        area: the area under the ROC curve: how often, of two people of different label and the same fold, the
            right one is given the higher probability.
        calibration: how far its probabilities can be taken at their word.
        withheld: what is right where only the surest are answered.
    """

    name: str
    area: Interval
    calibration: Calibration
    withheld: tuple[Withheld, ...]


@dataclass(frozen=True, slots=True)
class MeasureFound:
    """What one measure has to do with the label.

    Attributes:
        name: of its column.
        difference: between the two groups, in standard deviations; above 0 it is higher with the label.
        alone: the area by it alone, in its own direction: below 0.5 it is lower with the label.
        p: of that area against 0.5, for all measures together (Holm 1979).
        coefficient: in the logistic regression, per standard deviation, with its range over the folds.
        selected: share of random halves of the people in which a lasso chooses it.
        same_sign: share of these in which its sign is that of most.
        importance: how much the area falls where its values are exchanged between people.
    """

    name: str
    difference: Interval
    alone: Interval
    p: float
    coefficient: Interval
    selected: float
    same_sign: float | None
    importance: float


@dataclass(frozen=True, slots=True)
class Shuffled:
    """The area with labels exchanged between people, by a ridge discriminant.

    Attributes:
        rounds: how often.
        true: the area with the true labels, by the same model.
        mean: of the areas by chance, with what 95 % of them lie between.
        p: how often chance does as well, the true one counted in (Phipson & Smyth 2010).
    """

    rounds: int
    true: float
    mean: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """The area by how many people the model learnt from."""

    people: int
    area: Interval


@dataclass(frozen=True, slots=True, eq=False)
class CohortResult:
    """What a study of a cohort found.

    Attributes:
        name, label, classes: of the table.
        people: with the label, and with the other one.
        recordings: how many rows.
        measure_names: what the label was predicted by.
        models: logistic regression, then boosted trees; the first is the one that counts.
        trees_add: how much larger the trees' area is.
        shuffled: the areas by chance.
        measures: each, the one that matters most first.
        without_first: the area without that measure.
        circumstances: what else tells the label.
        groups: how it did in parts of the people.
        learning: the area by the number of people learnt from.
        with_twice: what the learning curve makes of twice as many people.
        people_for_interval: how many it takes to know such an area to within 0.05.
        folds, repeats, seed: how people were held out.
        remarks: what was left out, and what to be careful of.
        simulated: whether a program made the cohort up.
        odds: by model, (repeats, units) held-out log-odds.
        cohort: the units.
    """

    name: str
    label: str
    classes: tuple[str, str]
    people: tuple[int, int]
    recordings: int
    measure_names: tuple[str, ...]
    models: tuple[Model, ...]
    trees_add: Interval
    shuffled: Shuffled
    measures: tuple[MeasureFound, ...]
    without_first: Interval | None
    circumstances: tuple[Circumstance, ...]
    groups: tuple[GroupOfPeople, ...]
    learning: tuple[Learnt, ...]
    with_twice: float | None
    people_for_interval: int
    folds: int
    repeats: int
    seed: int
    remarks: tuple[str, ...]
    simulated: bool
    odds: dict[str, Floats]
    cohort: Cohort

    @property
    def area(self) -> Interval:
        """The area under the curve of the logistic regression."""
        return self.models[0].area

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the single people, ready for JSON."""
        kept = {name: getattr(self, name) for name in self.__slots__ if name not in {"odds", "cohort"}}
        plain = {
            name: asdict(value)
            if hasattr(value, "__dataclass_fields__")
            else [asdict(each) if hasattr(each, "__dataclass_fields__") else each for each in value]
            if isinstance(value, tuple)
            else value
            for name, value in kept.items()
        }
        return {"mien": mien.__version__, **plain}

    def save(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write cohort.json, and the report on one page as cohort.html and cohort.pdf.

        Args:
            folder: where; made if missing.
            overwrite: take the place of files that are there.

        Raises:
            OutputError: files are there, or they can't be written.
        """
        from mien.videos.cohort.report import save

        return save(self, Path(folder), overwrite=overwrite)


def cohort(
    table: str | Path | pd.DataFrame,
    label: str,
    *,
    by: Sequence[str] = (),
    circumstances: Sequence[str] = (),
    labels: str | Path | None = None,
    expected: float = EXPECTED,
    seed: int = 0,
    rounds: int | None = None,
    repeats: int | None = None,
    progress: Callable[[str, float], None] = lambda what, done: None,
    say: Callable[[str], None] = lambda line: None,
    **columns: Any,
) -> CohortResult:
    """Measure how well recordings' measures separate two groups of people, and what could fool you.

    Args:
        table: a row for each recording (CSV, TSV, Parquet or a DataFrame); or a record's store, or a folder
            with tables of `mien analyze`, with `labels`.
        label: the column with the label; for a record without `labels`, "remission" or "response" by the
            PHQ-9.
        by: columns by whose values the result is told apart, such as an age group; they are circumstances.
        circumstances: further columns that are no measures: a site, a camera.
        labels: a table with the labels of a record's subjects or a folder's recordings.
        expected: the area under the curve that would be worth finding; decides how many people it takes.
        seed: of all dealing and exchanging.
        rounds: how often labels are exchanged between people; by itself 500 times, 200 from `MANY` on.
        repeats: how often the folds are dealt anew; by itself 3 for fewer than 300 people, else 1.
        progress: is told what is done, and how much of it.
        say: is told beforehand that so many people take a while.
        **columns: see `read_cohort`.

    Raises:
        SourceError: the table can't be read, or has too few people.
        ConfigError: the label or a column isn't one that can be studied.
    """
    if not 0.55 <= expected <= 0.99:
        raise ConfigError(f"expected an area under the curve from 0.55 to 0.99, received {expected:g}")
    if rounds is not None and rounds < 100:
        raise ConfigError(f"expected at least 100 rounds, received {rounds}")
    around = (*circumstances, *(each for each in by if each not in circumstances))
    if isinstance(table, str | Path):
        from mien.videos.cohort.record import rows_of

        found, name = rows_of(table, label, labels, subject=columns.get("subject", "subject"))
        read = read_cohort(found, label, circumstances=around, name=name, **columns)
    else:
        read = read_cohort(table, label, circumstances=around, **columns)
    check_people(read, expected)
    effort = _USUAL if len(read.y) < MANY else _OF_MANY
    if len(read.y) >= _SLOW:
        say(
            f"{len(read.y):,} people take a while and some hundred MB: most of it the models for each fold,"
            " then the labels exchanged between people (--rounds)"
        )
    if rounds is not None:
        effort = replace(effort, rounds=rounds)
    # What is wrong with the table is said before the extra is asked for.
    import sklearn.ensemble  # noqa: F401  before the limit, which holds for what is loaded
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # small arrays: more threads would wait for each other
        return _study(read, tuple(dict.fromkeys(by)), seed, effort, repeats, progress)


def _study(
    read: Cohort,
    by: tuple[str, ...],
    seed: int,
    effort: _Effort,
    repeats: int | None,
    progress: Callable[[str, float], None],
) -> CohortResult:
    y, subject, values = read.y, read.subject, read.values
    folds = min(effort.folds, min(read.people) // 2)  # two of each in every fold
    repeats = repeats or (1 if len(y) >= FEW else 3)
    found = predict(
        values, y, subject, folds=folds, repeats=repeats, seed=seed,
        progress=lambda done: progress("models", 0.6 * done),
    )  # fmt: skip
    areas = {model: _area(read, found.odds[model], found.fold) for model in MODELS}
    true, chance = shuffled_areas(
        values, y, subject, found.fold[0], rounds=effort.rounds, seed=seed,
        progress=lambda done: progress("shuffled labels", 0.6 + 0.15 * done),
    )  # fmt: skip
    least = chance_error(true, chance)
    models = tuple(_model(read, model, areas[model], found, least) for model in MODELS)
    p = (1 + int((chance >= true).sum())) / (1 + effort.rounds)
    low, high = np.quantile(chance, [0.025, 0.975])
    measures = _measures(
        read, found, effort.halves, seed, lambda done: progress("measures", 0.75 + 0.1 * done)
    )
    progress("measures", 0.85)
    without = _without(read, measures[0].name, found, seed) if len(measures) > 1 else None
    learning = _learning(
        read, found, areas[LOGISTIC], effort.shares, seed,
        lambda done: progress("learning curve", 0.88 + 0.11 * done),
    )  # fmt: skip
    said = found.odds[LOGISTIC], found.fold
    around, groups = look_around(read, *said), groups_of(read, by, *said)
    progress("learning curve", 1.0)
    return CohortResult(
        name=read.name, label=read.label, classes=read.classes, people=read.people,
        recordings=read.recordings, measure_names=tuple(map(str, read.measures)), models=models,
        trees_add=difference(areas[MODELS[1]], areas[LOGISTIC]),
        shuffled=Shuffled(effort.rounds, true, Interval(float(chance.mean()), float(low), float(high)), p),
        measures=measures, without_first=without, circumstances=around, groups=groups,
        learning=learning, with_twice=_with_twice(learning),
        people_for_interval=people_to_know(models[0].area.value, float(y.mean())),
        folds=folds, repeats=repeats, seed=seed, remarks=(*read.remarks, *_said_of(effort)),
        simulated=read.simulated, odds=found.odds, cohort=read,
    )  # fmt: skip


def _said_of(effort: _Effort) -> tuple[str, ...]:
    if effort.folds == _USUAL.folds:
        return ()
    exchanges = f", {effort.rounds} exchanges of labels for {_USUAL.rounds}"
    return (
        f"From {MANY:,} people on, chance moves little, and less is done again: {effort.folds} folds for"
        f" {_USUAL.folds}{exchanges if effort.rounds == _OF_MANY.rounds else ''}, {effort.halves} halves for"
        f" {_USUAL.halves}, {len(effort.shares)} steps of the learning curve for {len(_USUAL.shares)}.",
    )


def _area(read: Cohort, odds: Floats, fold: Ints) -> Area:
    found = area(read.y, odds, read.subject, fold)
    assert found is not None  # both classes are in every fold
    return found


def _model(read: Cohort, name: str, its_area: Area, found: Predicted, least_error: float) -> Model:
    probability = found.probability(name)
    table, _ = withholding(read.y, probability)
    return Model(name, its_area.interval(least_error=least_error), calibration(read.y, probability), table)


def _measures(
    read: Cohort, found: Predicted, halves: int, seed: int, progress: Callable[[float], None]
) -> tuple[MeasureFound, ...]:
    often, up = selected(read.values, read.y, read.subject, rounds=halves, seed=seed, progress=progress)
    alone, chances = [], []
    for column in read.values.T:
        known = ~np.isnan(column)
        own = area(read.y[known], column[known], read.subject[known])
        alone.append(own.interval() if own else Interval(0.5, 0.0, 1.0))
        off = abs(own.value - 0.5) / max(own.error, 1e-9) if own else 0.0
        chances.append(2 * float(norm.sf(off)))
    rows = []
    for place, (name, p) in enumerate(zip(read.measures, _holm(chances), strict=True)):
        column, weights = read.values[:, place], found.coefficients[:, place]
        known = ~np.isnan(column)
        apart = standard_difference(column[known], read.y[known])
        low, high = float(weights.min()), float(weights.max())
        sign = None if np.isnan(up[place]) else float(max(up[place], 1 - up[place]))
        rows.append(
            MeasureFound(
                str(name), apart, alone[place], p, Interval(float(weights.mean()), low, high),
                float(often[place]), sign, float(found.importance[place]),
            )
        )  # fmt: skip
    return tuple(sorted(rows, key=lambda each: (-each.selected, -each.importance)))


def _holm(chances: list[float]) -> list[float]:
    adjusted, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(np.argsort(chances)):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = highest
    return adjusted


def _without(read: Cohort, first: str, found: Predicted, seed: int) -> Interval:
    """Return the area without a measure: how much of the whole hangs on it."""
    rest = read.measures.drop(columns=first).to_numpy(np.float64)
    odds, _ = with_fewer(rest, read.y, read.subject, found.fold[0], 1.0, seed)
    return _area(read, odds, found.fold[0]).interval()


def _learning(
    read: Cohort,
    found: Predicted,
    whole: Area,
    shares: Sequence[float],
    seed: int,
    progress: Callable[[float], None],
) -> tuple[Learnt, ...]:
    course = []
    training = len(np.unique(read.subject)) * (1 - 1 / (int(found.fold.max()) + 1))
    for place, share in enumerate(shares):
        progress(place / len(shares))
        if share * training * min(read.people) / sum(read.people) < _LEAST_TRAINING / 2 and share < 1:
            continue
        if share == 1:
            course.append(Learnt(round(training), whole.interval()))
            continue
        folds = found.fold[: 3 if len(read.y) < FEW else 1]
        parts = [
            with_fewer(read.values, read.y, read.subject, fold, share, seed + turn)
            for turn, fold in enumerate(folds)
        ]
        own = _area(read, np.array([odds for odds, _ in parts]), folds)
        course.append(Learnt(parts[0][1], own.interval()))
    return tuple(course)


def _with_twice(learning: Sequence[Learnt]) -> float | None:
    """Return what the course over one by the number of people makes of twice as many.

    What a model of fixed form lacks of its best goes with one by the number of people, in the end.
    """
    if len(learning) < 3:
        return None
    inverse = np.array([1 / each.people for each in learning[-4:]])
    value = np.array([each.area.value for each in learning[-4:]])
    slope, end = np.polyfit(inverse, value, 1)
    return float(np.clip(end + slope * inverse[-1] / 2, 0, 1))
