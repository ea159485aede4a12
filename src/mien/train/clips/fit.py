"""The loop that trains a network for clips."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.train.backend import data_format, load_keras
from mien.train.clip_recipe import ClipRecipe
from mien.train.clips.faces import ClipFaces
from mien.videos.clip import SIZE_PX

Report = Callable[[dict[str, float]], None]
"""Called with the figures of each epoch."""


def fit(
    recipe: ClipRecipe,
    faces: ClipFaces,
    truth: NDArray[np.bool_],
    validation: tuple[ClipFaces, NDArray[np.bool_]],
    report: Report = lambda row: None,
) -> tuple[Any, list[dict[str, float]]]:
    """Train a network; Ctrl-C ends it early and keeps the best epoch so far.

    Args:
        recipe: how.
        faces: to learn from.
        truth: (n,) whether each clip has the label.
        validation: the same of other people, by whose loss the best epoch is chosen.
        report: called after each epoch.

    Returns:
        A Keras network with the weights of its best epoch, and one row of figures for each epoch.
    """
    keras = load_keras()
    keras.utils.set_random_seed(recipe.seed)
    random, began_s = np.random.default_rng(recipe.seed), time.monotonic()
    model = recipe.build(distances=faces.distances.shape[2], size_px=SIZE_PX, layout=data_format())
    steps = recipe.fit.epochs * max(1, len(truth) // recipe.fit.batch)
    rate = keras.optimizers.schedules.CosineDecay(recipe.fit.learning_rate, steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=recipe.fit.weight_decay),
        dict.fromkeys(recipe.network.answers, loss),
    )
    history: list[dict[str, float]] = []
    best, best_loss, best_epoch = model.get_weights(), math.inf, 0
    targets, targets_there = np.eye(2)[truth.astype(int)], np.eye(2)[validation[1].astype(int)]
    try:
        for epoch in range(1, recipe.fit.epochs + 1):
            loss_now = _epoch(model, recipe, augmented(faces, random), targets, random)
            there = _loss(predict(model, validation[0])[recipe.answer], targets_there)
            history.append({"epoch": epoch, "loss": loss_now, "validation_loss": there})
            report(history[-1])
            if there < best_loss:
                best, best_loss, best_epoch = model.get_weights(), there, epoch
            over = recipe.fit.minutes and time.monotonic() - began_s > recipe.fit.minutes * 60
            if over or (recipe.fit.patience and epoch - best_epoch >= recipe.fit.patience):
                break
    except KeyboardInterrupt:
        if not history:
            raise
    model.set_weights(best)
    return model, history


def _epoch(
    model: Any,
    recipe: ClipRecipe,
    seen: list[NDArray[Any]],
    targets: NDArray[Any],
    random: np.random.Generator,
) -> float:
    order, size, losses = random.permutation(len(targets)), recipe.fit.batch, []
    for start in range(0, max(1, len(order) - size + 1), size):
        chosen = order[start : start + size]
        right = dict.fromkeys(recipe.network.answers, targets[chosen])
        losses.append(
            float(model.train_on_batch([each[chosen] for each in seen], right, return_dict=True)["loss"])
        )
    return float(np.mean(losses))


def augmented(faces: ClipFaces, random: np.random.Generator) -> list[NDArray[np.float32]]:
    """Vary clips as a whole, as a camera would: mirrored, lighter or darker, moved, noisier, in other frames.

    Distances are mirrored with the faces, and get a little noise.
    """
    crops, distances = faces.crops.astype(np.float32), faces.distances.copy()
    frames = crops.shape[1]
    for number in range(len(crops)):
        low, high = random.uniform(0, 0.15), random.uniform(0.85, 1)
        steps = np.linspace(low * (frames - 1), high * (frames - 1), frames).round().astype(int)
        crops[number], distances[number] = crops[number, steps], distances[number, steps]
        if random.random() < 0.5:
            crops[number], distances[number] = crops[number, :, :, ::-1], distances[number][:, _MIRRORED]
        shift = tuple(random.integers(-4, 5, 2))
        crops[number] = np.roll(crops[number], shift, axis=(1, 2))
        crops[number] = (crops[number] - 128) * random.uniform(0.7, 1.3) + 128 + random.uniform(-30, 30)
    crops += random.normal(0, 3, crops.shape).astype(np.float32)
    distances += random.normal(0, 0.15, distances.shape).astype(np.float32)
    return [crops.clip(0, 255), distances]


def _mirrored() -> NDArray[np.int64]:
    from mien.measures.face3d import MIRROR
    from mien.videos.clip_network import NOSE_TIP

    others = np.delete(np.arange(68), NOSE_TIP)
    place = {int(point): number for number, point in enumerate(others)}
    return np.array([place[int(MIRROR[point])] for point in others])


_MIRRORED = _mirrored()


def predict(model: Any, faces: ClipFaces) -> dict[str, NDArray[np.float64]]:
    """Return the logits of each answer, (n, 2)."""
    parts = []
    for start in range(0, len(faces.crops), 32):
        chosen = slice(start, start + 32)
        seen = [faces.crops[chosen].astype(np.float32), faces.distances[chosen]]
        parts.append(model.predict_on_batch(seen))
    return {name: np.concatenate([np.asarray(part[name], np.float64) for part in parts]) for name in parts[0]}


def _loss(logits: NDArray[np.float64], targets: NDArray[Any]) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(
        -(targets * (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))).sum(axis=1).mean()
    )
