"""From a data set on disk to the parts that a recipe trains, chooses and reports on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from mien.errors import DatasetError
from mien.train.data import FaceSet, load_dataset
from mien.train.data.cleaning import NEAR_COPY, CleaningReport, clean
from mien.train.data.faces import with_landmarks
from mien.train.data.numbering import Names
from mien.train.data.splits import SplitName, make_split
from mien.train.section import Section


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
    split = make_split(
        section.split,
        targets=faces.targets,
        usage=faces.usage,
        groups=groups,
        seed=seed,
        test_share=section.test_share,
    )
    return Prepared(
        faces.take(split.train),
        faces.take(split.validation),
        faces.take(split.test),
        len(split.left_out),
        report,
    )
