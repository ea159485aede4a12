"""From a data set on disk to the parts that a recipe trains, chooses and reports on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import DatasetError
from mien.train.data import FaceSet, load_dataset
from mien.train.data.cleaning import CleaningReport, clean
from mien.train.data.faces import with_landmarks
from mien.train.data.numbering import Names
from mien.train.data.splits import make_split
from mien.train.joint.recipe import JointRecipe
from mien.train.recipe import Recipe


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
    recipe: Recipe | JointRecipe,
    data: Path,
    *,
    votes: Path | None = None,
    landmarks: Path | None = None,
    names: Names | None = None,
) -> Prepared:
    """Read, clean and split the data as a recipe says.

    Copies are looked for before classes are removed, so that the groups don't depend on what is removed.

    Args:
        recipe: what to do.
        data: a data set that `load_dataset` reads.
        votes: FER+'s CSV, for a Kaggle CSV.
        names: what class numbers mean, as in `load_dataset`.
        landmarks: landmarks of the faces, see `datasets.landmarks`.

    Raises:
        DatasetError: the data can't be read, or doesn't fit the recipe.
    """
    read = load_dataset(data, size_px=recipe.data.size_px, votes=votes, names=names)
    if landmarks is not None:
        read = with_landmarks(read, landmarks)
    faces, groups, report = clean(read, recipe.data.near_copy)
    if recipe.data.remove:
        removed = [faces.labels.index(name) for name in recipe.data.remove if name in faces.labels]
        groups = groups[~np.isin(faces.targets, removed)]
        faces = faces.without(recipe.data.remove)
    if np.count_nonzero(np.bincount(faces.targets)) < 2:
        raise DatasetError(f"{data}: expected faces of at least two classes, received only one")
    split = make_split(
        recipe.data.split,
        targets=faces.targets,
        usage=faces.usage,
        groups=groups,
        seed=recipe.seed,
        test_share=recipe.data.test_share,
    )
    return Prepared(
        faces.take(split.train),
        faces.take(split.validation),
        faces.take(split.test),
        len(split.left_out),
        report,
    )
