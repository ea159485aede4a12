"""Landmarks of a data set's faces, from a file of their own."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import DatasetError
from mien.train.datasets.base import FaceSet


def with_landmarks(faces: FaceSet, path: Path, *, image_px: int = 48) -> FaceSet:
    """Add landmarks to faces.

    Args:
        faces: faces whose names stand in the file.
        path: an .npz with `path` (m,) names, `landmarks` (m, 68, 2) in pixels of the image from its left top
            corner, iBUG's order, and `found` (m,) whether there are any.
        image_px: side of the images that the pixels belong to.

    Raises:
        DatasetError: it is no such file, or names none of the faces.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            names, pixels, found = file["path"], file["landmarks"].astype(np.float32), file["found"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: expected an .npz with path, landmarks and found ({error})") from error
    if pixels.shape != (len(names), 68, 2) or found.shape != (len(names),):
        raise DatasetError(
            f"{path}: expected landmarks of shape ({len(names)}, 68, 2), received {pixels.shape}"
        )
    pixels[~found.astype(bool)] = np.nan
    row_of = {str(name): row for row, name in enumerate(names)}
    rows = np.array([row_of.get(str(name), -1) for name in faces.names])
    if not (rows >= 0).any():
        raise DatasetError(f"{path}: holds landmarks of other faces: none of the names is in the data set")
    landmarks = np.where((rows >= 0)[:, None, None], pixels[rows] / np.float32(image_px), np.float32(np.nan))
    return replace(faces, landmarks=landmarks.astype(np.float32))
