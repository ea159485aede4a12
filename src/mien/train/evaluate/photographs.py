"""What a user gets of photographs: label and numbers of the table that `mien analyze` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mien.config import Settings
from mien.errors import DatasetError
from mien.expression.decision import Labelled
from mien.expression.network import Network
from mien.labels import EMOTIONS
from mien.neutral import PHOTO_S, Own, RestMeter, read_by, require_own_neutral
from mien.pipeline import Pipeline
from mien.source.images import read_image
from mien.train.data import FaceSet
from mien.train.evaluate.decided import (
    calibration_of,
    figures_of_sets,
    label_sets,
    pair_figures,
    votes_figures,
)
from mien.train.evaluate.figures import Figure, Index, mean_figure
from mien.train.evaluate.metrics import Scores, score
from mien.types import Faces

FacesAre = Literal["auto", "crops", "find"]
"""Whether each picture is a face's crop, or a photograph in which Mien has to find the face."""

CROP_PX: Final = 256
"""A square picture up to this wide is taken for a crop; a larger or longer one for a photograph."""

_SQUARE: Final = 1.05
_LOOKED_AT: Final = 500
_NOTHING: Final = len(EMOTIONS)
"""Stands for the label where no face was found."""


@dataclass(frozen=True, eq=False)
class TableRows:
    """The table's row of each of n pictures; of several faces in one, the largest face's.

    Attributes:
        said: probabilities, label and confidence; where no face was found all are 0, the label is 8, and it
            is not given.
        faces: (n,) how many faces were found.
    """

    said: Labelled
    faces: Index

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) whether there is a row."""
        return self.faces > 0


def faces_are(faces: FaceSet, wanted: FacesAre = "auto") -> Literal["crops", "find"]:
    """Return whether the pictures are crops of faces, or photographs in which faces are to be found.

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


@dataclass(frozen=True, eq=False)
class AtRest:
    """Whose own neutral face is known, each from one photograph.

    Attributes:
        own: neutral faces by the person's number.
        places: of the photographs that taught them, and must not be measured.
    """

    own: Mapping[int, Own]
    places: Index


def learn_neutral_faces(network: Network, faces: FaceSet, people: Index, settings: Settings) -> AtRest:
    """Learn each person's neutral face from their first neutral photograph, as `--neutral PHOTO` does.

    Args:
        network: what reads.
        faces: the n photographs.
        people: (n,) who each is of, as a number.
        settings: as of `mien analyze`.

    Raises:
        ConfigError: the network was not calibrated for it.
        DatasetError: there are no pictures, or no neutral photograph in which a face is found.
    """
    require_own_neutral(network.sidecar)
    faces_are(faces, "find")
    targets = label_sets(faces)[0].targets if label_sets(faces) else np.full(len(faces), -1)
    neutral = np.flatnonzero(targets == EMOTIONS.index("neutral"))
    places = neutral[np.unique(people[neutral], return_index=True)[1]]
    own = {}
    with Pipeline(settings, network=network) as pipeline:
        for place in places:
            picture = np.array(faces.pictures)[place]
            image = read_image(picture, max_megapixels=settings.max_megapixels)
            meter = RestMeter(network)
            seen = pipeline.read(image)
            if len(seen):
                meter.see(image, seen[[_largest(seen)]], 0.0)
            if meter.looks:
                own[int(people[place])] = Own(meter.of(PHOTO_S), "photo")
    if not own:
        raise DatasetError("no person has a neutral photograph in which their face is found")
    return AtRest(own, places)


def read_photographs(
    network: Network,
    faces: FaceSet,
    settings: Settings,
    *,
    people: Index | None = None,
    own: Mapping[int, Own] = MappingProxyType({}),
) -> TableRows:
    """Find and read the faces in every picture as `mien analyze` does.

    Args:
        network: what reads.
        faces: the pictures.
        settings: as of `mien analyze`.
        people: (n,) who each is of, as a number; with `own`.
        own: neutral faces by the person's number; the largest face is read by it.

    Raises:
        DatasetError: the data holds no pictures.
        ModelError: the network has labels that the table has no column for.
        SourceError: a picture can't be read.
    """
    faces_are(faces, "find")
    pictures = np.array(faces.pictures)
    read = []
    with Pipeline(settings, network=network) as pipeline:
        for place, picture in enumerate(pictures):
            image = read_image(picture, max_megapixels=settings.max_megapixels)
            seen = pipeline.read(image)
            person = own.get(int(people[place])) if people is not None else None
            if person is not None and len(seen):
                seen, _ = read_by(pipeline.decider, image, seen, {_largest(seen): person})
            read.append(seen)
    return together(read)


