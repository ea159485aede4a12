"""Train or load all that is compared, measure it on the same faces, and write what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import ConfigError, DatasetError
from mien.expression.network import built_in_networks, find_network
from mien.train.comparison.measured import Measured, measure
from mien.train.comparison.plan import CONTESTANTS, SHIPPED, Contestant
from mien.train.datasets import FaceSet, load_dataset
from mien.train.joint.recipe import JointRecipe
from mien.train.loop import Report
from mien.train.networks import mobilenet
from mien.train.run import Say
from mien.train.run_folder import is_finished
from mien.train.start import start

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
        """Give everything as a flat dictionary, for JSON and CSV."""
        return {"network": self.entry.name, "seed": self.entry.seed, **self.measured.as_dict()}


def chosen_contestants(only: Sequence[str]) -> tuple[Contestant, ...]:
    """Give the contestants of these names; all where there are none.

    Raises:
        ConfigError: a name is none of theirs.
    """
    by_name = {each.name: each for each in CONTESTANTS}
    if unknown := [name for name in only if name not in by_name]:
        raise ConfigError(f"no contestant {', '.join(unknown)}; there are {', '.join(by_name)}")
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
        watch: called with a run's name; gives what is told of its epochs.
        say: called with one line for each step.
        options: `votes`, `weights` and `terms`, as `run.train` takes them.

    Yields:
        The finished runs' networks.

    Raises:
        MienError: as `start.start`; ImageNet's weights are looked for before the first run.
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
                start(recipe, data, folder=place, landmarks=points, say=say, report=report, **options)
        yield entry


def shipped() -> list[str]:
    """Name the networks that come with Mien, of those that are compared."""
    return [name for name in SHIPPED if name in built_in_networks()]


def as_they_are(networks: Sequence[str]) -> list[Entry]:
    """Give networks that nothing is done to, under the shortest names that tell them apart.

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
