"""The training loop: two phases, one visible loop each, resumable after every epoch."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from mien.errors import DatasetError
from mien.labels import EMOTIONS
from mien.train.augment import augment
from mien.train.backend import chance_state, load_keras, restore_chance
from mien.train.checkpoint import Arrays, LoopState, load_checkpoint, save_checkpoint
from mien.train.datasets import FaceSet
from mien.train.logs import write_log, write_tensorboard
from mien.train.networks import mobilenet
from mien.train.recipe import FinePart, Recipe

CHECKPOINT = "checkpoint.npz"
BEST = "best.npz"
_PREDICT_BATCH = 256
_CHANCE = {"epoch": 1, "head": 2}


@dataclass(frozen=True)
class Progress:
    """How far the loop is.

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


@dataclass(frozen=True)
class Batch:
    """What one step learns from: images, one-hot targets, vote shares and whether a face has votes."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    votes: NDArray[np.float32] | None
    has_votes: NDArray[np.float32] | None


def fit(
    recipe: Recipe,
    train: FaceSet,
    validation: FaceSet,
    *,
    folder: Path,
    imagenet: mobilenet.Weights | None,
    report: Report = lambda progress: None,
) -> tuple[Any, LoopState]:
    """Train the recipe's network; go on where an earlier run in the same folder stopped.

    Args:
        recipe: what to do.
        train: faces to learn from.
        validation: faces that choose the epoch that is kept.
        folder: where checkpoints are written after each epoch.
        imagenet: the backbone's first weights; None starts from chance.
        report: called after every step and every epoch.

    Returns:
        The network with the weights of the best epoch, and the loop's state with the history.

    Raises:
        DatasetError: the folder holds another run, or there are too few faces for one batch.
    """
    if len(train) < recipe.fine.batch:
        raise DatasetError(
            f"expected at least one batch of faces to train on ({recipe.fine.batch}), received {len(train)}; "
            "lower fine.batch in the recipe"
        )
    use_votes = _uses_votes(recipe, train)
    model, optimizer = _first_state(recipe, train, imagenet)
    fingerprint = fingerprint_of(recipe, train)
    state, average = LoopState(fingerprint), None
    if (folder / CHECKPOINT).exists():
        state, arrays = load_checkpoint(folder / CHECKPOINT, fingerprint)
        assign(model.variables, arrays["model"])
        assign(optimizer.variables, arrays["optimizer"])
        average = arrays["average"]
        restore_chance(arrays.get("chance", []))
    elif recipe.head.epochs:
        fit_head(model, recipe, train)
    average = average if average is not None else model.get_weights()

    steps = len(train) // recipe.fine.batch
    total = steps * recipe.fine.epochs
    started, done_before = time.monotonic(), state.epoch * steps
    while state.epoch < recipe.fine.epochs and state.epoch - state.best_epoch < recipe.fine.patience:
        random = np.random.default_rng([recipe.seed, _CHANCE["epoch"], state.epoch])
        losses: list[float] = []
        began = time.monotonic()
        for step, batch in enumerate(batches(train, recipe, random, use_votes)):
            done = state.epoch * steps + step
            optimizer.learning_rate.assign(
                cosine_rate(done, total, warm_up=steps, top=recipe.fine.learning_rate)
            )
            losses.append(train_step(model, batch))
            average = moving_average(average, model.get_weights(), recipe.fine.average, done)
            left = (time.monotonic() - started) / (done + 1 - done_before) * (total - done - 1)
            report(
                Progress(
                    state.epoch + 1, recipe.fine.epochs, (done + 1) / total, float(np.mean(losses)), left
                )
            )
        current = model.get_weights()
        model.set_weights(average)
        row = {"epoch": state.epoch + 1, "loss": float(np.mean(losses)), **measure(model, validation)}
        row["seconds"] = time.monotonic() - began
        state.epoch += 1
        state.seconds += row["seconds"]
        state.history.append(row)
        if row["validation_accuracy"] > state.best_accuracy or state.epoch == 1:
            state.best_epoch, state.best_accuracy = state.epoch, row["validation_accuracy"]
            save_checkpoint(folder / BEST, state, {"weights": average})
        model.set_weights(current)
        save_checkpoint(
            folder / CHECKPOINT,
            state,
            {
                "model": values(model.variables),
                "optimizer": values(optimizer.variables),
                "average": average,
                "chance": chance_state(),
            },
        )
        write_log(folder, state.history)
        write_tensorboard(folder, state.history)
        report(Progress(state.epoch, recipe.fine.epochs, state.epoch * steps / total, row["loss"], 0.0, row))
    return best_network(recipe, train, folder)


def best_network(recipe: Recipe, train: FaceSet, folder: Path) -> tuple[Any, LoopState]:
    """Give the network of a run's best epoch so far, and where the loop stood then.

    Args:
        recipe: the run's.
        train: the run's faces.
        folder: the run's folder, with at least one epoch done.

    Raises:
        DatasetError: the folder holds another run, or no epoch is done yet.
    """
    fingerprint = fingerprint_of(recipe, train)
    _, arrays = load_checkpoint(folder / BEST, fingerprint)
    state, _ = load_checkpoint(folder / CHECKPOINT, fingerprint)
    model = _build(recipe, train)
    model.set_weights(arrays["weights"])
    return model, state


def _first_state(recipe: Recipe, train: FaceSet, imagenet: mobilenet.Weights | None) -> tuple[Any, Any]:
    """Build the network and its optimizer as they stand before anything is learnt."""
    keras = load_keras()
    keras.utils.set_random_seed(recipe.seed)
    model = _build(recipe, train)
    if imagenet is not None:
        mobilenet.load_imagenet(model, imagenet, "ImageNet weights")
    optimizer = keras.optimizers.AdamW(recipe.fine.learning_rate, weight_decay=recipe.fine.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    compile_model(model, optimizer, recipe.fine, _uses_votes(recipe, train))
    optimizer.build(model.trainable_variables)
    return model, optimizer


def _build(recipe: Recipe, train: FaceSet) -> Any:
    return mobilenet.build(
        recipe.network,
        size_px=recipe.data.size_px,
        classes=len(train.labels),
        votes=_uses_votes(recipe, train),
    )


def _uses_votes(recipe: Recipe, train: FaceSet) -> bool:
    return train.votes is not None and recipe.fine.votes_weight > 0


def fit_head(model: Any, recipe: Recipe, train: FaceSet) -> None:
    """First phase: train the new layers on the frozen backbone's features, computed once for all epochs."""
    keras = load_keras()
    features = model.get_layer(mobilenet.FEATURES).output
    backbone = keras.Model(model.input, features)
    inputs = keras.Input(features.shape[1:], name="features")
    outputs, x = {}, inputs
    for name in ("dropout", "dense", "dense_dropout"):
        x = model.get_layer(name)(x)
    for name in model.output:
        outputs[name] = model.get_layer(name)(x)
    head = keras.Model(inputs, outputs)
    compile_model(head, keras.optimizers.Adam(recipe.head.learning_rate), recipe.fine, "votes" in outputs)
    adapt_normalisation(backbone, train.images, recipe)
    seen = np.concatenate([backbone.predict_on_batch(chunk) for chunk in chunks(train.images)])
    random = np.random.default_rng([recipe.seed, _CHANCE["head"]])
    for _ in range(recipe.head.epochs):
        order = random.permutation(len(train))
        for start in range(0, len(order), recipe.head.batch):
            places = order[start : start + recipe.head.batch]
            targets, weights = outputs_of(make_batch(train, places, "votes" in outputs))
            head.train_on_batch(seen[places], targets, sample_weight=weights)


