"""A joint recipe that trains in a moment, and faces for it: stripes whose angle tells the class."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.expression.sidecar import Head, Presence, Sidecar
from mien.labels import EMOTIONS, FER2013
from mien.train.data import FaceSet
from mien.train.recipe import JointRecipe

SIZE_PX = 24


def small_recipe(**fit: Any) -> JointRecipe:
    return JointRecipe.model_validate(
        {
            "kind": "joint",
            "name": "small",
            "seed": 2,
            "data": {"size_px": SIZE_PX, "negatives": 0.25},
            "network": {
                "architecture": "residual",
                "widths": [4, 6],
                "blocks": [1],
                "heads": {"landmark_channels": 3},
            },
            "fit": {"epochs": 2, "batch": 16, "learning_rate": 0.01, "precision": "float32", **fit},
            "augment": {"rotation_deg": 5},
            "augment_wild": {"rotation_deg": 40, "shift": 0.2},
        }
    )


def small_sidecar(**changes: Any) -> Sidecar:
    """What stands beside a network of this size that answers everything."""
    return Sidecar.model_validate(
        {
            "name": "fake",
            "labels": EMOTIONS,
            "outputs": ("votes", "fer2013", "presence", "landmarks"),
            "input": {"size_px": SIZE_PX},
            "sha256": "0" * 64,
            "parameters": 1,
            "fer2013": Head(labels=FER2013),
            "presence": Presence(),
            "licence": "none",
            "created": datetime(2026, 1, 1, tzinfo=UTC),
            **changes,
        }
    )


def striped_faces(count: int, seed: int = 0, *, votes: bool = True, landmarks: bool = True) -> FaceSet:
    """Seven classes by turns; a fifth of the faces has no landmarks."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % len(FER2013)
    rows, columns = np.mgrid[:SIZE_PX, :SIZE_PX]
    angle = (targets / len(FER2013) * np.pi)[:, None, None]
    waves = np.sin(
        0.8 * (np.cos(angle) * rows + np.sin(angle) * columns) + random.uniform(0, 6, (count, 1, 1))
    )
    images = (128 + 80 * waves + random.normal(0, 15, waves.shape)).clip(0, 255).astype(np.uint8)
    return FaceSet(
        images=images,
        targets=targets,
        labels=FER2013,
        usage=np.full(count, "PublicTest"),
        names=np.array([f"{seed}-{number}" for number in range(count)]),
        votes=votes_for(targets, random) if votes else None,
        landmarks=points_for(count, random) if landmarks else None,
    )


def votes_for(targets: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Seven or eight of ten people agree with the label; of some pictures most say that it is no face."""
    votes = np.zeros((len(targets), 10), np.int64)
    label = np.array([EMOTIONS.index(name) for name in FER2013])[targets]
    agree = random.integers(7, 9, len(targets))
    votes[np.arange(len(targets)), label] = agree
    votes[np.arange(len(targets)), (label + 1) % len(EMOTIONS)] += 10 - agree
    votes[::23] = [0, 0, 0, 0, 0, 0, 0, 0, 2, 8]
    return votes


def points_for(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    points = random.uniform(0.2, 0.8, (count, 68, 2)).astype(np.float32)
    points[:, 36, 0], points[:, 45, 0] = 0.25, 0.75
    points[::5] = np.nan
    return points


def write_fer2013(folder: Path) -> Path:
    """Write faces like FER-2013 with FER+ votes, and landmarks.npz beside them; 24 pixels."""
    data = striped_faces(210)
    usage = np.where(np.arange(210) < 168, "Training", "PublicTest")
    images = [cv2.imencode(".png", image)[1].tobytes() for image in data.images]
    cells = [{"bytes": image, "path": name} for image, name in zip(images, data.names, strict=True)]
    columns = {"image": cells, "emotion": data.targets, "usage": usage, "votes": list(data.votes)}  # type: ignore[call-overload]
    pd.DataFrame(columns).to_parquet(folder / "fer2013.parquet")
    points = data.landmarks * 48  # type: ignore[operator]
    found = ~np.isnan(points).any(axis=(1, 2))
    np.savez(folder / "landmarks.npz", path=data.names, landmarks=np.nan_to_num(points), found=found)
    return folder / "fer2013.parquet"