def together(read: Sequence[Faces]) -> TableRows:
    """Take the largest face of each picture."""
    count = len(read)
    p, confidence = np.zeros((count, len(EMOTIONS))), np.zeros(count)
    leading, certain = np.full(count, _NOTHING), np.zeros(count, bool)
    for place, seen in enumerate(read):
        if len(seen):
            largest = _largest(seen)
            p[place] = np.nan_to_num(seen.probabilities[largest])
            leading[place], confidence[place] = p[place].argmax(), seen.confidence[largest]
            certain[place] = seen.expression[largest] >= 0
    said = Labelled(p, leading, confidence, certain)
    return TableRows(said, np.array([len(seen) for seen in read], np.int64))


def photograph_figures(rows: TableRows, faces: FaceSet, people: Index | None = None) -> list[Figure]:
    """Return the figures of the table of photographs.

    A label is right where it is the data's own among all labels of the network, whether or not the data has
    them: nobody tells Mien beforehand what there can be. A photograph without a row counts as wrong.

    Args:
        rows: of the photographs.
        faces: the n photographs with their labels.
        people: (n,) who each is of, as a number, where that is known.

    Raises:
        DatasetError: the data has no label that the table has.
    """
    sets = label_sets(faces)
    if not sets:
        raise DatasetError(
            f"expected labels from {', '.join(EMOTIONS)}; the data has {', '.join(faces.labels)}"
        )
    there = np.flatnonzero(rows.found)
    of_found = Labelled(*(np.asarray(array)[there] for array in rows.said))  # type: ignore[arg-type]
    figures = [
        calibration_of(of_found, replace(labels, targets=labels.targets[there])) for labels in sets
    ] + votes_figures(of_found, faces.take(there))
    return [
        *_findings(rows, sets[0].targets),
        *figures_of_sets(rows.said, sets),
        *_recalls(rows.said, sets[0].targets),
        *(replace(figure, faces=there[figure.faces]) for figure in figures),
        *([] if people is None else pair_figures(rows.said, sets[0].targets, people, rows.found)),
    ]


def photograph_scores(rows: TableRows, faces: FaceSet) -> Scores:
    """Return the figures of each class, of the photographs in which a face was found.

    Raises:
        DatasetError: there is none.
    """
    sets = label_sets(faces)
    kept = rows.found & (sets[0].targets >= 0) if sets else np.zeros(0, bool)
    if not kept.any():
        raise DatasetError("no face was found in any of the pictures; are they photographs of people?")
    return score(rows.said.probabilities[kept], sets[0].targets[kept], EMOTIONS)


def _largest(seen: Faces) -> int:
    return int(seen.size_wh.prod(axis=1).argmax())


def _findings(rows: TableRows, targets: Index) -> list[Figure]:
    places = np.flatnonzero(targets >= 0)
    count, right = rows.faces[places], (rows.said.leading == targets)[places]
    return [
        mean_figure("a face found", places, count > 0),
        mean_figure("several faces found, the largest taken", places, count > 1),
        mean_figure("right where a face was found (label)", places[count > 0], right[count > 0]),
    ]


def _recalls(said: Labelled, targets: Index) -> list[Figure]:
    by_class = {
        EMOTIONS[place]: np.flatnonzero(targets == place) for place in np.unique(targets[targets >= 0])
    }
    return [
        mean_figure(f"recall, {name} (label)", places, (said.leading == targets)[places])
        for name, places in by_class.items()
    ]


def _size_wh(picture: Path | bytes) -> tuple[int, int]:
    with Pillow.open(BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
        return opened.size
