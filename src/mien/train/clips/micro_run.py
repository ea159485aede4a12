"""A whole run on micro-expressions: everybody is left out once, and the figures are pooled over all of them.

The protocol is that of the Micro-Expression Grand Challenge 2019: leave-one-subject-out over all data sets
together, then unweighted F1 (UF1) and unweighted average recall (UAR) from the counts of all folds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.config import load_settings
from mien.errors import DatasetError
from mien.expression.sidecar import NetworkInput, Sidecar, TrainedOn, sidecar_path, write_sidecar
from mien.files import sha256_of, write_json, write_text, written_whole
from mien.pipeline import Pipeline
from mien.train.backend import copy_weights, load_keras, versions
from mien.train.clips.loop import fingerprint
from mien.train.clips.micro_table import MicroExpression, frame_in, read_micro
from mien.train.export.write import write_network
from mien.train.fit import prepared
from mien.train.micro_recipe import MICRO_CLASSES, MicroRecipe
from mien.train.run_folder import CHECKPOINT, LoopState, claim, load_checkpoint, save_checkpoint
from mien.videos.micro_picture import difference_of_pictures, differences_in_film

Say = Callable[[str], None]
Pictures = NDArray[np.uint8]

_PICTURES: Final = "pictures.npz"
_MOMENTUM: Final = 0.9
"""Of the normalisations: a fold has a few hundred steps, in which 0.99 forgets the beginning too slowly."""


@dataclass(frozen=True)
class MicroFigures:
    """Figures over n micro-expressions.

    Attributes:
        count, people: how many.
        uf1: mean over the classes of F1, from the counts of all folds.
        uar: mean over the classes of the share that is found.
        recall: that share of each class; None where there is none of it.
    """

    count: int
    people: int
    uf1: float
    uar: float
    recall: dict[str, float | None]


@dataclass(frozen=True)
class MicroRun:
    """What a finished run leaves.

    Attributes:
        network: the .onnx file, learnt from everybody; its sidecar and MODEL_CARD.md stand beside it.
        figures: of people who were left out, "all" and by data set.
    """

    network: Path
    figures: dict[str, MicroFigures]


def train_micro(
    recipe: MicroRecipe,
    where: Path,
    *,
    folder: Path,
    terms: str | None = None,
    say: Say = lambda line: None,
    report: Callable[[float], None] = lambda done: None,
) -> MicroRun:
    """Measure a recipe on micro-expressions, everybody left out once, then train it on all of them.

    The pictures are kept in the folder, as is what was said of each person, so that the same call goes on
    after the last person who is done.

    Args:
        recipe: what to do.
        where: see `read_micro`.
        folder: of the run; made where it is missing.
        terms: under which terms the films may be used.
        say: called with one line for each step.
        report: called with the share that is done.

    Raises:
        ConfigError: Keras or its backend is missing.
        DatasetError: the tables or films can't be read or don't do, or the folder holds another run.
        ModelError: the exported network does not answer as Keras does.
        OutputError: the folder can't be written.
    """
    everything = read_micro(where, recipe.data.classes)
    load_keras()  # said before the clips are read, which may take hours
    claim(folder, recipe)
    say(f"reading {len(everything)} micro-expressions")
    pictures, read = read_pictures(everything, recipe, folder / _PICTURES, lambda done: report(done / 3))
    shown = [each for each, there in zip(everything, read, strict=True) if there]
    if len(shown) < len(everything):
        say(f"{len(everything) - len(shown)} without a face or without their frames are left out")
    truth = np.array([MICRO_CLASSES.index(each.label) for each in shown], np.int64)
    people = np.array([each.person for each in shown])
    if len(set(people)) < 2 or len(set(truth.tolist())) < 2:
        raise DatasetError(f"{where}: expected faces of two people and two classes at least")
    learner = _Learner(recipe)
    said = _left_out_once(
        learner, pictures, truth, people, folder, say, lambda done: report((1 + 2 * done) / 3)
    )
    figures = {"all": megc_figures(truth, said, people)}
    databases = np.array([each.database for each in shown])
    if len(set(databases)) > 1:
        for name in sorted(set(databases)):
            of = databases == name
            figures[name] = megc_figures(truth[of], said[of], people[of])
    learner.learn(pictures, truth, len(set(people)))
    data = TrainedOn(
        name=where.name, terms=terms or "see the films", sha256=sha256_of(where) if where.is_file() else None
    )
    path = _write(learner.model, recipe, folder, pictures, figures, data)
    write_json(folder / "figures.json", {name: asdict(each) for name, each in figures.items()})
    return MicroRun(path, figures)


def read_pictures(
    expressions: Sequence[MicroExpression], recipe: MicroRecipe, kept: Path, report: Callable[[float], None]
) -> tuple[Pictures, NDArray[np.bool_]]:
    """Return the difference pictures, (n, size, size), and which expressions have one; read once."""
    data = recipe.data
    mark = fingerprint(f"{data.size_px} {data.gain} {expressions}", ())
    if kept.is_file():
        with np.load(kept) as file:
            if str(file["fingerprint"]) == mark:
                return file["pictures"], file["read"]
    places: dict[Path, list[int]] = {}
    for number, each in enumerate(expressions):
        places.setdefault(each.path, []).append(number)
    found: list[Pictures | None] = [None] * len(expressions)
    done = 0
    with Pipeline(load_settings()) as pipeline:
        for path, numbers in places.items():
            of_path = _pictures(path, [expressions[number] for number in numbers], recipe, pipeline)
            for number, picture in zip(numbers, of_path, strict=True):
                found[number] = picture
            done += len(numbers)
            report(done / len(expressions))
    pictures = [each for each in found if each is not None]
    read = np.array([each is not None for each in found])
    shape = (len(pictures), data.size_px, data.size_px)
    stacked = np.array(pictures, np.uint8).reshape(shape)
    with written_whole(kept) as temporary, temporary.open("wb") as opened:
        np.savez(opened, fingerprint=mark, pictures=stacked, read=read)
    return stacked, read


def _pictures(
    path: Path, expressions: Sequence[MicroExpression], recipe: MicroRecipe, pipeline: Pipeline
) -> list[Pictures | None]:
    """Return the pictures of the expressions in one film, or in one folder of frames."""
    size_px, gain = recipe.data.size_px, recipe.data.gain
    if path.is_file():
        moments = [(each.onset, each.apex) for each in expressions]
        return differences_in_film(path, moments, pipeline=pipeline, size_px=size_px, gain=gain)
    frames = [(frame_in(path, each.onset), frame_in(path, each.apex)) for each in expressions]
    return [
        None
        if onset is None or apex is None
        else difference_of_pictures(onset, apex, pipeline=pipeline, size_px=size_px, gain=gain)
        for onset, apex in frames
    ]


class _Learner:
    """One network that begins anew for each fold, so that it is built and compiled once."""

    def __init__(self, recipe: MicroRecipe) -> None:
        keras = load_keras()
        keras.utils.set_random_seed(recipe.seed)
        self.recipe = recipe
        self.model = recipe.network.build(
            size_px=recipe.data.size_px, classes=len(MICRO_CLASSES), votes=False
        )
        for layer in self.model.layers:
            if hasattr(layer, "momentum"):
                layer.momentum = _MOMENTUM
        self._first: list[NDArray[Any]] = self.model.get_weights()

    def learn(self, pictures: Pictures, truth: NDArray[np.int64], fold: int) -> None:
        """Learn from the beginning; rare classes count as much as common ones."""
        keras, fit, seed = load_keras(), self.recipe.fit, self.recipe.seed
        keras.utils.set_random_seed(seed + 1 + fold)
        self.model.set_weights(self._first)
        steps = fit.epochs * -(-len(truth) // fit.batch)
        rate = keras.optimizers.schedules.CosineDecay(fit.learning_rate, steps)
        self.model.compile(
            keras.optimizers.AdamW(rate, weight_decay=fit.weight_decay),
            {"logits": keras.losses.CategoricalCrossentropy(from_logits=True)},
        )
        counts = np.bincount(truth, minlength=len(MICRO_CLASSES))
        weight = len(truth) / np.maximum(counts, 1) / np.count_nonzero(counts)
        random = np.random.default_rng([seed, fold])
        for _ in range(fit.epochs):
            for chosen in _batches(len(truth), fit.batch, random):
                seen = prepared(varied(pictures[chosen], fit.shift_px, random))
                right = np.eye(len(MICRO_CLASSES), dtype=np.float32)[truth[chosen]]
                weights = weight[truth[chosen]].astype(np.float32)
                self.model.train_on_batch(seen, {"logits": right}, sample_weight={"logits": weights})

    def say(self, pictures: Pictures) -> NDArray[np.int64]:
        """Return the class of each picture."""
        logits = np.asarray(self.model.predict_on_batch(prepared(pictures))["logits"])
        return np.asarray(logits.argmax(axis=1), np.int64)


def _batches(count: int, size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield all places once, in batches of about one size, none of a single picture."""
    order = random.permutation(count)
    yield from np.array_split(order, max(1, round(count / size)))


