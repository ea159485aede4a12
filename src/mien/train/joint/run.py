"""A whole run of joint training: data in, a folder with everything that a reader of the figures needs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mien.errors import DatasetError, ModelError
from mien.expression.network import Answers, OnnxNetwork, find_network, load_network
from mien.expression.sidecar import (
    Head,
    NetworkInput,
    Presence,
    Sidecar,
    TrainedOn,
    sidecar_path,
    write_sidecar,
)
from mien.files import sha256_of, write_json, written_whole
from mien.labels import EMOTIONS, FER2013
from mien.processors import usable_cores
from mien.train.backend import copy_weights, graphics_card, load_keras
from mien.train.calibrate.sidecar import calibrated, uncalibrated
from mien.train.checkpoint import LoopState
from mien.train.data.prepare import Prepared, prepare
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.decided import recalls_of
from mien.train.evaluate.evaluation import Evaluation, evaluate_answers
from mien.train.export.int8 import JointInt8Report, try_int8
from mien.train.export.write import averaged_network, deploy, outputs_of, write_deployed
from mien.train.joint.fit import fit_jointly
from mien.train.joint.recipe import JointRecipe
from mien.train.joint.teachers import Teachers, teachers_facts
from mien.train.loop import CHECKPOINT, Report
from mien.train.networks import mobilenet
from mien.train.report.card import FER2013_TERMS
from mien.train.report.run_report import write_joint_report
from mien.train.run import IMAGENET, Run, Say, say_parts, versions
from mien.train.run_folder import claim

_CHECKED_FACES = 256


def train_jointly(
    recipe: JointRecipe,
    data: Path,
    *,
    folder: Path,
    votes: Path | None = None,
    landmarks: Path | None = None,
    weights: Path | None = None,
    start: Path | None = None,
    teachers: Sequence[Path] = (),
    terms: str = FER2013_TERMS,
    say: Say = lambda line: None,
    report: Report = lambda progress: None,
) -> Run:
    """Train as a recipe says; the same call goes on where a killed run stopped.

    Args:
        recipe: what to do.
        data: FER-2013 in any form that `datasets.load_dataset` reads.
        folder: the run's folder; made where it is missing.
        votes: FER+'s CSV, for a Kaggle CSV.
        landmarks: landmarks of the faces, see `datasets.landmarks`; without, that answer is left out.
        weights: of ImageNet; see `first_weights`.
        start: the .keras file of the run to go on from.
        teachers: networks (.onnx) whose answers are part of the targets.
        terms: under which terms the data may be used; stands in the sidecar.
        say: called with one line for each choice and each step.
        report: called after every step of the loop.

    Raises:
        ConfigError: Keras, its backend or scikit-image is missing.
        DatasetError: the data can't be read, has other labels or no votes, or the folder holds another run.
        ModelError: a teacher or the weights can't be read, or the exported network does not answer as Keras.
        OutputError: the folder can't be written.
    """
    say(f"recipe {recipe.name}, seed {recipe.seed}; reading {data}")
    parts = prepare(recipe, data, votes=votes, landmarks=landmarks)
    _check(parts, data)
    say_parts(parts, say)
    claim(folder, recipe)
    write_json(folder / "versions.json", versions())
    taught_by = Teachers(teachers, recipe.data.size_px, device=graphics_card()) if teachers else None
    prime, source = first_weights(recipe, folder, weights=weights, start=start)
    computes_on = graphics_card() or "the processor"
    say(f"backend {load_keras().backend.backend()} on {computes_on}, first weights: {source}")
    facts = _data_facts(recipe, data, landmarks, teachers, terms)
    try:
        model, state = fit_jointly(
            recipe,
            parts.train,
            parts.validation,
            folder=folder,
            teachers=taught_by,
            prime=prime,
            report=report,
        )
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            model, state = averaged_network(recipe, folder)
            finish(recipe, parts, model, state, folder=folder, facts=facts, say=say)
        raise
    return finish(recipe, parts, model, state, folder=folder, facts=facts, say=say)


def finish(
    recipe: JointRecipe,
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
        model: the Keras network with its final weights.
        state: where the loop stands.
        folder: the run's.
        facts: what it was trained on.
        say: called with one line for each step.
    """
    say(f"the running average after epoch {state.epoch}: {state.history[-1]['validation_accuracy']:.2%}")
    deployed = deploy(model, recipe)
    images = parts.validation.images[:_CHECKED_FACES]
    path, single, difference = write_deployed(deployed, folder, recipe.name, images)
    say(f"ONNX equals Keras within {difference:.1e}")
    int8 = _smaller(path, single, parts, say)
    raw = _uncalibrated(recipe, path, deployed, facts).model_copy(update={"effort": state.effort})
    graph, threads = path.read_bytes(), usable_cores()
    # Measured is what is given away: the exported file, not Keras's network.
    network, answers, found = calibrate_and_measure(
        graph, raw, parts, seed=recipe.seed, threads=threads, say=say
    )
    write_sidecar(sidecar_path(path), network.sidecar)
    write_joint_report(
        folder, recipe=recipe, parts=parts, network=network,
        history=state.history, answers=answers, evaluations=found, int8=int8,
    )  # fmt: skip
    return Run(path, found["validation"], found["test"])


