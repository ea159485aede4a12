"""The loop of joint training: one visible loop, resumable after every epoch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.train.backend import chance_state, load_keras, restore_chance
from mien.train.checkpoint import LoopState, load_checkpoint, save_checkpoint
from mien.train.datasets import FaceSet
from mien.train.fit import CHECKPOINT, Progress, Report, assign, cosine_rate, prepared, values
from mien.train.joint.batches import Answers, Batch, Lessons, batches
from mien.train.joint.measure import measure
from mien.train.joint.negatives import Negatives
from mien.train.joint.recipe import JointRecipe
from mien.train.logs import write_log, write_tensorboard
from mien.train.networks import mobilenet, residual

_AVERAGE_EVERY = 4
"""Steps between two takes of the running average: taking every one would cost much and change nothing."""


def fit_jointly(
    recipe: JointRecipe,
    train: FaceSet,
    validation: FaceSet,
    *,
    folder: Path,
    taught: Answers | None = None,
    prime: Callable[[Any], None] = lambda model: None,
    report: Report = lambda progress: None,
) -> tuple[Any, LoopState]:
    """Train the recipe's network; go on where an earlier run in the same folder stopped.

    Args:
        recipe: what to do.
        train: FER-2013's faces to learn from, with votes, and with landmarks where there are any.
        validation: faces that the history is measured on; they choose nothing.
        folder: where the checkpoint is written after each epoch.
        taught: what teachers say of the faces; see `Lessons.of`.
        prime: gives a new network its first weights.
        report: called after every step and every epoch.

    Returns:
        The network with the running average of the weights, and the loop's state with the history.

    Raises:
        DatasetError: the folder holds another run, or there are too few faces for one batch.
    """
    fit = recipe.fit
    if len(train) < fit.batch:
        raise DatasetError(
            f"expected at least one batch of faces to train on ({fit.batch}), received {len(train)}; "
            "lower fit.batch in the recipe"
        )
    lessons = Lessons.of(train, label_smoothing=fit.label_smoothing, taught=taught, share=fit.teachers_share)
    negatives = {part: Negatives(part, recipe.data.size_px) for part in ("train", "validation")}
    model, optimizer = first_state(recipe, landmarks=train.landmarks is not None)
    prime(model)
    state, average = LoopState(fingerprint_of(recipe, lessons)), model.get_weights()
    if (folder / CHECKPOINT).exists():
        state, arrays = load_checkpoint(folder / CHECKPOINT, state.fingerprint)
        assign(model.variables, arrays["model"])
        assign(optimizer.variables, arrays["optimizer"])
        average = arrays["average"]
        restore_chance(arrays.get("chance", []))
    steps = len(train) // fit.batch
    total = steps * fit.epochs
    started, done_before = time.monotonic(), state.epoch * steps
    while state.epoch < fit.epochs:
        random = np.random.default_rng([recipe.seed, 1, state.epoch])
        losses: list[float] = []
        began = time.monotonic()
        for step, batch in enumerate(batches(lessons, recipe, negatives["train"], random)):
            done = state.epoch * steps + step
            optimizer.learning_rate.assign(cosine_rate(done, total, warm_up=steps, top=fit.learning_rate))
            losses.append(train_step(model, batch))
            if done % _AVERAGE_EVERY == 0:
                keep = min(fit.average**_AVERAGE_EVERY, (1 + done) / (10 * _AVERAGE_EVERY + done))
                for old, new in zip(average, model.get_weights(), strict=True):
                    old += (1 - keep) * (new - old)
            left = (time.monotonic() - started) / (done + 1 - done_before) * (total - done - 1)
            report(
                Progress(state.epoch + 1, fit.epochs, (done + 1) / total, float(np.mean(losses[-50:])), left)
            )
        current = model.get_weights()
        model.set_weights(average)
        figures = measure(lambda images: answers_of(model, images), validation, negatives["validation"])
        model.set_weights(current)
        row = {"epoch": state.epoch + 1, "loss": float(np.mean(losses)), **figures}
        row["seconds"] = time.monotonic() - began
        state.epoch += 1
        state.best_epoch, state.best_accuracy = state.epoch, row["validation_accuracy"]
        state.seconds += row["seconds"]
        state.history.append(row)
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
        report(Progress(state.epoch, fit.epochs, state.epoch * steps / total, row["loss"], 0.0, row))
    model.set_weights(average)
    return model, state


def first_state(recipe: JointRecipe, *, landmarks: bool) -> tuple[Any, Any]:
    """Build the network and its optimizer as they stand before anything is learnt."""
    keras = load_keras()
    keras.utils.set_random_seed(recipe.seed)
    model = build(recipe, landmarks=landmarks, precision=recipe.fit.precision)
    optimizer = keras.optimizers.AdamW(recipe.fit.learning_rate, weight_decay=recipe.fit.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    losses, fit = keras.losses, recipe.fit
    chosen = {
        "votes": (losses.CategoricalCrossentropy(from_logits=True), 1.0),
        "fer2013": (losses.CategoricalCrossentropy(from_logits=True), fit.fer2013_weight),
        "presence": (losses.BinaryCrossentropy(from_logits=True), fit.presence_weight),
        "landmarks": (losses.MeanAbsoluteError(), fit.landmarks_weight),
    }
    loss = {name: chosen[name][0] for name in model.output}
    weight = {name: chosen[name][1] for name in model.output}
    model.compile(optimizer=optimizer, loss=loss, loss_weights=weight, jit_compile=False)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def build(
    recipe: JointRecipe, *, landmarks: bool, precision: str = "float32", layout: str | None = None
) -> Any:
    """Build the recipe's network with weights from chance; see `networks.residual.build`."""
    part, size_px = recipe.network, recipe.data.size_px
    chosen: dict[str, Any] = {"landmarks": landmarks, "precision": precision, "layout": layout}
    if part.architecture == "mobilenet":
        return mobilenet.build_joint(part, size_px=size_px, **chosen)
    return residual.build(part, size_px=size_px, **chosen)


def train_step(model: Any, batch: Batch) -> float:
    """Learn from one batch; gives the loss before the step."""
    targets = {name: batch.targets[name] for name in model.output}
    weights = {name: batch.weights[name] for name in model.output}
    result = model.train_on_batch(prepared(batch.images), targets, sample_weight=weights, return_dict=True)
    return float(result["loss"])


def answers_of(model: Any, images: NDArray[np.uint8], size: int = 512) -> Answers:
    """Run a Keras network over images; gives its answers by name."""
    starts = range(0, max(1, len(images)), size)
    parts = [model.predict_on_batch(prepared(images[start : start + size])) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fingerprint_of(recipe: JointRecipe, lessons: Lessons) -> str:
    """Give a hash of the recipe and of all that it learns from."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    for array in (lessons.images, lessons.votes, lessons.fer2013, lessons.landmarks):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()
