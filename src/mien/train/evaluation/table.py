"""What a user gets: labels and numbers of the table that `mien analyze` writes, on labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mien.config import Settings
from mien.errors import DatasetError
from mien.expression.network import Network
from mien.labels import EMOTIONS, standard_label
from mien.pipeline import Pipeline
from mien.source.images import read_image
from mien.train.datasets import FaceSet
from mien.train.evaluation.figures import (
    Figure,
    Index,
    auc_figure,
    calibration_figure,
    macro_f1_figure,
    mean_figure,
    mean_recall_figure,
    surest_figure,
)
from mien.train.evaluation.heads import HeadAnswers, Sureness, match_labels
from mien.train.evaluation.measured import papers_figures, vote_figures
from mien.train.evaluation.metrics import Scores, score
from mien.types import Faces, Image

FacesAre = Literal["auto", "crops", "find"]
"""Whether each picture is a face's crop, or a photograph in which Mien has to find the face."""

TABLE: Final = "table"
"""What the table's figures are marked with, as those of a network's output are with the output's name."""

CROP_PX: Final = 256
"""A square picture up to this wide is taken for a crop; a larger or longer one for a photograph."""

_SQUARE: Final = 1.05
_LOOKED_AT: Final = 500
_NEUTRAL: Final = EMOTIONS.index("neutral")
_NOTHING: Final = len(EMOTIONS)
"""Stands for the answer where no face was found."""