def adapt_normalisation(backbone: Any, images: NDArray[np.uint8], recipe: Recipe) -> None:
    """Let the normalisation layers see faces first: ImageNet's statistics are those of other pictures.

    Runs a hundred training-mode passes with the weights left alone; only the running means and variances
    move: with a momentum of 0.99 by two thirds of the way (1 - 0.99 ** 100).
    """
    random = np.random.default_rng([recipe.seed, 0])
    for _ in range(100):
        places = random.choice(len(images), min(recipe.fine.batch, len(images)), replace=False)
        backbone(prepared(images[places]), training=True)


def compile_model(model: Any, optimizer: Any, part: FinePart, use_votes: bool) -> None:
    """Give the model its losses: cross-entropy to the label, and to the share of votes."""
    losses = load_keras().losses
    loss = {"logits": losses.CategoricalCrossentropy(from_logits=True, label_smoothing=part.label_smoothing)}
    weights = {"logits": 1.0}
    if use_votes:
        loss["votes"] = losses.CategoricalCrossentropy(from_logits=True)
        weights["votes"] = part.votes_weight
    model.compile(optimizer=optimizer, loss=loss, loss_weights=weights, jit_compile=False)


def batches(faces: FaceSet, recipe: Recipe, random: np.random.Generator, use_votes: bool) -> Iterator[Batch]:
    """Give one epoch of augmented batches in a new order; what does not fill a batch waits for the next."""
    order = random.permutation(len(faces))
    size = recipe.fine.batch
    for start in range(0, len(order) - size + 1, size):
        batch = make_batch(faces, order[start : start + size], use_votes)
        yield Batch(
            augment(batch.images, recipe.augment, random), batch.targets, batch.votes, batch.has_votes
        )


