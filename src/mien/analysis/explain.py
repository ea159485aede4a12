"""Why this label: explains each face of a photograph, and draws it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mien.config import Choices, DetectorName
from mien.errors import ConfigError
from mien.expression.explain import Method, explain_crops, marked_region, without
from mien.expression.network import Network
from mien.expression.reader import ExpressionReader
from mien.expression.regions import Where, locate
from mien.face.crop import crop_squares, crop_whole, face_squares
from mien.face.detect import Detector
from mien.face.landmarks import five_points
from mien.files import written_whole
from mien.labels import EMOTIONS, UNCERTAIN, standard_label
from mien.measures.face3d import STANDARD_FACE
from mien.pipeline import Pipeline, make_pipeline
from mien.show.explained import cut_out, overlay, sheet, tile
from mien.source.images import as_image
from mien.types import Faces, Image

FORMATS: Final = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
"""What a drawn explanation can be saved as."""

_NOTHING: Final = "no region counted more than another"
_NONE_ALONE: Final = "no one region decides it"
_FAINT: Final = 0.05
"""Of a label below this probability there is nothing to point at; what its map shows is noise."""
_NEARLY: Final = 0.05
"""A probability that falls by less than this with its region covered hangs on no one region."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why one face got its label.

    Attributes:
        face: the one face: its box, landmarks, the eight probabilities and what else was read.
        label: the label that is explained, one of `labels.EMOTIONS`.
        probability: what the network gives it, 0 to 1.
        without: what it gives it with the marked region filled with grey, 0 to 1.
        method: "class maps" or "occlusion".
        evidence: (size, size) over the crop that the network saw, read-only; above 0 where the region spoke
            for the label. By occlusion: by how much the probability falls while the region is covered.
        marked: (size, size) the region with the most evidence, read-only; all False where the map is flat.
        where: how that region lies in the face; None where the map is flat.
        to_picture: (2, 3) brings x, y and 1, as shares of the crop's side, to pixels of the picture.
    """

    face: Faces
    label: str
    probability: float
    without: float
    method: Method
    evidence: NDArray[np.float64]
    marked: NDArray[np.bool_]
    where: Where | None
    to_picture: NDArray[np.float64]

    @property
    def faint(self) -> bool:
        """Whether the network sees next to none of the label; no region is named or drawn then."""
        return self.probability < _FAINT

    @property
    def words(self) -> str:
        """Label, probability and place, in one line."""
        unsure = f" ({UNCERTAIN})" if self.face.labels[0] == UNCERTAIN else ""
        start = f"{self.label} {_percent(self.probability)}{unsure}"
        if self.faint:
            return f"{start}: the network sees almost none of it here"
        if self.where is None:
            return f"{start}: {_NOTHING}"
        left = f"{_percent(self.without)} with this region covered"
        alone = "" if self.probability - self.without >= _NEARLY else f": {_NONE_ALONE}"
        return f"{start}: {self.where.words}; {left}{alone}"

    @property
    def plain_words(self) -> str:
        """Why, for who reads no figures of networks: what was read, what it rests on, and how firmly."""
        sure = "not sure of any expression; the most likely is " if self.face.labels[0] == UNCERTAIN else ""
        start = f"Read as {sure}{self.label} ({_percent(self.probability)})."
        if self.faint:
            return f"{start} Almost nothing in this face supports it."
        if self.where is None:
            return f"{start} No part of the face supports it more than another."
        parts = self.where.plain_words
        if self.probability - self.without < _NEARLY:
            return (
                f"{start} Most of the support is {parts}, but no single part decides: with that covered"
                f" it would still be {_percent(self.without)}."
            )
        return (
            f"{start} It depends on what is seen {parts}: with that covered, {self.label} would fall to"
            f" {_percent(self.without)}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the maps, for JSON."""
        shares = zip(EMOTIONS, self.face.probabilities[0].tolist(), strict=True)
        left, top, right, bottom = (round(each, 2) for each in self.face.xyxy[0].tolist())
        where = self.where
        return {
            "label": self.label,
            "probability": round(self.probability, 6),
            "expression": self.face.labels[0],
            "probabilities": {name: None if p != p else round(p, 6) for name, p in shares},
            "method": self.method,
            "xyxy": [left, top, right, bottom],
            "without": round(self.without, 6),
            "marked_share": round(float(self.marked.mean()), 4),
            "upper": None if where is None else round(where.upper, 4),
            "left": None if where is None else round(where.left, 4),
            "parts": None if where is None else {name: round(p, 4) for name, p in where.parts.items()},
            "words": self.words,
            "plain_words": self.plain_words,
        }


def explain(
    image: Image | Pillow.Image | str | Path | bytes,
    *,
    label: str | None = None,
    method: Method | None = None,
    detector: DetectorName | Detector | None = None,
    network: str | Path | Network | None = None,
    **choices: Unpack[Choices],
) -> list[Explanation]:
    """Return which regions of each face carried its label.

    Args:
        image: uint8 RGB of shape (height, width, 3), a photograph's path or bytes, or an image of Pillow's.
        label: the label to explain; by default each face's most likely one.
        method: "occlusion", or "class maps" where the network has them; by default as docs/explain.md says.
        detector: what finds faces, by name, or any object that is a `Detector`; you close it.
        network: what reads them, by name or path, or any object that is a `Network`; you close it.
        **choices: settings by name, as in `Settings`; the others come from mien.toml and the environment.

    Returns:
        One explanation for each face; none where there is no face. `save_explanations` draws them.

    Raises:
        ConfigError: a setting is wrong, or the network has no such label, or no class maps.
        TypeError, ValueError: it is no picture, or the array is none.
        ModelError: a network is missing or damaged.
        SourceError: the photograph can't be read, or is larger than `max_megapixels`.

    Example:
        >>> import mien
        >>> mien.explain("family.jpg")[0].words  # doctest: +SKIP
        'happiness 97 %: mouth 84 %; lower half, left and right alike; 12 % with this region covered'
    """
    pipeline, ours = make_pipeline(detector, network, choices)
    try:
        picture = as_image(image, max_megapixels=pipeline.settings.max_megapixels)
        return explain_faces(pipeline, picture, label, method)
    finally:
        if ours:
            pipeline.close()


