"""A person's own neutral face, and what is read of a face whose neutral is known. Pure functions.

Faces differ more from each other at rest than a mild smile differs from rest. So where a person's own
neutral face is known, what counts is the change from it, in units of how much this face's reading varies by
itself. `docs/neutral.md` has the formula's reasons and its figures.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import ConfigError
from mien.expression.calibration import softmax
from mien.labels import EMOTIONS
from mien.types import LOGITS

if TYPE_CHECKING:
    from mien.expression.sidecar import Decision, OwnNeutral
    from mien.prior import Mix

Floats = NDArray[np.float64]

STILL_DEG: Final = 5.0
"""A turn of less from rest counts as none: a smile alone moves the landmarks' pose by some degrees."""

TURN_DEG: Final = 15.0
"""A face turned so much further counts as twice as variable (its variance): over FER-2013's
neutral faces, evidence moves by about 0.2 in 10 degrees of yaw or pitch, and varies by 0.3 by itself."""

LIGHT: Final = 1.0
"""A brightness that differs by less than this natural logarithm, a factor of 2.7, counts as none: thresholds
were fitted on faces that are lit so. As much again beyond it counts as twice as variable."""

LEAST_NOISE: Final = 0.5
"""A face's own noise counts for at least this share of the usual one."""

_VERSION: Final = 1


@dataclass(frozen=True)
class Rest:
    """What a network says of one person's neutral face.

    Attributes:
        network: SHA-256 of the network.
        logits: (15,) mean of `decision.features`.
        noise: how much they vary from one gentle view of the face to another (root mean square).
        seconds: how long the face was seen; a photograph counts as `neutral.PHOTO_S`.
        yaw_deg, pitch_deg: how the head was turned; NaN where the network finds no landmarks.
        light: mean grey of the face, 0 to 1.
    """

    network: str
    logits: tuple[float, ...]
    noise: float
    seconds: float
    yaw_deg: float
    pitch_deg: float
    light: float

    def to_json(self) -> str:
        """Write it as JSON, to be kept."""
        given = {name: None if value != value else value for name, value in asdict(self).items()}
        return json.dumps({"version": _VERSION, **given})

    @classmethod
    def from_json(cls, text: str) -> Rest:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: it is no neutral face, or one of a newer Mien.
        """
        try:
            read: dict[str, Any] = json.loads(text)
            if (version := read.pop("version")) != _VERSION:
                raise ConfigError(
                    f"neutral face: expected version {_VERSION}, received {version}; update mien"
                )
            turned = {name: np.nan if read[name] is None else read[name] for name in ("yaw_deg", "pitch_deg")}
            rest = cls(**{**read, **turned, "logits": tuple(map(float, read["logits"]))})
            if len(rest.logits) != LOGITS or not np.isfinite([*rest.logits, rest.noise, rest.seconds]).all():
                raise ValueError(f"expected {LOGITS} finite logits, a noise and seconds")
            return rest
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"not a neutral face stored by Mien: {error}") from error


def shrinkage(own: OwnNeutral, seconds: float) -> float:
    """Return how far a neutral face counts as the person's own: 0, that of everybody, to 1.

    It is n / (n + n0), the best linear guess of a mean from n seconds, where n0 is the variance within a
    person over that between persons (Efron & Morris 1973, Stein's estimation rule and its competitors).
    """
    return 1 / (1 + own.half_s / seconds)


def widening(rest: Rest, yaw_deg: ArrayLike, pitch_deg: ArrayLike, light: ArrayLike) -> Floats:
    """Return how much more than at rest a face's reading varies, as it is turned and lit now.

    Args:
        rest: the neutral face.
        yaw_deg: (n,) of the faces now; NaN, where it isn't known, counts as no difference.
        pitch_deg: (n,) the same.
        light: (n,) mean grey, 0 to 1.

    Returns:
        (n,) at least 1: the root of 1 + (max(0, turn - `STILL_DEG`) / `TURN_DEG`)^2
        + max(0, b / `LIGHT` - 1)^2, where b is the absolute logarithm of the brightness's ratio.
    """
    yaw, pitch = np.asarray(yaw_deg, np.float64), np.asarray(pitch_deg, np.float64)
    turn = np.nan_to_num(np.hypot(yaw - rest.yaw_deg, pitch - rest.pitch_deg))
    further = np.maximum(turn - STILL_DEG, 0)
    grey = np.asarray(light, np.float64).clip(1e-3)
    brighter = np.abs(np.log(grey / max(rest.light, 1e-3)))
    beyond = np.maximum(brighter / LIGHT - 1, 0)
    return np.asarray(np.sqrt(1 + (further / TURN_DEG) ** 2 + beyond**2))


def personal(
    own: OwnNeutral,
    decision: Decision,
    logits: NDArray[np.floating],
    rest: Rest,
    widened: ArrayLike,
    mix: Mix,
) -> Floats:
    """Return the probabilities of a face whose neutral is known.

    Two readings of the change from rest are joined. The coarse one puts the change on top of everybody's
    neutral face, and reads that as any face is read. What it leaves to neutral is shared out again by the
    fine one: by the change alone, in units of the face's own noise, with thresholds that let few neutral
    faces leave neutral. So a strong expression is told from others as always, and a mild one at all.

    Args:
        own: the constants of the network.
        decision: of the network.
        logits: (n, 15) as `decision.features` gives them.
        rest: the neutral face.
        widened: (n,) as `widening` gives it.
        mix: how common each expression is.

    Returns:
        (n, 8) in the order of `labels.EMOTIONS`; each row sums to 1.
    """
    weights, average = np.array(decision.weights), np.array(own.average)
    neutral = average + shrinkage(own, rest.seconds) * (np.array(rest.logits) - average)
    change = (np.asarray(logits, np.float64) - neutral) @ weights
    with np.errstate(divide="ignore"):  # a label that the mix leaves out is never given
        shares = np.log(mix.array())
    coarse = softmax(average @ weights + np.array(decision.bias) + change + shares)
    noise = max(rest.noise, LEAST_NOISE * own.noise) * np.reshape(np.asarray(widened, np.float64), (-1, 1))
    fine = softmax(change / noise + np.array(own.bias) + shares + np.log(len(EMOTIONS)))
    joined = coarse + coarse[:, :1] * fine
    joined[:, 0] = coarse[:, 0] * fine[:, 0]
    return np.asarray(joined)
