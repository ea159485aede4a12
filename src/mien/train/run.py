"""A whole training run: data in, a folder with everything that a reader of the figures needs out.

A recipe may stand on others: what it goes on from, and who teaches it. These are trained first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, MienError, ModelError
from mien.expression.network import built_in_networks, find_network
from mien.expression.sidecar import TrainedOn, read_sidecar, sidecar_path
from mien.files import sha256_of, write_json
from mien.train.backend import copy_weights, graphics_card, load_keras, versions
from mien.train.data.numbering import Names
from mien.train.data.prepare import Prepared, people_of, prepare
from mien.train.export.from_onnx import restore
from mien.train.finish import Run, Say, check_joint, finish
from mien.train.fit import Report, fit, kept_network
from mien.train.networks import mobilenet
from mien.train.pace import Pace
from mien.train.recipe import JointRecipe, LabelRecipe, Recipe, read_recipe
from mien.train.report.card import FER2013_TERMS
from mien.train.run_folder import CHECKPOINT, claim, read_checkpoint, recipe_of
from mien.train.teachers import Teachers

IMAGENET: Final = TrainedOn(
    name="ImageNet (the backbone's first weights)",
    terms="weights by the TensorFlow authors, Apache-2.0; ImageNet's images are for research",
)

_FEW_FACES: Final = 50
"""A class with fewer faces to learn from is warned of."""


@dataclass(frozen=True)
class Given:
    """What a user gives beside recipe, data and folder; it holds for the recipes that one stands on as well.

    Attributes:
        weights: ImageNet weights (.npz, or a weights file of Keras's MobileNet); None for Keras's download.
        votes: FER+'s CSV, for a Kaggle CSV.
        names: what class numbers mean, as in `data.load_dataset`.
        landmarks: landmarks of the faces, see `data.faces.with_landmarks`; without, that answer is left out.
        terms: under which terms the data may be used; stands in the sidecar.
        say: called with one line for each choice and each step.
        report: called after every step of the loop.
    """

    weights: Path | None = None
    votes: Path | None = None
    names: Names | None = None
    landmarks: Path | None = None
    terms: str | None = None
    say: Say = lambda line: None
    report: Report = lambda progress: None


def train(recipe: Recipe, data: Path, *, folder: Path, **given: Any) -> Run:
    """Train as a recipe says, and first the recipes that it stands on.

    Each of them has its own run, in a folder of its name beside this one's. A run that is already finished is
    taken as it is, and one that was killed goes on: the same call goes on where the last one stopped.

    Args:
        recipe: what to do. The recipes that it stands on get its seed and its data: the seed cuts the
            validation part, and faces that a teacher has learnt must not judge its pupil. `fit.minutes` is
            for all of them
            together: each gets of it in proportion to its epochs.
        data: a data set that `data.load_dataset` reads; for joint training FER-2013.
        folder: the run's folder; made where it is missing.
        given: see `Given`.

    Raises:
        ConfigError: Keras, its backend or scikit-image is missing; landmarks or class names were given to a
            recipe that has no use for them; a recipe is missing, is not a joint one, or builds on itself.
        DatasetError: the data can't be read or doesn't fit, or the folder holds another run.
        ModelError: a teacher or the weights can't be read, or the exported network does not answer as Keras
            does.
        OutputError: the folder can't be written.
    """
    chosen = Given(**given)
    if isinstance(recipe, JointRecipe) and chosen.names is not None:
        raise ConfigError(
            f"recipe {recipe.name}: learns FER-2013's labels and FER+ votes; --class-names is for one"
            " with the data's own labels, such as fer2013"
        )
    if isinstance(recipe, LabelRecipe) and chosen.landmarks is not None:
        raise ConfigError(f"recipe {recipe.name}: --landmarks needs a joint recipe, such as mien")
    minutes = recipe.fit.minutes if recipe.builds_on else None
    an_epoch = minutes and minutes / _epochs_of_chain(recipe)
    return _train_chain(_timed(recipe, an_epoch), data, folder, chosen, an_epoch, above=())


def _train_chain(
    recipe: Recipe, data: Path, folder: Path, given: Given, an_epoch: float | None, *, above: tuple[str, ...]
) -> Run:
    """Train what a recipe stands on where it is not finished, then the recipe; `an_epoch` is in minutes."""
    if recipe.name in above:
        raise ConfigError(f"recipe {recipe.name}: builds on itself, by way of {', '.join(above)}")
    # Found at once: one that is missing should not be told after hours of training.
    networks = {name: _named_network(name) for name in recipe.networks}
    for name in recipe.builds_on:
        before = _timed(_earlier(name, recipe), an_epoch)
        place = folder.parent / before.name
        if not is_finished(before, data, place):
            _train_chain(before, data, place, given, an_epoch, above=(*above, recipe.name))
        networks[name] = place / f"{before.name}.onnx"
    start, teachers = None, []
    if isinstance(recipe, JointRecipe):
        teachers = [networks[name] for name in recipe.taught_by]
        if recipe.starts_from:
            is_run = recipe.starts_from in recipe.builds_on
            start = networks[recipe.starts_from].with_suffix(".keras" if is_run else ".onnx")
    elif isinstance(recipe, LabelRecipe):
        teachers = [find_network(recipe.fit.teacher)] if recipe.fit.teacher else []
        start = next(iter(networks.values()), None)
    return train_alone(recipe, data, folder, given, start=start, teachers=teachers)


def _named_network(name: str) -> Path:
    """Find an .onnx file that a recipe names; a network that comes with Mien goes before a file."""
    shipped = name.removesuffix(".onnx")
    return find_network(shipped if shipped in built_in_networks() else name)


def _earlier(name: str, recipe: Recipe) -> Recipe:
    found = read_recipe(name)
    if not isinstance(found, JointRecipe):
        raise ConfigError(f"recipe {recipe.name}: can build only on joint recipes, received {name}")
    return found.model_copy(update={"seed": recipe.seed, "data": recipe.data})


def _timed(recipe: Recipe, an_epoch: float | None) -> Recipe:
    """Return a recipe with so many minutes for each of its epochs; None leaves it as it is.

    From this one number, and not from the minutes of the recipe above: by two ways down those differ in the
    last digit, and a finished run would be taken for another recipe's.
    """
    if an_epoch is None:
        return recipe
    return recipe.model_copy(
        update={"fit": recipe.fit.model_copy(update={"minutes": an_epoch * recipe.fit.epochs})}
    )


def _epochs_of_chain(recipe: Recipe) -> int:
    """Add up the epochs of a recipe and of all that it stands on, each counted once."""
    found: dict[str, int] = {}
    waiting = [recipe]
    while waiting:
        one = waiting.pop()
        if one.name not in found:
            found[one.name] = one.fit.epochs
            waiting += [_earlier(name, one) for name in one.builds_on]
    return sum(found.values())


def is_finished(recipe: Recipe, data: Path, folder: Path) -> bool:
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
        recipe_of(folder) == recipe
        and not Pace.of(recipe, recipe.fit.batch).goes_on(state)
        and sidecar.data[0].sha256 == (sha256_of(data) if data.is_file() else None)
        and all((folder / f"{recipe.name}{suffix}").is_file() for suffix in (".onnx", ".keras"))
    )


def train_alone(
    recipe: Recipe,
    data: Path,
    folder: Path,
    given: Given,
    *,
    start: Path | None = None,
    teachers: Sequence[Path] = (),
) -> Run:
    """Train a recipe on what there is; arguments and errors otherwise as of `train`.

    Args:
        recipe: what to do.
        data: the data set.
        folder: the run's.
        given: by the user.
        start: the .keras file of the run to go on from, or the .onnx file of any MobileNet.
        teachers: networks (.onnx) whose answers are part of the targets.
    """
    say = given.say
    say(f"recipe {recipe.name}, seed {recipe.seed}; reading {data}")
    parts = prepare(
        recipe.data, data,
        seed=recipe.seed, votes=given.votes, landmarks=given.landmarks, names=given.names,
    )  # fmt: skip
    is_joint = isinstance(recipe, JointRecipe)
    if is_joint:
        check_joint(parts, data)
    say_parts(parts, say)
    if recipe.data.split == "grouped" and parts.train.person is None:
        say(
            "warning: the data doesn't say who is who, so somebody may be both learnt from and tested on; a"
            " column person in people.csv says it"
        )
    claim(folder, recipe)
    write_json(folder / "versions.json", versions())
    card = graphics_card()
    # Teachers of one label set are asked once and before the training, and may have no .keras file.
    asked = Teachers(teachers, recipe.data.size_px, device=card if is_joint else None)
    prime, source = first_weights(
        recipe, folder, faces=parts.train.images, weights=given.weights, start=start
    )
    say(f"backend {load_keras().backend.backend()} on {card or 'the processor'}, first weights: {source}")
    facts = (*_facts(recipe, data, given, start), *asked.facts)
    try:
        model, state = fit(
            recipe, parts.train, parts.validation,
            folder=folder, teachers=asked, prime=prime, report=given.report,
        )  # fmt: skip
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            model, state = kept_network(recipe, parts.train, folder)
            finish(recipe, parts, model, state, folder=folder, facts=facts, say=say)
        raise
    return finish(recipe, parts, model, state, folder=folder, facts=facts, say=say)


def say_parts(parts: Prepared, say: Say) -> None:
    """Print what the data gives to learn from."""
    found = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in parts.cleaning.as_dict().items())
    say(f"cleaning: {found}")
    say(f"classes: {', '.join(f'{label} {count}' for label, count in parts.train.counts().items())}")
    say(
        f"train {len(parts.train)}, validation {len(parts.validation)}, test {len(parts.test)};"
        f" {parts.left_out} kept out of training as copies of test faces"
    )
    if parts.train.person is not None:
        known = [people_of(each) for each in (parts.train, parts.validation, parts.test)]
        train, validation, test = (0 if who is None else len(np.unique(who)) for who in known)
        say(f"people: train {train}, validation {validation}, test {test}")
    for part, faces in (("validation", parts.validation), ("test", parts.test)):
        if absent := sorted(set(faces.labels) - {faces.labels[each] for each in faces.targets}):
            say(f"warning: no {part} face shows {', '.join(absent)}; more people would help")
    smallest = int(np.bincount(parts.train.targets, minlength=len(parts.train.labels)).min())
    if smallest < _FEW_FACES:
        say(f"warning: the smallest class has only {smallest} faces to learn from")


def first_weights(
    recipe: Recipe,
    folder: Path,
    *,
    faces: NDArray[np.uint8],
    weights: Path | None = None,
    start: Path | None = None,
) -> tuple[Callable[[Any], None], str]:
    """Find what a new network starts from.

    Args:
        recipe: of the run.
        folder: the run's; a checkpoint in it holds all weights already.
        faces: (n, size, size) that it will learn from.
        weights: those of ImageNet for a MobileNet, None for Keras's download.
        start: the .keras file of an earlier run of the same network, or the .onnx file of a MobileNet, of
            which a network for one label set takes the backbone alone; it goes before them.

    Returns:
        What gives a network its first weights, and where they come from, for people.

    Raises:
        ModelError: the file holds no such weights.
    """
    if (folder / CHECKPOINT).exists():
        return lambda model: None, "the run's checkpoint"
    if start is not None and start.suffix == ".onnx":
        heads = isinstance(recipe, JointRecipe)
        return lambda model: restore(model, start, faces, heads=heads), str(start)
    if start is not None:
        return _earlier_run(start)
    if recipe.network.from_imagenet:
        imagenet, source = mobilenet.read_imagenet(weights)
        return lambda model: mobilenet.load_imagenet(model, imagenet, source), source
    return lambda model: None, "random"


def _earlier_run(start: Path) -> tuple[Callable[[Any], None], str]:
    try:
        earlier = load_keras().saving.load_model(start, compile=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"{start}: expected the .keras file of an earlier run ({error})") from error

    def prime(model: Any) -> None:
        try:
            copy_weights(earlier, model)
        except ValueError as error:
            raise ModelError(f"{start}: holds another network than the recipe's ({error})") from error

    return prime, str(start)


def _facts(recipe: Recipe, data: Path, given: Given, start: Path | None) -> tuple[TrainedOn, ...]:
    """What the network is trained on, for its sidecar."""
    terms = given.terms or (FER2013_TERMS if isinstance(recipe, JointRecipe) else "see the data set")
    files = [TrainedOn(name=data.name, terms=terms, sha256=sha256_of(data) if data.is_file() else None)]
    if (landmarks := given.landmarks) is not None:
        files.append(
            TrainedOn(name=landmarks.name, terms="landmarks of these faces", sha256=sha256_of(landmarks))
        )
    if start is not None and start.suffix == ".onnx":
        sidecar = read_sidecar(sidecar_path(start))
        name, terms = (
            f"weights of {start.stem} (where training began)",
            f"those of {start.stem}: {sidecar.licence}",
        )
        files.append(TrainedOn(name=name, terms=terms, sha256=sidecar.sha256))
    return (*files, IMAGENET) if recipe.network.from_imagenet else tuple(files)
