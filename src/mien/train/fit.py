"""Training a network by a recipe: one loop for both kinds, which goes on where a killed run stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.train.backend import chance_state, graphics_card, load_keras, restore_chance
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.evaluate.validation import concordance_loss, validation_figures
from mien.train.networks.mobilenet import FEATURES
from mien.train.networks.scep import AFFECT
from mien.train.pace import Pace, RunningMean, moving_average
from mien.train.pictures import DevicePictures, HostPictures, Pictures
from mien.train.recipe import JointRecipe, LabelRecipe, Recipe
from mien.train.run_folder import (
    BEST,
    CHECKPOINT,
    Arrays,
    LoopState,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
    write_log,
    write_tensorboard,
)
from mien.train.targets import Arrays as Answers
from mien.train.targets import Batch, TrainingTargets, ahead, batches
from mien.train.teachers import Teachers

_EPOCH_CHANCE = 1
_HEAD_CHANCE = 2
_PREDICT_BATCH = 256
_MADE_AHEAD = 4
"""Batches that lie ready for a graphics card."""
_TOLD_EVERY = 10
"""Steps between two reports of a loss that lies on a graphics card, which has to be waited for."""


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        epoch: the epoch that runs, from 1.
        epochs: how many there will be at most.
        done: share of all steps that are done, 0 to 1.
        loss: running mean of this epoch's loss.
        left_s: seconds left, estimated from the speed of this session.
        row: the finished epoch's figures, at its end; else None.
    """

    epoch: int
    epochs: int
    done: float
    loss: float
    left_s: float
    row: dict[str, float] | None = None


Report = Callable[[Progress], None]


def fit(
    recipe: Recipe,
    train: FaceSet,
    validation: FaceSet,
    *,
    folder: Path,
    teachers: Teachers | None = None,
    prime: Callable[[Any], None] = lambda model: None,
    report: Report = lambda progress: None,
) -> tuple[Any, LoopState]:
    """Train the recipe's network; go on where an earlier run in the same folder stopped.

    Args:
        recipe: what to do.
        train: faces to learn from.
        validation: faces that the history is measured on, and that choose the epoch that is kept where the
            recipe has patience.
        folder: where the checkpoint and the log are written after each epoch.
        teachers: whose answers are part of the targets.
        prime: gives a new network its first weights; else they are from chance.
        report: called after every step and every epoch.

    Returns:
        The network with the weights that are kept, and the loop's state with the history.

    Raises:
        DatasetError: the folder holds another run or another teacher's answers, or there are too few faces
            for one batch.
        OutputError: the folder can't be written.
    """
    if len(train) < recipe.fit.batch:
        raise DatasetError(
            f"expected at least one batch of faces to train on ({recipe.fit.batch}), received {len(train)}; "
            "lower fit.batch in the recipe"
        )
    card, is_joint = graphics_card(), isinstance(recipe, JointRecipe)
    taught = teachers.ask_once(train.images, folder) if teachers and not is_joint else None
    targets = TrainingTargets.of(train, recipe, taught)
    pictures, unseen = _pictures(recipe, train, card)
    model, optimizer = first_state(recipe, train)
    prime(model)
    fingerprint = targets.fingerprint(recipe, train.images, teachers.hashes if teachers else ())
    state, average = resume(model, optimizer, folder, fingerprint)
    if state.epoch == 0:
        began = time.process_time()
        meet_faces(model, recipe, train.images, targets)
        state.meeting_core_s = time.process_time() - began
        average = model.get_weights()

    pace = Pace.of(recipe, len(train), on_card=card is not None)
    teach = teachers.ask if teachers and is_joint else None
    while pace.goes_on(state):
        random = np.random.default_rng([recipe.seed, _EPOCH_CHANCE, state.epoch])
        began, computed = time.monotonic(), time.process_time()
        steps, loss = state.epoch * pace.steps, RunningMean()
        made = batches(targets, recipe, pictures, random, teach)
        for batch in ahead(made, _MADE_AHEAD if card else 0):
            optimizer.learning_rate.assign(pace.rate(steps, state.seconds + time.monotonic() - began))
            loss.add(train_step(model, batch))
            if steps % pace.average_every == 0:
                every, weights = pace.average_every, model.get_weights()
                average = moving_average(average, weights, pace.average, steps, every=every)
            steps += 1
            if loss.is_number or steps % _TOLD_EVERY == 0:
                seconds = state.seconds + time.monotonic() - began
                share = pace.share_done(steps, seconds)
                left_s = seconds * (1 - share) / share
                report(Progress(state.epoch + 1, pace.epochs, share, loss.value, left_s))
        row = {"epoch": state.epoch + 1, "loss": loss.value, **_measured(model, average, validation, unseen)}
        row["seconds"] = time.monotonic() - began
        row["core_seconds"] = time.process_time() - computed
        state.take_in(row)
        save(model, optimizer, average, state, folder, best=pace.patience is not None)
        share = pace.share_done(state.epoch * pace.steps, state.seconds)
        report(Progress(state.epoch, pace.epochs, share, row["loss"], 0.0, row))
    return kept_network(recipe, train, folder)