def varied(pictures: Pictures, shift_px: int, random: np.random.Generator) -> Pictures:
    """Mirror half of the pictures, and move all of them a little."""
    mirrored = random.random(len(pictures)) < 0.5
    found = np.where(mirrored[:, None, None], pictures[:, :, ::-1], pictures)
    for number, (down, right) in enumerate(random.integers(-shift_px, shift_px + 1, (len(pictures), 2))):
        found[number] = np.roll(found[number], (down, right), axis=(0, 1))
    return np.asarray(found, np.uint8)


def _left_out_once(
    learner: _Learner,
    pictures: Pictures,
    truth: NDArray[np.int64],
    people: NDArray[np.str_],
    folder: Path,
    say: Say,
    report: Callable[[float], None],
) -> NDArray[np.int64]:
    """Return what is said of each picture by a network that has not seen its person."""
    order, path = np.unique(people), folder / CHECKPOINT
    mark = fingerprint(learner.recipe.model_dump_json(), (pictures, truth, np.char.encode(people, "utf-8")))
    state, said = LoopState(mark), np.full(len(truth), -1, np.int64)
    if path.exists():
        state, arrays = load_checkpoint(path, mark)
        said = arrays["said"][0]
    for fold, person in enumerate(order[state.epoch :], start=state.epoch):
        out = people == person
        learner.learn(pictures[~out], truth[~out], fold)
        said[out] = learner.say(pictures[out])
        state.epoch = fold + 1
        save_checkpoint(path, state, {"said": [said]})
        say(
            f"{person} left out: {np.count_nonzero(said[out] == truth[out])} of {np.count_nonzero(out)} right"
        )
        report((fold + 1) / len(order))
    return said