def make_batch(faces: FaceSet, places: NDArray[np.int64], use_votes: bool) -> Batch:
    """Take the faces at these places, with one-hot targets and shares of votes."""
    targets = np.eye(len(faces.labels), dtype=np.float32)[faces.targets[places]]
    if not use_votes or faces.votes is None:
        return Batch(faces.images[places], targets, None, None)
    votes = faces.votes[places, : len(EMOTIONS)].astype(np.float32)
    sums = votes.sum(axis=1, keepdims=True)
    return Batch(
        faces.images[places], targets, votes / np.maximum(sums, 1), (sums[:, 0] > 0).astype(np.float32)
    )


def train_step(model: Any, batch: Batch) -> float:
    """Learn from one batch; gives the loss before the step."""
    targets, weights = outputs_of(batch)
    result = model.train_on_batch(prepared(batch.images), targets, sample_weight=weights, return_dict=True)
    return float(result["loss"])


def outputs_of(batch: Batch) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Give targets and sample weights by the names of the model's outputs."""
    targets = {"logits": batch.targets}
    weights = {"logits": np.ones(len(batch.targets), np.float32)}
    if batch.votes is not None and batch.has_votes is not None:
        targets["votes"], weights["votes"] = batch.votes, batch.has_votes
    return targets, weights


def measure(model: Any, faces: FaceSet) -> dict[str, float]:
    """Give accuracy and cross-entropy on the validation part."""
    surprise = -log_softmax(predict_logits(model, faces.images), axis=1)
    accuracy = float((surprise.argmin(axis=1) == faces.targets).mean())
    loss = float(surprise[np.arange(len(faces)), faces.targets].mean())
    return {"validation_accuracy": accuracy, "validation_loss": loss}


def predict_logits(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Run a network of ours over images; gives (n, k) logits."""
    return np.concatenate([np.asarray(model.predict_on_batch(chunk)["logits"]) for chunk in chunks(images)])


def chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Cut images into batches that fit the memory, as the network takes them."""
    for start in range(0, len(images), _PREDICT_BATCH):
        yield prepared(images[start : start + _PREDICT_BATCH])


def prepared(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, h, w) uint8 to (n, h, w, 1) float32, 0 to 255: the network rescales by itself."""
    return images[..., None].astype(np.float32)


def cosine_rate(done: int, total: int, *, warm_up: int, top: float) -> float:
    """Learning rate after `done` of `total` steps: a straight rise to `top`, then a cosine down to 0."""
    if done < warm_up:
        return top * (done + 1) / warm_up
    return top * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / max(1, total - warm_up)))


def moving_average(average: Arrays, weights: Arrays, momentum: float, step: int) -> Arrays:
    """One step of the running average of the weights.

    Early steps count more, so that the start is forgotten: the momentum is (1 + step) / (10 + step) until
    that reaches `momentum`.
    """
    keep = min(momentum, (1 + step) / (10 + step))
    return [keep * old + (1 - keep) * new for old, new in zip(average, weights, strict=True)]


def fingerprint_of(recipe: Recipe, train: FaceSet) -> str:
    """Give a hash of the recipe and of the faces that it trains on."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    digest.update(train.images.tobytes())
    digest.update(train.targets.tobytes())
    return digest.hexdigest()


def values(variables: list[Any]) -> Arrays:
    """Copy Keras variables to NumPy."""
    convert = load_keras().ops.convert_to_numpy
    return [np.array(convert(variable)) for variable in variables]


def assign(variables: list[Any], arrays: Arrays) -> None:
    """Set Keras variables from NumPy."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