def _pictures(recipe: Recipe, train: FaceSet, card: str | None) -> tuple[Pictures, Negatives | None]:
    """Return the faces where they are changed, and validation's pictures without one for joint training."""
    learnt = unseen = None
    if isinstance(recipe, JointRecipe):
        learnt, unseen = Negatives("train", recipe.data.size_px), Negatives("validation", recipe.data.size_px)
    if card is not None:
        return DevicePictures(train.images, learnt, card), unseen
    return HostPictures(train.images, learnt), unseen


def first_state(recipe: Recipe, train: FaceSet) -> tuple[Any, Any]:
    """Build the network and its optimizer as they stand before anything is learnt."""
    keras = load_keras()
    keras.utils.set_random_seed(recipe.seed)
    model = network_for(recipe, train)
    optimizer = keras.optimizers.AdamW(recipe.fit.learning_rate, weight_decay=recipe.fit.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=list(recipe.fit.not_decayed))
    compile_model(model, optimizer, recipe)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def network_for(recipe: Recipe, faces: FaceSet) -> Any:
    """Build the network that a recipe trains on such faces, with weights from chance."""
    return recipe.build(
        classes=len(faces.labels), votes=faces.votes is not None, landmarks=faces.landmarks is not None
    )


def compile_model(model: Any, optimizer: Any, recipe: Recipe) -> None:
    """Return a network its losses, one for each of its answers."""
    losses = load_keras().losses
    # In joint training labels are smoothed before they are mixed, with each other and with teachers' answers.
    smoothing = 0.0 if isinstance(recipe, JointRecipe) else recipe.fit.label_smoothing
    known = {
        "logits": losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        "votes": losses.CategoricalCrossentropy(from_logits=True),
        AFFECT: concordance_loss(),
        "fer2013": losses.CategoricalCrossentropy(from_logits=True),
        "presence": losses.BinaryCrossentropy(from_logits=True),
        "landmarks": losses.MeanAbsoluteError(),
    }
    weights = recipe.fit.loss_weights | recipe.network.loss_weights
    model.compile(
        optimizer=optimizer,
        loss={name: known[name] for name in model.output},
        loss_weights={name: weights[name] for name in model.output},
        jit_compile=False,
    )


def meet_faces(model: Any, recipe: Recipe, images: NDArray[np.uint8], targets: TrainingTargets) -> None:
    """Before all layers learn: let a network that saw other pictures so far get used to faces.

    The paper's MobileNet has a first phase for that; another backbone from ImageNet only gets new statistics;
    a network from chance has nothing to get used to, and joint training goes without.
    """
    if not isinstance(recipe, LabelRecipe):
        return
    if recipe.network.head_layers:
        if recipe.head.epochs:
            fit_head(model, recipe, images, targets)
    elif recipe.network.from_imagenet:
        adapt_normalisation(model, images, recipe)


def fit_head(model: Any, recipe: LabelRecipe, images: NDArray[np.uint8], targets: TrainingTargets) -> None:
    """First phase: train the new layers on the frozen backbone's features, computed once for all epochs."""
    keras = load_keras()
    features = model.get_layer(FEATURES).output
    backbone = keras.Model(model.input, features)
    x = inputs = keras.Input(features.shape[1:], name="features")
    for name in recipe.network.head_layers:
        x = model.get_layer(name)(x)
    head = keras.Model(inputs, {name: model.get_layer(name)(x) for name in model.output})
    compile_model(head, keras.optimizers.Adam(recipe.head.learning_rate), recipe)
    adapt_normalisation(backbone, images, recipe)
    seen = np.concatenate([backbone.predict_on_batch(chunk) for chunk in chunks(images)])
    random = np.random.default_rng([recipe.seed, _HEAD_CHANCE])
    for _ in range(recipe.head.epochs):
        order = random.permutation(len(images))
        for start in range(0, len(order), recipe.head.batch):
            indices = order[start : start + recipe.head.batch]
            right, weights = ({name: part[name] for name in head.output} for part in targets.take(indices))
            head.train_on_batch(seen[indices], right, sample_weight=weights)


def adapt_normalisation(backbone: Any, images: NDArray[np.uint8], recipe: Recipe) -> None:
    """Let the normalisation layers see faces first: ImageNet's statistics are those of other pictures.

    Runs a hundred training-mode passes with the weights left alone; only the running means and variances
    move: with a momentum of 0.99 by two thirds of the way (1 - 0.99 ** 100).
    """
    random = np.random.default_rng([recipe.seed, 0])
    for _ in range(100):
        indices = random.choice(len(images), min(recipe.fit.batch, len(images)), replace=False)
        backbone(prepared(images[indices]), training=True)


