"""Whether a run is done already."""

from __future__ import annotations

import json
from pathlib import Path

from mien.errors import MienError
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.files import sha256_of
from mien.train.checkpoint import LoopState, read_checkpoint
from mien.train.loop import CHECKPOINT
from mien.train.recipe import AnyRecipe, Recipe


def is_finished(recipe: AnyRecipe, data: Path, folder: Path) -> bool:
    """Whether a folder holds the whole run of this recipe on this data, with its network.

    Args:
        recipe: what should have been done.
        data: the data file or folder; only a file's content is compared.
        folder: of the run.
    """
    try:
        done = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        sidecar = read_sidecar(sidecar_path(folder / f"{recipe.name}.onnx"))
        state = read_checkpoint(folder / CHECKPOINT)[0]
    except (OSError, ValueError, MienError):
        return False
    return (
        done == recipe.model_dump(mode="json")
        and _is_over(recipe, state)
        and sidecar.data[0].sha256 == (sha256_of(data) if data.is_file() else None)
        and all((folder / f"{recipe.name}{suffix}").is_file() for suffix in (".onnx", ".keras"))
    )


def _is_over(recipe: AnyRecipe, state: LoopState) -> bool:
    if not isinstance(recipe, Recipe):
        return state.epoch >= recipe.fit.epochs
    return state.epoch >= recipe.fine.epochs or state.epoch - state.best_epoch >= recipe.fine.patience
