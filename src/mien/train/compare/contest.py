"""Train or load all that is compared, measure it on the same faces, and write what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx

from mien.errors import ConfigError, DatasetError, ModelError
from mien.expression.circumplex import valence_arousal
from mien.expression.network import Answers, OnnxNetwork, built_in_networks, find_network, load_network
from mien.expression.sidecar import Effort
from mien.labels import EMOTIONS, FER2013
from mien.train.compare.plan import CONTESTANTS, SHIPPED, Contestant
from mien.train.data import FaceSet, load_dataset
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.evaluation import evaluate_answers
from mien.train.evaluate.metrics import in_emotion_order, kl_to_votes
from mien.train.evaluate.outputs import HeadAnswers, heads_of
from mien.train.evaluate.validation import affect_figures
from mien.train.export.int8 import fastest_ms
from mien.train.export.to_onnx import multiply_adds
from mien.train.finish import Say
from mien.train.fit import Report
from mien.train.networks import mobilenet
from mien.train.recipe import JointRecipe
from mien.train.run import is_finished
from mien.train.run import train as train_recipe

PART = "PublicTest"
"""The part of FER-2013 that is only reported."""

Watch = Callable[[str], AbstractContextManager[Report]]


@dataclass(frozen=True)
class Entry:
    """A network in the comparison.

    Attributes:
        name: the contestant's, or of a network that came with Mien or from the user.
        seed: of the run; None for a network that is taken as it is.
        path: the .onnx file.
    """

    name: str
    seed: int | None
    path: Path


@dataclass(frozen=True)
class Row:
    """A network and its figures."""

    entry: Entry
    measured: Measured

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a flat dictionary, for JSON and CSV."""
        return {"network": self.entry.name, "seed": self.entry.seed, **self.measured.as_dict()}


def chosen_contestants(only: Sequence[str]) -> tuple[Contestant, ...]:
    """Return the contestants of these names; all where there are none.

    Raises:
        ConfigError: a name is none of theirs.
    """
    by_name = {each.name: each for each in CONTESTANTS}
    if unknown := [name for name in only if name not in by_name]:
        raise ConfigError(f"no network {', '.join(unknown)}; expected one of {', '.join(by_name)}")
    return tuple(by_name[name] for name in only) or CONTESTANTS


def runs(
    contestants: Sequence[Contestant],
    seeds: Sequence[int],
    data: Path,
    *,
    folder: Path,
    train: bool,
    landmarks: Path | None = None,
    watch: Watch = lambda name: nullcontext(lambda progress: None),
    say: Say = lambda line: None,
    **options: Any,
) -> Iterator[Entry]:
    """Train each contestant once with each seed; what is finished is taken as it is.

    Each has its own folder, NAME-SEED. All with one seed come before the next seed, so that an interrupted
    comparison is fair as far as it came.

    Args:
        contestants: who.
        seeds: of the runs.
        data: FER-2013 in any form that `datasets.load_dataset` reads.
        folder: that holds the runs' folders.
        train: False leaves out what is not finished.
        landmarks: landmarks of the faces, for recipes that learn them.
        watch: called with a run's name; returns what is told of its epochs.
        say: called with one line for each step.
        options: `votes`, `weights` and `terms`, as `run.train` takes them.

    Yields:
        The finished runs' networks.

    Raises:
        MienError: as `run.train`; ImageNet's weights are looked for before the first run.
    """
    wanted = [
        (each.recipe_for(seed), Entry(each.name, seed, folder / f"{each.name}-{seed}" / f"{each.name}.onnx"))
        for seed in seeds
        for each in contestants
    ]
    missing = [entry for recipe, entry in wanted if not is_finished(recipe, data, entry.path.parent)]
    if train and any(recipe.network.from_imagenet for recipe, entry in wanted if entry in missing):
        mobilenet.read_imagenet(options.get("weights"))  # not to fail after an hour
    for recipe, entry in wanted:
        place = entry.path.parent
        if entry in missing and not train:
            say(f"{place.name}: not trained yet, left out")
            continue
        if entry in missing:
            points = landmarks if isinstance(recipe, JointRecipe) else None
            with watch(place.name) as report:
                train_recipe(recipe, data, folder=place, landmarks=points, say=say, report=report, **options)
        yield entry


def shipped() -> list[str]:
    """Name the networks that come with Mien, of those that are compared."""
    return [name for name in SHIPPED if name in built_in_networks()]


def as_they_are(networks: Sequence[str]) -> list[Entry]:
    """Return networks that nothing is done to, under the shortest names that tell them apart.

    Args:
        networks: built-in names or paths of .onnx files.

    Raises:
        ModelError: there is no such network.
    """
    paths = [find_network(name) for name in networks]
    stems = [path.stem for path in paths]
    names = [stem if stems.count(stem) == 1 else name for stem, name in zip(stems, networks, strict=True)]
    return [Entry(name, None, path) for name, path in zip(names, paths, strict=True)]


def public_faces(data: Path, *, size_px: int = 48, votes: Path | None = None) -> FaceSet:
    """Read the faces that all are measured on.

    Raises:
        DatasetError: the data can't be read, or has no part `PART`.
    """
    faces = load_dataset(data, size_px=size_px, votes=votes)
    chosen = faces.usage == PART
    if not chosen.any():
        there = ", ".join(sorted({str(name) for name in np.unique(faces.usage)} - {""})) or "no parts"
        raise DatasetError(f"{data}: expected FER-2013 with its part {PART}; it has {there}")
    return faces.take(chosen)


