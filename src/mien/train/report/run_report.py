"""What a run leaves in its folder: figures as JSON and CSV, pictures, the log and the model card."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.expression.calibration import expected_calibration_error, softmax
from mien.expression.decision import Decider
from mien.expression.network import Answers, OnnxNetwork
from mien.expression.sidecar import Sidecar
from mien.files import write_json, write_text, written_whole
from mien.labels import EMOTIONS
from mien.train.data import FaceSet
from mien.train.data.prepare import Prepared, SplitName
from mien.train.evaluate.answers import crop_quality
from mien.train.evaluate.evaluation import Evaluation
from mien.train.evaluate.figures import Index
from mien.train.evaluate.metrics import CALIBRATION_BINS, Scores, ferplus_targets, score
from mien.train.evaluate.outputs import HeadAnswers, heads_of
from mien.train.evaluate.robustness import RobustnessStep, measure_robustness
from mien.train.export.int8 import JointInt8Report
from mien.train.recipe import Recipe
from mien.train.report import plots
from mien.train.report.card import DataSummary, joint_card, model_card
from mien.train.report.plots import most_confused_sheet
from mien.train.run_folder import History

Logits = NDArray[np.floating[Any]]


def write_label_report(
    folder: Path,
    *,
    recipe: Recipe,
    parts: Prepared,
    sidecar: Sidecar,
    history: History,
    logits: Mapping[str, Logits],
    evaluations: Mapping[str, Evaluation],
) -> dict[str, Any]:
    """Write all that a finished run has to say about itself.

    The folder gets metrics.json, classes.csv, learning.png, confusion.png, reliability.png,
    risk_coverage.png, confused.png and MODEL_CARD.md; the log is written by the loop, after every epoch.

    Args:
        folder: the run's.
        recipe: what was done.
        parts: the data.
        sidecar: the facts about the network, with its temperature and threshold.
        history: one row for each epoch with `epoch`, `loss`, `validation_loss` and `validation_accuracy`.
        logits: (n, k) for "validation" and "test", not yet divided by the temperature.
        evaluations: the figures of "validation" and "test".

    Returns:
        What metrics.json holds.

    Raises:
        OutputError: a file can't be written.
    """
    summary = DataSummary.of(parts, recipe.data.split)
    error_before = {
        name: expected_calibration_error(softmax(logits[name]), faces.targets, CALIBRATION_BINS)
        for name, faces in _measured(parts).items()
    }
    metrics: dict[str, Any] = {
        "recipe": recipe.name,
        "temperature": sidecar.temperature,
        "uncertain_below": sidecar.uncertain_below,
        "data": summary.as_dict(),
    }
    for name, error in error_before.items():
        metrics[name] = {**evaluations[name].as_dict(), "calibration_error_before": error}
    scores = evaluations["test"].scores
    card = model_card(
        sidecar, summary, scores, part=name_of_test(parts, recipe.data.split),
        error_before=error_before["test"], command=_command(folder, recipe, sidecar),
    )  # fmt: skip
    write_json(folder / "metrics.json", metrics)
    write_classes(folder / "classes.csv", scores)
    write_text(folder / "MODEL_CARD.md", card)
    _write_pictures(folder, sidecar, history, parts, logits, scores)
    return metrics


def write_classes(path: Path, scores: Scores) -> None:
    """Write the figures of each class as CSV: label, precision, recall, f1, support.

    Raises:
        OutputError: it can't be written.
    """
    rows = scores.class_rows()
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_pictures(
    folder: Path,
    sidecar: Sidecar,
    history: History,
    parts: Prepared,
    logits: Mapping[str, Logits],
    scores: Scores,
) -> None:
    faces, p = parts.test, softmax(logits["test"], sidecar.temperature)
    curves = {
        name: (softmax(logits[name], sidecar.temperature), part.targets)
        for name, part in _measured(parts).items()
    }
    pictures = {
        "learning.png": plots.learning_curves(history),
        "confusion.png": plots.confusion_plot(scores),
        "reliability.png": plots.reliability_plot(softmax(logits["test"]), p, faces.targets),
        "risk_coverage.png": plots.risk_coverage_plot(curves, sidecar.uncertain_below),
        "confused.png": most_confused_sheet(faces.images, p, faces.targets, faces.labels),
    }
    for name, figure in pictures.items():
        plots.save_figure(folder / name, figure)


def _measured(parts: Prepared) -> dict[str, FaceSet]:
    return {"validation": parts.validation, "test": parts.test}


def name_of_test(parts: Prepared, split: SplitName) -> str:
    """Return the data set's own name ("PublicTest") where the split is its own."""
    return str(parts.test.usage[0]) if split == "official" else "test"


