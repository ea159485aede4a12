"""Training one label set: a head on frozen features first, then all layers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from mien.errors import DatasetError
from mien.expression.circumplex import valence_arousal
from mien.expression.network import find_network
from mien.labels import EMOTIONS, FER2013
from mien.train.augment import augment
from mien.train.backend import load_keras
from mien.train.checkpoint import LoopState, load_checkpoint
from mien.train.concordance import concordance, concordance_loss
from mien.train.data import FaceSet
from mien.train.joint.batches import Outputs
from mien.train.joint.teachers import taught_by
from mien.train.loop import BEST, CHECKPOINT, Learner, Pace, Report, resume, run_epochs
from mien.train.network_parts import NetworkPart, ScepPart
from mien.train.networks import choice, mobilenet
from mien.train.networks.scep import AFFECT
from mien.train.recipe import FinePart, Recipe

_PREDICT_BATCH = 256
_HEAD_CHANCE = 2


@dataclass(frozen=True)
class Batch:
    """What one step learns from: images, targets, vote shares and whether a face has votes."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    votes: NDArray[np.float32] | None
    has_votes: NDArray[np.float32] | None


@dataclass(frozen=True)
class Lessons:
    """What there is to learn about n faces, from people and from a teacher.

    Cross-entropy is linear in its target, so learning from both at once is learning from their mean.

    Attributes:
        targets: (n, k) shares of the classes.
        votes: (n, 8) shares of the votes; None where there are none, or where they are not used.
        has_votes: (n,) 1, or 0 for a face that nobody voted on.
    """

    targets: NDArray[np.float32]
    votes: NDArray[np.float32] | None
    has_votes: NDArray[np.float32] | None

    @classmethod
    def of(cls, faces: FaceSet, recipe: Recipe, taught: Outputs | None = None) -> Lessons:
        """Put labels, votes and a teacher's answers together.

        Args:
            faces: n of them.
            recipe: says how much a teacher's answers count.
            taught: a teacher's `votes` (n, 10) and `fer2013` (n, 7), probabilities; None without one.

        Raises:
            DatasetError: there is a teacher, and the classes are not FER-2013's.
        """
        share = recipe.fine.teacher_share
        targets = np.eye(len(faces.labels), dtype=np.float32)[faces.targets]
        if taught is not None:
            if faces.labels != FER2013:
                raise DatasetError(f"a teacher knows the classes {', '.join(FER2013)} alone, in this order")
            targets = (1 - share) * targets + share * taught["fer2013"]
        if not _uses_votes(recipe, faces) or faces.votes is None:
            return cls(targets, None, None)
        counts = faces.votes[:, : len(EMOTIONS)].astype(np.float32)
        sums = counts.sum(axis=1, keepdims=True)
        votes, has_votes = counts / np.maximum(sums, 1), (sums[:, 0] > 0).astype(np.float32)
        if taught is not None:
            said = taught["votes"][:, : len(EMOTIONS)]
            votes = (1 - share) * votes + share * said / said.sum(axis=1, keepdims=True)
        return cls(targets, votes, has_votes)

    def batch(self, images: NDArray[np.uint8], places: NDArray[np.int64]) -> Batch:
        """Give what one step learns from: some faces' images, as they are shown, and their lessons."""
        votes = None if self.votes is None else self.votes[places]
        has_votes = None if self.has_votes is None else self.has_votes[places]
        return Batch(images, self.targets[places], votes, has_votes)


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
        DatasetError: the folder holds another run or another teacher's answers, or there are too few faces
            for one batch.
        ModelError: the teacher can't be read, or lacks the answers to learn from.
    """
    if len(train) < recipe.fine.batch:
        raise DatasetError(
            f"expected at least one batch of faces to train on ({recipe.fine.batch}), received {len(train)}; "
            "lower fine.batch in the recipe"
        )
    lessons = Lessons.of(train, recipe, taught_by(teachers_of(recipe), train.images, folder=folder))
    model, optimizer = _first_state(recipe, train, imagenet)
    learner = Learner(
        model,
        optimizer,
        batches=lambda random: batches(train, lessons, recipe, random),
        learn=lambda batch: train_step(model, batch),
        measure=lambda: measure(model, validation),
    )
    state, average = resume(learner, folder, fingerprint_of(recipe, train))
    if state.epoch == 0:
        began = time.process_time()
        meet_faces(model, recipe, train, lessons)
        state.meeting_core_s = time.process_time() - began
        average = model.get_weights()
    part = recipe.fine
    pace = Pace(
        part.epochs, len(train) // part.batch, part.learning_rate, part.average,
        minutes=part.minutes, patience=part.patience, seed=recipe.seed,
    )  # fmt: skip
    run_epochs(learner, pace, folder=folder, state=state, average=average, report=report)
    return best_network(recipe, train, folder)


def teachers_of(recipe: Recipe) -> list[Path]:
    """Find the recipe's teacher, if it has one.

    Raises:
        ModelError: there is no such network.
    """
    return [find_network(recipe.fine.teacher)] if recipe.fine.teacher else []


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
    affect_weight = recipe.network.affect_weight if isinstance(recipe.network, ScepPart) else 0.0
    compile_model(model, optimizer, recipe.fine, _uses_votes(recipe, train), affect_weight=affect_weight)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def _build(recipe: Recipe, train: FaceSet) -> Any:
    return choice.build(
        recipe.network,
        size_px=recipe.data.size_px,
        classes=len(train.labels),
        votes=_uses_votes(recipe, train),
    )


def _uses_votes(recipe: Recipe, train: FaceSet) -> bool:
    return train.votes is not None and recipe.fine.votes_weight > 0


def meet_faces(model: Any, recipe: Recipe, train: FaceSet, lessons: Lessons) -> None:
    """Before all layers learn: let a network that saw other pictures so far get used to faces.

    The paper's MobileNet has a first phase for that; another backbone from ImageNet only gets new statistics;
    a network from chance has nothing to get used to.
    """
    if isinstance(recipe.network, NetworkPart):
        if recipe.head.epochs:
            fit_head(model, recipe, train, lessons)
    elif recipe.network.from_imagenet:
        adapt_normalisation(model, train.images, recipe)


def fit_head(model: Any, recipe: Recipe, train: FaceSet, lessons: Lessons) -> None:
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
    random = np.random.default_rng([recipe.seed, _HEAD_CHANCE])
    for _ in range(recipe.head.epochs):
        order = random.permutation(len(train))
        for start in range(0, len(order), recipe.head.batch):
            places = order[start : start + recipe.head.batch]
            targets, weights = outputs_of(lessons.batch(train.images[places], places))
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


def compile_model(
    model: Any, optimizer: Any, part: FinePart, use_votes: bool, *, affect_weight: float = 0.0
) -> None:
    """Give the model its losses: cross-entropy to the label and to the share of votes, and concordance."""
    losses = load_keras().losses
    loss = {"logits": losses.CategoricalCrossentropy(from_logits=True, label_smoothing=part.label_smoothing)}
    weights = {"logits": 1.0}
    if use_votes:
        loss["votes"] = losses.CategoricalCrossentropy(from_logits=True)
        weights["votes"] = part.votes_weight
    if AFFECT in model.output:
        loss[AFFECT] = concordance_loss()
        weights[AFFECT] = affect_weight
    model.compile(optimizer=optimizer, loss=loss, loss_weights=weights, jit_compile=False)


def batches(faces: FaceSet, lessons: Lessons, recipe: Recipe, random: np.random.Generator) -> Iterator[Batch]:
    """Give one epoch of augmented batches in a new order; what does not fill a batch waits for the next."""
    order = random.permutation(len(faces))
    size = recipe.fine.batch
    for start in range(0, len(order) - size + 1, size):
        places = order[start : start + size]
        yield lessons.batch(augment(faces.images[places], recipe.augment, random), places)


def train_step(model: Any, batch: Batch) -> float:
    """Learn from one batch; gives the loss before the step."""
    targets, weights = outputs_of(batch)
    if AFFECT in model.output and batch.votes is not None and batch.has_votes is not None:
        targets[AFFECT] = affect_targets(batch.votes, batch.has_votes)
        weights[AFFECT] = np.ones(len(batch.targets), np.float32)
    result = model.train_on_batch(prepared(batch.images), targets, sample_weight=weights, return_dict=True)
    return float(result["loss"])


def outputs_of(batch: Batch) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Give targets and sample weights by the names of the model's outputs."""
    targets = {"logits": batch.targets}
    weights = {"logits": np.ones(len(batch.targets), np.float32)}
    if batch.votes is not None and batch.has_votes is not None:
        targets["votes"], weights["votes"] = batch.votes, batch.has_votes
    return targets, weights


