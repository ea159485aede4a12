"""A whole run on clips: the table in; a network with its facts, its card and its figures out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.calibration import softmax
from mien.expression.sidecar import TrainedOn, sidecar_path
from mien.files import sha256_of, write_json, write_text, written_whole
from mien.train.backend import load_keras, versions
from mien.train.clip_recipe import ClipRecipe
from mien.train.clips.export import check_clips_against_keras, clips_to_onnx
from mien.train.clips.faces import ClipFaces, read_faces
from mien.train.clips.figures import ClipFigures, best_threshold
from mien.train.clips.fit import fit, predict
from mien.train.clips.table import SPLITS, read_clip_table
from mien.train.run_folder import CHECKPOINT, claim
from mien.videos.clip_network import ClipSidecar

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]

_CHECKED = 32

Scores = dict[str, NDArray[np.float64]]
"""The probability of the label, (n,), by what says it: each of the network's answers, `mean`, `maximum`."""


@dataclass(frozen=True)
class ClipRun:
    """What a finished run leaves.

    Attributes:
        network: the .onnx file; its sidecar and MODEL_CARD.md stand beside it.
        answer: the answer that counts.
        test: figures of each answer, and of the frame network's `mean` and `maximum`, on the test people.
    """

    network: Path
    answer: str
    test: dict[str, ClipFigures]


def train_clips(
    recipe: ClipRecipe,
    table_path: Path,
    *,
    folder: Path,
    terms: str | None = None,
    say: Say = lambda line: None,
    report: Callable[[float], None] = lambda done: None,
) -> ClipRun:
    """Train a network for clips.

    The faces of the clips are read once and kept in the folder, as is the state after each epoch, so that the
    same call goes on where the last one stopped; Ctrl-C during training leaves the best epoch's network.

    Args:
        recipe: what to do.
        table_path: CLIPS.csv, see `read_clip_table`.
        folder: of the run; made where it is missing.
        terms: under which terms the clips may be used; stands in the sidecar.
        say: called with one line for each step.
        report: called with the share of the run that is done.

    Raises:
        ConfigError: Keras or its backend is missing.
        DatasetError: the table or a clip can't be read, or doesn't do, or the folder holds another run.
        ModelError: the exported network does not answer as Keras does.
        OutputError: the folder can't be written.
    """
    data = recipe.data
    table = read_clip_table(table_path, label=data.label, validation=data.validation, test=data.test)
    load_keras()  # said before the clips are read, which may take hours
    claim(folder, recipe)
    say(f"reading the faces of {len(table)} clips")
    faces = read_faces(table, data, folder / "clips.npz", lambda done: report(done / 2))
    parts = {split: faces.take((table["split"].to_numpy() == split)[faces.rows]) for split in SPLITS}
    truths = {split: truth_of(table, part, data.label) for split, part in parts.items()}
    for split, truth in truths.items():
        say(f"{split}: {len(truth)} clips with a face, {truth.sum()} of them {data.label}")
        if truth.all() or not truth.any():
            raise DatasetError(f"{table_path}: the part {split} has clips with a face of one label only")

    def after_epoch(row: dict[str, float]) -> None:
        say(f"epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, validation {row['validation_loss']:.3f}")
        report(0.5 + row["epoch"] / recipe.fit.epochs / 2)

    learn = partial(
        fit, recipe, parts["train"], truths["train"], (parts["validation"], truths["validation"]),
        after_epoch, folder=folder,
    )  # fmt: skip
    try:
        model, _ = learn()
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            model, _ = learn(finished=True)
            _finish(model, recipe, table_path, folder, table, parts, truths, terms)
        raise
    return _finish(model, recipe, table_path, folder, table, parts, truths, terms)


def _finish(
    model: Any,
    recipe: ClipRecipe,
    table_path: Path,
    folder: Path,
    table: pd.DataFrame,
    parts: dict[str, ClipFaces],
    truths: dict[str, NDArray[np.bool_]],
    terms: str | None,
) -> ClipRun:
    """Choose thresholds, measure, export and describe a trained network."""
    scores = {split: scores_of(model, parts[split]) for split in ("validation", "test")}
    threshold = {
        name: best_threshold(score, truths["validation"]) for name, score in scores["validation"].items()
    }
    people = {split: table["person"].to_numpy(str)[part.rows] for split, part in parts.items()}
    found = {
        split: {
            name: ClipFigures.of(score, truths[split], people[split], threshold[name])
            for name, score in said.items()
        }
        for split, said in scores.items()
    }
    sidecar = _write_network(model, recipe, table_path, folder, parts, terms, threshold, found)
    _write_figures(folder, table, parts["test"], truths["test"], scores["test"], threshold, found)
    write_text(folder / "MODEL_CARD.md", card(sidecar, found["test"]))
    return ClipRun(folder / f"{recipe.name}.onnx", recipe.answer, found["test"])


