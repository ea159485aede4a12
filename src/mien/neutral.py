"""Learning a person's own neutral face from pictures, and reading their faces by it.

The neutral face is looked at in several gentle views of the same picture, moved, turned, scaled and mirrored
a little: their mean is steadier than one look, and how much they differ says how much this face's reading
varies by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, ModelError
from mien.expression.calibration import softmax
from mien.expression.decision import Decider, features
from mien.expression.network import Network
from mien.expression.personal import Rest, personal, shrinkage, widening
from mien.expression.sidecar import Sidecar
from mien.face.crop import Vectors, crop_faces, crop_squares, face_squares
from mien.labels import EMOTIONS, NEUTRALS
from mien.measures.pose import solve_pose
from mien.prior import BALANCED
from mien.types import Faces, Frame, Image

Floats = NDArray[np.float64]

LOOK_EVERY_S: Final = 0.25
"""A face at rest is looked at so often; more looks, that are more alike, teach nothing."""
LEAST_S: Final = 0.75
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
    """Return whether a network's sidecar has what own neutral faces need."""
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
        corner: (2,) of the square, as `face.crop.face_squares` gives it.
        edge: (2,) the same.
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
    """Return how n faces are turned and lit: yaw and pitch in degrees, and the mean grey, 0 to 1."""
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
    looks: list[tuple[float, Look]] = field(default_factory=list)
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
            self.looks.append((time_s, look_at(self.network, image, face)))

    def rest(self) -> Rest | None:
        """Return what was learnt; None below `LEAST_S`."""
        return self.of(self.seconds) if self.seconds >= LEAST_S else None

    def of(self, seconds: float) -> Rest:
        """Return what was learnt from at least one look, as seen for some seconds."""
        return rest_of([look for _, look in self.looks], seconds, self.network.sidecar.sha256)


def rest_of(looks: Sequence[Look], seconds: float, network: str) -> Rest:
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
        own: by the face's index.

    Returns:
        The faces, with probabilities, expression, confidence and `neutral` filled in anew; and how much each
        of these was widened, 1 or more, in the order of `own`.
    """
    indices = [index for index in own if np.isfinite(faces.logits[index]).all()]
    if not indices:
        return faces, np.empty(0)
    probabilities, expression = faces.probabilities.copy(), faces.expression.copy()
    confidence, neutral = faces.confidence.copy(), faces.neutral.copy()
    turned = conditions(image, faces[indices])
    widened = np.empty(len(indices))
    for row, index in enumerate(indices):
        rest, origin = own[index]
        widened[row : row + 1] = widening(rest, *(values[row : row + 1] for values in turned))
        said = decider.personal(faces[[index]], rest, widened[row : row + 1])
        probabilities[index], expression[index] = said.probabilities[0], said.expression[0]
        confidence[index], neutral[index] = said.confidence[0], NEUTRALS.index(origin)
    filled = faces.fill(
        probabilities=probabilities, expression=expression, confidence=confidence, neutral=neutral
    )
    return filled, widened


class FindsFace(Protocol):
    """Finds one person's face; `record.subject_face.SubjectFace` is one."""

    def find(self, faces: Faces, time_s: float, size_wh: tuple[int, int]) -> int | None:
        """Return the index of their face in the next frame; None where it isn't there, or in doubt."""

    def cut(self) -> None:
        """Take note that the film was cut before the next frame."""


class OwnFaces:
    """Reads the faces of one source by the neutral faces that are known.

    Args:
        decider: of the network.
        person: of the one person that `face` follows; None where nothing is known of them.
        face: finds that person.
        tracks: further neutral faces by track.
    """

    def __init__(
        self, decider: Decider, person: Own | None, face: FindsFace, tracks: Mapping[int, Own] | None = None
    ) -> None:
        self._decider, self._person, self._face = decider, person, face
        self._tracks = dict(tracks or {})
        self._cuts = 0
        self._counts: Counter[str] = Counter()
        self._widened: list[float] = []

    def read(self, frame: Frame, faces: Faces, cuts: int = 0) -> Faces:
        """Read the next frame's faces anew, where their own neutral face is known.

        Args:
            frame: the next one.
            faces: its faces, read and followed.
            cuts: noticed so far; behind one, another person may be in view.
        """
        if cuts > self._cuts:
            self._cuts = cuts
            self._face.cut()
        index = self._face.find(faces, frame.time_s, frame.size_wh)
        own = {
            row: self._tracks[track]
            for row, track in enumerate(faces.track.tolist())
            if track in self._tracks
        }
        if index is not None and self._person is not None:
            own[index] = self._person
        faces, widened = read_by(self._decider, frame.image, faces, own)
        self._counts.update(NEUTRALS[each] for each in faces.neutral.tolist())
        self._widened.extend(widened.tolist())
        return faces

    def report(self) -> dict[str, Any]:
        """Return how many readings had which neutral face, and how far they were widened."""
        wide = self._widened
        return {
            "readings": dict(self._counts),
            "widened_median": round(float(np.median(wide)), 3) if wide else None,
            "widened_most": round(max(wide), 3) if wide else None,
        }


