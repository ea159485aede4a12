"""The made crowds and venues of `benchmarks/`, which is no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

_FOLDER = Path(__file__).parents[2] / "benchmarks"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


made_crowds = _load("made_crowds")
made_venue = _load("made_venue")  # which imports the former


def crowd_picture(
    shared: Path, size_wh: tuple[int, int], count: int, px: tuple[float, float], smiles: float, seed: int = 0
) -> tuple[NDArray[np.uint8], list[object]]:
    """Draw so many people, of whom some smile; the people come with their places."""
    london = shared / "data" / "people" / "london"
    faces = tuple(made_crowds.portraits(london, kind, 5) for kind in ("neutral", "smiling"))
    random = np.random.default_rng(seed)
    people = made_crowds.people(size_wh, count, px, len(faces[0]), random)
    smiling = np.arange(len(people)) < smiles * len(people)
    return made_crowds.picture(size_wh, people, smiling, faces, seed), people