def explain_faces(
    pipeline: Pipeline, image: Image, label: str | None = None, method: Method | None = None
) -> list[Explanation]:
    """Return which regions of each face carried its label; see `explain`.

    A face is read once more from the crop that its landmarks give, and that reading is explained: its
    probabilities may differ a little from those of `Pipeline.read`, whose crop followed the detector.

    Args:
        pipeline: finds and reads the faces.
        image: uint8 RGB.
        label: the label to explain.
        method: how.
    """
    network = pipeline.network
    index = None if label is None else _index_of(network, label)
    faces = pipeline.read(image)
    if not len(faces):
        return []
    crops, ways = _crops(pipeline, image, faces)
    prior = pipeline.settings.prior
    faces = ExpressionReader(network, prior).read(crops, faces)
    names = [standard_label(each) for each in network.sidecar.labels]
    shown = faces.probabilities[:, [EMOTIONS.index(name) for name in names]]
    indices = [int(each) for each in np.nanargmax(shown, axis=1)] if index is None else [index] * len(faces)
    found = explain_crops(network, crops, indices, method=method, prior=prior)
    marked = np.stack([marked_region(each) for each in found.maps])
    left = without(network, crops, indices, marked, prior)
    for array in (found.maps, marked, *ways):
        array.flags.writeable = False
    return [
        Explanation(
            face=faces[[row]],
            label=names[index],
            probability=float(shown[row, index]),
            without=float(left[row]),
            method=found.method,
            evidence=found.maps[row],
            marked=marked[row],
            where=locate(found.maps[row], marked[row], _landmarks_in_crop(faces, row, ways[row])),
            to_picture=ways[row],
        )
        for row, index in enumerate(indices)
    ]


def draw_explanations(image: Image, explanations: list[Explanation]) -> Image:
    """Draw each face, its marked region, its eight probabilities, and the words.

    Args:
        image: the picture that was explained, uint8 RGB.
        explanations: of its faces, at least one.

    Returns:
        A picture of its own, uint8 RGB: one tile for each face.
    """
    tiles = []
    for number, each in enumerate(explanations):
        face = cut_out(image, each.to_picture)
        over = overlay(face, each.evidence, each.marked & (not each.faint))
        title, _, place = each.words.partition(": ")
        heading = f"face {number}" if len(explanations) > 1 else ""
        tiles.append(
            tile(face, over, each.face.probabilities[0].tolist(), [(title, each.label), (place, "")], heading)
        )
    return sheet(tiles)


def save_explanations(path: str | Path, image: Image, explanations: list[Explanation]) -> None:
    """Draw explanations into a file, whole or not at all.

    Args:
        path: its suffix says the format, one of `FORMATS`.
        image: the picture that was explained, uint8 RGB.
        explanations: of its faces, at least one.

    Raises:
        ConfigError: the suffix is another.
        OutputError: it can't be written.
    """
    path = Path(path)
    check_format(path)
    # In memory first: writing to a file itself, Pillow doesn't see that a full disk took only a part.
    data = BytesIO()
    Pillow.fromarray(draw_explanations(image, explanations)).save(data, FORMATS[path.suffix.lower()])
    with written_whole(path) as temporary:
        temporary.write_bytes(data.getvalue())


def check_format(path: Path) -> None:
    """Refuse a name that no picture can be saved under.

    Raises:
        ConfigError: its suffix is none of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: expected a picture's name that ends in {', '.join(FORMATS)}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _index_of(network: Network, label: str) -> int:
    names = [standard_label(each) for each in network.sidecar.labels]
    if standard_label(label) not in names:
        raise ConfigError(
            f"expected a label of network {network.sidecar.name} ({', '.join(names)}), received {label}"
        )
    return names.index(standard_label(label))


def _crops(
    pipeline: Pipeline, image: Image, faces: Faces
) -> tuple[NDArray[np.uint8], list[NDArray[np.float64]]]:
    """Return each face's crop, and the way from it to the picture."""
    size_px = pipeline.network.sidecar.size_px
    if pipeline.detector is None:
        height, width = image.shape[:2]
        return crop_whole(image, size_px), [np.array([[width, 0, 0], [0, height, 0]], np.float64)]
    corner, edge = face_squares(faces)
    down = edge[:, ::-1] * (-1.0, 1.0)
    return crop_squares(image, corner, edge, size_px), list(np.stack([edge, down, corner], axis=2))


def _landmarks_in_crop(faces: Faces, row: int, to_picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """(68, 2) in shares of the crop's side; those of the standard face where the network finds none."""
    points = faces.landmarks[row].astype(np.float64)
    if np.isnan(points).any():
        return _standard_landmarks()
    return np.asarray((points - to_picture[:, 2]) @ np.linalg.inv(to_picture[:, :2]).T)


def _standard_landmarks() -> NDArray[np.float64]:
    """The standard face from the front, in the framing of every crop; (68, 2) in shares of its side."""
    flat = STANDARD_FACE[None, :, :2] * 100 + 200
    corner, edge = face_squares(
        Faces(np.array([[0, 0, 400, 400]], np.float32)).fill(points=five_points(flat))
    )
    return np.asarray((flat[0] - corner[0]) / edge[0, 0])
