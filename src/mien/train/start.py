"""Training by a recipe, whatever kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.errors import ConfigError
from mien.train.joint.chain import train_chain
from mien.train.recipe import AnyRecipe, Recipe
from mien.train.run import Run, train


def start(recipe: AnyRecipe, data: Path, *, landmarks: Path | None = None, **options: Any) -> Run:
    """Train as a recipe says; the same call goes on where a killed run stopped.

    Args:
        recipe: what to do; see `run.train` and, for a joint recipe, `joint.chain.train_chain`.
        data: a data set that `datasets.load_dataset` reads.
        landmarks: landmarks of the faces, for a joint recipe.
        options: as both take them: `folder`, `weights`, `votes`, `terms`, `say`, `report`.

    Raises:
        ConfigError: landmarks were given to a recipe that learns none; or as both say.
        MienError: as both say.
    """
    if not isinstance(recipe, Recipe):
        if options.pop("names", None) is not None:
            raise ConfigError(
                f"recipe {recipe.name}: learns FER-2013's labels and FER+ votes; --class-names is for one"
                " with the data's own labels, such as fer2013"
            )
        return train_chain(recipe, data, landmarks=landmarks, **options)
    if landmarks is not None:
        raise ConfigError(f"recipe {recipe.name}: --landmarks needs a joint recipe, such as mien")
    return train(recipe, data, **options)
