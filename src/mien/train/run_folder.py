"""The folder of a run: whose it is, and whether the run is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mien.errors import DatasetError, MienError
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.files import sha256_of, write_json
from mien.textfile import read_text
from mien.train.checkpoint import LoopState, read_checkpoint
from mien.train.loop import CHECKPOINT, is_in_time
from mien.train.recipe import AnyRecipe, Recipe

CONFIG = "config.json"


def claim(folder: Path, recipe: AnyRecipe) -> None:
    """Take a folder for the run of a recipe, and write the recipe there.

    Raises:
        DatasetError: it holds a run of another recipe, which is left as it is.
        OutputError: it can't be written.
    """
    config, there = recipe.model_dump(mode="json"), _config(folder)
    if (folder / CHECKPOINT).exists() and there not in (None, config):
        raise DatasetError(
            f"{folder}: holds a run of another recipe{_difference(there, config)}; choose another --out, or"
            " remove it"
        )
    write_json(folder / CONFIG, config)


def is_finished(recipe: AnyRecipe, data: Path, folder: Path) -> bool:
    """Whether a folder holds the whole run of this recipe on this data, with its network.

    Args:
        recipe: what should have been done.
        data: the data file or folder; only a file's content is compared.
        folder: of the run.
    """
    try:
        sidecar = read_sidecar(sidecar_path(folder / f"{recipe.name}.onnx"))
        state = read_checkpoint(folder / CHECKPOINT)[0]
    except (OSError, ValueError, MienError):
        return False
    return (
        _config(folder) == recipe.model_dump(mode="json")
        and _is_over(recipe, state)
        and sidecar.data[0].sha256 == (sha256_of(data) if data.is_file() else None)
        and all((folder / f"{recipe.name}{suffix}").is_file() for suffix in (".onnx", ".keras"))
    )


def _config(folder: Path) -> Any:
    try:
        return json.loads(read_text(folder / CONFIG))
    except (OSError, ValueError):
        return None


def _difference(there: Any, asked: dict[str, Any]) -> str:
    """Tell the first setting in which two recipes differ: often it is only the minutes."""
    before, now = _flat(there), _flat(asked)
    for name in now:
        if before.get(name) != now[name]:
            return f" ({name} is {before.get(name)} there, {now[name]} here)"
    return ""


def _flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Give the leaves of nested dictionaries under dotted names."""
    if not isinstance(config, dict):
        return {prefix.rstrip("."): config}
    parts = [_flat(value, f"{prefix}{name}.") for name, value in config.items()]
    return {name: value for part in parts for name, value in part.items()}


def _is_over(recipe: AnyRecipe, state: LoopState) -> bool:
    if not isinstance(recipe, Recipe):
        return state.epoch >= recipe.fit.epochs or not is_in_time(state, recipe.fit.minutes)
    waited = state.epoch - state.best_epoch
    part = recipe.fine
    return state.epoch >= part.epochs or not is_in_time(state, part.minutes) or waited >= part.patience
