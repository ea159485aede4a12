"""Which faces train, which choose (`validation`), and which are only reported (`test`)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from mien.errors import DatasetError

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
    seed: int,
    test_share: float = 0.25,
    validation_share: float = 0.1,
) -> Split:
    """Split a data set.

    `official` takes the data's own split: `PublicTest` is the test (else `PrivateTest`), and faces of the
    training side with a copy in any test part are left out; the data's own "Validation" part is taken where
    it has one. `grouped` and `random` take `test_share` of all faces, stratified by class; `grouped` keeps
    copies together, `random` does not, as the paper did. `validation` is otherwise cut from the training
    side, stratified, with copies kept together.

    Args:
        name: which split.
        targets: (n,) classes.
        usage: (n,) the data's own split.
        groups: (n,) numbers of the groups of copies.
        seed: of the random choice.
        test_share: share of the test part, 0 to 1, for `grouped` and `random`; `grouped` rounds it to the
            nearest fraction with a denominator of up to 20.
        validation_share: share of the training side, 0 to 1, rounded likewise.

    Raises:
        DatasetError: the name is unknown, the data has no such split, or a class is too small to be cut.
    """
    if name not in get_args(SplitName):
        raise DatasetError(f"no split named {name}; there are: {', '.join(get_args(SplitName))}")
    if name == "official":
        return _official(targets, usage, groups, validation_share, seed)
    cut = _cut_random if name == "random" else _cut_grouped
    side, test = cut(np.arange(len(targets)), targets, groups, test_share, seed)
    train, validation = _cut_grouped(side, targets, groups, validation_share, seed)
    return Split(train, validation, test, np.empty(0, np.int64))


def _official(targets: Index, usage: NDArray[np.str_], groups: Index, share: float, seed: int) -> Split:
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
        train, validation = _cut_grouped(np.flatnonzero(~held_back), targets, groups, share, seed)
    test = np.flatnonzero(usage == chosen)
    used = np.concatenate([train, validation, test])
    return Split(train, validation, test, np.setdiff1d(np.arange(len(targets)), used))


def _cut_grouped(
    places: Index, targets: Index, groups: Index, share: float, seed: int
) -> tuple[Index, Index]:
    cut = Fraction(share).limit_denominator(_FINEST_CUT.denominator)
    if not 0 < cut < 1:
        raise DatasetError(f"expected a share from {_FINEST_CUT} to {1 - _FINEST_CUT}, received {share}")
    faces = np.bincount(targets[places])
    for what, least in (
        ("faces of each class", faces[faces > 0].min()),
        ("different faces", len(np.unique(groups[places]))),
    ):
        if least < cut.denominator:
            raise DatasetError(
                f"expected at least {cut.denominator} {what} to cut off {cut}, received {least}"
            )
    cutter = StratifiedGroupKFold(n_splits=cut.denominator, shuffle=True, random_state=seed)
    folds = [fold for _, fold in cutter.split(places, targets[places], groups[places])]
    is_part = np.isin(np.arange(len(places)), np.concatenate(folds[: cut.numerator]))
    return places[~is_part], places[is_part]


def _cut_random(places: Index, targets: Index, _: Index, share: float, seed: int) -> tuple[Index, Index]:
    cutter = StratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    try:
        rest, part = next(cutter.split(places, targets[places]))
    except ValueError as error:  # a class of one face, or a part with fewer faces than classes
        raise DatasetError(f"cannot cut off {share:.0%} of the faces by class: {error}") from error
    return np.sort(places[rest]), np.sort(places[part])
