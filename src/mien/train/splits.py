"""Which faces train, which choose (`validation`), and which are only reported (`test`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from mien.errors import DatasetError

SplitName = Literal["official", "grouped", "random"]
TEST_USAGE = ("PublicTest", "PrivateTest")
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Places of the faces in each part; no face stands in two.

    Attributes:
        train: what the network learns from.
        validation: what checkpoints, temperatures and thresholds are chosen by.
        test: what is only reported.
        left_out: faces kept away from training since a copy of them stands in a test part, and tests of another name.
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

    `official` takes the data's own split: `PublicTest` is the test (else `PrivateTest`), and faces of the training
    side with a copy in any test part are left out. `grouped` and `random` take `test_share` of all faces, stratified
    by class; `grouped` keeps copies together, `random` does not, as the paper did. `validation` is always cut from the
    training side, stratified, with copies kept together; a data set's own "Validation" part is taken where it has one.

    Args:
        name: which split.
        targets: (n,) classes.
        usage: (n,) the data's own split.
        groups: (n,) numbers of the groups of copies.
        seed: of the random choice.
        test_share: share of the test part, 0 to 1, for `grouped` and `random`.
        validation_share: share of the training side, 0 to 1.

    Raises:
        DatasetError: the name is unknown, the data has no such split, or a class is too small to be cut.
    """
    if name not in get_args(SplitName):
        raise DatasetError(f"no split named {name}; there are: {', '.join(get_args(SplitName))}")
    everything = np.arange(len(targets))
    if name == "official":
        side, test, left_out = _official(everything, usage, groups)
    else:
        cut = _cut_random if name == "random" else _cut_grouped
        side, test = cut(everything, targets, groups, test_share, seed)
        left_out = np.empty(0, np.int64)
    own = np.isin(usage[side], ["Validation"])
    if name == "official" and own.any():
        return Split(side[~own], side[own], test, left_out)
    train, validation = _cut_grouped(side, targets, groups, validation_share, seed)
    return Split(train, validation, test, left_out)


def _official(everything: Index, usage: NDArray[np.str_], groups: Index) -> tuple[Index, Index, Index]:
    is_test = np.isin(usage, TEST_USAGE)
    chosen = next((part for part in TEST_USAGE if (usage == part).any()), None)
    if chosen is None or is_test.all():
        raise DatasetError(
            "this data set has no split of its own (Training and PublicTest); use the split 'grouped' instead"
        )
    has_copy_in_test = np.isin(groups, groups[is_test])
    test = usage == chosen
    return everything[~has_copy_in_test], everything[test], everything[has_copy_in_test & ~test]


def _cut_grouped(places: Index, targets: Index, groups: Index, share: float, seed: int) -> tuple[Index, Index]:
    folds = round(1 / share)
    smallest = np.bincount(targets[places])
    if smallest[smallest > 0].min() < folds:
        raise DatasetError(f"expected at least {folds} faces of each class to cut off 1/{folds}, received fewer")
    cutter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    rest, part = next(cutter.split(places, targets[places], groups[places]))
    return places[rest], places[part]


def _cut_random(places: Index, targets: Index, _: Index, share: float, seed: int) -> tuple[Index, Index]:
    cutter = StratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    rest, part = next(cutter.split(places, targets[places]))
    return np.sort(places[rest]), np.sort(places[part])