def _command(folder: Path, recipe: Recipe, sidecar: Sidecar) -> str:
    data = sidecar.data[0].name if sidecar.data else "DATA"
    return f"mien evaluate {folder / recipe.name}.onnx {data} --recipe {recipe.name} --split test"


def write_joint_report(
    folder: Path,
    *,
    recipe: Recipe,
    parts: Prepared,
    network: OnnxNetwork,
    history: History,
    answers: Mapping[str, Answers],
    evaluations: Mapping[str, Evaluation],
    int8: JointInt8Report,
) -> None:
    """Write all that a finished run has to say about itself.

    The folder gets metrics.json, classes.csv, the plots and MODEL_CARD.md.

    Args:
        folder: the run's.
        recipe: what was done.
        parts: the data.
        network: as exported, with its calibrated sidecar.
        history: one row for each epoch.
        answers: the network's, to the faces of "validation" and "test".
        evaluations: the figures of both.
        int8: what 8 bits cost and gave.

    Raises:
        OutputError: a file can't be written.
    """
    summary = DataSummary.of(parts, recipe.data.split)
    heads = {head.name: head for head in heads_of(network.sidecar, answers["test"])}
    ferplus = ferplus_scores(heads["votes"], parts.test)
    places = measure_robustness(network, parts.test)
    metrics: dict[str, Any] = {
        "recipe": recipe.name,
        "data": summary.as_dict(),
        "calibration": network.sidecar.model_dump(
            mode="json", include={"temperature", "bias", "fer2013", "presence", "decision"}
        ),
        **{name: evaluation.as_dict() for name, evaluation in evaluations.items()},
        "ferplus_classes": ferplus.class_rows(),
        "int8": int8.as_dict(),
        "weak_places": [place.as_dict() for place in places],
    }
    write_json(folder / "metrics.json", _without_nan(metrics))
    write_classes(folder / "classes.csv", evaluations["test"].scores)
    command = (
        f"mien evaluate {folder / recipe.name}.onnx {network.sidecar.data[0].name} --recipe {recipe.name}"
    )
    card = joint_card(
        network.sidecar, recipe, summary, evaluations["test"], ferplus, places,
        int8, part=name_of_test(parts, recipe.data.split), command=f"{command} --split test",
    )  # fmt: skip
    write_text(folder / "MODEL_CARD.md", card)
    _write_joint_pictures(folder, network, history, parts, answers, evaluations, ferplus, places)


def ferplus_scores(head: HeadAnswers, faces: FaceSet) -> Scores:
    """Return the figures of each of the eight labels, against the majority of all faces that have one."""
    targets, mask = _majority(faces)
    return score(head.probabilities[mask], targets, EMOTIONS)


def _majority(faces: FaceSet) -> tuple[Index, Any]:
    targets, mask = ferplus_targets(faces.votes, "all")  # type: ignore[arg-type]
    return targets[mask], mask


def _write_joint_pictures(
    folder: Path,
    network: OnnxNetwork,
    history: History,
    parts: Prepared,
    answers: Mapping[str, Answers],
    evaluations: Mapping[str, Evaluation],
    ferplus: Scores,
    places: list[RobustnessStep],
) -> None:
    sidecar, faces = network.sidecar, parts.test
    heads = {head.name: head for head in heads_of(sidecar, answers["test"])}
    majority, mask = _majority(faces)
    targets = {"votes": (majority, mask), "fer2013": (faces.targets, np.ones(len(faces), bool))}
    pictures = {
        "learning.png": plots.learning_curves(history),
        "confusion.png": plots.confusion_plot(evaluations["test"].scores),
        "confusion_votes.png": plots.confusion_plot(ferplus),
        "risk_coverage.png": _risk_coverage(network, parts, answers),
        "weak_places.png": plots.robustness_plot(places),
        "confused.png": most_confused_sheet(
            faces.images, heads["fer2013"].probabilities, faces.targets, faces.labels
        ),
    }
    for name, (right, kept) in targets.items():
        before, after = softmax(heads[name].logits[kept]), heads[name].probabilities[kept]
        pictures[f"reliability_{name}.png"] = plots.reliability_plot(before, after, right)
    for name, figure in pictures.items():
        plots.save_figure(folder / name, figure)


def _risk_coverage(network: OnnxNetwork, parts: Prepared, answers: Mapping[str, Answers]) -> Any:
    """The label that most people would choose, by its confidence, against the FER+ majority."""
    curves = {}
    for name, faces in {"validation": parts.validation, "test": parts.test}.items():
        quality = crop_quality(faces.images, answers[name])
        said = Decider(network.sidecar, "photographs").decide(answers[name], quality)
        majority, mask = _majority(faces)
        curves[name] = (said.confidence[mask], said.leading[mask] == majority)
    decision = network.sidecar.decision
    return plots.sureness_plot(curves, decision.shares_certainty.below if decision else 0.0)


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN; what could not be measured is null."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value