def affect_targets(votes: NDArray[Any], has_votes: NDArray[Any]) -> NDArray[np.float32]:
    """Put shares of votes at the published places of the words.

    Args:
        votes: (n, 8) counts or shares, in the order of `labels.EMOTIONS`.
        has_votes: (n,) 1, or 0 for a face that nobody voted on.

    Returns:
        (n, 3): valence, arousal, and `has_votes`, by which the loss leaves the others out.
    """
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
    return np.column_stack([valence_arousal(shares), has_votes]).astype(np.float32)


def measure(model: Any, faces: FaceSet) -> dict[str, float]:
    """Give accuracy and cross-entropy on the validation part, and the concordance of valence and arousal."""
    answers = predict_outputs(model, faces.images)
    surprise = -log_softmax(answers["logits"], axis=1)
    accuracy = float((surprise.argmin(axis=1) == faces.targets).mean())
    loss = float(surprise[np.arange(len(faces)), faces.targets].mean())
    found = {"validation_accuracy": accuracy, "validation_loss": loss}
    if AFFECT in answers and faces.votes is not None:
        found |= {
            f"validation_{name}": value for name, value in affect_figures(answers[AFFECT], faces).items()
        }
    return found


def affect_figures(affect: NDArray[np.float32], faces: FaceSet) -> dict[str, float]:
    """Give how well valence and arousal agree with what the votes make of them.

    Args:
        affect: (n, 2) a network's answers.
        faces: the n faces; those without votes count for nothing, and without any there are no figures.

    Returns:
        `ccc_valence` and `ccc_arousal`, -1 to 1.
    """
    if faces.votes is None:
        return {}
    votes = faces.votes[:, : len(EMOTIONS)]
    known = votes.sum(axis=1) > 0
    if not known.any():
        return {}
    targets = affect_targets(votes, known)[known, :2]
    agreement = concordance(affect[known], targets)
    return dict(zip(("ccc_valence", "ccc_arousal"), map(float, agreement), strict=True))


def predict_logits(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Run a network of ours over images; gives (n, k) logits."""
    return predict_outputs(model, images)["logits"]


def predict_outputs(model: Any, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Run a network of ours over images; gives its outputs by name."""
    parts = [model.predict_on_batch(chunk) for chunk in chunks(images)]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Cut images into batches that fit the memory, as the network takes them."""
    for start in range(0, len(images), _PREDICT_BATCH):
        yield prepared(images[start : start + _PREDICT_BATCH])


def prepared(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, h, w) uint8 to (n, h, w, 1) float32, 0 to 255: the network rescales by itself."""
    return images[..., None].astype(np.float32)


def fingerprint_of(recipe: Recipe, train: FaceSet) -> str:
    """Give a hash of the recipe and of the faces that it trains on; a teacher's part: see `taught_by`."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    digest.update(train.images.tobytes())
    digest.update(train.targets.tobytes())
    digest.update(b"" if train.votes is None else train.votes.tobytes())
    return digest.hexdigest()
