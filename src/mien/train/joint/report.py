"""What a run of joint training leaves in its folder: figures, pictures, and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mien.expression.calibration import softmax
from mien.expression.decision import Decider
from mien.expression.network import Answers, OnnxNetwork
from mien.files import write_json, write_text
from mien.labels import EMOTIONS
from mien.train import plots
from mien.train.card import DataSummary
from mien.train.datasets import FaceSet
from mien.train.evaluation.answers import crop_quality
from mien.train.evaluation.evaluate import Evaluation
from mien.train.evaluation.figures import Index
from mien.train.evaluation.heads import HeadAnswers, heads_of
from mien.train.evaluation.metrics import Scores, ferplus_targets, score
from mien.train.evaluation.weak_places import WeakPlace, weak_places
from mien.train.joint.card import joint_card
from mien.train.joint.int8 import JointInt8Report
from mien.train.joint.recipe import JointRecipe
from mien.train.logs import History
from mien.train.prepare import Prepared
from mien.train.report import name_of_test, write_classes
from mien.train.sheets import most_confused_sheet


def write_joint_report(
    folder: Path,
    *,
    recipe: JointRecipe,
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
    places = weak_places(network, parts.test)
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
    _write_pictures(folder, network, history, parts, answers, evaluations, ferplus, places)


def ferplus_scores(head: HeadAnswers, faces: FaceSet) -> Scores:
    """Give the figures of each of the eight labels, against the majority of all faces that have one."""
    targets, mask = _majority(faces)
    return score(head.probabilities[mask], targets, EMOTIONS)


def _majority(faces: FaceSet) -> tuple[Index, Any]:
    targets, mask = ferplus_targets(faces.votes, "all")  # type: ignore[arg-type]
    return targets[mask], mask


def _write_pictures(
    folder: Path,
    network: OnnxNetwork,
    history: History,
    parts: Prepared,
    answers: Mapping[str, Answers],
    evaluations: Mapping[str, Evaluation],
    ferplus: Scores,
    places: list[WeakPlace],
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
        "weak_places.png": plots.weak_places_plot(places),
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