def megc_figures(truth: NDArray[np.int64], said: NDArray[np.int64], people: NDArray[np.str_]) -> MicroFigures:
    """Compute UF1 and UAR from pooled counts, over the classes that occur.

    Source: See, Yap, Li, Hong, Wang (2019), MEGC 2019, https://doi.org/10.1109/FG.2019.8756611.
    """
    scores: list[float] = []
    recall: dict[str, float | None] = {}
    for place, name in enumerate(MICRO_CLASSES):
        there, told = truth == place, said == place
        right = np.count_nonzero(there & told)
        recall[name] = float(right / np.count_nonzero(there)) if there.any() else None
        if there.any():
            scores.append(float(2 * right / (np.count_nonzero(there) + np.count_nonzero(told))))
    known = [value for value in recall.values() if value is not None]
    return MicroFigures(
        len(truth), len(set(people.tolist())), float(np.mean(scores)), float(np.mean(known)), recall
    )


def _write(
    model: Any,
    recipe: MicroRecipe,
    folder: Path,
    pictures: Pictures,
    figures: dict[str, MicroFigures],
    data: TrainedOn,
) -> Path:
    size_px, path = recipe.data.size_px, folder / f"{recipe.name}.onnx"
    plain = recipe.network.build(
        size_px=size_px, classes=len(MICRO_CLASSES), votes=False, layout="channels_last"
    )
    copy_weights(model, plain)
    write_network(plain, path, name=recipe.name, labels=MICRO_CLASSES, images=pictures[:64])
    sidecar = Sidecar(
        name=recipe.name, description=recipe.description, labels=MICRO_CLASSES,
        input=NetworkInput(size_px=size_px, framing="difference", gain=recipe.data.gain),
        sha256=sha256_of(path), parameters=plain.count_params(),
        data=(data,), metrics={"left out": {"uf1": figures["all"].uf1, "uar": figures["all"].uar}},
        licence=data.terms, versions=versions(), created=datetime.now(UTC).replace(microsecond=0),
    )  # fmt: skip
    write_sidecar(sidecar_path(path), sidecar)
    write_text(folder / "MODEL_CARD.md", card(sidecar, figures))
    return path


def card(sidecar: Sidecar, figures: dict[str, MicroFigures]) -> str:
    """Return the model card."""
    return "\n".join(
        [
            f"# Model card: {sidecar.name}", "", sidecar.description, "",
            "It takes the difference between the onset's and the apex's face, not a face. It says which of",
            "three groups of labels the movement resembles, not what somebody feels or hides.", "",
            *(f"- trained on {each.name}; terms: {each.terms}" for each in sidecar.data), "",
            "## Figures on people who were left out", "",
            "Each person was left out once; the counts of all folds are pooled. The network in this folder",
            "has learnt from everybody.", "", *figures_table(figures), "",
        ]
    )  # fmt: skip


def figures_table(figures: dict[str, MicroFigures]) -> list[str]:
    """Return a Markdown table, a row for each data set."""
    lines = [
        "| data | UF1 | UAR | negative | positive | surprise | clips | people |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, each in figures.items():
        cells = ["" if value is None else f"{value:.0%}" for value in each.recall.values()]
        shown = " | ".join(cells)
        lines.append(f"| {name} | {each.uf1:.3f} | {each.uar:.3f} | {shown} | {each.count} | {each.people} |")
    return lines
