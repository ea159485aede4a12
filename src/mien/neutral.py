"""Learning a person's own neutral face from pictures, and reading their faces by it.

The neutral face is looked at in several gentle views of the same picture, moved, turned, scaled and mirrored
a little: their mean is steadier than one look, and how much they differ says how much this face's reading
varies by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.expression.decision import Decider, features
from mien.expression.network import Network
from mien.expression.neutral import Rest, widening
from mien.expression.sidecar import Sidecar
from mien.face.crop import Vectors, crop_faces, crop_squares, face_squares
from mien.labels import NEUTRALS
from mien.measures.pose import solve_pose
from mien.types import Faces, Image

Floats = NDArray[np.float64]

LOOK_EVERY_S: Final = 0.25
"""A face at rest is looked at so often; more looks, that are more alike, teach nothing."""
LEAST_S: Final = 1.0
"""Less than this of a face at rest is no neutral face."""
PHOTO_S: Final = 3.0
"""A photograph counts as so many seconds."""
LEAST_QUALITY: Final = 0.4
"""A poorer face is not learnt from."""

_MOVES: Final = ((0.0, 0.0), (0.03, 0.0), (-0.03, 0.0), (0.0, 0.03), (0.0, -0.03))
_SCALES: Final = (0.94, 1.06)
_TURNS_DEG: Final = (-5.0, 5.0)
_INNER: Final = 6
"""The margin of a crop that is not face: its side over this, as for the quality's light."""


class Look(NamedTuple):
    """One look at a face at rest.

    Attributes:
        logits: (15,) mean over the views.
        variance: mean squared difference of the views from it.
        yaw_deg, pitch_deg: NaN without landmarks.
        light: mean grey, 0 to 1.
    """

    logits: Floats
    variance: float
    yaw_deg: float
    pitch_deg: float
    light: float


def has_own_neutral(sidecar: Sidecar) -> bool:
    """Say whether a network's sidecar has what own neutral faces need."""
    return sidecar.own_neutral is not None and sidecar.decision is not None


def require_own_neutral(sidecar: Sidecar) -> None:
    """Make sure of it.

    Raises:
        ConfigError: it hasn't.
    """
    if not has_own_neutral(sidecar):
        raise ConfigError(
            f"neutral: network {sidecar.name} was not calibrated for own neutral faces; take another, such as"
            " --network mien"
        )


def gentle_views(image: Image, corner: Vectors, edge: Vectors, size_px: int) -> NDArray[np.uint8]:
    """Cut several gentle views of one square out.

    Args:
        image: the picture, uint8 RGB.
        corner, edge: (2,) of the square, as `face.crop.face_squares` gives them.
        size_px: side of each crop in pixels.

    Returns:
        uint8 (views, size_px, size_px): as it is, moved by 3 % of the side to four sides, 6 % smaller and
        larger, turned by 5 degrees either way; and the mirror image of each.
    """
    ways = [(*move, 1.0, 0.0) for move in _MOVES]
    ways += [(0.0, 0.0, scale, 0.0) for scale in _SCALES] + [(0.0, 0.0, 1.0, turn) for turn in _TURNS_DEG]
    down = np.array([-edge[1], edge[0]])
    middle = corner + (edge + down) / 2
    corners, edges = [], []
    for right, below, scale, turn_deg in ways:
        angle = np.radians(turn_deg)
        new = scale * (np.cos(angle) * edge + np.sin(angle) * down)
        moved = middle + right * edge + below * down
        corners.append(moved - (new + np.array([-new[1], new[0]])) / 2)
        edges.append(new)
    crops = crop_squares(image, np.array(corners), np.array(edges), size_px)
    return np.ascontiguousarray(np.concatenate([crops, crops[:, :, ::-1]]))


def look_at(network: Network, image: Image, face: Faces) -> Look:
    """Look at one face at rest.

    Args:
        network: reads crops.
        image: the picture, uint8 RGB.
        face: one face in it.
    """
    [corner], [edge] = face_squares(face)
    logits = features(network.answer(gentle_views(image, corner, edge, network.sidecar.size_px)))
    mean = logits.mean(axis=0)
    [yaw], [pitch], [light] = conditions(image, face)
    return Look(mean, float(((logits - mean) ** 2).mean()), float(yaw), float(pitch), float(light))


