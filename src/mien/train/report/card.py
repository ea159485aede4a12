"""The model card: what a network is, what it was measured to do, and what it is not for, in plain English.

After Mitchell et al. (2019), Model cards for model reporting, arXiv:1810.03993.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, standard_label
from mien.train.data.cleaning import CleaningReport
from mien.train.data.prepare import Prepared, SplitName
from mien.train.evaluate.evaluation import Evaluation
from mien.train.evaluate.figures import Figure
from mien.train.evaluate.metrics import Interval, Scores
from mien.train.evaluate.robustness import RobustnessStep
from mien.train.export.int8 import JointInt8Report
from mien.train.recipe import Recipe

FER2013_TERMS: Final = (
    "the images were collected by an image search, and who holds the rights in them is unclear; "
    "published for research (Goodfellow et al. 2013)"
)
"""What can be said about the terms of FER-2013, for the sidecar of a network that was trained on it."""

_SMALL_SHARE: Final = 0.05
"""A class with less than this share of the training faces is called small."""

MEANT_FOR: Final = """\
## Meant for

Research, teaching, and keeping a record of the expressions that faces show in photographs and video, with
the knowledge of the people in them. It reads what a face shows, one picture at a time; it does not know what
a person feels. `uncertain` is an answer.

## Not meant for

- Judging workers, applicants, pupils or students. In the European Union that is against the law.
- Detecting lies, intentions or danger; picking out suspects; deciding about anybody.
- Diagnosis. A low or high share of an expression is a reason to talk, not a finding.
- Finding out who somebody is.
"""

LIMITS: Final = """\
- Faces in profile, partly covered faces, and very small, dark or blurred ones: the training faces look mostly
  to the front. Mind the `quality` column.
- Everyday expression. Many of the training faces are posed, or were photographed at their strongest moment,
  so slight expressions are read as neutral, or wrongly.
- Groups of people. The training data has no labels for age, sex or skin colour. What was measured on other
  people stands under "Groups of people", where it was; `mien evaluate NETWORK PHOTOGRAPHS --by COLUMN`
  measures it on yours. Labels of faces differ between cultures too.
- Labels are opinions. They were given by a few people who looked at one picture; where people disagree, so
  will the network.
"""

_VALIDATION = (
    "fitted the calibration and the threshold; the running average at the end of the last epoch is kept"
)
_HOW_MEASURED = (
    "A face is read once; no figure here averages mirror images. The intervals are bootstrap intervals over"
    " faces."
)


@dataclass(frozen=True)
class DataSummary:
    """The data behind a network, in numbers.

    Attributes:
        split: how the data was cut; see `splits.make_split`.
        train: faces of each class that it learnt from.
        validation: faces of each class that chose the epoch, the temperature and the threshold.
        test: faces of each class that it was measured on.
        left_out: faces kept away from training since a copy of them is in a test part.
        cleaning: what cleaning found before the split.
    """

    split: SplitName
    train: dict[str, int]
    validation: dict[str, int]
    test: dict[str, int]
    left_out: int
    cleaning: CleaningReport

    @classmethod
    def of(cls, prepared: Prepared, split: SplitName) -> DataSummary:
        """Count the faces of data that has been read, cleaned, and split in this way."""
        parts = (prepared.train.counts(), prepared.validation.counts(), prepared.test.counts())
        return cls(split, *parts, prepared.left_out, prepared.cleaning)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as a dictionary for JSON."""
        return asdict(self)


def model_card(
    sidecar: Sidecar, data: DataSummary, scores: Scores, *, part: str, error_before: float, command: str
) -> str:
    """Write a network's model card.

    Args:
        sidecar: the facts about the network.
        data: what it was trained on, in numbers.
        scores: its figures, with calibrated probabilities, on a part of the data that chose nothing.
        part: the name of that part.
        error_before: expected calibration error on that part at temperature 1.
        command: what measures the figures again.

    Returns:
        Markdown.
    """
    sections = (
        f"# Model card: {sidecar.name}",
        sidecar.description or "An expression network.",
        _facts(sidecar),
        f"## Trained on\n\n{_sources(sidecar)}\n\n{_split_section(data, part)}",
        f"## Figures\n\n{_label_figures(scores, part, command)}",
        f"## Calibration\n\n{_calibration(sidecar, scores, error_before)}",
        f"## What it is not good at\n\n{_weak_classes(data, scores)}\n{LIMITS}",
        MEANT_FOR,
    )
    return "\n\n".join(section.rstrip() for section in sections) + "\n"


def _facts(sidecar: Sidecar) -> str:
    """What the network is, as a table."""
    side = sidecar.size_px
    libraries = ", ".join(f"{name} {version}" for name, version in sidecar.versions.items())
    rows = [
        ("reads", f"{len(sidecar.labels)} expressions: {', '.join(sidecar.labels)}"),
        (
            "input",
            f"a {sidecar.input.colour} face of {side}x{side} pixels, framed like {sidecar.input.framing}",
        ),
        ("parameters", f"{sidecar.parameters:,}"),
        ("licence", sidecar.licence),
        ("made", f"{sidecar.created:%Y-%m-%d}" + (f" with {libraries}" if libraries else "")),
        ("SHA-256", f"`{sidecar.sha256}`"),
    ]
    return table(("", ""), rows)


def _sources(sidecar: Sidecar) -> str:
    """What it was trained on, and under which terms."""
    if not sidecar.data:
        return "Not stated."
    return "\n".join(
        f"- **{each.name}**. Terms: {each.terms}" + (f" (SHA-256 `{each.sha256}`)" if each.sha256 else "")
        for each in sidecar.data
    )