@dataclass(frozen=True, eq=False)
class TableRows:
    """The table's row of each of n pictures; of several faces in one, the largest face's.

    Attributes:
        probabilities: (n, 8) the columns `p_*`; 0 where the network has no such label, or there is no row.
        expression: (n,) places in `labels.EMOTIONS`; -1 for `uncertain`, and where there is no row.
        confidence: (n,) the column of that name; 0 where there is no row.
        faces: (n,) how many faces were found.
    """

    probabilities: NDArray[np.float64]
    expression: Index
    confidence: NDArray[np.float64]
    faces: Index

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) whether there is a row."""
        return self.faces > 0

    @property
    def likeliest(self) -> Index:
        """(n,) the label with the highest probability, `uncertain` or not; 8 where there is no row."""
        return np.where(self.found, self.probabilities.argmax(axis=1), _NOTHING)


def faces_are(faces: FaceSet, wanted: FacesAre = "auto") -> Literal["crops", "find"]:
    """Tell crops from photographs.

    Args:
        faces: the data.
        wanted: "auto" goes by what most of the pictures are: square and at most `CROP_PX` wide means crops.

    Raises:
        DatasetError: faces are to be found where the data holds grey values and no pictures.
    """
    if faces.pictures is None:
        if wanted == "find":
            raise DatasetError(
                "expected pictures in which a face can be found; this data holds crops as grey values alone"
            )
        return "crops"
    if wanted != "auto":
        return wanted
    step = max(1, len(faces) // _LOOKED_AT)
    sizes = np.array([_size_wh(picture) for picture in faces.pictures[::step]])
    longer, shorter = sizes.max(axis=1), sizes.min(axis=1)
    return "crops" if ((longer <= CROP_PX) & (longer <= _SQUARE * shorter)).mean() > 0.5 else "find"


def read_table(network: Network, faces: FaceSet, settings: Settings) -> TableRows:
    """Read every picture as `mien analyze` does.

    Args:
        network: what reads.
        faces: the pictures.
        settings: `crops` says whether each is one face already.

    Raises:
        ModelError: the network has labels that the table has no column for.
        SourceError: a picture can't be read.
    """
    pictures = faces.images if faces.pictures is None else faces.pictures
    with Pipeline(settings, network=network) as pipeline:
        return together([pipeline.read(_image(picture)) for picture in pictures])


def together(read: Sequence[Faces]) -> TableRows:
    """Take the largest face of each picture."""
    p, expression = np.zeros((len(read), len(EMOTIONS))), np.full(len(read), -1)
    confidence = np.zeros(len(read))
    for place, seen in enumerate(read):
        if len(seen):
            largest = int(seen.size_wh.prod(axis=1).argmax())
            p[place] = np.nan_to_num(seen.probabilities[largest])
            expression[place] = seen.expression[largest]
            confidence[place] = seen.confidence[largest]
    return TableRows(p, expression, confidence, np.array([len(seen) for seen in read], np.int64))


def table_figures(
    rows: TableRows, faces: FaceSet, labels: Sequence[str], *, people: Index | None = None
) -> list[Figure]:
    """Give the figures of the table.

    A label is right where it is the data's own among all labels of the network, whether or not the data has
    them: nobody tells Mien beforehand what there can be. A picture without a row counts as wrong.

    Args:
        rows: of the pictures.
        faces: the n pictures with their labels.
        labels: the network's.
        people: (n,) who each is of, as a number, where that is known.

    Raises:
        DatasetError: the data shares fewer than two labels with the network.
    """
    targets, count = targets_of(faces, labels)
    places = np.flatnonzero(targets >= 0)
    target, answer = targets[places], rows.likeliest[places]
    right, labelled = answer == target, rows.expression[places] >= 0
    found = rows.found[places]
    what = f"{count} classes ({TABLE})"
    figures = [] if found.all() and (rows.faces == 1).all() else _findings(rows, places, right)
    figures += [
        mean_figure(f"right, {what}", places, right),
        macro_f1_figure(f"macro-F1, {what}", places, target, answer, _NOTHING + 1),
        mean_recall_figure(f"mean recall, {what}", places, target, answer),
        *(mean_figure(f"recall, {name} ({TABLE})", places[mask], right[mask])
          for name, mask in _by_class(target).items()),
        mean_figure(f"gets a label, {what}", places, labelled),
        mean_figure(f"right among those, {what}", places[labelled], right[labelled]),
        calibration_figure(
            f"calibration error, {what}", places[found], rows.confidence[places][found], right[found]
        ),
        surest_figure(f"right among the surest 80 %, {what}", places, rows.confidence[places], right),
    ]  # fmt: skip
    if people is not None:
        figures += _of_pairs(rows, targets, people)
    return figures + _of_found(rows, faces)


def table_scores(rows: TableRows, faces: FaceSet, labels: Sequence[str]) -> Scores:
    """Give the figures of each class, of the pictures in which a face was found.

    Raises:
        DatasetError: there is none.
    """
    targets, _ = targets_of(faces, labels)
    kept = rows.found & (targets >= 0)
    if not kept.any():
        raise DatasetError("no face was found in any of the pictures; are they photographs of people?")
    return score(rows.probabilities[kept], targets[kept], EMOTIONS)


def targets_of(faces: FaceSet, labels: Sequence[str]) -> tuple[Index, int]:
    """Bring the data's labels to the table's.

    Returns:
        (n,) places in `labels.EMOTIONS`, -1 for a label that the network does not know; and how many labels
        they share.

    Raises:
        DatasetError: fewer than two.
    """
    kept, matched, columns = match_labels(faces, labels)
    shared = np.array([EMOTIONS.index(standard_label(labels[column])) for column in columns])
    targets = np.full(len(faces), -1)
    targets[kept] = shared[matched]
    return targets, len(columns)


def _findings(rows: TableRows, places: Index, right: NDArray[np.bool_]) -> list[Figure]:
    count = rows.faces[places]
    return [
        mean_figure(f"a face found ({TABLE})", places, count > 0),
        mean_figure(f"several faces found, the largest taken ({TABLE})", places, count > 1),
        mean_figure(f"right where a face was found ({TABLE})", places[count > 0], right[count > 0]),
    ]


def _of_pairs(rows: TableRows, targets: Index, people: Index) -> list[Figure]:
    """Compare each expression with the same people's neutral faces, by its own column alone."""
    figures = []
    neutral = rows.found & (targets == _NEUTRAL)
    for name, place in {EMOTIONS[place]: place for place in np.unique(targets[targets >= 0])}.items():
        shown, p = rows.found & (targets == place), rows.probabilities[:, place]
        if place == _NEUTRAL or not shown.any() or not neutral.any():
            continue
        both = np.flatnonzero(shown | neutral)
        figures.append(auc_figure(f"AUC of p_{name}, against neutral ({TABLE})", both, p[both], shown[both]))
        pairs = [who for who in np.unique(people[shown]) if (people[neutral] == who).any()]
        first = np.array([np.flatnonzero(shown & (people == who))[0] for who in pairs], np.int64)
        gain = np.array(
            [p[shown & (people == who)].mean() - p[neutral & (people == who)].mean() for who in pairs]
        )
        name = f"people with a higher p_{name} than in their own neutral face ({TABLE})"
        figures.append(mean_figure(name, first, (np.sign(gain) + 1) / 2))
    return figures


def _of_found(rows: TableRows, faces: FaceSet) -> list[Figure]:
    """The figures of whole sets of labels, and of votes, of the pictures that have a row."""
    there = np.flatnonzero(rows.found)
    if not len(there):
        return []
    p = rows.probabilities[there]
    head = HeadAnswers(TABLE, EMOTIONS, np.log(p.clip(min=1e-30)).astype(np.float32))
    sure = Sureness(rows.confidence[there], rows.expression[there] >= 0)
    seen = faces.take(there)
    figures = papers_figures(head, seen) + vote_figures(head, sure, seen)
    return [replace(figure, faces=there[figure.faces]) for figure in figures]


def _by_class(target: Index) -> dict[str, NDArray[np.bool_]]:
    return {EMOTIONS[place]: target == place for place in np.unique(target)}


def _image(picture: Any) -> Image:
    """A picture as the loop takes it; a data set of grey values has them at the network's own size."""
    if isinstance(picture, np.ndarray):
        return np.repeat(picture[:, :, None], 3, axis=2)
    return read_image(picture)


def _size_wh(picture: Path | bytes) -> tuple[int, int]:
    with Pillow.open(BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
        return opened.size
