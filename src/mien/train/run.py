"""A whole training run: data in, a folder with everything that a reader of the figures needs out."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.expression.calibration import fit_temperature, softmax, threshold_for
from mien.expression.network import MAPS, Answers, OnnxNetwork
from mien.expression.sidecar import (
    Effort,
    NetworkInput,
    OutputName,
    Sidecar,
    TrainedOn,
    sidecar_path,
    write_sidecar,
)
from mien.files import sha256_of, write_json, written_whole
from mien.processors import usable_cores
from mien.train.backend import copy_weights, load_keras
from mien.train.checkpoint import LoopState
from mien.train.data import FaceSet
from mien.train.data.numbering import Names
from mien.train.data.prepare import Prepared, prepare
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.evaluation import Evaluation, evaluate_logits
from mien.train.export.write import write_network
from mien.train.fit import affect_figures, best_network, fit, teachers_of
from mien.train.joint.teachers import teachers_facts
from mien.train.loop import BEST, CHECKPOINT, Report
from mien.train.networks import choice, mobilenet
from mien.train.networks.parts import CLASS_MAPS
from mien.train.networks.scep import AFFECT
from mien.train.recipe import Recipe
from mien.train.report.run_report import write_run_report
from mien.train.run_folder import claim

_LIBRARIES = ("mien", "keras", "torch", "tensorflow-cpu", "tensorflow", "numpy", "onnx", "onnxruntime")
_CHECKED_FACES = 256

IMAGENET: Final = TrainedOn(
    name="ImageNet (the backbone's first weights)",
    terms="weights by the TensorFlow authors, Apache-2.0; ImageNet's images are for research",
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """What a finished run leaves.

    Attributes:
        network: the .onnx file; its sidecar stands beside it.
        validation: figures on the part that chose.
        test: figures on the part that is only reported.
    """

    network: Path
    validation: Evaluation
    test: Evaluation


def train(
    recipe: Recipe,
    data: Path,
    *,
    folder: Path,
    weights: Path | None = None,
    votes: Path | None = None,
    names: Names | None = None,
    terms: str = "see the data set",
    say: Say = lambda line: None,
    report: Report = lambda progress: None,
) -> Run:
    """Train as a recipe says; the same call goes on where a killed run stopped.

    Args:
        recipe: what to do.
        data: a data set that `datasets.load_dataset` reads.
        folder: the run's folder; made where it is missing.
        weights: ImageNet weights (.npz, or a weights file of Keras's MobileNet); None for Keras's download.
        votes: FER+'s CSV, for a Kaggle CSV.
        names: what class numbers mean, as in `datasets.load_dataset`.
        terms: under which terms the data may be used; stands in the sidecar.
        say: called with one line for each choice and each step.
        report: called after every step of the loop.

    Raises:
        ConfigError: Keras or its backend is missing.
        DatasetError: the data can't be read, doesn't fit, or the folder holds another run.
        ModelError: the weights can't be read, or the exported network does not answer as Keras does.
        OutputError: the folder can't be written.
    """
    say(f"recipe {recipe.name}, seed {recipe.seed}; reading {data}")
    parts = prepare(recipe, data, votes=votes, names=names)
    say_parts(parts, say)
    claim(folder, recipe)
    write_json(folder / "versions.json", versions())
    imagenet, source = _first_weights(recipe, weights, folder)
    say(f"backend {load_keras().backend.backend()}, first weights: {source}")
    try:
        model, state = fit(
            recipe, parts.train, parts.validation, folder=folder, imagenet=imagenet, report=report
        )
    except KeyboardInterrupt:
        if (folder / BEST).exists():
            model, state = best_network(recipe, parts.train, folder)
            finish(recipe, parts, model, state, folder=folder, data=data, terms=terms, say=say)
        raise
    return finish(recipe, parts, model, state, folder=folder, data=data, terms=terms, say=say)


def finish(
    recipe: Recipe,
    parts: Prepared,
    model: Any,
    state: LoopState,
    *,
    folder: Path,
    data: Path,
    terms: str,
    say: Say,
) -> Run:
    """Calibrate, export, measure and describe a trained network."""
    say(f"kept epoch {state.best_epoch} of {state.epoch}: {state.best_accuracy:.2%} on validation")
    deployed = deploy(model, recipe, len(parts.train.labels))
    with written_whole(folder / f"{recipe.name}.keras") as temporary:
        deployed.save(temporary)
    network = folder / f"{recipe.name}.onnx"
    images = parts.validation.images[:_CHECKED_FACES]
    difference = write_network(
        deployed,
        network,
        name=recipe.name,
        labels=parts.train.labels,
        images=images,
        outputs=tuple(deployed.output),
    )
    say(f"ONNX equals Keras within {difference:.1e}")

    uncalibrated = _uncalibrated(recipe, parts, network, deployed, data, terms, state.effort)
    # Measured is what is given away: the exported file, not Keras's network.
    shipped = OnnxNetwork(network.read_bytes(), uncalibrated, threads=usable_cores())
    answers = {
        "validation": answer_all(shipped, parts.validation.images),
        "test": answer_all(shipped, parts.test.images),
    }
    logits = {name: answer.logits for name, answer in answers.items()}
    sidecar, figures = _calibrated(uncalibrated, parts, answers)
    say(f"temperature {sidecar.temperature:.3f}; uncertain below {sidecar.uncertain_below:.3f}")
    write_sidecar(sidecar_path(network), sidecar)
    write_run_report(
        folder,
        recipe=recipe,
        parts=parts,
        sidecar=sidecar,
        history=state.history,
        logits=logits,
        evaluations=figures,
    )
    return Run(network, figures["validation"], figures["test"])


def _calibrated(
    sidecar: Sidecar, parts: Prepared, answers: dict[str, Answers]
) -> tuple[Sidecar, dict[str, Evaluation]]:
    """Fit temperature and threshold on validation; give the sidecar with them, and both parts' figures."""
    validation, targets = answers["validation"].logits, parts.validation.targets
    temperature = fit_temperature(validation, targets)
    confidence = softmax(validation, temperature).max(axis=1)
    threshold = threshold_for(confidence, validation.argmax(axis=1) == targets)
    figures = {
        name: evaluate_logits(answer.logits, getattr(parts, name), sidecar.labels, temperature, threshold)
        for name, answer in answers.items()
    }
    metrics = {
        name: figures[name].headline() | _affect(answer, getattr(parts, name))
        for name, answer in answers.items()
    }
    known = {"temperature": temperature, "uncertain_below": threshold, "metrics": metrics}
    return sidecar.model_copy(update=known), figures


def _uncalibrated(
    recipe: Recipe, parts: Prepared, network: Path, deployed: Any, data: Path, terms: str,
    effort: Effort | None,
) -> Sidecar:  # fmt: skip
    outputs: tuple[OutputName, ...] = ("logits", "affect") if AFFECT in deployed.output else ("logits",)
    return Sidecar(
        name=recipe.name,
        description=recipe.description,
        labels=parts.train.labels,
        outputs=outputs,
        input=NetworkInput(size_px=recipe.data.size_px),
        sha256=sha256_of(network),
        parameters=deployed.count_params(),
        data=(
            TrainedOn(name=data.name, terms=terms, sha256=sha256_of(data) if data.is_file() else None),
            *((IMAGENET,) if recipe.network.from_imagenet else ()),
            *teachers_facts(teachers_of(recipe)),
        ),
        effort=effort,
        licence="Apache-2.0",
        versions=versions(),
        created=datetime.now(UTC).replace(microsecond=0),
    )


def _affect(answers: Answers, faces: FaceSet) -> dict[str, float]:
    return {} if answers.affect is None else affect_figures(answers.affect, faces)


def deploy(model: Any, recipe: Recipe, classes: int) -> Any:
    """Build the network as it is given away: Keras's own layers, channels last, without the second target.

    Returns:
        A model with the output `logits`, and where the network has them `affect` (n, 2) and `maps`
        (n, classes, height, width), of which the logits are the means.
    """
    keras = load_keras()
    plain = choice.build(
        recipe.network,
        size_px=recipe.data.size_px,
        classes=classes,
        votes="votes" in model.output,
        layout="channels_last",
    )
    copy_weights(model, plain)
    outputs = {name: plain.output[name] for name in ("logits", AFFECT) if name in plain.output}
    if CLASS_MAPS in {layer.name for layer in plain.layers}:
        outputs[MAPS] = keras.layers.Permute((3, 1, 2), name=MAPS)(plain.get_layer(CLASS_MAPS).output)
    return keras.Model(plain.input, outputs, name=plain.name)


def versions() -> dict[str, str]:
    """Give the versions of what trained a network, by name."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _first_weights(
    recipe: Recipe, weights: Path | None, folder: Path
) -> tuple[mobilenet.Weights | None, str]:
    if not recipe.network.from_imagenet:
        return None, "chance"
    if (folder / CHECKPOINT).exists():
        return None, "the run's checkpoint"
    return mobilenet.read_imagenet(weights)


def say_parts(parts: Prepared, say: Say) -> None:
    """Tell what the data gives to learn from."""
    found = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in parts.cleaning.as_dict().items())
    say(f"cleaning: {found}")
    say(f"classes: {', '.join(f'{label} {count}' for label, count in parts.train.counts().items())}")
    say(
        f"train {len(parts.train)}, validation {len(parts.validation)}, test {len(parts.test)};"
        f" {parts.left_out} kept away from training as copies of test faces"
    )
    smallest = int(np.bincount(parts.train.targets, minlength=len(parts.train.labels)).min())
    if smallest < 50:
        say(f"warning: the smallest class has only {smallest} faces to learn from")