def compare(entries: Sequence[Entry], faces: FaceSet, *, flips: bool = False) -> list[Row]:
    """Measure all on the same faces.

    Args:
        entries: the networks.
        faces: see `public_faces`.
        flips: average the answers to each face and to its mirror image.

    Raises:
        ModelError: a network can't be read.
    """
    measured = measure([entry.path for entry in entries], faces, flips=flips)
    return [Row(entry, found) for entry, found in zip(entries, measured, strict=True)]


_NAMES: Final = {
    "right, 7 classes": "accuracy",
    "macro-F1, 7 classes": "macro_f1",
    "calibration error, 7 classes": "calibration_error",
    "right, the paper's 5 classes": "accuracy_5",
    "macro-F1, the paper's 5 classes": "macro_f1_5",
    "FER+, its rule": "ferplus",
    "FER+, all": "ferplus_all",
}


@dataclass(frozen=True)
class Measured:
    """One network's figures.

    Attributes:
        figures: shares from 0 to 1: `accuracy`, `macro_f1` and `calibration_error` on FER-2013's seven
            classes, `accuracy_5` and `macro_f1_5` on the paper's five, `ferplus` by FER+'s rule,
            `ferplus_all`; in nats `kl`, see `kl_of_seven`; from -1 to 1 `ccc_valence` and `ccc_arousal`. What
            the data has no labels for is missing.
        parameters: how many numbers were learned.
        multiply_adds: for one face.
        size_bytes: of the file.
        milliseconds: for one face on one core; the fastest of many runs.
        effort: what its training took, where that was counted.
    """

    figures: Mapping[str, float]
    parameters: int
    multiply_adds: int
    size_bytes: int
    milliseconds: float
    effort: Effort | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a flat dictionary, for JSON and CSV; None where something is not known."""
        return {
            **self.figures,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "size_bytes": self.size_bytes,
            "milliseconds": self.milliseconds,
            "epochs": self.effort.epochs if self.effort else None,
            "core_minutes": self.effort.core_minutes if self.effort else None,
        }


def measure(networks: Sequence[Path], faces: FaceSet, *, flips: bool = False) -> list[Measured]:
    """Measure networks on the same faces, and time them by turns.

    Args:
        networks: .onnx files with their sidecars.
        faces: of FER-2013.
        flips: average the answers to each face and to its mirror image.

    Returns:
        One for each network, in their order.

    Raises:
        DatasetError: the faces have other labels than FER-2013's.
        ModelError: a network can't be read, or takes crops of another size.
    """
    if set(faces.labels) != set(FER2013):
        received = ", ".join(faces.labels)
        raise DatasetError(f"expected FER-2013's classes {', '.join(FER2013)}, received {received}")
    loaded = [load_network(path) for path in networks]
    side_px = faces.images.shape[1]
    for path, network in zip(networks, loaded, strict=True):
        if network.sidecar.size_px != side_px:
            raise ModelError(
                f"{path}: takes crops of {network.sidecar.size_px} pixels, but all are compared on {side_px};"
                " measure it with mien evaluate"
            )
    graphs = [path.read_bytes() for path in networks]
    times_ms = fastest_ms(graphs, faces.images[:1])
    return [
        _measured(network, graph, faces, flips, milliseconds)
        for network, graph, milliseconds in zip(loaded, graphs, times_ms, strict=True)
    ]


def _measured(
    network: OnnxNetwork, graph: bytes, faces: FaceSet, flips: bool, milliseconds: float
) -> Measured:
    answers = answer_all(network, faces.images, flips=flips)
    found = evaluate_answers(network, answers, faces)
    # A figure's name ends with the answer that it judges: "right, 7 classes (fer2013)".
    by_name = {figure.name.partition(" (")[0]: figure.value for figure in found.figures}
    figures = {ours: by_name[name] for name, ours in _NAMES.items() if name in by_name}
    expression = heads_of(network.sidecar, answers)[0]
    return Measured(
        figures=figures | _against_votes(expression, answers, faces),
        parameters=network.sidecar.parameters,
        multiply_adds=multiply_adds(onnx.load_from_string(graph)),
        size_bytes=len(graph),
        milliseconds=milliseconds,
        effort=network.sidecar.effort,
    )


def _against_votes(head: HeadAnswers, answers: Answers, faces: FaceSet) -> dict[str, float]:
    if faces.votes is None:
        return {}
    shares = in_emotion_order(head.shares, head.labels)
    affect = valence_arousal(shares) if answers.affect is None else answers.affect
    return {"kl": kl_of_seven(head, faces), **affect_figures(np.asarray(affect, np.float32), faces)}


def kl_of_seven(head: HeadAnswers, faces: FaceSet) -> float:
    """Return the divergence from the votes over FER-2013's seven classes, which every network knows.

    Contempt is taken out of votes and answers, and both are renormalised; see `metrics.kl_to_votes`.
    """
    contempt = EMOTIONS.index("contempt")
    answers, votes = in_emotion_order(head.shares, head.labels), np.array(faces.votes)
    answers[:, contempt], votes[:, contempt] = 0, 0
    return kl_to_votes(answers / answers.sum(axis=1, keepdims=True), votes)