def calibrate_and_measure(
    graph: bytes, raw: Sidecar, parts: Prepared, *, seed: int, threads: int, say: Say
) -> tuple[OnnxNetwork, dict[str, Answers], dict[str, Evaluation]]:
    """Fit all that stands in a sidecar on `validation`, and measure what a user gets then.

    Args:
        graph: the exported network.
        raw: its sidecar; calibration in it counts for nothing.
        parts: the data.
        seed: of what is left to chance.
        threads: for the network.
        say: called with one line for each step.

    Returns:
        The network with its calibrated sidecar, figures in it; the answers to the faces of "validation" and
        "test"; and the figures of both.
    """
    plain = OnnxNetwork(graph, uncalibrated(raw), threads=threads)
    sidecar = calibrated(plain, parts.validation, seed=seed)
    network = OnnxNetwork(graph, sidecar, threads=threads)
    say(f"temperature {sidecar.temperature:.3f}; measuring")
    answers = {name: answer_all(network, getattr(parts, name).images) for name in ("validation", "test")}
    found = {name: evaluate_answers(network, given, getattr(parts, name)) for name, given in answers.items()}
    metrics = {
        name: {figure.name: figure.value for figure in evaluation.figures if figure.value == figure.value}
        | recalls_of(sidecar, answers[name], getattr(parts, name))
        for name, evaluation in found.items()
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
    threads = usable_cores()
    loaded = load_network(path, threads=threads)
    if not {"votes", "fer2013", "presence"} <= set(loaded.sidecar.outputs):
        raise ModelError(
            f"{path}: only a network that answers votes, fer2013 and presence can be calibrated, received one"
            f" with {', '.join(loaded.sidecar.outputs)}"
        )
    say(f"reading {data}")
    parts = prepare(recipe, data, votes=votes, landmarks=landmarks)
    _check(parts, data)
    say("calibrating")
    network, _, found = calibrate_and_measure(
        find_network(path).read_bytes(), loaded.sidecar, parts, seed=recipe.seed, threads=threads, say=say
    )
    write_sidecar(sidecar_path(find_network(path)), network.sidecar)
    return found


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


def _check(parts: Prepared, data: Path) -> None:
    if parts.train.labels != FER2013:
        raise DatasetError(
            f"{data}: joint training learns FER-2013's classes: expected {', '.join(FER2013)}, received "
            f"{', '.join(parts.train.labels)}; take a recipe such as fer2013 for other labels"
        )
    if parts.train.votes is None:
        raise DatasetError(f"{data}: joint training learns FER+ votes, received none; give them with --votes")


def first_weights(
    recipe: JointRecipe, folder: Path, *, weights: Path | None = None, start: Path | None = None
) -> tuple[Callable[[Any], None], str]:
    """Find what a new network starts from.

    Args:
        recipe: of the run.
        folder: the run's; a checkpoint in it holds all weights already.
        weights: those of ImageNet for a MobileNet, None for Keras's download.
        start: the .keras file of an earlier run of the same network, which goes before them.

    Returns:
        What gives a network its first weights, and where they come from, for people.

    Raises:
        ModelError: the file holds no such weights.
    """
    part = recipe.network
    if (folder / CHECKPOINT).exists():
        return lambda model: None, "the run's checkpoint"
    if start is not None:
        return _earlier_run(start)
    if part.from_imagenet:
        imagenet, source = mobilenet.read_imagenet(weights)
        return lambda model: mobilenet.load_imagenet(model, imagenet, source), source
    return lambda model: None, "chance"


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


def _data_facts(
    recipe: JointRecipe, data: Path, landmarks: Path | None, teachers: Sequence[Path], terms: str
) -> tuple[TrainedOn, ...]:
    files = [TrainedOn(name=data.name, terms=terms, sha256=sha256_of(data) if data.is_file() else None)]
    if landmarks is not None:
        files.append(
            TrainedOn(name=landmarks.name, terms="landmarks of these faces", sha256=sha256_of(landmarks))
        )
    if recipe.network.from_imagenet:
        files.append(IMAGENET)
    return (*files, *teachers_facts(teachers))


def _uncalibrated(recipe: JointRecipe, path: Path, deployed: Any, facts: tuple[TrainedOn, ...]) -> Sidecar:
    return Sidecar(
        name=recipe.name,
        description=recipe.description,
        labels=EMOTIONS,
        outputs=outputs_of(deployed),
        input=NetworkInput(size_px=recipe.data.size_px),
        sha256=sha256_of(path),
        parameters=deployed.count_params(),
        fer2013=Head(labels=FER2013),
        presence=Presence(),
        data=facts,
        licence="Apache-2.0",
        versions=versions(),
        created=datetime.now(UTC).replace(microsecond=0),
    )