def facts_of(decider: Decider, own: Own) -> dict[str, Any]:
    """Return what is to be said of a neutral face in a summary, ready for JSON."""
    rest, constants = own.rest, decider.sidecar.own_neutral
    everybody = everybodys_reading(decider, rest.logits)
    leading = int(everybody.argmax())
    return {
        "from": own.origin,
        "seconds": round(rest.seconds, 2),
        "shrink": None if constants is None else round(shrinkage(constants, rest.seconds), 4),
        "noise": round(rest.noise, 4),
        "yaw_deg": _rounded(rest.yaw_deg),
        "pitch_deg": _rounded(rest.pitch_deg),
        "light": round(rest.light, 3),
        "read_without": {EMOTIONS[leading]: round(float(everybody[leading]), 3)},
    }


def everybodys_reading(decider: Decider, logits: Sequence[float] | Floats) -> Floats:
    """(8,) probabilities of a face by everybody's neutral, all expressions alike."""
    decision = decider.sidecar.decision
    if decision is None:
        raise ModelError(f"network {decider.sidecar.name} has no decision to read by")
    evidence = np.asarray(logits) @ np.array(decision.weights) + np.array(decision.bias)
    return np.asarray(softmax(evidence[None])[0])


def _rounded(value: float) -> float | None:
    return round(value, 1) if value == value else None


WINDOW_S: Final = 1.0
LEAST_WINDOWS: Final = 3
"""So many still seconds are needed before a face is taken for one at rest without being told."""
LEAST_SURE, LEAST_SURE_ALONE = 0.7, 0.9
"""How likely these are neutral, by everybody's neutral face and with all expressions alike: the first where
the face shows another expression too, from which rest stands apart; the second where it shows none."""
_STILL: Final = 1.5
"""A window whose looks differ by more than so many times the face's own noise is not still."""
_CLEAR: Final = 0.9


class Found(NamedTuple):
    """A neutral face that nobody has pointed out.

    Attributes:
        rest: None where it isn't sure enough.
        sure: 0 to 1; None where there is no candidate at all.
        reason: in words.
    """

    rest: Rest | None
    sure: float | None
    reason: str


def find_rest(decider: Decider, looks: Sequence[tuple[float, Look]]) -> Found:
    """Look for rest in looks at one face, without taking it for granted that rest is what it shows most.

    A candidate is a second in which the face is still, and which is rather neutral than anything else when
    all expressions are alike. Candidates that are no change from each other are one state. Of several states,
    none may be a change from which another is rest: where each looks like an expression beside the other,
    nobody can say.

    Args:
        decider: of the network.
        looks: with their times, rising.
    """
    sidecar = decider.sidecar
    windows: dict[int, list[Look]] = {}
    for time_s, look in looks:
        windows.setdefault(int(time_s / WINDOW_S), []).append(look)
    seconds = [
        rest_of(each, WINDOW_S, sidecar.sha256) for each in windows.values() if len(each) > 1 and _still(each)
    ]
    neutral = np.array([everybodys_reading(decider, each.logits)[0] for each in seconds])
    candidates = [each for each, p in zip(seconds, neutral, strict=True) if p >= 0.5]
    if len(candidates) < LEAST_WINDOWS:
        return Found(None, None, f"no {LEAST_WINDOWS} still seconds that look neutral")
    middle = min(candidates, key=lambda each: _distance(each, candidates))
    state = [each for each in candidates if _reads(decider, middle, each)[0] >= 0.5]
    rest = _pooled(state)
    others = [each for each in candidates if _reads(decider, rest, each)[0] < 0.5]
    sure = float(np.mean([everybodys_reading(decider, each.logits)[0] for each in state]))
    if len(state) < LEAST_WINDOWS:
        return Found(None, sure, f"no {LEAST_WINDOWS} still seconds that look neutral and alike")
    if len(others) >= LEAST_WINDOWS:
        other = _pooled(others)
        sure_of_other = float(np.mean([everybodys_reading(decider, each.logits)[0] for each in others]))
        if _reads(decider, other, rest)[0] < 0.5 and abs(sure_of_other - sure) < 0.2:
            return Found(None, sure, "two states look neutral, and it is unclear which is the face at rest")
        if sure_of_other > sure:
            rest, sure = other, sure_of_other
    apart = any(_reads(decider, rest, each)[1:].max() >= _CLEAR for each in seconds)
    needed = LEAST_SURE if apart else LEAST_SURE_ALONE
    if sure < needed:
        return Found(None, sure, f"neutral with a probability of {sure:.0%}, less than {needed:.0%}")
    return Found(rest, sure, f"neutral with a probability of {sure:.0%}")


def _still(looks: Sequence[Look]) -> bool:
    logits = np.array([look.logits for look in looks])
    spread = np.sqrt(((logits - logits.mean(axis=0)) ** 2).mean())
    return bool(spread <= _STILL * np.sqrt(np.mean([look.variance for look in looks])))


def _distance(one: Rest, others: Sequence[Rest]) -> float:
    return float(np.median([np.linalg.norm(np.subtract(one.logits, each.logits)) for each in others]))


def _reads(decider: Decider, rest: Rest, other: Rest) -> Floats:
    """(8,) probabilities of one face at rest by another, all expressions alike."""
    own, decision = decider.sidecar.own_neutral, decider.sidecar.decision
    if own is None or decision is None:
        raise ModelError(f"network {decider.sidecar.name} was not calibrated for own neutral faces")
    return np.asarray(personal(own, decision, np.array([other.logits]), rest, np.ones(1), BALANCED)[0])


def _pooled(parts: Sequence[Rest]) -> Rest:
    looks = [
        Look(np.array(each.logits), each.noise**2, each.yaw_deg, each.pitch_deg, each.light) for each in parts
    ]
    return rest_of(looks, sum(each.seconds for each in parts), parts[0].network)