def conditions(image: Image, faces: Faces) -> tuple[Floats, Floats, Floats]:
    """Give how n faces are turned and lit: yaw and pitch in degrees, and the mean grey, 0 to 1."""
    angles = np.full((len(faces), 3), np.nan)
    known = ~np.isnan(faces.landmarks).any(axis=(1, 2))
    if known.any():
        angles[known] = solve_pose(faces.landmarks[known]).angles_deg
    crops = crop_faces(image, faces, 48)
    margin = 48 // _INNER
    light = crops[:, margin:-margin, margin:-margin].mean(axis=(1, 2)) / 255
    return angles[:, 0], angles[:, 1], light


@dataclass
class RestMeter:
    """Learns one face's neutral from looks at it.

    Args:
        network: reads crops.
    """

    network: Network
    seconds: float = 0.0
    _looks: list[Look] = field(default_factory=list)
    _last_s: float | None = None
    _looked_s: float = -np.inf

    def see(self, image: Image, face: Faces, time_s: float) -> None:
        """Look at the face, if that is due and it is good enough.

        Args:
            image: the picture.
            face: the one face, read.
            time_s: of the frame, rising.
        """
        last_s, self._last_s = self._last_s, None
        if not float(face.quality[0]) >= LEAST_QUALITY or not np.isfinite(face.logits).all():
            return
        self._last_s = time_s
        if last_s is not None:
            self.seconds += time_s - last_s
        if time_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = time_s
            self._looks.append(look_at(self.network, image, face))

    def rest(self) -> Rest | None:
        """Give what was learnt; None below `LEAST_S`."""
        return self.of(self.seconds) if self.seconds >= LEAST_S else None

    def of(self, seconds: float) -> Rest:
        """Give what was learnt from at least one look, as seen for some seconds."""
        return rest_of(self._looks, seconds, self.network.sidecar.sha256)


def rest_of(looks: list[Look], seconds: float, network: str) -> Rest:
    """Put looks at a face at rest, at least one, together."""
    middle = {
        name: float(np.median([getattr(look, name) for look in looks]))
        for name in ("yaw_deg", "pitch_deg", "light")
    }
    mean = np.mean([look.logits for look in looks], axis=0)
    noise = float(np.sqrt(np.mean([look.variance for look in looks])))
    return Rest(network, tuple(mean.tolist()), noise, seconds, **middle)


class Own(NamedTuple):
    """A neutral face, and where it comes from: one of `labels.NEUTRALS`."""

    rest: Rest
    origin: str


def read_by(decider: Decider, image: Image, faces: Faces, own: Mapping[int, Own]) -> tuple[Faces, Floats]:
    """Read some of the faces in a picture by the own neutral face of whose they are.

    Args:
        decider: of the network.
        image: the picture.
        faces: read already, by everybody's neutral face.
        own: by the face's place.

    Returns:
        The faces, with probabilities, expression, confidence and `neutral` filled in anew; and how much each
        of these was widened, 1 or more, in the order of `own`.
    """
    places = [place for place in own if np.isfinite(faces.logits[place]).all()]
    if not places:
        return faces, np.empty(0)
    probabilities, expression = faces.probabilities.copy(), faces.expression.copy()
    confidence, neutral = faces.confidence.copy(), faces.neutral.copy()
    turned = conditions(image, faces[places])
    widened = np.empty(len(places))
    for row, place in enumerate(places):
        rest, origin = own[place]
        widened[row : row + 1] = widening(rest, *(values[row : row + 1] for values in turned))
        said = decider.personal(faces[[place]], rest, widened[row : row + 1])
        probabilities[place], expression[place] = said.probabilities[0], said.expression[0]
        confidence[place], neutral[place] = said.confidence[0], NEUTRALS.index(origin)
    filled = faces.fill(
        probabilities=probabilities, expression=expression, confidence=confidence, neutral=neutral
    )
    return filled, widened
