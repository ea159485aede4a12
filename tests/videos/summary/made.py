"""Courses with a known truth, without a film: what is shown in each tenth of a second is laid down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.expression.circumplex import valence_arousal
from mien.labels import EMOTIONS
from mien.videos.summary.course import STEP_S, Course, Flags

Part = tuple[str, float]
"""A label and for how many seconds; "" is no face, "hand" a neutral face that is partly covered."""


def make_course(
    *shots: Sequence[Part],
    strength: float = 0.9,
    seed: int = 0,
    voice: Flags | None = None,
    name: str = "made.mp4",
) -> Course:
    """Return a course of some shots, each of some parts, with a little noise."""
    random = np.random.default_rng(seed)
    rows, presence, shot = [], [], []
    for number, parts in enumerate(shots):
        for label, seconds in parts:
            for _ in range(round(seconds / STEP_S)):
                shown = "neutral" if label == "hand" else label
                rows.append(_row(shown, strength, random))
                presence.append(2.5 if label == "hand" else 4.0)
                shot.append(number)
    probabilities = np.array(rows)
    seen = np.isfinite(probabilities[:, 0])
    place = valence_arousal(np.nan_to_num(probabilities)).astype(float)
    place[~seen] = np.nan
    count = len(rows)
    return Course(
        name, count * STEP_S, (64, 48), probabilities, place[:, 0], place[:, 1],
        np.where(seen, 0.9, np.nan), np.where(seen, presence, np.nan),
        np.where(seen[:, None], [10.0, 10, 30, 30], np.nan), np.array(shot), seen.astype(np.int64), voice,
    )  # fmt: skip


def _row(label: str, strength: float, random: np.random.Generator) -> np.ndarray:
    if not label:
        return np.full(len(EMOTIONS), np.nan)
    row = np.full(len(EMOTIONS), (1 - strength) / (len(EMOTIONS) - 1))
    row[EMOTIONS.index(label)] = strength
    row = (row + 0.02 * random.random(len(EMOTIONS))).clip(0)
    return row / row.sum()
