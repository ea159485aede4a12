"""How a network for clips learns: its loss, its batches, and how clips are varied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from mien.train.backend import data_format, load_keras
from mien.train.clip_recipe import ClipRecipe
from mien.train.clips.faces import ClipFaces
from mien.train.clips.loop import Place, Report, fingerprint, train_epochs
from mien.train.pace import Pace
from mien.videos.clip import SIZE_PX


def fit(
    recipe: ClipRecipe,
    faces: ClipFaces,
    truth: NDArray[np.bool_],
    validation: tuple[ClipFaces, NDArray[np.bool_]],
    report: Report = lambda row: None,
    *,
    folder: Path | None = None,
    finished: bool = False,
) -> tuple[Any, list[dict[str, float]]]:
    """Train a network; go on where an earlier run in the same folder stopped.

    Args:
        recipe: how.
        faces: to learn from.
        truth: (n,) whether each clip has the label.
        validation: the same of other people, by whose loss the best epoch is chosen.
        report: called after each epoch.
        folder: where the loop's state is written after each epoch; None keeps none.
        finished: learn nothing more, only take the best epoch of the folder.

    Returns:
        A Keras network with the weights of its best epoch, and one row of figures for each epoch.

    Raises:
        DatasetError: the folder holds a run of another recipe or other clips.
    """
    keras = load_keras()
    keras.utils.set_random_seed(recipe.seed)
    model = recipe.build(distances=faces.distances.shape[2], size_px=SIZE_PX, layout=data_format())
    steps = max(1, len(truth) // recipe.fit.batch)
    rate = keras.optimizers.schedules.CosineDecay(recipe.fit.learning_rate, recipe.fit.epochs * steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=recipe.fit.weight_decay),
        dict.fromkeys(recipe.network.answers, loss),
    )
    targets, targets_there = np.eye(2)[truth.astype(int)], np.eye(2)[validation[1].astype(int)]
    data = (faces.crops, faces.distances, truth, validation[0].crops, validation[1])
    state = train_epochs(
        model, model,
        lambda random: _batches(augmented(faces, random), targets, recipe, random),
        lambda: {"loss": _loss(predict(model, validation[0])[recipe.answer], targets_there)},
        pace=Pace(
            recipe.fit.epochs, steps, recipe.fit.learning_rate, 0.0,
            minutes=recipe.fit.minutes, patience=recipe.fit.patience, seed=recipe.seed,
        ),
        place=Place(folder, fingerprint(recipe.model_dump_json(), data), finished),
        report=report,
    )  # fmt: skip
    return model, state.history


def _batches(
    seen: list[NDArray[Any]], targets: NDArray[Any], recipe: ClipRecipe, random: np.random.Generator
) -> Iterator[tuple[list[NDArray[Any]], dict[str, NDArray[Any]]]]:
    order, size = random.permutation(len(targets)), recipe.fit.batch
    for start in range(0, max(1, len(order) - size + 1), size):
        chosen = order[start : start + size]
        yield [each[chosen] for each in seen], dict.fromkeys(recipe.network.answers, targets[chosen])


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
    return float(-(targets * log_softmax(logits, axis=1)).sum(axis=1).mean())
