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
        options: as `train_jointly` takes them; they hold for all runs. `recipe.fit.minutes` is for
            all of them together: each gets of it in proportion to its epochs.

    Raises:
        ConfigError: a recipe is missing, is not a joint one, or stands on itself.
        MienError: see `train_jointly`.
    """
    if recipe.fit.minutes is not None:
        minutes = recipe.fit.minutes * recipe.fit.epochs / _epochs_of_chain(recipe)
        recipe = recipe.model_copy(update={"fit": recipe.fit.model_copy(update={"minutes": minutes})})
    return _train(recipe, data, folder, options, above=())


def _train(
    recipe: JointRecipe, data: Path, folder: Path, options: dict[str, Any], *, above: tuple[str, ...]
) -> Run:
    if recipe.name in above:
        raise ConfigError(f"recipe {recipe.name}: stands on itself, by way of {', '.join(above)}")
    above = (*above, recipe.name)
    earlier: dict[str, Path] = {}
    for name in _stands_on(recipe):
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
    update: dict[str, Any] = {"seed": recipe.seed, "data": recipe.data}
    if recipe.fit.minutes is not None:
        minutes = recipe.fit.minutes * found.fit.epochs / recipe.fit.epochs
        update["fit"] = found.fit.model_copy(update={"minutes": minutes})
    return found.model_copy(update=update)


def _epochs_of_chain(recipe: JointRecipe) -> int:
    """Add up the epochs of a recipe and of all that it stands on, each counted once."""
    found: dict[str, int] = {}
    waiting = [recipe]
    while waiting:
        one = waiting.pop()
        if one.name not in found:
            found[one.name] = one.fit.epochs
            waiting += [_earlier(name, one) for name in _stands_on(one)]
    return sum(found.values())


def _stands_on(recipe: JointRecipe) -> list[str]:
    return list(dict.fromkeys(filter(None, (recipe.starts_from, *recipe.taught_by))))
