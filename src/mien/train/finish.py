"""From a trained network to a finished run: exported, calibrated, measured and described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mien.errors import DatasetError, ModelError
from mien.expression.calibration import fit_temperature, softmax, threshold_for
from mien.expression.network import MAPS, Answers, OnnxNetwork, find_network, load_network
from mien.expression.sidecar import (
    Effort,
    Head,
    NetworkInput,
    Presence,
    Sidecar,
    TrainedOn,
    sidecar_path,
    write_sidecar,
)
from mien.files import sha256_of, written_whole
from mien.labels import EMOTIONS, FER2013
from mien.processors import usable_cores
from mien.train.backend import versions
from mien.train.calibrate.sidecar import calibrated, uncalibrated
from mien.train.data.prepare import Prepared, prepare
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.decided import recalls_of
from mien.train.evaluate.evaluation import Evaluation, evaluate_answers, evaluate_logits
from mien.train.evaluate.validation import affect_figures
from mien.train.export.int8 import JointInt8Report, try_int8
from mien.train.export.write import deploy, outputs_of, write_deployed
from mien.train.recipe import JointRecipe, Recipe
from mien.train.report.run_report import write_joint_report, write_label_report
from mien.train.run_folder import LoopState

_CHECKED_FACES: Final = 256

Say = Callable[[str], None]

Measured = tuple[OnnxNetwork, dict[str, Answers], dict[str, Evaluation]]
"""A network with its calibrated sidecar, figures in it; its answers to the faces of "validation" and "test";
and the figures of both."""


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


def finish(
    recipe: Recipe,
    parts: Prepared,
    model: Any,
    state: LoopState,
    *,
    folder: Path,
    facts: tuple[TrainedOn, ...],
    say: Say,
) -> Run:
    """Export, calibrate, measure and describe a trained network.

    Args:
        recipe: what was done.
        parts: the data.
        model: the Keras network with the weights that are kept.
        state: where the loop stands.
        folder: the run's.
        facts: what it was trained on.
        say: called with one line for each step.
    """
    is_joint = isinstance(recipe, JointRecipe)
    kept = state.best_epoch if recipe.fit.patience is not None else state.epoch
    accuracy = state.history[kept - 1]["validation_accuracy"]
    say(f"kept: the running average of epoch {kept} of {state.epoch}, {accuracy:.2%} right on validation")
    deployed = deploy(model, recipe)
    labels = EMOTIONS if is_joint else parts.train.labels
    images = parts.validation.images[:_CHECKED_FACES]
    path, single, difference = write_deployed(deployed, folder, recipe.name, images, labels)
    say(f"the ONNX file answers as Keras does, within {difference:.1e}")
    int8 = _smaller(path, single, parts, say) if is_joint else None
    raw = _uncalibrated(recipe, path, deployed, labels, facts, state.effort)
    # Measured is what is given away: the exported file, not Keras's network.
    measure = calibrate_and_measure if is_joint else _calibrate_labels
    network, answers, found = measure(path.read_bytes(), raw, parts, seed=recipe.seed, say=say)
    write_sidecar(sidecar_path(path), network.sidecar)
    if int8 is not None:
        write_joint_report(
            folder, recipe=recipe, parts=parts, network=network,
            history=state.history, answers=answers, evaluations=found, int8=int8,
        )  # fmt: skip
    else:
        write_label_report(
            folder, recipe=recipe, parts=parts, sidecar=network.sidecar, history=state.history,
            logits={name: answer.logits for name, answer in answers.items()}, evaluations=found,
        )  # fmt: skip
    return Run(path, found["validation"], found["test"])


def _smaller(path: Path, single: bytes, parts: Prepared, say: Say) -> JointInt8Report:
    """Put the network in 8 bits in its place, where that pays."""
    small, report = try_int8(single, parts)
    say(
        f"int8: {report.ms_before:.2f} to {report.ms_after:.2f} ms a face, "
        f"{report.bytes_before / 1e6:.1f} to {report.bytes_after / 1e6:.1f} MB; "
        + ("kept" if report.pays else f"not kept ({', '.join(report.too_much_lost) or 'not faster'})")
    )
    if report.pays:
        with written_whole(path) as temporary:
            temporary.write_bytes(small)
    return report


def _uncalibrated(
    recipe: Recipe,
    path: Path,
    deployed: Any,
    labels: tuple[str, ...],
    facts: tuple[TrainedOn, ...],
    effort: Effort | None,
) -> Sidecar:
    is_joint = isinstance(recipe, JointRecipe)
    return Sidecar(
        name=recipe.name,
        description=recipe.description,
        labels=labels,
        outputs=tuple(name for name in outputs_of(deployed) if name != MAPS),
        input=NetworkInput(size_px=recipe.data.size_px),
        sha256=sha256_of(path),
        parameters=deployed.count_params(),
        fer2013=Head(labels=FER2013) if is_joint else None,
        presence=Presence() if is_joint else None,
        data=facts,
        effort=effort,
        licence="Apache-2.0",
        versions=versions(),
        created=datetime.now(UTC).replace(microsecond=0),
    )


def _calibrate_labels(graph: bytes, raw: Sidecar, parts: Prepared, *, seed: int, say: Say) -> Measured:
    """Fit temperature and threshold of a network for one label set; nothing is left to chance."""
    network = OnnxNetwork(graph, raw, threads=usable_cores())
    faces = {"validation": parts.validation, "test": parts.test}
    answers = {name: answer_all(network, part.images) for name, part in faces.items()}
    logits, targets = answers["validation"].logits, parts.validation.targets
    temperature = fit_temperature(logits, targets)
    confidence = softmax(logits, temperature).max(axis=1)
    threshold = threshold_for(confidence, logits.argmax(axis=1) == targets)
    say(f"temperature {temperature:.3f}; uncertain below {threshold:.3f}")
    found = {
        name: evaluate_logits(answers[name].logits, part, raw.labels, temperature, threshold)
        for name, part in faces.items()
    }
    metrics = {
        name: found[name].headline()
        | ({} if (affect := answers[name].affect) is None else affect_figures(affect, part))
        for name, part in faces.items()
    }
    known = {"temperature": temperature, "uncertain_below": threshold, "metrics": metrics}
    return OnnxNetwork(graph, raw.model_copy(update=known), threads=usable_cores()), answers, found


def calibrate_and_measure(graph: bytes, raw: Sidecar, parts: Prepared, *, seed: int, say: Say) -> Measured:
    """Fit all that stands in a joint network's sidecar on `validation`, and measure what a user gets then.

    Args:
        graph: the exported network.
        raw: its sidecar; calibration in it counts for nothing.
        parts: the data.
        seed: of what is left to chance.
        say: called with one line for each step.
    """
    threads = usable_cores()
    plain = OnnxNetwork(graph, uncalibrated(raw), threads=threads)
    sidecar = calibrated(plain, parts.validation, seed=seed)
    network = OnnxNetwork(graph, sidecar, threads=threads)
    say(f"temperature {sidecar.temperature:.3f}; measuring")
    faces = {"validation": parts.validation, "test": parts.test}
    answers = {name: answer_all(network, part.images) for name, part in faces.items()}
    found = {name: evaluate_answers(network, answers[name], part) for name, part in faces.items()}
    metrics = {
        name: {figure.name: figure.value for figure in found[name].figures if figure.value == figure.value}
        | recalls_of(sidecar, answers[name], part)
        for name, part in faces.items()
    }
    known = sidecar.model_copy(update={"metrics": metrics})
    return OnnxNetwork(graph, known, threads=threads), answers, found


def recalibrate(
    path: Path, recipe: JointRecipe, data: Path, *,
    votes: Path | None = None, landmarks: Path | None = None, say: Say = lambda line: None,
) -> dict[str, Evaluation]:  # fmt: skip
    """Calibrate an exported network anew, in place: its sidecar is replaced, its graph stays as it is.

    Args:
        path: the .onnx file; its sidecar stands beside it.
        recipe: that it was trained by, whose split says which faces it has not seen.
        data: that it was trained on.
        votes: FER+'s CSV, for a Kaggle CSV.
        landmarks: of the faces.
        say: called with one line for each step.

    Returns:
        The figures of "validation" and "test".

    Raises:
        DatasetError: the data can't be read, or has other labels or no votes.
        ModelError: the network or its sidecar is missing or damaged, or it isn't a joint network.
        OutputError: the sidecar can't be written.
    """
    loaded = load_network(path, threads=usable_cores())
    if not {"votes", "fer2013", "presence"} <= set(loaded.sidecar.outputs):
        raise ModelError(
            f"{path}: only a network that answers votes, fer2013 and presence can be calibrated, received one"
            f" with {', '.join(loaded.sidecar.outputs)}"
        )
    say(f"reading {data}")
    parts = prepare(recipe.data, data, seed=recipe.seed, votes=votes, landmarks=landmarks)
    check_joint(parts, data)
    say("calibrating")
    graph = find_network(path).read_bytes()
    network, _, found = calibrate_and_measure(graph, loaded.sidecar, parts, seed=recipe.seed, say=say)
    write_sidecar(sidecar_path(find_network(path)), network.sidecar)
    return found


def check_joint(parts: Prepared, data: Path) -> None:
    """Make sure that data can be learnt jointly.

    Raises:
        DatasetError: it has other labels than FER-2013, or no votes.
    """
    if parts.train.labels != FER2013:
        raise DatasetError(
            f"{data}: joint training learns FER-2013's classes: expected {', '.join(FER2013)}, received "
            f"{', '.join(parts.train.labels)}; use a recipe such as fer2013 for other labels"
        )
    if parts.train.votes is None:
        raise DatasetError(f"{data}: joint training learns FER+ votes, received none; give them with --votes")
