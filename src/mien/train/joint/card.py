"""The model card of a jointly trained network."""

from __future__ import annotations

from collections.abc import Sequence

from mien.expression.sidecar import Sidecar
from mien.train.card import (
    FER2013_TERMS,
    LIMITS,
    MEANT_FOR,
    DataSummary,
    facts,
    percent,
    sources,
    split_section,
    table,
    weak_classes,
)
from mien.train.evaluation.evaluate import Evaluation
from mien.train.evaluation.figures import Figure
from mien.train.evaluation.metrics import Scores
from mien.train.evaluation.weak_places import WeakPlace
from mien.train.joint.int8 import JointInt8Report
from mien.train.joint.recipe import JointRecipe

_VALIDATION = (
    "fitted the calibration and the threshold; the running average at the end of the last epoch is kept"
)
_HOW_MEASURED = (
    "A face is read once; no figure here averages mirror images. The intervals are bootstrap intervals over"
    " faces."
)


def joint_card(
    sidecar: Sidecar,
    recipe: JointRecipe,
    data: DataSummary,
    found: Evaluation,
    ferplus: Scores,
    places: Sequence[WeakPlace],
    int8: JointInt8Report,
    *,
    part: str,
    command: str,
) -> str:
    """Write a network's model card.

    Args:
        sidecar: the facts about the network, calibrated.
        recipe: how it was trained.
        data: what it was trained on, in numbers.
        found: its figures on a part of the data that chose nothing.
        ferplus: the figures of the eight labels on that part.
        places: how it does on worse faces.
        int8: what 8 bits cost and gave.
        part: the name of that part.
        command: what measures the figures again.

    Returns:
        Markdown.
    """
    sections = (
        f"# Model card: {sidecar.name}",
        sidecar.description or "Reads expressions, landmarks and presence at once.",
        facts(sidecar),
        f"## Trained on\n\n{sources(sidecar)}\n\nOn the rights in FER-2013: {FER2013_TERMS}.\n\n"
        f"{split_section(data, part, _VALIDATION)}",
        f"## Recipe\n\n```json\n{recipe.model_dump_json(indent=1)}\n```",
        f"## Figures\n\n{_figures(found.figures, part)}\n\nMeasured by\n\n    {command}\n\n{_HOW_MEASURED}",
        f"### Speed and size\n\n{_speed(int8)}",
        f"### The eight labels, against the majority of ten people\n\n{_classes(ferplus)}",
        f"### FER-2013's classes\n\n{_classes(found.scores)}",
        f"## Calibration\n\n{_calibration(sidecar)}",
        f"## What it is not good at\n\n{weak_classes(data, found.scores)}\n{LIMITS}",
        f"### Worse faces\n\n{_worse(places, part)}",
        MEANT_FOR,
    )
    return "\n\n".join(section.rstrip() for section in sections) + "\n"


def _figures(figures: Sequence[Figure], part: str) -> str:
    rows = []
    for figure in figures:
        low, high = figure.interval
        value, low_text, high_text = (figure.shown(number) for number in (figure.value, low, high))
        rows.append((figure.name, value, f"{low_text} to {high_text}", f"{len(figure.faces):,}"))
    return table(("", part, "95 % interval", "faces"), rows)


def _speed(int8: JointInt8Report) -> str:
    what = "in 8-bit integers but for the last layers" if int8.pays else "in 16 bits, computed with 32"
    rows = [
        ("one face, one core, ONNX Runtime", f"{int8.ms_before:.2f} ms", f"{int8.ms_after:.2f} ms"),
        ("file", f"{int8.bytes_before / 1e6:.2f} MB", f"{int8.bytes_after / 1e6:.2f} MB"),
        *((name, f"{value:.4f}", f"{int8.after[name]:.4f}") for name, value in int8.before.items()),
    ]
    return (
        f"The weights are stored {what}. Both forms side by side, figures on validation, before calibration;"
        f" the fastest of a hundred runs on the machine that trained it:\n\n"
        f"{table(('', '32 bits', '8 bits'), rows)}"
    )


def _classes(scores: Scores) -> str:
    rows = [
        (row["label"], *(percent(row[name]) for name in ("precision", "recall", "f1")), f"{row['support']:,}")
        for row in scores.class_rows()
    ]
    return table(("class", "precision", "recall", "F1", "faces"), rows)


def _calibration(sidecar: Sidecar) -> str:
    lines = [
        "All of it was fitted on the validation part. The first two belong to the figures of one head; what a"
        " user gets is the decision out of both (docs/calibration.md).",
        f"- `votes`: temperature {sidecar.temperature:.3f}, biases {_numbers(sidecar.bias)}.",
    ]
    if head := sidecar.fer2013:
        lines.append(f"- `fer2013`: temperature {head.temperature:.3f}, biases {_numbers(head.bias)}.")
    if scale := sidecar.presence:
        lines.append(f"- `presence`: logistic of {scale.slope:.3f} x {scale.offset:+.3f}.")
    if decision := sidecar.decision:
        lines.append(
            f"- shares of people: `votes` at temperature {decision.shares_temperature:.3f}, biases"
            f" {_numbers(decision.shares_bias)}."
        )
        for what, model in (("a mix", decision.certainty), ("`photographs`", decision.shares_certainty)):
            lines.append(
                f"- confidence under {what}: logistic({model.intercept:.3f} {model.slope:+.3f} label"
                f" {model.presence:+.3f} presence {model.quality:+.3f} quality); `uncertain` below"
                f" {model.below:.3f}."
            )
    return "\n\n".join([lines[0], "\n".join(lines[1:])])


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:+.2f}" for value in values) or "none"


def _worse(places: Sequence[WeakPlace], part: str) -> str:
    kinds = dict.fromkeys((place.kind, place.unit) for place in places)
    rows = []
    for kind, unit in kinds:
        steps = [place for place in places if place.kind == kind]
        cells = [f"{place.step}: {place.right:.0%} ({place.labelled:.0%})" for place in steps]
        rows.append((kind, unit, ", ".join(cells)))
    most = max(place.faces for place in places)
    return (
        f"Faces of {part} (up to {most:,} that have a majority) made worse step by step. Each step gives the"
        " share of faces whose likeliest label is the majority's, and in brackets the share that gets a label"
        " at all. The turn of a head is guessed from the landmark teacher's nose and eyes; those faces are as"
        f" they are.\n\n{table(('what', 'steps count', 'step: right (gets a label)'), rows)}"
    )
