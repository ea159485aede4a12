"""From a data set on disk to the parts that a recipe trains, chooses and reports on: read, cleaned, split."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from mien.errors import DatasetError
from mien.train.data import FaceSet, load_dataset
from mien.train.data.cleaning import NEAR_COPY, CleaningReport, clean, join_groups
from mien.train.data.faces import number_people, with_landmarks
from mien.train.data.numbering import Names
from mien.train.section import Section

SplitName = Literal["official", "grouped", "random"]
TEST_USAGE = ("PublicTest", "PrivateTest")
Index = NDArray[np.int64]

_FINEST_CUT = Fraction(1, 20)


@dataclass(frozen=True)
class Split:
    """Places of the faces in each part; no face stands in two, and together they are all faces.

    Attributes:
        train: what the network learns from.
        validation: what checkpoints, temperatures and thresholds are chosen by.
        test: what is only reported.
        left_out: faces that are used nowhere: a copy of them stands in a test part (or in the data's own
            validation part), or they are a test of another name.
    """

    train: Index
    validation: Index
    test: Index
    left_out: Index


def make_split(
    name: SplitName,
    *,
    targets: Index,
    usage: NDArray[np.str_],
    groups: Index,
    people: Index | None = None,
    seed: int,
    test_share: float = 0.25,
    validation_share: float = 0.1,
) -> Split:
    """Split a data set.

    `official` takes the data's own split: `PublicTest` is the test (else `PrivateTest`), and faces of the
    training side with a copy in any test part are left out; the data's own "Validation" part is taken where
    it has one. `grouped` and `random` take `test_share` of all faces, stratified by class; `grouped` keeps
    copies together, and all faces of one person; `random` does not, as the paper did. `validation` is
    otherwise cut from the training side, stratified, with copies and people kept together.

    Args:
        name: which split.
        targets: (n,) classes.
        usage: (n,) the data's own split.
        groups: (n,) numbers of the groups of copies.
        people: (n,) whose faces they are, by number; None where it isn't known. Of fewer people than a share
            asks for, at least one is cut off.
        seed: of the random choice.
        test_share: share of the test part, 0 to 1, for `grouped` and `random`; `grouped` rounds it to the
            nearest fraction with a denominator of up to 20.
        validation_share: share of the training side, 0 to 1, rounded likewise.

    Raises:
        DatasetError: the name is unknown, the data has no such split, or a class is too small to be cut.
    """
    if name not in get_args(SplitName):
        raise DatasetError(f"no split named {name}; there are: {', '.join(get_args(SplitName))}")
    together = groups if people is None else join_groups(groups, _neighbours(people))
    by_person = people is not None
    if name == "official":
        return _official(targets, usage, groups, together, validation_share, seed, by_person=by_person)
    everything = np.arange(len(targets))
    if name == "random":
        side, test = _cut_random(everything, targets, test_share, seed)
    else:
        side, test = _cut_grouped(everything, targets, together, test_share, seed, by_person=by_person)
    train, validation = _cut_grouped(side, targets, together, validation_share, seed, by_person=by_person)
    return Split(train, validation, test, np.empty(0, np.int64))


def _neighbours(people: Index) -> Index:
    """Return pairs of faces, (m, 2), that join all faces of each person."""
    order = np.argsort(people, kind="stable")
    pairs = np.column_stack([order[:-1], order[1:]])
    return np.asarray(pairs[people[pairs[:, 0]] == people[pairs[:, 1]]], np.int64)


def _official(
    targets: Index,
    usage: NDArray[np.str_],
    groups: Index,
    together: Index,
    share: float,
    seed: int,
    *,
    by_person: bool,
) -> Split:
    chosen = next((part for part in TEST_USAGE if (usage == part).any()), None)
    in_any_test = np.isin(usage, TEST_USAGE)
    held_back = np.isin(groups, groups[in_any_test])
    if chosen is None or held_back.all():
        raise DatasetError(
            "this data set has no split of its own (Training and PublicTest); use the split 'grouped' instead"
        )
    own = (usage == "Validation") & ~held_back
    if own.any():
        is_train = ~held_back & ~np.isin(groups, groups[own])
        train, validation = np.flatnonzero(is_train), np.flatnonzero(own)
    else:
        side = np.flatnonzero(~held_back)
        train, validation = _cut_grouped(side, targets, together, share, seed, by_person=by_person)
    test = np.flatnonzero(usage == chosen)
    used = np.concatenate([train, validation, test])
    return Split(train, validation, test, np.setdiff1d(np.arange(len(targets)), used))


def people_of(faces: FaceSet) -> Index | None:
    """Number the people as `number_people` does, (n,); None where nobody is known."""
    if faces.person is None or not (faces.columns[faces.person] != "").any():
        return None
    return number_people(faces.columns[faces.person])


def _cut_grouped(
    places: Index, targets: Index, groups: Index, share: float, seed: int, *, by_person: bool
) -> tuple[Index, Index]:
    cut = Fraction(share).limit_denominator(_FINEST_CUT.denominator)
    if not 0 < cut < 1:
        raise DatasetError(f"expected a share from {_FINEST_CUT} to {1 - _FINEST_CUT}, received {share}")
    faces, different = np.bincount(targets[places]), len(np.unique(groups[places]))
    if by_person and different < 2:
        raise DatasetError("expected at least three people, as nobody may be on both sides of the split")
    if by_person and different < cut.denominator:
        cut = Fraction(1, different)
    for what, least in (
        ("faces of each class", faces[faces > 0].min()),
        ("people" if by_person else "different faces", different),
    ):
        if least < cut.denominator:
            raise DatasetError(
                f"expected at least {cut.denominator} {what} to cut off {cut}, received {least}"
            )
    cutter = StratifiedGroupKFold(n_splits=cut.denominator, shuffle=True, random_state=seed)
    folds = [fold for _, fold in cutter.split(places, targets[places], groups[places])]
    is_part = np.isin(np.arange(len(places)), np.concatenate(folds[: cut.numerator]))
    return places[~is_part], places[is_part]


def _cut_random(places: Index, targets: Index, share: float, seed: int) -> tuple[Index, Index]:
    cutter = StratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    try:
        rest, part = next(cutter.split(places, targets[places]))
    except ValueError as error:  # a class of one face, or a part with fewer faces than classes
        raise DatasetError(f"cannot cut off {share:.0%} of the faces by class: {error}") from error
    return np.sort(places[rest]), np.sort(places[part])


class DataSection(Section):
    """Which faces: a recipe's `[data]`.

    Attributes:
        size_px: side of the grey images that the network takes.
        remove: classes that are left out, by name.
        split: `official`, `grouped` or `random`; see `splits.make_split`.
        test_share: share of the test part where the split is not the data's own.
        near_copy: correlation above which two faces count as copies.
    """

    size_px: int = Field(48, ge=24, le=256)
    remove: tuple[str, ...] = ()
    split: SplitName = "official"
    test_share: float = Field(0.25, gt=0, lt=1)
    near_copy: float = Field(NEAR_COPY, gt=0, le=1)


@dataclass(frozen=True)
class Prepared:
    """A data set, read, cleaned and split.

    Attributes:
        train: faces to learn from.
        validation: faces that choose.
        test: faces that are only reported.
        left_out: how many faces were kept away from training since a copy of them is in a test part.
        cleaning: what cleaning found, before classes were removed.
    """

    train: FaceSet
    validation: FaceSet
    test: FaceSet
    left_out: int
    cleaning: CleaningReport


def prepare(
    section: DataSection,
    data: Path,
    *,
    seed: int,
    votes: Path | None = None,
    landmarks: Path | None = None,
    names: Names | None = None,
) -> Prepared:
    """Read, clean and split the data as a recipe says.

    Copies are looked for before classes are removed, so that the groups don't depend on what is removed.

    Args:
        section: what to do.
        data: a data set that `load_dataset` reads.
        seed: of the cut.
        votes: FER+'s CSV, for a Kaggle CSV.
        names: what class numbers mean, as in `load_dataset`.
        landmarks: landmarks of the faces, see `faces.with_landmarks`.

    Raises:
        DatasetError: the data can't be read, or doesn't fit the recipe.
    """
    read = load_dataset(data, size_px=section.size_px, votes=votes, names=names)
    if landmarks is not None:
        read = with_landmarks(read, landmarks)
    faces, groups, report = clean(read, section.near_copy)
    if section.remove:
        removed = [faces.labels.index(name) for name in section.remove if name in faces.labels]
        groups = groups[~np.isin(faces.targets, removed)]
        faces = faces.without(section.remove)
    if np.count_nonzero(np.bincount(faces.targets)) < 2:
        raise DatasetError(f"{data}: expected faces of at least two classes, received only one")
    try:
        split = make_split(
            section.split,
            targets=faces.targets,
            usage=faces.usage,
            groups=groups,
            people=people_of(faces),
            seed=seed,
            test_share=section.test_share,
        )
    except DatasetError as error:
        counts = faces.counts()
        fewest = min(counts, key=lambda label: counts[label])
        raise DatasetError(f"{data}: {error} (the smallest class, {fewest}, has {counts[fewest]})") from error
    absent = set(faces.targets) - set(faces.targets[split.train])
    if absent and faces.person is not None:
        label = faces.labels[min(absent)]
        raise DatasetError(
            f"{data}: no face of {label} is left to learn from: too few people show it; nobody may be on both"
            " sides of the split"
        )
    return Prepared(
        faces.take(split.train),
        faces.take(split.validation),
        faces.take(split.test),
        len(split.left_out),
        report,
    )
