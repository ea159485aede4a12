"""A jointly trained network in 8-bit integers: measured by every answer before it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from mien.expression.network import INPUT
from mien.train.datasets import FaceSet
from mien.train.evaluation.measured import MOVED
from mien.train.joint.batches import Outputs
from mien.train.joint.measure import measure
from mien.train.joint.negatives import Negatives
from mien.train.joint.views import look
from mien.train.prepare import Prepared
from mien.train.quantise import LEAST_SPEED, fastest_ms, quantise, session_of

Grey = NDArray[np.uint8]

LAST_LAYERS: Final = ("votes", "fer2013", "presence", "landmarks", "places")
"""They stay in 32 bits: they are small, and landmarks are coordinates, of which 256 steps are too few."""

FIRST_LAYERS: Final = ("conv1/", "conv_dw_1/", "conv_pw_1/")
"""MobileNet's first block stays in 32 bits too: in 8 it costs 0.6 points of FER+ and saves 0.03 ms."""

_MOST_LOSS: Final = {
    "validation_accuracy": 0.005,
    "ferplus_all": 0.005,
    "kl": -0.01,
    "landmarks": -0.001,
    "presence_best": 0.005,
}
"""How far each figure may fall; of those below 0, how far it may rise."""

_CALIBRATION_FACES = 512
_NEGATIVES = 500
_BATCH = 64


@dataclass(frozen=True)
class JointInt8Report:
    """What 8 bits cost and gave.

    Attributes:
        before: figures on validation with 32 bits, by name.
        after: the same with 8 bits.
        ms_before: milliseconds for one face on one core, with 32 bits.
        ms_after: the same with 8 bits.
        bytes_before: size of the file, with 32 bits.
        bytes_after: the same with 8 bits.
    """

    before: dict[str, float]
    after: dict[str, float]
    ms_before: float
    ms_after: float
    bytes_before: int
    bytes_after: int

    @property
    def speed_ratio(self) -> float:
        """How many times as fast it became."""
        return self.ms_before / self.ms_after

    @property
    def too_much_lost(self) -> list[str]:
        """Name the figures that lost more than they may."""
        return [
            name
            for name, most in _MOST_LOSS.items()
            if name in self.before and np.sign(most) * (self.before[name] - self.after[name]) > abs(most)
        ]

    @property
    def pays(self) -> bool:
        """Whether to keep it: no figure lost too much, and it is at least 1.2 times as fast."""
        return not self.too_much_lost and self.speed_ratio >= LEAST_SPEED

    def as_dict(self) -> dict[str, Any]:
        """Give everything as a dictionary for JSON."""
        return {**asdict(self), "pays": self.pays}


def try_int8(graph: bytes, parts: Prepared) -> tuple[bytes, JointInt8Report]:
    """Turn a network into 8 bits and measure both forms side by side.

    Args:
        graph: the .onnx file's bytes with 32 bits.
        parts: faces of training show how far feature maps reach; those of validation are measured.

    Returns:
        The new file's bytes, and what it cost.
    """
    small = quantise(graph, seen_crops(parts.train), keep=FIRST_LAYERS + LAST_LAYERS)
    forms = [graph, small]
    before, after = (figures_of(form, parts.validation) for form in forms)
    ms_before, ms_after = fastest_ms(forms, parts.validation.images[:1])
    return small, JointInt8Report(before, after, ms_before, ms_after, len(graph), len(small))


def seen_crops(faces: FaceSet) -> Grey:
    """Choose crops that show how far feature maps reach: faces, moved faces, and pictures without one.

    With faces alone, a picture without a face reaches beyond the range, and then looks like a face.
    """
    random = np.random.default_rng(0)
    seen = faces.images[random.permutation(len(faces))[:_CALIBRATION_FACES]]
    unknown = np.full((len(seen) // 2, 68, 2), 0.5, np.float32)
    moved = look(seen[: len(unknown)], unknown, MOVED, random)[0]
    nothing = Negatives("train", faces.images.shape[1]).make(_CALIBRATION_FACES // 2, faces.images, random)
    return np.concatenate([moved, seen[len(unknown) :], nothing])


def figures_of(graph: bytes, faces: FaceSet) -> dict[str, float]:
    """Measure an exported network by all its answers; as `measure`, and presence at its best threshold.

    `presence_best` is the mean of the shares of faces and of pictures without one that are told right, where
    that is highest: calibration sets the threshold anew.
    """
    session = session_of(graph, 1)
    names = [output.name for output in session.get_outputs()]

    def answers(images: Grey) -> Outputs:
        return run_all(session, names, images)

    size_px = faces.images.shape[1]
    figures = measure(answers, faces, Negatives("validation", size_px))
    nothing = Negatives("validation", size_px).make(_NEGATIVES, faces.images, np.random.default_rng(1))
    logits = np.concatenate([answers(images)["presence"][:, 0] for images in (faces.images, nothing)])
    wrongly, rightly, _ = roc_curve(np.arange(len(logits)) < len(faces), logits)
    figures["presence_best"] = float((rightly + 1 - wrongly).max() / 2)
    return figures


def run_all(session: onnxruntime.InferenceSession, names: list[str], images: Grey) -> Outputs:
    """Run a session over many images, a batch at a time; gives its outputs by name."""
    starts = range(0, len(images), _BATCH)
    parts = [session.run(names, {INPUT: images[start : start + _BATCH]}) for start in starts]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)}