def truth_of(table: pd.DataFrame, faces: ClipFaces, label: str) -> NDArray[np.bool_]:
    """Return whether each clip has the label."""
    return np.asarray((table["label"] == label).to_numpy()[faces.rows], bool)


def scores_of(model: Any, faces: ClipFaces) -> Scores:
    """Return what the network's answers and the frame network say of clips."""
    said: Scores = {name: softmax(logits)[:, 1] for name, logits in predict(model, faces).items()}
    return said | {"mean": faces.mean, "maximum": faces.maximum} if np.isfinite(faces.mean).all() else said


def _write_network(
    model: Any,
    recipe: ClipRecipe,
    table_path: Path,
    folder: Path,
    parts: dict[str, ClipFaces],
    terms: str | None,
    threshold: dict[str, float],
    found: dict[str, dict[str, ClipFigures]],
) -> ClipSidecar:
    path = folder / f"{recipe.name}.onnx"
    graph = clips_to_onnx(model, recipe).SerializeToString()
    with written_whole(path) as temporary:
        temporary.write_bytes(graph)
    sidecar = ClipSidecar(
        name=recipe.name,
        description=recipe.description,
        label=recipe.data.label,
        frames=recipe.data.frames,
        frames_per_second=recipe.data.frames_per_second,
        window_s=float(np.median(parts["train"].seconds)),
        answer=recipe.answer,
        threshold=threshold[recipe.answer],
        sha256=sha256_of(path),
        parameters=model.count_params(),
        data=(TrainedOn(name=table_path.name, terms=terms or "see the clips", sha256=sha256_of(table_path)),),
        metrics={
            split: {"accuracy": of[recipe.answer].accuracy, "auc": of[recipe.answer].auc or 0.0}
            for split, of in found.items()
        },
        licence=terms or "as the clips",
        versions=versions(),
        created=datetime.now(UTC).replace(microsecond=0),
    )
    write_json(sidecar_path(path), sidecar.model_dump(mode="json"))
    check_clips_against_keras(
        model, graph, sidecar, parts["validation"].take(np.arange(len(parts["validation"].rows)) < _CHECKED)
    )
    return sidecar


def _write_figures(
    folder: Path,
    table: pd.DataFrame,
    faces: ClipFaces,
    truth: NDArray[np.bool_],
    scores: Scores,
    threshold: dict[str, float],
    found: dict[str, dict[str, ClipFigures]],
) -> None:
    """Write what was measured, and each test clip's scores, from which groups are measured later."""
    figures = {split: {name: asdict(one) for name, one in of.items()} for split, of in found.items()}
    write_json(folder / "figures.json", {"threshold": threshold, **figures})
    rows = table.iloc[faces.rows].assign(truth=truth, **scores)
    with written_whole(folder / "test.csv") as temporary:
        rows.to_csv(temporary, index=False)


def card(sidecar: ClipSidecar, test: dict[str, ClipFigures]) -> str:
    """Return the model card."""
    lines = [
        f"# Model card: {sidecar.name}", "", sidecar.description, "",
        f"Tells {sidecar.label} from everything else in a clip of one face, by {sidecar.frames} frames.",
        "It says what a face shows, not what somebody feels.", "",
        f"- parameters: {sidecar.parameters:,}; licence: {sidecar.licence}",
        *(f"- trained on {each.name}; terms: {each.terms}" for each in sidecar.data), "",
        "## Figures on people that it has not learnt from", "",
        *figures_table(test, sidecar.answer), "",
        "Intervals (95 %) are over people. Thresholds were chosen on the validation people.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def figures_table(figures: dict[str, ClipFigures], answer: str) -> list[str]:
    """Return a Markdown table, a row for each answer; the one that counts is marked."""
    words = {
        "frames": "3-D network and LSTM alone", "distances": "distances to the nose alone",
        "features": "fused by features", "decisions": "fused by decisions",
        "mean": "frame network, mean", "maximum": "frame network, maximum",
    }  # fmt: skip
    lines = [
        "| answer | AUC | 95 % | accuracy | 95 % | clips | people |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, each in figures.items():
        shown = f"**{words.get(name, name)}**" if name == answer else words.get(name, name)
        area = "" if each.auc is None else f"{each.auc:.3f}"
        lines.append(
            f"| {shown} | {area} | {_span(each.auc_interval, '.3f')} | {each.accuracy:.1%} |"
            f" {_span(each.accuracy_interval, '.1%')} | {each.count} | {each.people} |"
        )
    return lines


def _span(interval: tuple[float, float] | None, shape: str) -> str:
    return "" if interval is None else f"{interval[0]:{shape}} to {interval[1]:{shape}}"
