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
    pace = recipe.fit.minutes and recipe.fit.minutes / _epochs_of_chain(recipe)
    return _train(_timed(recipe, pace), data, folder, options, pace, above=())


def _train(
    recipe: JointRecipe,
    data: Path,
    folder: Path,
    options: dict[str, Any],
    pace: float | None,
    *,
    above: tuple[str, ...],
) -> Run:
    if recipe.name in above:
        raise ConfigError(f"recipe {recipe.name}: stands on itself, by way of {', '.join(above)}")
    above = (*above, recipe.name)
    earlier: dict[str, Path] = {}
    for name in _stands_on(recipe):
        before = _timed(_earlier(name, recipe), pace)
        place = folder.parent / before.name
        if not is_finished(before, data, place):
            _train(before, data, place, options, pace, above=above)
        earlier[name] = place / before.name
    start = earlier[recipe.starts_from].with_suffix(".keras") if recipe.starts_from else None
    teachers = [earlier[name].with_suffix(".onnx") for name in recipe.taught_by]
    return train_jointly(recipe, data, folder=folder, start=start, teachers=teachers, **options)


def _earlier(name: str, recipe: JointRecipe) -> JointRecipe:
    found = read_recipe(name)
    if not isinstance(found, JointRecipe):
        raise ConfigError(f"recipe {recipe.name}: can stand on joint recipes only, received {name}")
    return found.model_copy(update={"seed": recipe.seed, "data": recipe.data})


def _timed(recipe: JointRecipe, pace: float | None) -> JointRecipe:
    """Give a recipe so many minutes for each of its epochs; None leaves it as it is.

    From this one number, and not from the minutes of the recipe above: by two ways down those differ in the
    last digit, and a finished run would be taken for another recipe's.
    """
    if pace is None:
        return recipe
    fit = recipe.fit.model_copy(update={"minutes": pace * recipe.fit.epochs})
    return recipe.model_copy(update={"fit": fit})


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
