"""A joint recipe and, before it, the recipes that it stands on: what it goes on from, and who teaches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.errors import ConfigError
from mien.train.joint.recipe import JointRecipe
from mien.train.joint.run import train_jointly
from mien.train.recipe import read_recipe
from mien.train.run import Run
from mien.train.run_folder import is_finished


def train_chain(recipe: JointRecipe, data: Path, *, folder: Path, **options: Any) -> Run:
    """Train a recipe, and first those that it starts from or is taught by.

    Each of them has its own run, in a folder of its name beside this one's. A run that is already finished is
    taken as it is, and one that was killed goes on: the same call goes on where the last one stopped.

    Args:
        recipe: what to do. The earlier recipes get its seed and its data: the seed cuts the validation part,
            and faces that a teacher has learnt must not judge its pupil.
        data: FER-2013 in any form that `datasets.load_dataset` reads.
        folder: the run's folder.
        options: as `train_jointly` takes them; they hold for all runs.

    Raises:
        ConfigError: a recipe is missing, is not a joint one, or stands on itself.
        MienError: see `train_jointly`.
    """
    return _train(recipe, data, folder, options, above=())


def _train(
    recipe: JointRecipe, data: Path, folder: Path, options: dict[str, Any], *, above: tuple[str, ...]
) -> Run:
    if recipe.name in above:
        raise ConfigError(f"recipe {recipe.name}: stands on itself, by way of {', '.join(above)}")
    above = (*above, recipe.name)
    earlier: dict[str, Path] = {}
    for name in dict.fromkeys(filter(None, (recipe.starts_from, *recipe.taught_by))):
        before = _earlier(name, recipe)
        place = folder.parent / before.name
        if not is_finished(before, data, place):
            _train(before, data, place, options, above=above)
        earlier[name] = place / before.name
    start = earlier[recipe.starts_from].with_suffix(".keras") if recipe.starts_from else None
    teachers = [earlier[name].with_suffix(".onnx") for name in recipe.taught_by]
    return train_jointly(recipe, data, folder=folder, start=start, teachers=teachers, **options)


def _earlier(name: str, recipe: JointRecipe) -> JointRecipe:
    found = read_recipe(name)
    if not isinstance(found, JointRecipe):
        raise ConfigError(f"recipe {recipe.name}: can stand on joint recipes only, received {name}")
    return found.model_copy(update={"seed": recipe.seed, "data": recipe.data})