def _split_section(
    data: DataSummary,
    part: str,
    chosen: str = "chose the epoch that was kept, the temperature and the threshold",
) -> str:
    """How the data was cleaned and cut, in numbers, and what the validation part was for."""
    report = data.cleaning
    rows = [
        (label, f"{n:,}", f"{data.validation[label]:,}", f"{data.test[label]:,}")
        for label, n in data.train.items()
    ]
    sums = (f"{sum(counts.values()):,}" for counts in (data.train, data.validation, data.test))
    counts = table(("class", "training", "validation", part), [*rows, ("all", *sums)])
    return (
        f"Faces read: {report.read:,}. Left out: {report.unreadable:,} unreadable, {report.unlabelled:,}"
        f" without a label, {report.constant:,} empty. Exact copies of another face: {report.exact_copies:,};"
        f" the same photograph cropped again: {report.near_copies:,} more. Groups of copies:"
        f" {report.groups:,}. {_copies(data)}\n\n{counts}\n\nThe validation part {chosen}. The"
        f" {part} part chose nothing."
    )


def _copies(data: DataSummary) -> str:
    if data.split == "random":
        return "The split is random: copies of a face stand on both sides, which flatters the figures."
    if data.split == "grouped":
        return "A group never stands on both sides."
    return (
        f"A group never stands on both sides: {data.left_out:,} faces were kept away from training for that."
    )


def _label_figures(scores: Scores, part: str, command: str) -> str:
    """Accuracy, macro-F1, and the figures of each class."""
    summary = table(
        ("", part, "95 % interval"),
        [
            ("faces", f"{scores.count:,}", ""),
            ("accuracy", percent(scores.accuracy), _interval(scores.accuracy_interval)),
            ("macro-F1", percent(scores.macro_f1), _interval(scores.macro_f1_interval)),
        ],
    )
    return (
        f"{summary}\n\nMeasured by\n\n    {command}\n\nThe intervals are bootstrap intervals over faces: they"
        f" say how far other faces of the same kind could move the figure, not how far another training run"
        f" could.\n\n{_classes(scores)}"
    )


def _calibration(sidecar: Sidecar, scores: Scores, error_before: float) -> str:
    before, after = percent(error_before), percent(scores.calibration_error)
    text = (
        f"Temperature {sidecar.temperature:.3f}, fitted on the validation part. Expected calibration error"
        f" (15 bins): {before} before, {after} after. Mean negative log-likelihood"
        f" {scores.negative_log_likelihood:.3f}."
    )
    if not sidecar.uncertain_below:
        return f"{text} Every face gets a label."
    threshold = f"{sidecar.uncertain_below:.2f}"
    return f"{text} A face is called `uncertain` where its highest probability is below {threshold}."


def _weak_classes(data: DataSummary, scores: Scores) -> str:
    """The classes that it is worst at, those with few faces, and those that it does not know."""
    occurring = np.flatnonzero(scores.support)
    weakest = occurring[np.argsort(scores.f1[occurring], kind="stable")[:3]]
    named = ", ".join(f"{scores.labels[i]} (F1 {percent(scores.f1[i])})" for i in weakest)
    lines = [f"- Its weakest classes are {named}. {_mix_ups(scores)}".rstrip()]
    total = sum(data.train.values())
    small = [f"{label} ({n:,})" for label, n in data.train.items() if n < _SMALL_SHARE * total]
    if small:
        lines.append(f"- Small classes, with few faces to learn from: {', '.join(small)}.")
    known = {standard_label(label) for label in scores.labels}
    missing = [label for label in EMOTIONS if label not in known]
    if missing and known <= set(EMOTIONS):
        lines.append(f"- These classes have no {_listed(missing)}: such a face gets one of the others.")
    return "\n".join(lines)


def _mix_ups(scores: Scores) -> str:
    shares = scores.confusion / np.maximum(scores.support, 1)[:, None]
    np.fill_diagonal(shares, 0)
    most = np.argsort(-shares, axis=None, kind="stable")[:3]
    places = [(row, column) for row, column in zip(*np.unravel_index(most, shares.shape), strict=True)]
    pairs = [
        f"{scores.labels[row]} as {scores.labels[column]} ({percent(shares[row, column])})"
        for row, column in places
        if shares[row, column] > 0
    ]
    return f"It most often takes {', '.join(pairs)}." if pairs else ""


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def percent(share: float) -> str:
    """Write a share as the card does."""
    return f"{100 * share:.1f} %"


def _interval(interval: Interval) -> str:
    return f"{100 * interval[0]:.1f} to {percent(interval[1])}"


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def joint_card(
    sidecar: Sidecar,
    recipe: Recipe,
    data: DataSummary,
    found: Evaluation,
    ferplus: Scores,
    places: Sequence[RobustnessStep],
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
        _facts(sidecar),
        f"## Trained on\n\n{_sources(sidecar)}\n\nOn the rights in FER-2013: {FER2013_TERMS}.\n\n"
        f"{_split_section(data, part, _VALIDATION)}",
        f"## Recipe\n\n```json\n{recipe.model_dump_json(indent=1)}\n```",
        f"## Figures\n\n{_figures(found.figures, part)}\n\nMeasured by\n\n    {command}\n\n{_HOW_MEASURED}",
        f"### Speed and size\n\n{_speed(int8)}",
        f"### The eight labels, against the majority of ten people\n\n{_classes(ferplus)}",
        f"### FER-2013's classes\n\n{_classes(found.scores)}",
        f"## Calibration\n\n{_joint_calibration(sidecar)}",
        f"## What it is not good at\n\n{_weak_classes(data, found.scores)}\n{LIMITS}",
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


def _joint_calibration(sidecar: Sidecar) -> str:
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


def _worse(places: Sequence[RobustnessStep], part: str) -> str:
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