def train_step(model: Any, batch: Batch) -> Any:
    """Learn from one batch.

    Returns:
        The loss before the step: a number, or a tensor on a graphics card, which nobody has to wait for.
    """
    targets = {name: batch.targets[name] for name in model.output}
    weights = {name: batch.weights[name] for name in model.output}
    if graphics_card():
        return _device_step(model, batch.images[..., None], targets, weights)
    result = model.train_on_batch(prepared(batch.images), targets, sample_weight=weights, return_dict=True)
    return float(result["loss"])


def _device_step(model: Any, images: Any, targets: dict[str, Any], weights: dict[str, Any]) -> Any:
    """What `train_on_batch` does, without waiting for the card to tell the loss."""
    import torch

    answers = model(images, training=True)
    loss = model.compute_loss(x=images, y=targets, y_pred=answers, sample_weight=weights)
    model.zero_grad()
    loss.backward()
    variables = model.trainable_weights
    with torch.no_grad():
        model.optimizer.apply([variable.value.grad for variable in variables], variables)
    return loss.detach()


def resume(model: Any, optimizer: Any, folder: Path, fingerprint: str) -> tuple[LoopState, Arrays]:
    """Bring everything to where an earlier run in the same folder stopped; nothing changes without one.

    Returns:
        The loop's state, of epoch 0 without an earlier run, and the running average of the weights (what
        `save` was given as such).

    Raises:
        DatasetError: the folder holds another run.
    """
    if not (folder / CHECKPOINT).exists():
        return LoopState(fingerprint), model.get_weights()
    state, arrays = load_checkpoint(folder / CHECKPOINT, fingerprint)
    for variables, values in ((model.variables, "model"), (optimizer.variables, "optimizer")):
        for variable, array in zip(variables, arrays[values], strict=True):
            variable.assign(array)
    restore_chance(arrays.get("chance", []))
    return state, arrays["average"]


def _measured(model: Any, average: Arrays, validation: FaceSet, unseen: Negatives | None) -> dict[str, float]:
    """Measure the running average, and put the present weights back."""
    current = model.get_weights()
    model.set_weights(average)
    figures = validation_figures(lambda images: predict(model, images), validation, unseen)
    model.set_weights(current)
    return figures


def save(
    model: Any, optimizer: Any, average: Arrays, state: LoopState, folder: Path, *, best: bool = False
) -> None:
    """Write everything that `resume` needs, and the log.

    Args:
        model: the Keras network.
        optimizer: its optimizer.
        average: the running average of its weights, or whatever weights the run keeps so far.
        state: where the loop stands, after an epoch.
        folder: the run's.
        best: write the average of the best epoch into a file of its own, where this is that epoch.

    Raises:
        OutputError: a file can't be written.
    """
    if best and state.best_epoch == state.epoch:
        save_checkpoint(folder / BEST, state, {"weights": average})
    arrays = {
        "model": _values(model.variables),
        "optimizer": _values(optimizer.variables),
        "average": average,
        "chance": chance_state(),
    }
    save_checkpoint(folder / CHECKPOINT, state, arrays)
    write_log(folder, state.history)
    write_tensorboard(folder, state.history)


def _values(variables: list[Any]) -> Arrays:
    convert = load_keras().ops.convert_to_numpy
    return [np.array(convert(variable)) for variable in variables]


def kept_network(recipe: Recipe, train: FaceSet, folder: Path) -> tuple[Any, LoopState]:
    """Read the network that a run keeps, whether or not the run is finished.

    Args:
        recipe: the run's.
        train: the run's faces.
        folder: the run's, with at least one epoch done.

    Returns:
        A Keras network with the running average of the weights, that of the best epoch where the recipe has
        patience, and where the loop stands.

    Raises:
        DatasetError: no epoch is done yet, or the folder holds another network.
    """
    state, arrays = read_checkpoint(folder / CHECKPOINT)
    average = arrays["average"]
    if recipe.fit.patience is not None:
        average = read_checkpoint(folder / BEST)[1]["weights"]
    model = network_for(recipe, train)
    if [weight.shape for weight in average] != [weight.shape for weight in model.get_weights()]:
        raise DatasetError(f"{folder / CHECKPOINT}: holds another network than the recipe {recipe.name}")
    model.set_weights(average)
    return model, state


def predict(model: Any, images: NDArray[np.uint8]) -> Answers:
    """Run a Keras network over images; returns its answers by name."""
    parts = [model.predict_on_batch(chunk) for chunk in chunks(images)]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Cut images, one empty chunk of none, into batches that fit the memory, as the network takes them."""
    for start in range(0, max(1, len(images)), _PREDICT_BATCH):
        yield prepared(images[start : start + _PREDICT_BATCH])


def prepared(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, h, w) uint8 to (n, h, w, 1) float32, 0 to 255: the network rescales by itself."""
    return images[..., None].astype(np.float32)
