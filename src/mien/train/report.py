"""What a run leaves in its folder: figures as JSON and CSV, pictures, the log and the model card."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.expression.calibration import expected_calibration_error, softmax
from mien.expression.sidecar import Sidecar
from mien.files import write_json, write_text, written_whole
from mien.train import plots
from mien.train.card import DataSummary, model_card
from mien.train.datasets import FaceSet
from mien.train.evaluation.evaluate import Evaluation
from mien.train.evaluation.metrics import CALIBRATION_BINS, Scores
from mien.train.logs import History
from mien.train.prepare import Prepared
from mien.train.recipe import Recipe
from mien.train.sheets import most_confused_sheet
from mien.train.splits import SplitName

Logits = NDArray[np.floating[Any]]


def write_run_report(
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
    """Give the data set's own name ("PublicTest") where the split is its own."""
    return str(parts.test.usage[0]) if split == "official" else "test"


def _command(folder: Path, recipe: Recipe, sidecar: Sidecar) -> str:
    data = sidecar.data[0].name if sidecar.data else "DATA"
    return f"mien evaluate {folder / recipe.name}.onnx {data} --recipe {recipe.name} --split test"
