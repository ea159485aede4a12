"""Training one network for everything at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.train.backend import graphics_card, load_keras
from mien.train.checkpoint import LoopState
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.fit import prepared
from mien.train.joint.batches import Batch, Lessons, Outputs, ahead, batches
from mien.train.joint.measure import measure
from mien.train.joint.pictures import DevicePictures, HostPictures, Pictures
from mien.train.joint.recipe import JointRecipe
from mien.train.joint.teachers import Teachers
from mien.train.loop import Learner, Pace, Report, resume, run_epochs
from mien.train.networks import mobilenet, residual

_AVERAGE_EVERY = 4
"""Steps between two takes of the running average: taking every one would cost much and change nothing."""
_RARER_ON_A_CARD = 4
"""So many times as seldom there, since the card is waited for at each take."""


def fit_jointly(
    recipe: JointRecipe,
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
        train: FER-2013's faces to learn from, with votes, and with landmarks where there are any.
        validation: faces that the history is measured on; they choose nothing.
        folder: where the checkpoint is written after each epoch.
        teachers: whose answers are part of the targets.
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
    lessons = Lessons.of(train, label_smoothing=fit.label_smoothing)
    teach = teachers.ask if teachers else None
    negatives = {part: Negatives(part, recipe.data.size_px) for part in ("train", "validation")}
    card = graphics_card()
    pictures: Pictures = (
        DevicePictures(train.images, negatives["train"], card)
        if card
        else HostPictures(train.images, negatives["train"])
    )
    model, optimizer = first_state(recipe, landmarks=train.landmarks is not None)
    prime(model)
    learner = Learner(
        model,
        optimizer,
        batches=lambda random: ahead(batches(lessons, recipe, pictures, random, teach), 4 if card else 0),
        learn=lambda batch: train_step(model, batch),
        measure=lambda: measure(lambda images: run_on(model, images), validation, negatives["validation"]),
    )
    state, average = resume(learner, folder, fingerprint_of(recipe, lessons, teachers))
    every = _AVERAGE_EVERY * (_RARER_ON_A_CARD if card else 1)
    pace = Pace(
        fit.epochs, len(train) // fit.batch, fit.learning_rate, fit.average,
        average_every=every, minutes=fit.minutes, seed=recipe.seed,
    )  # fmt: skip
    model.set_weights(run_epochs(learner, pace, folder=folder, state=state, average=average, report=report))
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


def run_on(model: Any, images: NDArray[np.uint8], size: int = 128) -> Outputs:
    """Run a Keras network over images; gives its answers by name."""
    starts = range(0, max(1, len(images)), size)
    parts = [model.predict_on_batch(prepared(images[start : start + size])) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fingerprint_of(recipe: JointRecipe, lessons: Lessons, teachers: Teachers | None = None) -> str:
    """Give a hash of the recipe and of all that it learns from."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    for teacher in teachers.hashes if teachers else ():
        digest.update(teacher.encode())
    for array in (lessons.images, lessons.votes, lessons.fer2013, lessons.landmarks):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()
