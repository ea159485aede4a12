"""The networks that a recipe for one label set can ask for, with weights from chance, and as files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mien.expression.sidecar import NetworkInput, Sidecar, sidecar_path, write_sidecar
from mien.files import natural_key, sha256_of
from mien.labels import FER2013
from mien.train.backend import load_keras
from mien.train.export.write import deploy, outputs_of, write_network
from mien.train.recipe import LabelRecipe

SIZE_PX = 24

VARIANTS: dict[str, dict[str, Any]] = {
    "mobilenet": {"architecture": "mobilenet", "last_block": 3, "weights": "random", "dense": 8},
    "zhou": {"architecture": "zhou"},
    "shcnn": {"architecture": "shcnn", "widths": [6, 7, 8], "dense": 9},
    "edges": {"architecture": "edges", "widths": [6, 7, 8], "dense": 9},
    "edges over the input": {"architecture": "edges", "edges": "input", "bank": "sobel"},
    "no edges": {"architecture": "edges", "edges": "none"},
    "scep": {"architecture": "scep"},
    "scep on mobilenet": {
        "architecture": "scep",
        "backbone": "mobilenet",
        "last_block": 4,
        "weights": "random",
    },
    "scep, channels": {"architecture": "scep", "attention": "channel"},
    "scep, places": {"architecture": "scep", "attention": "spatial"},
    "scep without attention": {"architecture": "scep", "attention": "none"},
}
"""Every architecture, with every switch, small."""


def recipe_of(variant: str, **parts: Any) -> LabelRecipe:
    fields = {"name": "untrained", "data": {"size_px": SIZE_PX}, "network": VARIANTS[variant]}
    return LabelRecipe.model_validate(fields | parts)


def shaken(model: Any) -> Any:
    """Give every learned weight and every statistic a value that a new network would not have."""
    rng = np.random.default_rng(1)
    for variable in sorted(model.weights, key=lambda weight: natural_key(weight.path)):
        if "seed" in variable.path or variable.path.startswith("bank"):
            continue
        if "variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        else:
            variable.assign(load_keras().ops.convert_to_numpy(variable) + rng.normal(0, 0.02, variable.shape))
    return model


def trained(variant: str, *, votes: bool = True, layout: str | None = None, classes: int = 7) -> Any:
    """Build a network as it is in training, shaken; each time the same."""
    load_keras().utils.set_random_seed(3)
    recipe = recipe_of(variant)
    return shaken(recipe.network.build(size_px=SIZE_PX, classes=classes, votes=votes, layout=layout))


def given_away(variant: str) -> Any:
    return deploy(trained(variant), recipe_of(variant))


def save_untrained(folder: Path, variant: str) -> Path:
    """Write the network and its sidecar; returns the .onnx file."""
    model, path = given_away(variant), folder / "untrained.onnx"
    images = np.random.default_rng(2).integers(0, 256, (4, SIZE_PX, SIZE_PX), np.uint8)
    outputs = outputs_of(model)
    write_network(model, path, name="untrained", labels=FER2013, images=images, outputs=outputs)
    sidecar = Sidecar(
        name="untrained",
        labels=FER2013,
        outputs=tuple(name for name in outputs if name != "maps"),  # type: ignore[misc]
        input=NetworkInput(size_px=SIZE_PX),
        sha256=sha256_of(path),
        parameters=model.count_params(),
        licence="Apache-2.0",
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    write_sidecar(sidecar_path(path), sidecar)
    return path
