"""A network's answers to many faces at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.expression.network import Answers, Network
from mien.face.crop import whole_image_as_face
from mien.face.landmarks import five_points
from mien.face.quality import face_quality
from mien.train.augment import MIRROR
from mien.types import Frame

Grey = NDArray[np.uint8]

_BATCH = 256


def answer_all(network: Network, images: Grey, *, flips: bool = False) -> Answers:
    """Run a network over many crops, a batch at a time.

    Args:
        network: what reads.
        images: (n, size, size) uint8.
        flips: average each face with its mirror image: logits, probabilities, and landmarks put back.
    """
    starts = range(0, len(images), _BATCH)
    parts = [_answer(network, images[start : start + _BATCH], flips) for start in starts]
    return together(parts or [network.answer(images)], np.concatenate)


def predict(network: Network, images: Grey) -> NDArray[np.float32]:
    """Return the logits of many crops, (n, k)."""
    return answer_all(network, images).logits


def crop_quality(crops: Grey, answers: Answers) -> NDArray[np.float32]:
    """Return the quality of crops as if each were a picture with one face, its pose by the landmarks.

    Args:
        crops: (n, size, size) uint8.
        answers: what the network says of them.
    """
    quality = np.empty(len(crops), np.float32)
    for place, crop in enumerate(crops):
        image = cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB)
        face = whole_image_as_face(Frame(image, 0, 0.0, ""))
        if answers.landmarks is not None:
            face = face.fill(points=five_points(answers.landmarks[place : place + 1] * crop.shape[0]))
        [quality[place]] = face_quality(image, face)
    return quality


def together(parts: Sequence[Answers], join: Callable[[list[Any]], Any]) -> Answers:
    """Join answers, each output for itself; an output that the first has not is left out."""
    joined: dict[str, Any] = {}
    for field in fields(Answers):
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = None if values[0] is None else join(values)
    return Answers(**joined)


def _answer(network: Network, images: Grey, flips: bool) -> Answers:
    answers = network.answer(np.ascontiguousarray(images))
    if not flips:
        return answers
    mirrored = network.answer(np.ascontiguousarray(images[:, :, ::-1]))
    if mirrored.landmarks is not None:
        there = mirrored.landmarks[:, MIRROR] * np.array([-1, 1], np.float32)
        there[:, :, 0] += 1
        mirrored = replace(mirrored, landmarks=there)
    return together([answers, mirrored], lambda both: np.mean(both, axis=0))
